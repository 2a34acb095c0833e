/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Charts of dots in rows: a row for each thing that was measured, a colour for each rival.
 */
#ifndef LAM_REPORT_DOTS_H
#define LAM_REPORT_DOTS_H

#include "report/plotter.h"

#define LAM_DOTS_MAX_ROWS 64
#define LAM_DOTS_MAX_SERIES LAM_CHART_COLORS

typedef struct lam_dot {
    double value;     /* NaN: not measured */
    double low, high; /* the ends of its range; NaN: none */
} lam_dot;

typedef struct lam_dots {
    char rows[LAM_DOTS_MAX_ROWS][128];
    size_t row_count;
    char series[LAM_DOTS_MAX_SERIES][64];
    size_t series_count;
    lam_dot dots[LAM_DOTS_MAX_SERIES][LAM_DOTS_MAX_ROWS];
} lam_dots;

/** What dots mean. */
typedef struct lam_dots_words {
    const char *row, *series, *value; /* headings of the table */
    const char *label;                /* of the axis */
    double maximum;                   /* of the axis; NaN: as the data has it */
    double line;                      /* where an upright line stands; NaN: nowhere */
} lam_dots_words;

/** An empty one on the heap, free() it; NULL without memory. */
lam_dots *lam_dots_create(void);

/** Puts a dot into a row and a series, which are made if missing. False where there is no more
 * room for them. */
LAM_MUST_USE bool lam_dots_add(lam_dots *dots, const char *row, const char *series,
                               lam_dot dot);

bool lam_dots_has_value(const lam_dots *dots);

/** Draws them; `figure` has name, title, caption and alt. */
LAM_MUST_USE lam_status lam_dots_save(const lam_dots *dots, const lam_dots_words *words,
                                      lam_plotter *plotter, const lam_figure *figure);

#endif
