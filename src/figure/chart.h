/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A chart as data: panels with axes, and series that point into one table. Drawn by gnuplot
 * from a script that stands beside the data. All texts are borrowed, UTF-8, and drawn as they
 * are: nothing in them is markup.
 *
 * Legends stand above their panel, never over data. Colours are those of Okabe and Ito, "Color
 * universal design", 2008, which all kinds of colour vision tell apart, in an order that also
 * differs in lightness; the theme adapts them to its background.
 */
#ifndef LAM_FIGURE_CHART_H
#define LAM_FIGURE_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "figure/table.h"
#include "lamina/figure.h"

#define LAM_CHART_MAX_PANELS 16
#define LAM_CHART_MAX_SERIES 64
#define LAM_WORD_BYTES 96
#define LAM_CHART_COLORS 8   /* colours repeat, with another dash, from the ninth series on */
#define LAM_CHART_FAINT (-1) /* the colour of what stands back */

/** How a series is drawn, and which columns it needs. */
typedef enum lam_mark {
    LAM_MARK_LINE,       /* x, y; breaks where a number is none. Long ones are thinned, for the
                            picture alone, to the extremes of each pixel */
    LAM_MARK_STEPS,      /* x, y: stays until the next x */
    LAM_MARK_POINTS,     /* x, y; with `value` coloured by it on the panel's colour scale */
    LAM_MARK_ERROR_BARS, /* x, y, low, high: a point with a whisker */
    LAM_MARK_BAND,       /* x, low, high: a translucent area */
    LAM_MARK_BARS,       /* x (middle), y: upright bars of `bar_width` */
    LAM_MARK_ROWS,       /* y (middle), x: lying bars, from 0 */
    LAM_MARK_CELLS,      /* x, y, value: squares of side 1 in the panel's colour scale */
    LAM_MARK_LABELS,     /* x, y, text, centred there */
    LAM_MARK_PATHS,      /* for each row a line through columns `first_axis` .. + axis_count - 1
                            at x = 0, 1, ..: parallel coordinates, coloured by `value` */
} lam_mark;

typedef struct lam_series {
    lam_mark mark;
    const char *title;           /* in the legend; NULL: not in it */
    int color;                   /* 0 .. : of the palette; series of one thing share it; or
                                    LAM_CHART_FAINT */
    bool is_dashed;              /* e.g. validation beside training */
    bool is_ring;                /* POINTS: circles around points of other series */
    size_t first_row, row_count; /* of the chart's table */
    /* Columns of the chart's table, as the mark needs them. */
    size_t x, y, low, high, value, text;
    size_t first_axis, axis_count;
    double bar_width;      /* in units of the axis */
    bool has_value;        /* POINTS: `value` is meant */
    bool is_light_on_dark; /* LABELS: of a cell whose value is in the dark half; else decided
                              by `value` where has_value is set */
} lam_series;

/** Words at a place that is not in the table, centred there. */
typedef struct lam_word {
    double x, y;
    char text[LAM_WORD_BYTES];
} lam_word;

typedef struct lam_axis {
    const char *label; /* with its unit: "accuracy (%)"; NULL: none */
    bool is_log;
    double minimum, maximum; /* NaN, or both the same: as the data has it, with some air */
    double zero_place;       /* where 0 stands besides a logarithmic range; 0: nowhere */
    bool is_hidden;          /* no tics and no numbers */
    /* Named tics in place of numbers; 0: numbers. */
    const char *const *names;
    size_t name_count;   /* of them, at 0, 1, .. */
    bool is_upside_down; /* 0 is on top */
} lam_axis;

typedef struct lam_panel {
    const char *title; /* NULL: none */
    lam_axis x, y;
    const char *color_label;             /* of the colour scale; NULL: no scale is drawn */
    double color_minimum, color_maximum; /* NaN, or both the same: as the data has it */
    const lam_series *series;
    size_t series_count;
    double height;  /* relative to other panels; 0 is 1 */
    bool is_square; /* both axes have one scale: grids of cells, pictures */
    /* A picture behind the series that fills x, y = 0 .. width, 0 .. height of it, the first
     * row of pixels on top (use y.is_upside_down); NULL: none. Its file name in the folder. */
    const char *picture;
    uint32_t picture_width, picture_height;
    const lam_word *words;
    size_t word_count;
} lam_panel;

typedef struct lam_chart {
    lam_figure figure; /* name, title, caption, alt; title on top, caption wrapped beneath */
    const lam_table *table;
    const lam_panel *panels;
    size_t panel_count;
    size_t columns;    /* of panels, filled row by row; 0 is 1: stacked with x axes aligned */
    int width, height; /* pixels at 96 per inch; 0: 800 x what the panels need. A height that
                          leaves plots no room is exceeded */
} lam_chart;

/** Writes <name>.tsv and <name>.gp, draws the pictures, and appends the figure to the list.
 * Errors: BAD_OUTPUT, NO_MEMORY, NO_RENDERER (data and script are there), INTERRUPTED. */
LAM_MUST_USE lam_status lam_chart_save(lam_context *context, const lam_chart *chart,
                                       const lam_figure_options *options,
                                       lam_figure_list *list);

/** Makes any text fit for the name of a figure: what is not a letter, digit, '.', '_' or '-'
 * becomes '-', too long ones are cut; `bytes` is the room with its NUL. */
void lam_figure_make_name(const char *text, char *name, size_t bytes);

#endif
