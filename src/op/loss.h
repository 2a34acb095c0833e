/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The loss over a population: its sum, hits and gradient. Formulas and layouts: cl/loss.cl.
 */
#ifndef LAM_OP_LOSS_H
#define LAM_OP_LOSS_H

#include "lamina/network.h"
#include "op/plan.h"

typedef struct lam_loss_operands {
    lam_loss loss;
    size_t rows, classes, members;
    size_t limit;                /* rows of the order at and past it do not count */
    const lam_buffer *logits;    /* real[rows, members*classes] */
    const lam_buffer *labels;    /* u8[all rows] */
    const lam_buffer *order;     /* i32[steps*rows] */
    const lam_buffer *smoothing; /* real[members], of SOFTMAX_CROSS_ENTROPY alone */
    lam_buffer *dlogits;         /* real[rows, members*classes]; NULL: no gradient */
    lam_buffer *loss_sum;        /* real[steps*blocks, members] */
    lam_buffer *hit_count;       /* i32[steps*blocks, members] */
} lam_loss_operands;

/** Rows of a partial sum: few enough that a small batch keeps several cores busy, enough that
 * the sums stay a small download. */
#define LAM_LOSS_BLOCK_ROWS 20

/** Partial sums that one step of `rows` rows leaves for each member. */
size_t lam_loss_get_blocks(size_t rows);

LAM_MUST_USE lam_status lam_loss_add(const lam_engine *engine, lam_plan *plan,
                                     const lam_loss_operands *operands);

#endif
