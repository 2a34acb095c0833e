/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "net/step_plan.h"
#include "op/loss.h"
#include "support/device_fixture.h"
#include "support/ref_update.h"
#include "support/small_run.h"
#include "support/suite.h"
#include "train/resident_data.h"

/* ---- plans: mirrored rows train as rows of mirrored images do ---- */

enum { INPUTS = 3072, SIDE = 32, IMAGES = 20, BATCH = 9, STEPS = 3, HIDDEN = 7, CLASSES = 10 };
static const lam_gemm variants[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};

/* A small network on made-up images, and what its plans leave. */
typedef struct image_problem {
    lam_engine *engine;
    lam_parameters *parameters;
    lam_resident_data *data;
    lam_buffer *order, *l2, *table, *loss_sum, *hit_count, *first_step, *data_seed;
    lam_plan_rows rows;
} image_problem;

static uint8_t images[IMAGES * INPUTS], mirrored[IMAGES * INPUTS], labels[IMAGES];
static double mean[INPUTS], deviation[INPUTS];
static int32_t order[STEPS * BATCH];

static void draw_images(void)
{
    for (int i = 0; i < IMAGES * INPUTS; i++) {
        images[i] = (uint8_t)(i * 37 + i / 251);
        mirrored[i - i % SIDE + SIDE - 1 - i % SIDE] = images[i];
    }
    for (int i = 0; i < IMAGES; i++)
        labels[i] = (uint8_t)(i * 7 % CLASSES);
    for (int k = 0; k < INPUTS; k++) {
        mean[k] = 0.4 + 0.2 * k / INPUTS;
        deviation[k] = 0.5 - 0.2 * k / INPUTS;
    }
    for (int i = 0; i < STEPS * BATCH; i++)
        order[i] = i * 3 % IMAGES;
}

static image_problem make_problem(lam_gemm gemm, const uint8_t *pixels)
{
    const lam_graph graph = {
        .unit_count = 2,
        .units = {{.in = INPUTS, .out = HIDDEN, .activation = LAM_ACTIVATION_RELU},
                  {.in = HIDDEN, .out = CLASSES}}};
    const lam_host_rows host = {pixels, labels, IMAGES, INPUTS, mean, deviation};
    const double zeros[STEPS] = {0}, rates[STEPS] = {0.01, 0.02, 0.01};
    const int32_t seed[2] = {5, 6};
    size_t sums = STEPS * lam_loss_get_blocks(BATCH);
    image_problem p = {.engine = test_engine(LAM_REAL_TYPE_F32, gemm)};
    ck_assert_ok(lam_parameters_create(p.engine, &graph, 1, &p.parameters));
    ck_assert_ok(lam_parameters_initialize(p.parameters, 0, 3));
    ck_assert_ok(lam_resident_data_create(p.engine, &host, &p.data));
    p.order = test_upload_bytes(p.engine, order, sizeof order);
    p.l2 = test_upload(p.engine, zeros, 1);
    double *table = ref_make_table(rates, STEPS, 1);
    p.table = test_upload(p.engine, table, STEPS * LAM_STEP_SCALAR_COUNT);
    free(table);
    p.loss_sum = test_upload(p.engine, zeros, sums);
    p.hit_count = test_upload_bytes(p.engine, order, sums * sizeof(int32_t));
    p.first_step = test_upload_bytes(p.engine, order, sizeof(int32_t));
    p.data_seed = test_upload_bytes(p.engine, seed, sizeof seed);
    p.rows = (lam_plan_rows){.rows = BATCH,
                             .limit = STEPS * BATCH,
                             .data = lam_resident_data_get_input(p.data, p.order),
                             .labels = p.data->labels,
                             .loss_sum = p.loss_sum,
                             .hit_count = p.hit_count,
                             .numbers = {.first_step = p.first_step, .data_seed = p.data_seed}};
    return p;
}

static void free_problem(image_problem *p)
{
    lam_buffer **buffers[] = {&p->order,     &p->l2,         &p->table,    &p->loss_sum,
                              &p->hit_count, &p->first_step, &p->data_seed};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    lam_resident_data_destroy(&p->data);
    lam_parameters_destroy(&p->parameters);
    lam_engine_destroy(&p->engine);
}

static void run_plan(const image_problem *p, lam_plan *plan, double ret_losses[STEPS])
{
    for (int step = 0; step < STEPS; step++)
        ck_assert_ok(lam_plan_enqueue(plan, step));
    ck_assert_ok(lam_engine_read_reals(p->engine, p->loss_sum, 0, ret_losses, STEPS));
    lam_plan_destroy(&plan);
}

/* The losses of an evaluation and then those of training. */
static void run_problem(image_problem *p, double ret_losses[2 * STEPS],
                        double ret_weights[INPUTS * HIDDEN])
{
    lam_plan *plan = NULL;
    ck_assert_ok(lam_step_plan_create_evaluation(p->parameters, &p->rows, &plan));
    run_plan(p, plan, ret_losses);
    const lam_plan_update update = {.l2 = p->l2, .table = p->table};
    ck_assert_ok(lam_step_plan_create_training(p->parameters, &p->rows, &update, &plan));
    run_plan(p, plan, ret_losses + STEPS);
    ck_assert_ok(lam_parameters_read(p->parameters, 0, LAM_TENSOR_WEIGHT, 0, ret_weights));
}

