/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "search.h"

/* ---- refine ---- */

typedef struct refine_options {
    const char *study, *output;
    lam_narrowing narrowing;
    plan_options plan; /* counts alone */
} refine_options;

static const struct argp_child refine_children[] = {
    {&study_argp, 0, NULL, 0}, {&count_argp, 0, NULL, 0}, {0}};

static error_t parse_refine_option(int key, char *argument, struct argp_state *state)
{
    refine_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->study;
        state->child_inputs[1] = &options->plan;
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case 'w':
        options->narrowing = parse_narrowing(state, argument);
        return 0;
    case ARGP_KEY_END:
        if (!options->output)
            argp_error(state, "say where the new study goes, e.g. -o fine.db");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_space(lam_context *context, const char *path, const lam_study_plan *plan)
{
    printf("%s: %" PRId64 " configurations, %d seed%s each\n", path, plan->configuration_count,
           plan->seed_count, plan->seed_count == 1 ? "" : "s");
    for (size_t i = 0; i < plan->space.count; i++) {
        char *text = NULL;
        if (lam_parameter_format(context, &plan->space.parameters[i], &text) == LAM_STATUS_OK)
            printf("  %s\n", text);
        free(text);
    }
}

/* The old plan in the narrowed space. */
static lam_status create_refined(lam_context *context, const refine_options *options,
                                 const lam_study_view *view)
{
    lam_study *study = NULL;
    lam_study_plan plan = view->plan;
    lam_status status = lam_study_narrow(context, view, &options->narrowing, &plan.space);
    if (status != LAM_STATUS_OK)
        return status;
    if (options->plan.trials > 0)
        plan.configuration_count = options->plan.trials;
    if (options->plan.seeds > 0)
        plan.seed_count = options->plan.seeds;
    status = lam_study_create(context, options->output, &plan, &study);
    if (status == LAM_STATUS_OK)
        print_space(context, options->output, &plan);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    return status;
}

static lam_status refine(lam_context *context, const refine_options *options)
{
    lam_study_view *view = NULL;
    lam_status status = lam_study_load_view(context, options->study, &view);
    if (status == LAM_STATUS_OK)
        status = create_refined(context, options, view);
    lam_study_view_free(&view);
    return status;
}

int search_refine(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"output", 'o', "STUDY", 0, "the new study's file", 1},
        {"within", 'w', "RULE", 0,
         "which configurations the new range holds: 1se (default; those within one standard "
         "error of the best), top:COUNT, best2:MARGIN (the best two, MARGIN further on both "
         "sides)",
         1},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_refine_option,
        .args_doc = "STUDY",
        .doc = "Make a new study like another one, in the range where its best "
               "configurations lie.\v"
               "--trials and --seeds are as in the other study unless they are given.\n\n"
               "Examples:\n"
               "  lamina search refine coarse.db -o fine.db --within 1se --trials 20\n"
               "  lamina search refine coarse.db -o fine.db --within top:5",
        .children = refine_children};
    refine_options options = {.narrowing = {.type = LAM_NARROWING_ONE_SE},
                              .plan = plan_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = refine(context, &options);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}

/* ---- retry ---- */

typedef struct retry_options {
    const char *study;
    bool all;
} retry_options;

static const struct argp_child study_children[] = {{&study_argp, 0, NULL, 0}, {0}};

static error_t parse_retry_option(int key, char *argument, struct argp_state *state)
{
    retry_options *options = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->study;
        return 0;
    case 'a':
        options->all = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int search_retry(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"all", 'a', 0, 0, "diverged and pruned trials, too", 1}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_retry_option,
        .args_doc = "STUDY",
        .doc = "Let trials that failed wait again, once what was wrong with them is mended.\v"
               "Example:\n"
               "  lamina search retry study.db && lamina search run study.db",
        .children = study_children};
    retry_options options = {0};
    lam_study *study = NULL;
    int64_t count = 0;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = lam_study_open(context, options.study, &study);
    if (status == LAM_STATUS_OK)
        status = lam_study_retry(study, options.all, &count);
    lam_study_close(&study);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    printf("%" PRId64 " trial%s again\n", count, count == 1 ? " waits" : "s wait");
    return EXIT_SUCCESS;
}

/* ---- merge ---- */

typedef struct merge_options {
    const char *study;
    const char **others;
    size_t count;
} merge_options;

static error_t parse_merge_option(int key, char *argument, struct argp_state *state)
{
    merge_options *options = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (!options->study)
            options->study = argument;
        else
            options->others[options->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->count == 0)
            argp_error(state, "name a STUDY, and the files to merge into it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status merge(lam_study *study, const merge_options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        int64_t merged = 0;
        lam_status status = lam_study_merge(study, options->others[i], &merged);
        if (status != LAM_STATUS_OK)
            return status;
        printf("%s: %" PRId64 " trial%s new\n", options->others[i], merged,
               merged == 1 ? "" : "s");
    }
    return LAM_STATUS_OK;
}

int search_merge(lam_context *context, int argc, char **argv)
{
    const struct argp argp = {
        .parser = parse_merge_option,
        .args_doc = "STUDY OTHER...",
        .doc = "Take over what other files of the same study finished, such as the shards of "
               "an array job. Merging twice changes nothing.\v"
               "Example:\n"
               "  lamina search merge study.db study.shard-*.db"};
    merge_options options = {.others = calloc((size_t)argc, sizeof *options.others)};
    lam_study *study = NULL;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = lam_study_open(context, options.study, &study);
    if (status == LAM_STATUS_OK)
        status = merge(study, &options);
    lam_study_close(&study);
    free(options.others);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}
