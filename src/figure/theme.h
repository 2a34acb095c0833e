/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The colours of each theme.
 */
#ifndef LAM_FIGURE_THEME_H
#define LAM_FIGURE_THEME_H

#include "figure/chart.h"

/** As gnuplot and CSS write colours: "#rrggbb". */
typedef struct lam_theme_colors {
    const char *background, *text, *muted, *faint, *grid;
    const char *series[LAM_CHART_COLORS];
    const char *scale; /* of colours, from the lowest value on, as gnuplot's palette */
    double light_from; /* share of the scale from which on words are black, not white */
} lam_theme_colors;

/** Borrowed, of the program's lifetime. */
const lam_theme_colors *lam_theme_get_colors(lam_theme theme);

#endif
