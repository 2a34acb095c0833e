/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "figure/page_writer.h"
#include "lamina/version.h"

#define DRAWING_BYTES (300 * 1024) /* beyond it a drawing is more than its pixels */
#define MOST_BYTES (16 * 1024 * 1024)

static void append(lam_strbuf *html, const char *text)
{
    lam_strbuf_append_bytes(html, text, strlen(text));
}

static const char *find_entity(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

/* As text of an element or between double quotes. */
static void append_escaped(lam_strbuf *html, const char *text)
{
    const char *bytes = NULL;
    for (size_t count; (count = lam_utf8_take(&text, &bytes)) > 0;) {
        const char *entity = find_entity(*bytes);
        if (entity)
            append(html, entity);
        else
            lam_strbuf_append_bytes(html, bytes, count);
    }
}

static void append_element(lam_strbuf *html, const char *start, const char *text,
                           const char *end)
{
    append(html, start);
    append_escaped(html, text);
    append(html, end);
}

/* ---- text ---- */

static void add_heading(lam_page *page, int level, const char *text)
{
    int id = page->heading_count;
    lam_strbuf_append(&page->body, "<h%d id=\"section-%d\">", level, id);
    append_escaped(&page->body, text);
    lam_strbuf_append(&page->body, "</h%d>\n", level);
    if (level != 2)
        return;
    lam_strbuf_append(&page->contents, "<li><a href=\"#section-%d\">", id);
    append_element(&page->contents, "", text, "</a></li>\n");
}

static void add_paragraph(lam_page *page, const char *text)
{
    append_element(&page->body, "<p>", text, "</p>\n");
}

static void add_link(lam_page *page, const char *text, const char *path)
{
    append_element(&page->body, "<p><a href=\"", path, "\">");
    append_element(&page->body, "", text, "</a></p>\n");
}

/* What is wider than the window is scrolled in a box of its own, by the keyboard, too. */
static void start_box(lam_strbuf *html, const char *class, const char *label)
{
    lam_strbuf_append(html, "<div class=\"%s\" tabindex=\"0\" role=\"region\" aria-label=\"",
                      class);
    append_element(html, "", label, "\">");
}

static void add_code(lam_page *page, const char *text)
{
    start_box(&page->body, "box code", "Text in a fixed font");
    append_element(&page->body, "<pre>", text, "</pre></div>\n");
}

/* ---- tables ---- */

static const char *get_class(const lam_page_table *table, size_t column)
{
    return lam_page_is_number(table, column) ? " class=\"n\"" : "";
}

static void append_row(lam_strbuf *html, const lam_page_table *table, size_t row)
{
    char buffer[LAM_PAGE_NUMBER_BYTES];
    append(html, "<tr>");
    for (size_t i = 0; i < table->column_count; i++) {
        const char *tag = i == 0 ? "th scope=\"row\"" : "td";
        lam_strbuf_append(html, "<%s%s>", tag, get_class(table, i));
        append_element(html, "", lam_page_format_cell(table, row, i, buffer),
                       i == 0 ? "</th>" : "</td>");
    }
    append(html, "</tr>\n");
}

static void add_table(lam_page *page, const lam_page_table *table)
{
    lam_strbuf *html = &page->body;
    start_box(html, "box", table->caption ? table->caption : "Table");
    append(html, "<table>\n");
    if (table->caption)
        append_element(html, "<caption><span>", table->caption, "</span></caption>\n");
    append(html, "<thead><tr>");
    for (size_t i = 0; i < table->column_count; i++) {
        lam_strbuf_append(html, "<th scope=\"col\"%s>", get_class(table, i));
        append_element(html, "", table->columns[i].heading, "</th>");
    }
    append(html, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < table->table->row_count; row++)
        append_row(html, table, row);
    append(html, "</tbody></table></div>\n");
}

/* ---- figures ---- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The length of the text up to where a name of an id begins, 0 where none does. */
static size_t measure_reference(const char *at)
{
    static const char *const references[] = {"href='#", "href=\"#", "url(#"};
    if (isspace((unsigned char)at[0]) &&
        (starts_with(at + 1, "id='") || starts_with(at + 1, "id=\"")))
        return strlen(" id='");
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
        if (starts_with(at, references[i]))
            return strlen(references[i]);
    return 0;
}

/* The length of a title that begins here, 0 where none does: browsers show titles as hints, and
 * gnuplot's say little ("gnuplot_plot_1"). */
static size_t measure_title(const char *at)
{
    static const char last[] = "</title>";
    const char *end = starts_with(at, "<title>") ? strstr(at, last) : NULL;
    return end ? (size_t)(end - at) + strlen(last) : 0;
}

/* Every SVG of gnuplot's has the same ids: inside a page each figure's get a name in front. */
static void append_scoped(lam_strbuf *html, const char *svg, const char *end, int figure)
{
    bool is_in_tag = false;
    const char *start = svg; /* of what is still to be appended */
    for (const char *at = svg; at < end; at++) {
        size_t title = measure_title(at), reference = is_in_tag ? measure_reference(at) : 0;
        if (*at == '<' || *at == '>')
            is_in_tag = *at == '<' && title == 0;
        if (title == 0 && reference == 0)
            continue;
        lam_strbuf_append_bytes(html, start, (size_t)(at - start) + reference);
        if (reference > 0)
            lam_strbuf_append(html, "f%d-", figure);
        start = at + title + reference;
        at = start - 1;
    }
    lam_strbuf_append_bytes(html, start, (size_t)(end - start));
}

/* The last "</svg>" of a file; NULL in one that was cut short. */
static const char *find_end(const char *svg)
{
    const char *end = NULL;
    for (const char *at = svg; (at = strstr(at, "</svg>")); at++)
        end = at;
    return end;
}

static bool append_svg(lam_page *page, const lam_figure *figure, const char *file)
{
    const char *svg = strstr(file, "<svg"), *end = svg ? find_end(svg) : NULL;
    if (!end)
        return false;
    start_box(&page->body, "box picture", figure->title);
    append_element(&page->body, "<svg role=\"img\" aria-label=\"", figure->alt, "\"");
    append_scoped(&page->body, svg + strlen("<svg"), end, page->figure_count);
    append(&page->body, "</svg></div>");
    return true;
}

static void append_base64(lam_strbuf *html, const char *bytes, size_t count)
{
    /* Whole groups of three bytes at a time leave nothing to pad in between. */
    enum { GROUP_BYTES = 3 * 1024 };
    char text[BASE64_ENCODE_RAW_LENGTH(GROUP_BYTES)];
    for (size_t i = 0; i < count; i += GROUP_BYTES) {
        size_t left = count - i < GROUP_BYTES ? count - i : GROUP_BYTES;
        base64_encode_raw(text, left, (const uint8_t *)bytes + i);
        lam_strbuf_append_bytes(html, text, BASE64_ENCODE_RAW_LENGTH(left));
    }
}

static void append_png(lam_page *page, const lam_figure *figure, const char *bytes,
                       size_t count)
{
    start_box(&page->body, "box picture", figure->title);
    append_element(&page->body, "<img alt=\"", figure->alt, "\" src=\"data:image/png;base64,");
    append_base64(&page->body, bytes, count);
    append(&page->body, "\"></div>");
}

/* Leaves `*is_done` where there is none that is whole and small enough. */
static lam_status try_svg(lam_page *page, const lam_figure *figure, size_t limit_bytes,
                          bool *is_done)
{
    char path[4096];
    char *file = NULL;
    size_t count = 0;
    if (*is_done || !lam_page_find_picture(page, figure, "svg", limit_bytes, path))
        return LAM_STATUS_OK;
    LAM_TRY(
        lam_file_read(page->context, path, limit_bytes, LAM_STATUS_BAD_OUTPUT, &file, &count));
    *is_done = append_svg(page, figure, file);
    free(file);
    return LAM_STATUS_OK;
}

static lam_status try_png(lam_page *page, const lam_figure *figure, bool *is_done)
{
    char path[4096];
    char *file = NULL;
    size_t count = 0;
    if (*is_done || !lam_page_find_picture(page, figure, "png", MOST_BYTES, path))
        return LAM_STATUS_OK;
    LAM_TRY(
        lam_file_read(page->context, path, MOST_BYTES, LAM_STATUS_BAD_OUTPUT, &file, &count));
    append_png(page, figure, file, count);
    free(file);
    *is_done = true;
    return LAM_STATUS_OK;
}

static lam_status add_figure(lam_page *page, const lam_figure *figure)
{
    bool is_done = false;
    lam_strbuf_append(&page->body, "<figure id=\"figure-%d\">\n", page->figure_count);
    LAM_TRY(try_svg(page, figure, DRAWING_BYTES, &is_done));
    LAM_TRY(try_png(page, figure, &is_done));
    LAM_TRY(try_svg(page, figure, MOST_BYTES, &is_done));
    if (!is_done)
        lam_strbuf_append(&page->body, "<p>No picture: %s.gp draws it from %s.tsv.</p>",
                          figure->name, figure->name);
    append_element(&page->body, "\n<figcaption><strong>", figure->title, "</strong> ");
    append_element(&page->body, "", figure->caption, "</figcaption>\n</figure>\n");
    return LAM_STATUS_OK;
}

/* ---- the whole page ---- */

static const char *find_part(const char *name)
{
    const lam_embedded_source *part = lam_page_parts;
    while (strcmp(part->name, name) != 0)
        part++;
    return part->text;
}

/* Nothing may be fetched, and no other script may run than this one, whatever a name smuggled
 * in: it is known by its hash. */
static void append_policy(lam_strbuf *html, const char *script)
{
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&hash);
    sha256_update(&hash, strlen(script), (const uint8_t *)script);
    sha256_digest(&hash, sizeof digest, digest);
    append(html, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
                 "form-action 'none'; script-src 'sha256-");
    append_base64(html, (const char *)digest, sizeof digest);
    append(html, "'\">\n");
}

