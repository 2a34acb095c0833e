/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tool.h"

typedef struct evaluate_options {
    common_options common;
    const char *directory;
    const char *model;
} evaluate_options;

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    evaluate_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, run_children, &options->common);
        return 0;
    case 'm':
        options->model = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (options->directory)
            argp_error(state, "one run folder at a time");
        options->directory = argument;
        return 0;
    case ARGP_KEY_END:
        if (!options->directory)
            argp_error(state, "name a run folder DIR, e.g. runs/a2-fig4-1");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status evaluate(lam_context *context, const evaluate_options *options,
                           lam_run_summary *summary)
{
    run_data run = {0};
    char *model = NULL;
    lam_device *device = NULL;
    lam_status status = run_data_load(context, &options->common, options->directory, &run);
    if (status == LAM_STATUS_OK)
        status = lam_run_find_model(context, options->directory, options->model, &model);
    if (status == LAM_STATUS_OK)
        status = open_device(context, &options->common, &device);
    if (status == LAM_STATUS_OK)
        status = lam_evaluate(device, &run.recipe, run.dataset, model, options->common.gemm,
                              summary);
    lam_device_close(&device);
    run_data_free(&run);
    free(model);
    return status;
}

int cmd_evaluate(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {{"model", 'm', "WHICH", 0, model_help, 1}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "DIR",
        .doc = "Measure loss, cost and accuracy of a model in a run folder.\v"
               "Examples:\n  lamina evaluate runs/a2-fig4-1\n"
               "  lamina evaluate runs/a2-fig4-1 --model best\n"
               "  lamina evaluate runs/a2-fig4-1 --device cpu --json",
        .children = run_children};
    evaluate_options options = {.common = common_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_run_summary summary = {0};
    lam_status status = evaluate(context, &options, &summary);
    common_options_free(&options.common);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (options.common.json)
        return print_json(splits_to_json(&summary, summary.final));
    print_metrics(&summary, summary.final);
    return EXIT_SUCCESS;
}
