/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/gradient_checks.h"

/* ---- networks ---- */

static double get_number(const lam_metrics *metrics, int offset)
{
    const double numbers[] = {100 * metrics->accuracy, metrics->loss, metrics->cost};
    return numbers[offset];
}

static void gather(const lam_seed_result *results, size_t count, lam_experiment_result *result)
{
    double values[LAM_MAX_SEEDS];
    static const lam_quantity first[] = {LAM_QUANTITY_TRAIN_ACCURACY, LAM_QUANTITY_TRAIN_LOSS,
                                         LAM_QUANTITY_TRAIN_COST};
    for (int number = 0; number < 3; number++)
        for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
            size_t found = 0;
            for (size_t i = 0; i < count; i++)
                if (!results[i].diverged && results[i].run.has_split[split])
                    values[found++] = get_number(&results[i].run.final[split], number);
            result->values[first[number] + (lam_quantity)split] =
                lam_estimate_mean(values, found);
        }
}

/* Networks that were trained side by side all name the seconds of their wave. */
static void add_seconds(const lam_experiment *experiment, const lam_seed_result *results,
                        size_t count, lam_experiment_result *result)
{
    uint32_t rows = lam_recipe_get_train_rows(&experiment->recipe);
    double batches = floor((double)rows / experiment->recipe.batch);
    for (size_t i = 0; i < count; i++) {
        const lam_run_summary *run = &results[i].run;
        bool is_known = results[i].diverged;
        for (size_t k = 0; k < i; k++)
            is_known = is_known || results[k].run.seconds_total == run->seconds_total;
        if (is_known)
            continue;
        result->seconds += run->seconds_total;
        result->training_seconds += run->seconds_per_epoch * (double)run->steps / batches;
    }
}

static lam_status train(lam_context *context, lam_device *device,
                        const lam_experiment *experiment, const lam_dataset *dataset,
                        const lam_train_options *options, lam_experiment_result *result)
{
    uint64_t list[LAM_MAX_SEEDS];
    const lam_seed_set set = {.seeds = list, .count = experiment->seeds};
    for (size_t i = 0; i < set.count; i++)
        list[i] = i + 1;
    lam_seed_result *results = calloc(set.count, sizeof *results);
    if (!results)
        return lam_fail_memory(context, experiment->name, set.count * sizeof *results);
    lam_status status =
        lam_train_seeds(device, &experiment->recipe, dataset, options, &set, results);
    if (status == LAM_STATUS_OK) {
        gather(results, set.count, result);
        add_seconds(experiment, results, set.count, result);
        for (size_t i = 0; i < set.count; i++)
            result->diverged += results[i].diverged;
    } else if (status == LAM_STATUS_DIVERGED) {
        result->diverged = set.count;
        status = LAM_STATUS_OK;
    }
    result->count = set.count - result->diverged;
    free(results);
    return status;
}

/* ---- the whole ---- */

lam_status lam_experiment_run(lam_context *context, lam_device *device,
                              const lam_experiment *experiment, const lam_dataset *dataset,
                              const lam_train_options *options,
                              lam_experiment_result *ret_result)
{
    lam_experiment_result result = {.is_done = true, .peer_seconds = NAN};
    lam_train_options own = *options;
    own.resume = true;
    if (experiment->kind == LAM_EXPERIMENT_KIND_GRADIENTS)
        LAM_TRY(lam_gradient_checks_run(context, device, experiment, dataset, &own, &result));
    else if (experiment->kind == LAM_EXPERIMENT_KIND_TRAIN && experiment->seeds >= 1 &&
             experiment->seeds <= LAM_MAX_SEEDS)
        LAM_TRY(train(context, device, experiment, dataset, &own, &result));
    else
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "%s cannot be run here with %zu seeds; legal: experiments that train, "
                        "with 1 to %d seeds, or check gradients",
                        experiment->name, experiment->seeds, LAM_MAX_SEEDS);
    *ret_result = result;
    return LAM_STATUS_OK;
}
