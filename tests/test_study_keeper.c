/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/small_study.h"

/* ---- looking and claiming ---- */

/* Of another host, whose lease has run out by the time that anybody looks. */
static lam_worker_identity make_remote_worker(const char *name)
{
    lam_worker_identity worker = small_worker(name);
    snprintf(worker.host, sizeof worker.host, "elsewhere");
    worker.lease_seconds = 1e-6;
    return worker;
}

START_TEST(waves_are_of_one_seed_and_go_by_configuration)
{
    lam_study *study = create_small_study();
    const lam_worker_identity worker = small_worker("a");
    static const struct {
        int64_t first;
        int seed_index;
        size_t count;
    } expected[] = {{0, 0, 5}, {0, 1, 5}, {5, 0, 5}, {5, 1, 5}, {10, 0, 2}, {10, 1, 2}};
    for (int i = 0; i < 6; i++) {
        lam_wave_claim *claim = claim_wave(study, &worker, 5);
        ck_assert_ptr_nonnull(claim);
        ck_assert_int_eq(claim->attempt, 1);
        ck_assert_ptr_null(claim->checkpoint);
        ck_assert_int_eq(claim->pruned_step, -1);
        ck_assert_uint_eq(claim->count, expected[i].count);
        for (size_t k = 0; k < claim->count; k++) {
            ck_assert_int_eq(claim->tasks[k].configuration, expected[i].first + (int64_t)k);
            ck_assert_int_eq(claim->tasks[k].seed_index, expected[i].seed_index);
            ck_assert_uint_eq(claim->tasks[k].seed, 42 + (uint64_t)expected[i].seed_index);
            ck_assert_uint_eq(claim->tasks[k].setting_count, 2);
            ck_assert_int_eq(strncmp(claim->tasks[k].settings[0], "l2=", 3), 0);
        }
        lam_wave_claim_free(&claim);
    }
    lam_search_look look;
    ck_assert_ok(lam_study_get_keeper(study).look(study, &worker, &look));
    ck_assert_int_eq(look.outlook, LAM_OUTLOOK_WAIT);
    lam_study_close(&study);
}
END_TEST

START_TEST(look_shows_what_a_claim_would_take)
{
    lam_study *study = create_small_study();
    const lam_search_keeper keeper = lam_study_get_keeper(study);
    const lam_worker_identity worker = small_worker("a");
    const lam_population_speed speeds[] = {{1, 2.0}, {4, 6.5}, {8, 7.0}};
    lam_search_look look;
    ck_assert_ok(keeper.look(study, &worker, &look));
    ck_assert_int_eq(look.outlook, LAM_OUTLOOK_WORK);
    ck_assert_int_eq(look.example.configuration, 0);
    ck_assert_uint_eq(look.waiting, 12);
    ck_assert_uint_eq(look.population, 0);
    ck_assert_ok(keeper.set_population(study, &worker, look.group, 8, speeds, 3));
    ck_assert_ok(keeper.set_population(study, &worker, look.group, 4, NULL, 0));
    ck_assert_int_eq(ask_study("SELECT count(models_per_second) FROM population"), 3);
    lam_search_look_free(&look);
    ck_assert_ok(keeper.look(study, &worker, &look));
    ck_assert_uint_eq(look.population, 4);
    lam_search_look_free(&look);
    lam_worker_identity other = worker;
    strcpy(other.device, "another device");
    ck_assert_ok(keeper.look(study, &other, &look));
    ck_assert_uint_eq(look.population, 0);
    lam_search_look_free(&look);
    lam_study_close(&study);
}
END_TEST

START_TEST(other_layer_widths_are_other_groups)
{
    static const char *const space[] = {"layers[0].width=grid:20,30", "l2=grid:0,0.001,0.01"};
    lam_study_plan plan = small_plan_over(space, 2);
    plan.sampler = LAM_SAMPLER_GRID;
    plan.configuration_count = 6;
    plan.seed_count = 1;
    lam_study *study = create_study(&plan);
    const lam_worker_identity worker = small_worker("a");
    for (int i = 0; i < 2; i++) {
        lam_wave_claim *claim = claim_wave(study, &worker, 64);
        ck_assert_uint_eq(claim->count, 3);
        ck_assert_int_eq(claim->tasks[0].configuration, 3 * i);
        lam_wave_claim_free(&claim);
    }
    lam_space_free(&plan.space);
    lam_study_close(&study);
}
END_TEST

/* ---- reporting and finishing ---- */

