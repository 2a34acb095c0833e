/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "recipe/plateau.h"
#include "report/plot_runs.h"

enum {
    METRICS = 3, /* loss, cost, accuracy: a panel each */
    SIDES = 2,   /* training, validation */
    CURVES = METRICS * SIDES,
    PANELS = METRICS + 1,
    SERIES = LAM_PLOT_OVERLAID * SIDES * 2, /* a curve and its band */
    RATE_POINTS = 2000,
    MOST_DASHED = 500, /* points: dashes of more look like gaps; two colours tell the sides */
    SHARED_COLOR = LAM_CHART_COLORS - 2, /* the text's */
};

typedef struct row_range {
    size_t first, count;
} row_range;

/* One path's share of the table. */
typedef struct curve_rows {
    row_range curve; /* of its run, or the mean of its seeds */
    row_range rates; /* of the schedule, at many steps */
    size_t networks; /* that the curve is the mean of */
    bool has_validation;
} curve_rows;

/* Places in the table. */
typedef struct curve_columns {
    size_t run, part, seed, step, epoch, rate;
    size_t measured[CURVES]; /* as in metrics.csv; training first */
    size_t drawn[CURVES];    /* the same columns, accuracies in percent */
    size_t low[CURVES], high[CURVES];
} curve_columns;

typedef struct curves {
    lam_plotter *plotter;
    const lam_plotted_run *runs;
    size_t count;
    bool has_bands;
    lam_table table;
    curve_columns columns;
    curve_rows rows[LAM_PLOT_OVERLAID];
    lam_series series[PANELS][SERIES];
    lam_panel panels[PANELS];
    char settings[LAM_PLOT_OVERLAID][400];
} curves;

static const char *const metric_names[METRICS] = {"loss", "cost", "accuracy"};
static const char *const side_names[SIDES] = {"train", "validation"};

static bool is_accuracy(int curve)
{
    return curve % METRICS == METRICS - 1;
}

/* ---- the table ---- */

static size_t add_number(lam_table *table, int curve, const char *suffix)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%s%s", side_names[curve / METRICS],
             metric_names[curve % METRICS], suffix);
    return lam_table_add_column(table, name, LAM_CELL_NUMBER);
}

static void add_columns(curves *c)
{
    curve_columns *columns = &c->columns;
    lam_table *table = &c->table;
    columns->run = lam_table_add_column(table, "run", LAM_CELL_TEXT);
    columns->part = lam_table_add_column(table, "part", LAM_CELL_TEXT);
    columns->seed = lam_table_add_column(table, "seed", LAM_CELL_NUMBER);
    columns->step = lam_table_add_column(table, "step", LAM_CELL_NUMBER);
    columns->epoch = lam_table_add_column(table, "epoch", LAM_CELL_NUMBER);
    columns->rate = lam_table_add_column(table, "learning_rate", LAM_CELL_NUMBER);
    for (int i = 0; i < CURVES; i++)
        columns->drawn[i] = columns->measured[i] = add_number(table, i, "");
    for (int i = 0; i < CURVES; i++)
        if (is_accuracy(i))
            columns->drawn[i] = add_number(table, i, "_percent");
    for (int i = 0; i < CURVES && c->has_bands; i++) {
        columns->low[i] = add_number(table, i, is_accuracy(i) ? "_percent_low" : "_low");
        columns->high[i] = add_number(table, i, is_accuracy(i) ? "_percent_high" : "_high");
    }
}

static double get_metric(const lam_measurement *measurement, int curve)
{
    const lam_metrics *metrics =
        curve < METRICS ? &measurement->train : &measurement->validation;
    const double values[METRICS] = {metrics->loss, metrics->cost, metrics->accuracy};
    bool is_there = curve < METRICS || measurement->has_validation;
    return is_there && isfinite(values[curve % METRICS]) ? values[curve % METRICS] : NAN;
}

/* Percent of a share, without the digits that the multiplication adds. */
static double to_percent(double share)
{
    return round(share * 1e12) / 1e10;
}

static void add_row(curves *c, const lam_plotted_run *run, const char *part,
                    const lam_measurement *at)
{
    lam_table_add_row(&c->table);
    lam_table_set_text(&c->table, c->columns.run, run->label);
    lam_table_set_text(&c->table, c->columns.part, part);
    lam_table_set_number(&c->table, c->columns.step, (double)at->step);
    lam_table_set_number(&c->table, c->columns.epoch, at->epoch);
    lam_table_set_number(&c->table, c->columns.rate, at->learning_rate);
}

