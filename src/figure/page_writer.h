/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What makes a page HTML or Markdown: how each kind of block is appended to it.
 */
#ifndef LAM_FIGURE_PAGE_WRITER_H
#define LAM_FIGURE_PAGE_WRITER_H

#include "base/embedded.h"
#include "base/strbuf.h"
#include "figure/page.h"

/** page.css and page.js. */
extern const lam_embedded_source lam_page_parts[];

/** A table and what of it is shown. */
typedef struct lam_page_table {
    const char *caption; /* NULL: none */
    const lam_table *table;
    const lam_page_column *columns;
    size_t column_count;
} lam_page_table;

typedef struct lam_page_writer {
    void (*add_heading)(lam_page *page, int level, const char *text);
    void (*add_paragraph)(lam_page *page, const char *text);
    void (*add_link)(lam_page *page, const char *text, const char *path);
    void (*add_code)(lam_page *page, const char *text);
    void (*add_table)(lam_page *page, const lam_page_table *table);
    lam_status (*add_figure)(lam_page *page, const lam_figure *figure);
    /* The whole page: what comes before the blocks, the blocks, and what comes after. */
    void (*finish)(lam_page *page, lam_strbuf *text);
} lam_page_writer;

extern const lam_page_writer lam_page_writer_html;
extern const lam_page_writer lam_page_writer_markdown;

struct lam_page {
    lam_context *context;
    const lam_page_writer *writer;
    char *path, *title, *figure_directory;
    lam_strbuf body;     /* the blocks */
    lam_strbuf contents; /* HTML: items of the table of contents */
    int heading_count, figure_count;
    bool failed; /* a table that was to be shown had failed */
};

/** True where the column's cells are numbers. */
bool lam_page_is_number(const lam_page_table *table, size_t column);

/** A cell as it is shown, without any markup; borrowed, or in `buffer`. */
#define LAM_PAGE_NUMBER_BYTES 64
const char *lam_page_format_cell(const lam_page_table *table, size_t row, size_t column,
                                 char buffer[LAM_PAGE_NUMBER_BYTES]);

/** Whether the figure has a picture of at most `limit_bytes`; its path is in `path` then. */
bool lam_page_find_picture(const lam_page *page, const lam_figure *figure, const char *suffix,
                           size_t limit_bytes, char path[4096]);

#endif
