/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The kinds of figures that studies have. Each function draws one, or nothing where the study
 * has nothing to show for it. Errors: as lam_plotter_save().
 */
#ifndef LAM_REPORT_PLOT_STUDIES_H
#define LAM_REPORT_PLOT_STUDIES_H

#include "report/plotted_study.h"

/** Studies of one parameter and objective are overlaid; others have figures of their own. */
LAM_MUST_USE lam_status lam_plot_searches(lam_plotter *plotter,
                                          const lam_plotted_study *studies, size_t count);
LAM_MUST_USE lam_status lam_plot_history(lam_plotter *plotter, const lam_plotted_study *study);
LAM_MUST_USE lam_status lam_plot_slice(lam_plotter *plotter, const lam_plotted_study *study);
LAM_MUST_USE lam_status lam_plot_contour(lam_plotter *plotter, const lam_plotted_study *study);
LAM_MUST_USE lam_status lam_plot_parallel(lam_plotter *plotter, const lam_plotted_study *study);
LAM_MUST_USE lam_status lam_plot_importance(lam_plotter *plotter,
                                            const lam_plotted_study *study);
LAM_MUST_USE lam_status lam_plot_halving(lam_plotter *plotter, const lam_plotted_study *study);

#endif
