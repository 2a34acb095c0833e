/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "search/study.h"

/* A study's speed is that of its latest trials, of the last hour at most. */
#define SPEED_TRIALS 100
#define SPEED_SECONDS 3600

static const char *const state_names[] = {
#define STATE_NAME(name, text) text,
    LAM_TRIAL_STATE_LIST(STATE_NAME)
#undef STATE_NAME
};

const char *lam_trial_state_name(lam_trial_state state)
{
    return state_names[state];
}

lam_trial_state lam_trial_state_find(const char *name)
{
    int state = LAM_TRIAL_STATE_COUNT - 1;
    while (state > 0 && strcmp(state_names[state], name) != 0)
        state--;
    return (lam_trial_state)state;
}

bool lam_trial_state_is_over(lam_trial_state state)
{
    return state != LAM_TRIAL_STATE_WAITING && state != LAM_TRIAL_STATE_RUNNING;
}

/* ---- measurements ---- */

lam_measurement lam_metric_read(sqlite3_stmt *rows, int column)
{
    double numbers[8];
    for (int i = 0; i < 8; i++)
        numbers[i] = lam_sql_column_real(rows, column + 1 + i);
    return (lam_measurement){.step = sqlite3_column_int64(rows, column),
                             .epoch = numbers[0],
                             .learning_rate = numbers[1],
                             .train = {numbers[2], numbers[3], numbers[4]},
                             .validation = {numbers[5], numbers[6], numbers[7]},
                             .has_validation = !isnan(numbers[7])};
}

lam_status lam_metric_query(lam_study *study, int64_t trial, sqlite3_stmt **ret_rows)
{
    return lam_sql_query(
        study->sql, "SELECT " LAM_METRIC_COLUMNS " FROM metric WHERE trial = ? ORDER BY step",
        LAM_BIND(LAM_VALUE(trial)), ret_rows);
}

lam_trial_curve lam_trial_curve_start(void)
{
    const lam_metrics none = {NAN, NAN, NAN};
    const lam_measurement nothing = {
        .step = -1, .epoch = NAN, .learning_rate = NAN, .train = none, .validation = none};
    return (lam_trial_curve){nothing, nothing};
}

void lam_trial_curve_add(lam_trial_curve *curve, const lam_measurement *next)
{
    curve->latest = *next;
    if (next->has_validation && !(next->validation.accuracy <= curve->best.validation.accuracy))
        curve->best = *next;
}

lam_status lam_study_read_curve(lam_study *study, int64_t trial,
                                lam_measurement **ret_measurements, size_t *ret_count)
{
    int64_t capacity = 0;
    size_t count = 0;
    sqlite3_stmt *rows = NULL;
    LAM_TRY(lam_sql_begin_reading(study->sql));
    lam_status status =
        lam_sql_get_integer(study->sql, "SELECT count(*) FROM metric WHERE trial = ?",
                            LAM_BIND(LAM_VALUE(trial)), &capacity);
    lam_measurement *measurements = calloc((size_t)capacity + 1, sizeof *measurements);
    if (!measurements)
        status = lam_fail_memory(study->context, "a curve", (size_t)capacity);
    if (status == LAM_STATUS_OK)
        status = lam_metric_query(study, trial, &rows);
    while (lam_sql_next(study->sql, rows, &status))
        measurements[count++] = lam_metric_read(rows, 0);
    status = lam_sql_end(study->sql, status);
    if (status != LAM_STATUS_OK) {
        free(measurements);
        return status;
    }
    *ret_measurements = measurements;
    *ret_count = count;
    return LAM_STATUS_OK;
}

/* ---- patience ---- */

lam_status lam_study_check_patience(lam_study *study, bool *ret_is_over)
{
    const int patience = study->plan.patience;
    double best = -INFINITY;
    int in_vain = 0, longest = 0;
    *ret_is_over = false;
    if (patience <= 0)
        return LAM_STATUS_OK;
    sqlite3_stmt *rows = NULL;
    lam_status status = lam_sql_query(
        study->sql,
        "SELECT avg(objective), max(finished) AS date FROM trial GROUP BY configuration"
        " HAVING min(finished IS NOT NULL) ORDER BY date, configuration",
        LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        double value =
            lam_objective_get_sign(study->plan.objective) * lam_sql_column_real(rows, 0);
        bool is_better = value > best;
        best = is_better ? value : best;
        in_vain = is_better ? 0 : in_vain + 1;
        longest = in_vain > longest ? in_vain : longest;
    }
    *ret_is_over = longest >= patience;
    return status;
}

/* ---- recipes ---- */

lam_status lam_study_get_recipe(lam_study *study, int64_t configuration, lam_recipe *ret_recipe)
{
    char **settings = NULL;
    size_t count = 0;
    LAM_TRY(lam_study_get_settings(study, configuration, &settings, &count));
    lam_status status =
        lam_recipe_parse(study->context, study->recipe_json, strlen(study->recipe_json),
                         study->sql->path, (const char *const *)settings, count, ret_recipe);
    lam_settings_free(settings, count);
    return status;
}

