/* SPDX-License-Identifier: Apache-2.0 */
#include "search/study.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "search/sampler.h"
#include "search/schema.h"

lam_status lam_study_fail_content(const lam_study *study, const char *format, ...)
{
    char what[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return lam_fail(study->context, LAM_STATUS_BAD_STUDY,
                    "%s: %s is not what Lamina writes; take a copy from before",
                    study->sql->path, what);
}

/* ---- opening ---- */

static lam_status fail_missing(lam_sql *sql)
{
    return lam_fail(sql->context, LAM_STATUS_BAD_STUDY,
                    "%s: no study yet: the file is empty; check the path, or start the study "
                    "that should be there",
                    sql->path);
}

/* Waits for others that do the same: SQLite itself gives up at once here. */
static lam_status set_journal(lam_sql *sql)
{
    int code = SQLITE_BUSY;
    for (int i = 0; i < LAM_SQL_LOCK_SECONDS * 100 && code == SQLITE_BUSY; i++) {
        code = sqlite3_exec(sql->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) & 0xff;
        if (code == SQLITE_BUSY)
            sqlite3_sleep(10);
    }
    if (code != SQLITE_OK && code != SQLITE_READONLY)
        return lam_sql_fail(sql, code);
    /* What a process that is killed has committed stays, and no crash of the machine damages
     * the file; a power cut may take back the last commits, whose trials are then trained
     * again. In exchange no commit waits for the disk. */
    return lam_sql_execute(sql, "PRAGMA synchronous = NORMAL");
}

static lam_status migrate(lam_sql *sql)
{
    LAM_TRY(lam_sql_begin(sql));
    return lam_sql_end(sql, lam_schema_migrate(sql, lam_schema_steps));
}

static lam_status open_study(lam_study *study)
{
    int version = 0;
    LAM_TRY(lam_schema_check(study->sql, lam_schema_steps, &version));
    if (version == 0)
        return fail_missing(study->sql);
    LAM_TRY(set_journal(study->sql));
    if (version < LAM_STUDY_SCHEMA_VERSION)
        LAM_TRY(migrate(study->sql));
    LAM_TRY(lam_sql_begin_reading(study->sql));
    return lam_sql_end(study->sql, lam_plan_read(study));
}

/* A study that knows nothing but its connection. */
static lam_status connect(lam_context *context, const char *path, bool creates,
                          lam_study **ret_study)
{
    lam_study *study = calloc(1, sizeof *study);
    if (!study)
        return lam_fail_memory(context, path, sizeof *study);
    study->context = context;
    lam_status status = lam_sql_open(context, path, creates, &study->sql);
    if (status == LAM_STATUS_OK)
        *ret_study = study;
    else
        lam_study_close(&study);
    return status;
}

lam_status lam_study_open(lam_context *context, const char *path, lam_study **ret_study)
{
    lam_study *study = NULL;
    LAM_TRY(connect(context, path, false, &study));
    lam_status status = open_study(study);
    if (status == LAM_STATUS_OK)
        *ret_study = study;
    else
        lam_study_close(&study);
    return status;
}

void lam_study_close(lam_study **study)
{
    if (!*study)
        return;
    lam_plan_free(*study);
    lam_sql_close(&(*study)->sql);
    free(*study);
    *study = NULL;
}

/* ---- growing ---- */

/* In a transaction. */
static lam_status raise_counts(lam_study *study, int64_t configuration_count, int seed_count)
{
    int64_t made = 0;
    LAM_TRY(lam_sql_run(study->sql,
                        "UPDATE study SET configuration_count = max(configuration_count, ?),"
                        " seed_count = max(seed_count, ?)",
                        LAM_BIND(LAM_VALUE(configuration_count), LAM_VALUE(seed_count))));
    LAM_TRY(lam_plan_refresh(study));
    LAM_TRY(lam_study_add_seeds(study));
    if (lam_sampler_is_pure(study->plan.sampler))
        return lam_study_make_points(study, INT64_MAX, &made);
    /* The first one asks for no results, and shows whether the recipe has the space's keys. */
    LAM_TRY(lam_study_count_points(study, &made));
    return made == 0 ? lam_study_make_points(study, 1, &made) : LAM_STATUS_OK;
}

static lam_status check_counts(lam_context *context, int64_t configuration_count,
                               int seed_count)
{
    if (configuration_count >= 1 && configuration_count <= LAM_MAX_CONFIGURATIONS &&
        seed_count >= 1 && seed_count <= LAM_MAX_SEEDS)
        return LAM_STATUS_OK;
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "a study of %lld configurations with %d seeds each; legal are 1 to %d, and "
                    "1 to %d seeds",
                    (long long)configuration_count, seed_count, LAM_MAX_CONFIGURATIONS,
                    LAM_MAX_SEEDS);
}

lam_status lam_study_extend(lam_study *study, int64_t configuration_count, int seed_count)
{
    LAM_TRY(check_counts(study->context, configuration_count, seed_count));
    LAM_TRY(lam_sql_begin(study->sql));
    return lam_sql_end(study->sql, raise_counts(study, configuration_count, seed_count));
}

/* ---- creating ---- */

static lam_status check_pruning(lam_context *context, const lam_pruning *pruning)
{
    if (pruning->type == LAM_PRUNING_HALVING &&
        !(pruning->factor > 1 && isfinite(pruning->factor)))
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "halving by %g; legal: a number above 1", pruning->factor);
    if (pruning->type == LAM_PRUNING_MEDIAN && pruning->min_trials < 1)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a median of at least %d trials; legal: 1 and more",
                        pruning->min_trials);
    return LAM_STATUS_OK;
}

