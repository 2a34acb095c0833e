/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sums of squared weights. Formula and layouts: cl/penalty.cl.
 */
#ifndef LAM_OP_PENALTY_H
#define LAM_OP_PENALTY_H

#include "op/plan.h"

/** Partial sums that a weight matrix of `in` rows leaves for each member. */
size_t lam_penalty_get_blocks(size_t in);

/** Fills squares real[.., members] with the blocks of w real[in, members*out], from block
 * `first` on. */
LAM_MUST_USE lam_status lam_penalty_add(const lam_engine *engine, lam_plan *plan,
                                        const lam_buffer *w, size_t in, size_t out,
                                        size_t members, size_t first, lam_buffer *squares);

#endif
