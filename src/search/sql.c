/* SPDX-License-Identifier: Apache-2.0 */
#include "search/sql.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- failures ---- */

lam_status lam_sql_fail(lam_sql *sql, int code)
{
    lam_context *context = sql->context;
    const char *path = sql->path, *detail = sqlite3_errmsg(sql->handle);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return lam_fail(context, LAM_STATUS_BAD_STUDY,
                        "%s: locked by another process for %d s; end whatever holds it (fuser "
                        "names it), then start again: nothing is lost",
                        path, LAM_SQL_LOCK_SECONDS);
    case SQLITE_CORRUPT:
        return lam_fail(context, LAM_STATUS_BAD_STUDY,
                        "%s: damaged: %s; take a copy from before, or rescue what can be read "
                        "with: sqlite3 FILE .recover",
                        path, detail);
    case SQLITE_NOTADB:
        return lam_fail(context, LAM_STATUS_BAD_STUDY,
                        "%s: no study, and no SQLite file at all; check the path", path);
    case SQLITE_FULL:
        return lam_fail(context, LAM_STATUS_BAD_OUTPUT,
                        "%s: cannot write: %s; free some space and start again: nothing that "
                        "was in it is lost",
                        path, detail);
    case SQLITE_IOERR:
        return lam_fail(context, LAM_STATUS_BAD_OUTPUT,
                        "%s: cannot read or write: %s; check the disk and its free space, then "
                        "start again",
                        path, detail);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return lam_fail(context, LAM_STATUS_BAD_OUTPUT,
                        "%s: cannot write: %s; allow it for the file and its folder, or work "
                        "on a copy",
                        path, detail);
    case SQLITE_NOMEM:
        return lam_fail_memory(context, path, 0);
    default:
        return lam_fail(context, LAM_STATUS_BAD_STUDY, "%s: %s; check the file with --verify",
                        path, detail);
    }
}

/* ---- connections ---- */

static lam_status fail_to_open(lam_sql *sql, bool creates)
{
    if (!creates && access(sql->path, F_OK) != 0)
        return lam_fail(sql->context, LAM_STATUS_BAD_STUDY,
                        "%s: there is no such study; make one with: lamina search new",
                        sql->path);
    return lam_fail(sql->context, creates ? LAM_STATUS_BAD_OUTPUT : LAM_STATUS_BAD_STUDY,
                    creates ? "%s: cannot make a study there: %s; choose another place"
                            : "%s: cannot open a study there: %s; check the path and the "
                              "folder's permissions",
                    sql->path, sqlite3_errmsg(sql->handle));
}

/* The first look at the file comes with the first statement. */
static lam_status connect(lam_sql *sql, bool creates)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (creates ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(sql->path, &sql->handle, flags, NULL);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(sql->handle, 1);
        sqlite3_busy_timeout(sql->handle, LAM_SQL_LOCK_SECONDS * 1000);
        code = sqlite3_exec(sql->handle, "PRAGMA foreign_keys = ON; PRAGMA application_id",
                            NULL, NULL, NULL);
    }
    if ((code & 0xff) == SQLITE_CANTOPEN)
        return fail_to_open(sql, creates);
    return code == SQLITE_OK ? LAM_STATUS_OK : lam_sql_fail(sql, code);
}

lam_status lam_sql_open(lam_context *context, const char *path, bool creates, lam_sql **ret_sql)
{
    if (!*path)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT, "a study's file has no name");
    lam_sql *sql = calloc(1, sizeof *sql);
    if (!sql)
        return lam_fail_memory(context, path, sizeof *sql);
    sql->context = context;
    sql->path = strdup(path);
    lam_status status =
        sql->path ? connect(sql, creates) : lam_fail_memory(context, path, strlen(path));
    if (status == LAM_STATUS_OK)
        *ret_sql = sql;
    else
        lam_sql_close(&sql);
    return status;
}

void lam_sql_close(lam_sql **sql)
{
    if (!*sql)
        return;
    for (size_t i = 0; i < (*sql)->statement_count; i++)
        sqlite3_finalize((*sql)->statements[i].handle);
    sqlite3_close((*sql)->handle);
    free((*sql)->statements);
    free((*sql)->path);
    free(*sql);
    *sql = NULL;
}

/* ---- statements ---- */

