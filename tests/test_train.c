/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/small_run.h"
#include "support/suite.h"
#include "train/safetensors.h"

static void expect_metrics_near(const lam_metrics *metrics, const double *row)
{
    ck_assert_double_lt(fabs(metrics->loss - row[0]), 1e-7);
    ck_assert_double_lt(fabs(metrics->cost - row[1]), 1e-7);
    ck_assert_double_lt(fabs(metrics->accuracy - row[2]), 1e-7);
}

START_TEST(run_measures_learns_and_records)
{
    small_run_row rows[20];
    const char *run = small_run_path("run");
    lam_run_summary summary = small_run_train(run);
    ck_assert_int_eq(small_run_read_metrics(run, rows, 20), SMALL_RUN_MEASUREMENTS);
    for (int i = 0; i < SMALL_RUN_MEASUREMENTS; i++) {
        const double *values = rows[i].values;
        ck_assert_int_eq(rows[i].step, SMALL_RUN_GAP * i);
        ck_assert_double_lt(fabs(values[SMALL_RUN_EPOCH] - 0.4 * i), 1e-8);
        ck_assert_double_lt(fabs(values[SMALL_RUN_RATE] - small_run_rate(rows[i].step)), 1e-8);
        ck_assert_double_gt(values[SMALL_RUN_TRAIN_COST], values[SMALL_RUN_TRAIN_LOSS]);
        ck_assert(values[SMALL_RUN_TRAIN_ACCURACY] >= 0 &&
                  values[SMALL_RUN_TRAIN_ACCURACY] <= 1);
    }
    const double *first = rows[0].values, *last = rows[SMALL_RUN_MEASUREMENTS - 1].values;
    ck_assert_double_lt(last[SMALL_RUN_TRAIN_LOSS], 0.7 * first[SMALL_RUN_TRAIN_LOSS]);
    ck_assert_double_gt(last[SMALL_RUN_TRAIN_ACCURACY], first[SMALL_RUN_TRAIN_ACCURACY] + 0.2);
    expect_metrics_near(&summary.final[LAM_SPLIT_TRAIN], &last[SMALL_RUN_TRAIN_LOSS]);
    expect_metrics_near(&summary.final[LAM_SPLIT_VALIDATION], &last[SMALL_RUN_VALIDATION_LOSS]);
    ck_assert_int_eq(summary.steps, SMALL_RUN_STEPS);
    ck_assert_double_gt(summary.samples_per_second, 0);
    ck_assert_double_ge(summary.seconds_total, 4 * summary.seconds_per_epoch * 0.999);
    small_run_expect_status(run, "finished");
    ck_assert(!test_file_exists(small_run_file(run, LAM_RUN_CHECKPOINT)));
}
END_TEST

/* ---- one layer trained in double, step by step ---- */

enum { INPUTS = LAM_IMAGE_INPUTS, CLASSES = LAM_CLASS_COUNT, WEIGHTS = INPUTS * CLASSES };

typedef struct reference {
    double w[WEIGHTS], b[CLASSES];
    double x[SMALL_RUN_ROWS][INPUTS];
    int labels[SMALL_RUN_ROWS];
} reference;

static void start_reference(reference *r)
{
    const lam_dataset *dataset = small_run_dataset();
    size_t first = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).first;
    lam_random random =
        lam_random_start(small_recipe.seed, LAM_RANDOM_STREAM_INITIALIZATION, 0);
    for (int i = 0; i < WEIGHTS; i++)
        r->w[i] = 0.01 * lam_random_normal(&random);
    for (int c = 0; c < CLASSES; c++)
        r->b[c] = 0;
    for (size_t i = 0; i < SMALL_RUN_ROWS; i++) {
        const uint8_t *pixels = lam_dataset_get_images(dataset) + (first + i) * INPUTS;
        r->labels[i] = lam_dataset_get_labels(dataset)[first + i];
        for (int k = 0; k < INPUTS; k++)
            r->x[i][k] = (pixels[k] / 255.0 - lam_dataset_get_mean(dataset)[k]) /
                         lam_dataset_get_deviation(dataset)[k];
    }
}

/* Loss of a row; `p` becomes dloss/dlogits. */
static double run_reference_row(const reference *r, int row, double p[CLASSES])
{
    double sum = 0;
    for (int c = 0; c < CLASSES; c++) {
        p[c] = r->b[c];
        for (int k = 0; k < INPUTS; k++)
            p[c] += r->x[row][k] * r->w[k * CLASSES + c];
        sum += p[c] = exp(p[c]);
    }
    for (int c = 0; c < CLASSES; c++)
        p[c] /= sum;
    double loss = -log(p[r->labels[row]]);
    p[r->labels[row]] -= 1;
    return loss;
}

