/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "report/plot_studies.h"
#include "search/pruning.h"
#include "search/study.h"

typedef struct survival {
    const lam_plotted_study *study;
    lam_table table;
    size_t iteration, seed, state, step, left, objective;
} survival;

static void add_columns(survival *s)
{
    s->iteration = lam_table_add_column(&s->table, "iteration", LAM_CELL_NUMBER);
    s->seed = lam_table_add_column(&s->table, "seed", LAM_CELL_NUMBER);
    s->state = lam_table_add_column(&s->table, "state", LAM_CELL_TEXT);
    s->step = lam_table_add_column(&s->table, "step", LAM_CELL_NUMBER);
    s->left = lam_table_add_column(&s->table, "trials_in_training", LAM_CELL_NUMBER);
    s->objective = lam_table_add_column(&s->table, "objective", LAM_CELL_NUMBER);
}

/* ---- who was still in training ---- */

static int compare_steps(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool has_ended(const lam_trial *trial)
{
    return trial->state == LAM_TRIAL_STATE_DONE || trial->state == LAM_TRIAL_STATE_PRUNED ||
           trial->state == LAM_TRIAL_STATE_DIVERGED;
}

/* Steps at which trials ended, ascending; those in training count as going on to the last step
 * that there is. ret_steps has room for all trials. */
static size_t gather_ends(const lam_study_view *view, int64_t *ret_steps)
{
    size_t count = 0, running = 0;
    int64_t last = 0;
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            const lam_trial *trial = &view->configurations[c].trials[s];
            last = trial->step > last ? trial->step : last;
            running += trial->state == LAM_TRIAL_STATE_RUNNING;
            if (has_ended(trial))
                ret_steps[count++] = trial->step;
        }
    for (; running > 0; running--)
        ret_steps[count++] = last;
    qsort(ret_steps, count, sizeof *ret_steps, compare_steps);
    return count;
}

static void add_survivors(survival *s, int64_t step, size_t left)
{
    lam_table_add_row(&s->table);
    lam_table_set_number(&s->table, s->step, (double)step);
    lam_table_set_number(&s->table, s->left, (double)left);
}

/* Those who come to the last step are not lost there. */
static lam_status add_survival(survival *s, lam_context *context)
{
    const lam_study_view *view = s->study->view;
    const size_t room = view->configuration_count * (size_t)view->plan.seed_count + 1;
    int64_t *ends = malloc(room * sizeof *ends);
    if (!ends)
        return lam_fail_memory(context, "a figure", room * sizeof *ends);
    const size_t count = gather_ends(view, ends);
    size_t left = count;
    if (count > 0)
        add_survivors(s, 0, left);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && ends[i + 1] == ends[i])
            continue;
        left = i + 1 < count ? count - i - 1 : left;
        add_survivors(s, ends[i], left);
    }
    free(ends);
    return LAM_STATUS_OK;
}

/* ---- their objectives on the way ---- */

static void add_point(survival *s, const lam_configuration *configuration,
                      const lam_trial *trial, const lam_trial_curve *curve)
{
    const double value =
        lam_objective_evaluate(s->study->view->plan.objective, &curve->latest, &curve->best);
    lam_table_add_row(&s->table);
    lam_table_set_number(&s->table, s->iteration, (double)configuration->index + 1);
    lam_table_set_number(&s->table, s->seed, (double)trial->seed);
    lam_table_set_text(&s->table, s->state, lam_trial_state_name(trial->state));
    lam_table_set_number(&s->table, s->step, (double)curve->latest.step);
    lam_table_set_number(&s->table, s->objective,
                         isfinite(value) ? lam_plotted_study_show(s->study, value) : NAN);
}

/* With an empty row behind, so that lines of trials do not meet. */
static lam_status add_curve(survival *s, const lam_configuration *configuration,
                            const lam_trial *trial)
{
    lam_measurement *measurements = NULL;
    size_t count = 0;
    lam_trial_curve curve = lam_trial_curve_start();
    LAM_TRY(lam_study_read_curve(s->study->study, trial->id, &measurements, &count));
    for (size_t i = 0; i < count; i++) {
        lam_trial_curve_add(&curve, &measurements[i]);
        add_point(s, configuration, trial, &curve);
    }
    lam_table_add_row(&s->table);
    free(measurements);
    return LAM_STATUS_OK;
}

static lam_status add_curves(survival *s, lam_trial_state state, size_t *ret_rows)
{
    const lam_study_view *view = s->study->view;
    const size_t before = s->table.row_count;
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int i = 0; i < view->plan.seed_count; i++)
            if (view->configurations[c].trials[i].state == state)
                LAM_TRY(
                    add_curve(s, &view->configurations[c], &view->configurations[c].trials[i]));
    *ret_rows = s->table.row_count - before;
    return LAM_STATUS_OK;
}

/* ---- the chart ---- */

static lam_status make_curves(survival *s, lam_series *ret_series, size_t *ret_count)
{
    static const struct {
        lam_trial_state state;
        const char *title;
        int color;
    } kinds[] = {{LAM_TRIAL_STATE_PRUNED, "ended by the rule", LAM_CHART_FAINT},
                 {LAM_TRIAL_STATE_DIVERGED, "diverged", 1},
                 {LAM_TRIAL_STATE_RUNNING, "in training", 4},
                 {LAM_TRIAL_STATE_DONE, "went on to the end", 0}};
    *ret_count = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t first = s->table.row_count, rows = 0;
        LAM_TRY(add_curves(s, kinds[i].state, &rows));
        if (rows > 0)
            ret_series[(*ret_count)++] = (lam_series){.mark = LAM_MARK_LINE,
                                                      .title = kinds[i].title,
                                                      .color = kinds[i].color,
                                                      .first_row = first,
                                                      .row_count = rows,
                                                      .x = s->step,
                                                      .y = s->objective};
    }
    return LAM_STATUS_OK;
}

static lam_status draw(survival *s, lam_plotter *plotter)
{
    lam_series steps = {.mark = LAM_MARK_STEPS, .color = 2, .x = s->step, .y = s->left};
    lam_series curves[4];
    size_t curve_count = 0;
    LAM_TRY(add_survival(s, plotter->context));
    steps.row_count = s->table.row_count;
    LAM_TRY(make_curves(s, curves, &curve_count));
    if (curve_count == 0)
        return LAM_STATUS_OK;
    const lam_axis x = {.label = "step", .minimum = 0, .maximum = NAN};
    const lam_panel panels[] = {
        {.x = {.minimum = 0, .maximum = NAN},
         .y = {.label = "trials in training", .minimum = 0, .maximum = NAN},
         .series = &steps,
         .series_count = 1,
         .height = 0.6},
        {.x = x,
         .y = lam_plotted_study_make_axis(s->study, &s->table, s->objective),
         .series = curves,
         .series_count = curve_count}};
    lam_chart chart = {.table = &s->table, .panels = panels, .panel_count = 2};
    lam_plotted_study_describe(
        s->study, plotter, "halving", "who went on at each rung",
        "Above: how many trials were still in training. Below: what each had come to at its "
        "measurements.",
        &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_halving(lam_plotter *plotter, const lam_plotted_study *study)
{
    survival s = {.study = study};
    if (study->view->plan.pruning.type == LAM_PRUNING_NONE)
        return LAM_STATUS_OK;
    add_columns(&s);
    lam_status status = draw(&s, plotter);
    lam_table_free(&s.table);
    return status;
}
