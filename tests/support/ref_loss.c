/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ref_loss.h"

#include <math.h>

/* One row's logits and what it is trained towards. */
typedef struct loss_row {
    const double *s;
    size_t classes, label;
    double smoothing;
} loss_row;

static size_t find_greatest(const double *s, size_t classes)
{
    size_t greatest = 0;
    for (size_t c = 1; c < classes; c++)
        greatest = s[c] > s[greatest] ? c : greatest;
    return greatest;
}

static double get_target(const loss_row *row, size_t c)
{
    return c == row->label ? 1 - row->smoothing : row->smoothing / ((double)row->classes - 1);
}

static double log_softmax(const loss_row *row, size_t c)
{
    double maximum = row->s[find_greatest(row->s, row->classes)], sum = 0;
    for (size_t k = 0; k < row->classes; k++)
        sum += exp(row->s[k] - maximum);
    return row->s[c] - maximum - log(sum);
}

static double log_sigmoid(double s)
{
    return s < 0 ? s - log1p(exp(s)) : -log1p(exp(-s));
}

static double get_margin(const loss_row *row, size_t c)
{
    return c == row->label ? 0 : row->s[c] - row->s[row->label] + 1;
}

static double compute_loss(lam_loss loss, const loss_row *row)
{
    double sum = 0;
    for (size_t c = 0; c < row->classes; c++)
        switch (loss) {
        case LAM_LOSS_SOFTMAX_CROSS_ENTROPY:
            sum -= get_target(row, c) * log_softmax(row, c);
            break;
        case LAM_LOSS_BINARY_CROSS_ENTROPY:
            sum -= log_sigmoid(c == row->label ? row->s[c] : -row->s[c]) / (double)row->classes;
            break;
        case LAM_LOSS_HINGE:
            sum += fmax(0, get_margin(row, c));
            break;
        }
    return sum;
}

static double compute_slope(lam_loss loss, const loss_row *row, size_t c)
{
    double count = 0;
    switch (loss) {
    case LAM_LOSS_SOFTMAX_CROSS_ENTROPY:
        return exp(log_softmax(row, c)) - get_target(row, c);
    case LAM_LOSS_BINARY_CROSS_ENTROPY:
        return (exp(log_sigmoid(row->s[c])) - (c == row->label)) / (double)row->classes;
    case LAM_LOSS_HINGE:
        for (size_t j = 0; j < row->classes; j++)
            count += get_margin(row, j) > 0;
        return c == row->label ? -count : get_margin(row, c) > 0;
    }
    return NAN;
}

static loss_row get_row(const ref_loss *loss, size_t i, size_t member)
{
    return (loss_row){.s = loss->logits + (i * loss->members + member) * loss->classes,
                      .classes = loss->classes,
                      .label = loss->labels[loss->order[i]],
                      .smoothing = loss->smoothing ? loss->smoothing[member] : 0};
}

void ref_loss_sum(const ref_loss *loss, size_t member, double *ret_loss, int64_t *ret_hits)
{
    *ret_loss = 0;
    *ret_hits = 0;
    for (size_t i = 0; i < loss->rows && i < loss->counted; i++) {
        const loss_row row = get_row(loss, i, member);
        *ret_loss += compute_loss(loss->loss, &row);
        *ret_hits += find_greatest(row.s, row.classes) == row.label;
    }
}

void ref_loss_gradient(const ref_loss *loss, double *dlogits)
{
    for (size_t i = 0; i < loss->rows; i++)
        for (size_t p = 0; p < loss->members; p++) {
            const loss_row row = get_row(loss, i, p);
            for (size_t c = 0; c < loss->classes; c++)
                dlogits[(i * loss->members + p) * loss->classes + c] =
                    compute_slope(loss->loss, &row, c) / (double)loss->rows;
        }
}
