/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "lamina/train.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"
#include "train/run_directory.h"

/* 200 rows in batches of 20: 10 steps an epoch, two cycles of 20 steps, 5 measurements each. */
static const char recipe_text[] =
    "data: {source: synthetic, train_files: [1], validation_count: 100, train_first: 200}\n"
    "layers: [{type: dense, width: 20}, relu, {type: dense, width: 10}]\n"
    "initialization: he\n"
    "l2: 0.01\n"
    "schedule: {type: triangular, minimum: 1e-5, maximum: 0.05, half_cycle_steps: 10}\n"
    "batch: 20\n"
    "stop: {cycles: 2}\n"
    "measure: {per_cycle: 5}\n"
    "seed: 3\n";
enum { TOTAL_STEPS = 40, MEASUREMENTS = 11, TRAIN_ROWS = 200 };

static lam_recipe recipe;
static lam_dataset *dataset;
static test_folder folder;

static void set_up(void)
{
    memset(&recipe, 0, sizeof recipe);
    ck_assert_ok(lam_recipe_parse(test_context(), recipe_text, strlen(recipe_text), "a test",
                                  NULL, 0, &recipe));
    if (!dataset)
        ck_assert_ok(lam_dataset_load(test_context(), &recipe.data, NULL, &dataset));
    folder = test_folder_make();
}

static void tear_down(void)
{
    test_folder_remove(&folder);
}

static lam_train_options options_of(const char *directory)
{
    return (lam_train_options){.output_directory = directory, .gemm = LAM_GEMM_AUTO};
}

static lam_run_summary train(const char *directory)
{
    lam_run_summary summary;
    const lam_train_options options = options_of(directory);
    ck_assert_ok(lam_train(test_device(), &recipe, dataset, &options, &summary));
    return summary;
}

static const char *file_of(const char *directory, const char *name)
{
    char path[600];
    static char places[4][600];
    static int next;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return strcpy(places[next++ % 4], path);
}

static void expect_same_file(const char *a, const char *b, const char *name)
{
    size_t size[2] = {0, 0};
    char *bytes[2] = {test_file_read(file_of(a, name), &size[0]),
                      test_file_read(file_of(b, name), &size[1])};
    ck_assert_msg(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0,
                  "%s differs between %s and %s", name, a, b);
    ck_assert_uint_gt(size[0], 0);
    free(bytes[0]);
    free(bytes[1]);
}

static void expect_status(const char *directory, const char *expected)
{
    json_t *record = NULL;
    ck_assert_ok(lam_run_record_load(test_context(), directory, &record));
    ck_assert_str_eq(json_string_value(json_object_get(record, "status")), expected);
    json_decref(record);
}

static void expect_in_message(const lam_context *context, const char *part)
{
    ck_assert_msg(strstr(lam_error_message(context), part), "no '%s' in: %s", part,
                  lam_error_message(context));
}

/* A row of metrics.csv; absent columns are NaN. */
typedef struct metrics_row {
    long long step;
    double values[8];
} metrics_row;

enum { EPOCH, RATE, TRAIN_LOSS, TRAIN_COST, TRAIN_ACCURACY, VALIDATION_LOSS };

static int read_metrics(const char *directory, metrics_row *rows, int limit)
{
    int count = 0;
    char *text = test_file_read(file_of(directory, LAM_RUN_METRICS), NULL);
    for (char *line = strchr(text, '\n'); line && line[1] && count < limit; count++) {
        char *at = line + 1;
        rows[count].step = strtoll(at, &at, 10);
        for (int i = 0; i < 8; i++) {
            char *value = at + (*at == ',');
            rows[count].values[i] = strtod(value, &at);
            if (at == value)
                rows[count].values[i] = NAN;
        }
        line = strchr(at, '\n');
        ck_assert_ptr_eq(line, at);
    }
    free(text);
    return count;
}

/* ---- a whole run ---- */

static void expect_metrics_near(const lam_metrics *metrics, const double *row)
{
    ck_assert_double_lt(fabs(metrics->loss - row[0]), 1e-7);
    ck_assert_double_lt(fabs(metrics->cost - row[1]), 1e-7);
    ck_assert_double_lt(fabs(metrics->accuracy - row[2]), 1e-7);
}

