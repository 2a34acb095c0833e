/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lamina/version.h"
#include "train/memory_check.h"
#include "train/model_file.h"
#include "train/run_directory.h"
#include "train/session.h"
#include "train/trace.h"
#include "train/trainer.h"

#define CHECKPOINT_SECONDS 5.0

/* One call of lam_train(). */
typedef struct training_run {
    lam_context *context;
    lam_session *session;
    const lam_recipe *recipe;
    const lam_train_options *options;
    lam_run_directory *directory;
    lam_trainer *trainer;
    json_t *record;
    int64_t first_step;
    bool has_checkpoint; /* which the run goes on from */
    struct timespec checkpoint_time;
} training_run;

static json_t *describe_device(const lam_device_info *info)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "index", info->index, "name",
                     info->name, "vendor", info->vendor, "platform", info->platform, "type",
                     lam_device_type_name(info->type), "driver_version", info->driver_version,
                     "opencl_version", info->opencl_version, "compute_units",
                     (int)info->compute_units);
}

static json_t *describe_metrics(const lam_metrics *metrics)
{
    return json_pack("{s:f, s:f, s:f}", "loss", metrics->loss, "cost", metrics->cost,
                     "accuracy", metrics->accuracy);
}

static lam_status start_record(training_run *run)
{
    char *text = NULL;
    LAM_TRY(lam_recipe_format(run->context, run->recipe, &text));
    json_t *recipe = json_loads(text, 0, NULL);
    free(text);
    const lam_session *session = run->session;
    run->record = json_pack(
        "{s:s, s:s, s:o, s:o, s:s, s:I, s:s?, s:{s:i, s:i, s:i}}", "lamina", lam_version(),
        "status", "running", "recipe", recipe, "device",
        describe_device(lam_device_get_info(session->engine->device)), "gemm",
        lam_gemm_name(session->engine->gemm), "seed", (json_int_t)run->recipe->seed,
        "data_directory", run->options->data_directory, "rows", "train",
        (int)lam_dataset_get_split(session->dataset, LAM_SPLIT_TRAIN).count, "validation",
        (int)lam_dataset_get_split(session->dataset, LAM_SPLIT_VALIDATION).count, "test",
        (int)lam_dataset_get_split(session->dataset, LAM_SPLIT_TEST).count);
    return run->record ? LAM_STATUS_OK
                       : lam_fail_memory(run->context, LAM_RUN_RECORD, sizeof *run->record);
}

/* A run may only go on as what it was started as. */
static lam_status check_same_run(training_run *run, const json_t *old)
{
    static const char *const keys[] = {"recipe", "gemm", "rows"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!json_equal(json_object_get(old, keys[i]), json_object_get(run->record, keys[i])))
            return lam_fail(run->context, LAM_STATUS_BAD_RECIPE,
                            "%s was started with another %s; resume with that, choose another "
                            "place with -o, or replace it with --force",
                            run->options->output_directory, keys[i]);
    const char *status = json_string_value(json_object_get(old, "status"));
    if (status && strcmp(status, "finished") == 0)
        return lam_fail(run->context, LAM_STATUS_BAD_OUTPUT,
                        "%s is finished: there is nothing to resume; train again elsewhere "
                        "(-o) or replace it (--force)",
                        run->options->output_directory);
    return LAM_STATUS_OK;
}

/* Without a checkpoint the run starts again: it was killed within its first seconds. */
static lam_status load_checkpoint(training_run *run)
{
    lam_run_directory *directory = run->directory;
    if (lam_run_directory_has(directory, LAM_RUN_RECORD)) {
        json_t *old = NULL;
        LAM_TRY(lam_run_record_load(run->context, run->options->output_directory, &old));
        lam_status status = check_same_run(run, old);
        json_decref(old);
        LAM_TRY(status);
    }
    if (!lam_run_directory_has(directory, LAM_RUN_CHECKPOINT))
        return LAM_STATUS_OK;
    const char *path = lam_run_directory_get_path(directory, LAM_RUN_CHECKPOINT);
    LAM_TRY(lam_model_file_load(run->session->parameters, path, &run->first_step));
    if (run->first_step < 0 || run->first_step > run->session->counts.total)
        return lam_fail(run->context, LAM_STATUS_BAD_MODEL,
                        "%s: step %lld is none of the run's %lld; replace the run (--force)",
                        path, (long long)run->first_step,
                        (long long)run->session->counts.total);
    run->has_checkpoint = true;
    return LAM_STATUS_OK;
}