/* ---- the whole picture ---- */

static uint32_t count_validation_rows(const lam_data_options *data)
{
    return data->validation_count ? data->validation_count
                                  : lam_count_file_rows(data->validation_files);
}

static lam_status read_plan(lam_study *study, lam_study_view *view)
{
    LAM_TRY(lam_plan_refresh(study));
    const lam_space space = view->plan.space; /* empty so far */
    view->plan = study->plan;
    view->plan.space = space;
    snprintf(view->path, sizeof view->path, "%s", study->sql->path);
    view->shard_index = study->shard_index;
    view->shard_count = study->shard_count;
    view->validation_rows = count_validation_rows(&study->plan.recipe.data);
    return lam_plan_read_space(study, &view->plan.space);
}

static lam_status allocate_configurations(lam_study *study, lam_study_view *view)
{
    int64_t count = 0;
    LAM_TRY(lam_study_count_points(study, &count));
    view->configurations = calloc((size_t)count + 1, sizeof *view->configurations);
    if (!view->configurations)
        return lam_fail_memory(study->context, "a study", (size_t)count);
    view->configuration_count = (size_t)count;
    return LAM_STATUS_OK;
}

static lam_status fill_configuration(lam_study *study, const char *values,
                                     lam_configuration *configuration)
{
    const lam_study_plan *plan = &study->plan;
    const size_t seeds = (size_t)plan->seed_count;
    configuration->values = calloc(plan->space.count, sizeof *configuration->values);
    configuration->trials = calloc(seeds, sizeof *configuration->trials);
    if (!configuration->values || !configuration->trials)
        return lam_fail_memory(study->context, "a study", seeds);
    if (!lam_values_parse(values, plan->space.count, configuration->values))
        return lam_study_fail_content(study, "configuration %lld",
                                      (long long)configuration->index);
    return LAM_STATUS_OK;
}

static lam_status read_configurations(lam_study *study, lam_study_view *view)
{
    sqlite3_stmt *rows = NULL;
    size_t i = 0;
    lam_status status =
        lam_sql_query(study->sql, "SELECT id, parameter_values FROM configuration ORDER BY id",
                      LAM_BIND_NONE, &rows);
    while (i < view->configuration_count && lam_sql_next(study->sql, rows, &status)) {
        lam_configuration *configuration = &view->configurations[i++];
        configuration->index = sqlite3_column_int64(rows, 0);
        status = fill_configuration(study, lam_sql_column_text(rows, 1), configuration);
    }
    return status;
}

static void fill_trial(const lam_study *study, sqlite3_stmt *row, lam_trial *trial)
{
    const lam_trial_curve nothing = lam_trial_curve_start();
    *trial = (lam_trial){
        .id = sqlite3_column_int64(row, 0),
        .seed_index = sqlite3_column_int(row, 2),
        .state = lam_trial_state_find(lam_sql_column_text(row, 3)),
        .step = sqlite3_column_type(row, 4) == SQLITE_NULL ? -1 : sqlite3_column_int64(row, 4),
        .latest = nothing.latest,
        .best = nothing.best,
        .objective = lam_sql_column_real(row, 5),
        .seconds = lam_sql_column_real(row, 6)};
    trial->seed = study->plan.recipe.seed + (uint64_t)trial->seed_index;
    snprintf(trial->message, sizeof trial->message, "%s", lam_sql_column_text(row, 7));
}

/* The trial of a configuration that the view has; NULL for others. */
static lam_trial *find_trial(const lam_study_view *view, int64_t configuration, int seed_index)
{
    bool is_there = (size_t)configuration < view->configuration_count && seed_index >= 0 &&
                    seed_index < view->plan.seed_count;
    return is_there ? &view->configurations[configuration].trials[seed_index] : NULL;
}

static lam_status read_trials(lam_study *study, lam_study_view *view)
{
    sqlite3_stmt *rows = NULL;
    lam_status status =
        lam_sql_query(study->sql,
                      "SELECT id, configuration, seed_index, state, step, objective, seconds,"
                      " message FROM trial",
                      LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        int64_t configuration = sqlite3_column_int64(rows, 1);
        lam_trial *trial = find_trial(view, configuration, sqlite3_column_int(rows, 2));
        if (!trial)
            continue;
        fill_trial(study, rows, trial);
        if (configuration % view->shard_count == view->shard_index)
            view->counts[trial->state]++;
    }
    return status;
}

