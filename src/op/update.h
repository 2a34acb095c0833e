/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What optimizers make of gradients: fused into what computes these, or from finished ones.
 * Formulas: finish_gradient() in cl/common.clh; layouts: cl/update.cl.
 */
#ifndef LAM_OP_UPDATE_H
#define LAM_OP_UPDATE_H

#include "lamina/recipe.h"
#include "op/plan.h"
#include "op/step_table.h"

/** What a gradient of weights and biases is for: an update, or to be looked at. */
typedef struct lam_weight_gradient {
    const lam_buffer *l2;         /* real[members] */
    const lam_buffer *table;      /* see op/step_table.h; NULL: write dw and db, else update */
    lam_optimizer_type optimizer; /* with a table: what updates w and b */
    lam_buffer *w_states;         /* real[states, in, members*out]; NULL where there are none */
    lam_buffer *b_states;         /* real[states, members*out]; likewise */
    lam_buffer *dw;               /* real[in, members*out]; unused (may be NULL) with a table */
    lam_buffer *db;               /* real[members*out]; likewise */
} lam_weight_gradient;

/** Values that the optimizer keeps for each parameter: 0 to LAM_MAX_OPTIMIZER_STATES. */
#define LAM_MAX_OPTIMIZER_STATES 2
size_t lam_optimizer_count_states(lam_optimizer_type optimizer);

/** The define UPDATE of kernels that take a gradient; `table` NULL for one that is written. */
int lam_update_get_define(const lam_buffer *table, lam_optimizer_type optimizer);

/** Adds 2 l2 w to dw real[in, members*out], which holds the loss's gradient, or with a table
 * updates w by that sum. */
LAM_MUST_USE lam_status lam_update_add_weights(const lam_engine *engine, lam_plan *plan,
                                               const lam_weight_gradient *gradient, size_t in,
                                               size_t out, size_t members, lam_buffer *w,
                                               lam_buffer *dw);

/** The same for a bias: its gradient is the column sum of dy real[rows, members*out]. */
LAM_MUST_USE lam_status lam_update_add_bias(const lam_engine *engine, lam_plan *plan,
                                            const lam_weight_gradient *gradient, size_t rows,
                                            size_t out, size_t members, const lam_buffer *dy,
                                            lam_buffer *b);

/* ---- clipping: every member's gradients are scaled by one number ---- */

/** A tensor of parameters, real[rows, members*width], and its finished gradient. */
typedef struct lam_clipped_tensor {
    size_t rows, width, members;
    bool decays; /* AdamW's decay is for weights of dense layers alone */
    lam_buffer *values;
    lam_buffer *states; /* real[states, rows, members*width]; NULL where there are none */
    const lam_buffer *gradients;
} lam_clipped_tensor;

/** Updates `count` tensors by the optimizer from gradients that are scaled down where their
 * norm over all the tensors is above clip_norm real[members]. A norm that is no finite number
 * makes the parameters NaN. */
LAM_MUST_USE lam_status lam_update_add_clipped(const lam_engine *engine, lam_plan *plan,
                                               const lam_clipped_tensor *tensors, int count,
                                               const lam_buffer *table,
                                               lam_optimizer_type optimizer,
                                               const lam_buffer *clip_norm);

#endif
