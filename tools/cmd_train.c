/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

typedef struct train_options {
    common_options common;
    const char *output;
    const char *profile;
    training_request request;
    bool has_vary;
} train_options;

enum { OPTION_SEEDS = 256, OPTION_VARY, OPTION_TENSORBOARD };

static void parse_vary(struct argp_state *state, const char *text, train_options *options)
{
    options->has_vary = true;
    options->request.varies_order = strcmp(text, "order") == 0;
    if (!options->request.varies_order && strcmp(text, "initialization") != 0)
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
        options->request.force = true;
        return 0;
    case 'r':
        options->request.resume = true;
        return 0;
    case 'p':
        options->profile = argument;
        return 0;
    case OPTION_SEEDS:
        free(options->request.seeds.seeds);
        options->request.seeds = parse_seeds(state, argument);
        return 0;
    case OPTION_VARY:
        parse_vary(state, argument, options);
        return 0;
    case OPTION_TENSORBOARD:
        options->request.event_directory = argument ? argument : "";
        return 0;
    case 'q':
        options->common.quiet = true;
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        if (options->request.force && options->request.resume)
            argp_error(state, "--force and --resume exclude each other");
        if (options->has_vary && options->request.seeds.count == 0)
            argp_error(state, "--vary says what differs between --seeds: name those, too");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
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
                          const training_outcome *outcome)
{
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (options->request.seeds.count == 0)
        return print_result(options, directory, &outcome->summary);
    return print_seeds(directory, outcome->results, options->request.seeds.count,
                       options->common.json);
}

/* Where the run's files go, unless --output says so. */
static void name_directory(const train_options *options, const lam_recipe *recipe,
                           char directory[PATH_MAX])
{
    if (options->output)
        snprintf(directory, PATH_MAX, "%s", options->output);
    else if (options->request.seeds.count > 0)
        snprintf(directory, PATH_MAX, "runs/%s-seeds", recipe->name);
    else
        snprintf(directory, PATH_MAX, "runs/%s-%" PRIu64, recipe->name, recipe->seed);
}

static int run(lam_context *context, const train_options *options)
{
    lam_recipe recipe;
    training_outcome outcome = {0};
    lam_trace *trace = NULL;
    char directory[PATH_MAX];
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status == LAM_STATUS_OK && options->profile)
        status = lam_trace_create(context, options->profile, &trace);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    name_directory(options, &recipe, directory);
    training_request request = options->request;
    request.directory = directory;
    request.trace = trace;
    status = run_training(context, &options->common, &recipe, &request, &outcome);
    int exit_status = report_outcome(context, options, directory, status, &outcome);
    training_outcome_free(&outcome);
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
        {"tensorboard", OPTION_TENSORBOARD, "DIR", OPTION_ARG_OPTIONAL,
         "write event files for TensorBoard while training, below DIR; default: in "
         "<run folder>/tensorboard",
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
               "  lamina train my.yaml --tensorboard=events\n"
               "  lamina train my.yaml --profile trace.json --set stop='{epochs: 1}'",
        .children = training_children};
    train_options options = {.common = common_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    free(options.request.seeds.seeds);
    return exit_status;
}
