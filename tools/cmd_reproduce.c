/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reproduce.h"

#define DEFAULT_MANIFEST "results/experiments.yaml"
#define DEFAULT_OUTPUT "runs/reproduce"
#define DEFAULT_SEEDS 3

enum {
    OPTION_ONLY = 256,
    OPTION_SEEDS,
    OPTION_ALL,
    OPTION_LIST,
    OPTION_NO_PEER,
    OPTION_MANIFEST,
    OPTION_PUBLISH,
    OPTION_NOTE
};

static const struct argp_child children[] = {{&device_argp, 0, NULL, 0},
                                             {&data_argp, 0, NULL, 0},
                                             {&tune_argp, 0, NULL, 0},
                                             {&json_argp, 0, NULL, 0},
                                             {0}};

static void add_name(const struct argp_state *state, reproduce_options *options,
                     const char *name)
{
    const char **grown =
        realloc(options->only, (options->only_count + 1) * sizeof *options->only);
    if (!grown)
        argp_failure(state, EXIT_FAILURE, 0, "--only: memory is exhausted");
    options->only = grown;
    options->only[options->only_count++] = name;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    reproduce_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case OPTION_ONLY:
        add_name(state, options, argument);
        return 0;
    case ARGP_KEY_ARG: /* --only takes any number of names */
        if (options->only_count == 0)
            argp_error(state, "there is no telling what %s is; names stand behind --only",
                       argument);
        add_name(state, options, argument);
        return 0;
    case OPTION_SEEDS:
        options->seeds = (size_t)parse_whole(state, "--seeds", argument, 1, LAM_MAX_SEEDS);
        return 0;
    case OPTION_ALL:
        options->all = true;
        return 0;
    case OPTION_LIST:
        options->list = true;
        return 0;
    case OPTION_NO_PEER:
        options->no_peer = true;
        return 0;
    case OPTION_MANIFEST:
        options->manifest = argument;
        return 0;
    case OPTION_PUBLISH:
        options->publish = argument;
        return 0;
    case OPTION_NOTE:
        options->note = argument;
        return 0;
    case 'q':
        options->common.quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- which ones ---- */

static bool choose(const lam_manifest *manifest, const char *name, bool *chosen)
{
    for (size_t i = 0; i < manifest->experiment_count; i++)
        if (strcmp(manifest->experiments[i].name, name) == 0) {
            chosen[i] = true;
            return true;
        }
    fprintf(stderr, "lamina: %s has no experiment `%s'; see: lamina reproduce --list\n",
            manifest->path, name);
    return false;
}

static bool choose_all(const reproduce_options *options, const lam_manifest *manifest,
                       bool *chosen)
{
    for (size_t i = 0; i < options->only_count; i++)
        if (!choose(manifest, options->only[i], chosen))
            return false;
    for (size_t i = 0; i < manifest->experiment_count && options->only_count == 0; i++)
        chosen[i] = options->all || !manifest->experiments[i].is_extra;
    return true;
}

static int print_list(const reproduce_options *options, const reproduce_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->manifest->experiment_count; i++) {
        const lam_experiment *experiment = &plan->manifest->experiments[i];
        const char *kind = lam_experiment_kind_name(experiment->kind);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:b}", "name", experiment->name, "title",
                            experiment->title, "kind", kind, "recipe", experiment->recipe_name,
                            "published", (json_int_t)experiment->published_count, "chosen",
                            (int)plan->chosen[i]));
        if (!options->common.json)
            printf("%c %-20s %-9s %2zu  %s\n", plan->chosen[i] ? '*' : ' ', experiment->name,
                   kind, experiment->published_count, experiment->title);
    }
    if (options->common.json)
        return print_json(list);
    json_decref(list);
    puts("\n* would be run; kind, published numbers and what it is stand behind the name");
    return EXIT_SUCCESS;
}

/* ---- what came out ---- */

static json_t *published_to_json(const lam_published *published,
                                 const lam_experiment_result *result)
{
    const lam_estimate *ours = &result->values[published->quantity];
    bool is_there = ours->count > 0;
    return json_pack(
        "{s:s, s:s, s:s, s:f, s:f, s:o, s:o, s:o, s:I, s:s, s:s}", "report", published->report,
        "what", lam_quantity_name(published->quantity), "published", published->text,
        "published_low", published->low, "published_high", published->high, "mean",
        number_to_json(is_there ? ours->mean : NAN), "deviation",
        number_to_json(is_there ? ours->deviation : NAN), "half_width",
        number_to_json(is_there ? ours->half_width : NAN), "n", (json_int_t)ours->count,
        "verdict", lam_verdict_name(lam_published_judge(published, result)), "note",
        published->note);
}

