/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The ways to compute a product of a dense layer: families of kernels with their tiles, and the
 * matrix library. Each is a define set, from which launch geometry follows.
 */
#ifndef LAM_OP_MATMUL_VARIANT_H
#define LAM_OP_MATMUL_VARIANT_H

#include "op/matmul.h"

/** The members' products as kernels see them: `groups` products of `in` x `out`. */
typedef struct lam_product_groups {
    size_t rows, in, out, groups;
} lam_product_groups;

/** One way. Its items cover a matrix of results: y for forward, dx and w for the others. */
typedef struct lam_matmul_variant {
    lam_gemm gemm;          /* REGISTERS, TILES or CLBLAST */
    lam_define_set defines; /* without what the layer itself decides (GATHER, ACTIVATION, ..);
                               empty for CLBLAST */
    lam_product_groups shape;
    size_t item_rows, item_columns; /* results of one work-group */
    size_t idle_groups;             /* in front of the others */
    size_t parts; /* that sums are cut into; 1: none. TILES adds them by a second launch */
    size_t local[3];
} lam_matmul_variant;

#define LAM_MAX_MATMUL_VARIANTS 12

/**
 * Lists the ways that engine->gemm allows, best guess first, and returns how many. All ways of
 * one family add in the same order, so that a choice among them never changes a bit; the first
 * way's family depends on the device alone, and no way's order of adding on `members`. It may
 * depend on the layer's own shape and on engine->compute_units.
 */
size_t lam_matmul_list_variants(const lam_engine *engine, lam_product product,
                                const lam_dense *dense,
                                lam_matmul_variant ret_variants[LAM_MAX_MATMUL_VARIANTS]);

/** Appends the product to the plan in the given way. */
LAM_MUST_USE lam_status lam_matmul_add_variant(const lam_engine *engine, lam_plan *plan,
                                               const lam_matmul_variant *variant,
                                               const lam_product_call *call);

#endif
