/* SPDX-License-Identifier: Apache-2.0 */
/* Benchmarks that become dots in rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/dots.h"
#include "report/plot_bench.h"

/* Puts one element of an array into the dots; false where they have no more room. `peak` is
 * the device's, in GFLOP/s. */
typedef bool dots_adder(lam_dots *dots, const json_t *element, double peak);

typedef struct dots_figure {
    const char *kind, *what, *note;
    const char *missing; /* where there is not a single dot */
    dots_adder *add;
    lam_dots_words words;
} dots_figure;

static lam_status draw(lam_plotter *plotter, const lam_bench_document *document,
                       const json_t *elements, const dots_figure *figure)
{
    const double peak =
        lam_json_get_number(json_object_get(document->json, "limits"), "fma_gflops");
    lam_figure words = {0};
    lam_status status = LAM_STATUS_OK;
    bool has_room = true;
    lam_dots *dots = lam_dots_create();
    if (!dots)
        return lam_fail_memory(plotter->context, "a figure", sizeof *dots);
    for (size_t i = 0; i < json_array_size(elements); i++)
        has_room &= figure->add(dots, json_array_get(elements, i), peak);
    lam_bench_document_describe(document, plotter, figure->kind, figure->what, figure->note,
                                &words);
    if (!has_room)
        status = lam_bench_document_reject(document, "more than a figure has room for");
    else if (!lam_dots_has_value(dots))
        status = lam_bench_document_reject(document, figure->missing);
    else
        status = lam_dots_save(dots, &figure->words, plotter, &words);
    free(dots);
    return status;
}

/* ---- products ---- */

/* Whatever else has a number in a product's row is a candidate. */
static bool is_candidate(const char *key)
{
    return strcmp(key, "rows") != 0 && strcmp(key, "in") != 0 && strcmp(key, "out") != 0;
}

/* Gradients by the names that formulas have for them. */
static const char *shorten_product(const char *name)
{
    static const char *const names[][2] = {{"backward_input", "dx"},
                                           {"backward_weights", "dW"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], name) == 0)
            return names[i][1];
    return name;
}

static bool add_product(lam_dots *dots, const json_t *product, double peak)
{
    char row[128];
    const char *key;
    json_t *value;
    bool has_room = true;
    lam_plot_write(row, sizeof row, "%s %g × %g × %g%s",
                   shorten_product(lam_json_get_text(product, "product")),
                   lam_json_get_number(product, "rows"), lam_json_get_number(product, "in"),
                   lam_json_get_number(product, "out"),
                   json_is_true(json_object_get(product, "gathers")) ? " bytes" : "");
    json_object_foreach((json_t *)product, key, value)
    {
        const double percent = 100 * json_number_value(value) / peak;
        if (is_candidate(key) && json_is_number(value))
            has_room &= lam_dots_add(dots, row, key, (lam_dot){percent, NAN, NAN});
    }
    return has_room;
}

lam_status lam_plot_products_gflops(lam_plotter *plotter, const lam_bench_document *document,
                                    const json_t *rows)
{
    const dots_figure figure = {
        .kind = "shapes",
        .what = "percent of the peak by product and candidate",
        .note =
            "Matrix products of training, rows × in × out, and those of gradients dx of the "
            "input and dW of the weights; of bytes in a first layer, which reads the data set.",
        .missing = "products_gflops lacks times of candidates, or limits lacks fma_gflops",
        .add = add_product,
        .words = {"product", "candidate", "percent_of_fma_peak", "percent of the FMA peak", 100,
                  NAN}};
    return draw(plotter, document, rows, &figure);
}

/* ---- networks ---- */

static bool add_network(lam_dots *dots, const json_t *network, double peak)
{
    char row[128], series[64];
    const double members = lam_json_get_number(network, "members");
    const double percent = 100 * lam_json_get_number(network, "gflops") / peak;
    lam_plot_write(row, sizeof row, "%s%s", lam_json_get_text(network, "net"),
                   json_is_true(json_object_get(network, "batch_norm")) ? ":bn" : "");
    lam_plot_write(series, sizeof series, members > 1 ? "batch %g, %g at once" : "batch %g",
                   lam_json_get_number(network, "batch"), members);
    return lam_dots_add(dots, row, series, (lam_dot){percent, NAN, NAN});
}

lam_status lam_plot_networks(lam_plotter *plotter, const lam_bench_document *document,
                             const json_t *rows)
{
    const dots_figure figure = {
        .kind = "networks",
        .what = "percent of the peak by network and batch",
        .note = "Useful operations of whole training steps; bn: with batch normalization.",
        .missing = "networks lacks gflops, or limits lacks fma_gflops",
        .add = add_network,
        .words = {"network", "batch", "percent_of_fma_peak", "percent of the FMA peak", 100,
                  NAN}};
    return draw(plotter, document, rows, &figure);
}

/* ---- scaling ---- */

static bool add_cell(lam_dots *dots, const json_t *cell, double peak)
{
    char row[128], series[64];
    (void)peak;
    lam_plot_write(row, sizeof row, "3072-%g-10", lam_json_get_number(cell, "width"));
    lam_plot_write(series, sizeof series, "batch %g", lam_json_get_number(cell, "batch"));
    const double percent = 100 / lam_json_get_number(cell, "ratio");
    return lam_dots_add(dots, row, series, (lam_dot){percent, NAN, NAN});
}

lam_status lam_plot_scaling(lam_plotter *plotter, const lam_bench_document *document,
                            const json_t *rows)
{
    const dots_figure figure = {
        .kind = "scaling",
        .what = "speed by width and batch",
        .note = "100 %: a step that takes max(operations / peak, bytes / copy) + launches × "
                "launch cost.",
        .missing = "scaling lacks ratio",
        .add = add_cell,
        .words = {"network", "batch", "percent_of_possible_speed",
                  "percent of what the device could do", 100, NAN}};
    return draw(plotter, document, rows, &figure);
}

/* ---- peers ---- */

static bool add_peers(lam_dots *dots, const json_t *element, double peak)
{
    char row[128];
    const char *name;
    json_t *ratio;
    bool has_room = true;
    (void)peak;
    lam_plot_write(row, sizeof row, "%s:%g%s", lam_json_get_text(element, "net"),
                   lam_json_get_number(element, "batch"),
                   json_is_true(json_object_get(element, "batch_norm")) ? ":bn" : "");
    json_object_foreach(json_object_get(element, "ratios"), name, ratio)
    {
        const lam_dot dot = {lam_json_get_number(ratio, "median"),
                             lam_json_get_number(ratio, "minimum"),
                             lam_json_get_number(ratio, "maximum")};
        has_room &= lam_dots_add(dots, row, name, dot);
    }
    return has_room;
}

lam_status lam_plot_rows(lam_plotter *plotter, const lam_bench_document *document,
                         const json_t *rows)
{
    const dots_figure figure = {
        .kind = "peers",
        .what = "times as fast as peers",
        .note = "A peer's seconds per epoch over Lamina's, both of one round: the median of "
                "all rounds and their range; right of 1 Lamina is faster. Networks have "
                "their batch behind them; bn: with batch normalization.",
        .missing = "rows lacks ratios",
        .add = add_peers,
        .words = {"network", "peer", "times_as_fast", "times as fast as the peer", NAN, 1}};
    return draw(plotter, document, rows, &figure);
}
