/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "search.h"

typedef struct status_options {
    common_options common; /* json alone */
    const char *study;
    bool verify;
} status_options;

static const struct argp_child children[] = {
    {&study_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    status_options *options = state->input;
    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->study;
        state->child_inputs[1] = &options->common;
        return 0;
    case 'v':
        options->verify = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- status ---- */

static void print_space(lam_context *context, const lam_space *space)
{
    for (size_t i = 0; i < space->count; i++) {
        char *text = NULL;
        if (lam_parameter_format(context, &space->parameters[i], &text) == LAM_STATUS_OK)
            printf("%-12s %s\n", i == 0 ? "space" : "", text);
        free(text);
    }
}

static void print_failures(const lam_study_view *view)
{
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            const lam_trial *trial = &view->configurations[c].trials[s];
            char values[256];
            if (trial->state != LAM_TRIAL_STATE_FAILED)
                continue;
            format_values(view, &view->configurations[c], values, sizeof values);
            printf("%-12s %s, seed %" PRIu64 ": %s\n", "failed", values, trial->seed,
                   trial->message);
        }
}

static void print_study(lam_context *context, const lam_study_view *view)
{
    char line[512];
    printf("%-12s %s (sampler %s, objective %s)\n", "study", view->path,
           lam_sampler_name(view->plan.sampler), lam_objective_name(view->plan.objective));
    printf("%-12s %s\n", "recipe", view->plan.recipe.name);
    print_space(context, &view->plan.space);
    format_study(view, line, sizeof line);
    printf("%-12s %s\n", "progress", line);
    printf("%-12s %" PRId64 "\n", "workers", view->workers);
    print_failures(view);
}

static lam_status show(lam_context *context, lam_study *study, const status_options *options)
{
    lam_study_view *view = NULL;
    lam_status status = options->verify ? lam_study_verify(study) : LAM_STATUS_OK;
    if (status == LAM_STATUS_OK)
        status = lam_study_read(study, &view);
    if (status != LAM_STATUS_OK)
        return status;
    if (options->common.json)
        print_json(study_to_json(view));
    else
        print_study(context, view);
    if (options->verify && !options->common.json)
        printf("%-12s whole\n", "file");
    lam_study_view_free(&view);
    return LAM_STATUS_OK;
}

/* ---- the command ---- */

int search_status(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"verify", 'v', 0, 0, "check the whole file for damage first", 1}, {0}};
    const struct argp argp = {.options = own_options,
                              .parser = parse_option,
                              .args_doc = "STUDY",
                              .doc =
                                  "Say how far a study is: trials by state, the best so far, "
                                  "speed, time left, what failed and why.\v"
                                  "Examples:\n"
                                  "  lamina search status study.db\n"
                                  "  lamina search status study.db --verify --json",
                              .children = children};
    status_options options = {0};
    lam_study *study = NULL;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = lam_study_open(context, options.study, &study);
    if (status == LAM_STATUS_OK)
        status = show(context, study, &options);
    lam_study_close(&study);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}
