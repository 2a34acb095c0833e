/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

typedef struct recipe_options {
    common_options common;
    bool keys;
} recipe_options;

static const struct argp_child children[] = {{&recipe_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    recipe_options *options = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        return 0;
    case 'k':
        options->keys = true;
        return 0;
    case ARGP_KEY_END:
        if (!options->common.recipe && !options->keys)
            argp_error(state, "name a RECIPE, or ask for --keys");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status make_text(lam_context *context, const recipe_options *options,
                            char **ret_text)
{
    if (options->keys)
        return lam_recipe_describe(context, ret_text);
    lam_recipe recipe;
    lam_status status = load_recipe(context, &options->common, &recipe);
    return status == LAM_STATUS_OK ? lam_recipe_format(context, &recipe, ret_text) : status;
}

int cmd_recipe(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"keys", 'k', 0, 0, "explain every key of a recipe", 1}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "[RECIPE]",
        .doc = "Check a recipe and print it resolved, as JSON; or explain the keys.\v"
               "Examples:\n  lamina recipe results/a2-fig4/recipe.yaml --set l2=0.001\n"
               "  lamina recipe --keys",
        .children = children};
    recipe_options options = {.common = common_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    char *text = NULL;
    lam_status status = make_text(context, &options, &text);
    if (status == LAM_STATUS_OK)
        puts(text);
    free(text);
    common_options_free(&options.common);
    return status == LAM_STATUS_OK ? 0 : report_failure(context, status);
}
