/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The figures that run folders share, from what was loaded of them once.
 */
#ifndef LAM_REPORT_PLOT_RUNS_H
#define LAM_REPORT_PLOT_RUNS_H

#include "lamina/run_history.h"
#include "report/plotter.h"

/** Paths whose curves one figure overlays. */
#define LAM_PLOT_OVERLAID LAM_CHART_COLORS

/** A path given, and what tells it from the others in legends. */
typedef struct lam_plotted_run {
    lam_run_set set;
    char label[96];
} lam_plotted_run;

/** The last part of a path, for labels. */
void lam_plot_name_place(const char *path, char *ret_name, size_t bytes);

/** CURVES of up to LAM_PLOT_OVERLAID paths in one figure; none where nothing was measured. */
LAM_MUST_USE lam_status lam_plot_curves(lam_plotter *plotter, const lam_plotted_run *runs,
                                        size_t count);

/** SENSITIVITY: a figure for each recipe that was trained from several initial deviations. */
LAM_MUST_USE lam_status lam_plot_sensitivity(lam_plotter *plotter, const lam_plotted_run *runs,
                                             size_t count);

#endif
