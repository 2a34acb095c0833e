/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What changes from step to step, as buffers that a plan's kernels read: the host writes them
 * once an epoch, so that a step uploads nothing.
 */
#ifndef LAM_OP_STEP_TABLE_H
#define LAM_OP_STEP_TABLE_H

#include "device/device.h"

/** Columns of the table, as STEP_* in cl/common.clh. A table of zeros changes no parameter. */
typedef enum lam_step_scalar {
    LAM_STEP_SCALAR_RATE,       /* learning rate r; Adam's over 1 - beta1^t, t from 1 */
    LAM_STEP_SCALAR_MOMENTUM,   /* momentum, or beta1 */
    LAM_STEP_SCALAR_BETA2,      /* beta2 */
    LAM_STEP_SCALAR_CORRECTION, /* 1 / sqrt(1 - beta2^t) */
    LAM_STEP_SCALAR_EPSILON,    /* Adam's */
    LAM_STEP_SCALAR_DECAY,      /* AdamW's: r times its weight decay */
    LAM_STEP_SCALAR_STATISTICS, /* batch normalization's running averages: 0 stay as they are,
                                   1 move towards the batch's, 2 become them (the first step) */
    LAM_STEP_SCALAR_COUNT,
} lam_step_scalar;

/** Where the table holds a scalar. */
static inline size_t lam_step_table_find(size_t step, lam_step_scalar which, size_t member,
                                         size_t members)
{
    return (step * LAM_STEP_SCALAR_COUNT + (size_t)which) * members + member;
}

typedef struct lam_step_inputs {
    const lam_buffer *table;      /* real[steps, LAM_STEP_SCALAR_COUNT, members] */
    const lam_buffer *first_step; /* i32[1]: the run's number of the table's first step */
    const lam_buffer *data_seed;  /* i32[2], low word first: augmentation, for all members */
    const lam_buffer *seeds;      /* i32[members, 2]: dropout, a seed for each member */
} lam_step_inputs;

#endif
