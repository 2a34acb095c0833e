/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "reproduce.h"
#include "search.h"

#define SEARCH_NETWORKS 21 /* about as many as the presets train */
#define GRADIENT_CHECKS 4

/* One call. */
typedef struct reproduction {
    lam_context *context;
    const reproduce_options *options;
    const reproduce_plan *plan;
    lam_device *device;
    reproduce_peer *peer;
    lam_dataset *dataset; /* of `data`; NULL before the first */
    lam_data_options data;
    size_t index, done, total; /* the experiment at hand; of those that are chosen */
    double guessed, taken;     /* seconds of experiments that were run in this call */
    double guessed_later;      /* of those that come behind the one at hand */
    bool is_terminal, drawn;
} reproduction;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- how long it will take ---- */

static double count_products(const lam_recipe *recipe, double inputs)
{
    double products = 0;
    for (int i = 0; i < recipe->network.layer_count; i++) {
        double width = recipe->network.layers[i].width;
        if (recipe->network.layers[i].type != LAM_LAYER_TYPE_DENSE)
            continue;
        products += inputs * width;
        inputs = width;
    }
    return products;
}

/* Multiplications at 60 % of what two AVX-512 cores do, and what launches cost; the first
 * experiments then show what is true here. */
static double guess_step_seconds(const lam_recipe *recipe)
{
    return 5 * count_products(recipe, LAM_IMAGE_INPUTS) * recipe->batch / 150e9 +
           1e-5 * recipe->network.layer_count;
}

/* As it was measured there, for each entry of weights and biases. */
static double guess_check_seconds(const lam_experiment *experiment)
{
    int tensors = 0;
    double inputs = experiment->inputs > 0 ? experiment->inputs : LAM_IMAGE_INPUTS;
    for (int i = 0; i < experiment->recipe.network.layer_count; i++)
        tensors += experiment->recipe.network.layers[i].type == LAM_LAYER_TYPE_DENSE;
    return 1 + 3e-8 * GRADIENT_CHECKS * tensors * experiment->entries *
                   count_products(&experiment->recipe, inputs);
}

static size_t count_networks(const reproduction *run, const lam_experiment *experiment)
{
    if (experiment->kind == LAM_EXPERIMENT_KIND_SEARCH)
        return SEARCH_NETWORKS;
    bool is_limited = experiment->seeds > 0 && experiment->seeds < run->options->seeds;
    return is_limited ? experiment->seeds : run->options->seeds;
}

static double guess_seconds(const reproduction *run, size_t index)
{
    const lam_experiment *experiment = &run->plan->manifest->experiments[index];
    lam_schedule_span span;
    if (experiment->kind == LAM_EXPERIMENT_KIND_GRADIENTS)
        return guess_check_seconds(experiment);
    uint32_t rows = lam_recipe_get_train_rows(&experiment->recipe);
    if (lam_recipe_count_steps(run->context, &experiment->recipe, rows, &span) != LAM_STATUS_OK)
        return 0;
    return (double)count_networks(run, experiment) * (double)span.total_steps *
           guess_step_seconds(&experiment->recipe);
}

static double guess_later(const reproduction *run)
{
    double sum = 0;
    for (size_t i = run->index + 1; i < run->plan->manifest->experiment_count; i++)
        sum += run->plan->chosen[i] ? guess_seconds(run, i) : 0;
    return sum;
}

/* Guesses times what they were wrong by so far. */
static double get_remaining(const reproduction *run, double of_this)
{
    double factor = run->guessed > 0 ? run->taken / run->guessed : 1;
    if (of_this < 0)
        of_this = factor * guess_seconds(run, run->index);
    return of_this + factor * run->guessed_later;
}

/* What was there already tells nothing of how long others take. */
static void learn(reproduction *run, double elapsed, const lam_experiment_result *result)
{
    if (elapsed < 0.5 * result->seconds)
        return;
    run->guessed += guess_seconds(run, run->index);
    run->taken += elapsed;
}

/* ---- progress ---- */

static void end_line(reproduction *run)
{
    if (run->drawn)
        fputs("\r\033[K", stderr);
    run->drawn = false;
}

static void show_progress(void *user, const lam_progress *progress)
{
    reproduction *run = user;
    char remaining[32], text[256];
    if (!run->is_terminal)
        return;
    format_duration(get_remaining(run, progress->remaining_seconds), remaining);
    snprintf(text, sizeof text,
             "%zu/%zu  ETA %s  %s  epoch %.2f  %d models  train %.3f %.1f %%", run->done + 1,
             run->total, remaining, run->plan->manifest->experiments[run->index].name,
             progress->epoch, progress->networks, progress->latest.train.loss,
             100 * progress->latest.train.accuracy);
    fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, text);
    run->drawn = true;
}

static void show_end(reproduction *run, const lam_experiment *experiment,
                     const lam_experiment_result *result)
{
    char remaining[32];
    end_line(run);
    if (run->options->common.quiet)
        return;
    format_duration(get_remaining(run, 0), remaining);
    fprintf(stderr, "%zu/%zu  ETA %s  %s: %s, %.1f s\n", run->done, run->total, remaining,
            experiment->name, experiment->title, result->seconds);
}

/* ---- experiments ---- */

static bool is_same_data(const lam_data_options *a, const lam_data_options *b)
{
    return a->source == b->source && a->train_files == b->train_files &&
           a->validation_files == b->validation_files &&
           a->validation_count == b->validation_count && a->train_first == b->train_first;
}