static lam_status check_plan(lam_context *context, const lam_study_plan *plan)
{
    const lam_data_options *data = &plan->recipe.data;
    LAM_TRY(check_counts(context, plan->configuration_count, plan->seed_count));
    if (data->validation_files == 0 && data->validation_count == 0)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "%s: trials are ranked by validation rows, but the recipe has none; "
                        "give data.validation_count or data.validation_files",
                        plan->recipe.name);
    if (plan->space.count == 0)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a study varies nothing; give a parameter, as in l2=log:1e-5..1e-1");
    LAM_TRY(check_pruning(context, &plan->pruning));
    return lam_sampler_check(context, &plan->space, plan->sampler);
}

/* In a transaction, so that the file is a whole study or none. */
static lam_status write_or_compare(lam_study *study, const lam_study_plan *plan)
{
    int version = 0;
    LAM_TRY(lam_schema_check(study->sql, lam_schema_steps, &version));
    LAM_TRY(lam_schema_migrate(study->sql, lam_schema_steps));
    if (version == 0)
        LAM_TRY(lam_plan_write(study->sql, plan));
    LAM_TRY(lam_plan_read(study));
    LAM_TRY(lam_plan_compare(study, plan));
    return raise_counts(study, plan->configuration_count, plan->seed_count);
}

static lam_status create_study(lam_study *study, const lam_study_plan *plan)
{
    int version = 0;
    /* Before the journal's mode is set: another program's file is to stay as it is. */
    LAM_TRY(lam_schema_check(study->sql, lam_schema_steps, &version));
    LAM_TRY(set_journal(study->sql));
    LAM_TRY(lam_sql_begin(study->sql));
    return lam_sql_end(study->sql, write_or_compare(study, plan));
}

static lam_status create_folder(lam_context *context, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return LAM_STATUS_OK;
    char *folder = strndup(path, (size_t)(slash - path));
    lam_status status = folder ? lam_directory_create(context, folder)
                               : lam_fail_memory(context, "a path", strlen(path));
    free(folder);
    return status;
}

lam_status lam_study_create(lam_context *context, const char *path, const lam_study_plan *plan,
                            lam_study **ret_study)
{
    lam_study *study = NULL;
    LAM_TRY(check_plan(context, plan));
    LAM_TRY(create_folder(context, path));
    LAM_TRY(connect(context, path, true, &study));
    lam_status status = create_study(study, plan);
    if (status == LAM_STATUS_OK)
        *ret_study = study;
    else
        lam_study_close(&study);
    return status;
}

/* ---- checking ---- */

/* Rows of a check are its findings; integrity_check gives one "ok" where there are none. */
static lam_status run_check(lam_study *study, const char *pragma, lam_strbuf *findings)
{
    sqlite3_stmt *rows = NULL;
    lam_status status = lam_sql_query(study->sql, pragma, LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        const char *text = lam_sql_column_text(rows, 0);
        if (strcmp(text, "ok") != 0 && findings->length < 1000)
            lam_strbuf_append(findings, "%s%s", findings->length ? "; " : "", text);
    }
    return status;
}

lam_status lam_study_verify(lam_study *study)
{
    lam_strbuf findings = {0};
    lam_status status = run_check(study, "PRAGMA integrity_check(10)", &findings);
    if (status == LAM_STATUS_OK)
        status = run_check(study,
                           "SELECT 'a row of ' || \"table\" || ' belongs to none of ' || parent"
                           " FROM pragma_foreign_key_check LIMIT 10",
                           &findings);
    if (status == LAM_STATUS_OK && findings.length > 0)
        status = lam_fail(study->context, LAM_STATUS_BAD_STUDY,
                          "%s: damaged: %s; take a copy from before, or rescue what can be "
                          "read with: sqlite3 FILE .recover",
                          study->sql->path, findings.text);
    lam_strbuf_free(&findings);
    return status;
}

/* ---- trying again ---- */

static lam_status retry(lam_study *study, bool all, int64_t *ret_count)
{
    LAM_TRY(lam_sql_run(study->sql,
                        "DELETE FROM metric WHERE trial IN (SELECT id FROM trial"
                        " WHERE state = 'failed' OR (? AND state IN ('diverged', 'pruned')))",
                        LAM_BIND(LAM_VALUE(all))));
    LAM_TRY(lam_sql_run(study->sql,
                        "UPDATE trial SET state = 'waiting', wave = NULL, step = NULL,"
                        " seconds = NULL, message = '', device = NULL, finished = NULL"
                        " WHERE state = 'failed' OR (? AND state IN ('diverged', 'pruned'))",
                        LAM_BIND(LAM_VALUE(all))));
    *ret_count = lam_sql_count_changes(study->sql);
    return LAM_STATUS_OK;
}

lam_status lam_study_retry(lam_study *study, bool all, int64_t *ret_count)
{
    int64_t count = 0;
    LAM_TRY(lam_sql_begin(study->sql));
    LAM_TRY(lam_sql_end(study->sql, retry(study, all, &count)));
    *ret_count = count;
    return LAM_STATUS_OK;
}

/* ---- the keeper ---- */

static const lam_study_plan *get_plan(void *user)
{
    const lam_study *study = user;
    return &study->plan;
}

lam_search_keeper lam_study_get_keeper(lam_study *study)
{
    return (lam_search_keeper){.user = study,
                               .get_plan = get_plan,
                               .look = lam_study_look,
                               .claim = lam_study_claim,
                               .report = lam_study_report,
                               .finish = lam_study_finish,
                               .release = lam_study_release,
                               .set_population = lam_study_set_population,
                               .get_median = lam_study_get_median};
}
