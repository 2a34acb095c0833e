/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Training one claimed wave: measurements are reported as they come, trials that end are told
 * of at once.
 */
#ifndef LAM_SEARCH_WAVE_TRAINING_H
#define LAM_SEARCH_WAVE_TRAINING_H

#include "lamina/search.h"
#include "train/population.h"

/** All borrowed. */
typedef struct lam_wave_work {
    lam_context *context;
    const lam_workshop *workshop;
    const lam_search_keeper *keeper;
    const lam_search_options *options;
    const lam_wave_claim *claim;
    const lam_recipe *recipes; /* [claim->count] */
} lam_wave_work;

/**
 * Trains to the end, or as long as the claim is held: ret_is_held false says that another
 * worker has it. Errors: INTERRUPTED (a checkpoint was left, but the claim is still held), what
 * the keeper said, and what training said (NO_MEMORY, BAD_DEVICE, ..), of which the keeper
 * knows nothing yet.
 */
LAM_MUST_USE lam_status lam_wave_work_train(const lam_wave_work *work, bool *ret_is_held);

#endif
