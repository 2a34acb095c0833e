/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "report/plot_studies.h"
#include "search/pruning.h"
#include "search/study.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
/* Of the range of results: how far beyond their worst those without any stand. */
#define EDGE_SHARE 0.06

typedef struct history {
    const lam_plotted_study *study;
    lam_table table;
    size_t iteration, seed, state, objective, place, best;
    double ceiling;
    double worst_place; /* of trials without a result, or one above the ceiling */
} history;

/* What a trial came to: of a pruned one what it had come to when it ended; NaN for others
 * without a result. */
static double get_result(const lam_plotted_study *study, const lam_trial *trial)
{
    double value = NAN;
    if (trial->state == LAM_TRIAL_STATE_DONE)
        value = trial->objective;
    else if (trial->state == LAM_TRIAL_STATE_PRUNED && trial->latest.step >= 0)
        value =
            lam_objective_evaluate(study->view->plan.objective, &trial->latest, &trial->best);
    return isfinite(value) ? lam_plotted_study_show(study, value) : NAN;
}

/* Beyond the worst of all results, at the end of the axis. */
static bool find_worst_place(history *h)
{
    const lam_study_view *view = h->study->view;
    const int sign = lam_objective_get_sign(view->plan.objective);
    double low = INFINITY, high = -INFINITY;
    h->ceiling = lam_plotted_study_find_ceiling(h->study);
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            const double value = get_result(h->study, &view->configurations[c].trials[s]);
            low = fmin(low, value);
            high = fmax(high, value);
        }
    high = fmin(high, h->ceiling);
    const double span = high > low ? high - low : fmax(fabs(low), 1);
    h->worst_place = sign > 0 ? low - EDGE_SHARE * span : high + EDGE_SHARE * span;
    return isfinite(low);
}

static void add_trial(history *h, const lam_configuration *configuration,
                      const lam_trial *trial)
{
    lam_table *table = &h->table;
    const double result = get_result(h->study, trial);
    lam_table_add_row(table);
    lam_table_set_number(table, h->iteration, (double)configuration->index + 1);
    lam_table_set_number(table, h->seed, (double)trial->seed);
    lam_table_set_text(table, h->state, lam_trial_state_name(trial->state));
    lam_table_set_number(table, h->objective, result);
    lam_table_set_number(table, h->place, result <= h->ceiling ? result : h->worst_place);
}

/* Trials of one state. */
static size_t add_trials(history *h, lam_trial_state state)
{
    const lam_study_view *view = h->study->view;
    const size_t before = h->table.row_count;
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++)
            if (view->configurations[c].trials[s].state == state)
                add_trial(h, &view->configurations[c], &view->configurations[c].trials[s]);
    return h->table.row_count - before;
}

static void add_best_row(history *h, int64_t configuration, double mean)
{
    lam_table_add_row(&h->table);
    lam_table_set_number(&h->table, h->iteration, (double)configuration + 1);
    lam_table_set_text(&h->table, h->state, "best so far");
    lam_table_set_number(&h->table, h->best, lam_plotted_study_show(h->study, mean));
}

/* The earliest of the first `count` ranks. */
static size_t find_earliest(const lam_rank *ranks, size_t count)
{
    size_t earliest = 0;
    for (size_t i = 1; i < count; i++)
        if (ranks[i].configuration < ranks[earliest].configuration)
            earliest = i;
    return earliest;
}

/* A row for each improvement and one for the end. Ranks with fewer results than the pick have
 * no say, as in the ranking, so that the last improvement is the pick. */
static size_t add_best(history *h)
{
    const lam_ranking *ranking = &h->study->ranking;
    const size_t before = h->table.row_count;
    size_t better = 0;
    while (better < ranking->count &&
           ranking->ranks[better].objective.count == ranking->ranks[0].objective.count)
        better++;
    while (better > 0) {
        better = find_earliest(ranking->ranks, better);
        const lam_rank *rank = &ranking->ranks[better];
        add_best_row(h, rank->configuration, rank->objective.mean);
    }
    if (ranking->count > 0)
        add_best_row(h, (int64_t)h->study->view->configuration_count - 1,
                     ranking->ranks[0].objective.mean);
    return h->table.row_count - before;
}

static void add_columns(history *h)
{
    h->iteration = lam_table_add_column(&h->table, "iteration", LAM_CELL_NUMBER);
    h->seed = lam_table_add_column(&h->table, "seed", LAM_CELL_NUMBER);
    h->state = lam_table_add_column(&h->table, "state", LAM_CELL_TEXT);
    h->objective = lam_table_add_column(&h->table, "objective", LAM_CELL_NUMBER);
    h->place = lam_table_add_column(&h->table, "place_on_axis", LAM_CELL_NUMBER);
    h->best = lam_table_add_column(&h->table, "best_mean_so_far", LAM_CELL_NUMBER);
}

static size_t make_series(history *h, lam_series *ret_series)
{
    static const struct {
        lam_trial_state state;
        const char *title;
    } states[] = {{LAM_TRIAL_STATE_DONE, "done"},
                  {LAM_TRIAL_STATE_PRUNED, "pruned, when it ended"},
                  {LAM_TRIAL_STATE_DIVERGED, "diverged: no result"},
                  {LAM_TRIAL_STATE_FAILED, "failed: no result"}};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        const size_t first = h->table.row_count, rows = add_trials(h, states[i].state);
        if (rows > 0)
            ret_series[count++] = (lam_series){.mark = LAM_MARK_POINTS,
                                               .title = states[i].title,
                                               .color = (int)i,
                                               .first_row = first,
                                               .row_count = rows,
                                               .x = h->iteration,
                                               .y = h->place};
    }
    const size_t first = h->table.row_count;
    ret_series[count++] = (lam_series){.mark = LAM_MARK_STEPS,
                                       .title = "best mean so far",
                                       .color = COUNT_OF(states),
                                       .first_row = first,
                                       .row_count = add_best(h),
                                       .x = h->iteration,
                                       .y = h->best};
    return count;
}

lam_status lam_plot_history(lam_plotter *plotter, const lam_plotted_study *study)
{
    history h = {.study = study};
    lam_series series[8];
    if (!find_worst_place(&h))
        return LAM_STATUS_OK;
    add_columns(&h);
    const size_t count = make_series(&h, series);
    lam_panel panel = {.x = {.label = "iteration",
                             .minimum = 0,
                             .maximum = (double)study->view->configuration_count + 1},
                       .y = lam_plotted_study_make_axis(study, &h.table, h.place),
                       .series = series,
                       .series_count = count};
    panel.y.maximum = NAN; /* what is above the ceiling has its place there */
    lam_chart chart = {.table = &h.table, .panels = &panel, .panel_count = 1};
    lam_plotted_study_describe(
        study, plotter, "history", "trials in the order of iterations",
        "Each trial's result, and the best mean over seeds so far; trials without a result, "
        "or with one that is far off, stand at the worse end.",
        &chart.figure);
    lam_status status = lam_plotter_save(plotter, &chart);
    lam_table_free(&h.table);
    return status;
}
