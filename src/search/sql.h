/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SQLite as the study uses it: statements that are prepared once, values bound by their C
 * types, and failures told in words that say what to do.
 */
#ifndef LAM_SEARCH_SQL_H
#define LAM_SEARCH_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** How long others may keep the file locked. */
#define LAM_SQL_LOCK_SECONDS 30

typedef struct lam_sql_statement {
    const char *text; /* a literal, told by its address */
    sqlite3_stmt *handle;
} lam_sql_statement;

/** A connection. One thread, and one process: it must not be carried through a fork(). */
typedef struct lam_sql {
    lam_context *context;
    sqlite3 *handle;
    char *path;
    lam_sql_statement *statements;
    size_t statement_count;
} lam_sql;

typedef struct lam_sql_value {
    int type; /* SQLITE_INTEGER, SQLITE_FLOAT or SQLITE_TEXT */
    union {
        int64_t integer;
        double real;      /* NaN becomes NULL */
        const char *text; /* borrowed until the statement is used again; NULL becomes NULL */
    };
} lam_sql_value;

static inline lam_sql_value lam_sql_integer(int64_t value)
{
    return (lam_sql_value){.type = SQLITE_INTEGER, .integer = value};
}

static inline lam_sql_value lam_sql_real(double value)
{
    return (lam_sql_value){.type = SQLITE_FLOAT, .real = value};
}

static inline lam_sql_value lam_sql_text(const char *value)
{
    return (lam_sql_value){.type = SQLITE_TEXT, .text = value};
}

/** The value of a C expression, for LAM_BIND(). */
#define LAM_VALUE(x)                                                                           \
    _Generic((x), double                                                                       \
             : lam_sql_real, char *                                                            \
             : lam_sql_text, const char *                                                      \
             : lam_sql_text, default                                                           \
             : lam_sql_integer)(x)

/** What the statement's question marks stand for: two arguments. */
#define LAM_BIND(...)                                                                          \
    (const lam_sql_value[]){__VA_ARGS__},                                                      \
        sizeof((lam_sql_value[]){__VA_ARGS__}) / sizeof(lam_sql_value)
#define LAM_BIND_NONE NULL, (size_t)0

/** Errors: BAD_STUDY (missing, unless `creates`; no SQLite file), BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_sql_open(lam_context *context, const char *path, bool creates,
                                     lam_sql **ret_sql);
void lam_sql_close(lam_sql **sql);

/** The failure that SQLite's `code` stands for: locked, damaged, no study, no room, read-only.
 */
LAM_MUST_USE lam_status lam_sql_fail(lam_sql *sql, int code);

/** Runs statements without values that are not worth keeping. */
LAM_MUST_USE lam_status lam_sql_execute(lam_sql *sql, const char *text);

/** Runs one statement to its end. `text` is a literal. */
LAM_MUST_USE lam_status lam_sql_run(lam_sql *sql, const char *text, const lam_sql_value *values,
                                    size_t count);

/** Rows that the latest lam_sql_run() changed. */
int64_t lam_sql_count_changes(const lam_sql *sql);

/** Starts a query, whose rows lam_sql_next() gives. `text` is a literal; it must not be started
 * again before its end. */
LAM_MUST_USE lam_status lam_sql_query(lam_sql *sql, const char *text,
                                      const lam_sql_value *values, size_t count,
                                      sqlite3_stmt **ret_rows);

/** Goes to the next row while `*status` is OK; false at the end, or with its status in
 * `*status` at a failure. */
bool lam_sql_next(lam_sql *sql, sqlite3_stmt *rows, lam_status *status);

/** The first column of a query's first row; without one the result stays as it is. */
LAM_MUST_USE lam_status lam_sql_get_integer(lam_sql *sql, const char *text,
                                            const lam_sql_value *values, size_t count,
                                            int64_t *ret_value);

/** A column of a row: "" and NaN for NULL. The text is borrowed until the next row. */
const char *lam_sql_column_text(sqlite3_stmt *rows, int column);
double lam_sql_column_real(sqlite3_stmt *rows, int column);

/** A transaction that writes, from the start: it never finds that what it read has changed. */
LAM_MUST_USE lam_status lam_sql_begin(lam_sql *sql);

/** One that only reads, all of it from the same moment. */
LAM_MUST_USE lam_status lam_sql_begin_reading(lam_sql *sql);

/** Commits where `status` is OK, else takes everything back; gives `status`, or why committing
 * failed. */
LAM_MUST_USE lam_status lam_sql_end(lam_sql *sql, lam_status status);

#endif