/* The optimizer's states go into checkpoints alone. */
static lam_status save_model(training_run *run, const lam_parameters *parameters,
                             const char *file)
{
    bool is_checkpoint = strcmp(file, LAM_RUN_CHECKPOINT) == 0;
    lam_trace_span span = lam_trace_begin(run->options->trace, "save %s", file);
    lam_status status = lam_model_file_save(
        parameters, is_checkpoint ? lam_trainer_get_optimizer_state(run->trainer) : NULL, 0,
        &run->session->normalization, lam_trainer_get_step(run->trainer),
        lam_run_directory_get_path(run->directory, file));
    lam_trace_end(run->options->trace, span);
    return status;
}

/* The row first, then the checkpoint: resuming drops rows behind its checkpoint. */
static lam_status keep_measurement(void *user, const lam_measurement *measurement)
{
    training_run *run = user;
    struct timespec now;
    LAM_TRY(lam_run_directory_append(run->directory, measurement));
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((double)(now.tv_sec - run->checkpoint_time.tv_sec) < CHECKPOINT_SECONDS)
        return LAM_STATUS_OK;
    run->checkpoint_time = now;
    if (save_model(run, run->session->parameters, LAM_RUN_CHECKPOINT) != LAM_STATUS_OK)
        lam_log(run->context, LAM_LOG_LEVEL_WARNING,
                "%s; training goes on without this checkpoint",
                lam_error_message(run->context));
    return LAM_STATUS_OK;
}

static void pass_progress(void *user, const lam_progress *progress)
{
    const training_run *run = user;
    if (run->options->progress)
        run->options->progress(run->options->progress_user, progress);
}

static void add_timing(training_run *run, lam_run_summary *summary)
{
    int64_t step = lam_trainer_get_step(run->trainer);
    double seconds = lam_trainer_get_training_seconds(run->trainer);
    double epochs = (double)(step - run->first_step) / (double)run->session->counts.per_epoch;
    summary->steps = step;
    summary->seconds_per_epoch = epochs > 0 ? seconds / epochs : 0;
    summary->samples_per_second = lam_trainer_get_samples_per_second(run->trainer);
    summary->seconds_total = lam_trainer_get_total_seconds(run->trainer);
    json_object_set_new(run->record, "steps", json_integer(step));
    json_object_set_new(run->record, "seconds_per_epoch",
                        json_real(summary->seconds_per_epoch));
    json_object_set_new(run->record, "samples_per_second",
                        json_real(summary->samples_per_second));
    json_object_set_new(run->record, "seconds_total", json_real(summary->seconds_total));
}

/* The last measurement is the final one; the test split is looked at once, here. */
static lam_status evaluate_final(training_run *run, lam_run_summary *summary)
{
    const lam_measurement *latest = lam_trainer_get_latest(run->trainer);
    summary->final[LAM_SPLIT_TRAIN] = latest->train;
    summary->final[LAM_SPLIT_VALIDATION] = latest->validation;
    summary->has_split[LAM_SPLIT_TRAIN] = true;
    summary->has_split[LAM_SPLIT_VALIDATION] = latest->has_validation;
    return lam_session_evaluate(run->session, run->recipe, 1u << LAM_SPLIT_TEST, summary);
}