lam_status lam_sql_execute(lam_sql *sql, const char *text)
{
    int code = sqlite3_exec(sql->handle, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? LAM_STATUS_OK : lam_sql_fail(sql, code);
}

static lam_status add_statement(lam_sql *sql, const char *text, sqlite3_stmt **ret_statement)
{
    size_t count = sql->statement_count;
    lam_sql_statement *grown = realloc(sql->statements, (count + 1) * sizeof *grown);
    if (!grown)
        return lam_fail_memory(sql->context, sql->path, (count + 1) * sizeof *grown);
    sql->statements = grown;
    sqlite3_stmt *handle = NULL;
    int code =
        sqlite3_prepare_v3(sql->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (code != SQLITE_OK)
        return lam_sql_fail(sql, code);
    sql->statements[sql->statement_count++] =
        (lam_sql_statement){.text = text, .handle = handle};
    *ret_statement = handle;
    return LAM_STATUS_OK;
}

static lam_status find_statement(lam_sql *sql, const char *text, sqlite3_stmt **ret_statement)
{
    for (size_t i = 0; i < sql->statement_count; i++)
        if (sql->statements[i].text == text) {
            *ret_statement = sql->statements[i].handle;
            sqlite3_reset(*ret_statement);
            return LAM_STATUS_OK;
        }
    return add_statement(sql, text, ret_statement);
}

static int bind_value(sqlite3_stmt *statement, int place, lam_sql_value value)
{
    switch (value.type) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(statement, place, value.integer);
    case SQLITE_FLOAT:
        return sqlite3_bind_double(statement, place, value.real);
    default:
        return sqlite3_bind_text(statement, place, value.text, -1, SQLITE_STATIC);
    }
}

lam_status lam_sql_query(lam_sql *sql, const char *text, const lam_sql_value *values,
                         size_t count, sqlite3_stmt **ret_rows)
{
    LAM_TRY(find_statement(sql, text, ret_rows));
    assert((size_t)sqlite3_bind_parameter_count(*ret_rows) == count);
    for (size_t i = 0; i < count; i++) {
        int code = bind_value(*ret_rows, (int)i + 1, values[i]);
        if (code != SQLITE_OK)
            return lam_sql_fail(sql, code);
    }
    return LAM_STATUS_OK;
}

bool lam_sql_next(lam_sql *sql, sqlite3_stmt *rows, lam_status *status)
{
    if (*status != LAM_STATUS_OK)
        return false;
    int code = sqlite3_step(rows);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        *status = lam_sql_fail(sql, code);
    sqlite3_reset(rows);
    return false;
}

lam_status lam_sql_run(lam_sql *sql, const char *text, const lam_sql_value *values,
                       size_t count)
{
    sqlite3_stmt *rows = NULL;
    lam_status status = lam_sql_query(sql, text, values, count, &rows);
    while (lam_sql_next(sql, rows, &status))
        continue;
    return status;
}

int64_t lam_sql_count_changes(const lam_sql *sql)
{
    return sqlite3_changes64(sql->handle);
}

lam_status lam_sql_get_integer(lam_sql *sql, const char *text, const lam_sql_value *values,
                               size_t count, int64_t *ret_value)
{
    sqlite3_stmt *rows = NULL;
    lam_status status = lam_sql_query(sql, text, values, count, &rows);
    if (lam_sql_next(sql, rows, &status)) {
        *ret_value = sqlite3_column_int64(rows, 0);
        sqlite3_reset(rows);
    }
    return status;
}

const char *lam_sql_column_text(sqlite3_stmt *rows, int column)
{
    const unsigned char *text = sqlite3_column_text(rows, column);
    return text ? (const char *)text : "";
}

double lam_sql_column_real(sqlite3_stmt *rows, int column)
{
    return sqlite3_column_type(rows, column) == SQLITE_NULL
               ? NAN
               : sqlite3_column_double(rows, column);
}

/* ---- transactions ---- */

lam_status lam_sql_begin(lam_sql *sql)
{
    return lam_sql_run(sql, "BEGIN IMMEDIATE", LAM_BIND_NONE);
}

lam_status lam_sql_begin_reading(lam_sql *sql)
{
    return lam_sql_run(sql, "BEGIN", LAM_BIND_NONE);
}

lam_status lam_sql_end(lam_sql *sql, lam_status status)
{
    /* Queries that were left early would keep the transaction open. */
    for (size_t i = 0; i < sql->statement_count; i++)
        sqlite3_reset(sql->statements[i].handle);
    if (status == LAM_STATUS_OK)
        status = lam_sql_run(sql, "COMMIT", LAM_BIND_NONE);
    if (!sqlite3_get_autocommit(sql->handle))
        sqlite3_exec(sql->handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
