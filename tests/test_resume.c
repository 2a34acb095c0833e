/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/small_run.h"
#include "support/suite.h"
#include "train/population_state.h"
#include "train/session.h"

typedef struct stopper {
    int64_t step; /* stop at the first progress at or past it */
    int calls;
} stopper;

static void stop_at_step(void *user, const lam_progress *progress)
{
    stopper *s = user;
    s->calls++;
    ck_assert_int_eq(progress->total_steps, SMALL_RUN_STEPS);
    if (progress->measured)
        ck_assert_int_eq(progress->latest.step, progress->step);
    if (progress->step >= s->step)
        lam_context_request_stop(test_context());
}

static lam_status run_leg(const char *run, int64_t stop_step, bool resume)
{
    lam_run_summary summary;
    stopper s = {.step = stop_step};
    lam_train_options options = small_run_options(run);
    options.resume = resume;
    options.progress = stop_at_step;
    options.progress_user = &s;
    lam_status status = small_run_try(&options, &summary);
    lam_context_withdraw_stop(test_context());
    ck_assert_int_gt(s.calls, 0);
    return status;
}

static void expect_interrupted_leg(const char *run, int64_t stop_step, bool resume)
{
    small_run_row rows[20];
    ck_assert_msg(run_leg(run, stop_step, resume) == LAM_STATUS_INTERRUPTED, "%s",
                  lam_error_message(test_context()));
    small_run_expect_in_message("--resume");
    small_run_expect_in_message(run);
    small_run_expect_status(run, "interrupted");
    ck_assert(test_file_exists(small_run_file(run, LAM_RUN_CHECKPOINT)));
    ck_assert(!test_file_exists(small_run_file(run, LAM_RUN_MODEL)));
    ck_assert_int_eq(small_run_read_metrics(run, rows, 20),
                     (int)(stop_step / SMALL_RUN_GAP) + 1);
}

static void expect_last_leg(const char *run, const char *whole)
{
    ck_assert_ok(run_leg(run, INT64_MAX, true));
    small_run_expect_same_file(run, whole, LAM_RUN_METRICS);
    small_run_expect_same_file(run, whole, LAM_RUN_MODEL);
    small_run_expect_status(run, "finished");
    ck_assert(!test_file_exists(small_run_file(run, LAM_RUN_CHECKPOINT)));
}

/* What a run that is killed leaves: rows behind its checkpoint, the last one incomplete. */
static void add_rows_behind_checkpoint(const char *run)
{
    const char *path = small_run_file(run, LAM_RUN_METRICS);
    char *metrics = test_file_read(path, NULL), *longer = NULL;
    ck_assert_int_gt(asprintf(&longer, "%s16,1.6,0.1,9,9,0,9,9,0\n20,2,0.05,9.1", metrics), 0);
    test_file_write_text(path, longer);
    free(metrics);
    free(longer);
}

/* After a first step that is not measured and at an epoch's end; then before the first step
 * and at measurements within an epoch, thrice in one run. */
START_TEST(resumed_run_ends_in_the_same_bytes)
{
    static const int64_t stops[] = {1, 20};
    const char *whole = small_run_path("whole"), *run = small_run_path("run");
    small_run_train(whole);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        expect_interrupted_leg(run, stops[i], false);
        expect_last_leg(run, whole);
        small_run_expect_same_file(run, whole, LAM_RUN_BEST);
        ck_assert_int_eq(remove(small_run_file(run, LAM_RUN_MODEL)), 0);
        ck_assert_int_eq(remove(small_run_file(run, LAM_RUN_BEST)), 0);
        ck_assert_int_eq(remove(small_run_file(run, LAM_RUN_METRICS)), 0);
        ck_assert_int_eq(remove(small_run_file(run, LAM_RUN_RECORD)), 0);
    }
    expect_interrupted_leg(run, 0, false);
    expect_interrupted_leg(run, 12, true);
    add_rows_behind_checkpoint(run);
    expect_interrupted_leg(run, 28, true);
    expect_last_leg(run, whole);
}
END_TEST

static const lam_optimizer optimizers[] = {
    {.type = LAM_OPTIMIZER_MOMENTUM, .momentum = 0.9},
    {.type = LAM_OPTIMIZER_NESTEROV, .momentum = 0.8, .clip_norm = 0.5},
    {.type = LAM_OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
    {.type = LAM_OPTIMIZER_ADAMW,
     .beta1 = 0.9,
     .beta2 = 0.99,
     .epsilon = 1e-8,
     .weight_decay = 0.1},
};

/* What the optimizer remembers is in the checkpoint: within an epoch and at an epoch's end. */
START_TEST(resumed_optimizer_ends_in_the_same_bytes)
{
    const char *whole = small_run_path("whole"), *run = small_run_path("run");
    small_recipe.optimizer = optimizers[_i];
    small_run_train(whole);
    expect_interrupted_leg(run, 12, false);
    expect_interrupted_leg(run, 20, true);
    expect_last_leg(run, whole);
}
END_TEST

#define DENSE(units)                                                                           \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_DENSE, .width = (units)                                         \
    }
