/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

typedef struct ensemble_options {
    common_options common;
    const char **directories;
    size_t directory_count;
    const char *model;
    const char *output; /* NULL: none, "-": stdout */
    bool snapshots;
} ensemble_options;

static void add_directory(ensemble_options *options, struct argp_state *state,
                          const char *directory)
{
    size_t count = options->directory_count + 1;
    const char **grown = realloc(options->directories, count * sizeof *options->directories);
    if (!grown)
        argp_failure(state, EXIT_FAILURE, ENOMEM, "%s", directory);
    options->directories = grown;
    options->directories[options->directory_count++] = directory;
}

static void check_options(const ensemble_options *options, struct argp_state *state)
{
    if (options->directory_count == 0)
        argp_error(state, "name run folders DIR .., e.g. runs/a2-final-1 runs/a2-final-2");
    if (options->directory_count == 1 && !options->snapshots)
        argp_error(state, "one run folder is no ensemble; name more, or ask for its "
                          "--snapshots");
    if (options->snapshots && options->model)
        argp_error(state, "--snapshots and --model exclude each other");
    if (options->common.json && is_stdout(options->output))
        argp_error(state, "--json and -o - exclude each other");
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    ensemble_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, run_children, &options->common);
        return 0;
    case 'o':
        options->output = argument;
        return 0;
    case 'm':
        options->model = argument;
        return 0;
    case 'n':
        options->snapshots = true;
        return 0;
    case ARGP_KEY_ARG:
        add_directory(options, state, argument);
        return 0;
    case ARGP_KEY_END:
        check_options(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status add_runs(lam_context *context, const ensemble_options *options,
                           lam_ensemble *ensemble)
{
    run_data run = {0};
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < options->directory_count && status == LAM_STATUS_OK; i++) {
        const char *directory = options->directories[i];
        status = run_data_load(context, &options->common, directory, &run);
        if (status != LAM_STATUS_OK)
            break;
        status = options->snapshots
                     ? lam_ensemble_add_snapshots(ensemble, &run.recipe, run.dataset, directory)
                     : lam_ensemble_add(ensemble, &run.recipe, run.dataset, directory,
                                        options->model);
    }
    run_data_free(&run);
    return status;
}

/* What all say together, by split; NULL where they have no rows in common. */
typedef struct verdicts {
    lam_predictions *of[LAM_SPLIT_COUNT];
} verdicts;

static lam_status combine(const lam_ensemble *ensemble, verdicts *ret_verdicts)
{
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (lam_ensemble_has_split(ensemble, (lam_split)split)) {
            lam_status status =
                lam_ensemble_combine(ensemble, (lam_split)split, &ret_verdicts->of[split]);
            if (status != LAM_STATUS_OK)
                return status;
        }
    return LAM_STATUS_OK;
}

static json_t *member_to_json(const lam_ensemble_member *member)
{
    json_t *json =
        json_pack("{s:s, s:s}", "directory", member->directory, "model", member->model);
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (member->has_split[split])
            json_object_set_new(json, lam_split_name((lam_split)split),
                                json_real(member->accuracy[split]));
    return json;
}

static json_t *ensemble_to_json(const lam_ensemble *ensemble, const verdicts *all)
{
    json_t *members = json_array(), *vote = json_object(), *mean = json_object(),
           *rows = json_object();
    for (size_t i = 0; i < lam_ensemble_get_member_count(ensemble); i++)
        json_array_append_new(members, member_to_json(lam_ensemble_get_member(ensemble, i)));
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        const lam_predictions *verdict = all->of[split];
        const char *name = lam_split_name((lam_split)split);
        if (!verdict)
            continue;
        json_object_set_new(rows, name, json_integer(verdict->rows));
        json_object_set_new(vote, name, json_real(verdict->vote_accuracy));
        json_object_set_new(mean, name, json_real(verdict->accuracy));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "members", members, "rows", rows, "majority_vote",
                     vote, "mean_probability", mean);
}

