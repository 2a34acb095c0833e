/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the subcommands of `lamina search` share, and `lamina lambda-search` with them.
 */
#ifndef LAM_TOOLS_SEARCH_H
#define LAM_TOOLS_SEARCH_H

#include "search_mpi.h"
#include "tool.h"

tool_command search_bench;
tool_command search_best;
tool_command search_export;
tool_command search_merge;
tool_command search_new;
tool_command search_refine;
tool_command search_retrain;
tool_command search_retry;
tool_command search_run;
tool_command search_status;
tool_command search_watch;

/* ---- search_options.c ---- */

/** The first argument of these commands, a study's file, without which there is a usage error;
 * its input is a `const char *`. */
extern const struct argp study_argp;

/** Options that say how a study begins: all but its recipe. */
typedef struct plan_options {
    const char *spaces[LAM_MAX_PARAMETERS];
    size_t space_count;
    lam_sampler sampler;
    int64_t trials; /* configurations; 0: not given */
    int seeds;      /* 0: not given */
    uint64_t seed;
    lam_objective objective;
    lam_pruning pruning;
    int patience;
} plan_options;
/** --sampler, --objective, --prune, --patience, --sampler-seed; its input is a plan_options. */
extern const struct argp plan_argp;
/** --trials and --seeds; its input is a plan_options. */
extern const struct argp count_argp;
plan_options plan_options_start(void);

/** Reads "1se", "top:5" or "best2:1e-4", or ends the program with a usage error. */
lam_narrowing parse_narrowing(const struct argp_state *state, const char *text);

/* ---- search_work.c ---- */

/** How this process works on a study. */
typedef struct work_options {
    size_t population;
    double lease_seconds;
    int max_consecutive_failures;
    bool fail_fast;
    search_ranks ranks; /* all zero without MPI */
} work_options;
/** --population, --lease, --max-consecutive-failures, --fail-fast; its input is a
 * work_options. */
extern const struct argp work_argp;

/** Works on a study until it is over, on all devices at once, with progress on stderr. A
 * failure has been said. */
LAM_MUST_USE lam_status work_on_study(lam_context *context, const device_set *devices,
                                      const common_options *common, const char *path,
                                      const work_options *options);

/* ---- search_text.c ---- */

/** "l2=0.003 batch=50": a configuration's values. */
void format_values(const lam_study_view *view, const lam_configuration *configuration,
                   char *text, size_t bytes);
/** {"l2": "0.003", "batch": "50"}: those that apply. */
json_t *values_to_json(const lam_study_view *view, const lam_configuration *configuration);
/** "trials 12/60, 8 running, .., best 52.31 % (l2=0.003), 1.9 models/s, ETA 00:31" */
void format_study(const lam_study_view *view, char *text, size_t bytes);
/** How far a study is. */
json_t *study_to_json(const lam_study_view *view);
/** The value an objective is shown as: percent for accuracies. */
double scale_objective(lam_objective objective, double value);
/** The trials of one table, best first: the form that the reports print. */
void print_trials(const lam_study_view *view, const char *title);
/** Ranks with statistics; at most `limit` rows (0: all). */
void print_ranking(const lam_study_view *view, const lam_ranking *ranking, size_t limit);

/** The same as an array; at most `limit` (0: all). */
json_t *ranking_to_json(const lam_study_view *view, const lam_ranking *ranking, size_t limit);

/* ---- search_export.c ---- */

/** Calls for every trial in the order of configurations and seeds. */
typedef lam_status trial_function(void *user, const lam_study_view *view,
                                  const lam_configuration *configuration,
                                  const lam_trial *trial);
LAM_MUST_USE lam_status for_each_trial(const lam_study_view *view, trial_function *function,
                                       void *user);
/** A study and all of its trials, with `curves` all of their measurements; json_decref() it. */
LAM_MUST_USE lam_status export_study_as_json(lam_context *context, lam_study *study,
                                             const lam_study_view *view, bool curves,
                                             json_t **ret_json);

/* ---- search_retrain.c ---- */

/** The recipe of a configuration, or with -1 of the pick, with further settings on it. */
LAM_MUST_USE lam_status get_best_recipe(lam_context *context, lam_study *study,
                                        int64_t configuration, const char *const *settings,
                                        size_t setting_count, lam_recipe *ret_recipe);

/* ---- cmd_lambda_search.c ---- */

/** What `lamina lambda-search` does with a preset, into a folder that may be from an earlier
 * call, with progress but without results on stdout. Returns the exit status; a failure has
 * been said. */
int run_lambda_search(lam_context *context, const common_options *common,
                      const lam_recipe *recipe, const char *preset, const char *directory);

#endif