static void step_reference(reference *r, const int32_t *rows, double rate)
{
    static double dw[WEIGHTS], db[CLASSES], p[CLASSES];
    for (int c = 0; c < CLASSES; c++)
        db[c] = 0;
    for (int i = 0; i < WEIGHTS; i++)
        dw[i] = 2 * small_recipe.network.l2 * r->w[i];
    for (int i = 0; i < small_recipe.batch; i++) {
        run_reference_row(r, rows[i], p);
        for (int c = 0; c < CLASSES; c++) {
            db[c] += p[c] / small_recipe.batch;
            for (int k = 0; k < INPUTS; k++)
                dw[k * CLASSES + c] += r->x[rows[i]][k] * p[c] / small_recipe.batch;
        }
    }
    for (int i = 0; i < WEIGHTS; i++)
        r->w[i] -= rate * dw[i];
    for (int c = 0; c < CLASSES; c++)
        r->b[c] -= rate * db[c];
}

static void train_reference(reference *r, int per_epoch)
{
    int32_t order[SMALL_RUN_ROWS] = {0};
    for (int step = 0; step < small_recipe.stop.count; step++) {
        int epoch = step / per_epoch;
        lam_random random =
            lam_random_start(small_recipe.seed, LAM_RANDOM_STREAM_ORDER, (uint32_t)epoch);
        lam_random_permutation(&random, order, SMALL_RUN_ROWS);
        for (int i = 0; i < SMALL_RUN_ROWS && !small_recipe.shuffle; i++)
            order[i] = i;
        step_reference(r, order + step % per_epoch * small_recipe.batch, small_run_rate(step));
    }
}

static void expect_reference_metrics(const reference *r, const lam_metrics *metrics)
{
    double loss = 0, p[CLASSES], squares = 0;
    for (int i = 0; i < SMALL_RUN_ROWS; i++)
        loss += run_reference_row(r, i, p) / SMALL_RUN_ROWS;
    for (int i = 0; i < WEIGHTS; i++)
        squares += r->w[i] * r->w[i];
    ck_assert_double_lt(fabs(metrics->loss - loss), 1e-5);
    ck_assert_double_lt(fabs(metrics->cost - loss - small_recipe.network.l2 * squares), 1e-5);
}

static void expect_reference_model(const reference *r, const char *run)
{
    static double w[WEIGHTS], b[CLASSES];
    static const size_t shape[2] = {INPUTS, CLASSES};
    lam_safetensors_file *file = NULL;
    ck_assert_ok(
        lam_safetensors_file_open(test_context(), small_run_file(run, LAM_RUN_MODEL), &file));
    ck_assert_ok(lam_safetensors_file_read(file, "layer1.weight", shape, 2, w));
    ck_assert_ok(lam_safetensors_file_read(file, "layer1.bias", &shape[1], 1, b));
    for (int i = 0; i < WEIGHTS; i++)
        ck_assert_msg(fabs(w[i] - r->w[i]) < 2e-6, "w[%d] is %.9g, not %.9g", i, w[i], r->w[i]);
    for (int c = 0; c < CLASSES; c++)
        ck_assert_msg(fabs(b[c] - r->b[c]) < 2e-6, "b[%d] is %.9g, not %.9g", c, b[c], r->b[c]);
    lam_safetensors_file_close(&file);
}

/* Ten steps over three and a third epochs of three batches of 60 (20 rows are left out of each
 * epoch), rising and falling rates; by each variant, shuffled and not. */
START_TEST(run_follows_the_reference_in_double)
{
    static const lam_gemm variants[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};
    static reference r;
    lam_run_summary summary;
    lam_train_options options = small_run_options(small_run_path("run"));
    options.gemm = variants[_i];
    small_recipe.network.layer_count = 1;
    small_recipe.network.layers[0] = small_recipe.network.layers[2];
    small_recipe.network.layers[0].initialization =
        (lam_initialization){LAM_INITIALIZATION_CONSTANT, 0.01};
    small_recipe.batch = 60;
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, 10};
    small_recipe.schedule.half_cycle_steps = 4;
    small_recipe.schedule.maximum = 0.01;
    small_recipe.shuffle = _i != 1;
    ck_assert_ok(small_run_try(&options, &summary));
    start_reference(&r);
    train_reference(&r, 3);
    expect_reference_model(&r, options.output_directory);
    expect_reference_metrics(&r, &summary.final[LAM_SPLIT_TRAIN]);
}
END_TEST

