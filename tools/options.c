/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define DEFAULT_DATA "data/cifar-10-batches-bin"

enum { OPTION_TUNE = 512 }; /* above the options that commands number for themselves */

static const char *const gemm_texts[] = {
#define GEMM_TEXT(name, text) text,
    LAM_GEMM_LIST(GEMM_TEXT)
#undef GEMM_TEXT
};

lam_theme parse_theme(const struct argp_state *state, const char *text)
{
    static const char *const names[] = {
#define THEME_NAME(name, theme_text) theme_text,
        LAM_THEME_LIST(THEME_NAME)
#undef THEME_NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], text) == 0)
            return (lam_theme)i;
    argp_error(state, "--theme %s is unknown; legal: light, dark", text);
    return LAM_THEME_LIGHT;
}

static void parse_gemm(struct argp_state *state, const char *text, lam_gemm *ret_gemm)
{
    for (size_t i = 0; i < sizeof gemm_texts / sizeof gemm_texts[0]; i++)
        if (strcmp(text, gemm_texts[i]) == 0) {
            *ret_gemm = (lam_gemm)i;
            return;
        }
    argp_error(state, "--gemm %s is unknown; legal: auto, own, registers, tiles, clblast",
               text);
}

static error_t parse_device_option(int key, char *argument, struct argp_state *state)
{
    common_options *options = state->input;
    switch (key) {
    case 'd':
        options->device = argument;
        return 0;
    case 'g':
        parse_gemm(state, argument, &options->gemm);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option device_options[] = {
    {"device", 'd', "WHICH", 0,
     "index, type (gpu, cpu, accelerator) or part of a name; default: LAMINA_DEVICE, else the "
     "best GPU, else the CPU (see: lamina devices)",
     1},
    {"gemm", 'g', "WHO", 0,
     "who multiplies matrices: auto (default), own, registers, tiles, clblast", 1},
    {0}};

const struct argp device_argp = {.options = device_options, .parser = parse_device_option};

static error_t parse_data_option(int key, char *argument, struct argp_state *state)
{
    common_options *options = state->input;
    if (key != 'D')
        return ARGP_ERR_UNKNOWN;
    options->data = argument;
    options->data_is_option = true;
    return 0;
}

static const struct argp_option data_options[] = {
    {"data", 'D', "DIR", 0,
     "folder of CIFAR-10's binary files, or `synthetic' for the built-in set; default: "
     "LAMINA_DATA, else " DEFAULT_DATA,
     1},
    {0}};

const struct argp data_argp = {.options = data_options, .parser = parse_data_option};

static error_t parse_tune_option(int key, char *argument, struct argp_state *state)
{
    lam_tune_policy policy;
    if (key != OPTION_TUNE)
        return ARGP_ERR_UNKNOWN;
    if (!lam_tune_policy_parse(argument, &policy))
        argp_error(state, "--tune %s is unknown; legal: off, auto, full", argument);
    ((common_options *)state->input)->tune = argument;
    return 0;
}

static const struct argp_option tune_options[] = {
    {"tune", OPTION_TUNE, "off|auto|full", 0,
     "how the fastest way to multiply is found: auto: as measured before, else measure now, "
     "for 20 s at most; full: measure everything; off: built-in choices; default: LAMINA_TUNE, "
     "else auto (see: lamina tune)",
     1},
    {0}};

const struct argp tune_argp = {.options = tune_options, .parser = parse_tune_option};

static void add_override(struct argp_state *state, common_options *options, const char *text)
{
    const char **grown =
        realloc(options->overrides, (options->override_count + 1) * sizeof *options->overrides);
    if (!grown)
        argp_failure(state, EXIT_FAILURE, ENOMEM, "--set");
    options->overrides = grown;
    options->overrides[options->override_count++] = text;
}

static error_t parse_set_option(int key, char *argument, struct argp_state *state)
{
    if (key != 's')
        return ARGP_ERR_UNKNOWN;
    add_override(state, state->input, argument);
    return 0;
}

static const struct argp_option set_options[] = {
    {"set", 's', "KEY=VALUE", 0,
     "override a key of the recipe, e.g. --set schedule.maximum=0.05 (keys: lamina recipe "
     "--keys); may be repeated",
     2},
    {0}};

const struct argp set_argp = {.options = set_options, .parser = parse_set_option};

static error_t parse_recipe_option(int key, char *argument, struct argp_state *state)
{
    common_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        return 0;
    case ARGP_KEY_ARG:
        if (options->recipe)
            argp_error(state, "one recipe at a time");
        options->recipe = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child recipe_children[] = {{&set_argp, 0, NULL, 0}, {0}};

const struct argp recipe_argp = {.parser = parse_recipe_option, .children = recipe_children};

static error_t parse_json_option(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != 'j')
        return ARGP_ERR_UNKNOWN;
    ((common_options *)state->input)->json = true;
    return 0;
}

static const struct argp_option json_options[] = {
    {"json", 'j', 0, 0, "print the result as JSON", 3}, {0}};

const struct argp json_argp = {.options = json_options, .parser = parse_json_option};

const struct argp_child run_children[] = {{&device_argp, 0, NULL, 0},
                                          {&data_argp, 0, NULL, 0},
                                          {&tune_argp, 0, NULL, 0},
                                          {&json_argp, 0, NULL, 0},
                                          {0}};

const struct argp_child training_children[] = {
    {&device_argp, 0, NULL, 0}, {&data_argp, 0, NULL, 0}, {&tune_argp, 0, NULL, 0},
    {&recipe_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

const char model_help[] =
    "last (default), best (highest validation accuracy), or a file of the folder, e.g. "
    "snapshot-1";

common_options common_options_start(void)
{
    return (common_options){.device = getenv("LAMINA_DEVICE"), .data = getenv("LAMINA_DATA")};
}

void common_options_free(common_options *options)
{
    free(options->overrides);
    options->overrides = NULL;
}

void share_options(struct argp_state *state, const struct argp_child *children,
                   common_options *options)
{
    for (int i = 0; children[i].argp; i++)
        state->child_inputs[i] = options;
}

void require_recipe(const struct argp_state *state, const common_options *options)
{
    if (!options->recipe)
        argp_error(state, "name a RECIPE, e.g. results/a2-fig4/recipe.yaml");
}

lam_status load_recipe(lam_context *context, const common_options *options,
                       lam_recipe *ret_recipe)
{
    return lam_recipe_load(context, options->recipe, options->overrides,
                           options->override_count, ret_recipe);
}

long long parse_whole(const struct argp_state *state, const char *option, const char *text,
                      long long minimum, long long maximum)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < minimum || value > maximum)
        argp_error(state, "%s %s: legal: a whole number from %lld to %lld", option, text,
                   minimum, maximum);
    return value;
}

double parse_number(const struct argp_state *state, const char *option, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0) || value > 1e300)
        argp_error(state, "%s %s: legal: a number above 0", option, text);
    return value;
}

const char *settle_data(const common_options *options, lam_recipe *recipe)
{
    if (options->data && strcmp(options->data, "synthetic") == 0) {
        recipe->data.source = LAM_DATA_SOURCE_SYNTHETIC;
        return NULL;
    }
    if (options->data_is_option)
        recipe->data.source = LAM_DATA_SOURCE_CIFAR10;
    if (recipe->data.source == LAM_DATA_SOURCE_SYNTHETIC)
        return NULL;
    if (options->data && *options->data)
        return options->data;
    return access(DEFAULT_DATA, F_OK) == 0 ? DEFAULT_DATA : NULL;
}
