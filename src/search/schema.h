/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The tables of a study's file, and how older ones become today's.
 */
#ifndef LAM_SEARCH_SCHEMA_H
#define LAM_SEARCH_SCHEMA_H

#include "base/embedded.h"
#include "search/sql.h"

/** Step i takes a file of schema i to schema i + 1; the first one, schema.sql, starts from an
 * empty file. Ends with a row of null pointers; made by embed.py from meson.build's list. */
extern const lam_embedded_source lam_schema_steps[];

/** Fails unless the file is a study of at most the steps' version, or an empty file (then
 * `*ret_version` is 0). Errors: BAD_STUDY. */
LAM_MUST_USE lam_status lam_schema_check(lam_sql *sql, const lam_embedded_source *steps,
                                         int *ret_version);

/** Takes all steps from the file's version on, in the caller's transaction.
 * Errors: BAD_STUDY, BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_schema_migrate(lam_sql *sql, const lam_embedded_source *steps);

#endif
