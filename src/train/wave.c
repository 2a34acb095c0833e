/* SPDX-License-Identifier: Apache-2.0 */
#include "train/wave.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "train/memory_check.h"
#include "train/record.h"
#include "train/trace.h"
#include "train/wave_state.h"

#define CHECKPOINT_SECONDS 5.0

/* One network and its folder. */
typedef struct wave_member {
    lam_run_directory *directory;
    json_t *record;
    bool has_unsaved_best;
} wave_member;

/* One call of lam_wave_train(). */
typedef struct wave_run {
    const lam_wave *wave;
    lam_context *context;
    lam_session *session;
    lam_run_directory *home;
    lam_parameters
        *best; /* each member at its best measurement; NULL without validation rows */
    wave_member *members;
    lam_watch *watches;
    lam_trainer *trainer;
    int64_t first_step;
    double checkpoint_time;
} wave_run;

static lam_status save_model(wave_run *run, const lam_parameters *parameters, size_t member,
                             int64_t step, const char *file)
{
    lam_trace *trace = run->wave->options->trace;
    lam_trace_span span = lam_trace_begin(trace, "save %s", file);
    lam_status status =
        lam_model_file_save(parameters, member, &run->session->normalization, step,
                            lam_run_directory_get_path(run->members[member].directory, file));
    lam_trace_end(trace, span);
    return status;
}

/* A checkpoint must not tell of a best model that is not on disk. */
static lam_status save_best_models(wave_run *run)
{
    for (size_t p = 0; p < run->wave->members; p++) {
        if (!run->members[p].has_unsaved_best)
            continue;
        LAM_TRY(save_model(run, run->best, p, run->watches[p].best.step, LAM_RUN_BEST));
        run->members[p].has_unsaved_best = false;
    }
    return LAM_STATUS_OK;
}

static lam_status save_checkpoint(wave_run *run)
{
    lam_trace *trace = run->wave->options->trace;
    lam_trace_span span = lam_trace_begin(trace, "save " LAM_RUN_CHECKPOINT);
    char *state = lam_wave_state_format(run->wave->seeds, run->watches, run->wave->members);
    lam_status status =
        state ? save_best_models(run) : lam_fail_memory(run->context, LAM_RUN_CHECKPOINT, 0);
    if (status == LAM_STATUS_OK)
        status = lam_checkpoint_save(
            run->session->parameters, lam_trainer_get_optimizer_state(run->trainer),
            &run->session->normalization, lam_trainer_get_step(run->trainer), state,
            lam_run_directory_get_path(run->home, LAM_RUN_CHECKPOINT));
    free(state);
    lam_trace_end(trace, span);
    return status;
}

/* ---- while it trains ---- */

/* The rows first, then the checkpoint: resuming drops rows behind its checkpoint. */
static lam_status keep_measurement(void *user, int64_t step)
{
    wave_run *run = user;
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
    if (save_checkpoint(run) != LAM_STATUS_OK)
        lam_log(run->context, LAM_LOG_LEVEL_WARNING,
                "%s; training goes on without this checkpoint",
                lam_error_message(run->context));
    return LAM_STATUS_OK;
}

static lam_status keep_snapshot(void *user, int cycle)
{
    wave_run *run = user;
    int64_t step = lam_trainer_get_step(run->trainer);
    char file[48];
    snprintf(file, sizeof file, LAM_RUN_SNAPSHOT, cycle);
    for (size_t p = 0; p < run->wave->members; p++)
        if (!lam_watch_is_over(&run->watches[p]) || run->watches[p].stopped_step == step)
            LAM_TRY(save_model(run, lam_trainer_get_model(run->trainer), p, step, file));
    return LAM_STATUS_OK;
}

static void pass_progress(void *user, const lam_progress *progress)
{
    const wave_run *run = user;
    if (run->wave->options->progress)
        run->wave->options->progress(run->wave->options->progress_user, progress);
}

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

static lam_status open_member(wave_run *run, size_t p)
{
    const lam_wave *wave = run->wave;
    const lam_train_options *options = wave->options;
    wave_member *member = &run->members[p];
    LAM_TRY(lam_record_start(run->session->engine, wave->recipe, wave->dataset,
                             options->data_directory, wave->seeds[p], &member->record));
    char *folder = wave->home ? lam_wave_name_folder(options->output_directory, wave->seeds[p])
                              : strdup(options->output_directory);
    lam_status status = folder ? lam_run_directory_open(run->context, folder, options->force,
                                                        options->resume, &member->directory)
                               : lam_fail_memory(run->context, "a path", 0);
    free(folder);
    LAM_TRY(status);
    return lam_parameters_initialize(run->session->parameters, p, wave->seeds[p]);
}

