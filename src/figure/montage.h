/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Many small pictures of one size on one sheet, each with words beneath it.
 */
#ifndef LAM_FIGURE_MONTAGE_H
#define LAM_FIGURE_MONTAGE_H

#include "figure/chart.h"

/** One picture. */
typedef struct lam_tile {
    const uint8_t *rgb; /* u8[tile_height, tile_width, 3], borrowed; NULL: an empty place */
    const char *label;  /* up to two short lines; NULL: none */
} lam_tile;

typedef struct lam_montage {
    lam_figure figure;
    const lam_table *table; /* one row for each tile: what is known of it */
    uint32_t tile_width, tile_height, magnification; /* each pixel becomes a square */
    size_t columns;
    const lam_tile *tiles;
    size_t tile_count;
    const char *const *row_names; /* left of each row of tiles; NULL: none */
} lam_montage;

/** Writes <name>-sheet.png and a chart around it. Errors: as lam_chart_save(). */
LAM_MUST_USE lam_status lam_montage_save(lam_context *context, const lam_montage *montage,
                                         const lam_figure_options *options,
                                         lam_figure_list *list);

#endif
