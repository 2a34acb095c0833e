/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

typedef struct preview_options {
    common_options common;
    const char *output;
    lam_preview_options shape;
    const char *seed; /* NULL: the recipe's */
} preview_options;

enum { OPTION_ROWS = 256, OPTION_COLUMNS, OPTION_SEED };

static const struct argp_child children[] = {
    {&device_argp, 0, NULL, 0}, {&data_argp, 0, NULL, 0}, {&recipe_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    preview_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_ROWS:
        options->shape.rows = (int)parse_whole(state, "--rows", argument, 1, LAM_PREVIEW_LIMIT);
        return 0;
    case OPTION_COLUMNS:
        options->shape.columns =
            (int)parse_whole(state, "--columns", argument, 1, LAM_PREVIEW_LIMIT);
        return 0;
    case OPTION_SEED:
        (void)parse_whole(state, "--seed", argument, 0, INT64_MAX);
        options->seed = argument;
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status preview(lam_context *context, preview_options *options)
{
    lam_recipe recipe;
    lam_dataset *dataset = NULL;
    lam_device *device = NULL;
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status != LAM_STATUS_OK)
        return status;
    if (options->seed)
        recipe.seed = strtoull(options->seed, NULL, 10);
    const lam_augmentation *a = &recipe.augmentation;
    if (a->flip <= 0 && a->translation <= 0 && a->noise <= 0)
        fprintf(stderr, "lamina: the recipe has no augmentation: all columns are alike\n");
    status = open_device(context, &options->common, &device);
    if (status == LAM_STATUS_OK)
        status = lam_dataset_load(context, &recipe.data, settle_data(&options->common, &recipe),
                                  &dataset);
    options->shape.gemm = options->common.gemm;
    if (status == LAM_STATUS_OK)
        status = lam_preview_augmentation(device, &recipe, dataset, &options->shape,
                                          options->output);
    lam_device_close(&device);
    lam_dataset_destroy(&dataset);
    return status;
}

int cmd_preview(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"output", 'o', "FILE", 0, "the picture; default: preview.png", 0},
        {"rows", OPTION_ROWS, "N", 0, "images; default: 8", 0},
        {"columns", OPTION_COLUMNS, "N", 0, "the image and N - 1 draws of it; default: 8", 0},
        {"seed", OPTION_SEED, "N", 0, "of the draws; default: the recipe's", 0},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RECIPE",
        .doc =
            "Draw training images as a recipe's augmentation changes them, by the kernel that "
            "training runs, into a PNG file: in each row the image and then draws of it.\v"
            "Examples:\n"
            "  lamina preview results/a2-fig4/recipe.yaml --data synthetic\n"
            "  lamina preview my.yaml --set augmentation.flip=0.5 --rows 4 -o flips.png",
        .children = children};
    preview_options options = {.common = common_options_start(),
                               .output = "preview.png",
                               .shape = {.rows = 8, .columns = 8}};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = preview(context, &options);
    common_options_free(&options.common);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    printf("%s: %d images of the training split, each with %d draws\n", options.output,
           options.shape.rows, options.shape.columns - 1);
    return EXIT_SUCCESS;
}
