/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Penalty and stochastic gradient descent on their own. Formula and layouts: cl/sgd.cl.
 */
#ifndef LAM_OP_SGD_H
#define LAM_OP_SGD_H

#include "op/plan.h"

/** What a gradient of weights is for: an update, or to be looked at. */
typedef struct lam_weight_gradient {
    const lam_buffer *l2; /* real[members] */
    const lam_buffer
        *rates;     /* real[steps, members]; NULL: write dw and db, else update w and b */
    lam_buffer *dw; /* real[in, members*out]; unused (may be NULL) with rates */
    lam_buffer *db; /* real[members*out]; likewise */
} lam_weight_gradient;

/** Adds 2 l2 w to dw real[in, members*out], which holds the loss's gradient, or with rates
 * updates w by that sum. */
LAM_MUST_USE lam_status lam_sgd_add_weights(const lam_engine *engine, lam_plan *plan,
                                            const lam_weight_gradient *gradient, size_t in,
                                            size_t out, size_t members, lam_buffer *w,
                                            lam_buffer *dw);

/** The same for a bias: its gradient is the column sum of dy real[rows, members*out]. */
LAM_MUST_USE lam_status lam_sgd_add_bias(const lam_engine *engine, lam_plan *plan,
                                         const lam_weight_gradient *gradient, size_t rows,
                                         size_t out, size_t members, const lam_buffer *dy,
                                         lam_buffer *b);

#endif
