/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Made-up operands of a product, on which ways to compute it are tried, and what the results
 * should be.
 */
#ifndef LAM_OP_TRIAL_OPERANDS_H
#define LAM_OP_TRIAL_OPERANDS_H

#include "op/matmul.h"

typedef struct lam_trial_operands {
    const lam_engine *engine;
    lam_product_call call; /* points into this object, which must stay where it is */
    lam_dense dense;
    lam_weight_gradient gradient;
    size_t steps;       /* that gathered rows last for; else 1 */
    size_t image_count; /* rows of bytes that gathered rows are taken from */
    lam_buffer *x, *panels, *images, *order, *scale, *shift, *w, *b, *dy, *result;
    lam_buffer *l2, *table, *dw, *db;
} lam_trial_operands;

/** Operands for a product like `call`, whose own buffers only say by being NULL what it gathers
 * and updates. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_trial_operands_create(const lam_engine *engine,
                                                  const lam_product_call *call,
                                                  lam_trial_operands **ret_operands);
void lam_trial_operands_destroy(lam_trial_operands **operands);

/** Gives weights and biases, which updates change, their values again. */
LAM_MUST_USE lam_status lam_trial_operands_reset(lam_trial_operands *operands);

/**
 * Compares about 200 results, corners and edges among them, with sums in double. Call it after
 * one run of step 0. Errors: CHECK_FAILED, with what differs; BAD_DEVICE.
 */
LAM_MUST_USE lam_status lam_trial_operands_check(const lam_trial_operands *operands);

#endif
