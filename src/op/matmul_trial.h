/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Trying ways to compute a product: are the numbers right, and how fast is it?
 */
#ifndef LAM_OP_MATMUL_TRIAL_H
#define LAM_OP_MATMUL_TRIAL_H

#include "op/matmul_variant.h"

#define LAM_REJECTION_BYTES 160

typedef struct lam_matmul_candidate {
    const lam_matmul_variant *variant; /* borrowed */
    double seconds;                    /* the least of several runs; 0 if none was timed */
    double relative; /* to the first good candidate, round by round: the median */
    char rejection[LAM_REJECTION_BYTES]; /* why it is out of the question; "" otherwise */
} lam_matmul_candidate;

/**
 * Fills in times and rejections. A candidate is rejected that does not build or launch, whose
 * results are wrong, or that a first look shows to be hopelessly slow. The others run in turn,
 * again and again, so that a machine whose speed drifts favours none. Takes a fraction of a
 * second, and what building takes. Blocking.
 * Errors: NO_MEMORY and BAD_DEVICE (no operands), INTERRUPTED.
 */
LAM_MUST_USE lam_status lam_matmul_try(const lam_engine *engine, const lam_product_call *call,
                                       lam_matmul_candidate *candidates, size_t count);

/** The candidate to take: the first that is not rejected, unless a later one is clearly faster,
 * at its best and in most rounds. `count` when all are rejected. */
size_t lam_matmul_pick(const lam_matmul_candidate *candidates, size_t count);

#endif
