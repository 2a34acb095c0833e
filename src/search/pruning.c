/* SPDX-License-Identifier: Apache-2.0 */
#include "search/pruning.h"

#include <assert.h>
#include <math.h>

int lam_objective_get_sign(lam_objective objective)
{
    static const int signs[] = {
#define LAM_OBJECTIVE_SIGN(name, text, sign) sign,
        LAM_OBJECTIVE_LIST(LAM_OBJECTIVE_SIGN)
#undef LAM_OBJECTIVE_SIGN
    };
    return signs[objective];
}

bool lam_objective_is_accuracy(lam_objective objective)
{
    return objective == LAM_OBJECTIVE_ACCURACY || objective == LAM_OBJECTIVE_BEST_ACCURACY;
}

double lam_objective_evaluate(lam_objective objective, const lam_measurement *latest,
                              const lam_measurement *best)
{
    if (!latest->has_validation)
        return NAN;
    switch (objective) {
    case LAM_OBJECTIVE_ACCURACY:
        return latest->validation.accuracy;
    case LAM_OBJECTIVE_BEST_ACCURACY:
        return best->validation.accuracy;
    case LAM_OBJECTIVE_LOSS:
        return latest->validation.loss;
    case LAM_OBJECTIVE_COST:
        break;
    }
    return latest->validation.cost;
}

bool lam_objective_is_better(lam_objective objective, double a, double b)
{
    int sign = lam_objective_get_sign(objective);
    if (isnan(a) || isnan(b))
        return !isnan(a) && isnan(b);
    return sign * a > sign * b;
}

/* The measured step nearest to `step`, of two the earlier; the run's first and last are
 * measured whatever the recipe. */
static int64_t find_measured(const lam_recipe *recipe, const lam_step_counts *counts,
                             int64_t step)
{
    for (int64_t away = 0;; away++) {
        if (lam_recipe_measures_at(recipe, counts, step - away))
            return step - away;
        if (lam_recipe_measures_at(recipe, counts, step + away))
            return step + away;
    }
}

/* Steps found so far. */
typedef struct halving_steps {
    int64_t *steps; /* [capacity] */
    size_t capacity, count;
    int64_t last; /* 0 before there is one */
} halving_steps;

static void add_nearest(const lam_recipe *recipe, const lam_step_counts *counts, int64_t target,
                        halving_steps *found)
{
    int64_t step = find_measured(recipe, counts, target);
    if (step <= found->last || step >= counts->total)
        return;
    if (found->count < found->capacity)
        found->steps[found->count] = step;
    found->count++;
    found->last = step;
}

size_t lam_halving_find_steps(const lam_recipe *recipe, const lam_step_counts *counts,
                              int64_t *ret_steps, size_t capacity)
{
    halving_steps found = {.steps = ret_steps, .capacity = capacity};
    if (!lam_schedule_has_cycles(&recipe->schedule)) {
        for (int shift = 62; shift > 0; shift--)
            if (counts->total >> shift > 0)
                add_nearest(recipe, counts, counts->total >> shift, &found);
        return found.count;
    }
    for (int64_t cycle = 0;; cycle++) {
        int64_t end = lam_schedule_get_cycle_end(&recipe->schedule, cycle);
        if (end >= counts->total)
            return found.count;
        add_nearest(recipe, counts, end, &found);
    }
}

/* How many of the trials go before trial number `index`. */
static size_t count_better(lam_objective objective, const double *values, size_t count,
                           size_t index)
{
    size_t better = 0;
    for (size_t i = 0; i < count; i++)
        if (lam_objective_is_better(objective, values[i], values[index]) ||
            (i < index && !lam_objective_is_better(objective, values[index], values[i])))
            better++;
    return better;
}

void lam_halving_choose(lam_objective objective, double factor, const double *values,
                        size_t count, bool *ret_ends)
{
    assert(factor > 1);
    double kept = ceil((double)count / factor);
    for (size_t i = 0; i < count; i++)
        ret_ends[i] = (double)count_better(objective, values, count, i) >= kept;
}
