/* SPDX-License-Identifier: Apache-2.0 */
#include "search/ranking.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

/* A configuration on its way into its place. */
typedef struct contender {
    lam_rank rank;
    double cost; /* the mean, less being better */
} contender;

static bool is_done(const lam_trial *trial)
{
    return trial->state == LAM_TRIAL_STATE_DONE && !isnan(trial->objective);
}

size_t lam_configuration_collect(const lam_study_view *view,
                                 const lam_configuration *configuration, double *ret_values)
{
    size_t count = 0;
    for (int i = 0; i < view->plan.seed_count; i++) {
        const lam_trial *trial = &configuration->trials[i];
        if (trial->state == LAM_TRIAL_STATE_WAITING || trial->state == LAM_TRIAL_STATE_RUNNING)
            return 0;
        if (is_done(trial))
            ret_values[count++] = trial->objective;
    }
    return count;
}

double lam_binomial_error(double accuracy, uint32_t rows)
{
    return sqrt(accuracy * (1 - accuracy) / rows);
}

static double get_standard_error(const lam_study_view *view, const lam_estimate *estimate)
{
    double error = estimate->deviation / sqrt((double)estimate->count);
    if (!lam_objective_is_accuracy(view->plan.objective))
        return error;
    /* fmax() takes the number where the other is none. */
    return fmax(error, lam_binomial_error(estimate->mean, view->validation_rows));
}

static int compare(const void *a, const void *b)
{
    const contender *x = a, *y = b;
    if (x->rank.objective.count != y->rank.objective.count)
        return x->rank.objective.count > y->rank.objective.count ? -1 : 1;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return x->rank.configuration < y->rank.configuration ? -1 : 1;
}

/* ret_contenders[configuration_count]; `values` has room for all seeds. */
static size_t gather(const lam_study_view *view, double *values, contender *ret_contenders)
{
    size_t count = 0;
    for (size_t i = 0; i < view->configuration_count; i++) {
        const lam_configuration *configuration = &view->configurations[i];
        size_t done = lam_configuration_collect(view, configuration, values);
        if (done == 0)
            continue;
        contender *c = &ret_contenders[count++];
        c->rank = (lam_rank){.configuration = (int64_t)i,
                             .objective = lam_estimate_mean(values, done)};
        c->rank.standard_error = get_standard_error(view, &c->rank.objective);
        c->cost = -lam_objective_get_sign(view->plan.objective) * c->rank.objective.mean;
    }
    qsort(ret_contenders, count, sizeof *ret_contenders, compare);
    return count;
}

static lam_estimate compare_pairs(const lam_study_view *view, const lam_rank *rank,
                                  const lam_rank *pick, double *values)
{
    const lam_trial *trials = view->configurations[rank->configuration].trials;
    const lam_trial *picks = view->configurations[pick->configuration].trials;
    size_t count = 0;
    for (int i = 0; i < view->plan.seed_count; i++)
        if (is_done(&trials[i]) && is_done(&picks[i]))
            values[count++] = trials[i].objective - picks[i].objective;
    return lam_estimate_mean(values, count);
}

/* The pick itself is among its best, also where no error is known. */
static bool is_close(const contender *other, const contender *pick)
{
    return other == pick || (other->rank.objective.count == pick->rank.objective.count &&
                             other->cost - pick->cost <= pick->rank.standard_error);
}

static double get_binomial_error(const lam_study_view *view, const lam_rank *pick)
{
    const lam_trial *trials = view->configurations[pick->configuration].trials;
    double sum = 0;
    for (int i = 0; i < view->plan.seed_count; i++)
        if (is_done(&trials[i]))
            sum += trials[i].latest.validation.accuracy;
    return lam_binomial_error(sum / (double)pick->objective.count, view->validation_rows);
}

static void fill_ranking(const lam_study_view *view, double *values,
                         const contender *contenders, lam_ranking *ranking)
{
    for (size_t i = 0; i < ranking->count; i++) {
        lam_rank *rank = &ranking->ranks[i], *pick = &ranking->ranks[0];
        *rank = contenders[i].rank;
        rank->difference = compare_pairs(view, rank, pick, values);
        rank->is_best = is_close(&contenders[i], &contenders[0]);
        rank->is_pick = rank == pick;
    }
    if (ranking->count > 0)
        ranking->binomial_error = get_binomial_error(view, &ranking->ranks[0]);
}

lam_status lam_study_rank(lam_context *context, const lam_study_view *view,
                          lam_ranking *ret_ranking)
{
    size_t room = view->configuration_count + 1, seeds = (size_t)view->plan.seed_count + 1;
    double *values = malloc(seeds * sizeof *values);
    contender *contenders = malloc(room * sizeof *contenders);
    lam_ranking ranking = {.ranks = malloc(room * sizeof *ranking.ranks),
                           .binomial_error = NAN};
    lam_status status = LAM_STATUS_OK;
    if (values && contenders && ranking.ranks) {
        ranking.count = gather(view, values, contenders);
        fill_ranking(view, values, contenders, &ranking);
        *ret_ranking = ranking;
    } else {
        status = lam_fail_memory(context, "a ranking", room * sizeof *contenders);
        free(ranking.ranks);
    }
    free(values);
    free(contenders);
    return status;
}

void lam_ranking_free(lam_ranking *ranking)
{
    free(ranking->ranks);
    *ranking = (lam_ranking){0};
}
