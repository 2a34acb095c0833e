/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "search/study.h"

/* How much a trial's state says: what says more replaces what says less. */
#define WEIGHT(state)                                                                          \
    "(CASE " state " WHEN 'waiting' THEN 0 WHEN 'running' THEN 0 WHEN 'failed' THEN 1"         \
    " WHEN 'done' THEN 3 ELSE 2 END)"

/* Trials t of this file and o of the other. */
#define IS_BETTER_THERE                                                                        \
    "o.configuration = t.configuration AND o.seed_index = t.seed_index AND " WEIGHT(           \
        "o.state") " > " WEIGHT("t.state")

/* ---- whether the files belong together ---- */

static lam_status check_same_study(const lam_study *study, const lam_study *other)
{
    if (strcmp(study->uid, other->uid) != 0)
        return lam_fail(study->context, LAM_STATUS_BAD_STUDY,
                        "%s is another study than %s; only copies and shards of one study can "
                        "be merged",
                        other->sql->path, study->sql->path);
    return lam_plan_compare(study, &other->plan);
}

/* Opening it also brings its tables up to date. */
static lam_status check_other(const lam_study *study, const char *path)
{
    lam_study *other = NULL;
    LAM_TRY(lam_study_open(study->context, path, &other));
    lam_status status = check_same_study(study, other);
    lam_study_close(&other);
    return status;
}

/* A sampler that learns goes its own way in each file. */
static lam_status check_configurations(lam_study *study, const char *path)
{
    int64_t index = -1;
    LAM_TRY(lam_sql_get_integer(
        study->sql,
        "SELECT o.id FROM other.configuration o JOIN main.configuration c"
        " ON c.id = o.id WHERE c.parameter_values <> o.parameter_values ORDER BY o.id LIMIT 1",
        LAM_BIND_NONE, &index));
    if (index < 0)
        return LAM_STATUS_OK;
    return lam_fail(study->context, LAM_STATUS_BAD_STUDY,
                    "configuration %lld of %s is another one than in %s: its sampler went on "
                    "from other results; go on with one of the two files",
                    (long long)index, path, study->sql->path);
}

/* ---- taking over ---- */

static lam_status take_configurations(lam_study *study)
{
    LAM_TRY(lam_sql_run(study->sql,
                        "UPDATE main.study SET"
                        " configuration_count = max(main.study.configuration_count,"
                        "  o.configuration_count),"
                        " seed_count = max(main.study.seed_count, o.seed_count)"
                        " FROM other.study o",
                        LAM_BIND_NONE));
    LAM_TRY(lam_sql_run(study->sql,
                        "INSERT OR IGNORE INTO main.trial_group (recipe)"
                        " SELECT recipe FROM other.trial_group ORDER BY id",
                        LAM_BIND_NONE));
    LAM_TRY(lam_sql_run(study->sql,
                        "INSERT INTO main.configuration (id, trial_group, parameter_values,"
                        "  repetition, unit)"
                        " SELECT o.id, g.id, o.parameter_values, o.repetition, o.unit FROM "
                        "other.configuration o"
                        " JOIN other.trial_group og ON og.id = o.trial_group"
                        " JOIN main.trial_group g ON g.recipe = og.recipe"
                        " WHERE o.id NOT IN (SELECT id FROM main.configuration) ORDER BY o.id",
                        LAM_BIND_NONE));
    LAM_TRY(lam_plan_refresh(study));
    return lam_study_add_seeds(study);
}

static lam_status take_metrics(lam_study *study)
{
    LAM_TRY(lam_sql_run(study->sql,
                        "DELETE FROM main.metric WHERE trial IN (SELECT t.id FROM main.trial t"
                        " JOIN other.trial o ON " IS_BETTER_THERE ")",
                        LAM_BIND_NONE));
    return lam_sql_run(study->sql,
                       "INSERT INTO main.metric (trial, " LAM_METRIC_COLUMNS ")"
                       " SELECT mine, " LAM_METRIC_COLUMNS " FROM other.metric JOIN"
                       " (SELECT t.id AS mine, o.id AS theirs FROM main.trial t"
                       "  JOIN other.trial o ON " IS_BETTER_THERE ") ON theirs = trial",
                       LAM_BIND_NONE);
}

static lam_status take_trials(lam_study *study, int64_t *ret_count)
{
    LAM_TRY(lam_sql_run(study->sql,
                        "INSERT OR IGNORE INTO main.device (name)"
                        " SELECT name FROM other.device ORDER BY id",
                        LAM_BIND_NONE));
    LAM_TRY(
        lam_sql_run(study->sql,
                    "UPDATE main.trial AS t SET state = o.state, wave = NULL, step = o.step,"
                    " objective = o.objective, seconds = o.seconds, message = o.message,"
                    " finished = o.finished, device = (SELECT d.id FROM main.device d"
                    "  JOIN other.device od ON od.name = d.name WHERE od.id = o.device)"
                    " FROM other.trial o WHERE " IS_BETTER_THERE,
                    LAM_BIND_NONE));
    *ret_count = lam_sql_count_changes(study->sql);
    return LAM_STATUS_OK;
}

static lam_status merge(lam_study *study, const char *path, int64_t *ret_merged)
{
    LAM_TRY(check_configurations(study, path));
    LAM_TRY(take_configurations(study));
    LAM_TRY(take_metrics(study));
    LAM_TRY(take_trials(study, ret_merged));
    return lam_study_end_waves(study);
}

static lam_status merge_in_transaction(lam_study *study, const char *path, int64_t *ret_merged)
{
    LAM_TRY(lam_sql_begin(study->sql));
    return lam_sql_end(study->sql, merge(study, path, ret_merged));
}

lam_status lam_study_merge(lam_study *study, const char *other_path, int64_t *ret_merged)
{
    int64_t merged = 0;
    LAM_TRY(check_other(study, other_path));
    LAM_TRY(lam_sql_run(study->sql, "ATTACH ? AS other", LAM_BIND(LAM_VALUE(other_path))));
    lam_status status = merge_in_transaction(study, other_path, &merged);
    lam_status detached = lam_sql_run(study->sql, "DETACH other", LAM_BIND_NONE);
    LAM_TRY(status);
    LAM_TRY(detached);
    *ret_merged = merged;
    return lam_study_sweep(study);
}