/* Only a run that is not finished goes on; of a set's, some may have been finished when they
 * were cut off together. */
static lam_status check_old_record(wave_run *run, size_t p)
{
    const wave_member *member = &run->members[p];
    const char *folder = lam_run_directory_get_folder(member->directory);
    json_t *old = NULL;
    if (!lam_run_directory_has(member->directory, LAM_RUN_RECORD))
        return LAM_STATUS_OK;
    LAM_TRY(lam_run_record_load(run->context, folder, &old));
    lam_status status = lam_record_check_same(run->context, old, member->record, folder);
    if (status == LAM_STATUS_OK && !run->wave->home &&
        strcmp(lam_record_get_status(old), "finished") == 0)
        status = lam_fail(run->context, LAM_STATUS_BAD_OUTPUT,
                          "%s is finished: there is nothing to resume; train again elsewhere "
                          "(-o) or replace it (--force)",
                          folder);
    json_decref(old);
    return status;
}

static lam_status load_best(wave_run *run, size_t p)
{
    int64_t step = 0; /* may be later than the checkpoint's best: it will be met again */
    if (run->watches[p].best.step < 0)
        return LAM_STATUS_OK;
    return lam_model_file_load(
        run->best, p, lam_run_directory_get_path(run->members[p].directory, LAM_RUN_BEST),
        &step);
}

/* Without a checkpoint the run starts again: it was killed within its first seconds. */
static lam_status load_checkpoint(wave_run *run)
{
    const lam_wave *wave = run->wave;
    for (size_t p = 0; p < wave->members; p++)
        LAM_TRY(check_old_record(run, p));
    if (!lam_run_directory_has(run->home, LAM_RUN_CHECKPOINT))
        return LAM_STATUS_OK;
    const char *path = lam_run_directory_get_path(run->home, LAM_RUN_CHECKPOINT);
    LAM_TRY(lam_checkpoint_load(run->session->parameters, path, &run->first_step));
    if (run->first_step < 0 || run->first_step > run->session->counts.total)
        return lam_fail(run->context, LAM_STATUS_BAD_MODEL,
                        "%s: step %lld is none of the run's %lld; replace the run (--force)",
                        path, (long long)run->first_step,
                        (long long)run->session->counts.total);
    if (run->first_step == 0) /* then step 0 is measured again */
        return LAM_STATUS_OK;
    LAM_TRY(lam_wave_state_load(run->context, path, wave->seeds, run->watches, wave->members));
    for (size_t p = 0; p < wave->members; p++)
        LAM_TRY(load_best(run, p));
    return LAM_STATUS_OK;
}

static lam_status create_trainer(wave_run *run)
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

static lam_status build(wave_run *run)
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
        LAM_TRY(open_member(run, p));
    }
    run->home = wave->home ? wave->home : run->members[0].directory;
    if (lam_dataset_get_split(wave->dataset, LAM_SPLIT_VALIDATION).count > 0)
        LAM_TRY(lam_parameters_create(run->session->engine, &run->session->parameters->graph,
                                      members, &run->best));
    if (wave->options->resume)
        LAM_TRY(load_checkpoint(run));
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

/* ---- after the last step ---- */

