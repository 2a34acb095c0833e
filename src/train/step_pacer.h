/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How far the host runs ahead of the device: work is queued in chunks of steps, at most two at
 * a time, so that a stop request is met and progress shown within moments while the device
 * never runs dry.
 */
#ifndef LAM_TRAIN_STEP_PACER_H
#define LAM_TRAIN_STEP_PACER_H

#include "device/device.h"

typedef struct lam_step_pacer {
    int chunk_steps, steps_in_chunk;
    lam_marker *previous; /* behind the chunk before the present one */
    double previous_time; /* when the present chunk began to be waited for */
} lam_step_pacer;

lam_step_pacer lam_step_pacer_start(void);

/** Counts a step that was queued; true when it ends a chunk. */
bool lam_step_pacer_count(lam_step_pacer *pacer);

/** Waits for the chunk before the one just queued, and sizes the next by how long that took.
 * Errors: BAD_DEVICE, NO_MEMORY. */
LAM_MUST_USE lam_status lam_step_pacer_end_chunk(lam_step_pacer *pacer, lam_device *device);

/** The queue is empty: there is nothing to wait for. */
void lam_step_pacer_forget(lam_step_pacer *pacer);

#endif
