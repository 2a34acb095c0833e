/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Chooses among the ways to compute a product by what was measured on the device: the inside of
 * lamina/tune.h. A device owns its tuner.
 */
#ifndef LAM_OP_TUNER_H
#define LAM_OP_TUNER_H

#include "lamina/tune.h"
#include "op/matmul_variant.h"

/**
 * The position in `variants` (as listed, at least one) of the way to take for `call`. Measures
 * where the policy allows it. engine->tuner is not NULL. Errors: NO_MEMORY, INTERRUPTED.
 */
LAM_MUST_USE lam_status lam_tuner_choose(const lam_engine *engine, const lam_product_call *call,
                                         const lam_matmul_variant *variants, size_t count,
                                         size_t *ret_chosen);

#endif
