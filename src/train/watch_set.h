/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The watches of a population and what follows from them: its learning rates, and whether there
 * is anybody left to train. Functions of the sequence of measurements alone.
 */
#ifndef LAM_TRAIN_WATCH_SET_H
#define LAM_TRAIN_WATCH_SET_H

#include "train/step_counts.h"
#include "train/watch.h"

typedef struct lam_watch_set {
    lam_watch *watches; /* [members], borrowed */
    size_t members;
    const lam_recipe *recipes; /* [members], of one lam_recipe_get_common(); borrowed */
    lam_step_counts counts;
} lam_watch_set;

/** A member's learning rate in a step, were it not to rest. */
double lam_watch_set_get_rate(const lam_watch_set *set, size_t member, int64_t step);

size_t lam_watch_set_count_resting(const lam_watch_set *set);

/** Nobody is left to train. */
bool lam_watch_set_is_over(const lam_watch_set *set);

/** Members at rest, and reductions on a plateau: what rates hang on besides steps. */
int64_t lam_watch_set_count_rate_changes(const lam_watch_set *set);

/** The loss of `step` is no finite number; a member that rests already is left as it is. */
void lam_watch_set_mark_diverged(lam_watch_set *set, size_t member, int64_t step);

/** Errors: DIVERGED once no member is left that did not; the last one is told of. */
LAM_MUST_USE lam_status lam_watch_set_check(const lam_watch_set *set, lam_context *context);

/**
 * Hands each member that does not rest its measurement: `common` with the member's own metrics
 * and the learning rate of its next step. A member whose cost is no finite number diverged: the
 * last step's own loss comes before its update. Returns how many did not; ret_mean, the mean of
 * those, is written only if there are any.
 */
size_t lam_watch_set_observe(lam_watch_set *set, const lam_measurement *common,
                             const lam_metrics *train, const lam_metrics *validation,
                             lam_measurement *ret_mean);

#endif