static void set_curve(curves *c, int curve, double value)
{
    lam_table_set_number(&c->table, c->columns.measured[curve], value);
    if (is_accuracy(curve))
        lam_table_set_number(&c->table, c->columns.drawn[curve], to_percent(value));
}

static row_range add_measured(curves *c, const lam_plotted_run *run,
                              const lam_run_history *history)
{
    row_range range = {c->table.row_count, history->measurement_count};
    for (size_t i = 0; i < range.count; i++) {
        add_row(c, run, "measured", &history->measurements[i]);
        lam_table_set_number(&c->table, c->columns.seed, (double)history->seed);
        for (int curve = 0; curve < CURVES; curve++)
            set_curve(c, curve, get_metric(&history->measurements[i], curve));
    }
    return range;
}

/* ---- means over seeds ---- */

/* Seeds in a mean: those that were measured and did not diverge. */
static size_t gather_seeds(const lam_run_set *set, const lam_run_history **seeds)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (set->runs[i].measurement_count > 0 && strcmp(set->runs[i].status, "diverged") != 0)
            seeds[count++] = &set->runs[i];
    return count;
}

static bool share_step(const lam_run_history *const *seeds, size_t count, size_t index)
{
    for (size_t i = 0; i < count; i++)
        if (index >= seeds[i]->measurement_count ||
            seeds[i]->measurements[index].step != seeds[0]->measurements[index].step)
            return false;
    return count > 0;
}

static void set_mean(curves *c, int curve, const lam_run_history *const *seeds, size_t count,
                     size_t index)
{
    double values[LAM_MAX_SEEDS];
    for (size_t i = 0; i < count; i++)
        values[i] = get_metric(&seeds[i]->measurements[index], curve);
    const lam_estimate estimate = lam_estimate_mean(values, count);
    double low = estimate.mean - estimate.deviation, high = estimate.mean + estimate.deviation;
    set_curve(c, curve, estimate.mean);
    lam_table_set_number(&c->table, c->columns.low[curve],
                         is_accuracy(curve) ? to_percent(low) : low);
    lam_table_set_number(&c->table, c->columns.high[curve],
                         is_accuracy(curve) ? to_percent(high) : high);
}

/* As far as all seeds measured the same steps. */
static void add_mean(curves *c, const lam_plotted_run *run, curve_rows *rows)
{
    const lam_run_history *seeds[LAM_MAX_SEEDS];
    size_t count = gather_seeds(&run->set, seeds);
    *rows = (curve_rows){.curve = {c->table.row_count, 0}, .networks = count};
    for (size_t i = 0; share_step(seeds, count, i); i++) {
        add_row(c, run, "mean", &seeds[0]->measurements[i]);
        rows->curve.count++;
        rows->has_validation |= seeds[0]->measurements[i].has_validation;
        for (int curve = 0; curve < CURVES; curve++)
            set_mean(c, curve, seeds, count, i);
    }
}

static void add_single(curves *c, const lam_plotted_run *run, const lam_run_history *history,
                       curve_rows *rows)
{
    *rows = (curve_rows){.curve = add_measured(c, run, history), .networks = 1};
    for (size_t i = 0; i < history->measurement_count; i++)
        rows->has_validation |= history->measurements[i].has_validation;
}

/* ---- learning rates ---- */

static const lam_run_history *find_longest(const lam_run_set *set)
{
    const lam_run_history *longest = set->runs;
    for (size_t i = 1; i < set->count; i++)
        if (set->runs[i].measurement_count > longest->measurement_count)
            longest = &set->runs[i];
    return longest;
}

/* What a plateau did up to `step` follows from the measurements, as in training. `seen` of them
 * were taken in before. */
static void observe_plateau(const lam_run_history *history, int64_t step, lam_plateau *plateau,
                            size_t *seen)
{
    if (history->recipe.schedule.type != LAM_SCHEDULE_PLATEAU)
        return;
    for (; *seen < history->measurement_count && history->measurements[*seen].step <= step;
         ++*seen)
        lam_plateau_observe(plateau, &history->recipe.schedule,
                            history->measurements[*seen].validation.loss);
}

