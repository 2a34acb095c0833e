/* SPDX-License-Identifier: Apache-2.0 */
#include "train/lr_curve.h"

#include <math.h>
#include <stdlib.h>

#define BLOW_UP 4.0

lam_status lam_lr_curve_create(lam_context *context, int64_t capacity, lam_lr_curve *ret_curve)
{
    lam_lr_curve curve = {.capacity = capacity, .kept = fmax(0, 1 - 25 / (double)capacity)};
    curve.points = calloc((size_t)capacity, sizeof *curve.points);
    if (!curve.points)
        return lam_fail_memory(context, "a curve of losses",
                               (size_t)capacity * sizeof *curve.points);
    *ret_curve = curve;
    return LAM_STATUS_OK;
}

void lam_lr_curve_free(lam_lr_curve *curve)
{
    free(curve->points);
    curve->points = NULL;
}

bool lam_lr_curve_append(lam_lr_curve *curve, double rate, double loss)
{
    if (curve->blew_up || curve->count == curve->capacity)
        return false;
    double average = curve->kept * curve->average + (1 - curve->kept) * loss;
    double smoothed = average / (1 - pow(curve->kept, (double)(curve->count + 1)));
    const lam_lr_point *lowest = &curve->points[curve->lowest];
    curve->blew_up =
        !isfinite(smoothed) || (curve->count > 0 && smoothed > BLOW_UP * lowest->smoothed);
    if (!isfinite(smoothed))
        return false;
    if (curve->count > 0 && smoothed < lowest->smoothed)
        curve->lowest = curve->count;
    curve->points[curve->count++] = (lam_lr_point){rate, loss, smoothed};
    curve->average = average;
    return !curve->blew_up;
}

/* The loss before any rate was large enough to change it. */
static double get_first_loss(const lam_lr_curve *curve)
{
    int64_t count = (curve->count + 19) / 20;
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += curve->points[i].loss;
    return sum / (double)count;
}

/* The first rate from which on the smoothed loss stays below `level` down to its lowest. */
static double find_falling_rate(const lam_lr_curve *curve, double level)
{
    int64_t first = curve->lowest;
    while (first > 0 && curve->points[first - 1].smoothed < level)
        first--;
    return curve->points[first].rate;
}

lam_lr_range_summary lam_lr_curve_summarize(const lam_lr_curve *curve)
{
    lam_lr_range_summary summary = {.steps = curve->count, .blew_up = curve->blew_up};
    if (curve->count == 0)
        return summary;
    const lam_lr_point *lowest = &curve->points[curve->lowest];
    double start = get_first_loss(curve), fall = start - lowest->smoothed;
    summary.lowest_loss = lowest->smoothed;
    summary.lowest_rate = lowest->rate;
    summary.has_suggestion = fall > 0.01 * start;
    if (summary.has_suggestion) {
        summary.maximum = lowest->rate / 2;
        summary.minimum =
            fmin(find_falling_rate(curve, start - 0.1 * fall), summary.maximum / 10);
    }
    return summary;
}