START_TEST(two_runs_give_the_same_bytes)
{
    const char *runs[] = {small_run_path("a"), small_run_path("b"), small_run_path("c")};
    for (int i = 0; i < 3; i++) {
        small_recipe.seed = i == 2 ? 4 : 3;
        small_run_train(runs[i]);
    }
    small_run_expect_same_file(runs[0], runs[1], LAM_RUN_METRICS);
    small_run_expect_same_file(runs[0], runs[1], LAM_RUN_MODEL);
    small_run_row a, c;
    small_run_read_metrics(runs[0], &a, 1);
    small_run_read_metrics(runs[2], &c, 1);
    ck_assert(a.values[SMALL_RUN_TRAIN_LOSS] != c.values[SMALL_RUN_TRAIN_LOSS]);
}
END_TEST

/* ---- evaluation ---- */

START_TEST(evaluation_repeats_the_final_metrics_to_the_bit)
{
    const char *run = small_run_path("run");
    static lam_recipe loaded;
    char *data = NULL;
    const lam_run_summary trained = small_run_train(run);
    lam_run_summary evaluated;
    ck_assert_ok(lam_run_load(test_context(), run, &loaded, &data));
    ck_assert_ptr_null(data);
    ck_assert_ok(lam_evaluate(test_device(), &loaded, small_run_dataset(),
                              small_run_file(run, LAM_RUN_MODEL), LAM_GEMM_AUTO, &evaluated));
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        ck_assert(trained.has_split[split] && evaluated.has_split[split]);
        ck_assert_mem_eq(&trained.final[split], &evaluated.final[split], sizeof(lam_metrics));
        ck_assert_double_gt(evaluated.final[split].loss, 0);
    }
    ck_assert_int_eq(evaluated.steps, SMALL_RUN_STEPS);
}
END_TEST

/* The z-score comes with the model: other training rows do not change the test metrics. */
START_TEST(evaluation_normalizes_as_the_model_was_trained)
{
    const char *run = small_run_path("run");
    lam_dataset *other = NULL;
    lam_data_options data = small_recipe.data;
    const lam_run_summary trained = small_run_train(run);
    lam_run_summary evaluated;
    data.train_first = 300;
    ck_assert_ok(lam_dataset_load(test_context(), &data, NULL, &other));
    ck_assert(lam_dataset_get_mean(other)[0] != lam_dataset_get_mean(small_run_dataset())[0]);
    ck_assert_ok(lam_evaluate(test_device(), &small_recipe, other,
                              small_run_file(run, LAM_RUN_MODEL), LAM_GEMM_AUTO, &evaluated));
    ck_assert_mem_eq(&trained.final[LAM_SPLIT_TEST], &evaluated.final[LAM_SPLIT_TEST],
                     sizeof(lam_metrics));
    ck_assert_double_ne(trained.final[LAM_SPLIT_TRAIN].loss,
                        evaluated.final[LAM_SPLIT_TRAIN].loss);
    lam_dataset_destroy(&other);
}
END_TEST

static void expect_bad_model(const char *run, const char *part)
{
    lam_run_summary summary;
    ck_assert_int_eq(lam_evaluate(test_device(), &small_recipe, small_run_dataset(),
                                  small_run_file(run, LAM_RUN_MODEL), LAM_GEMM_AUTO, &summary),
                     LAM_STATUS_BAD_MODEL);
    small_run_expect_in_message(run);
    small_run_expect_in_message(part);
}

START_TEST(evaluation_refuses_models_that_do_not_fit)
{
    const char *run = small_run_path("run");
    size_t size = 0;
    small_run_train(run);
    small_recipe.network.layers[0].width = 21;
    expect_bad_model(run, "layer1.weight");
    small_recipe.network.layers[0].width = 20;
    small_recipe.network.layers[3] = small_recipe.network.layers[2];
    small_recipe.network.layer_count = 4;
    expect_bad_model(run, "layer3.weight");
    small_recipe.network.layer_count = 3;
    char *model = test_file_read(small_run_file(run, LAM_RUN_MODEL), &size);
    test_file_write(small_run_file(run, LAM_RUN_MODEL), model, size - 1);
    expect_bad_model(run, "layer2.bias");
    test_file_write(small_run_file(run, LAM_RUN_MODEL), model, 100);
    expect_bad_model(run, "cut short");
    ck_assert_int_eq(remove(small_run_file(run, LAM_RUN_MODEL)), 0);
    expect_bad_model(run, LAM_RUN_MODEL);
    free(model);
}
END_TEST

