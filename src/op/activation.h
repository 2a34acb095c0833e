/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Bias and activation on their own. Formula and layouts: cl/activation.cl.
 */
#ifndef LAM_OP_ACTIVATION_H
#define LAM_OP_ACTIVATION_H

#include "op/plan.h"

typedef enum lam_activation {
    LAM_ACTIVATION_NONE,
    LAM_ACTIVATION_RELU,
    LAM_ACTIVATION_SIGMOID,
} lam_activation;

/** In place, y real[rows, width] = act(y + b), b real[width]. */
LAM_MUST_USE lam_status lam_activation_add_forward(const lam_engine *engine, lam_plan *plan,
                                                   lam_activation activation, size_t rows,
                                                   size_t width, const lam_buffer *b,
                                                   lam_buffer *y);

/** In place, dy real[rows, width] = dy * act'(y), y the activation's output. */
LAM_MUST_USE lam_status lam_activation_add_backward(const lam_engine *engine, lam_plan *plan,
                                                    lam_activation activation, size_t rows,
                                                    size_t width, const lam_buffer *y,
                                                    lam_buffer *dy);

#endif
