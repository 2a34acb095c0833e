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

typedef struct lam_page lam_page;

/** What lam_page_save() will write to `path`. `figure_directory` is where figures are: HTML
 * takes them into itself, Markdown links to them from the page's place. Errors: NO_MEMORY. */
LAM_MUST_USE lam_status lam_page_create(lam_context *context, lam_page_format format,
                                        const char *path, const char *title,
                                        const char *figure_directory, lam_page **ret_page);
void lam_page_destroy(lam_page **page);

/** Level 2 or 3; HTML makes a table of contents of the former. */
void lam_page_add_heading(lam_page *page, int level, const char *text);
void lam_page_add_paragraph(lam_page *page, const char *format, ...) LAM_PRINTF(2, 3);
/** A paragraph that leads to a file, whose path is relative to the page. */
void lam_page_add_link(lam_page *page, const char *text, const char *path);
/** Text in a fixed font, lines kept: commands, recipes. */
void lam_page_add_code(lam_page *page, const char *text);

/** How a column of a table is shown. */
typedef struct lam_page_column {
    size_t column;       /* of the table */
    const char *heading; /* with its unit */
    int decimals;        /* of numbers; negative: as few digits as are exact */
} lam_page_column;

/** Cells that are none show as a dash. HTML's tables can be sorted by each column. `caption`
 * may be NULL. */
void lam_page_add_table(lam_page *page, const char *caption, const lam_table *table,
                        const lam_page_column *columns, size_t column_count);

/** The figure's picture, its title and its caption. HTML takes the SVG file, but the PNG file,
 * where there is one, if the SVG is larger than 300 KB or missing. Without any picture the page
 * says which files would draw it. Errors: BAD_OUTPUT (a picture that cannot be read). */
LAM_MUST_USE lam_status lam_page_add_figure(lam_page *page, const lam_figure *figure);

/** Writes the page, whole or not at all. Errors: BAD_OUTPUT, NO_MEMORY. */
LAM_MUST_USE lam_status lam_page_save(lam_page *page);

#endif
