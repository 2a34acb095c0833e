/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch.h"

#define SILENT_SECONDS 30
#define PLOT_ROWS 6 /* at the least */

/* ---- what there is ---- */

static size_t count_status(const lam_run_set *set, const char *status)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += strcmp(set->runs[i].status, status) == 0;
    return count;
}

/* The run with the most measurements. */
static const lam_run_history *find_longest(const lam_run_set *set)
{
    const lam_run_history *longest = set->runs;
    for (size_t i = 1; i < set->count; i++)
        if (set->runs[i].measurement_count > longest->measurement_count)
            longest = &set->runs[i];
    return longest;
}

static void add_metrics(lam_metrics *sum, const lam_metrics *m, double weight)
{
    sum->loss += weight * m->loss;
    sum->cost += weight * m->cost;
    sum->accuracy += weight * m->accuracy;
}

/* The mean of the runs that have a measurement number `i` at the same step. */
static lam_measurement average(const lam_run_set *set, const lam_run_history *longest, size_t i)
{
    lam_measurement mean = longest->measurements[i];
    size_t count = 0;
    mean.train = mean.validation = (lam_metrics){0};
    for (int pass = 0; pass < 2; pass++)
        for (size_t r = 0; r < set->count; r++) {
            const lam_run_history *run = &set->runs[r];
            if (i >= run->measurement_count || run->measurements[i].step != mean.step)
                continue;
            if (pass == 0) {
                count++;
                continue;
            }
            add_metrics(&mean.train, &run->measurements[i].train, 1 / (double)count);
            add_metrics(&mean.validation, &run->measurements[i].validation, 1 / (double)count);
        }
    return mean;
}

typedef struct best_model {
    const lam_run_history *run; /* NULL for none */
    const lam_measurement *measurement;
} best_model;

static best_model find_best(const lam_run_history *runs, size_t count)
{
    best_model best = {0};
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < runs[r].measurement_count; i++) {
            const lam_measurement *m = &runs[r].measurements[i];
            if (m->has_validation &&
                (!best.run || m->validation.accuracy > best.measurement->validation.accuracy))
                best = (best_model){&runs[r], m};
        }
    return best;
}

/* What can be said without the process's own word. */
static lam_status settle_progress(lam_context *context, watch_view *view)
{
    const lam_run_history *longest = find_longest(&view->runs);
    lam_schedule_span span = {0};
    lam_status status = lam_recipe_count_steps(context, &longest->recipe,
                                               longest->rows[LAM_SPLIT_TRAIN], &span);
    if (status != LAM_STATUS_OK)
        return status;
    view->age = -1;
    if (!lam_run_progress_load(view->runs.path, &view->progress, &view->age))
        view->progress = (lam_progress){.networks = 1,
                                        .networks_total = 1,
                                        .total_steps = span.total_steps,
                                        .remaining_seconds = -1};
    view->progress.latest.step = -1;
    if (longest->measurement_count > 0)
        view->progress.latest = average(&view->runs, longest, longest->measurement_count - 1);
    if (view->progress.step < view->progress.latest.step) {
        view->progress.step = view->progress.latest.step;
        view->progress.epoch = view->progress.latest.epoch;
    }
    if (view->age < 0)
        view->progress.samples_per_second = longest->summary.samples_per_second;
    return LAM_STATUS_OK;
}

lam_status load_watched_runs(lam_context *context, const char *path, watch_view *ret_view)
{
    watch_view view = {0};
    lam_status status = lam_run_set_load(context, path, &view.runs);
    if (status == LAM_STATUS_OK)
        status = settle_progress(context, &view);
    if (status != LAM_STATUS_OK) {
        lam_run_set_free(&view.runs);
        return status;
    }
    view.is_over = view.age < 0 && count_status(&view.runs, "running") == 0;
    *ret_view = view;
    return LAM_STATUS_OK;
}

/* ---- in words ---- */

