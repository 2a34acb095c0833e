/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul_blas.h"

#include <assert.h>

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
    return lam_activation_add_forward(engine, plan, dense->activation, dense->rows,
                                      dense->members * dense->out, dense->b, y);
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
    return lam_activation_add_backward(engine, plan, dense->input_activation, dense->rows,
                                       dense->members * dense->in, dense->input.x, dx);
}

lam_status lam_matmul_blas_add_backward_weights(const lam_engine *engine, lam_plan *plan,
                                                const lam_dense *dense, const lam_buffer *dy,
                                                const lam_weight_gradient *gradient)
{
    assert(dense->input.x);
    lam_buffer *dw = gradient->dw;
    if (gradient->table) {
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
    LAM_TRY(lam_update_add_weights(engine, plan, gradient, dense->in, dense->out,
                                   dense->members, dense->w, dw));
    return lam_update_add_bias(engine, plan, gradient, dense->rows, dense->out, dense->members,
                               dy, dense->b);
}
