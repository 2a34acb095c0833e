/* SPDX-License-Identifier: Apache-2.0 */
#include "search/importance.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "search/ranking.h"
#include "search/space_values.h"

#define MAX_BINS 10

/* A configuration as one parameter sees it. */
typedef struct place {
    double unit, objective;
} place;

static int compare_units(const void *a, const void *b)
{
    double x = ((const place *)a)->unit, y = ((const place *)b)->unit;
    return (x > y) - (x < y);
}

/* Of those that vary the parameter; ret_places[configuration_count], `values` has room for all
 * seeds. */
static size_t gather(const lam_study_view *view, size_t parameter, double *values,
                     place *ret_places)
{
    size_t count = 0;
    for (size_t i = 0; i < view->configuration_count; i++) {
        const lam_configuration *configuration = &view->configurations[i];
        size_t done = lam_configuration_collect(view, configuration, values);
        place *next = &ret_places[count];
        if (done > 0 &&
            lam_parameter_find_unit(&view->plan.space.parameters[parameter],
                                    configuration->values[parameter], &next->unit)) {
            next->objective = lam_estimate_mean(values, done).mean;
            count++;
        }
    }
    qsort(ret_places, count, sizeof *ret_places, compare_units);
    return count;
}

/* Sum of squared deviations from the mean. */
static double sum_squares(const place *places, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += places[i].objective;
    for (size_t i = 0; i < count; i++) {
        double off = places[i].objective - sum / (double)count;
        squares += off * off;
    }
    return squares;
}

/* Rounding gives their mean a last bit that none of them has. */
static bool are_equal(const place *places, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (places[i].objective != places[0].objective)
            return false;
    return true;
}

/* The end of the group that begins at `first`: equal units stay together. */
static size_t find_group_end(const place *places, size_t count, size_t first, size_t bins)
{
    size_t bin = first * bins / count, end = first + 1;
    while (end < count &&
           (places[end].unit == places[end - 1].unit || end * bins / count == bin))
        end++;
    return end;
}

/* `places` ascend in their units. */
static double compute_epsilon_squared(const place *places, size_t count, size_t bins)
{
    double within = 0, groups = 0, n = (double)count;
    if (count < LAM_IMPORTANCE_MIN || are_equal(places, count))
        return NAN;
    for (size_t first = 0, end = 0; first < count; first = end) {
        end = find_group_end(places, count, first, bins);
        within += sum_squares(places + first, end - first);
        groups++;
    }
    if (groups == 1 || groups == n)
        return NAN;
    double total = sum_squares(places, count);
    double share = (total - within - (groups - 1) * within / (n - groups)) / total;
    return fmax(share, 0);
}

static size_t count_bins(const lam_parameter *parameter, size_t count)
{
    if (parameter->type == LAM_SPACE_CHOICE)
        return count; /* as fine as it goes, so that values alone make groups */
    size_t bins = (size_t)sqrt((double)count);
    return bins < MAX_BINS ? bins : MAX_BINS;
}

lam_status lam_study_compute_importance(lam_context *context, const lam_study_view *view,
                                        double ret_shares[LAM_MAX_PARAMETERS])
{
    size_t room = view->configuration_count + 1, seeds = (size_t)view->plan.seed_count + 1;
    double *values = malloc(seeds * sizeof *values);
    place *places = malloc(room * sizeof *places);
    lam_status status = values && places
                            ? LAM_STATUS_OK
                            : lam_fail_memory(context, "importances", room * sizeof *places);
    for (size_t i = 0; i < view->plan.space.count && status == LAM_STATUS_OK; i++) {
        size_t count = gather(view, i, values, places);
        size_t bins = count_bins(&view->plan.space.parameters[i], count);
        ret_shares[i] = compute_epsilon_squared(places, count, bins);
    }
    free(values);
    free(places);
    return status;
}
