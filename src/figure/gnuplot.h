/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * gnuplot as another process.
 */
#ifndef LAM_FIGURE_GNUPLOT_H
#define LAM_FIGURE_GNUPLOT_H

#include "figure/chart.h"

/** Runs the script <name>.gp of a folder, which draws the pictures of these formats; they get
 * their names when all are whole, and those that are not drawn are removed, since they show
 * older data. Blocks, a minute at most, or until a stop is requested.
 * Errors: NO_RENDERER (gnuplot is missing, or what it complained of), BAD_OUTPUT, INTERRUPTED.
 */
LAM_MUST_USE lam_status lam_gnuplot_draw(lam_context *context, const char *name,
                                         const lam_figure_options *options);

#endif