START_TEST(what_is_reported_and_finished_is_read_back)
{
    lam_study *study = create_small_study();
    const lam_worker_identity worker = small_worker("a");
    lam_wave_claim *claim = claim_wave(study, &worker, 3);
    ck_assert(report_step(study, claim, 10));
    ck_assert(report_step(study, claim, 70));
    ck_assert(report_step(study, claim, 70)); /* again, as after going on from a checkpoint */
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert_int_eq(view->counts[LAM_TRIAL_STATE_RUNNING], 3);
    ck_assert_int_eq(view->workers, 1);
    ck_assert_int_eq(view->configurations[1].trials[0].step, 70);
    lam_study_view_free(&view);

    ck_assert(finish_wave(study, claim, LAM_TRIAL_STATE_DONE));
    ck_assert_ok(lam_study_read(study, &view));
    const lam_trial *trial = &view->configurations[2].trials[0];
    const lam_measurement expected = small_measurement(2, 0, 70);
    ck_assert_int_eq(trial->state, LAM_TRIAL_STATE_DONE);
    ck_assert_double_eq(trial->objective, expected.validation.accuracy);
    ck_assert_double_eq(trial->latest.train.cost, expected.train.cost);
    ck_assert_int_eq(trial->best.step, 70);
    ck_assert_double_eq(trial->seconds, 0.5);
    ck_assert_int_eq(view->counts[LAM_TRIAL_STATE_DONE], 3);
    ck_assert_int_eq(view->counts[LAM_TRIAL_STATE_WAITING], 21);
    ck_assert_int_eq(view->total, 24);
    ck_assert_int_eq(view->workers, 0);
    ck_assert(!view->is_over);
    ck_assert_double_gt(view->models_per_second, 0);
    ck_assert_double_gt(view->remaining_seconds, 0);
    lam_measurement *curve = NULL;
    size_t count = 0;
    ck_assert_ok(lam_study_read_curve(study, trial->id, &curve, &count));
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(curve[0].step, 10);
    ck_assert_double_eq(curve[1].validation.loss, expected.validation.loss);
    free(curve);
    lam_study_view_free(&view);
    lam_wave_claim_free(&claim);

    ck_assert_int_eq(work_off(study, "b", 5), 21);
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert(view->is_over);
    lam_study_view_free(&view);
    ck_assert_ok(lam_study_verify(study));
    lam_study_close(&study);
}
END_TEST

START_TEST(trials_that_are_over_leave_their_wave)
{
    lam_study *study = create_small_study();
    const lam_search_keeper keeper = lam_study_get_keeper(study);
    const lam_worker_identity worker = make_remote_worker("a");
    lam_wave_claim *claim = claim_wave(study, &worker, 4);
    ck_assert(report_step(study, claim, 30));
    const lam_trial_outcome outcomes[] = {
        {claim->tasks[0].trial, LAM_TRIAL_STATE_PRUNED, 30, 1, "worse than the median"},
        {claim->tasks[2].trial, LAM_TRIAL_STATE_FAILED, 0, 1, "no memory"}};
    bool is_held = false;
    ck_assert_ok(keeper.finish(study, claim, outcomes, 2, &is_held));
    ck_assert(is_held);
    lam_wave_claim *next = claim_wave(study, &worker, 1);
    ck_assert_int_eq(next->wave, claim->wave);
    ck_assert_int_eq(next->attempt, 2);
    ck_assert_int_eq(next->pruned_step, 30);
    ck_assert_uint_eq(next->count, 2);
    ck_assert_int_eq(next->tasks[0].configuration, 1);
    ck_assert_int_eq(next->tasks[1].configuration, 3);

    int64_t count = 0;
    ck_assert_ok(lam_study_retry(study, false, &count));
    ck_assert_int_eq(count, 1);
    ck_assert_ok(lam_study_retry(study, true, &count));
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(
        ask_study("SELECT count(*) FROM trial WHERE state = 'waiting' AND wave IS NULL"), 22);
    lam_wave_claim_free(&claim);
    lam_wave_claim_free(&next);
    lam_study_close(&study);
}
END_TEST

