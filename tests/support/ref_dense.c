/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ref_dense.h"

#include <math.h>

double ref_activate(lam_activation activation, double z)
{
    switch (activation) {
    case LAM_ACTIVATION_RELU:
        return z > 0 ? z : 0;
    case LAM_ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-z));
    case LAM_ACTIVATION_NONE:
        break;
    }
    return z;
}

double ref_activation_slope(lam_activation activation, double y)
{
    switch (activation) {
    case LAM_ACTIVATION_RELU:
        return y > 0 ? 1 : 0;
    case LAM_ACTIVATION_SIGMOID:
        return y * (1 - y);
    case LAM_ACTIVATION_NONE:
        break;
    }
    return 1;
}

static double get_x(const ref_dense *d, size_t i, size_t p, size_t k)
{
    return d->shares_input ? d->x[i * d->in + k] : d->x[(i * d->members + p) * d->in + k];
}

void ref_dense_forward(const ref_dense *d, lam_activation activation, double *y,
                       double *magnitude)
{
    size_t width = d->members * d->out;
    for (size_t i = 0; i < d->rows; i++)
        for (size_t c = 0; c < width; c++) {
            double z = d->b[c], size = fabs(d->b[c]);
            for (size_t k = 0; k < d->in; k++) {
                double term = get_x(d, i, c / d->out, k) * d->w[k * width + c];
                z += term;
                size += fabs(term);
            }
            y[i * width + c] = ref_activate(activation, z);
            magnitude[i * width + c] = size;
        }
}

void ref_dense_backward_input(const ref_dense *d, lam_activation input_activation,
                              const double *dy, double *dx, double *magnitude)
{
    size_t width = d->members * d->out;
    for (size_t i = 0; i < d->rows; i++)
        for (size_t c = 0; c < d->members * d->in; c++) {
            size_t p = c / d->in, k = c % d->in;
            double sum = 0, size = 0;
            for (size_t j = p * d->out; j < (p + 1) * d->out; j++) {
                double term = dy[i * width + j] * d->w[k * width + j];
                sum += term;
                size += fabs(term);
            }
            double slope = ref_activation_slope(input_activation, get_x(d, i, p, k));
            dx[i * d->members * d->in + c] = sum * slope;
            magnitude[i * d->members * d->in + c] = size;
        }
}

void ref_dense_backward_weights(const ref_dense *d, const double *dy, const double *l2,
                                double *dw, double *db, double *dw_magnitude,
                                double *db_magnitude)
{
    size_t width = d->members * d->out;
    for (size_t c = 0; c < width; c++) {
        size_t p = c / d->out;
        db[c] = db_magnitude[c] = 0;
        for (size_t i = 0; i < d->rows; i++) {
            db[c] += dy[i * width + c];
            db_magnitude[c] += fabs(dy[i * width + c]);
        }
        for (size_t k = 0; k < d->in; k++) {
            double penalty = 2 * l2[p] * d->w[k * width + c];
            double sum = penalty, size = fabs(penalty);
            for (size_t i = 0; i < d->rows; i++) {
                double term = get_x(d, i, p, k) * dy[i * width + c];
                sum += term;
                size += fabs(term);
            }
            dw[k * width + c] = sum;
            dw_magnitude[k * width + c] = size;
        }
    }
}
