/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lamina/train.h"

static const lam_metrics *find_metrics(const lam_seed_result *result, lam_split split,
                                       bool best)
{
    if (result->diverged || !result->run.has_split[split] || (best && !result->run.has_best))
        return NULL;
    return best ? &result->run.best[split] : &result->run.final[split];
}

/* Gathers one number of every result; `offset` is its place in the metrics. */
static lam_estimate estimate_number(const lam_seed_result *results, size_t count,
                                    lam_split split, bool best, size_t offset)
{
    double values[LAM_MAX_SEEDS];
    size_t found = 0;
    for (size_t i = 0; i < count && found < LAM_MAX_SEEDS; i++) {
        const lam_metrics *metrics = find_metrics(&results[i], split, best);
        if (metrics)
            values[found++] = *(const double *)(const void *)((const char *)metrics + offset);
    }
    return lam_estimate_mean(values, found);
}

lam_metrics_estimate lam_seed_results_estimate(const lam_seed_result *results, size_t count,
                                               lam_split split, bool best)
{
    return (lam_metrics_estimate){
        .loss = estimate_number(results, count, split, best, offsetof(lam_metrics, loss)),
        .cost = estimate_number(results, count, split, best, offsetof(lam_metrics, cost)),
        .accuracy =
            estimate_number(results, count, split, best, offsetof(lam_metrics, accuracy))};
}
