/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The three matrix products of a dense layer over a population, fused with what stands next to
 * them: gathering and z-score on the way in, bias and activation on the way out, penalty and
 * update behind the weight gradient. Formulas and layouts: cl/matmul_registers.cl.
 */
#ifndef LAM_OP_MATMUL_H
#define LAM_OP_MATMUL_H

#include "op/activation.h"
#include "op/gather.h"
#include "op/update.h"

/** One dense layer of `members` networks at a given number of rows. */
typedef struct lam_dense {
    size_t rows, in, out, members;
    bool shares_input; /* all members read the same rows; always so for data set rows */
    lam_activation activation;
    lam_activation input_activation; /* what made x, for the gradient in front of it */
    lam_input input;
    lam_buffer *w; /* real[in, members*out] */
    lam_buffer *b; /* real[members*out] */
} lam_dense;

/** One product with its operands besides those of the layer. */
typedef struct lam_product_call {
    lam_product product;
    const lam_dense *dense;
    const lam_buffer *dy;                /* the backward products */
    lam_buffer *result;                  /* y or dx */
    const lam_weight_gradient *gradient; /* BACKWARD_WEIGHTS: takes the result */
} lam_product_call;

/** True where products with rows of the data set are faster from panels
 * (lam_gather_add_panels()) than from the bytes: where many work-items would convert the same
 * rows. Other products take none. The bits are the same. */
bool lam_matmul_wants_panels(const lam_engine *engine, size_t rows, size_t members, size_t out);

/** Appends the product to the plan, in the way that the engine's tuner chooses, else in the one
 * that is listed first. */
LAM_MUST_USE lam_status lam_matmul_add(const lam_engine *engine, lam_plan *plan,
                                       const lam_product_call *call);

/* ---- lam_matmul_add() with each product's own operands ---- */

/** y real[rows, members*out] = act(x w + b). */
LAM_MUST_USE lam_status lam_matmul_add_forward(const lam_engine *engine, lam_plan *plan,
                                               const lam_dense *dense, lam_buffer *y);

/** dx real[rows, members*in] = (dy w^T) * input_activation'(x); not for shared input. */
LAM_MUST_USE lam_status lam_matmul_add_backward_input(const lam_engine *engine, lam_plan *plan,
                                                      const lam_dense *dense,
                                                      const lam_buffer *dy, lam_buffer *dx);

/** dw = x^T dy + 2 l2 w and db = column sums of dy, written or applied (see above). */
LAM_MUST_USE lam_status lam_matmul_add_backward_weights(const lam_engine *engine,
                                                        lam_plan *plan, const lam_dense *dense,
                                                        const lam_buffer *dy,
                                                        const lam_weight_gradient *gradient);

#endif
