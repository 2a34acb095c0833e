/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plot_bench.h"

#include "lamina/plot.h"

/* Which array of a document says what. */
static const struct {
    const char *key;
    lam_plot_kind kind;
    lam_bench_drawer *draw;
} drawers[] = {
    {"sizes", LAM_PLOT_KIND_THROUGHPUT, lam_plot_sizes},
    {"products_gflops", LAM_PLOT_KIND_SHAPES, lam_plot_products_gflops},
    {"networks", LAM_PLOT_KIND_SHAPES, lam_plot_networks},
    {"scaling", LAM_PLOT_KIND_SHAPES, lam_plot_scaling},
    {"rows", LAM_PLOT_KIND_PEERS, lam_plot_rows},
};

static lam_status draw_all(lam_plotter *plotter, const lam_bench_document *document,
                           lam_plot_kinds kinds)
{
    bool is_empty = true;
    for (size_t i = 0; i < sizeof drawers / sizeof drawers[0]; i++) {
        const json_t *rows = lam_bench_document_get_rows(document, drawers[i].key);
        if (!rows)
            continue;
        is_empty = false;
        if (kinds & LAM_PLOT_BIT(drawers[i].kind))
            LAM_TRY(drawers[i].draw(plotter, document, rows));
    }
    return is_empty ? lam_bench_document_reject(
                          document, "none of sizes, products_gflops, networks, scaling and "
                                    "rows is there, or nothing in it")
                    : LAM_STATUS_OK;
}

lam_status lam_plot_bench(lam_context *context, const char *path, lam_plot_kinds kinds,
                          const lam_figure_options *options, lam_figure_list *list)
{
    lam_bench_document document;
    lam_plotter plotter = lam_plotter_start(context, options, list);
    LAM_TRY(lam_bench_document_open(context, path, &document));
    lam_status status = draw_all(&plotter, &document, kinds);
    lam_bench_document_close(&document);
    return lam_plotter_finish(&plotter, status);
}