/* The rates of every step up to the last measured one, at RATE_POINTS steps at most. */
static lam_status add_rates(curves *c, const lam_plotted_run *run, row_range *range)
{
    const lam_run_history *history = find_longest(&run->set);
    const lam_recipe *recipe = &history->recipe;
    lam_schedule_span span;
    lam_plateau plateau = lam_plateau_start();
    size_t seen = 0;
    *range = (row_range){c->table.row_count, 0};
    if (history->measurement_count == 0)
        return LAM_STATUS_OK;
    LAM_TRY(lam_recipe_count_steps(c->plotter->context, recipe,
                                   lam_recipe_get_train_rows(recipe), &span));
    int64_t last = history->measurements[history->measurement_count - 1].step;
    int64_t points = last < RATE_POINTS ? last : RATE_POINTS;
    for (int64_t i = 0; i <= points; i++) {
        int64_t step = points == 0 ? 0 : (int64_t)((double)last * (double)i / (double)points);
        observe_plateau(history, step, &plateau, &seen);
        span.plateau_reductions = plateau.reductions;
        const lam_measurement at = {.step = step,
                                    .epoch = (double)step / (double)span.steps_per_epoch,
                                    .learning_rate =
                                        lam_schedule_get_rate(&recipe->schedule, &span, step)};
        add_row(c, run, "schedule", &at);
        range->count++;
    }
    return LAM_STATUS_OK;
}

static lam_status add_runs(curves *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const lam_plotted_run *run = &c->runs[i];
        for (size_t k = 0; run->set.is_seed_set && k < run->set.count; k++)
            (void)add_measured(c, run, &run->set.runs[k]);
        if (run->set.is_seed_set)
            add_mean(c, run, &c->rows[i]);
        else
            add_single(c, run, run->set.runs, &c->rows[i]);
        LAM_TRY(add_rates(c, run, &c->rows[i].rates));
    }
    return LAM_STATUS_OK;
}

/* ---- panels ---- */

static lam_series *add_series(lam_panel *panel, lam_series *series, row_range range)
{
    lam_series *added = &series[panel->series_count++];
    *added = (lam_series){.first_row = range.first, .row_count = range.count};
    return added;
}

static const char *name_series(const curves *c, size_t run, int side)
{
    if (c->count == 1)
        return side == 0 ? "training" : "validation";
    return side == 0 ? c->runs[run].label : NULL;
}

static void add_curve(curves *c, int metric, size_t run, int side)
{
    const curve_rows *rows = &c->rows[run];
    int curve = side * METRICS + metric, color = c->count == 1 ? side : (int)run;
    lam_panel *panel = &c->panels[metric];
    if (rows->curve.count == 0 || (side == 1 && !rows->has_validation))
        return;
    if (c->runs[run].set.is_seed_set && rows->networks > 1) {
        lam_series *band = add_series(panel, c->series[metric], rows->curve);
        band->mark = LAM_MARK_BAND;
        band->color = color;
        band->x = c->columns.epoch;
        band->low = c->columns.low[curve];
        band->high = c->columns.high[curve];
    }
    lam_series *line = add_series(panel, c->series[metric], rows->curve);
    line->mark = rows->curve.count == 1 ? LAM_MARK_POINTS : LAM_MARK_LINE;
    line->title = metric == 0 ? name_series(c, run, side) : NULL;
    line->color = color;
    line->is_dashed = side == 1 && (c->count > 1 || rows->curve.count <= MOST_DASHED);
    line->x = c->columns.epoch;
    line->y = c->columns.drawn[curve];
}

static bool have_same_rates(const curves *c, row_range a, row_range b)
{
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++)
        same = lam_table_get_number(&c->table, a.first + i, c->columns.epoch) ==
                   lam_table_get_number(&c->table, b.first + i, c->columns.epoch) &&
               lam_table_get_number(&c->table, a.first + i, c->columns.rate) ==
                   lam_table_get_number(&c->table, b.first + i, c->columns.rate);
    return same;
}

static bool share_rates(const curves *c)
{
    for (size_t i = 1; i < c->count; i++)
        if (!have_same_rates(c, c->rows[0].rates, c->rows[i].rates))
            return false;
    return true;
}

static void add_rate_line(curves *c, size_t run, int color)
{
    const curve_rows *rows = &c->rows[run];
    if (rows->rates.count == 0)
        return;
    lam_series *line = add_series(&c->panels[METRICS], c->series[METRICS], rows->rates);
    line->mark = rows->rates.count == 1 ? LAM_MARK_POINTS : LAM_MARK_LINE;
    line->color = color;
    line->x = c->columns.epoch;
    line->y = c->columns.rate;
}

