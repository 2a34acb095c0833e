/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/statistics.h"

#include <assert.h>
#include <math.h>

/* The continued fraction of the incomplete beta function by Lentz's method. */
static double expand_beta(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 / fmax(fabs(1 - (a + b) * x / (a + 1)), tiny), value = d;
    for (int m = 1; m <= 1000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        value *= c * d;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        value *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return value;
}

/* I_x(a, b); `y` is 1 - x, which the caller may know to more digits. */
static double regularize_beta(double a, double b, double x, double y)
{
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    if (x < (a + 1) / (a + b + 2))
        return front * expand_beta(a, b, x) / a;
    return 1 - front * expand_beta(b, a, y) / b;
}

/* P(T > t) for t > 0. */
static double get_student_tail(double t, double degrees)
{
    double square = t * t, sum = degrees + square;
    return regularize_beta(degrees / 2, 0.5, degrees / sum, square / sum) / 2;
}

double lam_student_quantile(double probability, double degrees)
{
    assert(probability > 0.5 && probability < 1 && degrees > 0);
    double low = 0, high = 1, tail = 1 - probability;
    while (get_student_tail(high, degrees) > tail)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        double middle = low + (high - low) / 2;
        if (get_student_tail(middle, degrees) > tail)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

lam_estimate lam_estimate_mean(const double *values, size_t count)
{
    lam_estimate estimate = {.count = count, .mean = NAN, .deviation = NAN, .half_width = NAN};
    double sum = 0, squares = 0, n = (double)count;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    if (count > 0)
        estimate.mean = sum / n;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - estimate.mean) * (values[i] - estimate.mean);
    if (count > 1) {
        estimate.deviation = sqrt(squares / (n - 1));
        estimate.half_width = lam_student_quantile((1 + LAM_CONFIDENCE) / 2, n - 1) *
                              estimate.deviation / sqrt(n);
    }
    return estimate;
}
