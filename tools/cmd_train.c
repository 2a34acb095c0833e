/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

typedef struct train_options {
    common_options common;
    const char *output;
    const char *profile;
    bool force, resume;
    seed_list seeds;   /* count 0: the recipe's alone */
    bool varies_order; /* --vary order */
    bool has_vary;
} train_options;

enum { OPTION_SEEDS = 256, OPTION_VARY };

static void parse_vary(struct argp_state *state, const char *text, train_options *options)
{
    options->has_vary = true;
    options->varies_order = strcmp(text, "order") == 0;
    if (!options->varies_order && strcmp(text, "initialization") != 0)
        argp_error(state, "--vary %s is unknown; legal: initialization, order", text);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    train_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, training_children, &options->common);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case 'f':
        options->force = true;
        return 0;
    case 'r':
        options->resume = true;
        return 0;
    case 'p':
        options->profile = argument;
        return 0;
    case OPTION_SEEDS:
        free(options->seeds.seeds);
        options->seeds = parse_seeds(state, argument);
        return 0;
    case OPTION_VARY:
        parse_vary(state, argument, options);
        return 0;
    case 'q':
        options->common.quiet = true;
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        if (options->force && options->resume)
            argp_error(state, "--force and --resume exclude each other");
        if (options->has_vary && options->seeds.count == 0)
            argp_error(state, "--vary says what differs between --seeds: name those, too");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void format_duration(double seconds, char text[32])
{
    long s = seconds < 0 ? 0 : seconds > 3.5e6 ? 3500000 : (long)(seconds + 0.5);
    if (seconds < 0)
        snprintf(text, 32, "--:--");
    else if (s < 3600)
        snprintf(text, 32, "%02ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* Where progress goes: a terminal gets one line that changes, a file one for each measurement.
 */
typedef struct progress_view {
    bool is_terminal;
    bool drawn; /* a line stands on the terminal, not ended yet */
} progress_view;

/* What matters most comes first: a narrow terminal cuts the end off. */
static void format_progress(const lam_progress *p, char *text, size_t bytes)
{
    const lam_measurement *m = &p->latest;
    char remaining[32];
    format_duration(p->remaining_seconds, remaining);
    int length = 0;
    if (p->networks_total > 1)
        length = snprintf(text, bytes, "models %d-%d/%d  ", p->networks_done + 1,
                          p->networks_done + p->networks, p->networks_total);
    length += snprintf(text + length, bytes - (size_t)length,
                       "epoch %.2f  %" PRId64 "/%" PRId64
                       "  ETA %s  %.0f samples/s  train %.3f %.1f %%",
                       p->epoch, p->step, p->total_steps, remaining, p->samples_per_second,
                       m->train.loss, 100 * m->train.accuracy);
    if (m->has_validation)
        snprintf(text + length, bytes - (size_t)length, "  val %.3f %.1f %%",
                 m->validation.loss, 100 * m->validation.accuracy);
}

static void show_progress(void *user, const lam_progress *progress)
{
    progress_view *view = user;
    char text[256];
    format_progress(progress, text, sizeof text);
    if (view->is_terminal) {
        fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, text);
        view->drawn = true;
    } else if (progress->measured) {
        fprintf(stderr, "%s\n", text);
    }
}

static json_t *best_to_json(const lam_run_summary *summary)
{
    json_t *best = splits_to_json(summary, summary->best);
    json_object_set_new(best, "step", json_integer((json_int_t)summary->best_step));
    json_object_set_new(best, "epoch", json_real(summary->best_epoch));
    return best;
}

static int print_result_json(const char *directory, const lam_run_summary *summary)
{
    json_t *result =
        json_pack("{s:s, s:I, s:f, s:f, s:f, s:o}", "directory", directory, "steps",
                  (json_int_t)summary->steps, "seconds_per_epoch", summary->seconds_per_epoch,
                  "samples_per_second", summary->samples_per_second, "seconds_total",
                  summary->seconds_total, "final", splits_to_json(summary, summary->final));
    if (summary->has_best)
        json_object_set_new(result, "best", best_to_json(summary));
    if (summary->stopped_early)
        json_object_set_new(result, "stopped_early", json_integer((json_int_t)summary->steps));
    return print_json(result);
}

static int print_result(const train_options *options, const char *directory,
                        const lam_run_summary *summary)
{
    if (summary->stopped_early)
        fprintf(stderr,
                "stopped early after %" PRId64
                " steps: the recipe's patience with the validation loss ran out\n",
                summary->steps);
    if (options->common.json)
        return print_result_json(directory, summary);
    print_metrics(summary, summary->final);
    if (summary->has_best) {
        const lam_metrics *best = summary->best;
        printf("best: validation %.2f %% at step %" PRId64,
               100 * best[LAM_SPLIT_VALIDATION].accuracy, summary->best_step);
        if (summary->has_split[LAM_SPLIT_TEST])
            printf(", test %.2f %%", 100 * best[LAM_SPLIT_TEST].accuracy);
        putchar('\n');
    }
    printf("%" PRId64 " steps in %.2f s (%.3f s per epoch, %.0f samples/s)\n", summary->steps,
           summary->seconds_total, summary->seconds_per_epoch, summary->samples_per_second);
    printf("files: %s/run.json metrics.csv model.safetensors%s\n", directory,
           summary->has_best ? " best.safetensors" : "");
    return EXIT_SUCCESS;
}

/* What training gave: of one network, or of one for each seed. */
typedef struct train_outcome {
    lam_run_summary summary;
    lam_seed_result *results;
} train_outcome;

static lam_status call_training(lam_device *device, const train_options *options,
                                const lam_recipe *recipe, const lam_dataset *dataset,
                                const lam_train_options *settings, train_outcome *outcome)
{
    const lam_seed_set set = {options->seeds.seeds, options->seeds.count,
                              options->varies_order};
    if (set.count == 0)
        return lam_train(device, recipe, dataset, settings, &outcome->summary);
    return lam_train_seeds(device, recipe, dataset, settings, &set, outcome->results);
}

/* Opens the device, loads the data and trains. */
static lam_status train(lam_context *context, const train_options *options, lam_recipe *recipe,
                        const char *directory, lam_trace *trace, train_outcome *outcome)
{
    lam_dataset *dataset = NULL;
    lam_device *device = NULL;
    const char *data = settle_data(&options->common, recipe);
    char *full_data = data ? realpath(data, NULL) : NULL;
    lam_status status = open_device(context, &options->common, &device);
    lam_trace_span span = lam_trace_begin(trace, "load data");
    if (status == LAM_STATUS_OK)
        status = lam_dataset_load(context, &recipe->data, data, &dataset);
    lam_trace_end(trace, span);
    if (status == LAM_STATUS_OK) {
        progress_view view = {.is_terminal = isatty(STDERR_FILENO)};
        const lam_train_options settings = {.output_directory = directory,
                                            .data_directory = full_data,
                                            .gemm = options->common.gemm,
                                            .force = options->force,
                                            .resume = options->resume,
                                            .progress =
                                                options->common.quiet ? NULL : show_progress,
                                            .progress_user = &view,
                                            .trace = trace};
        status = call_training(device, options, recipe, dataset, &settings, outcome);
        if (view.drawn)
            fputc('\n', stderr);
    }
    lam_device_close(&device);
    lam_dataset_destroy(&dataset);
    free(full_data);
    return status;
}

/* A trace of a run that ended early is worth as much as one that did not; what never trained
 * has none. */
static int write_trace(lam_context *context, lam_trace *trace, lam_status outcome)
{
    if (!trace || (outcome != LAM_STATUS_OK && outcome != LAM_STATUS_INTERRUPTED &&
                   outcome != LAM_STATUS_DIVERGED))
        return EXIT_SUCCESS;
    lam_status status = lam_trace_write(trace);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}

static int report_outcome(const lam_context *context, const train_options *options,
                          const char *directory, lam_status status,
                          const train_outcome *outcome)
{
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (options->seeds.count == 0)
        return print_result(options, directory, &outcome->summary);
    return print_seeds(directory, outcome->results, options->seeds.count, options->common.json);
}

static int run(lam_context *context, const train_options *options)
{
    lam_recipe recipe;
    train_outcome outcome = {0};
    lam_trace *trace = NULL;
    char directory[PATH_MAX];
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status == LAM_STATUS_OK && options->profile)
        status = lam_trace_create(context, options->profile, &trace);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (options->output)
        snprintf(directory, sizeof directory, "%s", options->output);
    else if (options->seeds.count > 0)
        snprintf(directory, sizeof directory, "runs/%s-seeds", recipe.name);
    else
        snprintf(directory, sizeof directory, "runs/%s-%" PRIu64, recipe.name, recipe.seed);
    outcome.results = calloc(options->seeds.count + 1, sizeof *outcome.results);
    if (!outcome.results)
        return EXIT_FAILURE;
    status = train(context, options, &recipe, directory, trace, &outcome);
    int exit_status = report_outcome(context, options, directory, status, &outcome);
    free(outcome.results);
    int written = write_trace(context, trace, status);
    lam_trace_destroy(&trace);
    return exit_status != EXIT_SUCCESS ? exit_status : written;
}

