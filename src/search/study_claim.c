/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "search/sampler.h"
#include "search/study.h"

/* Of this file's shard. */
#define IS_MINE "t.configuration % ? = ?"
#define BIND_MINE(study) LAM_VALUE((study)->shard_count), LAM_VALUE((study)->shard_index)

/* That no wave has. */
#define IS_FREE "t.state = 'waiting' AND t.wave IS NULL"

/* ---- tasks ---- */

static void free_task(lam_trial_task *task)
{
    lam_settings_free(task->settings, task->setting_count);
}

void lam_search_look_free(lam_search_look *look)
{
    free_task(&look->example);
    *look = (lam_search_look){0};
}

void lam_wave_claim_free(lam_wave_claim **claim)
{
    if (!*claim)
        return;
    for (size_t i = 0; i < (*claim)->count; i++)
        free_task(&(*claim)->tasks[i]);
    free((*claim)->tasks);
    free((*claim)->checkpoint);
    free(*claim);
    *claim = NULL;
}

/* From a row of trial id, configuration and seed index. */
static lam_status fill_task(lam_study *study, sqlite3_stmt *row, lam_trial_task *ret_task)
{
    const int seed_index = sqlite3_column_int(row, 2);
    lam_trial_task task = {.trial = sqlite3_column_int64(row, 0),
                           .configuration = sqlite3_column_int64(row, 1),
                           .seed_index = seed_index,
                           .seed = study->plan.recipe.seed + (uint64_t)seed_index};
    LAM_TRY(
        lam_study_get_settings(study, task.configuration, &task.settings, &task.setting_count));
    *ret_task = task;
    return LAM_STATUS_OK;
}

/* ---- waves that lost their worker ---- */

/* A lease of 0 was given back. One that ran out counts where the worker may be gone: a live one
 * may be busy for long with something that reports nothing, such as compiling. */
bool lam_wave_is_abandoned(sqlite3_stmt *rows, int column)
{
    lam_worker_identity worker = {.pid = sqlite3_column_int64(rows, column + 3),
                                  .process_start = sqlite3_column_int64(rows, column + 4),
                                  .pid_namespace = sqlite3_column_int64(rows, column + 5)};
    double lease_until = sqlite3_column_double(rows, column);
    snprintf(worker.host, sizeof worker.host, "%s", lam_sql_column_text(rows, column + 1));
    snprintf(worker.boot_id, sizeof worker.boot_id, "%s",
             lam_sql_column_text(rows, column + 2));
    lam_worker_life life = lam_worker_identity_find_life(&worker);
    return lease_until == 0 || life == LAM_WORKER_LIFE_DEAD ||
           (life == LAM_WORKER_LIFE_UNKNOWN && lease_until <= lam_clock_get_date());
}

/* The oldest; 0 for none. */
static lam_status find_abandoned(lam_study *study, int64_t *ret_wave)
{
    sqlite3_stmt *rows = NULL;
    int64_t wave = 0;
    lam_status status = lam_sql_query(
        study->sql, "SELECT id, " LAM_WAVE_OWNER " FROM wave WHERE ended IS NULL ORDER BY id",
        LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status))
        if (wave == 0 && lam_wave_is_abandoned(rows, 1))
            wave = sqlite3_column_int64(rows, 0);
    *ret_wave = wave;
    return status;
}

/* ---- looking ---- */

/* The first open trial of a wave, or, with wave 0, the first that no wave has: of the lowest
 * configuration, and of its seeds the lowest. So all trials of some configurations come to
 * their end before those of others begin. `example.trial` is 0 where there is none. */
static lam_status find_example(lam_study *study, int64_t wave, lam_search_look *look)
{
    static const char of_wave[] =
        "SELECT t.id, t.configuration, t.seed_index, c.trial_group FROM trial t"
        " JOIN configuration c ON c.id = t.configuration"
        " WHERE t.wave = ? AND t.finished IS NULL ORDER BY t.configuration LIMIT 1";
    static const char free_ones[] =
        "SELECT t.id, t.configuration, t.seed_index, c.trial_group FROM trial t"
        " JOIN configuration c ON c.id = t.configuration"
        " WHERE " IS_FREE " AND " IS_MINE " ORDER BY t.configuration, t.seed_index LIMIT 1";
    sqlite3_stmt *row = NULL;
    lam_status status =
        wave != 0 ? lam_sql_query(study->sql, of_wave, LAM_BIND(LAM_VALUE(wave)), &row)
                  : lam_sql_query(study->sql, free_ones, LAM_BIND(BIND_MINE(study)), &row);
    while (lam_sql_next(study->sql, row, &status)) {
        look->group = sqlite3_column_int64(row, 3);
        status = fill_task(study, row, &look->example);
    }
    return status;
}