static void append_head(const lam_page *page, lam_strbuf *html, const char *script)
{
    append(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    append_policy(html, script);
    append(html, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n");
    append_element(html, "<meta name=\"generator\" content=\"Lamina ", lam_version(), "\">\n");
    append_element(html, "<title>", page->title, "</title>\n<style>\n");
    append(html, find_part("page.css"));
    append(html, "</style>\n</head>\n");
}

static void finish(lam_page *page, lam_strbuf *html)
{
    const char *script = find_part("page.js");
    append_head(page, html, script);
    append_element(html, "<body>\n<header><h1>", page->title, "</h1></header>\n");
    if (page->contents.length > 0) {
        append(html, "<nav aria-label=\"Contents\"><h2>Contents</h2>\n<ol>\n");
        append(html, page->contents.text);
        append(html, "</ol></nav>\n");
    }
    append(html, "<main>\n");
    lam_strbuf_append_bytes(html, lam_strbuf_text(&page->body), page->body.length);
    append_element(html, "</main>\n<footer><p>Made by Lamina ", lam_version(),
                   ".</p></footer>\n<script>");
    append(html, script);
    append(html, "</script>\n</body>\n</html>\n");
}

const lam_page_writer lam_page_writer_html = {
    .add_heading = add_heading,
    .add_paragraph = add_paragraph,
    .add_link = add_link,
    .add_code = add_code,
    .add_table = add_table,
    .add_figure = add_figure,
    .finish = finish,
};
