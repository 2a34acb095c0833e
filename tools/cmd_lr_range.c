/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

enum { OPTION_MINIMUM = 256, OPTION_MAXIMUM, OPTION_STEPS, OPTION_SHAPE };

typedef struct range_options {
    common_options common;
    const char *output;
    lam_lr_range_options test;
} range_options;

static bool parse_shape(struct argp_state *state, const char *text)
{
    if (strcmp(text, "linear") != 0 && strcmp(text, "exponential") != 0)
        argp_error(state, "--shape %s is unknown; legal: exponential, linear", text);
    return strcmp(text, "linear") == 0;
}

static void check_range(struct argp_state *state, const range_options *options)
{
    require_recipe(state, &options->common);
    if (options->test.minimum >= options->test.maximum)
        argp_error(state, "--minimum %g is not below --maximum %g", options->test.minimum,
                   options->test.maximum);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    range_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, training_children, &options->common);
        return 0;
    case OPTION_MINIMUM:
        options->test.minimum = parse_number(state, "--minimum", argument);
        return 0;
    case OPTION_MAXIMUM:
        options->test.maximum = parse_number(state, "--maximum", argument);
        return 0;
    case OPTION_STEPS:
        options->test.steps = parse_whole(state, "--steps", argument, LAM_LR_RANGE_LEAST_STEPS,
                                          LAM_LR_RANGE_MOST_STEPS);
        return 0;
    case OPTION_SHAPE:
        options->test.linear = parse_shape(state, argument);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case 'f':
        options->test.force = true;
        return 0;
    case 'q':
        options->common.quiet = true;
        return 0;
    case ARGP_KEY_END:
        check_range(state, options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* One line that changes, on a terminal alone: a sweep is short. */
static void show_progress(void *user, int64_t step, int64_t total_steps, double learning_rate,
                          double smoothed_loss)
{
    bool *drawn = user;
    char text[128];
    snprintf(text, sizeof text, "%" PRId64 "/%" PRId64 "  learning rate %.3g  loss %.4f", step,
             total_steps, learning_rate, smoothed_loss);
    fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, text);
    *drawn = true;
}

static json_t *number_or_null(bool known, double value)
{
    return known ? json_real(value) : json_null();
}

static int print_result(const range_options *options, const char *directory,
                        const lam_lr_range_summary *s)
{
    bool found = s->has_suggestion, any = s->steps > 0;
    if (options->common.json)
        return print_json(json_pack(
            "{s:s, s:I, s:b, s:o, s:o, s:o, s:o}", "directory", directory, "steps",
            (json_int_t)s->steps, "blew_up", s->blew_up, "lowest_loss",
            number_or_null(any, s->lowest_loss), "lowest_rate",
            number_or_null(any, s->lowest_rate), "minimum", number_or_null(found, s->minimum),
            "maximum", number_or_null(found, s->maximum)));
    printf("%" PRId64 " steps; %s\n", s->steps,
           s->blew_up ? "then the loss blew up" : "the loss did not blow up");
    if (found)
        printf("lowest smoothed loss %.4f at learning rate %.3g\n"
               "suggested: minimum %.2g, maximum %.2g\n",
               s->lowest_loss, s->lowest_rate, s->minimum, s->maximum);
    else
        puts("the loss never fell by a hundredth: no suggestion; try other rates or more "
             "--steps");
    printf("file: %s/%s\n", directory, LAM_LR_RANGE_FILE);
    return EXIT_SUCCESS;
}

/* Opens the device, loads the data and sweeps. */
static lam_status sweep(lam_context *context, const range_options *options, lam_recipe *recipe,
                        const char *directory, lam_lr_range_summary *summary)
{
    lam_dataset *dataset = NULL;
    lam_device *device = NULL;
    bool drawn = false;
    lam_lr_range_options test = options->test;
    test.output_directory = directory;
    test.gemm = options->common.gemm;
    test.progress = options->common.quiet || !isatty(STDERR_FILENO) ? NULL : show_progress;
    test.progress_user = &drawn;
    const char *data = settle_data(&options->common, recipe);
    lam_status status = open_device(context, &options->common, &device);
    if (status == LAM_STATUS_OK)
        status = lam_dataset_load(context, &recipe->data, data, &dataset);
    if (status == LAM_STATUS_OK)
        status = lam_lr_range_run(device, recipe, dataset, &test, summary);
    if (drawn)
        fputc('\n', stderr);
    lam_device_close(&device);
    lam_dataset_destroy(&dataset);
    return status;
}

static int run(lam_context *context, const range_options *options)
{
    lam_recipe recipe;
    lam_lr_range_summary summary = {0};
    char directory[PATH_MAX];
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status == LAM_STATUS_OK) {
        if (options->output)
            snprintf(directory, sizeof directory, "%s", options->output);
        else
            snprintf(directory, sizeof directory, "runs/%s-lr-range", recipe.name);
        status = sweep(context, options, &recipe, directory, &summary);
    }
    return status == LAM_STATUS_OK ? print_result(options, directory, &summary)
                                   : report_failure(context, status);
}

int cmd_lr_range(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"minimum", OPTION_MINIMUM, "RATE", 0, "the first learning rate; default: 1e-6", 1},
        {"maximum", OPTION_MAXIMUM, "RATE", 0, "the last one; default: 1", 1},
        {"steps", OPTION_STEPS, "N", 0, "default: those of an epoch, but at least 500", 1},
        {"shape", OPTION_SHAPE, "exponential|linear", 0,
         "rates rise by the same factor from step to step (default), or on a line", 1},
        {"output", 'o', "DIR", 0, "folder of lr-range.csv; default: runs/<recipe>-lr-range", 1},
        {"force", 'f', 0, 0, "replace an earlier lr-range.csv", 1},
        {"quiet", 'q', 0, 0, "no progress", 3},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RECIPE",
        .doc =
            "The learning-rate range test (Smith, 2017): train a recipe for a few steps with "
            "rising learning rates, whatever its schedule, and suggest bounds for one. Writes "
            "lr-range.csv: step, learning_rate, loss (of the step's batch), smoothed_loss.\v"
            "The smoothed loss is a moving average over about a 25th of the sweep, "
            "corrected for its start at 0. The sweep ends where it comes to 4 times its "
            "lowest, or is not finite. The suggested maximum is half the rate at its "
            "lowest. The suggested minimum is the rate from which on it has fallen by more "
            "than a tenth of its whole fall below the mean of the first losses, and at most "
            "a tenth of the maximum.\n\n"
            "Examples:\n"
            "  lamina lr-range results/a2-fig4/recipe.yaml --data synthetic\n"
            "  lamina lr-range my.yaml --minimum 1e-4 --maximum 10 --steps 1000\n"
            "  lamina lr-range my.yaml --set optimizer=adam -o runs/adam-range",
        .children = training_children};
    range_options options = {
        .common = common_options_start(),
        .test = {.minimum = LAM_LR_RANGE_MINIMUM, .maximum = LAM_LR_RANGE_MAXIMUM}};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
