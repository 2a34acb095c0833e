/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the study: what its files share. Functions that say "in the caller's transaction" go
 * between lam_sql_begin() and lam_sql_end().
 */
#ifndef LAM_SEARCH_STUDY_H
#define LAM_SEARCH_STUDY_H

#include "lamina/search.h"
#include "search/sql.h"

/* Far more than a file of this kind is good for. */
#define LAM_MAX_CONFIGURATIONS 1000000

struct lam_study {
    lam_context *context;
    lam_sql *sql;
    lam_study_plan plan; /* counts as last read */
    char *recipe_json;   /* plan.recipe */
    char uid[40];
    int shard_index, shard_count;
};

/** True in states of trials that are over. */
bool lam_trial_state_is_over(lam_trial_state state);
/** WAITING for a text that is none. */
lam_trial_state lam_trial_state_find(const char *name);

/** Fails with BAD_STUDY over a part of the file, which `format` names: "its sampler". */
LAM_MUST_USE lam_status lam_study_fail_content(const lam_study *study, const char *format, ...)
    LAM_PRINTF(2, 3);

/* ---- study_plan.c: the plan as rows ---- */

/** Writes the plan into empty tables, in the caller's transaction. */
LAM_MUST_USE lam_status lam_plan_write(lam_sql *sql, const lam_study_plan *plan);

/** Reads plan, uid and shard into `study`, in the caller's transaction. */
LAM_MUST_USE lam_status lam_plan_read(lam_study *study);

/** Reads the counts alone, which others may have raised. */
LAM_MUST_USE lam_status lam_plan_refresh(lam_study *study);

/** The plan's space again, with memory of its own. */
LAM_MUST_USE lam_status lam_plan_read_space(lam_study *study, lam_space *ret_space);

/** Errors: BAD_STUDY, naming what differs, unless the plans agree in all but counts. */
LAM_MUST_USE lam_status lam_plan_compare(const lam_study *study, const lam_study_plan *other);

void lam_plan_free(lam_study *study);

/* ---- study_points.c: configurations ---- */

/** Makes up to `limit` more configurations with their trials, as long as the sampler gives
 * any, in the caller's transaction. Errors: BAD_RECIPE, BAD_ARGUMENT. */
LAM_MUST_USE lam_status lam_study_make_points(lam_study *study, int64_t limit,
                                              int64_t *ret_made);

/** Adds the trials that configurations lack of the study's seeds, in the caller's transaction.
 */
LAM_MUST_USE lam_status lam_study_add_seeds(lam_study *study);

/** How many configurations there are. */
LAM_MUST_USE lam_status lam_study_count_points(lam_study *study, int64_t *ret_count);

/** A configuration's settings, "key=value". lam_settings_free() them. */
LAM_MUST_USE lam_status lam_study_get_settings(lam_study *study, int64_t configuration,
                                               char ***ret_settings, size_t *ret_count);
void lam_settings_free(char **settings, size_t count);

/** Splits the JSON array of a configuration's values; false for anything else. */
bool lam_values_parse(const char *json, size_t count,
                      char (*ret_values)[LAM_PARAMETER_VALUE_BYTES]);

/* ---- study_claim.c, study_report.c, study_population.c: the keeper's functions ---- */

LAM_MUST_USE lam_status lam_study_look(void *user, const lam_worker_identity *worker,
                                       lam_search_look *ret_look);
LAM_MUST_USE lam_status lam_study_claim(void *user, const lam_worker_identity *worker,
                                        int64_t group, size_t limit,
                                        lam_wave_claim **ret_claim);
LAM_MUST_USE lam_status lam_study_report(void *user, const lam_wave_claim *claim,
                                         const lam_wave_report *report, bool *ret_is_held);
LAM_MUST_USE lam_status lam_study_finish(void *user, const lam_wave_claim *claim,
                                         const lam_trial_outcome *outcomes, size_t count,
                                         bool *ret_is_held);
LAM_MUST_USE lam_status lam_study_release(void *user, const lam_wave_claim *claim, bool split);
LAM_MUST_USE lam_status lam_study_set_population(void *user, const lam_worker_identity *worker,
                                                 int64_t group, size_t population,
                                                 const lam_population_speed *speeds,
                                                 size_t speed_count);
LAM_MUST_USE lam_status lam_study_get_median(void *user, const lam_wave_claim *claim,
                                             int64_t step, double *ret_median);

/** How many members waves of the group should have on the device; 0 while unknown. */
LAM_MUST_USE lam_status lam_study_get_population(lam_study *study, const char *device,
                                                 int64_t group, size_t *ret_population);

/** The row of a device, made if missing, in the caller's transaction. */
LAM_MUST_USE lam_status lam_study_find_device(lam_study *study, const char *name,
                                              int64_t *ret_device);

/** Whether nobody works on a wave any more: its lease ran out, or its worker is dead. `rows`
 * holds LAM_WAVE_OWNER from `column` on. */
#define LAM_WAVE_OWNER "lease_until, host, boot_id, pid, process_start, pid_namespace"
bool lam_wave_is_abandoned(sqlite3_stmt *rows, int column);

/** Ends waves whose trials are all over, and marks their files stale, in the caller's
 * transaction. */
LAM_MUST_USE lam_status lam_study_end_waves(lam_study *study);

/** Removes stale files, and then their rows; between transactions. */
LAM_MUST_USE lam_status lam_study_sweep(lam_study *study);

/* ---- study_read.c ---- */

/** Whether the study's patience has run out. */
LAM_MUST_USE lam_status lam_study_check_patience(lam_study *study, bool *ret_is_over);

/** The measurement in columns `column` .. of LAM_METRIC_COLUMNS. */
#define LAM_METRIC_COLUMNS                                                                     \
    "step, epoch, learning_rate, train_loss, train_cost, train_accuracy, validation_loss, "    \
    "validation_cost, validation_accuracy"
lam_measurement lam_metric_read(sqlite3_stmt *rows, int column);

/** A trial's measurements by step, from column 0 on. */
LAM_MUST_USE lam_status lam_metric_query(lam_study *study, int64_t trial,
                                         sqlite3_stmt **ret_rows);

/** What a trial's measurements come to: the newest, and the best so far. Steps are -1 before
 * there is one. */
typedef struct lam_trial_curve {
    lam_measurement latest, best;
} lam_trial_curve;
lam_trial_curve lam_trial_curve_start(void);
void lam_trial_curve_add(lam_trial_curve *curve, const lam_measurement *next);

#endif