/* Rates that all share are one line in a colour of its own. */
static void add_rate_lines(curves *c)
{
    if (share_rates(c))
        add_rate_line(c, 0, SHARED_COLOR);
    for (size_t run = 0; !share_rates(c) && run < c->count; run++)
        add_rate_line(c, run, (int)run);
}

/* A loss that grew a hundredfold hides the others on a linear axis. */
static bool grew_out_of_sight(const curves *c, int metric)
{
    double first = NAN, lowest = INFINITY, highest = 0;
    for (size_t row = 0; row < c->table.row_count; row++)
        for (int side = 0; side < SIDES; side++) {
            double value = lam_table_get_number(&c->table, row,
                                                c->columns.measured[side * METRICS + metric]);
            first = isnan(first) ? value : first;
            lowest = fmin(lowest, value);
            highest = fmax(highest, value);
        }
    return lowest > 0 && highest > 100 * first;
}

static double find_last_epoch(const curves *c)
{
    double last = 0;
    for (size_t row = 0; row < c->table.row_count; row++)
        last = fmax(last, lam_table_get_number(&c->table, row, c->columns.epoch));
    return last;
}

static void make_panels(curves *c)
{
    static const char *const labels[PANELS] = {"loss", "cost", "accuracy (%)", "learning rate"};
    double last = find_last_epoch(c);
    for (int i = 0; i < PANELS; i++) {
        c->panels[i] = (lam_panel){.x = {.maximum = last > 0 ? last : 1},
                                   .y = {.label = labels[i]},
                                   .series = c->series[i],
                                   .height = i == METRICS ? 0.6 : 1};
        if (i < METRICS - 1)
            c->panels[i].y.is_log = grew_out_of_sight(c, i);
        for (size_t run = 0; run < c->count && i < METRICS; run++)
            for (int side = 0; side < SIDES; side++)
                add_curve(c, i, run, side);
    }
    add_rate_lines(c);
    c->panels[METRICS].x.label = "epoch";
    c->panels[METRICS].y.maximum = NAN; /* from 0 on */
    if (c->count > 1)
        c->panels[0].title = "solid: training, dashed: validation";
}

/* ---- words ---- */

static void append_state(lam_strbuf *text, const lam_run_history *run)
{
    if (run->measurement_count == 0)
        lam_strbuf_append(text, ", not measured yet (%s)", run->status);
    else if (!run->is_finished)
        lam_strbuf_append(text, ", %s, measured up to step %" PRId64, run->status,
                          run->measurements[run->measurement_count - 1].step);
    else if (run->summary.has_split[LAM_SPLIT_TEST])
        lam_strbuf_append(text, ", test accuracy %.2f %%",
                          100 * run->summary.final[LAM_SPLIT_TEST].accuracy);
}

static void append_seeds(lam_strbuf *text, const lam_run_set *set, size_t networks)
{
    double accuracies[LAM_MAX_SEEDS];
    size_t finished = 0;
    for (size_t i = 0; i < set->count; i++)
        if (set->runs[i].is_finished && set->runs[i].summary.has_split[LAM_SPLIT_TEST])
            accuracies[finished++] = 100 * set->runs[i].summary.final[LAM_SPLIT_TEST].accuracy;
    lam_strbuf_append(text, ", mean of %zu of %zu networks", networks, set->count);
    const lam_estimate estimate = lam_estimate_mean(accuracies, finished);
    if (finished > 1)
        lam_strbuf_append(text, ", test accuracy %.2f %% (deviation %.2f)", estimate.mean,
                          estimate.deviation);
    else if (finished == 1)
        lam_strbuf_append(text, ", test accuracy %.2f %%", estimate.mean);
}

/* Whether `part`, which ends at a comma or the text's end, is one of the parts of `settings`.
 */
static bool has_part(const char *settings, const char *part, size_t length)
{
    for (const char *at = settings; at; at = strstr(at, ", ")) {
        at += at == settings ? 0 : 2;
        if (strcspn(at, ",") == length && strncmp(at, part, length) == 0)
            return true;
    }
    return false;
}

/* The parts of `settings` that all of the others have, or those that not all have. */
static void append_parts(lam_strbuf *text, const curves *c, const char *settings, bool shared)
{
    for (const char *part = settings; *part != '\0';) {
        size_t length = strcspn(part, ",");
        bool is_shared = c->count > 1;
        for (size_t i = 0; is_shared && i < c->count; i++)
            is_shared = has_part(c->settings[i], part, length);
        if (is_shared == shared)
            lam_strbuf_append(text, ", %.*s", (int)length, part);
        part += length;
        part += strspn(part, ", ");
    }
}