int cmd_train(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"output", 'o', "DIR", 0, "run folder; default: runs/<recipe>-<seed>", 1},
        {"force", 'f', 0, 0, "replace the files of an earlier run in the folder", 1},
        {"resume", 'r', 0, 0, "go on with an interrupted run in the folder", 1},
        {"profile", 'p', "FILE", 0,
         "write when each kernel and each part of the run began and ended: a trace for "
         "chrome://tracing or ui.perfetto.dev",
         1},
        {"seeds", OPTION_SEEDS, "LIST", 0,
         "train a network for each seed, e.g. 1..6 or 1,3,7, and sum up; default folder: "
         "runs/<recipe>-seeds",
         1},
        {"vary", OPTION_VARY, "WHAT", 0,
         "what --seeds differ in: initialization (default; initial weights and dropout, "
         "trained "
         "side by side on shared batches), or order (batches, too; one after another)",
         1},
        {"quiet", 'q', 0, 0, "no progress", 3},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RECIPE",
        .doc = "Train a recipe. Writes run.json, metrics.csv, model.safetensors, and with "
               "validation rows best.safetensors; with --seeds a folder of them for each, "
               "and summary.json.\v"
               "Examples:\n"
               "  lamina train results/a2-fig4/recipe.yaml --data synthetic\n"
               "  lamina train results/a2-final/recipe.yaml --set seed=2 --set l2=0.002\n"
               "  lamina train my.yaml --device gpu -o runs/mine --force\n"
               "  lamina train my.yaml --seeds 1..6 -o runs/six\n"
               "  lamina train my.yaml --profile trace.json --set stop='{epochs: 1}'",
        .children = training_children};
    train_options options = {.common = common_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    free(options.seeds.seeds);
    return exit_status;
}