START_TEST(done_without_a_number_is_diverged)
{
    lam_study *study = create_small_study();
    const lam_search_keeper keeper = lam_study_get_keeper(study);
    const lam_worker_identity worker = small_worker("a");
    lam_wave_claim *claim = claim_wave(study, &worker, 1);
    lam_trial_outcome outcome = {.trial = claim->tasks[0].trial, .state = LAM_TRIAL_STATE_DONE};
    bool is_held = true;
    study_fails(keeper.finish(study, claim, &outcome, 1, &is_held), LAM_STATUS_BAD_ARGUMENT,
                "without a measurement");
    lam_trial_measurement measurement = {outcome.trial, small_measurement(0, 0, 5)};
    measurement.measured.validation.accuracy = NAN;
    const lam_wave_report report = {.measurements = &measurement, .count = 1};
    ck_assert_ok(keeper.report(study, claim, &report, &is_held));
    ck_assert_ok(keeper.finish(study, claim, &outcome, 1, &is_held));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial WHERE state = 'diverged'"), 1);
    lam_wave_claim_free(&claim);
    lam_study_close(&study);
}
END_TEST

/* ---- checkpoints ---- */

static bool report_checkpoint(lam_study *study, const lam_wave_claim *claim, const char *path,
                              int64_t step)
{
    const lam_wave_report report = {.checkpoint = path, .checkpoint_step = step};
    bool is_held = false;
    ck_assert_ok(lam_study_get_keeper(study).report(study, claim, &report, &is_held));
    return is_held;
}

START_TEST(checkpoints_follow_the_wave_and_go_with_it)
{
    lam_study *study = create_small_study();
    lam_worker_identity worker = small_worker("a");
    lam_wave_claim *claim = claim_wave(study, &worker, 4);
    const char *first = test_path(&study_folder, "first");
    const char *second = test_path(&study_folder, "second");
    test_file_write_text(first, "1");
    test_file_write_text(second, "2");
    ck_assert(report_checkpoint(study, claim, first, 10));
    ck_assert(test_file_exists(first));
    ck_assert(report_checkpoint(study, claim, second, 20));
    ck_assert(!test_file_exists(first));
    ck_assert_ok(lam_study_get_keeper(study).release(study, claim, false));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial WHERE state = 'running'"), 0);

    lam_wave_claim *next = claim_wave(study, &worker, 4);
    ck_assert_int_eq(next->wave, claim->wave);
    ck_assert_int_eq(next->attempt, 2);
    ck_assert_str_eq(next->checkpoint, second);
    ck_assert(!report_checkpoint(study, claim, first, 30)); /* the late writer */
    ck_assert(test_file_exists(second));
    ck_assert(report_step(study, next, 70));
    ck_assert(finish_wave(study, next, LAM_TRIAL_STATE_DONE));
    ck_assert(!test_file_exists(second));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM artifact"), 0);
    lam_wave_claim_free(&claim);
    lam_wave_claim_free(&next);
    lam_study_close(&study);
}
END_TEST

/* A process that is slow to remove a file must not take another file's row with it. */
START_TEST(rows_of_files_have_numbers_of_their_own)
{
    lam_study *study = create_small_study();
    const lam_worker_identity worker = small_worker("a");
    for (int i = 0; i < 2; i++) {
        lam_wave_claim *claim = claim_wave(study, &worker, 1);
        ck_assert(report_checkpoint(study, claim, test_path(&study_folder, "never"), 10));
        ck_assert_int_eq(ask_study("SELECT id FROM artifact"), 1 + i);
        ck_assert(report_step(study, claim, 70));
        ck_assert(finish_wave(study, claim, LAM_TRIAL_STATE_DONE));
        ck_assert_int_eq(ask_study("SELECT count(*) FROM artifact"), 0);
        lam_wave_claim_free(&claim);
    }
    lam_study_close(&study);
}
END_TEST

START_TEST(checkpoint_that_is_gone_starts_the_wave_anew)
{
    lam_study *study = create_small_study();
    const lam_worker_identity worker = make_remote_worker("a");
    lam_wave_claim *claim = claim_wave(study, &worker, 4);
    ck_assert(report_checkpoint(study, claim, test_path(&study_folder, "never"), 10));
    lam_wave_claim *next = claim_wave(study, &worker, 4);
    ck_assert_int_eq(next->attempt, 2);
    ck_assert_ptr_null(next->checkpoint);
    lam_wave_claim_free(&claim);
    lam_wave_claim_free(&next);
    lam_study_close(&study);
}
END_TEST