static lam_status finish(training_run *run, lam_run_summary *summary)
{
    lam_trace_span span = lam_trace_begin(run->options->trace, "final measurement");
    LAM_TRY(evaluate_final(run, summary));
    lam_trace_end(run->options->trace, span);
    json_t *final = json_object();
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (summary->has_split[split])
            json_object_set_new(final, lam_split_name((lam_split)split),
                                describe_metrics(&summary->final[split]));
    json_object_set_new(run->record, "final", final);
    return save_model(run, lam_trainer_get_model(run->trainer), LAM_RUN_MODEL);
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

/* Whatever happened, the folder says so; a failure to say it does not hide what happened. */
static lam_status close_record(training_run *run, lam_status outcome)
{
    json_object_set_new(run->record, "status", json_string(name_outcome(outcome)));
    if (outcome == LAM_STATUS_INTERRUPTED) {
        char *reason = strdup(lam_error_message(run->context));
        lam_status saved = save_model(run, run->session->parameters, LAM_RUN_CHECKPOINT);
        if (saved == LAM_STATUS_OK && reason)
            outcome = lam_fail(run->context, outcome,
                               "%s; what was measured is in %s; go on with --resume", reason,
                               run->options->output_directory);
        free(reason);
    }
    if (outcome != LAM_STATUS_OK)
        json_object_set_new(run->record, "message",
                            json_string(lam_error_message(run->context)));
    lam_status written = lam_run_directory_write_record(run->directory, run->record);
    if (outcome == LAM_STATUS_OK && written == LAM_STATUS_OK)
        lam_run_directory_remove(run->directory, LAM_RUN_CHECKPOINT);
    return outcome != LAM_STATUS_OK ? outcome : written;
}

static lam_status prepare(training_run *run)
{
    const lam_train_options *options = run->options;
    LAM_TRY(start_record(run));
    LAM_TRY(lam_run_directory_open(run->context, options->output_directory, options->force,
                                   options->resume, &run->directory));
    LAM_TRY(lam_parameters_initialize(run->session->parameters, 0, run->recipe->seed));
    if (options->resume)
        LAM_TRY(load_checkpoint(run));
    const lam_trainer_observer observer = {.measure = keep_measurement,
                                           .progress = pass_progress,
                                           .user = run,
                                           .trace = options->trace};
    LAM_TRY(lam_trainer_create(run->session->parameters, run->session->data,
                               run->session->dataset, run->recipe, &observer, run->first_step,
                               &run->trainer));
    if (run->has_checkpoint)
        LAM_TRY(lam_model_file_load_optimizer(
            lam_trainer_get_optimizer_state(run->trainer),
            lam_run_directory_get_path(run->directory, LAM_RUN_CHECKPOINT)));
    LAM_TRY(lam_run_directory_write_record(run->directory, run->record));
    return lam_run_directory_start_metrics(run->directory,
                                           run->first_step > 0 ? run->first_step : -1);
}

/* Everything up to the first step. */
static lam_status build(training_run *run, lam_device *device, const lam_dataset *dataset)
{
    const lam_train_options *options = run->options;
    LAM_TRY(lam_memory_check(device, run->recipe, dataset, options->gemm));
    lam_trace_span span = lam_trace_begin(options->trace, "self-test");
    LAM_TRY(lam_self_test(device, options->gemm));
    lam_trace_end(options->trace, span);
    span = lam_trace_begin(options->trace, "build");
    LAM_TRY(
        lam_session_create(device, run->recipe, dataset, options->gemm, NULL, &run->session));
    LAM_TRY(prepare(run));
    lam_trace_end(options->trace, span);
    return LAM_STATUS_OK;
}

static lam_status train(lam_device *device, const lam_recipe *recipe,
                        const lam_dataset *dataset, const lam_train_options *options,
                        lam_run_summary *ret_summary)
{
    lam_status status = LAM_STATUS_OK;
    lam_run_summary summary = {0};
    training_run run = {
        .context = lam_device_get_context(device), .recipe = recipe, .options = options};
    LAM_TRY_GOTO(status, build(&run, device, dataset));
    clock_gettime(CLOCK_MONOTONIC, &run.checkpoint_time);
    status = lam_trainer_run(run.trainer);
    add_timing(&run, &summary);
    if (status == LAM_STATUS_OK)
        status = finish(&run, &summary);
    status = close_record(&run, status);
    if (status == LAM_STATUS_OK)
        *ret_summary = summary;
fail:
    lam_trainer_destroy(&run.trainer);
    lam_run_directory_close(&run.directory);
    lam_session_destroy(&run.session);
    json_decref(run.record);
    return status;
}

lam_status lam_train(lam_device *device, const lam_recipe *recipe, const lam_dataset *dataset,
                     const lam_train_options *options, lam_run_summary *ret_summary)
{
    LAM_TRY(lam_trace_start_device(options->trace, device));
    lam_status status = train(device, recipe, dataset, options, ret_summary);
    lam_status stopped = lam_trace_stop_device(options->trace);
    return status != LAM_STATUS_OK ? status : stopped;
}
