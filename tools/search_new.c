/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "search.h"

#define DEFAULT_TRIALS 20

typedef struct new_options {
    common_options common;
    const char *study;
    plan_options plan;
} new_options;

static const struct argp_child children[] = {
    {&study_argp, 0, NULL, 0}, {&recipe_argp, 0, NULL, 0}, {&data_argp, 0, NULL, 0},
    {&plan_argp, 0, NULL, 0},  {&count_argp, 0, NULL, 0},  {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    new_options *options = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->study;
        state->child_inputs[1] = state->child_inputs[2] = &options->common;
        state->child_inputs[3] = state->child_inputs[4] = &options->plan;
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        if (options->plan.space_count == 0)
            argp_error(state, "say what to vary, e.g. -P l2=log:1e-5..1e-1");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status create(lam_context *context, const new_options *options, lam_study_plan *plan,
                         lam_study **ret_study)
{
    const plan_options *chosen = &options->plan;
    lam_status status = load_recipe(context, &options->common, &plan->recipe);
    if (status == LAM_STATUS_OK)
        status = lam_space_parse(context, chosen->spaces, chosen->space_count, &plan->space);
    if (status != LAM_STATUS_OK)
        return status;
    (void)settle_data(&options->common, &plan->recipe);
    plan->sampler = chosen->sampler;
    plan->seed = chosen->seed;
    plan->configuration_count = chosen->trials;
    if (chosen->trials == 0)
        plan->configuration_count =
            chosen->sampler == LAM_SAMPLER_GRID
                ? lam_sampler_count_points(&plan->space, chosen->sampler)
                : DEFAULT_TRIALS;
    plan->seed_count = chosen->seeds > 0 ? chosen->seeds : 1;
    plan->objective = chosen->objective;
    plan->pruning = chosen->pruning;
    plan->patience = chosen->patience;
    return lam_study_create(context, options->study, plan, ret_study);
}

static int run(lam_context *context, const new_options *options)
{
    lam_study *study = NULL;
    lam_study_plan plan = {0};
    lam_status status = create(context, options, &plan, &study);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    printf("%s: %" PRId64 " configurations, %d seed%s each; go on with: lamina search run %s\n",
           options->study, plan.configuration_count, plan.seed_count,
           plan.seed_count == 1 ? "" : "s", options->study);
    return EXIT_SUCCESS;
}

int search_new(lam_context *context, int argc, char **argv)
{
    const struct argp argp = {
        .parser = parse_option,
        .args_doc = "STUDY RECIPE",
        .doc = "Make a study: which keys of a recipe are varied over what, how often, and what "
               "is ranked by. A study that is there already and is the same only grows.\v"
               "Forms of SPACE:\n"
               "  log:1e-5..1e-1        any number between, each logarithm as likely\n"
               "  log:1e-5..1e-1,0      and zero besides\n"
               "  linear:0..0.5         any number between, each as likely\n"
               "  int:20..600           any whole number\n"
               "  choice:sgd,adam       one of these, in no order\n"
               "  grid:0.01,0.02,0.05   one of these, in their order\n"
               "  log:1e-5..1e-1/9      with --sampler grid: 9 values of the range\n"
               "  .. if KEY=VALUE       varied only where an earlier -P has this value\n\n"
               "Without --trials there are 20 configurations, or with --sampler grid all of "
               "them; without --seeds one seed, the recipe's. The data's folder is no part of "
               "a study: say --data to `lamina search run', unless it is `synthetic'.\n\n"
               "Examples:\n"
               "  lamina search new study.db results/a2-search/recipe.yaml \\\n"
               "      -P l2=log:1e-5..1e-1 --trials 20 --seeds 3\n"
               "  lamina search new grid.db results/a3-search/recipe.yaml --sampler grid \\\n"
               "      -P l2=grid:.01,.02,.03 -P schedule.maximum=grid:0.05,0.1\n"
               "  lamina search new wide.db results/a2-search/recipe.yaml --sampler tpe \\\n"
               "      -P 'layers[0].width=int:20..600' -P l2=log:1e-6..1e-2,0 --trials 60\n"
               "  lamina search new steps.db results/a2-search/recipe.yaml \\\n"
               "      -P optimizer.type=choice:sgd,momentum \\\n"
               "      -P 'optimizer.momentum=linear:0.5..0.95 if optimizer.type=momentum'",
        .children = children};
    new_options options = {.common = common_options_start(), .plan = plan_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
