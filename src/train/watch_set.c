/* SPDX-License-Identifier: Apache-2.0 */
#include "train/watch_set.h"

#include <math.h>
#include <stdio.h>

double lam_watch_set_get_rate(const lam_watch_set *set, size_t member, int64_t step)
{
    const lam_schedule_span span = {set->counts.per_epoch, set->counts.total,
                                    set->watches[member].plateau.reductions};
    return lam_schedule_get_rate(&set->recipes[member].schedule, &span, step);
}

size_t lam_watch_set_count_resting(const lam_watch_set *set)
{
    size_t count = 0;
    for (size_t p = 0; p < set->members; p++)
        count += lam_watch_is_over(&set->watches[p]);
    return count;
}

bool lam_watch_set_is_over(const lam_watch_set *set)
{
    return lam_watch_set_count_resting(set) == set->members;
}

int64_t lam_watch_set_count_rate_changes(const lam_watch_set *set)
{
    int64_t count = (int64_t)lam_watch_set_count_resting(set);
    for (size_t p = 0; p < set->members; p++)
        count += set->watches[p].plateau.reductions;
    return count;
}

void lam_watch_set_mark_diverged(lam_watch_set *set, size_t member, int64_t step)
{
    lam_watch *watch = &set->watches[member];
    if (!lam_watch_is_over(watch))
        watch->diverged_step = step;
}

lam_status lam_watch_set_check(const lam_watch_set *set, lam_context *context)
{
    char who[48] = "training";
    size_t last = 0;
    int64_t step = -1;
    for (size_t p = 0; p < set->members; p++) {
        if (set->watches[p].diverged_step < 0)
            return LAM_STATUS_OK;
        if (set->watches[p].diverged_step > step) {
            step = set->watches[p].diverged_step;
            last = p;
        }
    }
    if (set->members > 1)
        snprintf(who, sizeof who, "the last of %zu networks", set->members);
    return lam_fail(context, LAM_STATUS_DIVERGED,
                    "%s diverged: the loss of step %lld (epoch %.2f, learning rate %g) is "
                    "not a finite number; lower the learning rate",
                    who, (long long)step, (double)step / (double)set->counts.per_epoch,
                    lam_watch_set_get_rate(set, last, step));
}

static void add_metrics(lam_metrics *sum, const lam_metrics *metrics)
{
    sum->loss += metrics->loss;
    sum->cost += metrics->cost;
    sum->accuracy += metrics->accuracy;
}

static void divide_metrics(lam_metrics *sum, double count)
{
    *sum = (lam_metrics){sum->loss / count, sum->cost / count, sum->accuracy / count};
}

size_t lam_watch_set_observe(lam_watch_set *set, const lam_measurement *common,
                             const lam_metrics *train, const lam_metrics *validation,
                             lam_measurement *ret_mean)
{
    lam_measurement m = *common, mean = *common;
    size_t measured = 0;
    for (size_t p = 0; p < set->members; p++) {
        lam_watch *watch = &set->watches[p];
        const lam_recipe *recipe = &set->recipes[p];
        m.train = train[p];
        m.validation = validation[p];
        if (!isfinite(m.train.cost) || !isfinite(m.validation.cost))
            lam_watch_set_mark_diverged(set, p, m.step);
        if (lam_watch_is_over(watch))
            continue;
        if (m.has_validation && recipe->schedule.type == LAM_SCHEDULE_PLATEAU)
            lam_plateau_observe(&watch->plateau, &recipe->schedule, m.validation.loss);
        m.learning_rate = lam_watch_set_get_rate(set, p, m.step);
        lam_watch_observe(watch, &m, recipe->patience);
        add_metrics(&mean.train, &m.train);
        add_metrics(&mean.validation, &m.validation);
        measured++;
    }
    if (measured == 0)
        return 0;
    divide_metrics(&mean.train, (double)measured);
    divide_metrics(&mean.validation, (double)measured);
    *ret_mean = mean;
    return measured;
}
