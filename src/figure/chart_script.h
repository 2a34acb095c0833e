/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Parts of the gnuplot script of a chart.
 */
#ifndef LAM_FIGURE_CHART_SCRIPT_H
#define LAM_FIGURE_CHART_SCRIPT_H

#include "figure/chart_plan.h"

/** Appends 'text', shortened to `ems`. */
void lam_script_append_text(lam_strbuf *script, const char *text, double ems);

/** Text at a place in pixels; `how` is the rest of gnuplot's command. */
void lam_script_write_label(lam_strbuf *script, const lam_chart_plan *plan, const char *text,
                            double ems, double x, double y, const char *how);

/** All of one panel. */
void lam_script_write_panel(lam_strbuf *script, const lam_chart_plan *plan, size_t panel);

#endif
