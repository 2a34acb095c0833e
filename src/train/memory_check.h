/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Whether a training fits into a device, asked before anything is allocated.
 */
#ifndef LAM_TRAIN_MEMORY_CHECK_H
#define LAM_TRAIN_MEMORY_CHECK_H

#include "lamina/train.h"

/**
 * How many of `wanted` networks of the recipe, or of others with the same
 * lam_recipe_get_common(), fit side by side: `wanted` itself, or the first
 * of its halves (rounded up) that does.
 * Errors: NO_MEMORY where not even one fits, with what is needed, what the device has, and what
 * would fit; BAD_RECIPE as lam_graph_build().
 */
LAM_MUST_USE lam_status lam_memory_check(lam_device *device, const lam_recipe *recipe,
                                         const lam_dataset *dataset, lam_gemm gemm,
                                         size_t wanted, size_t *ret_members);

#endif