/* By trial and step, so that each curve comes in one piece. */
static lam_status read_metrics(lam_study *study, lam_study_view *view)
{
    sqlite3_stmt *rows = NULL;
    lam_status status = lam_sql_query(study->sql,
                                      "SELECT configuration, seed_index, m.* FROM"
                                      " (SELECT trial, " LAM_METRIC_COLUMNS
                                      "  FROM metric) m JOIN trial t ON t.id = m.trial"
                                      " ORDER BY m.trial, m.step",
                                      LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        lam_trial *trial =
            find_trial(view, sqlite3_column_int64(rows, 0), sqlite3_column_int(rows, 1));
        if (!trial)
            continue;
        const lam_measurement next = lam_metric_read(rows, 3);
        lam_trial_curve curve = {trial->latest, trial->best};
        lam_trial_curve_add(&curve, &next);
        trial->latest = curve.latest;
        trial->best = curve.best;
        if (!lam_trial_state_is_over(trial->state))
            trial->step = next.step;
    }
    return status;
}

/* Trials per second since the first of the latest ones' waves began. */
static lam_status read_speed(lam_study *study, lam_study_view *view)
{
    const double now = lam_clock_get_date();
    sqlite3_stmt *row = NULL;
    lam_status status =
        lam_sql_query(study->sql,
                      "SELECT count(*), min(w.started) FROM"
                      " (SELECT wave FROM trial WHERE finished > ? AND state <> 'failed'"
                      "  ORDER BY finished DESC LIMIT ?) t JOIN wave w ON w.id = t.wave",
                      LAM_BIND(LAM_VALUE(now - SPEED_SECONDS), LAM_VALUE(SPEED_TRIALS)), &row);
    while (lam_sql_next(study->sql, row, &status)) {
        double count = sqlite3_column_double(row, 0);
        double seconds = now - sqlite3_column_double(row, 1);
        view->models_per_second = count > 0 && seconds > 0 ? count / seconds : 0;
    }
    return status;
}

static lam_status count_workers(lam_study *study, lam_study_view *view)
{
    sqlite3_stmt *rows = NULL;
    lam_status status =
        lam_sql_query(study->sql, "SELECT " LAM_WAVE_OWNER " FROM wave WHERE ended IS NULL",
                      LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status))
        view->workers += !lam_wave_is_abandoned(rows, 0);
    return status;
}

/* Configurations index .. end-1 of this file's shard. */
static int64_t count_mine(const lam_study_view *view, int64_t end)
{
    const int64_t count = view->shard_count;
    return end / count + (end % count > view->shard_index);
}

static lam_status sum_up(lam_study *study, lam_study_view *view)
{
    const int64_t open =
        view->counts[LAM_TRIAL_STATE_WAITING] + view->counts[LAM_TRIAL_STATE_RUNNING];
    bool is_out_of_patience = false;
    int64_t over = -open;
    for (int state = 0; state < LAM_TRIAL_STATE_COUNT; state++)
        over += view->counts[state];
    view->total = count_mine(view, view->plan.configuration_count) * view->plan.seed_count;
    LAM_TRY(lam_study_check_patience(study, &is_out_of_patience));
    view->is_over = is_out_of_patience || over == view->total;
    view->remaining_seconds = -1;
    if (view->is_over)
        view->remaining_seconds = 0;
    else if (view->models_per_second > 0)
        view->remaining_seconds = (double)(view->total - over) / view->models_per_second;
    return LAM_STATUS_OK;
}

static lam_status fill_view(lam_study *study, lam_study_view *view)
{
    LAM_TRY(read_plan(study, view));
    LAM_TRY(allocate_configurations(study, view));
    LAM_TRY(read_configurations(study, view));
    LAM_TRY(read_trials(study, view));
    LAM_TRY(read_metrics(study, view));
    LAM_TRY(read_speed(study, view));
    LAM_TRY(count_workers(study, view));
    return sum_up(study, view);
}

lam_status lam_study_read(lam_study *study, lam_study_view **ret_view)
{
    lam_study_view *view = calloc(1, sizeof *view);
    if (!view)
        return lam_fail_memory(study->context, "a study", sizeof *view);
    lam_status status = lam_sql_begin_reading(study->sql);
    if (status == LAM_STATUS_OK)
        status = lam_sql_end(study->sql, fill_view(study, view));
    if (status == LAM_STATUS_OK)
        *ret_view = view;
    else
        lam_study_view_free(&view);
    return status;
}

lam_status lam_study_load_view(lam_context *context, const char *path,
                               lam_study_view **ret_view)
{
    lam_study *study = NULL;
    LAM_TRY(lam_study_open(context, path, &study));
    lam_status status = lam_study_read(study, ret_view);
    lam_study_close(&study);
    return status;
}

void lam_study_view_free(lam_study_view **view)
{
    if (!*view)
        return;
    for (size_t i = 0; i < (*view)->configuration_count; i++) {
        free((*view)->configurations[i].values);
        free((*view)->configurations[i].trials);
    }
    free((*view)->configurations);
    lam_space_free(&(*view)->plan.space);
    free(*view);
    *view = NULL;
}