START_TEST(split_wave_waits_trial_by_trial)
{
    lam_study *study = create_small_study();
    const lam_worker_identity worker = small_worker("a");
    lam_wave_claim *claim = claim_wave(study, &worker, 8);
    ck_assert(report_step(study, claim, 10));
    const char *path = test_path(&study_folder, "checkpoint");
    test_file_write_text(path, "1");
    ck_assert(report_checkpoint(study, claim, path, 10));
    ck_assert_ok(lam_study_get_keeper(study).release(study, claim, true));
    ck_assert(!test_file_exists(path));
    ck_assert_int_eq(ask_study("SELECT count(*) FROM metric"), 0);
    ck_assert(!report_step(study, claim, 20));
    lam_wave_claim *next = claim_wave(study, &worker, 4);
    ck_assert_int_ne(next->wave, claim->wave);
    ck_assert_uint_eq(next->count, 4);
    ck_assert_int_eq(next->tasks[0].configuration, 0);
    lam_wave_claim_free(&claim);
    lam_wave_claim_free(&next);
    lam_study_close(&study);
}
END_TEST

/* ---- leases and deaths ---- */

START_TEST(late_writer_changes_nothing)
{
    lam_study *study = create_small_study();
    const lam_worker_identity slow = make_remote_worker("slow"), quick = small_worker("quick");
    lam_wave_claim *lost = claim_wave(study, &slow, 4);
    lam_wave_claim *held = claim_wave(study, &quick, 4);
    ck_assert_int_eq(held->wave, lost->wave);
    ck_assert(report_step(study, held, 10));
    ck_assert(!report_step(study, lost, 20));
    ck_assert(!finish_wave(study, lost, LAM_TRIAL_STATE_FAILED));
    ck_assert_ok(lam_study_get_keeper(study).release(study, lost, true));
    ck_assert_int_eq(ask_study("SELECT max(step) FROM metric"), 10);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM trial WHERE state = 'running'"), 4);
    ck_assert(report_step(study, held, 70));
    ck_assert(finish_wave(study, held, LAM_TRIAL_STATE_DONE));
    ck_assert(!finish_wave(study, held, LAM_TRIAL_STATE_DONE));
    lam_wave_claim_free(&lost);
    lam_wave_claim_free(&held);
    lam_study_close(&study);
}
END_TEST

START_TEST(lease_that_ran_out_is_kept_while_nobody_takes_over)
{
    lam_study *study = create_small_study();
    const lam_worker_identity worker = make_remote_worker("a");
    lam_wave_claim *claim = claim_wave(study, &worker, 4);
    ck_assert(report_step(study, claim, 10));
    lam_wave_claim_free(&claim);
    lam_study_close(&study);
}
END_TEST

/* It may be compiling. */
START_TEST(live_process_of_this_host_keeps_its_wave_without_a_lease)
{
    lam_study *study = create_small_study();
    lam_worker_identity busy = small_worker("busy"), idle = small_worker("idle");
    busy.lease_seconds = 1e-6;
    lam_wave_claim *claim = claim_wave(study, &busy, 4);
    lam_wave_claim *other = claim_wave(study, &idle, 4);
    ck_assert_int_ne(claim->wave, other->wave);
    ck_assert(report_step(study, claim, 10));
    lam_wave_claim_free(&claim);
    lam_wave_claim_free(&other);
    lam_study_close(&study);
}
END_TEST

/* Whose wave another worker gets at once, though its lease runs. */
static bool is_taken_over(lam_study *study, const lam_worker_identity *first)
{
    const lam_worker_identity next = small_worker("next");
    lam_wave_claim *claim = claim_wave(study, first, 1);
    lam_wave_claim *other = claim_wave(study, &next, 1);
    bool is_same = claim->wave == other->wave;
    lam_wave_claim_free(&claim);
    lam_wave_claim_free(&other);
    return is_same;
}

static pid_t find_dead_pid(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    return child;
}

START_TEST(dead_worker_is_told_by_pid_start_and_host)
{
    const pid_t dead_pid = find_dead_pid(); /* no connection goes through fork() */
    lam_study *study = create_small_study();
    const lam_worker_identity alive = small_worker("a");
    ck_assert(!is_taken_over(study, &alive));
    lam_worker_identity later = alive; /* another process got its pid */
    later.process_start--;
    ck_assert(is_taken_over(study, &later));
    lam_worker_identity dead = alive;
    dead.pid = dead_pid;
    ck_assert(is_taken_over(study, &dead));
    lam_worker_identity elsewhere = dead;
    strcpy(elsewhere.host, "elsewhere");
    ck_assert(!is_taken_over(study, &elsewhere));
    lam_worker_identity namesake = dead;
    strcpy(namesake.boot_id, "another start");
    ck_assert(!is_taken_over(study, &namesake));
    lam_worker_identity container = dead;
    container.pid_namespace++;
    ck_assert(!is_taken_over(study, &container));
    lam_study_close(&study);
}
END_TEST

