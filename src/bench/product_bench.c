/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_rows.h"
#include "bench/clock.h"
#include "op/matmul.h"

/* Operands of all three products; zeros do as well as numbers for their time. */
typedef struct product_setup {
    lam_engine *engine;
    lam_plan *plan;
    lam_bench_rows *rows;
    lam_dense dense;
    lam_buffer *x, *y, *dx, *l2, *table;
} product_setup;

static lam_status create_operands(product_setup *s, const lam_product_shape *shape)
{
    const lam_engine *e = s->engine;
    size_t width = shape->members * shape->out, x_width = shape->members * shape->in;
    s->dense = (lam_dense){.rows = shape->rows,
                           .in = shape->in,
                           .out = shape->out,
                           .members = shape->members,
                           .shares_input = shape->gathers,
                           .activation = LAM_ACTIVATION_RELU,
                           .input_activation = LAM_ACTIVATION_RELU};
    LAM_TRY(lam_engine_create_reals(e, shape->in * width, "weights", &s->dense.w));
    LAM_TRY(lam_engine_create_reals(e, width, "biases", &s->dense.b));
    LAM_TRY(lam_engine_create_reals(e, shape->rows * width, "outputs", &s->y));
    LAM_TRY(lam_engine_create_reals(e, shape->rows * x_width, "inputs", &s->x));
    LAM_TRY(lam_engine_create_reals(e, shape->rows * x_width, "gradients", &s->dx));
    LAM_TRY(lam_engine_create_reals(e, shape->members, "l2", &s->l2));
    if (shape->gathers)
        LAM_TRY(lam_bench_rows_create(e, NULL, shape->rows, shape->in, 10, &s->rows));
    size_t steps = s->rows ? s->rows->steps : 1;
    return lam_engine_create_reals(e, steps * LAM_STEP_SCALAR_COUNT * shape->members,
                                   "learning rates", &s->table);
}

static lam_status add_product(product_setup *s, lam_product product)
{
    s->dense.input = s->rows ? s->rows->input : (lam_input){.x = s->x};
    const lam_weight_gradient gradient = {.l2 = s->l2, .table = s->table};
    const lam_product_call call = {.product = product,
                                   .dense = &s->dense,
                                   .dy = product == LAM_PRODUCT_FORWARD ? NULL : s->y,
                                   .result = product == LAM_PRODUCT_FORWARD ? s->y : s->dx,
                                   .gradient = &gradient};
    return lam_matmul_add(s->engine, s->plan, &call);
}

static lam_status check_task(lam_context *context, lam_product product,
                             const lam_product_shape *shape)
{
    if ((unsigned)product >= LAM_PRODUCT_COUNT)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "there is no product %d; legal: 0 to %d", (int)product,
                        LAM_PRODUCT_COUNT - 1);
    if (shape->rows < 1 || shape->in < 1 || shape->out < 1 || shape->members < 1)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a product of %zu rows from %zu to %zu for %zu members; legal: at "
                        "least 1 of each",
                        shape->rows, shape->in, shape->out, shape->members);
    if (product == LAM_PRODUCT_BACKWARD_INPUT && shape->gathers)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "rows of a data set have no gradient; choose another product or "
                        "rows of floats");
    return LAM_STATUS_OK;
}

lam_status lam_bench_product(lam_device *device, lam_product product,
                             const lam_product_shape *shape, lam_gemm gemm, double seconds,
                             double *ret_seconds)
{
    lam_status status = LAM_STATUS_OK;
    product_setup s = {0};
    const lam_bench_effort effort = {.seconds = seconds};
    LAM_TRY(check_task(lam_device_get_context(device), product, shape));
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, gemm, &s.engine));
    LAM_TRY_GOTO(status, lam_plan_create(s.engine, &s.plan));
    LAM_TRY_GOTO(status, create_operands(&s, shape));
    LAM_TRY_GOTO(status, add_product(&s, product));
    status = lam_clock_time_plan(s.engine, s.plan, s.rows ? (int)s.rows->steps : 1, &effort,
                                 ret_seconds);
fail:
    lam_plan_destroy(&s.plan);
    lam_bench_rows_destroy(&s.rows);
    lam_buffer **buffers[] = {&s.x, &s.y, &s.dx, &s.l2, &s.table, &s.dense.w, &s.dense.b};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    lam_engine_destroy(&s.engine);
    return status;
}
