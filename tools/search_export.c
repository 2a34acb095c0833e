/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

typedef struct export_options {
    const char *study;
    bool json, curves;
} export_options;

static const struct argp_child children[] = {{&study_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    export_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->study;
        return 0;
    case 'f':
        options->json = strcmp(argument, "json") == 0;
        if (!options->json && strcmp(argument, "csv") != 0)
            argp_error(state, "--format %s is unknown; legal: csv, json", argument);
        return 0;
    case 'c':
        options->curves = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

lam_status for_each_trial(const lam_study_view *view, trial_function *function, void *user)
{
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            lam_status status = function(user, view, &view->configurations[c],
                                         &view->configurations[c].trials[s]);
            if (status != LAM_STATUS_OK)
                return status;
        }
    return LAM_STATUS_OK;
}

/* ---- CSV ---- */

static void print_measurement(const lam_measurement *m)
{
    if (m->step >= 0)
        printf(",%" PRId64, m->step);
    else
        putchar(',');
    print_csv_metrics(stdout, m);
}

static void print_trial_start(const lam_study_view *view,
                              const lam_configuration *configuration, const lam_trial *trial)
{
    printf("%" PRId64 ",%" PRIu64, configuration->index + 1, trial->seed);
    for (size_t i = 0; i < view->plan.space.count; i++) {
        putchar(',');
        print_csv_text(stdout, configuration->values[i]);
    }
}

static void print_heads(const lam_study_view *view, const char *rest)
{
    printf("iteration,seed");
    for (size_t i = 0; i < view->plan.space.count; i++) {
        putchar(',');
        print_csv_text(stdout, view->plan.space.parameters[i].key);
    }
    printf(",%s\n", rest);
}

static lam_status print_trial(void *user, const lam_study_view *view,
                              const lam_configuration *configuration, const lam_trial *trial)
{
    (void)user;
    print_trial_start(view, configuration, trial);
    printf(",%s", lam_trial_state_name(trial->state));
    print_csv_number(stdout, trial->objective);
    print_measurement(&trial->latest);
    print_csv_number(stdout, trial->seconds);
    putchar(',');
    print_csv_text(stdout, trial->message);
    putchar('\n');
    return LAM_STATUS_OK;
}

static lam_status print_curve(void *user, const lam_study_view *view,
                              const lam_configuration *configuration, const lam_trial *trial)
{
    lam_measurement *curve = NULL;
    size_t count = 0;
    lam_status status = lam_study_read_curve(user, trial->id, &curve, &count);
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++) {
        print_trial_start(view, configuration, trial);
        print_measurement(&curve[i]);
        print_csv_number(stdout, curve[i].learning_rate);
        putchar('\n');
    }
    free(curve);
    return status;
}

static lam_status print_csv(lam_study *study, const lam_study_view *view, bool curves)
{
    print_heads(view, curves ? "step," CSV_METRICS ",learning_rate"
                             : "state,objective,step," CSV_METRICS ",seconds,message");
    return for_each_trial(view, curves ? print_curve : print_trial, study);
}

/* ---- JSON ---- */

typedef struct json_export {
    lam_study *study;
    json_t *trials;
    bool curves;
} json_export;

static lam_status add_curve(const json_export *target, const lam_trial *trial, json_t *entry)
{
    lam_measurement *curve = NULL;
    size_t count = 0;
    lam_status status = lam_study_read_curve(target->study, trial->id, &curve, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++)
        json_array_append_new(list, measurement_to_json(&curve[i]));
    free(curve);
    json_object_set_new(entry, "measurements", list);
    return status;
}

static lam_status add_trial(void *user, const lam_study_view *view,
                            const lam_configuration *configuration, const lam_trial *trial)
{
    json_export *target = user;
    json_t *entry = json_pack(
        "{s:I, s:I, s:o, s:s, s:o, s:o, s:o, s:s}", "iteration",
        (json_int_t)configuration->index + 1, "seed", (json_int_t)trial->seed, "values",
        values_to_json(view, configuration), "state", lam_trial_state_name(trial->state),
        "objective", number_to_json(trial->objective), "latest",
        measurement_to_json(&trial->latest), "best", measurement_to_json(&trial->best),
        "message", trial->message);
    json_array_append_new(target->trials, entry);
    return target->curves ? add_curve(target, trial, entry) : LAM_STATUS_OK;
}

lam_status export_study_as_json(lam_context *context, lam_study *study,
                                const lam_study_view *view, bool curves, json_t **ret_json)
{
    json_export target = {study, json_array(), curves};
    char *recipe = NULL;
    lam_status status = lam_recipe_format(context, &view->plan.recipe, &recipe);
    if (status == LAM_STATUS_OK)
        status = for_each_trial(view, add_trial, &target);
    if (status == LAM_STATUS_OK)
        *ret_json = json_pack(
            "{s:s, s:o, s:s, s:s, s:O}", "study", view->path, "recipe",
            json_loads(recipe, 0, NULL), "sampler", lam_sampler_name(view->plan.sampler),
            "objective", lam_objective_name(view->plan.objective), "trials", target.trials);
    json_decref(target.trials);
    free(recipe);
    return status;
}

static lam_status print_study_json(lam_context *context, lam_study *study,
                                   const lam_study_view *view, bool curves)
{
    json_t *json = NULL;
    lam_status status = export_study_as_json(context, study, view, curves, &json);
    if (status == LAM_STATUS_OK)
        print_json(json);
    return status;
}

/* ---- the command ---- */

static lam_status print_study(lam_context *context, const export_options *options)
{
    lam_study *study = NULL;
    lam_study_view *view = NULL;
    lam_status status = lam_study_open(context, options->study, &study);
    if (status == LAM_STATUS_OK)
        status = lam_study_read(study, &view);
    if (status == LAM_STATUS_OK)
        status = options->json ? print_study_json(context, study, view, options->curves)
                               : print_csv(study, view, options->curves);
    lam_study_view_free(&view);
    lam_study_close(&study);
    return status;
}

int search_export(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"format", 'f', "csv|json", 0, "default: csv", 1},
        {"curves", 'c', 0, 0, "every measurement of every trial, not the last alone", 1},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "STUDY",
        .doc = "Write all trials of a study to stdout: values, state and metrics, one row for "
               "each, in the order of iterations and seeds.\v"
               "Examples:\n"
               "  lamina search export study.db > trials.csv\n"
               "  lamina search export study.db --curves --format json",
        .children = children};
    export_options options = {0};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_status status = print_study(context, &options);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}