START_TEST(plans_on_mirrored_rows_are_those_on_mirrored_images)
{
    static const lam_augmentation mirror = {.flip = 1};
    static double weights[3][INPUTS * HIDDEN], losses[3][2 * STEPS];
    draw_images();
    for (int i = 0; i < 3; i++) {
        image_problem p = make_problem(variants[_i], i == 1 ? mirrored : images);
        p.rows.augmentation = i == 0 ? &mirror : NULL;
        run_problem(&p, losses[i], weights[i]);
        free_problem(&p);
    }
    for (int s = 0; s < 2 * STEPS; s++) {
        ck_assert_double_eq_tol(losses[0][s], losses[1][s], 1e-4 * losses[1][s]);
        ck_assert_double_gt(fabs(losses[2][s] - losses[1][s]), 1e-3 * losses[1][s]);
    }
    for (int i = 0; i < INPUTS * HIDDEN; i++)
        ck_assert_double_eq_tol(weights[0][i], weights[1][i], 1e-5);
}
END_TEST

START_TEST(augmented_rows_count_as_memory)
{
    lam_memory_need plain = {0}, augmented = {0};
    image_problem p = make_problem(LAM_GEMM_AUTO, images);
    const lam_graph *graph = &p.parameters->graph;
    const lam_plan_features none = {0}, augments = {.augments = true};
    lam_step_plan_add_training_need(p.engine, graph, 1, BATCH, &none, &plain);
    lam_step_plan_add_training_need(p.engine, graph, 1, BATCH, &augments, &augmented);
    double bytes = BATCH * INPUTS * sizeof(float) + LAM_BUFFER_PADDING_BYTES;
    ck_assert_double_eq(augmented.total_bytes - plain.total_bytes, bytes);
    ck_assert_double_eq(augmented.largest_bytes, bytes);
    ck_assert_str_eq(augmented.largest, "augmented rows");
    free_problem(&p);
}
END_TEST

/* ---- runs ---- */

static const lam_augmentation everything = {.flip = 0.5, .translation = 3, .noise = 0.1};

static void stop_at_step(void *user, const lam_progress *progress)
{
    const int64_t *step = user;
    if (progress->step >= *step)
        lam_context_request_stop(test_context());
}

static void interrupt_run(const char *run, int64_t step)
{
    lam_run_summary summary;
    lam_train_options options = small_run_options(run);
    options.progress = stop_at_step;
    options.progress_user = &step;
    ck_assert_int_eq(small_run_try(&options, &summary), LAM_STATUS_INTERRUPTED);
    lam_context_withdraw_stop(test_context());
}

START_TEST(augmented_run_repeats_and_resumes_to_the_same_bytes)
{
    static const int64_t stops[] = {8, 20}; /* within the first epoch, after the second */
    const char *whole = small_run_path("whole"), *again = small_run_path("again");
    small_recipe.augmentation = everything;
    small_run_train(whole);
    small_run_train(again);
    small_run_expect_same_file(again, whole, LAM_RUN_MODEL);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        const char *run = small_run_path(i == 0 ? "early" : "late");
        lam_run_summary summary;
        lam_train_options options = small_run_options(run);
        interrupt_run(run, stops[i]);
        options.resume = true;
        ck_assert_ok(small_run_try(&options, &summary));
        small_run_expect_same_file(run, whole, LAM_RUN_MODEL);
        small_run_expect_same_file(run, whole, LAM_RUN_METRICS);
    }
}
END_TEST

static double train_loss(const char *run)
{
    return small_run_train(small_run_path(run)).final[LAM_SPLIT_TRAIN].loss;
}

/* Each kind of change makes another run. */
START_TEST(every_part_of_an_augmentation_is_used)
{
    static const lam_augmentation parts[] = {
        {0}, {.flip = 0.5}, {.translation = 3}, {.noise = 0.1}};
    static const char *const runs[] = {"plain", "flip", "translation", "noise"};
    double losses[4];
    for (int i = 0; i < 4; i++) {
        small_recipe.augmentation = parts[i];
        losses[i] = train_loss(runs[i]);
        for (int other = 0; other < i; other++)
            ck_assert_double_ne(losses[i], losses[other]);
    }
}
END_TEST

static void add_run_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 240), small_run_set_up,
                              small_run_tear_down);
}

static void add_tests(Suite *suite)
{
    TCase *plans = tcase_create("plans");
    tcase_set_timeout(plans, 240);
    tcase_add_loop_test(plans, plans_on_mirrored_rows_are_those_on_mirrored_images, 0,
                        sizeof variants / sizeof variants[0]);
    suite_add_tcase(suite, plans);
    lam_add_test(suite, "memory", augmented_rows_count_as_memory, 60);
    add_run_test(suite, "runs", augmented_run_repeats_and_resumes_to_the_same_bytes);
    add_run_test(suite, "parts", every_part_of_an_augmentation_is_used);
}

LAM_SUITE_MAIN("augmentation", add_tests)
