/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The products of matmul.h through Lamina's own kernels, in a variant that is not CLBLAST.
 */
#ifndef LAM_OP_MATMUL_OWN_H
#define LAM_OP_MATMUL_OWN_H

#include "op/matmul_variant.h"

LAM_MUST_USE lam_status lam_matmul_own_add_forward(const lam_engine *engine, lam_plan *plan,
                                                   const lam_matmul_variant *variant,
                                                   const lam_dense *dense, lam_buffer *y);
LAM_MUST_USE lam_status lam_matmul_own_add_backward_input(const lam_engine *engine,
                                                          lam_plan *plan,
                                                          const lam_matmul_variant *variant,
                                                          const lam_dense *dense,
                                                          const lam_buffer *dy, lam_buffer *dx);
LAM_MUST_USE lam_status lam_matmul_own_add_backward_weights(
    const lam_engine *engine, lam_plan *plan, const lam_matmul_variant *variant,
    const lam_dense *dense, const lam_buffer *dy, const lam_weight_gradient *gradient);

#endif
