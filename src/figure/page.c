/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/page.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "figure/page_writer.h"

static const lam_page_writer *const writers[] = {
    [LAM_PAGE_FORMAT_HTML] = &lam_page_writer_html,
    [LAM_PAGE_FORMAT_MARKDOWN] = &lam_page_writer_markdown,
};

lam_status lam_page_create(lam_context *context, lam_page_format format, const char *path,
                           const char *title, const char *figure_directory, lam_page **ret_page)
{
    lam_page *page = calloc(1, sizeof *page);
    if (!page)
        return lam_fail_memory(context, path, sizeof *page);
    page->context = context;
    page->writer = writers[format];
    page->path = strdup(path);
    page->title = strdup(title);
    page->figure_directory = strdup(figure_directory);
    if (!page->path || !page->title || !page->figure_directory) {
        lam_page_destroy(&page);
        return lam_fail_memory(context, path, strlen(title) + strlen(figure_directory));
    }
    *ret_page = page;
    return LAM_STATUS_OK;
}

void lam_page_destroy(lam_page **page)
{
    if (!*page)
        return;
    free((*page)->path);
    free((*page)->title);
    free((*page)->figure_directory);
    lam_strbuf_free(&(*page)->body);
    lam_strbuf_free(&(*page)->contents);
    free(*page);
    *page = NULL;
}

void lam_page_add_heading(lam_page *page, int level, const char *text)
{
    assert(level == 2 || level == 3);
    page->heading_count++;
    page->writer->add_heading(page, level, text);
}

void lam_page_add_paragraph(lam_page *page, const char *format, ...)
{
    lam_strbuf text = {0};
    va_list arguments;
    va_start(arguments, format);
    lam_strbuf_append_v(&text, format, arguments);
    va_end(arguments);
    page->failed |= text.failed;
    page->writer->add_paragraph(page, lam_strbuf_text(&text));
    lam_strbuf_free(&text);
}

void lam_page_add_link(lam_page *page, const char *text, const char *path)
{
    page->writer->add_link(page, text, path);
}

void lam_page_add_code(lam_page *page, const char *text)
{
    page->writer->add_code(page, text);
}

void lam_page_add_table(lam_page *page, const char *caption, const lam_table *table,
                        const lam_page_column *columns, size_t column_count)
{
    page->failed |= table->failed;
    if (!table->failed)
        page->writer->add_table(page, &(lam_page_table){caption, table, columns, column_count});
}

lam_status lam_page_add_figure(lam_page *page, const lam_figure *figure)
{
    page->figure_count++;
    return page->writer->add_figure(page, figure);
}

lam_status lam_page_save(lam_page *page)
{
    lam_strbuf text = {0};
    page->writer->finish(page, &text);
    bool failed = page->failed || page->body.failed || page->contents.failed || text.failed;
    lam_status status = failed
                            ? lam_fail_memory(page->context, page->path, page->body.length)
                            : lam_file_write(page->context, page->path, text.text, text.length);
    lam_strbuf_free(&text);
    return status;
}

/* ---- what both formats show alike ---- */

bool lam_page_is_number(const lam_page_table *table, size_t column)
{
    return table->table->columns[table->columns[column].column].kind == LAM_CELL_NUMBER;
}

static const char *format_number(double value, int decimals, char buffer[LAM_PAGE_NUMBER_BYTES])
{
    if (isnan(value))
        return "";
    if (isinf(value))
        return value > 0 ? "∞" : "−∞";
    if (decimals < 0)
        lam_table_format_number(value, buffer, LAM_PAGE_NUMBER_BYTES);
    else
        snprintf(buffer, LAM_PAGE_NUMBER_BYTES, fabs(value) < 1e9 ? "%.*f" : "%.*e", decimals,
                 value);
    return buffer;
}

const char *lam_page_format_cell(const lam_page_table *table, size_t row, size_t column,
                                 char buffer[LAM_PAGE_NUMBER_BYTES])
{
    const lam_page_column *shown = &table->columns[column];
    const char *text =
        lam_page_is_number(table, column)
            ? format_number(lam_table_get_number(table->table, row, shown->column),
                            shown->decimals, buffer)
            : lam_table_get_text(table->table, row, shown->column);
    return *text ? text : "–";
}

bool lam_page_find_picture(const lam_page *page, const lam_figure *figure, const char *suffix,
                           size_t limit_bytes, char path[4096])
{
    struct stat file;
    int length = snprintf(path, 4096, "%s/%s.%s", page->figure_directory, figure->name, suffix);
    return length < 4096 && stat(path, &file) == 0 && S_ISREG(file.st_mode) &&
           file.st_size > 0 && (size_t)file.st_size <= limit_bytes;
}