/* "finished", or of a set "4 finished, 2 running". */
static void format_state(const watch_view *view, char *text, size_t bytes)
{
    const lam_run_set *set = &view->runs;
    size_t length = 0;
    *text = '\0';
    for (size_t i = 0; i < set->count && length < bytes; i++) {
        const char *status = set->runs[i].status;
        bool is_new = true;
        for (size_t k = 0; k < i; k++)
            is_new &= strcmp(set->runs[k].status, status) != 0;
        if (is_new && set->is_seed_set)
            length +=
                (size_t)snprintf(text + length, bytes - length, "%s%zu %s",
                                 length > 0 ? ", " : "", count_status(set, status), status);
        else if (is_new)
            length += (size_t)snprintf(text + length, bytes - length, "%s", status);
    }
    char since[32];
    format_duration(view->age, since);
    if (view->age > SILENT_SECONDS && length < bytes)
        snprintf(text + length, bytes - length,
                 "; not heard of for %s: was it killed? (lamina train --resume)", since);
    else if (view->age < 0 && !view->is_over && length < bytes)
        snprintf(text + length, bytes - length, "; starting, or killed");
}

static void format_best(const watch_view *view, char *text, size_t bytes)
{
    best_model best = find_best(view->runs.runs, view->runs.count);
    int length = 0;
    *text = '\0';
    if (!best.run)
        return;
    length = snprintf(text, bytes, "best validation %.2f %% at step %" PRId64,
                      100 * best.measurement->validation.accuracy, best.measurement->step);
    if (view->runs.is_seed_set && (size_t)length < bytes)
        snprintf(text + length, bytes - (size_t)length, " of seed %" PRIu64, best.run->seed);
}

void format_watched_runs(const watch_view *view, char *line, size_t bytes)
{
    char progress[256] = "nothing measured yet", best[128], state[256];
    if (view->progress.latest.step >= 0)
        format_progress(&view->progress, progress, sizeof progress);
    format_best(view, best, sizeof best);
    format_state(view, state, sizeof state);
    snprintf(line, bytes, "%s%s%s  %s", progress, *best ? "  " : "", best, state);
}

void format_runs_change(const watch_view *view, char *key, size_t bytes)
{
    int length = snprintf(key, bytes, "%" PRId64, view->progress.latest.step);
    for (size_t i = 0; i < view->runs.count && (size_t)length < bytes; i++)
        length +=
            snprintf(key + length, bytes - (size_t)length, "%c", *view->runs.runs[i].status);
}

/* ---- as a page ---- */

static int print_head(const watch_view *view, const screen *s, FILE *out)
{
    char state[256], settings[512];
    format_state(view, state, sizeof state);
    lam_recipe_summarize(&view->runs.runs[0].recipe, settings, sizeof settings);
    fprintf(out, "%s%s%s  %s\n", screen_style_text(s, SCREEN_STYLE_BOLD), view->runs.name,
            screen_style_text(s, SCREEN_STYLE_PLAIN), state);
    fprintf(out, "%s%s\n%s%s\n\n", screen_style_text(s, SCREEN_STYLE_DIM), settings,
            view->runs.path, screen_style_text(s, SCREEN_STYLE_PLAIN));
    return 4;
}

static int print_progress(const watch_view *view, const screen *s, FILE *out)
{
    const lam_progress *p = &view->progress;
    char remaining[32];
    format_duration(p->remaining_seconds, remaining);
    print_bar(out, s, p->total_steps > 0 ? (double)p->step / (double)p->total_steps : 0, 20);
    fprintf(out, "  step %" PRId64 "/%" PRId64 "  epoch %.2f", p->step, p->total_steps,
            p->epoch);
    if (!view->is_over)
        fprintf(out, "  ETA %s", remaining);
    if (p->networks_total > 1)
        fprintf(out, "  models %d-%d/%d", p->networks_done + 1, p->networks_done + p->networks,
                p->networks_total);
    if (p->samples_per_second > 0)
        fprintf(out, "  %.0f samples/s", p->samples_per_second);
    putc('\n', out);
    return 1;
}

static void print_split(FILE *out, const char *name, const lam_metrics *m)
{
    fprintf(out, "%-10s  loss %8.4f  cost %8.4f  accuracy %6.2f %%\n", name, m->loss, m->cost,
            100 * m->accuracy);
}

static int print_latest(const watch_view *view, FILE *out)
{
    const lam_measurement *m = &view->progress.latest;
    char best[128];
    if (m->step < 0) {
        fputs("nothing measured yet\n", out);
        return 1;
    }
    if (view->runs.count > 1)
        fprintf(out, "mean at step %" PRId64 ":\n", m->step);
    print_split(out, "train", &m->train);
    if (m->has_validation)
        print_split(out, "validation", &m->validation);
    format_best(view, best, sizeof best);
    if (*best)
        fprintf(out, "%s\n", best);
    return 1 + m->has_validation + (*best != '\0') + (view->runs.count > 1);
}