static void append_run(lam_strbuf *text, const curves *c, size_t index)
{
    const lam_plotted_run *run = &c->runs[index];
    const lam_run_history *first = run->set.runs;
    lam_strbuf parts = {0};
    append_parts(&parts, c, c->settings[index], false);
    if (c->count == 1)
        lam_strbuf_append(&parts, ", %" PRIu32 " training rows, %s, Lamina %s",
                          first->rows[LAM_SPLIT_TRAIN], first->device, first->version);
    if (run->set.is_seed_set) {
        append_seeds(&parts, &run->set, c->rows[index].networks);
    } else {
        lam_strbuf_append(&parts, ", seed %" PRIu64, first->seed);
        append_state(&parts, first);
    }
    const char *list = lam_strbuf_text(&parts);
    lam_strbuf_append(text, "%s: %s%s", run->label, list + strspn(list, ", "),
                      index + 1 < c->count ? "; " : ".");
    lam_strbuf_free(&parts);
}

static void describe_runs(curves *c, lam_strbuf *caption)
{
    lam_strbuf shared = {0};
    for (size_t i = 0; i < c->count; i++)
        lam_recipe_summarize(&c->runs[i].set.runs->recipe, c->settings[i],
                             sizeof c->settings[i]);
    append_parts(&shared, c, c->settings[0], true);
    if (shared.length > 0)
        lam_strbuf_append(caption, "All: %s. ", shared.text + 2);
    lam_strbuf_free(&shared);
    if (c->has_bands)
        lam_strbuf_append(caption, "Bands are one standard deviation over seeds wide to each "
                                   "side. ");
    for (size_t i = 0; i < c->count; i++)
        append_run(caption, c, i);
}

/* "curves-a2-fig4", "curves-a2-fig3-a2-fig4": as many labels as there is room for. */
static void name_figure(const curves *c, lam_figure *figure)
{
    lam_strbuf labels = {0};
    for (size_t i = 0; i < c->count; i++)
        lam_strbuf_append(&labels, "%s%s", i == 0 ? "" : "-", c->runs[i].label);
    lam_plotter_name_figure(c->plotter, lam_strbuf_text(&labels), "curves", figure);
    lam_strbuf_free(&labels);
}

static void describe(curves *c, lam_figure *figure)
{
    lam_strbuf caption = {0};
    const char *first = c->runs->label;
    describe_runs(c, &caption);
    lam_plot_write(figure->caption, sizeof figure->caption, "%s", lam_strbuf_text(&caption));
    lam_strbuf_free(&caption);
    if (c->count == 1 && c->has_bands)
        lam_plot_write(figure->title, sizeof figure->title, "Training of %s, mean of %zu seeds",
                       first, c->rows->networks);
    else if (c->count == 1)
        lam_plot_write(figure->title, sizeof figure->title, "Training of %s", first);
    else if (c->count == 2)
        lam_plot_write(figure->title, sizeof figure->title, "Training of %s and %s", first,
                       c->runs[1].label);
    else
        lam_plot_write(figure->title, sizeof figure->title, "Training of %s and %zu others",
                       first, c->count - 1);
    lam_plot_write(figure->alt, sizeof figure->alt,
                   "Lines of loss, cost and accuracy over %.4g epochs, training solid and "
                   "validation dashed, above the learning rate: %s",
                   find_last_epoch(c), figure->caption);
}

static bool has_measurements(const curves *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->rows[i].curve.count > 0)
            return true;
    return false;
}

static bool has_bands(const lam_plotted_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (runs[i].set.is_seed_set)
            return true;
    return false;
}

static lam_status plot(curves *c)
{
    lam_chart chart = {.table = &c->table, .panels = c->panels, .panel_count = PANELS};
    add_columns(c);
    LAM_TRY(add_runs(c));
    if (!has_measurements(c))
        return LAM_STATUS_OK;
    make_panels(c);
    name_figure(c, &chart.figure);
    describe(c, &chart.figure);
    return lam_plotter_save(c->plotter, &chart);
}

lam_status lam_plot_curves(lam_plotter *plotter, const lam_plotted_run *runs, size_t count)
{
    curves *c = calloc(1, sizeof *c);
    if (!c)
        return lam_fail_memory(plotter->context, "curves", sizeof *c);
    *c = (curves){
        .plotter = plotter, .runs = runs, .count = count, .has_bands = has_bands(runs, count)};
    lam_status status = plot(c);
    lam_table_free(&c->table);
    free(c);
    return status;
}
