/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "lamina/plot.h"
#include "report/plot_runs.h"
#include "train/lr_curve.h"

enum { PART, STEP, RATE, LOSS, SMOOTHED, BOUND };

typedef struct range_plot {
    lam_lr_curve curve;
    lam_lr_range_summary summary;
    lam_table table;
    double bottom, top; /* of the axis of losses */
} range_plot;

static void add_columns(lam_table *table)
{
    lam_table_add_column(table, "part", LAM_CELL_TEXT);
    lam_table_add_column(table, "step", LAM_CELL_NUMBER);
    lam_table_add_column(table, "learning_rate", LAM_CELL_NUMBER);
    lam_table_add_column(table, "loss", LAM_CELL_NUMBER);
    lam_table_add_column(table, "smoothed_loss", LAM_CELL_NUMBER);
    lam_table_add_column(table, "bound", LAM_CELL_NUMBER);
}

static double keep_finite(double value)
{
    return isfinite(value) ? value : NAN;
}

static void add_points(range_plot *plot)
{
    for (int64_t i = 0; i < plot->curve.count; i++) {
        const lam_lr_point *point = &plot->curve.points[i];
        lam_table_add_row(&plot->table);
        lam_table_set_text(&plot->table, PART, "measured");
        lam_table_set_number(&plot->table, STEP, (double)i);
        lam_table_set_number(&plot->table, RATE, point->rate);
        lam_table_set_number(&plot->table, LOSS, keep_finite(point->loss));
        lam_table_set_number(&plot->table, SMOOTHED, keep_finite(point->smoothed));
    }
}

/* Losses that blow up leave at the top: what matters is how they fell. */
static void find_range(range_plot *plot)
{
    const lam_lr_curve *curve = &plot->curve;
    plot->bottom = plot->top = NAN;
    for (int64_t i = 0; i <= curve->lowest; i++) {
        plot->bottom = fmin(plot->bottom, keep_finite(curve->points[i].loss));
        plot->top = fmax(plot->top, keep_finite(curve->points[i].loss));
    }
    for (int64_t i = curve->lowest; i < curve->count; i++)
        plot->bottom = fmin(plot->bottom, keep_finite(curve->points[i].loss));
    double fall = plot->top - plot->bottom;
    plot->top += 0.4 * fall;
    plot->bottom -= 0.1 * fall;
}

/* An upright line. */
static void add_bound(range_plot *plot, const char *part, double rate)
{
    const double ends[] = {plot->bottom, plot->top};
    for (int i = 0; i < 2; i++) {
        lam_table_add_row(&plot->table);
        lam_table_set_text(&plot->table, PART, part);
        lam_table_set_number(&plot->table, RATE, rate);
        lam_table_set_number(&plot->table, BOUND, ends[i]);
    }
}

static void fill_table(range_plot *plot)
{
    add_columns(&plot->table);
    add_points(plot);
    find_range(plot);
    if (!plot->summary.has_suggestion)
        return;
    add_bound(plot, "minimum", plot->summary.minimum);
    add_bound(plot, "maximum", plot->summary.maximum);
}

/* Rates that rise on a line have their arithmetic mean in the middle, others the geometric. */
static bool is_linear(const lam_lr_curve *curve)
{
    double first = curve->points[0].rate, last = curve->points[curve->count - 1].rate;
    double middle = curve->points[curve->count / 2].rate;
    double arithmetic = (first + last) / 2, geometric = sqrt(first * last);
    return fabs(middle - arithmetic) < fabs(middle - geometric);
}

/* By the folder, also where the table itself was named. */
static void name_test(const char *path, char *label, size_t bytes)
{
    char folder[4096];
    lam_plot_write(folder, sizeof folder, "%s", path);
    char *table = strstr(folder, "/" LAM_LR_RANGE_FILE);
    if (table && table[sizeof LAM_LR_RANGE_FILE] == '\0')
        *table = '\0';
    lam_plot_name_place(folder, label, bytes);
}

