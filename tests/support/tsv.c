/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tsv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/folder.h"

static size_t count_cells(const char *text, char end)
{
    size_t count = 0;
    for (const char *c = text; *c; c++)
        count += *c == end;
    return count;
}

test_tsv test_tsv_load(const char *path)
{
    test_tsv table = {.text = test_file_read(path, NULL)};
    const size_t lines = count_cells(table.text, '\n');
    const size_t count = count_cells(table.text, '\t') + lines;
    ck_assert_msg(lines > 0 && count % lines == 0, "%s: %zu cells in %zu lines", path, count,
                  lines);
    table.column_count = count / lines;
    table.row_count = lines - 1;
    table.cells = malloc(count * sizeof *table.cells);
    ck_assert_ptr_nonnull(table.cells);
    char *cell = table.text;
    for (size_t i = 0; i < count; i++) {
        const size_t length = strcspn(cell, "\t\n");
        const char end = (i + 1) % table.column_count == 0 ? '\n' : '\t';
        ck_assert_msg(cell[length] == end, "%s: lines differ in cells", path);
        table.cells[i] = cell;
        cell[length] = '\0';
        cell += length + 1;
    }
    return table;
}

void test_tsv_free(test_tsv *table)
{
    free(table->cells);
    free(table->text);
    *table = (test_tsv){0};
}

const char *test_tsv_text(const test_tsv *table, size_t row, const char *heading)
{
    size_t column = 0;
    while (column < table->column_count && strcmp(table->cells[column], heading) != 0)
        column++;
    ck_assert_msg(column < table->column_count, "no column %s", heading);
    ck_assert_uint_lt(row, table->row_count);
    return table->cells[(row + 1) * table->column_count + column];
}

double test_tsv_number(const test_tsv *table, size_t row, const char *heading)
{
    return strtod(test_tsv_text(table, row, heading), NULL);
}
