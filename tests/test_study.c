/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/source.h"
#include "search/sampler.h"
#include "search/schema.h"
#include "search/study.h"
#include "support/small_study.h"

static lam_status try_create(const lam_study_plan *plan)
{
    lam_study *study = NULL;
    lam_status status = lam_study_create(study_context, study_path, plan, &study);
    lam_study_close(&study);
    return status;
}

static lam_status try_open(void)
{
    lam_study *study = NULL;
    lam_status status = lam_study_open(study_context, study_path, &study);
    lam_study_close(&study);
    return status;
}

/* ---- creating and opening ---- */

START_TEST(plan_survives_closing)
{
    lam_study_plan plan = small_plan();
    plan.objective = LAM_OBJECTIVE_COST;
    plan.pruning = (lam_pruning){LAM_PRUNING_MEDIAN, 3, 7, 2};
    plan.patience = 9;
    lam_study *study = create_study(&plan);
    lam_study_close(&study);
    study = open_study();
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert_int_eq(memcmp(&view->plan.recipe, &plan.recipe, sizeof plan.recipe), 0);
    ck_assert_uint_eq(view->plan.seed, plan.seed);
    ck_assert_int_eq(view->plan.sampler, plan.sampler);
    ck_assert_int_eq(view->plan.objective, plan.objective);
    ck_assert_int_eq(view->plan.pruning.type, LAM_PRUNING_MEDIAN);
    ck_assert_double_eq(view->plan.pruning.factor, 3);
    ck_assert_int_eq(view->plan.pruning.min_trials, 7);
    ck_assert_int_eq(view->plan.pruning.min_measurements, 2);
    ck_assert_int_eq(view->plan.patience, 9);
    ck_assert_uint_eq(view->plan.space.count, 2);
    ck_assert_str_eq(view->plan.space.parameters[1].key, "schedule.rate");
    ck_assert_double_eq(view->plan.space.parameters[1].maximum, 0.2);
    ck_assert_uint_eq(view->validation_rows, 10000);
    ck_assert_uint_eq(view->configuration_count, 12);
    ck_assert_int_eq(view->configurations[11].index, 11);
    ck_assert_int_eq(view->total, 24);
    ck_assert_int_eq(view->counts[LAM_TRIAL_STATE_WAITING], 24);
    ck_assert_int_eq(view->configurations[3].trials[1].state, LAM_TRIAL_STATE_WAITING);
    ck_assert_int_eq(view->configurations[3].trials[1].step, -1);
    ck_assert_double_lt(view->remaining_seconds, 0);
    lam_study_view_free(&view);
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

START_TEST(creating_twice_changes_nothing_and_may_raise_counts)
{
    lam_study_plan plan = small_plan();
    ck_assert_ok(try_create(&plan));
    ck_assert_ok(try_create(&plan));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 24);
    plan.configuration_count = 13;
    plan.seed_count = 3;
    ck_assert_ok(try_create(&plan));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 39);
    plan.configuration_count = 2;
    plan.seed_count = 1;
    ck_assert_ok(try_create(&plan));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 39);
    lam_space_free(&plan.space);
}
END_TEST

START_TEST(another_plan_is_refused_with_what_differs)
{
    lam_study_plan plan = small_plan();
    ck_assert_ok(try_create(&plan));
    lam_study_plan other = plan;
    other.recipe.schedule.rate = 0.5;
    study_fails(try_create(&other), LAM_STATUS_BAD_STUDY,
                "recipe.schedule.rate is 0.1, not 0.5");
    other = plan;
    other.sampler = LAM_SAMPLER_SOBOL;
    study_fails(try_create(&other), LAM_STATUS_BAD_STUDY,
                "sampler is \"random\", not \"sobol\"");
    other = plan;
    other.pruning.type = LAM_PRUNING_HALVING;
    study_fails(try_create(&other), LAM_STATUS_BAD_STUDY, "pruning.rule is \"none\"");
    other = plan;
    other.space.count = 1;
    study_fails(try_create(&other), LAM_STATUS_BAD_STUDY, "space");
    other = plan;
    other.recipe.schedule = (lam_schedule){.type = LAM_SCHEDULE_COSINE, .rate = 0.1};
    study_fails(try_create(&other), LAM_STATUS_BAD_STUDY, "recipe.schedule");
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 24);
    lam_space_free(&plan.space);
}
END_TEST

