/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "search.h"

typedef struct status_options {
    common_options common; /* json alone */
    const char *study;
    bool verify;
    long long interval; /* seconds */
} status_options;

static const struct argp_child watch_children[] = {{&study_argp, 0, NULL, 0}, {0}};
static const struct argp_child status_children[] = {
    {&study_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    status_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->study;
        state->child_inputs[1] = &options->common;
        return 0;
    case 'v':
        options->verify = true;
        return 0;
    case 'i':
        options->interval = parse_whole(state, "--interval", argument, 1, 86400);
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
           sampler_text(view->plan.sampler), objective_text(view->plan.objective));
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

/* ---- watch ---- */

/* Until the study is over or somebody interrupts. */
static lam_status follow(lam_context *context, lam_study *study, const status_options *options)
{
    bool is_terminal = isatty(STDOUT_FILENO), is_over = false;
    while (!is_over) {
        lam_study_view *view = NULL;
        char line[512];
        lam_status status = lam_study_read(study, &view);
        if (status != LAM_STATUS_OK)
            return status;
        format_study(view, line, sizeof line);
        is_over = view->is_over;
        lam_study_view_free(&view);
        printf(is_terminal ? "\r\033[K%.*s" : "%.*s\n",
               is_terminal ? get_terminal_columns() - 1 : (int)sizeof line, line);
        fflush(stdout);
        for (long long s = 0; s < 10 * options->interval && !is_over; s++) {
            if (lam_stop_requested(context)) {
                is_over = true;
                break;
            }
            usleep(100000);
        }
    }
    if (is_terminal)
        putchar('\n');
    return LAM_STATUS_OK;
}

/* ---- both ---- */

static int run(lam_context *context, const status_options *options,
               lam_status (*act)(lam_context *, lam_study *, const status_options *))
{
    lam_study *study = NULL;
    lam_status status = lam_study_open(context, options->study, &study);
    if (status == LAM_STATUS_OK)
        status = act(context, study, options);
    int exit_status = status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
    lam_study_close(&study);
    return exit_status;
}

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
                              .children = status_children};
    status_options options = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    return run(context, &options, show);
}

int search_watch(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"interval", 'i', "S", 0, "seconds between looks; default: 2", 1}, {0}};
    const struct argp argp = {.options = own_options,
                              .parser = parse_option,
                              .args_doc = "STUDY",
                              .doc =
                                  "Follow a study while others work on it, until it is over "
                                  "or Ctrl-C: a line that changes, or one for each look where "
                                  "stdout is no terminal.\v"
                                  "Example:\n"
                                  "  lamina search watch study.db --interval 10",
                              .children = watch_children};
    status_options options = {.interval = 2};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    return run(context, &options, follow);
}