/* ---- best models, patience and snapshots ---- */

static lam_metrics evaluate_model(const char *run, const char *model, lam_split split,
                                  int64_t *ret_step)
{
    lam_run_summary evaluated;
    char *path = NULL;
    ck_assert_ok(lam_run_find_model(test_context(), run, model, &path));
    ck_assert_ok(lam_evaluate(test_device(), &small_recipe, small_run_dataset(), path,
                              LAM_GEMM_AUTO, &evaluated));
    free(path);
    *ret_step = evaluated.steps;
    return evaluated.final[split];
}

START_TEST(best_model_is_that_of_the_best_measurement)
{
    const char *run = small_run_path("run");
    small_run_row rows[20];
    int64_t step = -1;
    small_recipe.schedule = (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = 0.5};
    small_recipe.measure = (lam_duration){LAM_UNIT_STEPS, 4};
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, 40};
    const lam_run_summary summary = small_run_train(run);
    int count = small_run_read_metrics(run, rows, 20), best = 0;
    for (int i = 1; i < count; i++)
        if (rows[i].values[SMALL_RUN_VALIDATION_ACCURACY] >
            rows[best].values[SMALL_RUN_VALIDATION_ACCURACY])
            best = i;
    ck_assert_int_gt(best, 0);
    ck_assert_int_lt(best, count - 1);
    ck_assert(summary.has_best);
    ck_assert_int_eq(summary.best_step, rows[best].step);
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        lam_metrics m = evaluate_model(run, "best", (lam_split)split, &step);
        ck_assert_mem_eq(&m, &summary.best[split], sizeof m);
        m = evaluate_model(run, "last", (lam_split)split, &step);
        ck_assert_mem_eq(&m, &summary.final[split], sizeof m);
    }
    ck_assert_int_eq(step, 40);
    evaluate_model(run, "best.safetensors", LAM_SPLIT_TRAIN, &step);
    ck_assert_int_eq(step, summary.best_step);
}
END_TEST

START_TEST(patience_ends_a_run_as_finished)
{
    const char *run = small_run_path("run");
    small_run_row rows[50];
    json_t *record = NULL;
    small_recipe.schedule = (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = 0.5};
    small_recipe.measure = (lam_duration){LAM_UNIT_STEPS, 1};
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, SMALL_RUN_STEPS};
    small_recipe.patience = 3;
    const lam_run_summary summary = small_run_train(run);
    int count = small_run_read_metrics(run, rows, 50), waited = 0;
    double lowest = INFINITY;
    for (int i = 0; i < count; i++) {
        ck_assert_int_lt(waited, 3);
        waited = rows[i].values[SMALL_RUN_VALIDATION_LOSS] < lowest ? 0 : waited + 1;
        lowest = fmin(lowest, rows[i].values[SMALL_RUN_VALIDATION_LOSS]);
    }
    ck_assert_int_eq(waited, 3);
    ck_assert(summary.stopped_early);
    ck_assert_int_eq(summary.steps, rows[count - 1].step);
    ck_assert_int_lt(summary.steps, SMALL_RUN_STEPS);
    small_run_expect_status(run, "finished");
    ck_assert_ok(lam_run_record_load(test_context(), run, &record));
    ck_assert_int_eq(json_integer_value(json_object_get(record, "stopped_early")),
                     summary.steps);
    json_decref(record);
}
END_TEST

START_TEST(patience_needs_validation_rows)
{
    lam_dataset *other = NULL;
    lam_run_summary summary;
    lam_data_options data = small_recipe.data;
    const lam_train_options options = small_run_options(small_run_path("run"));
    data.validation_count = 0;
    small_recipe.patience = 3;
    ck_assert_ok(lam_dataset_load(test_context(), &data, NULL, &other));
    ck_assert_int_eq(lam_train(test_device(), &small_recipe, other, &options, &summary),
                     LAM_STATUS_BAD_RECIPE);
    small_run_expect_in_message("patience");
    small_recipe.patience = 0;
    ck_assert_ok(lam_train(test_device(), &small_recipe, other, &options, &summary));
    ck_assert(!summary.has_best);
    ck_assert(!test_file_exists(small_run_file(options.output_directory, LAM_RUN_BEST)));
    lam_dataset_destroy(&other);
}
END_TEST

