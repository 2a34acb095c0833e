/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ref_loss.h"

#include <math.h>

static size_t find_greatest(const double *s, size_t classes)
{
    size_t greatest = 0;
    for (size_t c = 1; c < classes; c++)
        greatest = s[c] > s[greatest] ? c : greatest;
    return greatest;
}

static double sum_exponentials(const double *s, size_t classes, double maximum)
{
    double sum = 0;
    for (size_t c = 0; c < classes; c++)
        sum += exp(s[c] - maximum);
    return sum;
}

void ref_loss_sum(const ref_loss *loss, size_t member, double *ret_loss, int64_t *ret_hits)
{
    *ret_loss = 0;
    *ret_hits = 0;
    for (size_t i = 0; i < loss->rows && i < loss->counted; i++) {
        const double *s = loss->logits + (i * loss->members + member) * loss->classes;
        size_t greatest = find_greatest(s, loss->classes);
        size_t label = loss->labels[loss->order[i]];
        *ret_loss +=
            log(sum_exponentials(s, loss->classes, s[greatest])) - (s[label] - s[greatest]);
        *ret_hits += greatest == label;
    }
}

void ref_loss_gradient(const ref_loss *loss, double *dlogits)
{
    for (size_t row = 0; row < loss->rows * loss->members; row++) {
        const double *s = loss->logits + row * loss->classes;
        double maximum = s[find_greatest(s, loss->classes)];
        double sum = sum_exponentials(s, loss->classes, maximum);
        size_t label = loss->labels[loss->order[row / loss->members]];
        for (size_t c = 0; c < loss->classes; c++)
            dlogits[row * loss->classes + c] =
                (exp(s[c] - maximum) / sum - (c == label)) / (double)loss->rows;
    }
}
