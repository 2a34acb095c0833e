/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What is worked out about a chart before its script is written: which rows are drawn, what
 * the axes span, and where everything stands. Places are in pixels from the top left.
 */
#ifndef LAM_FIGURE_CHART_PLAN_H
#define LAM_FIGURE_CHART_PLAN_H

#include "base/strbuf.h"
#include "figure/axis_range.h"
#include "figure/chart.h"
#include "figure/theme.h"

#define LAM_FONT_TITLE 15
#define LAM_FONT_LABEL 12
#define LAM_FONT_SMALL 11 /* numbers at axes, legends, captions */

/** A row of a series. What its mark does not need is NaN. */
typedef struct lam_point {
    double x, y, low, high, value;
} lam_point;

typedef struct lam_series_plan {
    bool is_drawn;        /* it has rows to draw */
    bool has_lone_points; /* of a line, without a neighbour */
    bool is_single;       /* it has one row to draw */
    bool is_plain;        /* gnuplot draws the table's rows as it finds them */
    bool has_own_rows;    /* in the file of drawn rows, as block .. */
    size_t block;
} lam_series_plan;

typedef struct lam_panel_plan {
    lam_axis_range x, y, color;
    bool has_data;
    lam_series_plan series[LAM_CHART_MAX_SERIES];
    lam_tick x_ticks[LAM_MAX_TICKS], y_ticks[LAM_MAX_TICKS], color_ticks[LAM_MAX_TICKS];
    size_t x_tick_count, y_tick_count, color_tick_count;
    double x_name_ems, y_name_ems; /* room for named tics */
    bool x_names_stand;            /* turned by 90 degrees */
    size_t legend_rows;
    double legend_ems; /* room for a title in the legend */
    double cell_left, cell_top;
    double left, right, top, bottom; /* of the plot itself */
    double y_label_x;                /* middle of the label's line */
    double left_room, right_room, top_room, bottom_room;
} lam_panel_plan;

typedef struct lam_chart_plan {
    const lam_chart *chart;
    const lam_theme_colors *colors;
    double width, height;
    double caption_top;
    lam_panel_plan panels[LAM_CHART_MAX_PANELS];
    lam_strbuf drawn; /* the file of drawn rows: blocks of x, y, low, high, value */
    size_t block_count;
} lam_chart_plan;

/** The row of a series as it is drawn; false when it is not, because numbers are missing or an
 * axis cannot show them. */
bool lam_series_get_point(const lam_chart *chart, const lam_panel *panel,
                          const lam_series *series, size_t row, lam_point *ret_point);
/** One behind the last row of a series that the table has. */
size_t lam_series_get_end(const lam_chart *chart, const lam_series *series);
/** Half the width of a bar or a cell. */
double lam_series_get_half_width(const lam_series *series);

/** Finds out what the axes span, and which series have anything to draw. */
void lam_chart_plan_ranges(lam_chart_plan *plan);
/** Places panels, legends and texts. */
void lam_chart_plan_layout(lam_chart_plan *plan);
/** Collects rows that gnuplot cannot take from the table as they are, long lines thinned. */
void lam_chart_plan_rows(lam_chart_plan *plan);

/** Appends the gnuplot script. `formats` and `theme` as in lam_figure_options. */
void lam_chart_write_script(const lam_chart_plan *plan, const lam_figure_options *options,
                            lam_strbuf *script);

#endif