#define NORM                                                                                   \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_BATCH_NORM, .epsilon = 1e-5, .momentum = 0.9                    \
    }
#define NAMED_RELU                                                                             \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_RELU, .name = "a"                                               \
    }
#define ADD                                                                                    \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_ADD, .from = "a"                                                \
    }
#define DROPOUT                                                                                \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_DROPOUT, .rate = 0.3                                            \
    }

/* Each remembers or draws something from step to step; kinds of statistics go round. */
static const lam_network networks[] = {
    {.layer_count = 5, .layers = {DENSE(20), NORM, NAMED_RELU, DROPOUT, DENSE(10)}},
    {.layer_count = 8,
     .layers = {DENSE(20), NORM, NAMED_RELU, DENSE(20), NORM, ADD, DROPOUT, DENSE(10)}},
    {.layer_count = 4, .layers = {DENSE(20), NAMED_RELU, NORM, DENSE(10)}},
};
static const lam_statistics statistics[] = {{.type = LAM_STATISTICS_RUNNING},
                                            {.type = LAM_STATISTICS_PRECISE, .rows = 150},
                                            {.type = LAM_STATISTICS_ADAPTED, .rows = 50}};

/* Running statistics are in the checkpoint, too, and the first batch's do not replace them
 * again; masks of dropout go on. */
START_TEST(resumed_normalization_and_dropout_end_in_the_same_bytes)
{
    const char *whole = small_run_path("whole"), *run = small_run_path("run");
    const lam_initialization he = {.type = LAM_INITIALIZATION_HE};
    small_recipe.network.layer_count = networks[_i].layer_count;
    memcpy(small_recipe.network.layers, networks[_i].layers, sizeof networks[_i].layers);
    for (int i = 0; i < networks[_i].layer_count; i++)
        small_recipe.network.layers[i].initialization = he;
    small_recipe.statistics = statistics[_i];
    small_run_train(whole);
    expect_interrupted_leg(run, 0, false);
    expect_interrupted_leg(run, 1, true);
    expect_interrupted_leg(run, 12, true);
    expect_interrupted_leg(run, 20, true);
    expect_last_leg(run, whole);
}
END_TEST

/* A checkpoint of plain descent has no moments to go on with. */
START_TEST(checkpoint_without_the_optimizers_state_is_refused)
{
    const char *run = small_run_path("run"), *other = small_run_path("other");
    lam_run_summary summary;
    expect_interrupted_leg(other, 12, false);
    small_recipe.optimizer = optimizers[2];
    expect_interrupted_leg(run, 12, false);
    ck_assert_int_eq(rename(small_run_file(other, LAM_RUN_CHECKPOINT),
                            small_run_file(run, LAM_RUN_CHECKPOINT)),
                     0);
    lam_train_options options = small_run_options(run);
    options.resume = true;
    ck_assert_int_eq(small_run_try(&options, &summary), LAM_STATUS_BAD_MODEL);
    small_run_expect_in_message("optimizer.layer1.weight.0");
}
END_TEST

/* Makes a finished run look like one that was killed at some moment before its end. */
static void unfinish(const char *run)
{
    json_t *record = NULL;
    ck_assert_ok(lam_run_record_load(test_context(), run, &record));
    json_object_set_new(record, "status", json_string("running"));
    json_object_del(record, "final");
    ck_assert_int_eq(json_dump_file(record, small_run_file(run, LAM_RUN_RECORD), 0), 0);
    json_decref(record);
}

static lam_status resume(const char *run, lam_run_summary *summary)
{
    lam_train_options options = small_run_options(run);
    options.resume = true;
    return small_run_try(&options, summary);
}

/* A run killed between its last checkpoint and its model: nothing is left to train, and the
 * final metrics are still those of the network. */
/* A checkpoint of the whole run, made of the model that it ended with. */
static void make_last_checkpoint(const char *run, const lam_run_summary *summary)
{
    lam_session *session = NULL;
    int64_t step = 0;
    lam_watch watch = lam_watch_start();
    lam_measurement m = {.step = summary->steps, .epoch = 4, .has_validation = true};
    m.train = summary->final[LAM_SPLIT_TRAIN];
    m.validation = summary->final[LAM_SPLIT_VALIDATION];
    lam_watch_observe(&watch, &m, 0);
    char *state = lam_population_state_format(&small_recipe.seed, &watch, 1);
    ck_assert_ok(lam_session_create(test_device(), &small_recipe, small_run_dataset(),
                                    LAM_GEMM_AUTO, NULL, &session));
    ck_assert_ok(
        lam_model_file_load(session->parameters, 0, small_run_file(run, LAM_RUN_MODEL), &step));
    ck_assert_int_eq(step, summary->steps);
    lam_optimizer_state *optimizer = NULL;
    ck_assert_ok(lam_optimizer_state_create(session->workshop->engine,
                                            &session->parameters->graph, 1,
                                            small_recipe.optimizer.type, &optimizer));
    ck_assert_ok(lam_checkpoint_save(session->parameters, optimizer,
                                     &session->workshop->normalization, step, state,
                                     small_run_file(run, LAM_RUN_CHECKPOINT)));
    lam_optimizer_state_destroy(&optimizer);
    lam_session_destroy(&session);
    free(state);
}