START_TEST(run_measures_learns_and_records)
{
    metrics_row rows[20];
    const char *run = test_path(&folder, "run");
    lam_run_summary summary = train(run);
    ck_assert_int_eq(read_metrics(run, rows, 20), MEASUREMENTS);
    for (int i = 0; i < MEASUREMENTS; i++) {
        const double *values = rows[i].values;
        ck_assert_int_eq(rows[i].step, 4 * i);
        ck_assert_double_lt(fabs(values[EPOCH] - 0.4 * i), 1e-8);
        ck_assert_double_lt(fabs(values[RATE] - lam_schedule_get_rate(&recipe.schedule, 4 * i)),
                            1e-8);
        ck_assert_double_gt(values[TRAIN_COST], values[TRAIN_LOSS]);
        ck_assert(values[TRAIN_ACCURACY] >= 0 && values[TRAIN_ACCURACY] <= 1);
    }
    const double *first = rows[0].values, *last = rows[MEASUREMENTS - 1].values;
    ck_assert_double_lt(last[TRAIN_LOSS], 0.7 * first[TRAIN_LOSS]);
    ck_assert_double_gt(last[TRAIN_ACCURACY], first[TRAIN_ACCURACY] + 0.2);
    expect_metrics_near(&summary.final[LAM_SPLIT_TRAIN], &last[TRAIN_LOSS]);
    expect_metrics_near(&summary.final[LAM_SPLIT_VALIDATION], &last[VALIDATION_LOSS]);
    ck_assert_int_eq(summary.steps, TOTAL_STEPS);
    ck_assert_double_gt(summary.samples_per_second, 0);
    ck_assert_double_ge(summary.seconds_total, 4 * summary.seconds_per_epoch * 0.999);
    expect_status(run, "finished");
    ck_assert(!test_file_exists(file_of(run, LAM_RUN_CHECKPOINT)));
}
END_TEST

START_TEST(two_runs_give_the_same_bytes)
{
    const char *runs[] = {test_path(&folder, "a"), test_path(&folder, "b"),
                          test_path(&folder, "c")};
    for (int i = 0; i < 3; i++) {
        recipe.seed = i == 2 ? 4 : 3;
        train(runs[i]);
    }
    expect_same_file(runs[0], runs[1], LAM_RUN_METRICS);
    expect_same_file(runs[0], runs[1], LAM_RUN_MODEL);
    metrics_row a, c;
    read_metrics(runs[0], &a, 1);
    read_metrics(runs[2], &c, 1);
    ck_assert(a.values[TRAIN_LOSS] != c.values[TRAIN_LOSS]);
}
END_TEST

/* ---- evaluation ---- */

START_TEST(evaluation_repeats_the_final_metrics_to_the_bit)
{
    const char *run = test_path(&folder, "run");
    static lam_recipe loaded;
    char *data = NULL;
    const lam_run_summary trained = train(run);
    lam_run_summary evaluated;
    ck_assert_ok(lam_run_load(test_context(), run, &loaded, &data));
    ck_assert_ptr_null(data);
    ck_assert_ok(lam_evaluate(test_device(), &loaded, dataset, run, LAM_GEMM_AUTO, &evaluated));
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        ck_assert(trained.has_split[split] && evaluated.has_split[split]);
        ck_assert_mem_eq(&trained.final[split], &evaluated.final[split], sizeof(lam_metrics));
        ck_assert_double_gt(evaluated.final[split].loss, 0);
    }
    ck_assert_int_eq(evaluated.steps, TOTAL_STEPS);
}
END_TEST

static void expect_bad_model(const char *run, const char *part)
{
    lam_run_summary summary;
    ck_assert_int_eq(
        lam_evaluate(test_device(), &recipe, dataset, run, LAM_GEMM_AUTO, &summary),
        LAM_STATUS_BAD_MODEL);
    expect_in_message(test_context(), run);
    expect_in_message(test_context(), part);
}

START_TEST(evaluation_refuses_models_that_do_not_fit)
{
    const char *run = test_path(&folder, "run");
    size_t size = 0;
    train(run);
    recipe.network.layers[0].width = 21;
    expect_bad_model(run, "layer1.weight");
    recipe.network.layers[0].width = 20;
    recipe.network.layers[3] = recipe.network.layers[2];
    recipe.network.layer_count = 4;
    expect_bad_model(run, "layer3.weight");
    recipe.network.layer_count = 3;
    char *model = test_file_read(file_of(run, LAM_RUN_MODEL), &size);
    test_file_write(file_of(run, LAM_RUN_MODEL), model, size - 1);
    expect_bad_model(run, "layer2.bias");
    test_file_write(file_of(run, LAM_RUN_MODEL), model, 100);
    expect_bad_model(run, "cut short");
    ck_assert_int_eq(remove(file_of(run, LAM_RUN_MODEL)), 0);
    expect_bad_model(run, LAM_RUN_MODEL);
    free(model);
}
END_TEST