static lam_run_summary summarize(const wave_run *run, size_t p)
{
    const lam_watch *watch = &run->watches[p];
    int64_t reached = lam_trainer_get_step(run->trainer);
    double seconds = lam_trainer_get_training_seconds(run->trainer);
    double epochs =
        (double)(reached - run->first_step) / (double)run->session->counts.per_epoch;
    lam_run_summary summary = {
        .steps = watch->stopped_step >= 0 ? watch->stopped_step : reached,
        .seconds_per_epoch = epochs > 0 ? seconds / epochs : 0,
        .samples_per_second = lam_trainer_get_samples_per_second(run->trainer),
        .seconds_total = lam_trainer_get_total_seconds(run->trainer),
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
static lam_status evaluate_tests(wave_run *run, lam_run_summary *summaries)
{
    size_t members = run->wave->members;
    const lam_recipe *recipe = run->wave->recipe, kept = lam_session_get_kept_recipe(recipe);
    lam_metrics *metrics = malloc(members * sizeof *metrics);
    lam_metrics *const ret_metrics[LAM_SPLIT_COUNT] = {[LAM_SPLIT_TEST] = metrics};
    const unsigned splits = 1u << LAM_SPLIT_TEST;
    if (!summaries[0].has_split[LAM_SPLIT_TEST]) {
        free(metrics);
        return LAM_STATUS_OK;
    }
    if (!metrics)
        return lam_fail_memory(run->context, "metrics", members * sizeof *metrics);
    lam_status status = lam_session_evaluate(run->session, run->session->parameters, recipe,
                                             splits, ret_metrics);
    for (size_t p = 0; p < members && status == LAM_STATUS_OK; p++)
        summaries[p].final[LAM_SPLIT_TEST] = metrics[p];
    if (status == LAM_STATUS_OK && run->best)
        status = lam_session_evaluate(run->session, run->best, &kept, splits, ret_metrics);
    for (size_t p = 0; p < members && status == LAM_STATUS_OK && run->best; p++)
        summaries[p].best[LAM_SPLIT_TEST] = metrics[p];
    free(metrics);
    return status;
}

static bool has_diverged(const wave_run *run, size_t p)
{
    return run->watches[p].diverged_step >= 0;
}

static lam_status finish(wave_run *run, lam_run_summary *summaries)
{
    lam_trace_span span = lam_trace_begin(run->wave->options->trace, "final measurement");
    LAM_TRY(evaluate_tests(run, summaries));
    lam_trace_end(run->wave->options->trace, span);
    LAM_TRY(save_best_models(run));
    for (size_t p = 0; p < run->wave->members; p++) {
        if (has_diverged(run, p))
            continue;
        lam_record_put_results(run->members[p].record, &summaries[p]);
        LAM_TRY(save_model(run, lam_trainer_get_model(run->trainer), p, summaries[p].steps,
                           LAM_RUN_MODEL));
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

static lam_status write_outcome(wave_run *run, size_t p, lam_status outcome)
{
    wave_member *member = &run->members[p];
    char message[96];
    if (outcome == LAM_STATUS_OK && has_diverged(run, p))
        outcome = LAM_STATUS_DIVERGED;
    json_object_set_new(member->record, "status", json_string(name_outcome(outcome)));
    snprintf(message, sizeof message, "the loss of step %" PRId64 " is not a finite number",
             run->watches[p].diverged_step);
    if (outcome != LAM_STATUS_OK)
        json_object_set_new(
            member->record, "message",
            json_string(has_diverged(run, p) ? message : lam_error_message(run->context)));
    return lam_run_directory_write_json(member->directory, LAM_RUN_RECORD, member->record);
}

/* Whatever happened, the folders say so; a failure to say it does not hide what happened. */
static lam_status close_records(wave_run *run, lam_status outcome)
{
    lam_status written = LAM_STATUS_OK;
    char *reason = strdup(lam_error_message(run->context));
    if (outcome == LAM_STATUS_INTERRUPTED && save_checkpoint(run) == LAM_STATUS_OK && reason)
        outcome = lam_fail(run->context, outcome,
                           "%s; what was measured is in %s; go on with --resume", reason,
                           run->wave->options->output_directory);
    free(reason);
    for (size_t p = 0; p < run->wave->members && written == LAM_STATUS_OK; p++)
        written = write_outcome(run, p, outcome);
    if (outcome == LAM_STATUS_OK && written == LAM_STATUS_OK)
        lam_run_directory_remove(run->home, LAM_RUN_CHECKPOINT);
    return outcome != LAM_STATUS_OK ? outcome : written;
}

static void close_run(wave_run *run)
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

static lam_status train(wave_run *run, lam_run_summary *ret_summaries)
{
    size_t members = run->wave->members;
    run->checkpoint_time = lam_clock_get_seconds();
    lam_status status = lam_trainer_run(run->trainer);
    for (size_t p = 0; p < members; p++) {
        ret_summaries[p] = summarize(run, p);
        put_timing(run->members[p].record, &ret_summaries[p]);
    }
    if (status == LAM_STATUS_OK)
        status = finish(run, ret_summaries);
    return close_records(run, status);
}

lam_status lam_wave_train(const lam_wave *wave, lam_run_summary *ret_summaries)
{
    wave_run run = {.wave = wave, .context = lam_device_get_context(wave->device)};
    lam_trace_span span = lam_trace_begin(wave->options->trace, "build");
    lam_status status = build(&run);
    lam_trace_end(wave->options->trace, span);
    if (status == LAM_STATUS_OK)
        status = train(&run, ret_summaries);
    close_run(&run);
    return status;
}
