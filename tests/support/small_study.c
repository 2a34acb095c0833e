/* SPDX-License-Identifier: Apache-2.0 */
#include "support/small_study.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

test_folder study_folder;
lam_context *study_context;
char study_warnings[4096];
char study_path[512];

static void keep_warning(void *user, lam_log_level level, const char *message)
{
    (void)user;
    size_t length = strlen(study_warnings);
    if (level == LAM_LOG_LEVEL_WARNING)
        snprintf(study_warnings + length, sizeof study_warnings - length, "%s\n", message);
}

static void set_up(void)
{
    study_folder = test_folder_make();
    snprintf(study_path, sizeof study_path, "%s/study.sqlite", study_folder.path);
    study_warnings[0] = '\0';
    ck_assert_int_eq(lam_context_create(&study_context), LAM_STATUS_OK);
    lam_context_set_log(study_context, keep_warning, NULL);
}

static void tear_down(void)
{
    lam_context_destroy(&study_context);
    test_folder_remove(&study_folder);
}

lam_study_plan small_plan_over(const char *const *space, size_t count)
{
    static const char recipe[] =
        "data: {train_files: [1], validation_files: [2]}\n"
        "layers: [{type: dense, width: 50}, relu, {type: dense, width: 10}]\n"
        "schedule: {type: constant, rate: 0.1}\n"
        "batch: 100\n"
        "stop: {epochs: 7}\n"
        "seed: 42\n";
    lam_study_plan plan = {.sampler = LAM_SAMPLER_RANDOM,
                           .seed = 0xFFFFFFFFFFFFFFF1,
                           .configuration_count = 12,
                           .seed_count = 2,
                           .objective = LAM_OBJECTIVE_ACCURACY,
                           .pruning = {.factor = 2, .min_trials = 5, .min_measurements = 1}};
    ck_assert_ok(lam_recipe_parse(study_context, recipe, strlen(recipe), "small.yaml", NULL, 0,
                                  &plan.recipe));
    ck_assert_ok(lam_space_parse(study_context, space, count, &plan.space));
    return plan;
}

lam_study_plan small_plan(void)
{
    static const char *const space[] = {"l2=log:1e-5..1e-1", "schedule.rate=linear:0.01..0.2"};
    return small_plan_over(space, 2);
}

lam_study *create_study(const lam_study_plan *plan)
{
    lam_study *study = NULL;
    ck_assert_ok(lam_study_create(study_context, study_path, plan, &study));
    return study;
}

lam_study *create_small_study(void)
{
    lam_study_plan plan = small_plan();
    lam_study *study = create_study(&plan);
    lam_space_free(&plan.space);
    return study;
}

lam_study *open_study(void)
{
    lam_study *study = NULL;
    ck_assert_ok(lam_study_open(study_context, study_path, &study));
    return study;
}

void study_fails(lam_status status, lam_status expected, const char *fragment)
{
    const char *message = lam_error_message(study_context);
    ck_assert_msg(status == expected, "%s instead of %s: %s", lam_status_name(status),
                  lam_status_name(expected), message);
    ck_assert_msg(strstr(message, fragment) && !strchr(message, '\n'), "'%s' lacks '%s'",
                  message, fragment);
}

lam_worker_identity small_worker(const char *name)
{
    lam_worker_identity worker = {.device = "no device", .lease_seconds = 60};
    lam_worker_identity_fill(&worker);
    snprintf(worker.name, sizeof worker.name, "%s", name);
    return worker;
}

lam_wave_claim *claim_wave(lam_study *study, const lam_worker_identity *worker, size_t limit)
{
    const lam_search_keeper keeper = lam_study_get_keeper(study);
    lam_search_look look;
    lam_wave_claim *claim = NULL;
    ck_assert_ok(keeper.look(study, worker, &look));
    if (look.outlook == LAM_OUTLOOK_WORK)
        ck_assert_ok(keeper.claim(study, worker, look.group, limit, &claim));
    lam_search_look_free(&look);
    return claim;
}

lam_measurement small_measurement(int64_t configuration, int seed_index, int64_t step)
{
    const double accuracy =
        0.3 + 0.01 * (double)configuration + 0.001 * seed_index + 0.0001 * (double)step;
    const lam_metrics metrics = {1 - accuracy, 2 - accuracy, accuracy};
    return (lam_measurement){.step = step,
                             .epoch = 0.01 * (double)step,
                             .learning_rate = 0.1,
                             .train = metrics,
                             .validation = metrics,
                             .has_validation = true};
}

bool report_step(lam_study *study, const lam_wave_claim *claim, int64_t step)
{
    lam_trial_measurement measurements[64];
    bool is_held = false;
    for (size_t i = 0; i < claim->count; i++) {
        const lam_trial_task *task = &claim->tasks[i];
        measurements[i] = (lam_trial_measurement){
            task->trial, small_measurement(task->configuration, task->seed_index, step)};
    }
    const lam_wave_report report = {.measurements = measurements, .count = claim->count};
    ck_assert_ok(lam_study_get_keeper(study).report(study, claim, &report, &is_held));
    return is_held;
}

bool finish_wave(lam_study *study, const lam_wave_claim *claim, lam_trial_state state)
{
    lam_trial_outcome outcomes[64];
    bool is_held = false;
    for (size_t i = 0; i < claim->count; i++)
        outcomes[i] = (lam_trial_outcome){
            .trial = claim->tasks[i].trial, .state = state, .step = 70, .seconds = 0.5};
    ck_assert_ok(
        lam_study_get_keeper(study).finish(study, claim, outcomes, claim->count, &is_held));
    return is_held;
}

int64_t work_off(lam_study *study, const char *name, size_t limit)
{
    const lam_worker_identity worker = small_worker(name);
    int64_t count = 0;
    for (lam_wave_claim *claim; (claim = claim_wave(study, &worker, limit));) {
        ck_assert(report_step(study, claim, 70));
        ck_assert(finish_wave(study, claim, LAM_TRIAL_STATE_DONE));
        count += (int64_t)claim->count;
        lam_wave_claim_free(&claim);
    }
    return count;
}

static int64_t run(const char *query)
{
    sqlite3 *file = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    ck_assert_int_eq(sqlite3_open(study_path, &file), SQLITE_OK);
    sqlite3_busy_timeout(file, 10000);
    ck_assert_msg(sqlite3_prepare_v2(file, query, -1, &statement, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(file));
    if (sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
    sqlite3_close(file);
    return value;
}

int64_t ask_study(const char *query)
{
    return run(query);
}

void change_study(const char *statement)
{
    run(statement);
}

void add_study_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 60), set_up, tear_down);
}