static json_t *experiment_to_json(const lam_experiment *experiment,
                                  const lam_experiment_result *result)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < experiment->published_count; i++)
        json_array_append_new(rows, published_to_json(&experiment->published[i], result));
    return json_pack("{s:s, s:I, s:I, s:f, s:f, s:o, s:o}", "name", experiment->name, "n",
                     (json_int_t)result->count, "diverged", (json_int_t)result->diverged,
                     "seconds", result->seconds, "training_seconds", result->training_seconds,
                     "peer_seconds", number_to_json(result->peer_seconds), "published", rows);
}

static int print_all_json(const reproduce_options *options, const reproduce_plan *plan,
                          const lam_experiment_result *results)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->manifest->experiment_count; i++)
        if (plan->chosen[i])
            json_array_append_new(
                list, experiment_to_json(&plan->manifest->experiments[i], &results[i]));
    return print_json(json_pack("{s:s, s:I, s:o}", "directory", options->output, "seeds",
                                (json_int_t)options->seeds, "experiments", list));
}

static void print_number(const lam_experiment *experiment, const lam_published *published,
                         const lam_experiment_result *result)
{
    const lam_estimate *ours = &result->values[published->quantity];
    lam_measure measure = lam_quantity_get_measure(published->quantity);
    bool is_error = measure == LAM_MEASURE_ERROR || fabs(ours->mean) < 1e-3;
    char mean[32] = "-";
    if (ours->count > 0)
        snprintf(mean, sizeof mean, is_error ? "%.2e" : "%.4g", ours->mean);
    printf("%-20s %-7s %-32.32s %14s %10s %3zu  %s\n", experiment->name, published->report,
           lam_quantity_name(published->quantity), published->text, mean, ours->count,
           lam_verdict_name(lam_published_judge(published, result)));
}

static int print_all(const reproduce_options *options, const reproduce_plan *plan,
                     const lam_experiment_result *results)
{
    size_t verdicts[LAM_VERDICT_COUNT] = {0};
    printf("%-20s %-7s %-32s %14s %10s %3s  %s\n", "experiment", "report", "what", "published",
           "ours", "n", "verdict");
    for (size_t i = 0; i < plan->manifest->experiment_count; i++) {
        const lam_experiment *experiment = &plan->manifest->experiments[i];
        for (size_t k = 0; k < experiment->published_count && plan->chosen[i]; k++) {
            print_number(experiment, &experiment->published[k], &results[i]);
            verdicts[lam_published_judge(&experiment->published[k], &results[i])]++;
        }
    }
    putchar('\n');
    for (int i = 0; i < LAM_VERDICT_COUNT; i++)
        if (verdicts[i] > 0)
            printf("%zu %s\n", verdicts[i], lam_verdict_name((lam_verdict)i));
    printf("files: %s/README.md results.tsv figures\n",
           options->publish ? options->publish : options->output);
    return EXIT_SUCCESS;
}

/* ---- the command ---- */

static lam_status publish_records(lam_context *context, const reproduce_options *options,
                                  const reproduce_plan *plan)
{
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < plan->manifest->experiment_count && status == LAM_STATUS_OK; i++) {
        const lam_experiment *experiment = &plan->manifest->experiments[i];
        char from[PATH_MAX], to[PATH_MAX];
        snprintf(from, sizeof from, "%.3900s/%s", options->output, experiment->name);
        snprintf(to, sizeof to, "%.3900s/%s", options->publish, experiment->name);
        if (plan->chosen[i])
            status = lam_experiment_publish(context, experiment, from, to);
    }
    return status;
}

