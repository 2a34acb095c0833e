/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul.h"

#include <assert.h>

#include "op/matmul_blas.h"
#include "op/matmul_own.h"
#include "op/tuner.h"

/* CLBlast reads matrices alone: rows of the data set are gathered into one first. */
static lam_status gather_rows(const lam_engine *engine, lam_plan *plan, lam_dense *dense)
{
    lam_buffer *x = NULL;
    LAM_TRY(lam_engine_create_reals(engine, dense->rows * dense->in, "gathered rows", &x));
    LAM_TRY(lam_plan_take_buffer(plan, x));
    LAM_TRY(lam_gather_add(engine, plan, &dense->input, dense->rows, dense->in, x));
    dense->input = (lam_input){.x = x};
    return LAM_STATUS_OK;
}

static lam_status add_blas(const lam_engine *engine, lam_plan *plan,
                           const lam_product_call *call)
{
    lam_dense dense = *call->dense;
    if (!dense.input.x)
        LAM_TRY(gather_rows(engine, plan, &dense));
    switch (call->product) {
    case LAM_PRODUCT_FORWARD:
        return lam_matmul_blas_add_forward(engine, plan, &dense, call->result);
    case LAM_PRODUCT_BACKWARD_INPUT:
        return lam_matmul_blas_add_backward_input(engine, plan, &dense, call->dy, call->result);
    default:
        return lam_matmul_blas_add_backward_weights(engine, plan, &dense, call->dy,
                                                    call->gradient);
    }
}

lam_status lam_matmul_add_variant(const lam_engine *engine, lam_plan *plan,
                                  const lam_matmul_variant *variant,
                                  const lam_product_call *call)
{
    if (variant->gemm == LAM_GEMM_CLBLAST)
        return add_blas(engine, plan, call);
    switch (call->product) {
    case LAM_PRODUCT_FORWARD:
        return lam_matmul_own_add_forward(engine, plan, variant, call->dense, call->result);
    case LAM_PRODUCT_BACKWARD_INPUT:
        return lam_matmul_own_add_backward_input(engine, plan, variant, call->dense, call->dy,
                                                 call->result);
    default:
        return lam_matmul_own_add_backward_weights(engine, plan, variant, call->dense, call->dy,
                                                   call->gradient);
    }
}

lam_status lam_matmul_add(const lam_engine *engine, lam_plan *plan,
                          const lam_product_call *call)
{
    assert(call->product != LAM_PRODUCT_BACKWARD_INPUT ||
           (call->dense->input.x && !call->dense->shares_input));
    lam_matmul_variant variants[LAM_MAX_MATMUL_VARIANTS];
    size_t chosen = 0,
           count = lam_matmul_list_variants(engine, call->product, call->dense, variants);
    if (engine->tuner)
        LAM_TRY(lam_tuner_choose(engine, call, variants, count, &chosen));
    return lam_matmul_add_variant(engine, plan, &variants[chosen], call);
}

lam_status lam_matmul_add_forward(const lam_engine *engine, lam_plan *plan,
                                  const lam_dense *dense, lam_buffer *y)
{
    const lam_product_call call = {.product = LAM_PRODUCT_FORWARD, .dense = dense, .result = y};
    return lam_matmul_add(engine, plan, &call);
}

lam_status lam_matmul_add_backward_input(const lam_engine *engine, lam_plan *plan,
                                         const lam_dense *dense, const lam_buffer *dy,
                                         lam_buffer *dx)
{
    const lam_product_call call = {
        .product = LAM_PRODUCT_BACKWARD_INPUT, .dense = dense, .dy = dy, .result = dx};
    return lam_matmul_add(engine, plan, &call);
}

lam_status lam_matmul_add_backward_weights(const lam_engine *engine, lam_plan *plan,
                                           const lam_dense *dense, const lam_buffer *dy,
                                           const lam_weight_gradient *gradient)
{
    const lam_product_call call = {.product = LAM_PRODUCT_BACKWARD_WEIGHTS,
                                   .dense = dense,
                                   .dy = dy,
                                   .gradient = gradient};
    return lam_matmul_add(engine, plan, &call);
}
