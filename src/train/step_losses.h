/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The losses of an epoch's steps: partial sums where the training plan leaves them on the
 * device, means of each step on the host.
 */
#ifndef LAM_TRAIN_STEP_LOSSES_H
#define LAM_TRAIN_STEP_LOSSES_H

#include "op/engine.h"

typedef struct lam_step_losses {
    const lam_engine *engine;
    size_t members, batch;
    size_t blocks;                    /* partial sums of one step (op/loss.h) */
    lam_buffer *loss_sum, *hit_count; /* real and i32[steps * blocks, members] */
    double *means;                    /* [steps, members]; has room for the sums */
} lam_step_losses;

/** Room for `steps` steps. On failure nothing is left to destroy. Errors: NO_MEMORY,
 * BAD_DEVICE. */
LAM_MUST_USE lam_status lam_step_losses_create(const lam_engine *engine, size_t members,
                                               size_t batch, size_t steps,
                                               lam_step_losses *ret_losses);
void lam_step_losses_destroy(lam_step_losses *losses);

/** Waits for steps [first, first + count) of the epoch and puts their losses into means, the
 * first step's at its beginning. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_step_losses_read(lam_step_losses *losses, size_t first,
                                             size_t count);

#endif
