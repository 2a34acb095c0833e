/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

/* ---- names ---- */

static const char *const sampler_texts[] = {
#define SAMPLER_TEXT(name, text) text,
    LAM_SAMPLER_LIST(SAMPLER_TEXT)
#undef SAMPLER_TEXT
};
static const char *const objective_texts[] = {
#define OBJECTIVE_TEXT(name, text, sign) text,
    LAM_OBJECTIVE_LIST(OBJECTIVE_TEXT)
#undef OBJECTIVE_TEXT
};
static const char *const pruning_texts[] = {
#define PRUNING_TEXT(name, text) text,
    LAM_PRUNING_LIST(PRUNING_TEXT)
#undef PRUNING_TEXT
};
static const char *const narrowing_texts[] = {
#define NARROWING_TEXT(name, text) text,
    LAM_NARROWING_LIST(NARROWING_TEXT)
#undef NARROWING_TEXT
};
#define COUNT(texts) ((int)(sizeof(texts) / sizeof *(texts)))

/* The index of the name in front of an optional `:'; *ret_rest is what is behind it, or NULL. A
 * usage error where there is no such name. */
static int parse_name(const struct argp_state *state, const char *option, const char *text,
                      const char *const *names, int count, const char **ret_rest)
{
    size_t length = strcspn(text, ":");
    char legal[160] = "";
    for (int i = 0; i < count; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0) {
            *ret_rest = text[length] == ':' ? text + length + 1 : NULL;
            return i;
        }
        snprintf(legal + strlen(legal), sizeof legal - strlen(legal), "%s%s", i ? ", " : "",
                 names[i]);
    }
    argp_error(state, "%s %s is unknown; legal: %s", option, text, legal);
    return 0;
}

lam_narrowing parse_narrowing(const struct argp_state *state, const char *text)
{
    const char *rest = NULL;
    lam_narrowing narrowing = {.count = 5, .margin = 0};
    narrowing.type = (lam_narrowing_type)parse_name(state, "--within", text, narrowing_texts,
                                                    COUNT(narrowing_texts), &rest);
    if (rest && narrowing.type == LAM_NARROWING_TOP)
        narrowing.count = (int)parse_whole(state, "--within top:", rest, 1, 1000000);
    else if (rest && narrowing.type == LAM_NARROWING_BEST_TWO)
        narrowing.margin = parse_number(state, "--within best2:", rest);
    else if (rest)
        argp_error(state, "--within %s: legal: 1se, top:COUNT, best2:MARGIN", text);
    return narrowing;
}

/* ---- the study's file ---- */

static error_t parse_study_option(int key, char *argument, struct argp_state *state)
{
    const char **path = state->input;
    if (key == ARGP_KEY_END && !*path)
        argp_error(state, "name a STUDY, e.g. study.db");
    if (key != ARGP_KEY_ARG || *path)
        return ARGP_ERR_UNKNOWN;
    *path = argument;
    return 0;
}

const struct argp study_argp = {.parser = parse_study_option};

/* ---- what a study is ---- */

enum { OPTION_OBJECTIVE = 640, OPTION_PRUNE, OPTION_PATIENCE, OPTION_SAMPLER_SEED };

static lam_pruning parse_pruning(const struct argp_state *state, const char *text)
{
    const char *rest = NULL;
    lam_pruning pruning = {.factor = 2, .min_trials = 5, .min_measurements = 1};
    pruning.type = (lam_pruning_type)parse_name(state, "--prune", text, pruning_texts,
                                                COUNT(pruning_texts), &rest);
    if (rest && pruning.type == LAM_PRUNING_HALVING)
        pruning.factor = parse_number(state, "--prune halving:", rest);
    else if (rest && pruning.type == LAM_PRUNING_MEDIAN)
        pruning.min_trials = (int)parse_whole(state, "--prune median:", rest, 1, 1000000);
    else if (rest)
        argp_error(state, "--prune %s: legal: none, halving:FACTOR, median:TRIALS", text);
    if (pruning.factor <= 1)
        argp_error(state, "--prune %s: legal: a factor above 1", text);
    return pruning;
}

static error_t parse_plan_option(int key, char *argument, struct argp_state *state)
{
    plan_options *options = state->input;
    const char *rest = NULL;
    switch (key) {
    case 'P':
        if (options->space_count == LAM_MAX_PARAMETERS)
            argp_error(state, "--parameter: legal: at most %d", LAM_MAX_PARAMETERS);
        options->spaces[options->space_count++] = argument;
        return 0;
    case 'S':
        options->sampler = (lam_sampler)parse_name(state, "--sampler", argument, sampler_texts,
                                                   COUNT(sampler_texts), &rest);
        return 0;
    case OPTION_OBJECTIVE:
        options->objective = (lam_objective)parse_name(
            state, "--objective", argument, objective_texts, COUNT(objective_texts), &rest);
        return 0;
    case OPTION_PRUNE:
        options->pruning = parse_pruning(state, argument);
        return 0;
    case OPTION_PATIENCE:
        options->patience = (int)parse_whole(state, "--patience", argument, 0, 1000000);
        return 0;
    case OPTION_SAMPLER_SEED:
        options->seed = (uint64_t)parse_whole(state, "--sampler-seed", argument, 0, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option plan_option_list[] = {
    {"parameter", 'P', "KEY=SPACE", 0,
     "a key of the recipe and the values to try (forms: below); may be repeated", 2},
    {"sampler", 'S', "NAME", 0, "grid, random, sobol (default), tpe or cmaes", 2},
    {"sampler-seed", OPTION_SAMPLER_SEED, "N", 0, "what the sampler draws from; default: 1", 2},
    {"objective", OPTION_OBJECTIVE, "NAME", 0,
     "what is ranked by, on the validation rows: accuracy (default), best-accuracy, loss, cost",
     2},
    {"prune", OPTION_PRUNE, "RULE", 0,
     "end bad trials early: none (default), halving[:FACTOR] (at each cycle's end 1 of FACTOR "
     "of those side by side goes on; default 2), median[:TRIALS] (worse than the median of at "
     "least TRIALS earlier ones; default 5)",
     2},
    {"patience", OPTION_PATIENCE, "N", 0,
     "end the study after N configurations in a row that improved nothing; default: 0, never",
     2},
    {0}};

const struct argp plan_argp = {.options = plan_option_list, .parser = parse_plan_option};

static error_t parse_count_option(int key, char *argument, struct argp_state *state)
{
    plan_options *options = state->input;
    switch (key) {
    case 'n':
        options->trials = parse_whole(state, "--trials", argument, 1, 10000000);
        return 0;
    case 'k':
        options->seeds = (int)parse_whole(state, "--seeds", argument, 1, 1000);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option count_option_list[] = {
    {"trials", 'n', "N", 0,
     "configurations in all: where there are fewer already, the rest is added", 2},
    {"seeds", 'k', "K", 0, "seeds in all that each configuration is trained with", 2},
    {0}};

const struct argp count_argp = {.options = count_option_list, .parser = parse_count_option};

plan_options plan_options_start(void)
{
    return (plan_options){.sampler = LAM_SAMPLER_SOBOL,
                          .seed = 1,
                          .pruning = {.factor = 2, .min_trials = 5, .min_measurements = 1}};
}