/* ---- interrupting and resuming ---- */

typedef struct stopper {
    lam_context *context;
    int64_t step; /* stop at the first progress at or past it */
    int calls;
} stopper;

static void stop_at_step(void *user, const lam_progress *progress)
{
    stopper *s = user;
    s->calls++;
    ck_assert_int_eq(progress->total_steps, TOTAL_STEPS);
    if (progress->measured)
        ck_assert_int_eq(progress->latest.step, progress->step);
    if (progress->step >= s->step)
        lam_context_request_stop(s->context);
}

/* One leg of a run on a device of its own, since a stop request stays with its context. */
static lam_status run_leg(const char *run, int64_t stop_step, bool resume, char *message)
{
    lam_run_summary summary;
    lam_device *device = NULL;
    stopper s = {.step = stop_step};
    ck_assert_int_eq(lam_context_create(&s.context), LAM_STATUS_OK);
    ck_assert_int_eq(lam_device_open(s.context, getenv("LAMINA_DEVICE"), &device),
                     LAM_STATUS_OK);
    lam_train_options options = options_of(run);
    options.resume = resume;
    options.progress = stop_at_step;
    options.progress_user = &s;
    lam_status status = lam_train(device, &recipe, dataset, &options, &summary);
    ck_assert_int_gt(s.calls, 0);
    snprintf(message, 500, "%s", lam_error_message(s.context));
    lam_device_close(&device);
    lam_context_destroy(&s.context);
    return status;
}

static void expect_interrupted_leg(const char *run, int64_t stop_step, bool resume)
{
    char message[500];
    metrics_row rows[20];
    ck_assert_msg(run_leg(run, stop_step, resume, message) == LAM_STATUS_INTERRUPTED, "%s",
                  message);
    ck_assert_ptr_nonnull(strstr(message, "--resume"));
    ck_assert_ptr_nonnull(strstr(message, run));
    expect_status(run, "interrupted");
    ck_assert(test_file_exists(file_of(run, LAM_RUN_CHECKPOINT)));
    ck_assert(!test_file_exists(file_of(run, LAM_RUN_MODEL)));
    ck_assert_int_eq(read_metrics(run, rows, 20), (int)(stop_step / 4) + 1);
}

static void expect_last_leg(const char *run, const char *whole)
{
    char message[500] = "";
    ck_assert_msg(run_leg(run, INT64_MAX, true, message) == LAM_STATUS_OK, "%s", message);
    expect_same_file(run, whole, LAM_RUN_METRICS);
    expect_same_file(run, whole, LAM_RUN_MODEL);
    expect_status(run, "finished");
    ck_assert(!test_file_exists(file_of(run, LAM_RUN_CHECKPOINT)));
}

/* Before the first step, after a first step that is not measured, at measurements within an
 * epoch and at an epoch's end, and thrice in one run. */
START_TEST(resumed_run_ends_in_the_same_bytes)
{
    static const int64_t stops[] = {0, 1, 8, 20, 36};
    const char *whole = test_path(&folder, "whole"), *run = test_path(&folder, "run");
    train(whole);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        expect_interrupted_leg(run, stops[i], false);
        expect_last_leg(run, whole);
        ck_assert_int_eq(remove(file_of(run, LAM_RUN_MODEL)), 0);
        ck_assert_int_eq(remove(file_of(run, LAM_RUN_METRICS)), 0);
        ck_assert_int_eq(remove(file_of(run, LAM_RUN_RECORD)), 0);
    }
    expect_interrupted_leg(run, 0, false);
    expect_interrupted_leg(run, 12, true);
    expect_interrupted_leg(run, 28, true);
    expect_last_leg(run, whole);
}
END_TEST

static void copy_file(const char *from, const char *to)
{
    size_t size = 0;
    char *bytes = test_file_read(from, &size);
    test_file_write(to, bytes, size);
    free(bytes);
}

static lam_status resume(const char *run, lam_run_summary *summary)
{
    lam_train_options options = options_of(run);
    options.resume = true;
    return lam_train(test_device(), &recipe, dataset, &options, summary);
}