static lam_status count_waiting(lam_study *study, int64_t wave, const lam_search_look *look,
                                int64_t *ret_count)
{
    if (wave != 0)
        return lam_sql_get_integer(
            study->sql, "SELECT count(*) FROM trial WHERE wave = ? AND finished IS NULL",
            LAM_BIND(LAM_VALUE(wave)), ret_count);
    return lam_sql_get_integer(
        study->sql,
        "SELECT count(*) FROM trial t JOIN configuration c"
        " ON c.id = t.configuration WHERE " IS_FREE " AND " IS_MINE
        " AND t.seed_index = ? AND c.trial_group = ?",
        LAM_BIND(BIND_MINE(study), LAM_VALUE(look->example.seed_index), LAM_VALUE(look->group)),
        ret_count);
}

static lam_status count_unmade(lam_study *study, int64_t *ret_count)
{
    LAM_TRY(lam_study_count_points(study, ret_count));
    *ret_count = study->plan.configuration_count - *ret_count;
    return LAM_STATUS_OK;
}

/* The next trials, of those that are made. */
static lam_status find_work(lam_study *study, const lam_worker_identity *worker, int64_t unmade,
                            lam_search_look *look)
{
    int64_t wave = 0, waiting = 0;
    LAM_TRY(find_abandoned(study, &wave));
    LAM_TRY(find_example(study, wave, look));
    if (look->example.trial == 0)
        return LAM_STATUS_OK;
    LAM_TRY(count_waiting(study, wave, look, &waiting));
    look->waiting = (size_t)(wave != 0 ? waiting : waiting + unmade);
    look->outlook = LAM_OUTLOOK_WORK;
    return lam_study_get_population(study, worker->device, look->group, &look->population);
}

/* Nothing waits, and the sampler has nothing to give for now. */
static lam_status judge_idleness(lam_study *study, int64_t unmade, lam_outlook *ret_outlook)
{
    int64_t open = 0;
    LAM_TRY(lam_sql_get_integer(study->sql, "SELECT count(*) FROM wave WHERE ended IS NULL",
                                LAM_BIND_NONE, &open));
    if (open == 0 && unmade > 0)
        return lam_fail(study->context, LAM_STATUS_BAD_STUDY,
                        "%s: the sampler waits for results, but no trial is left to give any; "
                        "start a new study with more configurations at once",
                        study->sql->path);
    *ret_outlook = open > 0 ? LAM_OUTLOOK_WAIT : LAM_OUTLOOK_OVER;
    return LAM_STATUS_OK;
}

/* In a transaction that may write. */
static lam_status make_work(lam_study *study, const lam_worker_identity *worker,
                            lam_search_look *look)
{
    int64_t unmade = 0, made = 0;
    LAM_TRY(lam_study_make_points(study, 1, &made));
    LAM_TRY(count_unmade(study, &unmade));
    return made > 0 ? find_work(study, worker, unmade, look)
                    : judge_idleness(study, unmade, &look->outlook);
}

/* Without `can_write` nothing is made; `*ret_must_write` then says that something should be. */
static lam_status look_around(lam_study *study, const lam_worker_identity *worker,
                              bool can_write, lam_search_look *look, bool *ret_must_write)
{
    bool is_over = false;
    int64_t unmade = 0;
    look->outlook = LAM_OUTLOOK_OVER;
    *ret_must_write = false;
    LAM_TRY(lam_plan_refresh(study));
    LAM_TRY(lam_study_check_patience(study, &is_over));
    if (is_over)
        return LAM_STATUS_OK;
    LAM_TRY(count_unmade(study, &unmade));
    LAM_TRY(find_work(study, worker, unmade, look));
    if (look->outlook == LAM_OUTLOOK_WORK)
        return LAM_STATUS_OK;
    *ret_must_write = unmade > 0 && !can_write;
    if (*ret_must_write)
        return LAM_STATUS_OK;
    return unmade > 0 ? make_work(study, worker, look)
                      : judge_idleness(study, unmade, &look->outlook);
}

