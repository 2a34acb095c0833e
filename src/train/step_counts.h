/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How many steps a run has, and behind which of them it measures. Without any device.
 */
#ifndef LAM_TRAIN_STEP_COUNTS_H
#define LAM_TRAIN_STEP_COUNTS_H

#include "base/error.h"
#include "lamina/recipe.h"

/** Step counts that follow from a recipe and the number of training rows. */
typedef struct lam_step_counts {
    int64_t per_epoch; /* full batches in an epoch */
    int64_t total;
} lam_step_counts;

/** Errors: BAD_RECIPE when a batch is larger than the training split. */
LAM_MUST_USE lam_status lam_step_counts_compute(lam_context *context, const lam_recipe *recipe,
                                                uint32_t train_rows,
                                                lam_step_counts *ret_counts);

/** True where the recipe wants a measurement after `step` steps. */
bool lam_recipe_measures_at(const lam_recipe *recipe, const lam_step_counts *counts,
                            int64_t step);

#endif