/* A run killed between its last checkpoint and its model: nothing is left to train, and the
 * final metrics are still those of the network. */
START_TEST(run_killed_after_its_last_step_is_finished_by_resuming)
{
    const char *whole = test_path(&folder, "whole"), *run = test_path(&folder, "run");
    lam_run_summary expected = train(whole), summary;
    ck_assert_int_eq(rename(whole, run), 0);
    copy_file(file_of(run, LAM_RUN_MODEL), file_of(run, LAM_RUN_CHECKPOINT));
    ck_assert_int_eq(remove(file_of(run, LAM_RUN_MODEL)), 0);
    char *metrics = test_file_read(file_of(run, LAM_RUN_METRICS), NULL);
    ck_assert_ok(resume(run, &summary));
    char *metrics_after = test_file_read(file_of(run, LAM_RUN_METRICS), NULL);
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
    static const char *const steps[] = {"-5", "41", "4x", "99"};
    const char *run = test_path(&folder, "run");
    lam_run_summary summary;
    size_t size = 0;
    train(run);
    char *model = test_file_read(file_of(run, LAM_RUN_MODEL), &size);
    char *step = memmem(model, size, "\"step\":\"40\"", 11);
    ck_assert_ptr_nonnull(step);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        memcpy(step + 8, steps[i], 2);
        test_file_write(file_of(run, LAM_RUN_CHECKPOINT), model, size);
        lam_status status = resume(run, &summary);
        ck_assert_msg(status == LAM_STATUS_BAD_MODEL, "step %s: %s", steps[i],
                      lam_status_name(status));
    }
    free(model);
}
END_TEST

START_TEST(resuming_needs_the_same_recipe_and_an_unfinished_run)
{
    const char *run = test_path(&folder, "run");
    lam_run_summary summary;
    train(run);
    ck_assert_int_eq(resume(run, &summary), LAM_STATUS_BAD_OUTPUT);
    expect_in_message(test_context(), "finished");
    expect_interrupted_leg(test_path(&folder, "other"), 8, false);
    recipe.network.l2 = 0.02;
    ck_assert_int_eq(resume(test_path(&folder, "other"), &summary), LAM_STATUS_BAD_RECIPE);
    expect_in_message(test_context(), test_path(&folder, "other"));
}
END_TEST

/* ---- folders and diverging ---- */

START_TEST(folder_of_an_earlier_run_is_refused_or_replaced)
{
    const char *run = test_path(&folder, "run"), *other = test_path(&folder, "other");
    lam_run_summary summary;
    lam_train_options options = options_of(run);
    train(run);
    recipe.seed = 4;
    train(other);
    char *before = test_file_read(file_of(run, LAM_RUN_METRICS), NULL);
    ck_assert_int_eq(lam_train(test_device(), &recipe, dataset, &options, &summary),
                     LAM_STATUS_BAD_OUTPUT);
    expect_in_message(test_context(), run);
    char *after = test_file_read(file_of(run, LAM_RUN_METRICS), NULL);
    ck_assert_str_eq(before, after);
    expect_status(run, "finished");
    options.force = true;
    ck_assert_ok(lam_train(test_device(), &recipe, dataset, &options, &summary));
    expect_same_file(run, other, LAM_RUN_METRICS);
    expect_same_file(run, other, LAM_RUN_MODEL);
    free(before);
    free(after);
}
END_TEST

START_TEST(recipe_that_does_not_fit_the_data_is_refused)
{
    const char *run = test_path(&folder, "run");
    lam_run_summary summary;
    const lam_train_options options = options_of(run);
    recipe.batch = TRAIN_ROWS + 1;
    ck_assert_int_eq(lam_train(test_device(), &recipe, dataset, &options, &summary),
                     LAM_STATUS_BAD_RECIPE);
    recipe.batch = 20;
    recipe.network.layers[2].width = 9;
    ck_assert_int_eq(lam_train(test_device(), &recipe, dataset, &options, &summary),
                     LAM_STATUS_BAD_RECIPE);
    ck_assert(!test_file_exists(run));
}
END_TEST

/* One batch of all rows a step, so that a step's loss is the measured training loss. */
static void make_diverging(double rate, double l2, int64_t steps)
{
    recipe.batch = TRAIN_ROWS;
    recipe.schedule = (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = rate};
    recipe.stop = (lam_duration){LAM_UNIT_STEPS, steps};
    recipe.measure = (lam_duration){LAM_UNIT_STEPS, 1};
    recipe.network.l2 = l2;
}

