/* SPDX-License-Identifier: Apache-2.0 */
#include "support/small_problem.h"

#include <check.h>

#include "base/random.h"
#include "op/loss.h"
#include "support/device_fixture.h"

static void draw(small_rows *rows)
{
    lam_random random = lam_random_start(11, LAM_RANDOM_STREAM_SAMPLING, 7);
    for (int i = 0; i < SMALL_ROWS * SMALL_INPUTS; i++)
        rows->images[i] = (uint8_t)lam_random_below(&random, 256);
    for (int i = 0; i < SMALL_ROWS; i++)
        rows->labels[i] = (uint8_t)lam_random_below(&random, SMALL_CLASSES);
    for (int k = 0; k < SMALL_INPUTS; k++) {
        rows->mean[k] = 0.4 + 0.2 * lam_random_uniform(&random);
        rows->deviation[k] = 0.2 + 0.2 * lam_random_uniform(&random);
    }
    for (int i = 0; i < SMALL_STEPS * SMALL_BATCH; i++) {
        rows->order[i] = (int32_t)lam_random_below(&random, SMALL_ROWS);
        for (int k = 0; k < SMALL_INPUTS; k++)
            rows->x[i * SMALL_INPUTS + k] =
                (rows->images[rows->order[i] * SMALL_INPUTS + k] / 255.0 - rows->mean[k]) /
                rows->deviation[k];
    }
}

const small_rows *small_rows_get(void)
{
    static small_rows rows;
    static bool drawn;
    if (!drawn)
        draw(&rows);
    drawn = true;
    return &rows;
}

small_problem small_problem_make(lam_engine *engine, const lam_graph *graph, size_t members)
{
    const small_rows *rows = small_rows_get();
    const lam_host_rows host = {rows->images, rows->labels, SMALL_ROWS,
                                SMALL_INPUTS, rows->mean,   rows->deviation};
    size_t sums = SMALL_STEPS * SMALL_BLOCKS * members;
    small_problem problem = {.engine = engine};
    ck_assert_uint_eq(lam_loss_get_blocks(SMALL_BATCH), SMALL_BLOCKS);
    ck_assert_ok(lam_parameters_create(engine, graph, members, &problem.parameters));
    ck_assert_ok(lam_resident_data_create(engine, &host, &problem.data));
    problem.order = test_upload_bytes(engine, rows->order, sizeof rows->order);
    ck_assert_ok(lam_engine_create_reals(engine, sums, "a test", &problem.loss_sum));
    ck_assert_ok(lam_buffer_create(engine->device, sums * 4, "a test", &problem.hit_count));
    problem.rows =
        (lam_plan_rows){.rows = SMALL_BATCH,
                        .limit = SMALL_STEPS * SMALL_BATCH,
                        .data = lam_resident_data_get_input(problem.data, problem.order),
                        .labels = problem.data->labels,
                        .loss_sum = problem.loss_sum,
                        .hit_count = problem.hit_count};
    return problem;
}

void small_problem_free(small_problem *problem)
{
    lam_buffer_destroy(&problem->order);
    lam_buffer_destroy(&problem->loss_sum);
    lam_buffer_destroy(&problem->hit_count);
    lam_resident_data_destroy(&problem->data);
    lam_parameters_destroy(&problem->parameters);
}

void small_problem_run(const small_problem *problem, lam_plan *plan, int steps)
{
    for (int step = 0; step < steps; step++)
        ck_assert_ok(lam_plan_enqueue(plan, step));
    ck_assert_ok(lam_device_finish(problem->engine->device));
}

void small_unit_read(const lam_parameters *parameters, int unit, size_t member, double *w,
                     double *b)
{
    ck_assert_ok(lam_parameters_read(parameters, unit, LAM_TENSOR_WEIGHT, member, w));
    ck_assert_ok(lam_parameters_read(parameters, unit, LAM_TENSOR_BIAS, member, b));
}