lam_status lam_study_look(void *user, const lam_worker_identity *worker,
                          lam_search_look *ret_look)
{
    lam_study *study = user;
    lam_search_look look = {0};
    bool must_write = false;
    LAM_TRY(lam_sql_begin_reading(study->sql));
    lam_status status =
        lam_sql_end(study->sql, look_around(study, worker, false, &look, &must_write));
    if (status == LAM_STATUS_OK && must_write)
        status = lam_sql_begin(study->sql);
    if (status == LAM_STATUS_OK && must_write)
        status = lam_sql_end(study->sql, look_around(study, worker, true, &look, &must_write));
    if (status == LAM_STATUS_OK)
        *ret_look = look;
    else
        lam_search_look_free(&look);
    return status;
}

/* ---- claiming ---- */

/* Whether it had a worker before or not. */
static lam_status take_wave(lam_study *study, const lam_worker_identity *worker, int64_t wave)
{
    int64_t device = 0;
    const double now = lam_clock_get_date();
    LAM_TRY(lam_study_find_device(study, worker->device, &device));
    LAM_TRY(lam_sql_run(
        study->sql,
        "UPDATE wave SET attempt = attempt + 1, worker = ?, host = ?, boot_id = ?, pid = ?,"
        " process_start = ?, pid_namespace = ?, device = ?, lease_until = ?, started = ?"
        " WHERE id = ?",
        LAM_BIND(LAM_VALUE(worker->name), LAM_VALUE(worker->host), LAM_VALUE(worker->boot_id),
                 LAM_VALUE(worker->pid), LAM_VALUE(worker->process_start),
                 LAM_VALUE(worker->pid_namespace), LAM_VALUE(device),
                 LAM_VALUE(now + worker->lease_seconds), LAM_VALUE(now), LAM_VALUE(wave))));
    return lam_sql_run(study->sql,
                       "UPDATE trial SET state = 'running' WHERE wave = ? AND finished IS NULL",
                       LAM_BIND(LAM_VALUE(wave)));
}

/* Which seed the next wave of the group is of; -1 where nothing of it waits. */
static lam_status find_seed(lam_study *study, int64_t group, int64_t *ret_seed_index)
{
    *ret_seed_index = -1;
    return lam_sql_get_integer(
        study->sql,
        "SELECT t.seed_index FROM trial t JOIN configuration c ON c.id = t.configuration"
        " WHERE " IS_FREE " AND " IS_MINE " AND c.trial_group = ?"
        " ORDER BY t.configuration, t.seed_index LIMIT 1",
        LAM_BIND(BIND_MINE(study), LAM_VALUE(group)), ret_seed_index);
}

/* A sampler that learns makes its configurations when there is room for them. */
static lam_status fill_up(lam_study *study, int64_t group, int64_t seed_index, size_t limit)
{
    const lam_search_look look = {.group = group, .example.seed_index = (int)seed_index};
    int64_t waiting = 0, made = 0;
    if (lam_sampler_is_pure(study->plan.sampler))
        return LAM_STATUS_OK;
    LAM_TRY(count_waiting(study, 0, &look, &waiting));
    return (size_t)waiting < limit
               ? lam_study_make_points(study, (int64_t)limit - waiting, &made)
               : LAM_STATUS_OK;
}

/* `*ret_wave` 0: others were faster. */
static lam_status make_wave(lam_study *study, int64_t group, size_t limit, int64_t *ret_wave)
{
    int64_t seed_index = -1;
    LAM_TRY(find_seed(study, group, &seed_index));
    if (seed_index < 0)
        return LAM_STATUS_OK;
    LAM_TRY(fill_up(study, group, seed_index, limit));
    LAM_TRY(lam_sql_run(study->sql, "INSERT INTO wave (trial_group, seed_index) VALUES (?, ?)",
                        LAM_BIND(LAM_VALUE(group), LAM_VALUE(seed_index))));
    *ret_wave = sqlite3_last_insert_rowid(study->sql->handle);
    return lam_sql_run(
        study->sql,
        "UPDATE trial SET wave = ? WHERE id IN"
        " (SELECT t.id FROM trial t JOIN configuration c ON c.id = t.configuration"
        "  WHERE " IS_FREE " AND " IS_MINE " AND t.seed_index = ? AND c.trial_group = ?"
        "  ORDER BY t.configuration LIMIT ?)",
        LAM_BIND(LAM_VALUE(*ret_wave), BIND_MINE(study), LAM_VALUE(seed_index),
                 LAM_VALUE(group), LAM_VALUE(limit)));
}