START_TEST(diverged_run_reports_its_step_and_keeps_its_rows)
{
    const char *run = test_path(&folder, "run");
    metrics_row rows[100];
    lam_run_summary summary;
    const lam_train_options options = options_of(run);
    make_diverging(1000, 1, 90);
    ck_assert_int_eq(lam_train(test_device(), &recipe, dataset, &options, &summary),
                     LAM_STATUS_DIVERGED);
    expect_status(run, "diverged");
    const char *step_text = strstr(lam_error_message(test_context()), "the loss of step ");
    ck_assert_ptr_nonnull(step_text);
    long long step = strtoll(step_text + 17, NULL, 10);
    int count = read_metrics(run, rows, 100);
    ck_assert_int_gt(step, 1);
    ck_assert_int_ge(count, step);
    ck_assert_int_le(count, step + 1);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].step, i);
        ck_assert_msg(i >= step || isfinite(rows[i].values[TRAIN_LOSS]),
                      "step %d was not finite, reported is step %lld", i, step);
    }
    ck_assert(count <= step || !isfinite(rows[step].values[TRAIN_LOSS]));
    ck_assert(!test_file_exists(file_of(run, LAM_RUN_MODEL)));
}
END_TEST

/* The very last step may be the one that diverges: such a run has not succeeded either. */
START_TEST(run_that_diverges_in_its_last_step_has_diverged)
{
    const char *run = test_path(&folder, "run");
    lam_run_summary summary = {0};
    const lam_train_options options = options_of(run);
    make_diverging(1e6, 1e6, 2);
    lam_status status = lam_train(test_device(), &recipe, dataset, &options, &summary);
    ck_assert_msg(status == LAM_STATUS_DIVERGED, "%s, and a final loss of %g",
                  lam_status_name(status), summary.final[LAM_SPLIT_TRAIN].loss);
    expect_status(run, "diverged");
}
END_TEST

/* ---- who multiplies ---- */

START_TEST(variants_agree_at_the_first_measurement)
{
    static const lam_gemm variants[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};
    metrics_row rows[3][20];
    recipe.stop = (lam_duration){LAM_UNIT_STEPS, 4};
    for (int v = 0; v < 3; v++) {
        lam_run_summary summary;
        lam_train_options options = options_of(test_path(&folder, lam_gemm_name(variants[v])));
        options.gemm = variants[v];
        ck_assert_ok(lam_train(test_device(), &recipe, dataset, &options, &summary));
        ck_assert_int_eq(read_metrics(options.output_directory, rows[v], 20), 2);
    }
    for (int v = 1; v < 3; v++)
        for (int i = TRAIN_LOSS; i < 8; i++) {
            double tolerance = i == TRAIN_ACCURACY || i == 7 ? 0.011 : 1e-5;
            ck_assert_double_lt(fabs(rows[v][0].values[i] - rows[0][0].values[i]), tolerance);
            ck_assert_double_lt(fabs(rows[v][1].values[i] - rows[0][1].values[i]),
                                10 * tolerance);
        }
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 240), set_up, tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "run", run_measures_learns_and_records);
    add_test(suite, "repeat", two_runs_give_the_same_bytes);
    add_test(suite, "evaluate", evaluation_repeats_the_final_metrics_to_the_bit);
    add_test(suite, "bad model", evaluation_refuses_models_that_do_not_fit);
    add_test(suite, "resume", resumed_run_ends_in_the_same_bytes);
    add_test(suite, "killed", run_killed_after_its_last_step_is_finished_by_resuming);
    add_test(suite, "bad step", checkpoint_of_impossible_step_is_refused);
    add_test(suite, "no resume", resuming_needs_the_same_recipe_and_an_unfinished_run);
    add_test(suite, "folder", folder_of_an_earlier_run_is_refused_or_replaced);
    add_test(suite, "no fit", recipe_that_does_not_fit_the_data_is_refused);
    add_test(suite, "diverged", diverged_run_reports_its_step_and_keeps_its_rows);
    add_test(suite, "last step", run_that_diverges_in_its_last_step_has_diverged);
    add_test(suite, "variants", variants_agree_at_the_first_measurement);
}

LAM_SUITE_MAIN("train", add_tests)
