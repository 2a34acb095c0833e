/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "report/plot_bench.h"

/* Powers of two from 1 to 2^12, more than `lamina search bench --most` takes. */
static const char *const powers[] = {"1",   "2",   "4",   "8",    "16",   "32",  "64",
                                     "128", "256", "512", "1024", "2048", "4096"};
#define MAX_POWER (sizeof powers / sizeof powers[0] - 1)

#define SPEED "models_per_second"
/* Of the highest speed: from a point to its label. */
#define LABEL_GAP 0.06

typedef struct throughput {
    lam_table table;
    size_t members, place, speed, ratio, label_place, label;
    double highest;
} throughput;

static void add_columns(throughput *t)
{
    t->members = lam_table_add_column(&t->table, "members", LAM_CELL_NUMBER);
    t->place = lam_table_add_column(&t->table, "log2_members", LAM_CELL_NUMBER);
    t->speed = lam_table_add_column(&t->table, SPEED, LAM_CELL_NUMBER);
    t->ratio = lam_table_add_column(&t->table, "ratio_to_one", LAM_CELL_NUMBER);
    t->label_place = lam_table_add_column(&t->table, "label_place", LAM_CELL_NUMBER);
    t->label = lam_table_add_column(&t->table, "label", LAM_CELL_TEXT);
}

/* Labels stand a little above their points: placed once all speeds are known. */
static double find_highest(const json_t *rows)
{
    double highest = 0;
    for (size_t i = 0; i < json_array_size(rows); i++)
        highest = fmax(highest, lam_json_get_number(json_array_get(rows, i), SPEED));
    return highest;
}

/* Above a point, but beneath one that is lower than its neighbours, where the line is not. */
static double place_label(const throughput *t, const json_t *rows, size_t index, double speed)
{
    const double gap = LABEL_GAP * t->highest;
    const double before = lam_json_get_number(json_array_get(rows, index - 1), SPEED);
    const double behind = lam_json_get_number(json_array_get(rows, index + 1), SPEED);
    return before > speed && behind > speed && speed > 1.5 * gap ? speed - gap : speed + gap;
}

static bool add_size(throughput *t, const json_t *rows, size_t index)
{
    const json_t *size = json_array_get(rows, index);
    const double members = lam_json_get_number(size, "members");
    const double speed = lam_json_get_number(size, SPEED);
    const double ratio = lam_json_get_number(size, "ratio_to_one");
    char label[32] = "";
    if (!(members >= 1 && members <= ldexp(1, MAX_POWER)) || !(speed >= 0))
        return false;
    if (ratio > 0)
        lam_plot_write(label, sizeof label, "%.2f×", ratio);
    lam_table_add_row(&t->table);
    lam_table_set_number(&t->table, t->members, members);
    lam_table_set_number(&t->table, t->place, log2(members));
    lam_table_set_number(&t->table, t->speed, speed);
    lam_table_set_number(&t->table, t->ratio, ratio);
    lam_table_set_number(&t->table, t->label_place, place_label(t, rows, index, speed));
    lam_table_set_text(&t->table, t->label, label);
    return true;
}

static size_t find_knee(const throughput *t, const lam_bench_document *document)
{
    const double knee = lam_json_get_number(document->json, "knee");
    size_t row = 0;
    while (row < t->table.row_count && lam_table_get_number(&t->table, row, t->members) != knee)
        row++;
    return row;
}

static lam_status draw(throughput *t, lam_plotter *plotter, const lam_bench_document *document)
{
    const size_t rows = t->table.row_count, knee = find_knee(t, document);
    const lam_series line = {
        .mark = LAM_MARK_LINE, .row_count = rows, .x = t->place, .y = t->speed};
    lam_series points = line, ring = line, labels = line;
    points.mark = LAM_MARK_POINTS;
    labels.mark = LAM_MARK_LABELS;
    labels.y = t->label_place;
    labels.text = t->label;
    ring.mark = LAM_MARK_POINTS;
    ring.is_ring = true;
    ring.title = "knee: the fewest within 3 % of the fastest";
    ring.color = 1;
    ring.first_row = knee;
    ring.row_count = 1;
    const lam_series series[] = {line, points, labels, ring};
    const double last = lam_table_get_number(&t->table, rows - 1, t->place);
    const lam_panel panel = {.x = {.label = "networks side by side",
                                   .names = powers,
                                   .name_count = (size_t)ceil(last) + 1,
                                   .minimum = -0.3,
                                   .maximum = last + 0.3},
                             .y = {.label = "models trained per second",
                                   .minimum = 0,
                                   .maximum = t->highest > 0 ? 1.15 * t->highest : NAN},
                             .series = series,
                             .series_count = knee < rows ? 4 : 3};
    lam_chart chart = {.table = &t->table, .panels = &panel, .panel_count = 1};
    lam_bench_document_describe(document, plotter, "throughput",
                                "models per second against networks side by side",
                                "Labels: times the speed of one network alone.", &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_sizes(lam_plotter *plotter, const lam_bench_document *document,
                          const json_t *rows)
{
    throughput t = {.highest = find_highest(rows)};
    bool is_whole = true;
    add_columns(&t);
    for (size_t i = 0; i < json_array_size(rows); i++)
        is_whole &= add_size(&t, rows, i);
    lam_status status =
        is_whole ? draw(&t, plotter, document)
                 : lam_bench_document_reject(document, "sizes lacks members from 1 to 4096 or "
                                                       "models_per_second");
    lam_table_free(&t.table);
    return status;
}