START_TEST(run_killed_after_its_last_step_is_finished_by_resuming)
{
    const char *whole = small_run_path("whole"), *run = small_run_path("run");
    lam_run_summary expected = small_run_train(whole), summary;
    ck_assert_int_eq(rename(whole, run), 0);
    unfinish(run);
    make_last_checkpoint(run, &expected);
    ck_assert_int_eq(remove(small_run_file(run, LAM_RUN_MODEL)), 0);
    char *metrics = test_file_read(small_run_file(run, LAM_RUN_METRICS), NULL);
    ck_assert_ok(resume(run, &summary));
    char *metrics_after = test_file_read(small_run_file(run, LAM_RUN_METRICS), NULL);
    ck_assert_str_eq(metrics, metrics_after);
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        ck_assert_int_eq(summary.has_split[split], expected.has_split[split]);
        ck_assert_msg(
            memcmp(&summary.final[split], &expected.final[split], sizeof(lam_metrics)) == 0,
            "final loss of the %s split is %g, not %g", lam_split_name((lam_split)split),
            summary.final[split].loss, expected.final[split].loss);
    }
    free(metrics);
    free(metrics_after);
}
END_TEST

/* A checkpoint is a file like any other: steps that no run can have reached are refused. */
START_TEST(checkpoint_of_impossible_step_is_refused)
{
    static const char *const steps[] = {"41", "99", "4x", "xx", "-5"};
    const char *run = small_run_path("run");
    lam_run_summary summary;
    size_t size = 0;
    small_run_train(run);
    unfinish(run);
    char *model = test_file_read(small_run_file(run, LAM_RUN_MODEL), &size);
    char *step = memmem(model, size, "\"step\":\"40\"", 11);
    ck_assert_ptr_nonnull(step);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        memcpy(step + 8, steps[i], 2);
        test_file_write(small_run_file(run, LAM_RUN_CHECKPOINT), model, size);
        lam_status status = resume(run, &summary);
        ck_assert_msg(status == LAM_STATUS_BAD_MODEL, "step %s: %s", steps[i],
                      lam_status_name(status));
    }
    free(model);
}
END_TEST

/* Killed within its first seconds: rows, but no checkpoint yet. */
START_TEST(run_killed_before_its_first_checkpoint_starts_again)
{
    const char *whole = small_run_path("whole"), *run = small_run_path("run");
    lam_run_summary summary;
    small_run_train(whole);
    expect_interrupted_leg(run, 8, false);
    unfinish(run);
    ck_assert_int_eq(remove(small_run_file(run, LAM_RUN_CHECKPOINT)), 0);
    ck_assert_ok(resume(run, &summary));
    small_run_expect_same_file(run, whole, LAM_RUN_METRICS);
    small_run_expect_same_file(run, whole, LAM_RUN_MODEL);
}
END_TEST

START_TEST(resuming_needs_the_same_run_unfinished)
{
    const char *run = small_run_path("run"), *other = small_run_path("other");
    lam_run_summary summary;
    small_run_train(run);
    ck_assert_int_eq(resume(run, &summary), LAM_STATUS_BAD_OUTPUT);
    small_run_expect_in_message("finished");
    expect_interrupted_leg(other, 8, false);
    lam_train_options options = small_run_options(other);
    options.resume = true;
    options.gemm = lam_device_get_info(test_device())->has_dedicated_local_memory
                       ? LAM_GEMM_REGISTERS
                       : LAM_GEMM_TILES;
    ck_assert_int_eq(small_run_try(&options, &summary), LAM_STATUS_BAD_RECIPE);
    small_run_expect_in_message("gemm");
    small_recipe.network.l2 = 0.02;
    ck_assert_int_eq(resume(other, &summary), LAM_STATUS_BAD_RECIPE);
    small_run_expect_in_message(other);
    small_run_expect_in_message("recipe");
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, size_t count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 240);
    tcase_add_checked_fixture(test_case, small_run_set_up, small_run_tear_down);
    tcase_add_loop_test(test_case, test, 0, (int)count);
    suite_add_tcase(suite, test_case);
}

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 240), small_run_set_up,
                              small_run_tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "resume", resumed_run_ends_in_the_same_bytes);
    add_loop(suite, "optimizer", resumed_optimizer_ends_in_the_same_bytes,
             sizeof optimizers / sizeof optimizers[0]);
    add_loop(suite, "normalization", resumed_normalization_and_dropout_end_in_the_same_bytes,
             sizeof networks / sizeof networks[0]);
    add_test(suite, "no state", checkpoint_without_the_optimizers_state_is_refused);
    add_test(suite, "killed", run_killed_after_its_last_step_is_finished_by_resuming);
    add_test(suite, "bad step", checkpoint_of_impossible_step_is_refused);
    add_test(suite, "again", run_killed_before_its_first_checkpoint_starts_again);
    add_test(suite, "refused", resuming_needs_the_same_run_unfinished);
}

LAM_SUITE_MAIN("resume", add_tests)
