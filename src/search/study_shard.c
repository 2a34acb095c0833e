/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "search/sampler.h"
#include "search/study.h"

static lam_status check_request(const lam_study *study, int index, int count)
{
    if (index < 0 || index >= count)
        return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT,
                        "shard %d of %d; legal are 0 to the number of shards less 1", index,
                        count);
    if (study->shard_count > 1)
        return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT,
                        "%s is itself shard %d of %d; make shards of the whole study",
                        study->sql->path, study->shard_index, study->shard_count);
    if (!lam_sampler_is_pure(study->plan.sampler))
        return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT,
                        "%s: its sampler learns from results, and a shard sees its own alone; "
                        "let all workers use the one file, or take another sampler",
                        study->sql->path);
    return LAM_STATUS_OK;
}

/* What is there already. */
static lam_status check_shard(const lam_study *study, const char *path, int index, int count)
{
    lam_study *shard = NULL;
    LAM_TRY(lam_study_open(study->context, path, &shard));
    bool is_it = strcmp(shard->uid, study->uid) == 0 && shard->shard_index == index &&
                 shard->shard_count == count;
    lam_study_close(&shard);
    return is_it ? LAM_STATUS_OK
                 : lam_fail(study->context, LAM_STATUS_BAD_STUDY,
                            "%s is there and not shard %d of %d of %s; choose another path",
                            path, index, count, study->sql->path);
}

/* The whole study's workers go on with what they have; here it waits. */
static lam_status make_own(lam_sql *sql, int index, int count)
{
    LAM_TRY(lam_sql_execute(sql, "DELETE FROM artifact"));
    LAM_TRY(lam_sql_execute(
        sql,
        "DELETE FROM metric WHERE trial IN (SELECT id FROM trial WHERE finished IS NULL)"));
    LAM_TRY(lam_sql_execute(
        sql, "UPDATE trial SET state = 'waiting', wave = NULL WHERE finished IS NULL"));
    LAM_TRY(lam_sql_run(sql, "UPDATE wave SET ended = ? WHERE ended IS NULL",
                        LAM_BIND(LAM_VALUE(lam_clock_get_date()))));
    return lam_sql_run(sql, "UPDATE study SET shard_index = ?, shard_count = ?",
                       LAM_BIND(LAM_VALUE(index), LAM_VALUE(count)));
}

static lam_status mark_copy(lam_context *context, const char *path, int index, int count)
{
    lam_sql *sql = NULL;
    LAM_TRY(lam_sql_open(context, path, false, &sql));
    lam_status status = lam_sql_begin(sql);
    if (status == LAM_STATUS_OK)
        status = lam_sql_end(sql, make_own(sql, index, count));
    /* So that the first workers do not have to agree on it. */
    if (status == LAM_STATUS_OK)
        status = lam_sql_execute(sql, "PRAGMA journal_mode = WAL");
    lam_sql_close(&sql);
    return status;
}

static lam_status write_shard(lam_study *study, const char *temporary, const char *path,
                              int index, int count)
{
    LAM_TRY(lam_sql_run(study->sql, "VACUUM INTO ?", LAM_BIND(LAM_VALUE(temporary))));
    LAM_TRY(mark_copy(study->context, temporary, index, count));
    return lam_file_publish(study->context, temporary, path);
}

lam_status lam_study_make_shard(lam_study *study, const char *path, int index, int count)
{
    lam_strbuf temporary = {0};
    LAM_TRY(check_request(study, index, count));
    lam_strbuf_append(&temporary, "%s.%d.new", path, (int)getpid());
    if (temporary.failed)
        return lam_fail_memory(study->context, path, strlen(path));
    lam_status status = LAM_STATUS_OK;
    if (access(path, F_OK) != 0)
        status = write_shard(study, temporary.text, path, index, count);
    unlink(temporary.text);
    lam_strbuf_free(&temporary);
    return status == LAM_STATUS_OK ? check_shard(study, path, index, count) : status;
}
