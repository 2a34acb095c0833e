/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "train/memory_check.h"
#include "train/trace.h"
#include "train/wave_run.h"

#define CHECKPOINT_SECONDS 5.0

/* ---- before the first step ---- */

lam_status lam_wave_prepare(lam_device *device, const lam_recipe *recipe,
                            const lam_dataset *dataset, const lam_train_options *options,
                            size_t wanted, size_t *ret_members)
{
    if (recipe->patience > 0 && lam_dataset_get_split(dataset, LAM_SPLIT_VALIDATION).count == 0)
        return lam_fail(lam_device_get_context(device), LAM_STATUS_BAD_RECIPE,
                        "patience: %d measurements without a better validation loss cannot be "
                        "told without validation rows; set data.validation_count, or patience "
                        "to 0",
                        recipe->patience);
    LAM_TRY(lam_memory_check(device, recipe, dataset, options->gemm, wanted, ret_members));
    lam_trace_span span = lam_trace_begin(options->trace, "self-test");
    LAM_TRY(lam_self_test(device, options->gemm));
    lam_trace_end(options->trace, span);
    return LAM_STATUS_OK;
}

/* ---- while it trains ---- */

/* The rows first, then the checkpoint: resuming drops rows behind its checkpoint. */
static lam_status keep_measurement(void *user, int64_t step,
                                   const lam_measurement *measurements)
{
    lam_wave_run *run = user;
    const lam_population *population = run->population;
    for (size_t p = 0; p < run->wave->members; p++) {
        if (measurements[p].step != step)
            continue;
        LAM_TRY(lam_run_directory_append(run->members[p].directory, &measurements[p]));
        if (!lam_watch_is_best_at(lam_population_get_watch(population, p), step))
            continue;
        LAM_TRY(
            lam_parameters_copy_member(run->best, p, lam_population_get_model(population), p));
        run->members[p].has_unsaved_best = true;
    }
    double now = lam_clock_get_seconds();
    if (now - run->checkpoint_time < CHECKPOINT_SECONDS)
        return LAM_STATUS_OK;
    run->checkpoint_time = now;
    if (lam_wave_save_checkpoint(run) != LAM_STATUS_OK)
        lam_log(run->context, LAM_LOG_LEVEL_WARNING,
                "%s; training goes on without this checkpoint",
                lam_error_message(run->context));
    return LAM_STATUS_OK;
}

static lam_status keep_snapshot(void *user, int cycle)
{
    lam_wave_run *run = user;
    const lam_population *population = run->population;
    int64_t step = lam_population_get_step(population);
    char file[48];
    snprintf(file, sizeof file, LAM_RUN_SNAPSHOT, cycle);
    for (size_t p = 0; p < run->wave->members; p++) {
        const lam_watch *watch = lam_population_get_watch(population, p);
        if (!lam_watch_is_over(watch) || watch->stopped_step == step)
            LAM_TRY(
                lam_wave_save_model(run, lam_population_get_model(population), p, step, file));
    }
    return LAM_STATUS_OK;
}

static lam_status pass_progress(void *user, const lam_progress *progress)
{
    lam_wave_run *run = user;
    if (!run->wave->home)
        lam_progress_file_update(&run->progress, run->context, run->home, progress);
    if (run->wave->options->progress)
        run->wave->options->progress(run->wave->options->progress_user, progress);
    return LAM_STATUS_OK;
}

/* ---- the whole ---- */

/* Every member of the one recipe. */
static lam_status create_population(lam_wave_run *run)
{
    const lam_wave *wave = run->wave;
    size_t members = wave->members;
    lam_recipe *recipes = malloc(members * sizeof *recipes);
    if (!recipes)
        return lam_fail_memory(run->context, "recipes", members * sizeof *recipes);
    for (size_t p = 0; p < members; p++)
        recipes[p] = *wave->recipe;
    const lam_population_setup setup = {.workshop = run->workshop,
                                        .members = members,
                                        .recipes = recipes,
                                        .seeds = wave->seeds,
                                        .ids = wave->seeds,
                                        .observer = {.measure = keep_measurement,
                                                     .snapshot = keep_snapshot,
                                                     .progress = pass_progress,
                                                     .user = run,
                                                     .trace = wave->options->trace}};
    lam_status status = lam_population_create(&setup, &run->population);
    free(recipes);
    return status;
}

static lam_status build(lam_wave_run *run)
{
    const lam_wave *wave = run->wave;
    size_t members = wave->members;
    LAM_TRY(lam_workshop_create(wave->device, wave->dataset, wave->options->gemm, NULL,
                                &run->workshop));
    run->members = calloc(members, sizeof *run->members);
    if (!run->members)
        return lam_fail_memory(run->context, "runs", members * sizeof *run->members);
    for (size_t p = 0; p < members; p++)
        LAM_TRY(lam_wave_open_member(run, p));
    run->home = wave->home ? wave->home : run->members[0].directory;
    LAM_TRY(create_population(run));
    if (lam_dataset_get_split(wave->dataset, LAM_SPLIT_VALIDATION).count > 0)
        LAM_TRY(lam_parameters_create_each(
            run->workshop->engine, lam_population_get_parameters(run->population)->graphs,
            members, &run->best));
    if (wave->options->resume)
        LAM_TRY(lam_wave_load_checkpoint(run));
    for (size_t p = 0; p < members; p++) {
        lam_run_directory *directory = run->members[p].directory;
        LAM_TRY(
            lam_run_directory_write_json(directory, LAM_RUN_RECORD, run->members[p].record));
        LAM_TRY(lam_run_directory_start_metrics(directory,
                                                run->first_step > 0 ? run->first_step : -1));
    }
    return LAM_STATUS_OK;
}

static void close_run(lam_wave_run *run)
{
    lam_population_destroy(&run->population);
    for (size_t p = 0; p < run->wave->members && run->members; p++) {
        lam_run_directory_close(&run->members[p].directory);
        json_decref(run->members[p].record);
    }
    free(run->members);
    lam_parameters_destroy(&run->best);
    lam_workshop_destroy(&run->workshop);
}

static lam_status train(lam_wave_run *run, lam_run_summary *ret_summaries)
{
    run->checkpoint_time = lam_clock_get_seconds();
    lam_status status = lam_population_run(run->population, INT64_MAX);
    return lam_wave_finish(run, status, ret_summaries);
}

lam_status lam_wave_train(const lam_wave *wave, lam_run_summary *ret_summaries)
{
    lam_wave_run run = {.wave = wave, .context = lam_device_get_context(wave->device)};
    lam_trace_span span = lam_trace_begin(wave->options->trace, "build");
    lam_status status = build(&run);
    lam_trace_end(wave->options->trace, span);
    if (status == LAM_STATUS_OK)
        status = train(&run, ret_summaries);
    close_run(&run);
    return status;
}
