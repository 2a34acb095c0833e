/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A table of numbers and texts: what a figure shows, and what its file of tab-separated values
 * holds. `lam_table t = {0};` is an empty one. When memory runs out `failed` is set and the
 * table stays as it was, so that a chain of calls is checked once at its end (by saving it).
 */
#ifndef LAM_FIGURE_TABLE_H
#define LAM_FIGURE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef enum lam_cell_kind {
    LAM_CELL_NUMBER, /* NaN: none */
    LAM_CELL_TEXT,   /* UTF-8; "" : none */
} lam_cell_kind;

typedef struct lam_table_column {
    char name[96]; /* heading, as in metrics.csv: words_with_underscores, unit included */
    lam_cell_kind kind;
    double *numbers; /* [row_capacity], of numbers */
    char **texts;    /* [row_capacity], of texts */
} lam_table_column;

typedef struct lam_table {
    lam_table_column *columns;
    size_t column_count;
    size_t row_count, row_capacity;
    bool failed;
} lam_table;

/** Adds a column in front of the first row; returns its index. */
size_t lam_table_add_column(lam_table *table, const char *name, lam_cell_kind kind);

/** Adds a row of cells that are none, which the following calls fill. */
void lam_table_add_row(lam_table *table);
void lam_table_set_number(lam_table *table, size_t column, double value);
/** The text is copied. */
void lam_table_set_text(lam_table *table, size_t column, const char *text);

/** Of any row; a text is borrowed. */
double lam_table_get_number(const lam_table *table, size_t row, size_t column);
const char *lam_table_get_text(const lam_table *table, size_t row, size_t column);

/** A number in the fewest digits that give the same double again, or NaN. */
#define LAM_TABLE_NUMBER_BYTES 32 /* the longest is -1.7976931348623157e+308 */
void lam_table_format_number(double value, char *text, size_t bytes);

/** Writes a line of headings and the rows, separated by tabs. Numbers have the fewest digits
 * that give the same double again; those that are none stand as NaN. Tabs and line ends inside
 * texts become blanks. Errors: BAD_OUTPUT, NO_MEMORY (also when the table had failed). */
LAM_MUST_USE lam_status lam_table_save(lam_context *context, const lam_table *table,
                                       const char *path);

void lam_table_free(lam_table *table);

#endif
