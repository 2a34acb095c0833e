/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/table.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"

/* The array with room for `count` elements of `size` bytes; NULL without memory, and the array
 * is as it was then. */
static void *grow(lam_table *table, void *array, size_t count, size_t size)
{
    void *grown = reallocarray(array, count, size);
    if (!grown)
        table->failed = true;
    return grown;
}

size_t lam_table_add_column(lam_table *table, const char *name, lam_cell_kind kind)
{
    assert(table->row_count == 0);
    size_t index = table->column_count;
    if (table->failed)
        return index;
    lam_table_column *columns = grow(table, table->columns, index + 1, sizeof *columns);
    if (!columns)
        return index;
    table->columns = columns;
    columns[index] = (lam_table_column){.kind = kind};
    snprintf(columns[index].name, sizeof columns[index].name, "%s", name);
    table->column_count++;
    return index;
}

static bool grow_column(lam_table *table, lam_table_column *column, size_t capacity)
{
    if (column->kind == LAM_CELL_NUMBER) {
        double *numbers = grow(table, column->numbers, capacity, sizeof *numbers);
        column->numbers = numbers ? numbers : column->numbers;
    } else {
        char **texts = grow(table, column->texts, capacity, sizeof *texts);
        column->texts = texts ? texts : column->texts;
    }
    return !table->failed;
}

static bool reserve_row(lam_table *table)
{
    if (table->failed || table->row_count < table->row_capacity)
        return !table->failed;
    size_t capacity = table->row_capacity < 32 ? 64 : 2 * table->row_capacity;
    for (size_t c = 0; c < table->column_count; c++) {
        if (!grow_column(table, &table->columns[c], capacity))
            return false;
    }
    table->row_capacity = capacity;
    return true;
}

void lam_table_add_row(lam_table *table)
{
    if (!reserve_row(table))
        return;
    for (size_t c = 0; c < table->column_count; c++) {
        lam_table_column *column = &table->columns[c];
        if (column->kind == LAM_CELL_NUMBER)
            column->numbers[table->row_count] = NAN;
        else
            column->texts[table->row_count] = NULL;
    }
    table->row_count++;
}

/* NULL for a column that is not there: after a failure it may be missing. */
static lam_table_column *get_column(const lam_table *table, size_t column, lam_cell_kind kind)
{
    bool is_there = column < table->column_count && table->columns[column].kind == kind;
    assert(is_there || table->failed);
    return is_there ? &table->columns[column] : NULL;
}

void lam_table_set_number(lam_table *table, size_t column, double value)
{
    lam_table_column *cells = get_column(table, column, LAM_CELL_NUMBER);
    if (table->failed || !cells)
        return;
    assert(table->row_count > 0);
    cells->numbers[table->row_count - 1] = value;
}

void lam_table_set_text(lam_table *table, size_t column, const char *text)
{
    lam_table_column *cells = get_column(table, column, LAM_CELL_TEXT);
    if (table->failed || !cells)
        return;
    assert(table->row_count > 0);
    char *copy = strdup(text);
    if (!copy) {
        table->failed = true;
        return;
    }
    free(cells->texts[table->row_count - 1]);
    cells->texts[table->row_count - 1] = copy;
}

double lam_table_get_number(const lam_table *table, size_t row, size_t column)
{
    const lam_table_column *cells = get_column(table, column, LAM_CELL_NUMBER);
    return cells && row < table->row_count ? cells->numbers[row] : NAN;
}

const char *lam_table_get_text(const lam_table *table, size_t row, size_t column)
{
    const lam_table_column *cells = get_column(table, column, LAM_CELL_TEXT);
    return cells && row < table->row_count && cells->texts[row] ? cells->texts[row] : "";
}

static void format_fraction(double value, char *text, size_t bytes)
{
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, bytes, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
}

/* Steps and counts are whole numbers, and quicker as such. */
void lam_table_format_number(double value, char *text, size_t bytes)
{
    if (isnan(value))
        snprintf(text, bytes, "NaN");
    else if (fabs(value) < 1e15 && value == trunc(value) && !(value == 0 && signbit(value)))
        snprintf(text, bytes, "%lld", (long long)value);
    else
        format_fraction(value, text, bytes);
}

static void append_number(lam_strbuf *text, double value)
{
    char digits[LAM_TABLE_NUMBER_BYTES];
    lam_table_format_number(value, digits, sizeof digits);
    lam_strbuf_append_bytes(text, digits, strlen(digits));
}

static void append_text(lam_strbuf *text, const char *cell)
{
    size_t start = text->length;
    lam_strbuf_append_bytes(text, cell, strlen(cell));
    for (size_t i = start; i < text->length; i++) {
        if ((unsigned char)text->text[i] < ' ' || text->text[i] == '\x7f')
            text->text[i] = ' ';
    }
}

static void append_row(lam_strbuf *text, const lam_table *table, size_t row)
{
    for (size_t c = 0; c < table->column_count; c++) {
        if (c > 0)
            lam_strbuf_append_bytes(text, "\t", 1);
        if (table->columns[c].kind == LAM_CELL_NUMBER)
            append_number(text, lam_table_get_number(table, row, c));
        else
            append_text(text, lam_table_get_text(table, row, c));
    }
    lam_strbuf_append_bytes(text, "\n", 1);
}

lam_status lam_table_save(lam_context *context, const lam_table *table, const char *path)
{
    lam_strbuf text = {0};
    for (size_t c = 0; c < table->column_count; c++) {
        if (c > 0)
            lam_strbuf_append_bytes(&text, "\t", 1);
        append_text(&text, table->columns[c].name);
    }
    lam_strbuf_append_bytes(&text, "\n", 1);
    for (size_t row = 0; row < table->row_count; row++)
        append_row(&text, table, row);
    lam_status status = table->failed || text.failed
                            ? lam_fail_memory(context, path, text.length)
                            : lam_file_write(context, path, text.text, text.length);
    lam_strbuf_free(&text);
    return status;
}

static void free_column(lam_table_column *column, size_t row_count)
{
    for (size_t row = 0; column->texts && row < row_count; row++)
        free(column->texts[row]);
    free(column->texts);
    free(column->numbers);
}

void lam_table_free(lam_table *table)
{
    for (size_t c = 0; c < table->column_count; c++)
        free_column(&table->columns[c], table->row_count);
    free(table->columns);
    *table = (lam_table){0};
}