START_TEST(plans_that_cannot_be_are_refused_and_leave_no_study)
{
    static const struct {
        const char *parameter;
        lam_status status;
        const char *fragment;
    } cases[] = {
        {"no_such_key=linear:0..1", LAM_STATUS_BAD_RECIPE, "no_such_key"},
        {"batch=grid:0", LAM_STATUS_BAD_RECIPE, "batch"},
        {"batch=choice:10,20,50", LAM_STATUS_BAD_ARGUMENT,
         "different configurations and no more"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lam_study_plan plan = small_plan_over(&cases[i].parameter, 1);
        study_fails(try_create(&plan), cases[i].status, cases[i].fragment);
        study_fails(try_open(), LAM_STATUS_BAD_STUDY, "file is empty");
        lam_space_free(&plan.space);
    }
    lam_study_plan plan = small_plan();
    plan.recipe.data.validation_files = 0;
    study_fails(try_create(&plan), LAM_STATUS_BAD_RECIPE, "validation");
    lam_space_free(&plan.space);
    plan = small_plan();
    plan.seed_count = 0;
    study_fails(try_create(&plan), LAM_STATUS_BAD_ARGUMENT, "0 seeds");
    lam_space_free(&plan.space);
    plan = small_plan();
    plan.pruning = (lam_pruning){.type = LAM_PRUNING_HALVING, .factor = 1};
    study_fails(try_create(&plan), LAM_STATUS_BAD_ARGUMENT, "above 1");
    plan.pruning.type = LAM_PRUNING_MEDIAN;
    study_fails(try_create(&plan), LAM_STATUS_BAD_ARGUMENT, "at least 0 trials");
    lam_space_free(&plan.space);
}
END_TEST

START_TEST(grid_is_no_longer_than_it_is)
{
    static const char *const space[] = {"batch=grid:10,20,50", "l2=grid:0,0.1"};
    lam_study_plan plan = small_plan_over(space, 2);
    plan.sampler = LAM_SAMPLER_GRID;
    plan.configuration_count = 7;
    study_fails(try_create(&plan), LAM_STATUS_BAD_ARGUMENT, "grid");
    plan.configuration_count = 6;
    lam_study *study = create_study(&plan);
    lam_recipe recipe;
    ck_assert_ok(lam_study_get_recipe(study, 3, &recipe));
    ck_assert_int_eq(recipe.batch, 20);
    ck_assert_double_eq(recipe.network.l2, 0.1);
    ck_assert_uint_eq(recipe.seed, plan.recipe.seed);
    study_fails(lam_study_get_recipe(study, 6, &recipe), LAM_STATUS_BAD_ARGUMENT,
                "no configuration 6");
    study_fails(lam_study_extend(study, 7, 2), LAM_STATUS_BAD_ARGUMENT, "grid");
    ck_assert_ok(lam_study_extend(study, 6, 3));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 18);
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

static void wait_for(const pid_t *children, int count)
{
    for (int i = 0; i < count; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
}

START_TEST(processes_that_create_at_once_make_one_study)
{
    enum { PROCESSES = 8 };
    pid_t children[PROCESSES];
    lam_study_plan plan = small_plan();
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            _exit(try_create(&plan) == LAM_STATUS_OK ? 0 : 1);
    }
    wait_for(children, PROCESSES);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM study"), 1);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 24);
    lam_space_free(&plan.space);
}
END_TEST

/* ---- files that are no studies, or none any more ---- */

START_TEST(files_that_are_no_studies_are_refused_as_they_are)
{
    study_fails(try_open(), LAM_STATUS_BAD_STUDY, "no such study");
    ck_assert(!test_file_exists(study_path));
    lam_study_plan plan = small_plan();
    test_file_write_text(study_path,
                         "A text of more than a hundred bytes, which is what SQLite "
                         "looks at first when it opens a file: nothing of it fits.");
    study_fails(try_open(), LAM_STATUS_BAD_STUDY, "no SQLite file");
    study_fails(try_create(&plan), LAM_STATUS_BAD_STUDY, "no SQLite file");
    ck_assert_int_eq(unlink(study_path), 0);
    change_study("CREATE TABLE mine (a)");
    study_fails(try_open(), LAM_STATUS_BAD_STUDY, "another program");
    study_fails(try_create(&plan), LAM_STATUS_BAD_STUDY, "another program");
    ck_assert_int_eq(ask_study("SELECT count(*) FROM sqlite_schema"), 1);
    snprintf(study_path, sizeof study_path, "%s/study.sqlite/in-a-file", study_folder.path);
    study_fails(try_create(&plan), LAM_STATUS_BAD_OUTPUT, "cannot write");
    lam_space_free(&plan.space);
}
END_TEST

START_TEST(damage_is_found)
{
    lam_study *study = create_small_study();
    ck_assert_ok(lam_study_verify(study));
    lam_study_close(&study);
    size_t count = 0;
    char *bytes = test_file_read(study_path, &count);
    memset(bytes + count / 2, 0x5A, 4096);
    test_file_write(study_path, bytes, count);
    free(bytes);
    lam_status status = lam_study_open(study_context, study_path, &study);
    if (status == LAM_STATUS_OK)
        status = lam_study_verify(study);
    study_fails(status, LAM_STATUS_BAD_STUDY, "damaged");
    lam_study_close(&study);
}
END_TEST

START_TEST(rows_without_their_owner_are_found)
{
    lam_study *study = create_small_study();
    change_study("INSERT INTO metric (trial, step) VALUES (12345, 1)");
    study_fails(lam_study_verify(study), LAM_STATUS_BAD_STUDY, "row of metric");
    lam_study_close(&study);
}
END_TEST

START_TEST(older_schema_is_brought_up_to_date_and_newer_one_refused)
{
    const lam_embedded_source newer[] = {
        lam_schema_steps[0], {"2", "ALTER TABLE study ADD COLUMN note TEXT"}, {0}};
    lam_study *study = create_small_study();
    ck_assert_int_eq(ask_study("PRAGMA user_version"), LAM_STUDY_SCHEMA_VERSION);
    ck_assert_ok(lam_sql_begin(study->sql));
    ck_assert_ok(lam_sql_end(study->sql, lam_schema_migrate(study->sql, newer)));
    lam_study_close(&study);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM study WHERE note IS NULL"), 1);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 24);
    study_fails(try_open(), LAM_STATUS_BAD_STUDY, "newer version");
    lam_study_plan plan = small_plan();
    study_fails(try_create(&plan), LAM_STATUS_BAD_STUDY, "newer version");
    lam_space_free(&plan.space);
}
END_TEST

START_TEST(step_that_fails_leaves_the_old_schema)
{
    const lam_embedded_source broken[] = {
        lam_schema_steps[0], {"2", "CREATE TABLE a (b); no such statement"}, {0}};
    lam_study *study = create_small_study();
    ck_assert_ok(lam_sql_begin(study->sql));
    study_fails(lam_sql_end(study->sql, lam_schema_migrate(study->sql, broken)),
                LAM_STATUS_BAD_STUDY, "syntax error");
    lam_study_close(&study);
    ck_assert_int_eq(ask_study("PRAGMA user_version"), 1);
    ck_assert_ok(try_open());
}
END_TEST

/* ---- places that do not take it ---- */

START_TEST(locked_file_is_told)
{
    lam_study *study = create_small_study();
    const lam_worker_identity worker = small_worker("a");
    sqlite3 *other = NULL;
    lam_wave_claim *claim = NULL;
    sqlite3_busy_timeout(study->sql->handle, 20);
    ck_assert_int_eq(sqlite3_open(study_path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    study_fails(lam_study_claim(study, &worker, 1, 4, &claim), LAM_STATUS_BAD_STUDY, "locked");
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    ck_assert_int_eq(work_off(study, "a", 5), 24);
    lam_study_close(&study);
}
END_TEST

START_TEST(full_disk_is_told_and_costs_nothing)
{
    lam_study *study = create_small_study();
    lam_sql *sql = study->sql;
    ck_assert_int_eq(sqlite3_exec(sql->handle, "PRAGMA max_page_count = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    study_fails(lam_study_extend(study, 500, 2), LAM_STATUS_BAD_OUTPUT, "free some space");
    ck_assert_int_eq(
        sqlite3_exec(sql->handle, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL),
        SQLITE_OK);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 24);
    ck_assert_int_eq(work_off(study, "a", 5), 24);
    lam_study_close(&study);
}
END_TEST

/* As a quota or a limit of the shell would. */
START_TEST(limit_on_file_size_is_told_and_costs_nothing)
{
    struct rlimit old, small;
    lam_study *study = create_small_study();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 60000;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    lam_status status = lam_study_extend(study, 500, 2);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    study_fails(status, LAM_STATUS_BAD_OUTPUT, "disk");
    ck_assert_int_eq(work_off(study, "a", 5), 24);
    ck_assert_ok(lam_study_verify(study));
    lam_study_close(&study);
}
END_TEST

START_TEST(file_that_must_not_be_written_can_be_read)
{
    lam_study *study = create_small_study();
    lam_study_close(&study);
    ck_assert_int_eq(chmod(study_path, 0444), 0);
    ck_assert_int_eq(chmod(study_folder.path, 0777), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    study = open_study();
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert_int_eq(view->total, 24);
    lam_study_view_free(&view);
    study_fails(lam_study_extend(study, 20, 2), LAM_STATUS_BAD_OUTPUT, "allow it");
    lam_study_close(&study);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* ---- samplers that learn, and patience ---- */

START_TEST(learning_sampler_makes_configurations_as_results_come)
{
    lam_study_plan plan = small_plan();
    plan.sampler = LAM_SAMPLER_CMAES;
    plan.configuration_count = 40;
    lam_study *study = create_study(&plan);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM configuration"), 1);
    ck_assert_int_eq(work_off(study, "a", 3), 80);
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert(view->is_over);
    ck_assert_int_eq(view->counts[LAM_TRIAL_STATE_DONE], 80);
    lam_study_view_free(&view);
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

START_TEST(learning_sampler_sees_what_came_of_earlier_ones)
{
    enum { COUNT = 14 };
    lam_study_plan plan = small_plan();
    lam_past_point past[COUNT] = {0};
    plan.sampler = LAM_SAMPLER_TPE;
    plan.objective = LAM_OBJECTIVE_LOSS;
    plan.configuration_count = COUNT;
    plan.seed_count = 1;
    lam_study *study = create_study(&plan);
    ck_assert_int_eq(work_off(study, "a", 1), COUNT);
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    for (int64_t i = 0; i < COUNT; i++) {
        lam_point point = {0};
        bool is_ready = false;
        ck_assert_ok(lam_sampler_draw(study_context, &plan.space, plan.sampler, plan.seed, i,
                                      past, &is_ready, &point));
        for (size_t k = 0; k < plan.space.count; k++)
            ck_assert_str_eq(view->configurations[i].values[k], point.values[k]);
        memcpy(past[i].unit, point.unit, sizeof point.unit);
        past[i].cost = small_measurement(i, 0, 70).validation.loss;
        past[i].is_over = true;
    }
    lam_study_view_free(&view);
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

START_TEST(learning_sampler_lets_workers_wait_for_results)
{
    lam_study_plan plan = small_plan();
    const lam_worker_identity worker = small_worker("a");
    plan.sampler = LAM_SAMPLER_CMAES;
    plan.configuration_count = 1000;
    plan.seed_count = 1;
    lam_study *study = create_study(&plan);
    lam_wave_claim *claim = claim_wave(study, &worker, 64);
    ck_assert_uint_lt(claim->count, 64);
    lam_search_look look;
    ck_assert_ok(lam_study_look(study, &worker, &look));
    ck_assert_int_eq(look.outlook, LAM_OUTLOOK_WAIT);
    ck_assert(report_step(study, claim, 70));
    ck_assert(finish_wave(study, claim, LAM_TRIAL_STATE_DONE));
    ck_assert_ok(lam_study_look(study, &worker, &look));
    ck_assert_int_eq(look.outlook, LAM_OUTLOOK_WORK);
    lam_search_look_free(&look);
    lam_wave_claim_free(&claim);
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

START_TEST(space_that_is_used_up_ends_a_learning_study)
{
    static const char *const space[] = {"batch=choice:10,20,50"};
    lam_study_plan plan = small_plan_over(space, 1);
    plan.sampler = LAM_SAMPLER_TPE;
    plan.seed_count = 1;
    lam_study *study = create_study(&plan);
    ck_assert_int_eq(work_off(study, "a", 5), 3);
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert(view->is_over);
    ck_assert_int_eq(view->total, 3);
    lam_study_view_free(&view);
    ck_assert_ptr_nonnull(strstr(study_warnings, "no more than 3 different"));
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

/* By the fixture's measurements the last configuration is the best; with losses, the worst. */
START_TEST(patience_ends_a_study_that_stopped_improving)
{
    lam_study_plan plan = small_plan();
    plan.patience = 4;
    lam_study *study = create_study(&plan);
    ck_assert_int_eq(work_off(study, "a", 1), 24);
    lam_study_close(&study);
    ck_assert_int_eq(unlink(study_path), 0);
    study = create_study(&plan);
    const lam_worker_identity worker = small_worker("a");
    for (int i = 0; i < 10; i++) {
        lam_wave_claim *claim = claim_wave(study, &worker, 1);
        ck_assert(report_step(study, claim, 70));
        ck_assert(
            finish_wave(study, claim, i < 2 ? LAM_TRIAL_STATE_DONE : LAM_TRIAL_STATE_FAILED));
        lam_wave_claim_free(&claim);
    }
    ck_assert_ptr_null(claim_wave(study, &worker, 1));
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert(view->is_over);
    ck_assert_int_eq(view->counts[LAM_TRIAL_STATE_WAITING], 14);
    lam_study_view_free(&view);
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

/* ---- the median ---- */

START_TEST(median_is_of_earlier_waves_of_the_seed)
{
    lam_study_plan plan = small_plan();
    const lam_worker_identity worker = small_worker("a");
    plan.pruning = (lam_pruning){LAM_PRUNING_MEDIAN, 2, 4, 1};
    plan.seed_count = 1;
    lam_study *study = create_study(&plan);
    double median = -1;
    for (int i = 0; i < 3; i++) {
        lam_wave_claim *claim = claim_wave(study, &worker, 3);
        ck_assert(report_step(study, claim, 10));
        ck_assert_ok(lam_study_get_median(study, claim, 10, &median));
        if (i < 2) /* three earlier ones are too few */
            ck_assert_double_nan(median);
        lam_wave_claim_free(&claim);
    }
    double low = small_measurement(2, 0, 10).validation.accuracy;
    double high = small_measurement(3, 0, 10).validation.accuracy;
    ck_assert_double_eq_tol(median, (low + high) / 2, 1e-12);
    lam_wave_claim *claim = claim_wave(study, &worker, 3);
    ck_assert_ok(lam_study_get_median(study, claim, 10, &median));
    ck_assert_double_eq_tol(median, small_measurement(4, 0, 10).validation.accuracy, 1e-12);
    ck_assert_ok(lam_study_get_median(study, claim, 11, &median));
    ck_assert_double_nan(median);
    lam_wave_claim_free(&claim);
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

/* ---- shards and merging ---- */

static int64_t work_off_shard(const char *path)
{
    lam_study *shard = NULL;
    ck_assert_ok(lam_study_open(study_context, path, &shard));
    int64_t count = work_off(shard, path, 5);
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(shard, &view));
    ck_assert(view->is_over);
    ck_assert_int_eq(view->total, count);
    lam_study_view_free(&view);
    lam_study_close(&shard);
    return count;
}

START_TEST(shards_do_their_own_and_are_merged)
{
    enum { SHARDS = 5 };
    lam_study *study = create_small_study();
    const char *paths[SHARDS];
    int64_t merged = 0, sum = 0;
    for (int i = 0; i < SHARDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "shard-%d", i);
        paths[i] = test_path(&study_folder, name);
        ck_assert_ok(lam_study_make_shard(study, paths[i], i, SHARDS));
    }
    for (int i = 0; i < SHARDS; i++)
        ck_assert_int_eq(work_off_shard(paths[i]), 2 * (12 / SHARDS + (i < 12 % SHARDS)));
    ck_assert_ok(lam_study_make_shard(study, paths[0], 0, SHARDS)); /* is there, and stays */
    for (int i = 0; i < SHARDS; i++) {
        ck_assert_ok(lam_study_merge(study, paths[i], &merged));
        sum += merged;
        ck_assert_ok(lam_study_merge(study, paths[i], &merged));
        ck_assert_int_eq(merged, 0);
    }
    ck_assert_int_eq(sum, 24);
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert(view->is_over);
    ck_assert_double_eq(view->configurations[7].trials[1].objective,
                        small_measurement(7, 1, 70).validation.accuracy);
    ck_assert_int_eq(view->configurations[7].trials[1].latest.step, 70);
    lam_study_view_free(&view);
    ck_assert_ok(lam_study_verify(study));
    ck_assert_int_eq(test_folder_count(&study_folder), 1 + 2 + SHARDS); /* -wal, -shm */
    lam_study_close(&study);
}
END_TEST

START_TEST(merging_takes_what_says_more_and_ends_waves)
{
    lam_study *study = create_small_study(), *copy = NULL;
    const lam_worker_identity worker = small_worker("a");
    const char *path = test_path(&study_folder, "copy");
    int64_t merged = 0;
    ck_assert_ok(lam_study_make_shard(study, path, 0, 1));
    ck_assert_ok(lam_study_open(study_context, path, &copy));
    lam_wave_claim *here = claim_wave(study, &worker, 4); /* configurations 0 .. 3 */
    ck_assert_ok(lam_study_extend(copy, 14, 3));
    lam_wave_claim *there = claim_wave(copy, &worker, 6); /* and more of them */
    ck_assert(report_step(copy, there, 70));
    ck_assert(finish_wave(copy, there, LAM_TRIAL_STATE_DONE));
    ck_assert_ok(lam_study_merge(study, path, &merged));
    ck_assert_int_eq(merged, 6);
    ck_assert(!report_step(study, here, 10));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial"), 42);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial WHERE device IS NOT NULL"), 6);
    lam_wave_claim_free(&here);

    here = claim_wave(study, &worker, 2); /* configurations 0 and 1 with the second seed */
    lam_wave_claim_free(&there);
    there = claim_wave(copy, &worker, 2);
    ck_assert_int_eq(here->tasks[1].trial, there->tasks[1].trial);
    ck_assert(report_step(study, here, 70));
    ck_assert(finish_wave(study, here, LAM_TRIAL_STATE_DONE));
    ck_assert(finish_wave(copy, there, LAM_TRIAL_STATE_FAILED));
    ck_assert_ok(lam_study_merge(study, path, &merged));
    ck_assert_int_eq(merged, 0);
    ck_assert_ok(lam_study_merge(copy, study_path, &merged));
    ck_assert_int_eq(merged, 2);
    lam_wave_claim_free(&here);
    lam_wave_claim_free(&there);

    here = claim_wave(study, &worker, 2);
    there = claim_wave(copy, &worker, 1);
    ck_assert_int_eq(here->tasks[0].trial, there->tasks[0].trial);
    ck_assert(report_step(study, here, 70));
    ck_assert(finish_wave(copy, there, LAM_TRIAL_STATE_FAILED));
    ck_assert_ok(lam_study_merge(study, path, &merged));
    ck_assert_int_eq(merged, 1);
    ck_assert(finish_wave(study, here, LAM_TRIAL_STATE_DONE)); /* the other one of its wave */
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial WHERE state = 'failed'"), 1);
    lam_wave_claim_free(&here);
    lam_wave_claim_free(&there);
    lam_study_close(&study);
    lam_study_close(&copy);
}
END_TEST

START_TEST(other_studies_are_not_merged)
{
    lam_study *study = create_small_study(), *other = NULL;
    lam_study_plan plan = small_plan();
    const char *path = test_path(&study_folder, "other");
    int64_t merged = 0;
    ck_assert_ok(lam_study_create(study_context, path, &plan, &other));
    lam_study_close(&other);
    study_fails(lam_study_merge(study, path, &merged), LAM_STATUS_BAD_STUDY, "another study");
    study_fails(lam_study_merge(study, test_path(&study_folder, "none"), &merged),
                LAM_STATUS_BAD_STUDY, "no such study");
    study_fails(lam_study_make_shard(study, path, 0, 2), LAM_STATUS_BAD_STUDY, "not shard 0");
    study_fails(lam_study_make_shard(study, path, 2, 2), LAM_STATUS_BAD_ARGUMENT, "shard 2");
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

static void draw_elsewhere(lam_study *study, uint64_t seed)
{
    const lam_worker_identity worker = small_worker("a");
    study->plan.seed = seed;
    lam_wave_claim *claim = claim_wave(study, &worker, 2);
    lam_wave_claim_free(&claim);
}

START_TEST(learning_samplers_that_went_apart_are_not_merged)
{
    lam_study_plan plan = small_plan();
    plan.sampler = LAM_SAMPLER_TPE;
    lam_study *study = create_study(&plan), *copy = NULL;
    const char *path = test_path(&study_folder, "copy");
    int64_t merged = 0;
    study_fails(lam_study_make_shard(study, path, 0, 2), LAM_STATUS_BAD_ARGUMENT, "learns");
    lam_study_close(&study);
    char *bytes = NULL;
    size_t count = 0;
    bytes = test_file_read(study_path, &count);
    test_file_write(path, bytes, count);
    free(bytes);
    study = open_study();
    ck_assert_ok(lam_study_open(study_context, path, &copy));
    draw_elsewhere(study, 1);
    draw_elsewhere(copy, 2);
    lam_study_close(&copy);
    lam_study_close(&study);
    study = open_study();
    study_fails(lam_study_merge(study, path, &merged), LAM_STATUS_BAD_STUDY,
                "configuration 1 of");
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

static void add_tests(Suite *suite)
{
    add_study_test(suite, "plan", plan_survives_closing);
    add_study_test(suite, "twice", creating_twice_changes_nothing_and_may_raise_counts);
    add_study_test(suite, "another plan", another_plan_is_refused_with_what_differs);
    add_study_test(suite, "bad plan", plans_that_cannot_be_are_refused_and_leave_no_study);
    add_study_test(suite, "grid", grid_is_no_longer_than_it_is);
    add_study_test(suite, "at once", processes_that_create_at_once_make_one_study);
    add_study_test(suite, "no study", files_that_are_no_studies_are_refused_as_they_are);
    add_study_test(suite, "damage", damage_is_found);
    add_study_test(suite, "rows", rows_without_their_owner_are_found);
    add_study_test(suite, "schema", older_schema_is_brought_up_to_date_and_newer_one_refused);
    add_study_test(suite, "broken step", step_that_fails_leaves_the_old_schema);
    add_study_test(suite, "locked", locked_file_is_told);
    add_study_test(suite, "full", full_disk_is_told_and_costs_nothing);
    add_study_test(suite, "limit", limit_on_file_size_is_told_and_costs_nothing);
    add_study_test(suite, "read-only", file_that_must_not_be_written_can_be_read);
    add_study_test(suite, "learning", learning_sampler_makes_configurations_as_results_come);
    add_study_test(suite, "history", learning_sampler_sees_what_came_of_earlier_ones);
    add_study_test(suite, "waiting", learning_sampler_lets_workers_wait_for_results);
    add_study_test(suite, "used up", space_that_is_used_up_ends_a_learning_study);
    add_study_test(suite, "patience", patience_ends_a_study_that_stopped_improving);
    add_study_test(suite, "median", median_is_of_earlier_waves_of_the_seed);
    add_study_test(suite, "shards", shards_do_their_own_and_are_merged);
    add_study_test(suite, "merging", merging_takes_what_says_more_and_ends_waves);
    add_study_test(suite, "others", other_studies_are_not_merged);
    add_study_test(suite, "apart", learning_samplers_that_went_apart_are_not_merged);
}

LAM_SUITE_MAIN("study", add_tests)
