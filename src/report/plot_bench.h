/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The kinds of figures that benchmarks have. Errors: BAD_DATA, and as lam_plotter_save().
 */
#ifndef LAM_REPORT_PLOT_BENCH_H
#define LAM_REPORT_PLOT_BENCH_H

#include "report/bench_document.h"

/** Draws from `rows`, an array of the document that is not empty. */
typedef lam_status lam_bench_drawer(lam_plotter *plotter, const lam_bench_document *document,
                                    const json_t *rows);

/* Of an array's name. */
lam_bench_drawer lam_plot_sizes;           /* lamina search bench */
lam_bench_drawer lam_plot_products_gflops; /* lamina bench */
lam_bench_drawer lam_plot_networks;        /* lamina bench */
lam_bench_drawer lam_plot_scaling;         /* lamina bench --scaling */
lam_bench_drawer lam_plot_rows;            /* tools/bench-peers */

#endif
