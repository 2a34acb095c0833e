/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul_blas.h"

#include <assert.h>

static const size_t any_local[3] = {0, 0, 0};

/* Products of all members: one wide product for a shared input, else one for each member. */
static lam_blas_gemm start_gemm(const lam_engine *engine, const lam_dense *dense)
{
    return (lam_blas_gemm){.is_double = engine->real == LAM_REAL_TYPE_F64,
                           .batch = dense->shares_input ? 1 : dense->members};
}

static size_t get_product_width(const lam_dense *dense)
{
    return dense->shares_input ? dense->members * dense->out : dense->out;
}

static size_t get_input_stride(const lam_dense *dense)
{
    return dense->shares_input ? dense->in : dense->members * dense->in;
}

static lam_status add_activation_forward(const lam_engine *engine, lam_plan *plan,
                                         const lam_dense *dense, lam_buffer *y)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "ACTIVATION", (int)dense->activation);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, "activation", "activation_forward", &defines);
    lam_launch_bind_buffer(&launch, y);
    lam_launch_bind_buffer(&launch, dense->b);
    lam_launch_bind_int(&launch, dense->members * dense->out);
    const size_t items[3] = {dense->members * dense->out, dense->rows, 1};
    return lam_plan_add_launch(&launch, items, any_local);
}

lam_status lam_matmul_blas_add_forward(const lam_engine *engine, lam_plan *plan,
                                       const lam_dense *dense, lam_buffer *y)
{
    assert(dense->input.x);
    lam_blas_gemm gemm = start_gemm(engine, dense);
    gemm.m = dense->rows;
    gemm.n = get_product_width(dense);
    gemm.k = dense->in;
    gemm.a = dense->input.x;
    gemm.a_stride = get_input_stride(dense);
    gemm.a_step = dense->in;
    gemm.b = dense->w;
    gemm.b_stride = gemm.c_stride = dense->members * dense->out;
    gemm.b_step = gemm.c_step = dense->out;
    gemm.c = y;
    LAM_TRY(lam_plan_add_gemm(plan, &gemm));
    return add_activation_forward(engine, plan, dense, y);
}

lam_status lam_matmul_blas_add_backward_input(const lam_engine *engine, lam_plan *plan,
                                              const lam_dense *dense, const lam_buffer *dy,
                                              lam_buffer *dx)
{
    lam_blas_gemm gemm = start_gemm(engine, dense);
    gemm.transpose_b = true;
    gemm.m = dense->rows;
    gemm.n = dense->in;
    gemm.k = dense->out;
    gemm.a = dy;
    gemm.a_stride = gemm.b_stride = dense->members * dense->out;
    gemm.a_step = gemm.b_step = dense->out;
    gemm.b = dense->w;
    gemm.c = dx;
    gemm.c_stride = get_input_stride(dense);
    gemm.c_step = dense->in;
    LAM_TRY(lam_plan_add_gemm(plan, &gemm));

    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "ACTIVATION", (int)dense->input_activation);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, "activation", "activation_backward", &defines);
    lam_launch_bind_buffer(&launch, dx);
    lam_launch_bind_buffer(&launch, dense->input.x);
    lam_launch_bind_int(&launch, dense->members * dense->in);
    const size_t items[3] = {dense->members * dense->in, dense->rows, 1};
    return lam_plan_add_launch(&launch, items, any_local);
}

static lam_status add_sgd_weights(const lam_engine *engine, lam_plan *plan,
                                  const lam_dense *dense, const lam_weight_gradient *gradient,
                                  lam_buffer *dw)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "UPDATE", gradient->rates != NULL);
    lam_launch_builder launch = lam_launch_begin(engine, plan, "sgd", "sgd_weights", &defines);
    lam_launch_bind_buffer(&launch, dense->w);
    lam_launch_bind_buffer(&launch, dw);
    lam_launch_bind_buffer(&launch, gradient->rates);
    lam_launch_bind_buffer(&launch, gradient->l2);
    lam_launch_bind_int(&launch, dense->out);
    lam_launch_bind_int(&launch, dense->members);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {dense->members * dense->out, dense->in, 1};
    return lam_plan_add_launch(&launch, items, any_local);
}

static lam_status add_sgd_bias(const lam_engine *engine, lam_plan *plan, const lam_dense *dense,
                               const lam_buffer *dy, const lam_weight_gradient *gradient)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "UPDATE", gradient->rates != NULL);
    lam_launch_builder launch = lam_launch_begin(engine, plan, "sgd", "sgd_bias", &defines);
    lam_launch_bind_buffer(&launch, dense->b);
    lam_launch_bind_buffer(&launch, gradient->db);
    lam_launch_bind_buffer(&launch, gradient->rates);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_int(&launch, dense->rows);
    lam_launch_bind_int(&launch, dense->out);
    lam_launch_bind_int(&launch, dense->members);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {dense->members * dense->out, 1, 1};
    return lam_plan_add_launch(&launch, items, any_local);
}

lam_status lam_matmul_blas_add_backward_weights(const lam_engine *engine, lam_plan *plan,
                                                const lam_dense *dense, const lam_buffer *dy,
                                                const lam_weight_gradient *gradient)
{
    assert(dense->input.x);
    lam_buffer *dw = gradient->dw;
    if (gradient->rates) {
        LAM_TRY(lam_engine_create_reals(engine, dense->in * dense->members * dense->out,
                                        "a weight gradient", &dw));
        LAM_TRY(lam_plan_take_buffer(plan, dw));
    }
    lam_blas_gemm gemm = start_gemm(engine, dense);
    gemm.transpose_a = true;
    gemm.m = dense->in;
    gemm.n = get_product_width(dense);
    gemm.k = dense->rows;
    gemm.a = dense->input.x;
    gemm.a_stride = get_input_stride(dense);
    gemm.a_step = dense->in;
    gemm.b = dy;
    gemm.b_stride = gemm.c_stride = dense->members * dense->out;
    gemm.b_step = gemm.c_step = dense->out;
    gemm.c = dw;
    LAM_TRY(lam_plan_add_gemm(plan, &gemm));
    LAM_TRY(add_sgd_weights(engine, plan, dense, gradient, dw));
    return add_sgd_bias(engine, plan, dense, dy, gradient);
}