/* ---- processes ---- */

#define WORKERS 8
#define KILLS 24

/* With a nap in each wave, for death to come in. */
static void work_as_child(int number)
{
    char name[64];
    lam_study *study = open_study();
    snprintf(name, sizeof name, "worker %d of pid %d", number, (int)getpid());
    const lam_worker_identity worker = small_worker(name);
    while (ask_study("SELECT count(*) FROM trial WHERE finished IS NULL") > 0) {
        lam_wave_claim *claim = claim_wave(study, &worker, 5);
        if (!claim) {
            usleep(200); /* others have the rest, and may die */
            continue;
        }
        ck_assert(report_step(study, claim, 10));
        usleep(2000);
        ck_assert(report_step(study, claim, 70));
        ck_assert(finish_wave(study, claim, LAM_TRIAL_STATE_DONE));
        lam_wave_claim_free(&claim);
    }
    lam_study_close(&study);
}

static pid_t start_child(int number)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        work_as_child(number);
        _exit(0);
    }
    return child;
}

/* Waits for the child to be in the midst of a wave; false where it came to its end. */
static bool is_met_at_work(pid_t child)
{
    char query[100];
    siginfo_t info = {0};
    snprintf(query, sizeof query, "SELECT count(*) FROM wave WHERE ended IS NULL AND pid = %d",
             (int)child);
    while (ask_study(query) == 0) {
        ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT), 0);
        if (info.si_pid == child)
            return false;
        usleep(200);
    }
    return true;
}

static void reap(pid_t child, int expected)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), expected);
}

START_TEST(killed_workers_lose_and_repeat_nothing)
{
    lam_study_plan plan = small_plan();
    pid_t children[WORKERS];
    plan.configuration_count = 200;
    lam_study *study = create_study(&plan);
    lam_space_free(&plan.space);
    lam_study_close(&study); /* before fork(), as above */
    for (int i = 0; i < WORKERS; i++)
        children[i] = start_child(i);
    srand(1);
    for (int i = 0; i < KILLS; i++) {
        const int victim = rand() % WORKERS;
        if (!is_met_at_work(children[victim]))
            continue;
        kill(children[victim], SIGKILL);
        reap(children[victim], SIGKILL);
        children[victim] = start_child(victim);
    }
    for (int i = 0; i < WORKERS; i++)
        reap(children[i], 0);
    study = open_study();
    ck_assert_int_eq(work_off(study, "last", 5), 0);
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert(view->is_over);
    ck_assert_int_eq(view->counts[LAM_TRIAL_STATE_DONE], 400);
    lam_study_view_free(&view);
    ck_assert_ok(lam_study_verify(study));
    lam_study_close(&study);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM metric WHERE step = 70"), 400);
    ck_assert_int_eq(ask_study("SELECT count(*) FROM wave WHERE ended IS NULL"), 0);
    ck_assert_int_gt(ask_study("SELECT count(*) FROM wave WHERE attempt > 1"), 0);
}
END_TEST

static void add_tests(Suite *suite)
{
    add_study_test(suite, "waves", waves_are_of_one_seed_and_go_by_configuration);
    add_study_test(suite, "look", look_shows_what_a_claim_would_take);
    add_study_test(suite, "groups", other_layer_widths_are_other_groups);
    add_study_test(suite, "read back", what_is_reported_and_finished_is_read_back);
    add_study_test(suite, "over", trials_that_are_over_leave_their_wave);
    add_study_test(suite, "no number", done_without_a_number_is_diverged);
    add_study_test(suite, "checkpoints", checkpoints_follow_the_wave_and_go_with_it);
    add_study_test(suite, "numbers", rows_of_files_have_numbers_of_their_own);
    add_study_test(suite, "gone", checkpoint_that_is_gone_starts_the_wave_anew);
    add_study_test(suite, "split", split_wave_waits_trial_by_trial);
    add_study_test(suite, "late", late_writer_changes_nothing);
    add_study_test(suite, "lease", lease_that_ran_out_is_kept_while_nobody_takes_over);
    add_study_test(suite, "alive", live_process_of_this_host_keeps_its_wave_without_a_lease);
    add_study_test(suite, "dead", dead_worker_is_told_by_pid_start_and_host);
    add_study_test(suite, "killed", killed_workers_lose_and_repeat_nothing);
}

LAM_SUITE_MAIN("study_keeper", add_tests)