static lam_status load_data(reproduction *run, const lam_recipe *recipe, const char *folder)
{
    if (run->dataset && is_same_data(&run->data, &recipe->data))
        return LAM_STATUS_OK;
    lam_dataset_destroy(&run->dataset);
    run->data = recipe->data;
    return lam_dataset_load(run->context, &recipe->data, folder, &run->dataset);
}

/* Training or checking, whose failures lie in the context. */
static lam_status run_on_device(reproduction *run, lam_experiment *experiment,
                                const char *directory, lam_experiment_result *result)
{
    const char *data = settle_data(&run->options->common, &experiment->recipe);
    lam_status status = load_data(run, &experiment->recipe, data);
    if (status != LAM_STATUS_OK)
        return status;
    char *full_data = data ? realpath(data, NULL) : NULL;
    const lam_train_options options = {.output_directory = directory,
                                       .data_directory = full_data,
                                       .gemm = run->options->common.gemm,
                                       .progress =
                                           run->options->common.quiet ? NULL : show_progress,
                                       .progress_user = run};
    status = lam_experiment_run(run->context, run->device, experiment, run->dataset, &options,
                                result);
    free(full_data);
    return status;
}

static void ask_peer(reproduction *run, const lam_experiment *experiment, const char *directory,
                     lam_experiment_result *result)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/" LAM_EXPERIMENT_GRADIENTS, directory);
    if (experiment->kind == LAM_EXPERIMENT_KIND_TRAIN)
        result->peer_seconds = reproduce_peer_estimate(run->peer, run->context,
                                                       &experiment->recipe, result->count);
    if (experiment->kind != LAM_EXPERIMENT_KIND_GRADIENTS || experiment->inputs > 0)
        return;
    double error = reproduce_peer_check(run->peer, path);
    if (isfinite(error))
        result->values[LAM_QUANTITY_PEER_ERROR] = (lam_estimate){1, error, NAN, NAN};
}

static lam_status fail(lam_context *context, lam_status status)
{
    report_failure(context, status);
    return status;
}

/* The search has devices of its own. Its failures are said where they come about. */
static lam_status run_search(reproduction *run, const lam_experiment *experiment,
                             const char *directory, lam_experiment_result *result)
{
    int exit_status = run_lambda_search(run->context, &run->options->common,
                                        &experiment->recipe, experiment->preset, directory);
    if (lam_stop_requested(run->context))
        return LAM_STATUS_INTERRUPTED;
    if (exit_status != EXIT_SUCCESS)
        return LAM_STATUS_TRIALS_FAILED;
    lam_status status = lam_experiment_read_search(run->context, directory, result);
    return status == LAM_STATUS_OK ? status : fail(run->context, status);
}

static lam_status run_experiment(reproduction *run, lam_experiment_result *result)
{
    lam_experiment experiment = run->plan->manifest->experiments[run->index];
    char directory[PATH_MAX];
    double start = now();
    experiment.seeds = count_networks(run, &experiment);
    snprintf(directory, sizeof directory, "%.3900s/%s", run->options->output, experiment.name);
    lam_status status = LAM_STATUS_OK;
    run->guessed_later = guess_later(run);
    if (experiment.kind == LAM_EXPERIMENT_KIND_SEARCH) {
        status = run_search(run, &experiment, directory, result);
    } else {
        status = run_on_device(run, &experiment, directory, result);
        end_line(run);
        if (status != LAM_STATUS_OK)
            return fail(run->context, status);
    }
    if (status != LAM_STATUS_OK)
        return status;
    learn(run, now() - start, result);
    ask_peer(run, &experiment, directory, result);
    run->done++;
    show_end(run, &experiment, result);
    return lam_stop_requested(run->context) ? LAM_STATUS_INTERRUPTED : LAM_STATUS_OK;
}

static lam_status run_chosen(reproduction *run, lam_experiment_result *results)
{
    lam_status status = LAM_STATUS_OK;
    size_t count = run->plan->manifest->experiment_count;
    for (size_t i = 0; i < count; i++)
        run->total += run->plan->chosen[i];
    for (run->index = 0; run->index < count && status == LAM_STATUS_OK; run->index++)
        if (run->plan->chosen[run->index])
            status = run_experiment(run, &results[run->index]);
    if (status == LAM_STATUS_INTERRUPTED)
        fputs("lamina: what is done is kept: the same command goes on\n", stderr);
    return status;
}

lam_status reproduce_run(lam_context *context, const reproduce_options *options,
                         const reproduce_plan *plan, lam_experiment_result *results,
                         char device[512])
{
    reproduction run = {.context = context,
                        .options = options,
                        .plan = plan,
                        .is_terminal = isatty(STDERR_FILENO)};
    lam_status status = open_device(context, &options->common, &run.device);
    if (status != LAM_STATUS_OK)
        return fail(context, status);
    const lam_device_info *info = lam_device_get_info(run.device);
    snprintf(device, 512, "%.200s (%.100s, driver %.100s)", info->name, info->platform,
             info->driver_version);
    if (!options->no_peer)
        run.peer = reproduce_peer_open(plan->manifest, options->output);
    status = run_chosen(&run, results);
    reproduce_peer_close(&run.peer);
    lam_dataset_destroy(&run.dataset);
    lam_device_close(&run.device);
    return status;
}
