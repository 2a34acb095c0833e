/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "watch.h"

#define PLOT_ROWS 6 /* at the least */

void print_bar(FILE *out, const screen *s, double share, int columns)
{
    double whole = fmin(fmax(share, 0), 1);
    for (int i = 0; i < columns; i++) {
        bool is_done = i + 0.5 < whole * columns;
        fputs(s->has_utf8 ? (is_done ? "█" : "░") : (is_done ? "#" : "."), out);
    }
    fprintf(out, " %3.0f %%", floor(100 * whole));
}

void format_study_change(const watch_view *view, char *key, size_t bytes)
{
    const int64_t *counts = view->study->counts;
    snprintf(key, bytes,
             "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %d",
             counts[LAM_TRIAL_STATE_DONE], counts[LAM_TRIAL_STATE_RUNNING],
             counts[LAM_TRIAL_STATE_PRUNED], counts[LAM_TRIAL_STATE_DIVERGED],
             counts[LAM_TRIAL_STATE_FAILED], view->study->total, view->is_over);
}

static int print_head(lam_context *context, const lam_study_view *view, const screen *s,
                      FILE *out)
{
    const lam_study_plan *plan = &view->plan;
    int rows = 2;
    fprintf(out, "%s%s%s  %s\n", screen_style_text(s, SCREEN_STYLE_BOLD), view->path,
            screen_style_text(s, SCREEN_STYLE_PLAIN), view->is_over ? "over" : "open");
    fprintf(out, "%srecipe %s, sampler %s, objective %s%s\n",
            screen_style_text(s, SCREEN_STYLE_DIM), plan->recipe.name,
            lam_sampler_name(plan->sampler), lam_objective_name(plan->objective),
            screen_style_text(s, SCREEN_STYLE_PLAIN));
    for (size_t i = 0; i < plan->space.count && rows < s->rows / 4; i++) {
        char *text = NULL;
        if (lam_parameter_format(context, &plan->space.parameters[i], &text) == LAM_STATUS_OK)
            rows += fprintf(out, "%s  %s%s\n", screen_style_text(s, SCREEN_STYLE_DIM), text,
                            screen_style_text(s, SCREEN_STYLE_PLAIN)) > 0;
        free(text);
    }
    putc('\n', out);
    return rows + 1;
}

static int print_state(const lam_study_view *view, const screen *s, FILE *out)
{
    char line[1024];
    int64_t over = 0;
    for (int state = 0; state < LAM_TRIAL_STATE_COUNT; state++)
        if (state != LAM_TRIAL_STATE_WAITING && state != LAM_TRIAL_STATE_RUNNING)
            over += view->counts[state];
    print_bar(out, s, view->total > 0 ? (double)over / (double)view->total : 0, 20);
    fprintf(out, "  %" PRId64 " worker%s\n", view->workers, view->workers == 1 ? "" : "s");
    format_study(view, line, sizeof line);
    fprintf(out, "%s\n\n", line);
    return 3;
}

/* ---- the objective ---- */

typedef struct objective_table {
    double *x, *y, *best; /* [count] */
    size_t count;
} objective_table;

static void add_trial(const lam_study_view *view, const lam_trial *trial,
                      objective_table *table)
{
    const lam_objective objective = view->plan.objective;
    const double sign = lam_objective_get_sign(objective);
    size_t i = table->count++;
    double value = scale_objective(objective, trial->objective);
    table->x[i] = (double)table->count;
    table->y[i] = value;
    table->best[i] = i > 0 ? sign * fmax(sign * value, sign * table->best[i - 1]) : value;
}

static bool fill_table(const lam_study_view *view, objective_table *table)
{
    size_t most = view->configuration_count * (size_t)view->plan.seed_count;
    table->x = malloc((3 * most + 1) * sizeof *table->x);
    if (!table->x)
        return false;
    table->y = table->x + most;
    table->best = table->y + most;
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int k = 0; k < view->plan.seed_count; k++)
            if (view->configurations[c].trials[k].state == LAM_TRIAL_STATE_DONE)
                add_trial(view, &view->configurations[c].trials[k], table);
    return table->count > 0;
}

static void print_plot(const lam_study_view *view, int rows, const screen *s, FILE *out)
{
    char title[64];
    objective_table table = {.count = 0};
    bool is_share = lam_objective_is_accuracy(view->plan.objective);
    snprintf(title, sizeof title, "%s%s", lam_objective_name(view->plan.objective),
             is_share ? " (%)" : "");
    if (rows >= PLOT_ROWS && fill_table(view, &table)) {
        const text_curve curves[] = {{.name = "trials",
                                      .x = table.x,
                                      .y = table.y,
                                      .count = table.count,
                                      .has_no_lines = true,
                                      .style = SCREEN_STYLE_FIRST},
                                     {.name = "best so far",
                                      .x = table.x,
                                      .y = table.best,
                                      .count = table.count,
                                      .style = SCREEN_STYLE_SECOND}};
        const text_plot plot = {.title = title,
                                .x_label = "trials done, in the order of iterations",
                                .x_minimum = 1,
                                .x_maximum = (double)table.count,
                                .curves = curves,
                                .count = 2,
                                .columns = s->columns - 1,
                                .rows = rows};
        text_plot_print(&plot, s, out);
    }
    free(table.x);
}

void print_watched_study(lam_context *context, const watch_view *view, const screen *s,
                         FILE *out)
{
    int rows = print_head(context, view->study, s, out);
    rows += print_state(view->study, s, out);
    print_plot(view->study, s->rows - rows - s->is_open, s, out);
}
