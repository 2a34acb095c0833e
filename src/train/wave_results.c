/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/session.h"
#include "train/trace.h"
#include "train/wave_run.h"

static lam_run_summary summarize(const lam_wave_run *run, size_t p)
{
    const lam_population *population = run->population;
    const lam_watch *watch = lam_population_get_watch(population, p);
    int64_t reached = lam_population_get_step(population);
    double seconds = lam_population_get_training_seconds(population);
    double steps = (double)(reached - run->first_step);
    double epochs = steps / (double)lam_population_get_counts(population).per_epoch;
    lam_run_summary summary = {
        .steps = watch->stopped_step >= 0 ? watch->stopped_step : reached,
        .seconds_per_epoch = epochs > 0 ? seconds / epochs : 0,
        .samples_per_second = seconds > 0 ? steps * run->wave->recipe->batch / seconds : 0,
        .seconds_total = lam_population_get_total_seconds(population),
        .stopped_early = watch->stopped_step >= 0,
        .has_best = watch->best.step >= 0,
        .best_step = watch->best.step,
        .best_epoch = watch->best.epoch};
    summary.final[LAM_SPLIT_TRAIN] = watch->latest.train;
    summary.final[LAM_SPLIT_VALIDATION] = watch->latest.validation;
    summary.best[LAM_SPLIT_TRAIN] = watch->best.train;
    summary.best[LAM_SPLIT_VALIDATION] = watch->best.validation;
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        summary.has_split[split] =
            lam_dataset_get_split(run->wave->dataset, (lam_split)split).count > 0;
    return summary;
}

static void put_timing(json_t *record, const lam_run_summary *summary)
{
    json_object_set_new(record, "steps", json_integer(summary->steps));
    json_object_set_new(record, "seconds_per_epoch", json_real(summary->seconds_per_epoch));
    json_object_set_new(record, "samples_per_second", json_real(summary->samples_per_second));
    json_object_set_new(record, "seconds_total", json_real(summary->seconds_total));
}

/* The test split is looked at once, here. */
static lam_status evaluate_tests(lam_wave_run *run, lam_run_summary *summaries)
{
    size_t members = run->wave->members;
    const lam_recipe kept = lam_session_get_kept_recipe(run->wave->recipe);
    lam_metrics *metrics = malloc(members * sizeof *metrics);
    lam_metrics *const ret_metrics[LAM_SPLIT_COUNT] = {[LAM_SPLIT_TEST] = metrics};
    const unsigned splits = 1u << LAM_SPLIT_TEST;
    if (!summaries[0].has_split[LAM_SPLIT_TEST]) {
        free(metrics);
        return LAM_STATUS_OK;
    }
    if (!metrics)
        return lam_fail_memory(run->context, "metrics", members * sizeof *metrics);
    lam_status status = lam_population_evaluate(run->population, splits, ret_metrics);
    for (size_t p = 0; p < members && status == LAM_STATUS_OK; p++)
        summaries[p].final[LAM_SPLIT_TEST] = metrics[p];
    if (status == LAM_STATUS_OK && run->best)
        status = lam_workshop_evaluate(run->workshop, run->best, &kept, splits, ret_metrics);
    for (size_t p = 0; p < members && status == LAM_STATUS_OK && run->best; p++)
        summaries[p].best[LAM_SPLIT_TEST] = metrics[p];
    free(metrics);
    return status;
}

static bool has_diverged(const lam_wave_run *run, size_t p)
{
    return lam_population_get_watch(run->population, p)->diverged_step >= 0;
}

static lam_status finish(lam_wave_run *run, lam_run_summary *summaries)
{
    lam_trace_span span = lam_trace_begin(run->wave->options->trace, "final measurement");
    LAM_TRY(evaluate_tests(run, summaries));
    lam_trace_end(run->wave->options->trace, span);
    LAM_TRY(lam_wave_save_best(run));
    for (size_t p = 0; p < run->wave->members; p++) {
        if (has_diverged(run, p))
            continue;
        lam_record_put_results(run->members[p].record, &summaries[p]);
        LAM_TRY(lam_wave_save_model(run, lam_population_get_model(run->population), p,
                                    summaries[p].steps, LAM_RUN_MODEL));
    }
    return LAM_STATUS_OK;
}

static const char *name_outcome(lam_status status)
{
    switch (status) {
    case LAM_STATUS_OK:
        return "finished";
    case LAM_STATUS_INTERRUPTED:
        return "interrupted";
    case LAM_STATUS_DIVERGED:
        return "diverged";
    default:
        return "failed";
    }
}

static lam_status write_outcome(lam_wave_run *run, size_t p, lam_status outcome)
{
    lam_wave_member *member = &run->members[p];
    char message[96];
    if (outcome == LAM_STATUS_OK && has_diverged(run, p))
        outcome = LAM_STATUS_DIVERGED;
    json_object_set_new(member->record, "status", json_string(name_outcome(outcome)));
    snprintf(message, sizeof message, "the loss of step %" PRId64 " is not a finite number",
             lam_population_get_watch(run->population, p)->diverged_step);
    if (outcome != LAM_STATUS_OK)
        json_object_set_new(
            member->record, "message",
            json_string(has_diverged(run, p) ? message : lam_error_message(run->context)));
    return lam_run_directory_write_json(member->directory, LAM_RUN_RECORD, member->record);
}

/* Whatever happened, the folders say so; a failure to say it does not hide what happened. */
static lam_status close_records(lam_wave_run *run, lam_status outcome)
{
    lam_status written = LAM_STATUS_OK;
    char *reason = strdup(lam_error_message(run->context));
    if (outcome == LAM_STATUS_INTERRUPTED && lam_wave_save_checkpoint(run) == LAM_STATUS_OK &&
        reason)
        outcome = lam_fail(run->context, outcome,
                           "%s; what was measured is in %s; go on with --resume", reason,
                           run->wave->options->output_directory);
    free(reason);
    if (!run->wave->home)
        lam_run_directory_remove(run->home, LAM_RUN_PROGRESS);
    for (size_t p = 0; p < run->wave->members && written == LAM_STATUS_OK; p++)
        written = write_outcome(run, p, outcome);
    if (outcome == LAM_STATUS_OK && written == LAM_STATUS_OK)
        lam_run_directory_remove(run->home, LAM_RUN_CHECKPOINT);
    return outcome != LAM_STATUS_OK ? outcome : written;
}

lam_status lam_wave_finish(lam_wave_run *run, lam_status outcome,
                           lam_run_summary *ret_summaries)
{
    if (outcome == LAM_STATUS_OK)
        outcome = lam_population_check(run->population);
    for (size_t p = 0; p < run->wave->members; p++) {
        ret_summaries[p] = summarize(run, p);
        put_timing(run->members[p].record, &ret_summaries[p]);
    }
    if (outcome == LAM_STATUS_OK)
        outcome = finish(run, ret_summaries);
    return close_records(run, outcome);
}
