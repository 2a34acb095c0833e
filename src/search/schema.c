/* SPDX-License-Identifier: Apache-2.0 */
#include "search/schema.h"

#include <stdio.h>

#define APPLICATION_ID 0x4C616D6E /* "Lamn"; schema.sql sets it */

static int count_steps(const lam_embedded_source *steps)
{
    int count = 0;
    while (steps[count].name)
        count++;
    return count;
}

lam_status lam_schema_check(lam_sql *sql, const lam_embedded_source *steps, int *ret_version)
{
    int64_t application = 0, version = 0, tables = 0;
    LAM_TRY(lam_sql_get_integer(sql, "PRAGMA application_id", LAM_BIND_NONE, &application));
    LAM_TRY(lam_sql_get_integer(sql, "PRAGMA user_version", LAM_BIND_NONE, &version));
    LAM_TRY(
        lam_sql_get_integer(sql, "SELECT count(*) FROM sqlite_schema", LAM_BIND_NONE, &tables));
    bool is_empty = application == 0 && version == 0 && tables == 0;
    if (!is_empty && application != APPLICATION_ID)
        return lam_fail(sql->context, LAM_STATUS_BAD_STUDY,
                        "%s: no study, but another program's SQLite file; choose another path",
                        sql->path);
    if (version > count_steps(steps))
        return lam_fail(sql->context, LAM_STATUS_BAD_STUDY,
                        "%s: made by a newer version of Lamina (its schema is %lld, this "
                        "version knows those to %d); use that one",
                        sql->path, (long long)version, count_steps(steps));
    *ret_version = (int)version;
    return LAM_STATUS_OK;
}

lam_status lam_schema_migrate(lam_sql *sql, const lam_embedded_source *steps)
{
    int version = 0;
    char pragma[64];
    LAM_TRY(lam_schema_check(sql, steps, &version));
    for (; steps[version].name; version++) {
        LAM_TRY(lam_sql_execute(sql, steps[version].text));
        snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", version + 1);
        LAM_TRY(lam_sql_execute(sql, pragma));
    }
    return LAM_STATUS_OK;
}
