/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Batch normalization, skip, activation and dropout of a population in plain double-precision
 * C.
 */
#ifndef LAM_TESTS_SUPPORT_REF_EPILOGUE_H
#define LAM_TESTS_SUPPORT_REF_EPILOGUE_H

#include "op/epilogue.h"

/* Matrices are [rows, members*width], parameters [members*width]. */
typedef struct ref_epilogue {
    size_t rows, width, members;
    lam_activation activation;
    lam_norm_place place;
    double epsilon;
    const double *gamma, *beta;
    const double *skip;    /* NULL for none */
    const double *rate;    /* [members]; NULL for no dropout */
    const double *factors; /* as ref_epilogue_draw() gives them */
} ref_epilogue;

/* What dropout multiplies each element with: 0 or 1 / (1 - rate). `seeds` are [members, 2]. */
void ref_epilogue_draw(const ref_epilogue *epilogue, const int32_t *seeds, uint32_t unit,
                       uint32_t step, double *factors);

/* Means and variances over the rows of what normalization sees, [2, members*width]. */
void ref_epilogue_measure(const ref_epilogue *epilogue, const double *z, double *moments);

/* y, and what normalization sees, by `moments`. */
void ref_epilogue_forward(const ref_epilogue *epilogue, const double *z, const double *moments,
                          double *seen, double *y);

/* From the gradient g of y: g becomes dz. `seen`, y and `batch` (means and 1 / sqrt(variance +
 * epsilon)) are a forward pass's. dskip is the gradient of `skip`. */
void ref_epilogue_backward(const ref_epilogue *epilogue, const double *seen, const double *y,
                           const double *batch, double *g, double *dskip, double *dgamma,
                           double *dbeta);

#endif