static void print_cell(bool exists, double accuracy)
{
    if (exists)
        printf("  %8.2f %%", 100 * accuracy);
    else
        printf("  %10s", "-");
}

static void print_table(const lam_ensemble *ensemble, const verdicts *all)
{
    static const lam_split columns[] = {LAM_SPLIT_VALIDATION, LAM_SPLIT_TEST};
    printf("%-44s  %10s  %10s\n", "accuracy of", "validation", "test");
    for (size_t i = 0; i < lam_ensemble_get_member_count(ensemble); i++) {
        const lam_ensemble_member *member = lam_ensemble_get_member(ensemble, i);
        char name[512];
        snprintf(name, sizeof name, "%s/%s", member->directory, member->model);
        printf("%-44s", name);
        for (int c = 0; c < 2; c++)
            print_cell(member->has_split[columns[c]], member->accuracy[columns[c]]);
        putchar('\n');
    }
    for (int is_mean = 0; is_mean < 2; is_mean++) {
        printf("%-44s", is_mean ? "mean probability" : "majority vote");
        for (int c = 0; c < 2; c++) {
            const lam_predictions *verdict = all->of[columns[c]];
            print_cell(verdict, !verdict  ? 0
                                : is_mean ? verdict->accuracy
                                          : verdict->vote_accuracy);
        }
        putchar('\n');
    }
}

static int print_result(const ensemble_options *options, const lam_ensemble *ensemble,
                        const verdicts *all)
{
    if (is_stdout(options->output))
        return EXIT_SUCCESS;
    if (options->common.json)
        return print_json(ensemble_to_json(ensemble, all));
    print_table(ensemble, all);
    if (options->output)
        printf("file: %s\n", options->output);
    return EXIT_SUCCESS;
}

static int run(lam_context *context, const ensemble_options *options)
{
    lam_device *device = NULL;
    lam_ensemble *ensemble = NULL;
    verdicts all = {0};
    lam_status status = open_device(context, &options->common, &device);
    if (status == LAM_STATUS_OK)
        status = lam_ensemble_create(device, options->common.gemm, &ensemble);
    if (status == LAM_STATUS_OK)
        status = add_runs(context, options, ensemble);
    if (status == LAM_STATUS_OK)
        status = combine(ensemble, &all);
    if (status == LAM_STATUS_OK && options->output)
        status = write_predictions(context, all.of[LAM_SPLIT_TEST], options->output);
    int exit_status = status == LAM_STATUS_OK ? print_result(options, ensemble, &all)
                                              : report_failure(context, status);
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        lam_predictions_destroy(&all.of[split]);
    lam_ensemble_destroy(&ensemble);
    lam_device_close(&device);
    return exit_status;
}

int cmd_ensemble(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"snapshots", 'n', 0, 0,
         "ask all snapshot-*.safetensors of each folder, in place of one model", 1},
        {"model", 'm', "WHICH", 0, model_help, 1},
        {"output", 'o', "FILE", 0,
         "write what the ensemble predicts for each test image; `-' is stdout", 1},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "DIR...",
        .doc =
            "Ask several trained networks together.\v"
            "Prints the accuracy of each network by itself, of their majority vote (among as "
            "many votes the class that is more probable by the mean), and of their mean "
            "probabilities: of the test rows, and of the validation rows where all runs have "
            "the same. The probabilities are those of lamina predict, and so is the file of "
            "-o, by the mean, with the column voted_class besides. Runs may differ in "
            "everything but their test images.\n\n"
            "Examples:\n"
            "  lamina ensemble runs/a2-final-1 runs/a2-final-2 runs/a2-final-3\n"
            "  lamina ensemble runs/a2-final-1 --snapshots --json\n"
            "  lamina ensemble runs/a2-final-* -o predictions.csv",
        .children = run_children};
    ensemble_options options = {.common = common_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    free(options.directories);
    common_options_free(&options.common);
    return exit_status;
}