/* Measurements elsewhere do not move them; the last one is the model. */
START_TEST(snapshots_are_the_models_of_the_cycles_ends)
{
    const char *run = small_run_path("run"), *other = small_run_path("other");
    int64_t step = 0;
    small_recipe.snapshots = true;
    small_recipe.measure = (lam_duration){LAM_UNIT_STEPS, 7};
    small_run_train(run);
    ck_assert(!test_file_exists(small_run_file(run, "snapshot-3.safetensors")));
    for (int k = 1; k <= 2; k++) {
        char name[20];
        snprintf(name, sizeof name, "snapshot-%d", k);
        evaluate_model(run, name, LAM_SPLIT_TEST, &step);
        ck_assert_int_eq(step, 20 * k);
    }
    char *last = test_file_read(small_run_file(run, "snapshot-2.safetensors"), NULL);
    char *model = test_file_read(small_run_file(run, LAM_RUN_MODEL), NULL);
    ck_assert_str_eq(last, model);
    free(last);
    free(model);
    lam_train_options options = small_run_options(run);
    lam_run_summary summary;
    options.force = true;
    small_recipe.snapshots = false;
    ck_assert_ok(small_run_try(&options, &summary));
    ck_assert(!test_file_exists(small_run_file(run, "snapshot-1.safetensors")));
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, 20};
    small_run_train(other);
    evaluate_model(other, NULL, LAM_SPLIT_TEST, &step);
    ck_assert_int_eq(step, 20);
}
END_TEST

START_TEST(missing_models_are_named_with_those_that_are_there)
{
    const char *run = small_run_path("run");
    char *path = NULL;
    small_run_train(run);
    ck_assert_int_eq(lam_run_find_model(test_context(), run, "snapshot-4", &path),
                     LAM_STATUS_BAD_MODEL);
    small_run_expect_in_message("snapshot-4.safetensors");
    small_run_expect_in_message(LAM_RUN_BEST);
    ck_assert_ptr_null(path);
}
END_TEST

/* ---- folders and diverging ---- */

START_TEST(folder_of_an_earlier_run_is_refused_or_replaced)
{
    const char *run = small_run_path("run"), *other = small_run_path("other");
    lam_run_summary summary;
    lam_train_options options = small_run_options(run);
    small_run_train(run);
    small_recipe.seed = 4;
    small_run_train(other);
    char *before = test_file_read(small_run_file(run, LAM_RUN_METRICS), NULL);
    ck_assert_int_eq(small_run_try(&options, &summary), LAM_STATUS_BAD_OUTPUT);
    small_run_expect_in_message(run);
    char *after = test_file_read(small_run_file(run, LAM_RUN_METRICS), NULL);
    ck_assert_str_eq(before, after);
    small_run_expect_status(run, "finished");
    options.force = true;
    ck_assert_ok(small_run_try(&options, &summary));
    small_run_expect_same_file(run, other, LAM_RUN_METRICS);
    small_run_expect_same_file(run, other, LAM_RUN_MODEL);
    free(before);
    free(after);
}
END_TEST

START_TEST(recipe_that_does_not_fit_the_data_is_refused)
{
    const char *run = small_run_path("run");
    lam_run_summary summary;
    const lam_train_options options = small_run_options(run);
    small_recipe.batch = SMALL_RUN_ROWS + 1;
    ck_assert_int_eq(small_run_try(&options, &summary), LAM_STATUS_BAD_RECIPE);
    small_recipe.batch = 20;
    small_recipe.network.layers[2].width = 9;
    ck_assert_int_eq(small_run_try(&options, &summary), LAM_STATUS_BAD_RECIPE);
    ck_assert(!test_file_exists(run));
}
END_TEST

/* One batch of all rows a step, so that a step's loss is the measured training loss. */
static void make_diverging(double rate, double l2, int64_t steps)
{
    small_recipe.batch = SMALL_RUN_ROWS;
    small_recipe.schedule = (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = rate};
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, steps};
    small_recipe.measure = (lam_duration){LAM_UNIT_STEPS, 1};
    small_recipe.network.l2 = l2;
}

