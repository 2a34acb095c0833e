/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

typedef struct predict_command {
    common_options common;
    const char *directory;
    const char *output; /* NULL: none, "-": stdout */
    lam_predict_options options;
} predict_command;

static const char *const loss_names[] = {
#define LOSS_NAME(name, text) text,
    LAM_LOSS_LIST(LOSS_NAME)
#undef LOSS_NAME
};

/* What the probabilities are, for each loss. */
static const char *const probability_names[] = {
    [LAM_LOSS_SOFTMAX_CROSS_ENTROPY] = "softmax",
    [LAM_LOSS_BINARY_CROSS_ENTROPY] = "sigmoid of each class",
    [LAM_LOSS_HINGE] = "softmax of the scores, uncalibrated",
};

static lam_split parse_split(const struct argp_state *state, const char *text)
{
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (strcmp(text, lam_split_name((lam_split)split)) == 0)
            return (lam_split)split;
    argp_error(state, "--split %s is unknown; legal: test, validation, train", text);
    return LAM_SPLIT_TEST;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    predict_command *command = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, run_children, &command->common);
        return 0;
    case 'o':
        command->output = argument;
        return 0;
    case 'S':
        command->options.split = parse_split(state, argument);
        return 0;
    case 'm':
        command->options.model = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (command->directory)
            argp_error(state, "one run folder at a time");
        command->directory = argument;
        return 0;
    case ARGP_KEY_END:
        if (!command->directory)
            argp_error(state, "name a run folder DIR, e.g. runs/a2-fig4-1");
        if (!command->output && !command->common.json)
            argp_error(state, "say where the predictions go: -o predictions.csv, or -o - for "
                              "stdout; or ask for --json alone");
        if (command->common.json && is_stdout(command->output))
            argp_error(state, "--json and -o - exclude each other");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status predict(lam_context *context, predict_command *command, lam_loss *ret_loss,
                          lam_predictions **ret_predictions)
{
    run_data run = {0};
    lam_device *device = NULL;
    command->options.gemm = command->common.gemm;
    lam_status status = run_data_load(context, &command->common, command->directory, &run);
    if (status == LAM_STATUS_OK)
        status = open_device(context, &command->common, &device);
    if (status == LAM_STATUS_OK)
        status = lam_predict(device, &run.recipe, run.dataset, command->directory,
                             &command->options, ret_predictions);
    *ret_loss = run.recipe.network.loss;
    lam_device_close(&device);
    run_data_free(&run);
    return status;
}

static int print_summary(const predict_command *command, lam_loss loss,
                         const lam_predictions *predictions)
{
    const char *split = lam_split_name(predictions->split);
    const char *model = command->options.model ? command->options.model : "model.safetensors";
    if (command->common.json)
        return print_json(json_pack(
            "{s:s, s:s, s:s, s:s?, s:I, s:f, s:s, s:s}", "directory", command->directory,
            "model", model, "split", split, "output", command->output, "rows",
            (json_int_t)predictions->rows, "accuracy", predictions->accuracy, "loss",
            loss_names[loss], "probabilities", probability_names[loss]));
    printf("%s: %u rows, accuracy %.2f %%\n", split, predictions->rows,
           100 * predictions->accuracy);
    printf("probabilities: %s\nfile: %s\n", probability_names[loss], command->output);
    return EXIT_SUCCESS;
}

static int run(lam_context *context, predict_command *command)
{
    lam_predictions *predictions = NULL;
    lam_loss loss = LAM_LOSS_SOFTMAX_CROSS_ENTROPY;
    lam_status status = predict(context, command, &loss, &predictions);
    if (status == LAM_STATUS_OK && command->output)
        status = write_predictions(context, predictions, command->output);
    int exit_status = EXIT_SUCCESS;
    if (status != LAM_STATUS_OK)
        exit_status = report_failure(context, status);
    else if (!is_stdout(command->output))
        exit_status = print_summary(command, loss, predictions);
    lam_predictions_destroy(&predictions);
    return exit_status;
}

int cmd_predict(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"output", 'o', "FILE", 0, "where the predictions go; `-' is stdout", 1},
        {"split", 'S', "SPLIT", 0, "test (default), validation or train", 1},
        {"model", 'm', "WHICH", 0, model_help, 1},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "DIR",
        .doc = "Write what the model in a run folder predicts for each image.\v"
               "The file holds comma-separated values: index, true_class, predicted_class, and "
               "a column for each class with its probability. After training with "
               "softmax_cross_entropy that is the softmax of the network's outputs; with "
               "binary_cross_entropy the sigmoid of each, whose sum is not 1; with hinge the "
               "softmax of the scores, which orders the classes but is not calibrated: nothing "
               "in training made it a probability. --json prints a summary instead of the "
               "text.\n\n"
               "Examples:\n"
               "  lamina predict runs/a2-fig4-1 -o predictions.csv\n"
               "  lamina predict runs/a2-fig4-1 -o - | head -3\n"
               "  lamina predict runs/mine --split validation --json -o val.csv",
        .children = run_children};
    predict_command command = {.common = common_options_start(),
                               .options = {.split = LAM_SPLIT_TEST}};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &command);
    int exit_status = run(context, &command);
    common_options_free(&command.common);
    return exit_status;
}
