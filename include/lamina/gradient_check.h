/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Analytic gradients of a recipe's cost against finite differences.
 */
#ifndef LAMINA_GRADIENT_CHECK_H
#define LAMINA_GRADIENT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lamina/context.h"
#include "lamina/data.h"
#include "lamina/device.h"
#include "lamina/gemm.h"
#include "lamina/recipe.h"

LAM_BEGIN_DECLS

typedef struct lam_gradient_check_options {
    bool use_double;       /* float otherwise */
    bool random_samples;   /* a random choice of training rows, not the first ones */
    uint32_t sample_count; /* training rows in the cost */
    uint64_t seed;         /* of the initial weights and the random choices */
    double step;           /* h; 0: 1e-5 in double, 1e-3 in float */
    uint32_t inputs;       /* keep only the first so many inputs; 0: all 3072 */
    uint64_t entries;      /* entries checked per tensor, a random choice; 0: all */
    lam_gemm gemm;
    const char *save_path; /* a file for the cost and its gradient, see below; NULL: none */
} lam_gradient_check_options;

/**
 * The file at save_path, in the safetensors format and so that any program can work the cost
 * and its gradient out again. All tensors are F64, whatever the precision of the check; the
 * metadata hold the texts "lamina", a version, and "recipe", in full as JSON.
 *   inputs [rows, inputs]       what the network sees: pixels less their mean by deviation
 *   labels [rows]               0 .. classes - 1
 *   loss [1], cost [1]          of these rows as one batch: statistics of batch normalization
 *                               are theirs
 *   layer<n>.<t>                a parameter, n = 1 .. the dense layers, t as in models: weight
 *                               [in, out]; bias, batch_norm.gamma, batch_norm.beta [out]
 *   gradient.layer<n>.<t>       dcost/d(layer<n>.<t>), analytic, of the same shape
 *   layer<n>.dropout.factors    [rows, out], 0 or 1 / (1 - rate): what dropout multiplied the
 *                               values with; only of layers that have it
 */

/** Analytic gradient g against a numeric one n, over the checked entries of one tensor. */
typedef struct lam_gradient_difference {
    double maximum;       /* max |g - n| */
    double mean;          /* mean |g - n| */
    double signed_mean;   /* mean (g - n) */
    double norm_relative; /* ||g - n|| / max(||g||, ||n||); 0 when both are 0, or as small as
                             the rounding of a gradient that is 0: n within 4 epsilon |J| / h of
                             0 and g within 1e-4 of that, root mean squares */
    double max_relative;  /* max |g - n| / max(1e-6, |g| + |n|) */
} lam_gradient_difference;

#define LAM_TENSOR_NAME_BYTES 32

typedef struct lam_gradient_row {
    char tensor[LAM_TENSOR_NAME_BYTES]; /* "layer1.weight" .. */
    uint64_t entry_count, checked_count;
    lam_gradient_difference centred; /* (J(w + h) - J(w - h)) / 2h */
    lam_gradient_difference forward; /* (J(w + h) - J(w)) / h */
    bool passed;                     /* both norm-wise relative errors within their bounds */
} lam_gradient_row;

/** Bounds of norm_relative: rounding limits the centred differences, the second derivative
 * (h/2 J'') the forward ones, and in float, where h is large, perturbations that carry a ReLU
 * over its kink both. */
#define LAM_GRADIENT_BOUND_CENTRED_DOUBLE 1e-7
#define LAM_GRADIENT_BOUND_FORWARD_DOUBLE 1e-3
#define LAM_GRADIENT_BOUND_CENTRED_FLOAT 5e-2
#define LAM_GRADIENT_BOUND_FORWARD_FLOAT 1e-1

/** At most four tensors a dense layer. */
#define LAM_MAX_GRADIENT_ROWS (4 * LAM_MAX_LAYERS)

/**
 * Checks dcost/dw at the recipe's initialization, on rows of the training split. Perturbed
 * networks are evaluated many at a time, as one population, by the kernels that train.
 * Fills ret_rows[LAM_MAX_GRADIENT_ROWS]. A failed comparison is not an error: see `passed`.
 * The file at save_path is written before the differences are taken, whole or not at all.
 * Errors: BAD_ARGUMENT (more samples than training rows, inputs above 3072, a step that is not
 * positive), BAD_DEVICE (no doubles), BAD_RECIPE, BAD_KERNEL, BAD_OUTPUT (save_path cannot be
 * written, which shows before anything is computed), NO_MEMORY, INTERRUPTED.
 */
LAM_API LAM_MUST_USE lam_status lam_check_gradients(lam_device *device,
                                                    const lam_recipe *recipe,
                                                    const lam_dataset *dataset,
                                                    const lam_gradient_check_options *options,
                                                    lam_gradient_row *ret_rows,
                                                    size_t *ret_row_count);

LAM_END_DECLS

#endif