START_TEST(diverged_run_reports_its_step_and_keeps_its_rows)
{
    const char *run = small_run_path("run");
    small_run_row rows[100];
    lam_run_summary summary;
    const lam_train_options options = small_run_options(run);
    make_diverging(1000, 1, 90);
    ck_assert_int_eq(small_run_try(&options, &summary), LAM_STATUS_DIVERGED);
    small_run_expect_status(run, "diverged");
    const char *step_text = strstr(lam_error_message(test_context()), "the loss of step ");
    ck_assert_ptr_nonnull(step_text);
    long long step = strtoll(step_text + 17, NULL, 10);
    int count = small_run_read_metrics(run, rows, 100);
    ck_assert_int_gt(step, 1);
    ck_assert_int_ge(count, step);
    ck_assert_int_le(count, step + 1);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].step, i);
        ck_assert_msg(i >= step || isfinite(rows[i].values[SMALL_RUN_TRAIN_LOSS]),
                      "step %d was not finite, reported is step %lld", i, step);
    }
    ck_assert(count <= step || !isfinite(rows[step].values[SMALL_RUN_TRAIN_LOSS]));
    ck_assert(!test_file_exists(small_run_file(run, LAM_RUN_MODEL)));
}
END_TEST

/* The very last step may be the one that diverges: such a run has not succeeded either. */
START_TEST(run_that_diverges_in_its_last_step_has_diverged)
{
    const char *run = small_run_path("run");
    lam_run_summary summary = {0};
    const lam_train_options options = small_run_options(run);
    make_diverging(1e6, 1e6, 2);
    lam_status status = small_run_try(&options, &summary);
    ck_assert_msg(status == LAM_STATUS_DIVERGED, "%s, and a final loss of %g",
                  lam_status_name(status), summary.final[LAM_SPLIT_TRAIN].loss);
    small_run_expect_status(run, "diverged");
}
END_TEST

/* ---- who multiplies ---- */

START_TEST(variants_agree_at_the_first_measurement)
{
    static const lam_gemm variants[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};
    small_run_row rows[3][20];
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, 4};
    for (int v = 0; v < 3; v++) {
        lam_run_summary summary;
        lam_train_options options =
            small_run_options(small_run_path(lam_gemm_name(variants[v])));
        options.gemm = variants[v];
        ck_assert_ok(small_run_try(&options, &summary));
        ck_assert_int_eq(small_run_read_metrics(options.output_directory, rows[v], 20), 2);
    }
    for (int v = 1; v < 3; v++)
        for (int i = SMALL_RUN_TRAIN_LOSS; i < SMALL_RUN_COLUMNS; i++) {
            bool is_accuracy =
                i == SMALL_RUN_TRAIN_ACCURACY || i == SMALL_RUN_VALIDATION_ACCURACY;
            double tolerance = is_accuracy ? 0.011 : 1e-5;
            ck_assert_double_lt(fabs(rows[v][0].values[i] - rows[0][0].values[i]), tolerance);
            ck_assert_double_lt(fabs(rows[v][1].values[i] - rows[0][1].values[i]),
                                10 * tolerance);
        }
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 240), small_run_set_up,
                              small_run_tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "run", run_measures_learns_and_records);
    TCase *reference_case = tcase_create("reference");
    tcase_set_timeout(reference_case, 240);
    tcase_add_checked_fixture(reference_case, small_run_set_up, small_run_tear_down);
    tcase_add_loop_test(reference_case, run_follows_the_reference_in_double, 0, 3);
    suite_add_tcase(suite, reference_case);
    add_test(suite, "repeat", two_runs_give_the_same_bytes);
    add_test(suite, "evaluate", evaluation_repeats_the_final_metrics_to_the_bit);
    add_test(suite, "z-score", evaluation_normalizes_as_the_model_was_trained);
    add_test(suite, "bad model", evaluation_refuses_models_that_do_not_fit);
    add_test(suite, "best", best_model_is_that_of_the_best_measurement);
    add_test(suite, "patience", patience_ends_a_run_as_finished);
    add_test(suite, "no validation", patience_needs_validation_rows);
    add_test(suite, "snapshots", snapshots_are_the_models_of_the_cycles_ends);
    add_test(suite, "missing", missing_models_are_named_with_those_that_are_there);
    add_test(suite, "folder", folder_of_an_earlier_run_is_refused_or_replaced);
    add_test(suite, "no fit", recipe_that_does_not_fit_the_data_is_refused);
    add_test(suite, "diverged", diverged_run_reports_its_step_and_keeps_its_rows);
    add_test(suite, "last step", run_that_diverges_in_its_last_step_has_diverged);
    add_test(suite, "variants", variants_agree_at_the_first_measurement);
}

LAM_SUITE_MAIN("train", add_tests)
