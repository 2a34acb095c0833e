/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Networks that are trained side by side, each into a run folder of its own. A single run is a
 * wave of one.
 */
#ifndef LAM_TRAIN_WAVE_H
#define LAM_TRAIN_WAVE_H

#include "train/run_directory.h"
#include "train/workshop.h"

/** All borrowed. */
typedef struct lam_wave {
    lam_device *device;
    const lam_recipe *recipe;
    const lam_dataset *dataset;
    const lam_train_options *options;
    const uint64_t *seeds; /* [members]: of weights and dropout */
    size_t members;
    lam_run_directory *home; /* of the set of runs, and of their checkpoint; NULL for a single
                                run in the options' own folder, with its checkpoint there */
} lam_wave;

/**
 * What comes before the first wave: the recipe's demands on the data, memory, the self-test.
 * Gives how many of `wanted` networks fit side by side (train/memory_check.h).
 * Errors: BAD_RECIPE, NO_MEMORY, BAD_DEVICE, BAD_KERNEL.
 */
LAM_MUST_USE lam_status lam_wave_prepare(lam_device *device, const lam_recipe *recipe,
                                         const lam_dataset *dataset,
                                         const lam_train_options *options, size_t wanted,
                                         size_t *ret_members);

/**
 * Trains from the start, or with options->resume from the checkpoint if there is one.
 * ret_summaries[members]; those of members that diverged are empty. Errors: as lam_train().
 */
LAM_MUST_USE lam_status lam_wave_train(const lam_wave *wave, lam_run_summary *ret_summaries);

#endif
