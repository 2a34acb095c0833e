/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Whether a published number and ours are the same within noise.
 *
 * A published number is one training; ours is the mean of n with sample deviation s. They agree
 * when their distance (to the nearer end of a published range) is at most
 *
 *   accuracies:  1.96 sqrt(sigma^2 + s^2/n + b^2) + r,  sigma = max(0.7, s),
 *                b = sqrt(p (100 - p) / rows): the published accuracy's binomial error
 *   losses:      t sqrt(s^2 + s^2/n) + r,  t of Student's distribution with n - 1 degrees
 *
 * with r half of the last published digit. Of a single training s is unknown: 0.7 stands in for
 * it among accuracies, and losses are not judged. A published bound is kept or not. Errors of
 * gradients are rounding, of which the order of magnitude is all that another program repeats:
 * they agree up to ten times what was published.
 */
#ifndef LAM_REPORT_VERDICT_H
#define LAM_REPORT_VERDICT_H

#include "lamina/reproduce.h"

/** Deviation of accuracies between seeds, in points, below which a published one is not
 * trusted to be. */
#define LAM_VERDICT_SEED_DEVIATION 0.7
#define LAM_VERDICT_ERROR_FACTOR 10

/** The largest distance that agrees; NaN where there is no telling. */
double lam_verdict_get_tolerance(const lam_published *published, const lam_estimate *ours);

/** A published number against ours of the same quantity. */
lam_verdict lam_verdict_find(const lam_published *published, const lam_estimate *ours);

#endif
