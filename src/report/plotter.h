/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What figures of one call have in common: where they go, names of their own, and texts that
 * fit.
 */
#ifndef LAM_REPORT_PLOTTER_H
#define LAM_REPORT_PLOTTER_H

#include "figure/montage.h"

typedef struct lam_plotter {
    lam_context *context;
    const lam_figure_options *options;
    lam_figure_list *list;
    bool lacks_renderer;
} lam_plotter;

lam_plotter lam_plotter_start(lam_context *context, const lam_figure_options *options,
                              lam_figure_list *list);

/** Names a figure "stem-kind", or "stem-kind-2" .. where the list has one of that name. */
void lam_plotter_name_figure(const lam_plotter *plotter, const char *stem, const char *kind,
                             lam_figure *figure);

/** Saves the chart or montage. Without a renderer the data and scripts of this and of all later
 * figures are still written, and lam_plotter_finish() tells. Errors: as lam_chart_save(),
 * without NO_RENDERER. */
LAM_MUST_USE lam_status lam_plotter_save(lam_plotter *plotter, const lam_chart *chart);
LAM_MUST_USE lam_status lam_plotter_save_montage(lam_plotter *plotter,
                                                 const lam_montage *montage);

/** `status`, or NO_RENDERER where all went well but that. */
LAM_MUST_USE lam_status lam_plotter_finish(const lam_plotter *plotter, lam_status status);

/** The name of a file without its folder and its last suffix; and the same for titles and
 * legends, shortened if it is long. */
void lam_plot_find_stem(const char *path, char *ret_stem, size_t bytes);
void lam_plot_find_title(const char *path, char *ret_title, size_t bytes);

/** Writes a text of a figure; one that is too long ends in "..", never within a character. */
void lam_plot_write(char *ret_text, size_t bytes, const char *format, ...) LAM_PRINTF(3, 4);

/** Four digits of a number, which say enough in a figure: "1.209e-5"; "" for none. */
#define LAM_PLOT_NUMBER_BYTES 64
void lam_plot_write_number(double value, char ret_text[LAM_PLOT_NUMBER_BYTES]);

/** At most so many characters of a text; of a longer one the beginning and "…". */
void lam_plot_shorten(const char *text, size_t characters, char *ret_text, size_t bytes);

#endif
