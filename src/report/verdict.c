/* SPDX-License-Identifier: Apache-2.0 */
#include "report/verdict.h"

#include <math.h>

static double tolerate_accuracy(const lam_published *published, const lam_estimate *ours)
{
    const double fallback = LAM_VERDICT_SEED_DEVIATION;
    double s = ours->count > 1 ? ours->deviation : fallback;
    double p = fmin(fmax((published->low + published->high) / 2, 0), 100);
    double binomial = published->rows > 0 ? p * (100 - p) / published->rows : 0;
    double sigma = fmax(fallback, s);
    return 1.96 * sqrt(sigma * sigma + s * s / (double)ours->count + binomial);
}

static double tolerate_loss(const lam_estimate *ours)
{
    double n = (double)ours->count;
    if (ours->count < 2)
        return NAN;
    return lam_student_quantile((1 + LAM_CONFIDENCE) / 2, n - 1) * ours->deviation *
           sqrt(1 + 1 / n);
}

double lam_verdict_get_tolerance(const lam_published *published, const lam_estimate *ours)
{
    if (ours->count == 0)
        return NAN;
    switch (lam_quantity_get_measure(published->quantity)) {
    case LAM_MEASURE_ACCURACY:
        return tolerate_accuracy(published, ours) + published->rounding;
    case LAM_MEASURE_LOSS:
        return tolerate_loss(ours) + published->rounding;
    case LAM_MEASURE_ERROR:
        return published->is_bound ? 0 : (LAM_VERDICT_ERROR_FACTOR - 1) * published->high;
    case LAM_MEASURE_CHANCE:
        break;
    }
    return NAN;
}

/* Positive when ours is above, 0 inside of a published range. */
static double get_distance(const lam_published *published, double ours)
{
    if (ours > published->high)
        return ours - published->high;
    bool is_free_below = published->is_bound ||
                         lam_quantity_get_measure(published->quantity) == LAM_MEASURE_ERROR;
    return ours < published->low && !is_free_below ? ours - published->low : 0;
}

lam_verdict lam_verdict_find(const lam_published *published, const lam_estimate *ours)
{
    double tolerance = lam_verdict_get_tolerance(published, ours);
    double distance = get_distance(published, ours->mean);
    lam_measure measure = lam_quantity_get_measure(published->quantity);
    if (isnan(tolerance) || isnan(distance))
        return LAM_VERDICT_NONE;
    if (fabs(distance) <= tolerance)
        return LAM_VERDICT_AGREES;
    if (published->is_slip)
        return LAM_VERDICT_SLIP;
    bool is_better = measure == LAM_MEASURE_ACCURACY
                         ? distance > 0
                         : measure == LAM_MEASURE_LOSS && ours->mean >= 0 && distance < 0;
    return is_better ? LAM_VERDICT_BETTER : LAM_VERDICT_DIFFERS;
}

lam_verdict lam_published_judge(const lam_published *published,
                                const lam_experiment_result *result)
{
    if (!result->is_done)
        return LAM_VERDICT_NONE;
    return lam_verdict_find(published, &result->values[published->quantity]);
}

const char *lam_verdict_name(lam_verdict verdict)
{
    static const char *const names[] = {
#define VERDICT_NAME(name, text) text,
        LAM_VERDICT_LIST(VERDICT_NAME)
#undef VERDICT_NAME
    };
    return names[verdict];
}
