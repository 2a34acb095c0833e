/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Tables of tab-separated values with a line of headings, read back.
 */
#ifndef LAM_TESTS_SUPPORT_TSV_H
#define LAM_TESTS_SUPPORT_TSV_H

#include <stddef.h>

typedef struct test_tsv {
    char *text;
    char **cells; /* [row_count + 1][column_count], into `text`; headings first */
    size_t row_count, column_count;
} test_tsv;

/* Fails where rows differ in their number of cells. */
test_tsv test_tsv_load(const char *path);
void test_tsv_free(test_tsv *table);

/* Of a row, by the column's heading, which must be there. */
const char *test_tsv_text(const test_tsv *table, size_t row, const char *heading);
double test_tsv_number(const test_tsv *table, size_t row, const char *heading);

#endif
