/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
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

char *lam_wave_name_folder(const char *home, uint64_t seed)
{
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/seed-%" PRIu64, home, seed);
    char *copy = path.failed ? NULL : strdup(lam_strbuf_text(&path));
    lam_strbuf_free(&path);
    return copy;
}

/* ---- while it trains ---- */

/* The rows first, then the checkpoint: resuming drops rows behind its checkpoint. */
static lam_status keep_measurement(void *user, int64_t step)
{
    lam_wave_run *run = user;
    for (size_t p = 0; p < run->wave->members; p++) {
        const lam_watch *watch = &run->watches[p];
        if (watch->latest.step != step)
            continue;
        LAM_TRY(lam_run_directory_append(run->members[p].directory, &watch->latest));
        if (!lam_watch_is_best_at(watch, step))
            continue;
        LAM_TRY(lam_parameters_copy_member(run->best, lam_trainer_get_model(run->trainer), p));
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
    int64_t step = lam_trainer_get_step(run->trainer);
    char file[48];
    snprintf(file, sizeof file, LAM_RUN_SNAPSHOT, cycle);
    for (size_t p = 0; p < run->wave->members; p++)
        if (!lam_watch_is_over(&run->watches[p]) || run->watches[p].stopped_step == step)
            LAM_TRY(
                lam_wave_save_model(run, lam_trainer_get_model(run->trainer), p, step, file));
    return LAM_STATUS_OK;
}

static void pass_progress(void *user, const lam_progress *progress)
{
    const lam_wave_run *run = user;
    if (run->wave->options->progress)
        run->wave->options->progress(run->wave->options->progress_user, progress);
}

/* ---- the whole ---- */

static lam_status create_trainer(lam_wave_run *run)
{
    const lam_wave *wave = run->wave;
    const lam_trainer_observer observer = {.measure = keep_measurement,
                                           .snapshot = keep_snapshot,
                                           .progress = pass_progress,
                                           .user = run,
                                           .trace = wave->options->trace};
    const lam_trainer_setup setup = {.parameters = run->session->parameters,
                                     .data = run->session->data,
                                     .dataset = wave->dataset,
                                     .recipe = wave->recipe,
                                     .observer = &observer,
                                     .first_step = run->first_step,
                                     .seeds = wave->seeds,
                                     .watches = run->watches};
    LAM_TRY(lam_trainer_create(&setup, &run->trainer));
    return run->first_step == 0
               ? LAM_STATUS_OK
               : lam_checkpoint_load_optimizer(
                     lam_trainer_get_optimizer_state(run->trainer),
                     lam_run_directory_get_path(run->home, LAM_RUN_CHECKPOINT));
}

static lam_status build(lam_wave_run *run)
{
    const lam_wave *wave = run->wave;
    size_t members = wave->members;
    LAM_TRY(lam_session_create_population(wave->device, wave->recipe, wave->dataset,
                                          wave->options->gemm, members, &run->session));
    run->members = calloc(members, sizeof *run->members);
    run->watches = calloc(members, sizeof *run->watches);
    if (!run->members || !run->watches)
        return lam_fail_memory(run->context, "runs", members * sizeof *run->members);
    for (size_t p = 0; p < members; p++) {
        run->watches[p] = lam_watch_start();
        LAM_TRY(lam_wave_open_member(run, p));
    }
    run->home = wave->home ? wave->home : run->members[0].directory;
    if (lam_dataset_get_split(wave->dataset, LAM_SPLIT_VALIDATION).count > 0)
        LAM_TRY(lam_parameters_create(run->session->engine, &run->session->parameters->graph,
                                      members, &run->best));
    if (wave->options->resume)
        LAM_TRY(lam_wave_load_checkpoint(run));
    LAM_TRY(create_trainer(run));
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
    lam_trainer_destroy(&run->trainer);
    for (size_t p = 0; p < run->wave->members && run->members; p++) {
        lam_run_directory_close(&run->members[p].directory);
        json_decref(run->members[p].record);
    }
    free(run->members);
    free(run->watches);
    lam_parameters_destroy(&run->best);
    lam_session_destroy(&run->session);
}

static lam_status train(lam_wave_run *run, lam_run_summary *ret_summaries)
{
    run->checkpoint_time = lam_clock_get_seconds();
    lam_status status = lam_trainer_run(run->trainer);
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
