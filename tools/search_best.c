/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "search.h"

typedef struct best_options {
    common_options common; /* json alone */
    const char *study;
    size_t top;
} best_options;

static const struct argp_child children[] = {
    {&study_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    best_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->study;
        state->child_inputs[1] = &options->common;
        return 0;
    case 't':
        options->top = (size_t)parse_whole(state, "--top", argument, 0, 1000000);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- what is said ---- */

typedef struct best_findings {
    const lam_study_view *view;
    lam_ranking ranking;
    double importance[LAM_MAX_PARAMETERS];
} best_findings;

static json_t *findings_to_json(const best_findings *findings, size_t limit)
{
    const lam_study_view *view = findings->view;
    json_t *ranks = ranking_to_json(view, &findings->ranking, limit);
    json_t *importance = json_object();
    for (size_t i = 0; i < view->plan.space.count; i++)
        json_object_set_new(importance, view->plan.space.parameters[i].key,
                            number_to_json(findings->importance[i]));
    return json_pack("{s:s, s:s, s:f, s:o, s:o, s:o}", "study", view->path, "objective",
                     lam_objective_name(view->plan.objective), "confidence", LAM_CONFIDENCE,
                     "binomial_error", number_to_json(findings->ranking.binomial_error),
                     "ranks", ranks, "epsilon_squared", importance);
}

static void print_findings(const best_findings *findings, size_t limit)
{
    const lam_study_view *view = findings->view;
    print_ranking(view, &findings->ranking, limit);
    printf("\nbinomial standard error of one network's accuracy on %" PRIu32
           " validation rows: %.2f points\n",
           view->validation_rows, 100 * findings->ranking.binomial_error);
    for (size_t i = 0; i < view->plan.space.count; i++)
        if (isfinite(findings->importance[i]))
            printf("importance of %s: %.0f %% of the variance (epsilon squared, one-way)\n",
                   view->plan.space.parameters[i].key, 100 * findings->importance[i]);
}

static int say(const best_findings *findings, const best_options *options)
{
    if (options->common.json)
        return print_json(findings_to_json(findings, options->top));
    if (findings->ranking.count == 0)
        puts("nothing is done yet");
    else
        print_findings(findings, options->top);
    return EXIT_SUCCESS;
}

/* ---- the command ---- */

static lam_status find(lam_context *context, const char *path, lam_study_view **ret_view,
                       best_findings *findings)
{
    lam_status status = lam_study_load_view(context, path, ret_view);
    if (status == LAM_STATUS_OK)
        status = lam_study_rank(context, *ret_view, &findings->ranking);
    if (status == LAM_STATUS_OK)
        status = lam_study_compute_importance(context, *ret_view, findings->importance);
    findings->view = *ret_view;
    return status;
}

int search_best(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"top", 't', "N", 0, "how many to print; default: 10, 0: all", 1}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "STUDY",
        .doc =
            "Rank the configurations of a study by what was measured on the validation rows: "
            "mean, standard deviation and 95 % interval (Student's t) over seeds, and the "
            "difference to the pick (the best mean) over the seeds that both have. Those "
            "within one standard error of the pick are marked with *: which of them is the "
            "best cannot be told from these trials.\v"
            "Only configurations whose trials are all over are ranked; behind the others stand "
            "those that lost some to pruning, divergence or failure. `iteration' is the number "
            "of a configuration.\n\n"
            "Examples:\n"
            "  lamina search best study.db\n"
            "  lamina search best study.db --top 0 --json",
        .children = children};
    best_options options = {.top = 10};
    lam_study_view *view = NULL;
    best_findings findings = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = find(context, options.study, &view, &findings);
    int exit_status =
        status == LAM_STATUS_OK ? say(&findings, &options) : report_failure(context, status);
    lam_ranking_free(&findings.ranking);
    lam_study_view_free(&view);
    return exit_status;
}
