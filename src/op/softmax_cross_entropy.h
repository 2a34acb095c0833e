/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Softmax cross-entropy over a population. Formula and layouts: cl/softmax_cross_entropy.cl.
 */
#ifndef LAM_OP_SOFTMAX_CROSS_ENTROPY_H
#define LAM_OP_SOFTMAX_CROSS_ENTROPY_H

#include "op/plan.h"

typedef struct lam_softmax_cross_entropy {
    size_t rows, classes, members;
    size_t limit;             /* rows of the order at and past it do not count */
    const lam_buffer *logits; /* real[rows, members*classes] */
    const lam_buffer *labels; /* u8[all rows] */
    const lam_buffer *order;  /* i32[steps*rows] */
    lam_buffer *dlogits;      /* real[rows, members*classes]; NULL: no gradient */
    lam_buffer *loss_sum;     /* real[steps*blocks, members] */
    lam_buffer *hit_count;    /* i32[steps*blocks, members] */
} lam_softmax_cross_entropy;

/** Rows of a partial sum: few enough that a small batch keeps several cores busy, enough that
 * the sums stay a small download. */
#define LAM_LOSS_BLOCK_ROWS 20

/** Partial sums that one step of `rows` rows leaves for each member. */
size_t lam_softmax_cross_entropy_get_blocks(size_t rows);

LAM_MUST_USE lam_status lam_softmax_cross_entropy_add(const lam_engine *engine, lam_plan *plan,
                                                      const lam_softmax_cross_entropy *loss);

#endif