/* The page and its figures, where they are asked for. */
static lam_status save(lam_context *context, const reproduce_options *options,
                       const reproduce_plan *plan, const lam_experiment_result *results,
                       const char *device)
{
    const char *place = options->publish ? options->publish : options->output;
    char command[64], figures[PATH_MAX];
    lam_figure_list list = {0};
    snprintf(figures, sizeof figures, "%.4000s/figures", place);
    snprintf(command, sizeof command, "lamina reproduce --seeds %zu%s", options->seeds,
             options->only_count > 0 ? " --only .."
             : options->all          ? " --all"
                                     : "");
    const lam_reproduction reproduction = {.manifest = plan->manifest,
                                           .results = results,
                                           .command = command,
                                           .device = device,
                                           .note = options->note,
                                           .figures = &list,
                                           .figure_directory = figures};
    lam_status status = reproduce_draw(context, options, plan, &reproduction, &list);
    if (status == LAM_STATUS_OK)
        status = lam_reproduction_save(context, &reproduction, place);
    if (status == LAM_STATUS_OK && options->publish)
        status = publish_records(context, options, plan);
    lam_figure_list_free(&list);
    return status;
}

static int run_and_save(lam_context *context, const reproduce_options *options,
                        const reproduce_plan *plan, lam_experiment_result *results)
{
    char device[512];
    lam_status status = reproduce_run(context, options, plan, results, device);
    if (status != LAM_STATUS_OK)
        return lam_status_exit_code(status);
    status = save(context, options, plan, results, device);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    return options->common.json ? print_all_json(options, plan, results)
                                : print_all(options, plan, results);
}

static int run(lam_context *context, const reproduce_options *options)
{
    lam_manifest *manifest = NULL;
    lam_status status = lam_manifest_load(context, options->manifest, &manifest);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    bool *chosen = calloc(manifest->experiment_count, sizeof *chosen);
    lam_experiment_result *results = calloc(manifest->experiment_count, sizeof *results);
    const reproduce_plan plan = {manifest, chosen};
    int exit_status = lam_status_exit_code(LAM_STATUS_NO_MEMORY);
    if (!chosen || !results)
        fputs("lamina: memory is exhausted\n", stderr);
    else if (!choose_all(options, manifest, chosen))
        exit_status = lam_status_exit_code(LAM_STATUS_BAD_ARGUMENT);
    else if (options->list)
        exit_status = print_list(options, &plan);
    else
        exit_status = run_and_save(context, options, &plan, results);
    free(results);
    free(chosen);
    lam_manifest_free(&manifest);
    return exit_status;
}

int cmd_reproduce(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"only", OPTION_ONLY, "NAME", 0, "these experiments alone; more names may follow", 1},
        {"all", OPTION_ALL, 0, 0, "also those that nothing was published of and take long", 1},
        {"list", OPTION_LIST, 0, 0, "print the experiments and stop", 1},
        {"seeds", OPTION_SEEDS, "K", 0, "networks of each experiment, seeds 1 to K; default: 3",
         1},
        {"output", 'o', "DIR", 0,
         "where runs and the page go; default: " DEFAULT_OUTPUT
         "; what is there already goes on",
         1},
        {"manifest", OPTION_MANIFEST, "FILE", 0,
         "the experiments and what was published of them; default: " DEFAULT_MANIFEST, 1},
        {"publish", OPTION_PUBLISH, "DIR", 0,
         "write the page, its figures and a record of each experiment there instead, without "
         "places of this machine",
         1},
        {"note", OPTION_NOTE, "TEXT", 0, "a sentence for the page, e.g. on the data", 1},
        {"no-peer", OPTION_NO_PEER, 0, 0, "do not time the same networks in NumPy", 1},
        {"quiet", 'q', 0, 0, "no progress", 3},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "",
        .doc = "Run the published experiments again and hold what comes out against what was "
               "published: README.md and results.tsv in the output folder. May be interrupted "
               "or killed: called again, it goes on.\v"
               "Networks of one experiment are trained side by side. The page explains how "
               "numbers are judged.\n\n"
               "Examples:\n"
               "  lamina reproduce --list\n"
               "  lamina reproduce --only a1-config1 a2-overfit --seeds 2\n"
               "  lamina reproduce --data data/cifar-10-batches-bin -o runs/reproduce",
        .children = children};
    reproduce_options options = {.common = common_options_start(),
                                 .manifest = DEFAULT_MANIFEST,
                                 .output = DEFAULT_OUTPUT,
                                 .seeds = DEFAULT_SEEDS};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    free(options.only);
    common_options_free(&options.common);
    return exit_status;
}
