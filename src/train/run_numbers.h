/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The numbers of a run that its random draws on the device depend on.
 */
#ifndef LAM_TRAIN_RUN_NUMBERS_H
#define LAM_TRAIN_RUN_NUMBERS_H

#include <stdint.h>

#include "op/engine.h"
#include "op/step_table.h"

typedef struct lam_run_numbers {
    lam_buffer *first_step, *data_seed, *seeds; /* as in lam_step_inputs */
} lam_run_numbers;

/** `seeds[members]` are the members' own, `data_seed` that of the rows which they share.
 * first_step is 0. On failure nothing is left to destroy. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_run_numbers_create(const lam_engine *engine, uint64_t data_seed,
                                               const uint64_t *seeds, size_t members,
                                               lam_run_numbers *ret_numbers);
void lam_run_numbers_destroy(lam_run_numbers *numbers);

/** The run's number of the table's first step; of it, 32 bits count. */
LAM_MUST_USE lam_status lam_run_numbers_set_step(lam_run_numbers *numbers, int64_t first_step);

/** What plans read. Borrowed. */
lam_step_inputs lam_run_numbers_get_inputs(const lam_run_numbers *numbers,
                                           const lam_buffer *table);

#endif
