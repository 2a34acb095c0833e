/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A page of text, tables and figures, written block by block and saved as one HTML file that
 * needs nothing else, or as Markdown beside its figures. Texts are UTF-8 and drawn as they are:
 * nothing in them is markup. Memory that runs out is reported when the page is saved.
 */
#ifndef LAM_FIGURE_PAGE_H
#define LAM_FIGURE_PAGE_H

#include "figure/table.h"
#include "lamina/figure.h"

/** X(name, name on the command line) */
#define LAM_PAGE_FORMAT_LIST(X)                                                                \
    X(HTML, "html")                                                                            \
    X(MARKDOWN, "md")

typedef enum lam_page_format {
#define LAM_PAGE_FORMAT_ENUM(name, text) LAM_PAGE_FORMAT_##name,
    LAM_PAGE_FORMAT_LIST(LAM_PAGE_FORMAT_ENUM)
#undef LAM_PAGE_FORMAT_ENUM
} lam_page_format;

typedef struct lam_page lam_page;

/** `figure_directory` is where figures are: HTML takes their SVG (or PNG) files into itself,
 * Markdown links to them from the page's place. Errors: NO_MEMORY. */
LAM_MUST_USE lam_status lam_page_create(lam_context *context, lam_page_format format,
                                        const char *title, const char *figure_directory,
                                        lam_page **ret_page);
void lam_page_destroy(lam_page **page);

/** Level 2 or 3; HTML makes a table of contents of the former. */
void lam_page_add_heading(lam_page *page, int level, const char *text);
void lam_page_add_paragraph(lam_page *page, const char *format, ...) LAM_PRINTF(2, 3);
/** Text in a fixed font, lines kept: commands, recipes. */
void lam_page_add_code(lam_page *page, const char *text);

/** How a column of a table is shown. */
typedef struct lam_page_column {
    size_t column;       /* of the table */
    const char *heading; /* with its unit */
    int decimals; /* of numbers; negative: as short as it is exact. None is shown as – */
} lam_page_column;
/** HTML's can be sorted by each column. `caption` may be NULL. */
void lam_page_add_table(lam_page *page, const char *caption, const lam_table *table,
                        const lam_page_column *columns, size_t column_count);

/** The figure's picture of its folder, its caption and alternative text. HTML takes the SVG
 * file, but the PNG file where the SVG is larger than 300 KB or missing. Without any picture,
 * the caption says where data and script are. */
LAM_MUST_USE lam_status lam_page_add_figure(lam_page *page, const lam_figure *figure);

/** Writes the page, whole or not at all. Errors: BAD_OUTPUT, NO_MEMORY. */
LAM_MUST_USE lam_status lam_page_save(lam_page *page, const char *path);

#endif
