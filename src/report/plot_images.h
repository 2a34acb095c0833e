/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The kinds of figures that predictions give, each into files of its own.
 */
#ifndef LAM_REPORT_PLOT_IMAGES_H
#define LAM_REPORT_PLOT_IMAGES_H

#include "lamina/plot.h"
#include "report/plotter.h"
#include "report/run_label.h"

#define LAM_MOST_PROBABILITIES 4 /* runs side by side */

/** Errors: those of lam_plot_images(), but for NO_RENDERER, which the plotter keeps. */
LAM_MUST_USE lam_status lam_plot_confusion(lam_plotter *plotter,
                                           const lam_plot_predictions *run);
/** Of up to LAM_MOST_PROBABILITIES runs. */
LAM_MUST_USE lam_status lam_plot_probabilities(lam_plotter *plotter,
                                               const lam_plot_predictions *runs, size_t count);
LAM_MUST_USE lam_status lam_plot_confident(lam_plotter *plotter,
                                           const lam_plot_predictions *run,
                                           const lam_dataset *dataset);

#endif
