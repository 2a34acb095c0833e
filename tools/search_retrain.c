/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

typedef struct retrain_options {
    common_options common;
    const char *study, *output;
    long long configuration; /* from 1 as in tables; 0: the pick */
    training_request request;
} retrain_options;

enum { OPTION_SEEDS = 256 };

static const struct argp_child children[] = {{&study_argp, 0, NULL, 0},
                                             {&device_argp, 0, NULL, 0},
                                             {&data_argp, 0, NULL, 0},
                                             {&tune_argp, 0, NULL, 0},
                                             {&json_argp, 0, NULL, 0},
                                             {&set_argp, 0, NULL, 0},
                                             {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    retrain_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        state->child_inputs[0] = &options->study;
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case 'i':
        options->configuration = parse_whole(state, "--iteration", argument, 1, INT64_MAX);
        return 0;
    case 'f':
        options->request.force = true;
        return 0;
    case 'r':
        options->request.resume = true;
        return 0;
    case OPTION_SEEDS:
        free(options->request.seeds.seeds);
        options->request.seeds = parse_seeds(state, argument);
        return 0;
    case 'q':
        options->common.quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* -1 while nothing is done. */
static lam_status find_pick(lam_context *context, lam_study *study, int64_t *ret_configuration)
{
    lam_study_view *view = NULL;
    lam_ranking ranking = {0};
    lam_status status = lam_study_read(study, &view);
    if (status == LAM_STATUS_OK)
        status = lam_study_rank(context, view, &ranking);
    if (status == LAM_STATUS_OK)
        *ret_configuration = ranking.count > 0 ? ranking.ranks[0].configuration : -1;
    lam_ranking_free(&ranking);
    lam_study_view_free(&view);
    return status;
}

lam_status get_best_recipe(lam_context *context, lam_study *study, int64_t configuration,
                           const char *const *settings, size_t setting_count,
                           lam_recipe *ret_recipe)
{
    lam_recipe recipe;
    char *text = NULL;
    lam_status status = LAM_STATUS_OK;
    if (configuration < 0)
        status = find_pick(context, study, &configuration);
    if (status == LAM_STATUS_OK)
        status = lam_study_get_recipe(study, configuration, &recipe);
    if (status == LAM_STATUS_OK)
        status = lam_recipe_format(context, &recipe, &text);
    if (status == LAM_STATUS_OK)
        status = lam_recipe_parse(context, text, strlen(text), "the study's recipe", settings,
                                  setting_count, ret_recipe);
    free(text);
    return status;
}

static int run(lam_context *context, const retrain_options *options)
{
    lam_study *study = NULL;
    lam_recipe recipe;
    training_outcome outcome = {0};
    char directory[PATH_MAX];
    training_request request = options->request;
    lam_status status = lam_study_open(context, options->study, &study);
    if (status == LAM_STATUS_OK)
        status =
            get_best_recipe(context, study, options->configuration - 1,
                            options->common.overrides, options->common.override_count, &recipe);
    lam_study_close(&study);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    snprintf(directory, sizeof directory, "%s", options->output ? options->output : "");
    if (!options->output)
        snprintf(directory, sizeof directory, "runs/%s-retrained", recipe.name);
    request.directory = directory;
    status = run_training(context, &options->common, &recipe, &request, &outcome);
    int exit_status =
        status == LAM_STATUS_OK
            ? print_seeds(directory, outcome.results, request.seeds.count, options->common.json)
            : report_failure(context, status);
    training_outcome_free(&outcome);
    return exit_status;
}

int search_retrain(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"output", 'o', "DIR", 0, "run folders; default: runs/<recipe>-retrained", 1},
        {"iteration", 'i', "N", 0,
         "the configuration of this iteration (see: lamina search best) in place of the pick",
         1},
        {"seeds", OPTION_SEEDS, "LIST", 0, "a network for each seed; default: 1..3", 1},
        {"force", 'f', 0, 0, "replace the files of earlier runs in the folder", 1},
        {"resume", 'r', 0, 0, "go on with an interrupted retraining", 1},
        {"quiet", 'q', 0, 0, "no progress", 3},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "STUDY",
        .doc = "Train the best configuration of a study, or another one, into run folders, and "
               "look at the test rows.\v"
               "Examples:\n"
               "  lamina search retrain study.db --seeds 1..3\n"
               "  lamina search retrain study.db --set data.validation_count=1000 \\\n"
               "      --set stop='{cycles: 3}' -o runs/final",
        .children = children};
    retrain_options options = {.common = common_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    static uint64_t default_seeds[] = {1, 2, 3};
    bool has_seeds = options.request.seeds.count > 0;
    if (!has_seeds)
        options.request.seeds = (seed_list){default_seeds, 3};
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    if (has_seeds)
        free(options.request.seeds.seeds);
    return exit_status;
}
