/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "figure/page_writer.h"

static void append(lam_strbuf *text, const char *part)
{
    lam_strbuf_append_bytes(text, part, strlen(part));
}

/* ---- escaping ---- */

/* Inside words underscores are no emphasis, and names with them read better plain. */
static bool is_inside_word(const char *start, const char *at)
{
    return at > start && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]);
}

static bool is_markup(const char *start, const char *at)
{
    if (*at == '_')
        return !is_inside_word(start, at);
    if (*at == '&')
        return isalnum((unsigned char)at[1]) || at[1] == '#';
    return strchr("\\`*[]<>|~$#", *at) != NULL;
}

/* As one line. */
static void append_escaped(lam_strbuf *markdown, const char *text)
{
    const char *bytes = NULL;
    for (const char *at = text; *at;) {
        const char *character = at;
        size_t count = lam_utf8_take(&at, &bytes);
        if (*bytes == '\n' || *bytes == '\t')
            bytes = " ";
        else if (count == 1 && is_markup(text, character))
            append(markdown, "\\");
        lam_strbuf_append_bytes(markdown, bytes, count);
    }
}

/* As a line of its own, which is no heading, list, rule or indented block. */
static void append_line(lam_strbuf *markdown, const char *text)
{
    text += strspn(text, " \t\n");
    size_t digits = strspn(text, "0123456789");
    if (*text && strchr("+-=", *text)) {
        append(markdown, "\\");
    } else if (digits > 0 && text[digits] && strchr(".)", text[digits])) {
        lam_strbuf_append(markdown, "%.*s\\", (int)digits, text);
        text += digits;
    }
    append_escaped(markdown, text);
}

/* ---- text ---- */

static void add_heading(lam_page *page, int level, const char *text)
{
    lam_strbuf_append(&page->body, "\n%.*s ", level, "###");
    append_escaped(&page->body, text);
    append(&page->body, "\n");
}

static void add_paragraph(lam_page *page, const char *text)
{
    append(&page->body, "\n");
    append_line(&page->body, text);
    append(&page->body, "\n");
}

