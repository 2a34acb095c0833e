/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The numbers that a training step needs, worked out on the host in double.
 */
#ifndef LAM_TRAIN_STEP_SCALARS_H
#define LAM_TRAIN_STEP_SCALARS_H

#include "lamina/recipe.h"
#include "op/step_table.h"

/** Writes a member's column of one step, `row` double[LAM_STEP_SCALAR_COUNT, members], for the
 * run's step `step`, counted from 0. A pure function. */
void lam_step_scalars_fill(double *row, size_t member, size_t members,
                           const lam_optimizer *optimizer, double learning_rate, int64_t step);

#endif