static void describe(lam_plotter *plotter, const range_plot *plot, const char *path,
                     lam_figure *figure)
{
    char label[64], bounds[160] = "The loss never fell by a hundredth: no bounds to suggest";
    const lam_lr_range_summary *summary = &plot->summary;
    name_test(path, label, sizeof label);
    lam_plotter_name_figure(plotter, label, "lr-range", figure);
    if (summary->has_suggestion)
        lam_plot_write(bounds, sizeof bounds,
                       "Suggested for a triangular schedule: minimum %.3g, maximum %.3g",
                       summary->minimum, summary->maximum);
    lam_plot_write(figure->title, sizeof figure->title, "Learning-rate range test %s", label);
    lam_plot_write(figure->caption, sizeof figure->caption,
                   "%s: loss of each of %lld steps as the learning rate rises from %.3g to "
                   "%.3g%s, and its moving average, lowest (%.4g) at %.3g. %s.",
                   label, (long long)summary->steps, plot->curve.points[0].rate,
                   plot->curve.points[plot->curve.count - 1].rate,
                   summary->blew_up ? ", where the loss blew up (above the axis)" : "",
                   summary->lowest_loss, summary->lowest_rate, bounds);
    lam_plot_write(figure->alt, sizeof figure->alt, "Loss against learning rate. %s",
                   figure->caption);
}

/* Two rows from `row` on; gives the legend's text its place. */
static lam_series make_bound(size_t row, const char *title)
{
    return (lam_series){.mark = LAM_MARK_LINE,
                        .title = title,
                        .color = 1,
                        .is_dashed = true,
                        .first_row = row,
                        .row_count = 2,
                        .x = RATE,
                        .y = BOUND};
}

static lam_status save_chart(lam_plotter *plotter, const range_plot *plot, const char *path)
{
    size_t rows = (size_t)plot->curve.count, count = 0;
    lam_series series[4];
    series[count++] = (lam_series){.mark = LAM_MARK_LINE,
                                   .title = "of each step",
                                   .color = 5,
                                   .row_count = rows,
                                   .x = RATE,
                                   .y = LOSS};
    series[count++] = (lam_series){.mark = LAM_MARK_LINE,
                                   .title = "smoothed",
                                   .color = 6,
                                   .row_count = rows,
                                   .x = RATE,
                                   .y = SMOOTHED};
    if (plot->summary.has_suggestion) {
        series[count++] = make_bound(rows, "suggested bounds");
        series[count++] = make_bound(rows + 2, NULL);
    }
    const lam_panel panel = {
        .x = {.label = "learning rate", .is_log = !is_linear(&plot->curve)},
        .y = {.label = "loss of the batch", .minimum = plot->bottom, .maximum = plot->top},
        .series = series,
        .series_count = count};
    lam_chart chart = {.table = &plot->table, .panels = &panel, .panel_count = 1};
    describe(plotter, plot, path, &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

/* The table of a folder, or the table itself. */
static void find_table(const char *path, lam_strbuf *table)
{
    struct stat about;
    bool is_folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    lam_strbuf_append(table, is_folder ? "%s/%s" : "%s", path, LAM_LR_RANGE_FILE);
}

lam_status lam_plot_lr_range(lam_context *context, const char *path,
                             const lam_figure_options *options, lam_figure_list *list)
{
    range_plot plot = {.table = {0}};
    lam_strbuf table = {0};
    lam_plotter plotter = lam_plotter_start(context, options, list);
    find_table(path, &table);
    lam_status status = lam_lr_curve_load(context, lam_strbuf_text(&table), &plot.curve);
    lam_strbuf_free(&table);
    if (status != LAM_STATUS_OK)
        return status;
    plot.summary = lam_lr_curve_summarize(&plot.curve);
    fill_table(&plot);
    status = save_chart(&plotter, &plot, path);
    lam_table_free(&plot.table);
    lam_lr_curve_free(&plot.curve);
    return lam_plotter_finish(&plotter, status);
}