static size_t count_longest_run(const char *text, char character)
{
    size_t longest = 0;
    for (size_t run = 0; *text; text++) {
        run = *text == character ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void append_fence(lam_strbuf *markdown, size_t length)
{
    for (size_t i = 0; i < length; i++)
        append(markdown, "`");
    append(markdown, "\n");
}

static void add_code(lam_page *page, const char *text)
{
    lam_strbuf *markdown = &page->body;
    size_t run = count_longest_run(text, '`'), fence = run < 3 ? 3 : run + 1;
    const char *bytes = NULL;
    append(markdown, "\n");
    append_fence(markdown, fence);
    for (size_t count; (count = lam_utf8_take(&text, &bytes)) > 0;)
        lam_strbuf_append_bytes(markdown, bytes, count);
    if (markdown->length > 0 && markdown->text[markdown->length - 1] != '\n')
        append(markdown, "\n");
    append_fence(markdown, fence);
}

/* ---- tables ---- */

static void append_row(lam_strbuf *markdown, const lam_page_table *table, size_t row)
{
    char buffer[LAM_PAGE_NUMBER_BYTES];
    for (size_t i = 0; i < table->column_count; i++) {
        append(markdown, i == 0 ? "| " : " | ");
        append_escaped(markdown, lam_page_format_cell(table, row, i, buffer));
    }
    append(markdown, " |\n");
}

static void add_table(lam_page *page, const lam_page_table *table)
{
    lam_strbuf *markdown = &page->body;
    if (table->caption)
        add_paragraph(page, table->caption);
    for (size_t i = 0; i < table->column_count; i++) {
        append(markdown, i == 0 ? "\n| " : " | ");
        append_escaped(markdown, table->columns[i].heading);
    }
    append(markdown, " |\n|");
    for (size_t i = 0; i < table->column_count; i++)
        append(markdown, lam_page_is_number(table, i) ? "---:|" : "---|");
    append(markdown, "\n");
    for (size_t row = 0; row < table->table->row_count; row++)
        append_row(markdown, table, row);
}

/* ---- figures ---- */

static void append_url(lam_strbuf *markdown, const char *path)
{
    for (; *path; path++) {
        unsigned char byte = (unsigned char)*path;
        if (isalnum(byte) || strchr("-._~/", byte))
            lam_strbuf_append_bytes(markdown, path, 1);
        else
            lam_strbuf_append(markdown, "%%%02X", byte);
    }
}

/* The absolute path of a folder with a slash behind it; false for one that is not there. */
static bool resolve_folder(const char *folder, char path[PATH_MAX + 1])
{
    if (!realpath(folder, path))
        return false;
    if (strcmp(path, "/") != 0)
        strcat(path, "/");
    return true;
}

/* From one folder, made absolute by resolve_folder(), to another: up to what they share, and
 * down again. */
static void append_way(lam_strbuf *way, const char *from, const char *to)
{
    size_t shared = 0;
    for (size_t i = 0; from[i] && from[i] == to[i]; i++)
        if (from[i] == '/')
            shared = i + 1;
    for (const char *up = from + shared; (up = strchr(up, '/')); up++)
        append(way, "../");
    append(way, to + shared);
}

static void append_link(lam_strbuf *markdown, const lam_page *page, const char *file)
{
    char from[PATH_MAX + 1], to[PATH_MAX + 1];
    lam_strbuf way = {0};
    char *copy = strdup(page->path);
    if (copy && resolve_folder(dirname(copy), from) &&
        resolve_folder(page->figure_directory, to))
        append_way(&way, from, to);
    else
        lam_strbuf_append(&way, "%s/", page->figure_directory);
    append(&way, file);
    append_url(markdown, lam_strbuf_text(&way));
    markdown->failed |= way.failed || !copy;
    lam_strbuf_free(&way);
    free(copy);
}

static void add_link(lam_page *page, const char *text, const char *path)
{
    append(&page->body, "\n[");
    append_escaped(&page->body, text);
    append(&page->body, "](");
    append_url(&page->body, path);
    append(&page->body, ")\n");
}

static const char *find_suffix(const lam_page *page, const lam_figure *figure)
{
    static const char *const suffixes[] = {"svg", "png"};
    char path[4096];
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (lam_page_find_picture(page, figure, suffixes[i], SIZE_MAX, path))
            return suffixes[i];
    return NULL;
}

static lam_status add_figure(lam_page *page, const lam_figure *figure)
{
    lam_strbuf *markdown = &page->body;
    const char *suffix = find_suffix(page, figure);
    char file[sizeof figure->name + 8];
    if (suffix) {
        snprintf(file, sizeof file, "%s.%s", figure->name, suffix);
        append(markdown, "\n![");
        append_escaped(markdown, figure->alt);
        append(markdown, "](");
        append_link(markdown, page, file);
        append(markdown, ")\n");
    } else {
        lam_page_add_paragraph(page, "No picture: %s.gp draws it from %s.tsv.", figure->name,
                               figure->name);
    }
    append(markdown, "\n**");
    append_escaped(markdown, figure->title);
    append(markdown, "** ");
    append_escaped(markdown, figure->caption);
    append(markdown, "\n");
    return LAM_STATUS_OK;
}

static void finish(lam_page *page, lam_strbuf *markdown)
{
    append(markdown, "# ");
    append_escaped(markdown, page->title);
    append(markdown, "\n");
    lam_strbuf_append_bytes(markdown, lam_strbuf_text(&page->body), page->body.length);
}

const lam_page_writer lam_page_writer_markdown = {
    .add_heading = add_heading,
    .add_paragraph = add_paragraph,
    .add_link = add_link,
    .add_code = add_code,
    .add_table = add_table,
    .add_figure = add_figure,
    .finish = finish,
};
