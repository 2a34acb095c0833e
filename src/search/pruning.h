/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which trials of a wave end early: pure functions of what was measured.
 */
#ifndef LAM_SEARCH_PRUNING_H
#define LAM_SEARCH_PRUNING_H

#include "lamina/study.h"
#include "train/step_counts.h"

/** The objective of a trial; `best` is its measurement of the best accuracy so far. NaN without
 * a validation split. */
double lam_objective_evaluate(lam_objective objective, const lam_measurement *latest,
                              const lam_measurement *best);

/** Whether `a` is better than `b`; NaN is worse than all else. */
bool lam_objective_is_better(lam_objective objective, double a, double b);

/** The steps at which halving ends trials: ascending, all measured, neither the first nor the
 * last step of the run. With cycles those nearest to the ends of cycles; without those nearest
 * to total / 2, total / 4, .. as long as they differ. Returns how many, of which the first
 * `capacity` are in ret_steps. */
size_t lam_halving_find_steps(const lam_recipe *recipe, const lam_step_counts *counts,
                              int64_t *ret_steps, size_t capacity);

/** Of `count` trials with these objective values, marks those that do not go on: the better
 * ceil(count / factor) do; of equals the earlier. */
void lam_halving_choose(lam_objective objective, double factor, const double *values,
                        size_t count, bool *ret_ends);

#endif
