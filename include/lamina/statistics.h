/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a few repetitions say about the mean of all that could be made.
 */
#ifndef LAMINA_STATISTICS_H
#define LAMINA_STATISTICS_H

#include <stddef.h>

#include "lamina/export.h"

LAM_BEGIN_DECLS

#define LAM_CONFIDENCE 0.95

typedef struct lam_estimate {
    size_t count;
    double mean; /* NaN without values */
    double
        deviation; /* standard deviation of the sample, over count - 1; NaN below two values */
    double half_width; /* of the LAM_CONFIDENCE interval of the mean by Student's t:
                          t deviation / sqrt(count); NaN below two values */
} lam_estimate;

LAM_API lam_estimate lam_estimate_mean(const double *values, size_t count);

/**
 * The value that a variable of Student's t distribution with `degrees` > 0 degrees of freedom
 * stays below with `probability`, above 0.5 and below 1: from the regularized incomplete beta
 * function by its continued fraction (DLMF 8.17.22), to about 12 digits.
 */
LAM_API double lam_student_quantile(double probability, double degrees);

LAM_END_DECLS

#endif
