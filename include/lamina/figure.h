/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What all figures have in common, and the pages that show them. A figure called `name` is a
 * set of files of one folder: name.tsv (its data, one line of headings), name.gp (the gnuplot
 * script that draws it; gnuplot run in that folder draws it again) and one picture for each
 * format that was asked for. Montages have their pixels in name-sheet.png besides.
 */
#ifndef LAMINA_FIGURE_H
#define LAMINA_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "lamina/context.h"

LAM_BEGIN_DECLS

/** Bits of a set. X(name, suffix of the file, bit) */
#define LAM_FIGURE_FORMAT_LIST(X)                                                              \
    X(SVG, "svg", 1)                                                                           \
    X(PNG, "png", 2)                                                                           \
    X(PDF, "pdf", 4)

typedef enum lam_figure_format {
#define LAM_FIGURE_FORMAT_ENUM(name, text, bit) LAM_FIGURE_FORMAT_##name = bit,
    LAM_FIGURE_FORMAT_LIST(LAM_FIGURE_FORMAT_ENUM)
#undef LAM_FIGURE_FORMAT_ENUM
} lam_figure_format;

/** X(name, name on the command line) */
#define LAM_THEME_LIST(X)                                                                      \
    X(LIGHT, "light")                                                                          \
    X(DARK, "dark")

typedef enum lam_theme {
#define LAM_THEME_ENUM(name, text) LAM_THEME_##name,
    LAM_THEME_LIST(LAM_THEME_ENUM)
#undef LAM_THEME_ENUM
} lam_theme;

/** What pages of text, tables and figures are written as. X(name, suffix of the file and name
 * on the command line) */
#define LAM_PAGE_FORMAT_LIST(X)                                                                \
    X(HTML, "html") /* one file that needs nothing else */                                     \
    X(MARKDOWN, "md")

typedef enum lam_page_format {
#define LAM_PAGE_FORMAT_ENUM(name, text) LAM_PAGE_FORMAT_##name,
    LAM_PAGE_FORMAT_LIST(LAM_PAGE_FORMAT_ENUM)
#undef LAM_PAGE_FORMAT_ENUM
} lam_page_format;

/** How and where figures are made. */
typedef struct lam_figure_options {
    const char *directory; /* made if missing; files of the same names are replaced */
    unsigned formats;      /* a set of lam_figure_format; 0: data and scripts alone */
    lam_theme theme;
    bool is_bare; /* without title and caption: the page that it goes to has them as text */
} lam_figure_options;

/** A figure that was made, in UTF-8. */
typedef struct lam_figure {
    char name[96];      /* of its files, without suffix: letters, digits, '.', '_' and '-' */
    char title[160];    /* one line */
    char caption[1024]; /* what it shows, of which run with which settings; drawn beneath it */
    char alt[512];      /* for those who cannot see it: what there is to see */
} lam_figure;

/** `{0}` is an empty one; lam_figure_list_free() it. Functions that make figures append what
 * they made, also when they fail. */
typedef struct lam_figure_list {
    lam_figure *figures;
    size_t count;
} lam_figure_list;

LAM_API void lam_figure_list_free(lam_figure_list *list);

LAM_END_DECLS

#endif
