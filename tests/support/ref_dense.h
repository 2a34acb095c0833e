/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A dense layer of a population in plain double-precision C: what the kernels are held to.
 */
#ifndef LAM_TESTS_SUPPORT_REF_DENSE_H
#define LAM_TESTS_SUPPORT_REF_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include "op/matmul.h"

typedef struct ref_dense {
    size_t rows, in, out, members;
    bool shares_input;
    const double *x; /* [rows, in] if shared, else [rows, members*in] */
    const double *w; /* [in, members*out] */
    const double *b; /* [members*out] */
} ref_dense;

double ref_activate(lam_activation activation, double z);
/* act'(z) from y = act(z) */
double ref_activation_slope(lam_activation activation, double y);

/* Each also gives the sum of the absolute values of the terms, for error bounds. */
void ref_dense_forward(const ref_dense *dense, lam_activation activation, double *y,
                       double *magnitude);
void ref_dense_backward_input(const ref_dense *dense, lam_activation input_activation,
                              const double *dy, double *dx, double *magnitude);
void ref_dense_backward_weights(const ref_dense *dense, const double *dy, const double *l2,
                                double *dw, double *db, double *dw_magnitude,
                                double *db_magnitude);

#endif