static int print_seed_rows(const watch_view *view, int limit, FILE *out)
{
    int rows = 0;
    for (size_t i = 0; view->runs.is_seed_set && i < view->runs.count && rows < limit; i++) {
        const lam_run_history *run = &view->runs.runs[i];
        best_model best = find_best(run, 1);
        fprintf(out, "seed %-6" PRIu64 " %-12s", run->seed, run->status);
        if (run->measurement_count > 0) {
            const lam_measurement *m = &run->measurements[run->measurement_count - 1];
            fprintf(out, " train %6.2f %%", 100 * m->train.accuracy);
            if (m->has_validation)
                fprintf(out, "  validation %6.2f %%", 100 * m->validation.accuracy);
        }
        if (best.run)
            fprintf(out, "  best %6.2f %%", 100 * best.measurement->validation.accuracy);
        putc('\n', out);
        rows++;
    }
    return rows;
}

/* ---- curves ---- */

enum { STEP, TRAIN_LOSS, VALIDATION_LOSS, TRAIN_ACCURACY, VALIDATION_ACCURACY, COLUMNS };

typedef struct curve_table {
    double *columns[COLUMNS];
    size_t rows;
    bool has_validation;
} curve_table;

static bool fill_table(const lam_run_set *set, curve_table *table)
{
    const lam_run_history *longest = find_longest(set);
    table->rows = longest->measurement_count;
    double *block = malloc((table->rows + 1) * COLUMNS * sizeof *block);
    for (int c = 0; c < COLUMNS && block; c++)
        table->columns[c] = block + (size_t)c * table->rows;
    for (size_t i = 0; i < table->rows && block; i++) {
        const lam_measurement m = average(set, longest, i);
        table->columns[STEP][i] = (double)m.step;
        table->columns[TRAIN_LOSS][i] = m.train.loss;
        table->columns[TRAIN_ACCURACY][i] = 100 * m.train.accuracy;
        table->columns[VALIDATION_LOSS][i] = m.has_validation ? m.validation.loss : NAN;
        table->columns[VALIDATION_ACCURACY][i] =
            m.has_validation ? 100 * m.validation.accuracy : NAN;
        table->has_validation |= m.has_validation;
    }
    return block != NULL && table->rows > 0;
}

static void print_plot(const watch_view *view, const curve_table *table, const char *title,
                       int train, int rows, const screen *s, FILE *out)
{
    const double *x = table->columns[STEP];
    const text_curve curves[] = {{.name = "train",
                                  .x = x,
                                  .y = table->columns[train],
                                  .count = table->rows,
                                  .style = SCREEN_STYLE_FIRST},
                                 {.name = "validation",
                                  .x = x,
                                  .y = table->columns[train + 1],
                                  .count = table->rows,
                                  .is_dotted = true,
                                  .style = SCREEN_STYLE_SECOND}};
    text_plot plot = {.title = title,
                      .x_label = "step",
                      .x_maximum = (double)view->progress.total_steps,
                      .curves = curves,
                      .count = table->has_validation ? 2 : 1,
                      .columns = s->columns - 1,
                      .rows = rows};
    text_plot_print(&plot, s, out);
}

/* One below the other where there is room for both; else what matters more. */
static void print_plots(const watch_view *view, int rows, const screen *s, FILE *out)
{
    curve_table table = {.rows = 0};
    if (rows >= PLOT_ROWS && fill_table(&view->runs, &table)) {
        bool has_both = rows >= 2 * PLOT_ROWS;
        if (has_both)
            print_plot(view, &table, "loss", TRAIN_LOSS, rows / 2, s, out);
        print_plot(view, &table, "accuracy (%)", TRAIN_ACCURACY,
                   rows - (has_both ? rows / 2 : 0), s, out);
    }
    free(table.columns[STEP]);
}

void print_watched_runs(const watch_view *view, const screen *s, FILE *out)
{
    int rows = print_head(view, s, out);
    rows += print_progress(view, s, out);
    rows += print_latest(view, out);
    rows += print_seed_rows(view, s->rows / 4, out);
    putc('\n', out);
    print_plots(view, s->rows - rows - 1 - s->is_open, s, out);
}