/* The newest checkpoint that is there: a power cut may take back rows, but not files. */
static lam_status find_checkpoint(lam_study *study, int64_t wave, char **ret_path)
{
    sqlite3_stmt *rows = NULL;
    char *path = NULL;
    lam_status status = lam_sql_query(study->sql,
                                      "SELECT path FROM artifact WHERE wave = ?"
                                      " AND kind = 'checkpoint' AND NOT is_stale"
                                      " ORDER BY step DESC",
                                      LAM_BIND(LAM_VALUE(wave)), &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        const char *text = lam_sql_column_text(rows, 0);
        if (path || access(text, R_OK) != 0)
            continue;
        path = strdup(text);
        if (!path)
            status = lam_fail_memory(study->context, text, strlen(text));
    }
    *ret_path = path;
    return status;
}

static lam_status fill_tasks(lam_study *study, lam_wave_claim *claim)
{
    int64_t count = 0;
    sqlite3_stmt *rows = NULL;
    const lam_search_look look = {0};
    LAM_TRY(count_waiting(study, claim->wave, &look, &count));
    claim->tasks = calloc((size_t)count, sizeof *claim->tasks);
    if (!claim->tasks)
        return lam_fail_memory(study->context, "a wave", (size_t)count);
    lam_status status = lam_sql_query(
        study->sql,
        "SELECT id, configuration, seed_index FROM trial WHERE wave = ? AND finished IS NULL"
        " ORDER BY configuration",
        LAM_BIND(LAM_VALUE(claim->wave)), &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        status = fill_task(study, rows, &claim->tasks[claim->count]);
        claim->count += status == LAM_STATUS_OK;
    }
    return status;
}

static lam_status fill_claim(lam_study *study, lam_wave_claim *claim)
{
    sqlite3_stmt *row = NULL;
    lam_status status =
        lam_sql_query(study->sql, "SELECT attempt, pruned_step FROM wave WHERE id = ?",
                      LAM_BIND(LAM_VALUE(claim->wave)), &row);
    while (lam_sql_next(study->sql, row, &status)) {
        claim->attempt = sqlite3_column_int(row, 0);
        claim->pruned_step = sqlite3_column_int64(row, 1);
    }
    LAM_TRY(status);
    LAM_TRY(find_checkpoint(study, claim->wave, &claim->checkpoint));
    return fill_tasks(study, claim);
}

static lam_status claim_any(lam_study *study, const lam_worker_identity *worker, int64_t group,
                            size_t limit, lam_wave_claim *claim)
{
    bool is_over = false;
    LAM_TRY(lam_plan_refresh(study));
    LAM_TRY(lam_study_check_patience(study, &is_over));
    if (is_over)
        return LAM_STATUS_OK;
    LAM_TRY(find_abandoned(study, &claim->wave));
    if (claim->wave == 0)
        LAM_TRY(make_wave(study, group, limit, &claim->wave));
    if (claim->wave == 0)
        return LAM_STATUS_OK;
    LAM_TRY(take_wave(study, worker, claim->wave));
    return fill_claim(study, claim);
}

lam_status lam_study_claim(void *user, const lam_worker_identity *worker, int64_t group,
                           size_t limit, lam_wave_claim **ret_claim)
{
    lam_study *study = user;
    if (limit == 0 || !(worker->lease_seconds > 0))
        return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT,
                        "a claim of %zu trials for %g s; both must be above 0", limit,
                        worker->lease_seconds);
    lam_wave_claim *claim = calloc(1, sizeof *claim);
    if (!claim)
        return lam_fail_memory(study->context, "a wave", sizeof *claim);
    claim->lease_seconds = worker->lease_seconds;
    lam_status status = lam_sql_begin(study->sql);
    if (status == LAM_STATUS_OK)
        status = lam_sql_end(study->sql, claim_any(study, worker, group, limit, claim));
    if (status != LAM_STATUS_OK || claim->wave == 0)
        lam_wave_claim_free(&claim);
    if (status == LAM_STATUS_OK)
        *ret_claim = claim;
    return status;
}
