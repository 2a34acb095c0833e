/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

typedef struct run_options {
    common_options common;
    const char *study;
    plan_options plan; /* counts alone */
    work_options work;
    bool has_mpi;
    int shard_index, shard_count; /* 0 of 0: the study's own file */
    char shard_path[PATH_MAX];
} run_options;

enum { OPTION_MPI = 720, OPTION_SHARD };

static const struct argp_child children[] = {
    {&study_argp, 0, NULL, 0}, {&device_argp, 0, NULL, 0},
    {&data_argp, 0, NULL, 0},  {&tune_argp, 0, NULL, 0},
    {&json_argp, 0, NULL, 0},  {&count_argp, 0, NULL, 0},
    {&work_argp, 0, NULL, 0},  {0}};

static void parse_shard(const struct argp_state *state, const char *text, run_options *options)
{
    char rest;
    bool is_legal =
        sscanf(text, "%d/%d%c", &options->shard_index, &options->shard_count, &rest) == 2 &&
        options->shard_index >= 0 && options->shard_index < options->shard_count;
    if (!is_legal)
        argp_error(state, "--shard %s: legal: I/N with I from 0 to N - 1", text);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    run_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        state->child_inputs[0] = &options->study;
        state->child_inputs[5] = &options->plan;
        state->child_inputs[6] = &options->work;
        return 0;
    case 'q':
        options->common.quiet = true;
        return 0;
    case OPTION_MPI:
        options->has_mpi = true;
        return 0;
    case OPTION_SHARD:
        parse_shard(state, argument, options);
        return 0;
    case ARGP_KEY_END:
        if (options->has_mpi && options->shard_count > 0)
            argp_error(state, "--mpi and --shard exclude each other: ranks share one file");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A count that was not given is 1, which is no more than there is. */
static lam_status extend(lam_study *study, const plan_options *plan)
{
    return plan->trials > 0 || plan->seeds > 0
               ? lam_study_extend(study, plan->trials > 0 ? plan->trials : 1,
                                  plan->seeds > 0 ? plan->seeds : 1)
               : LAM_STATUS_OK;
}

static int print_outcome(lam_context *context, const run_options *options)
{
    lam_study_view *view = NULL;
    char line[512];
    lam_status status = lam_study_load_view(context, options->study, &view);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (options->common.json) {
        print_json(study_to_json(view));
    } else {
        format_study(view, line, sizeof line);
        puts(line);
    }
    lam_study_view_free(&view);
    return EXIT_SUCCESS;
}

/* "study.db" has the shards "study.shard-0-of-4.db" and so on. */
static void name_shard(const run_options *options, char path[PATH_MAX])
{
    const char *slash = strrchr(options->study, '/'), *dot = strrchr(options->study, '.');
    bool has_ending = dot && (!slash || dot > slash);
    int length = (int)(has_ending ? dot - options->study : (long)strlen(options->study));
    snprintf(path, PATH_MAX, "%.*s.shard-%d-of-%d%s", length, options->study,
             options->shard_index, options->shard_count, has_ending ? dot : "");
}

/* The study is as large as asked for; with --shard its shard is what is worked on. */
static lam_status prepare(lam_context *context, run_options *options)
{
    lam_study *study = NULL;
    lam_status status = lam_study_open(context, options->study, &study);
    if (status == LAM_STATUS_OK)
        status = extend(study, &options->plan);
    if (status == LAM_STATUS_OK && options->shard_count > 0) {
        name_shard(options, options->shard_path);
        status = lam_study_make_shard(study, options->shard_path, options->shard_index,
                                      options->shard_count);
        options->study = options->shard_path;
    }
    lam_study_close(&study);
    return status;
}

/* Rank 0 is of use to others without any device of its own. A failure has been said. */
static lam_status work(lam_context *context, const run_options *options)
{
    const search_ranks *ranks = &options->work.ranks;
    const process_share share = options->has_mpi ? ranks->share : (process_share){0, 1};
    device_set devices = {0};
    lam_status status = open_device_set(context, &options->common, share, &devices);
    if (status == LAM_STATUS_OK || (ranks->rank == 0 && ranks->size > 1))
        status =
            work_on_study(context, &devices, &options->common, options->study, &options->work);
    device_set_close(&devices);
    return status;
}

static int run(lam_context *context, run_options *options)
{
    const bool has_file = options->work.ranks.rank == 0;
    lam_status status = has_file ? prepare(context, options) : LAM_STATUS_OK;
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    status = work(context, options);
    if (status != LAM_STATUS_OK)
        return lam_status_exit_code(status);
    return has_file ? print_outcome(context, options) : EXIT_SUCCESS;
}

/* Among the processes that mpirun started, if that was asked for. */
static int run_in_place(lam_context *context, run_options *options)
{
    if (!options->has_mpi)
        return run(context, options);
    lam_status status = search_mpi_start(&options->work.ranks);
    if (status != LAM_STATUS_OK)
        return lam_status_exit_code(status);
    int exit_status = run(context, options);
    fflush(stdout);
    search_mpi_end(exit_status);
    return exit_status;
}

int search_run(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"mpi", OPTION_MPI, 0, 0,
         "work together with the other processes that mpirun started: rank 0 alone opens "
         "STUDY, and those of one machine share the devices of --device out",
         2},
        {"shard", OPTION_SHARD, "I/N", 0,
         "work on part I = 0 .. N-1 of N, in a file of its own beside STUDY: "
         "study.shard-I-of-N.db of study.db; bring them together with: lamina search merge",
         2},
        {"quiet", 'q', 0, 0, "no progress", 3},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "STUDY",
        .doc = "Train what waits in a study, until nothing does. Any number of processes may "
               "do so at once. Trials of one seed are trained side by side as one wide network "
               "where that is faster. Whatever ends a process, its trials go on elsewhere from "
               "their last checkpoint; Ctrl-C gives them back at once.\v"
               "--device takes several devices, each with a thread of its own: all, a list as "
               "0,2, or the parts of one as cpu/2. --trials and --seeds let the study grow "
               "first.\n\n"
               "Examples:\n"
               "  lamina search run study.db\n"
               "  lamina search run study.db --trials 40 --seeds 3\n"
               "  lamina search run study.db --device all\n"
               "  lamina search resume study.db --device gpu --population 64\n"
               "  mpirun --enable-recovery -n 4 lamina search run study.db --mpi\n"
               "  lamina search run study.db --shard $SLURM_ARRAY_TASK_ID/16",
        .children = children};
    run_options options = {.common = common_options_start(), .plan = plan_options_start()};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run_in_place(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
