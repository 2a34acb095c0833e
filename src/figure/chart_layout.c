/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/checked.h"
#include "figure/chart_plan.h"
#include "figure/figure_text.h"

#define EDGE 16.0 /* around everything */
#define GAP 8.0   /* between neighbours */
#define LINE_HEIGHT 16.0
#define PLOT_HEIGHT 230.0
#define MIN_PLOT 40.0
#define MAX_SQUARE_HEIGHT 640.0
#define MAX_NAME_EMS 26.0
#define MAX_STANDING_EMS 14.0
#define MAX_NAME_SHARE 0.3 /* of the width that a panel has */
#define MIN_SCALE 0.4      /* of plots that shall be low */
#define TICK_DISTANCE 38.0
#define TICK_GAP 14.0 /* from an axis to its numbers */
#define MAX_LEGEND_EMS 44.0
#define MIN_LEGEND_EMS 8.0
#define LONG_LEGEND 8 /* rows */
#define MAX_CUT_COLUMNS 3.0
#define SCALE_WIDTH 14.0  /* of a colour scale */
#define SAMPLE_WIDTH 52.0 /* of an entry of the legend, beside its title */
#define ROW_HEIGHT 20.0   /* of a named row */

static double max_name_ems(const lam_axis *axis, double limit)
{
    double widest = 0;
    for (size_t i = 0; i < axis->name_count; i++)
        widest = fmax(widest, lam_figure_text_measure(axis->names[i]));
    return fmin(widest, limit);
}

static double max_tick_ems(const lam_tick *ticks, size_t count)
{
    double widest = 0;
    for (size_t i = 0; i < count; i++)
        widest = fmax(widest, lam_figure_text_measure(ticks[i].label));
    return widest;
}

static size_t count_columns(const lam_chart *chart)
{
    size_t columns = chart->columns > 0 ? chart->columns : 1;
    return columns < chart->panel_count ? columns : chart->panel_count;
}

/* Left and right of the plot. */
static void plan_sides(const lam_panel *of, lam_panel_plan *panel, double cell_width,
                       double height)
{
    panel->y_tick_count =
        lam_axis_range_find_ticks(&panel->y, (size_t)(height / TICK_DISTANCE), panel->y_ticks);
    double limit = fmin(MAX_NAME_EMS, MAX_NAME_SHARE * cell_width / LAM_FONT_SMALL);
    panel->y_name_ems = max_name_ems(&of->y, limit);
    double ems = of->y.name_count > 0 ? panel->y_name_ems
                                      : max_tick_ems(panel->y_ticks, panel->y_tick_count);
    panel->left_room = of->y.is_hidden ? 0 : TICK_GAP + LAM_FONT_SMALL * ems;
    panel->left_room += of->y.label ? LINE_HEIGHT + 4 : 0;
    panel->right_room = EDGE;
    if (of->color_label) {
        panel->color_tick_count =
            lam_axis_range_find_ticks(&panel->color, 5, panel->color_ticks);
        ems = max_tick_ems(panel->color_ticks, panel->color_tick_count);
        panel->right_room +=
            2 * GAP + SCALE_WIDTH + TICK_GAP + LAM_FONT_SMALL * ems + LINE_HEIGHT + 4;
    }
}

static double max_legend_ems(const lam_panel *of, const lam_panel_plan *panel,
                             size_t *ret_entries)
{
    double widest = 0;
    *ret_entries = 0;
    for (size_t s = 0; s < of->series_count; s++) {
        if (!of->series[s].title || !panel->series[s].is_drawn)
            continue;
        widest = fmax(widest, lam_figure_text_measure(of->series[s].title));
        ++*ret_entries;
    }
    return widest;
}

static void plan_legend(const lam_panel *of, lam_panel_plan *panel)
{
    size_t entries;
    double width = panel->right - panel->left;
    double widest = fmin(max_legend_ems(of, panel, &entries), MAX_LEGEND_EMS);
    /* Long titles are cut where they would make a long column. */
    double columns = fmin(MAX_CUT_COLUMNS, (double)(entries / LONG_LEGEND + 1));
    double room = (width / columns - SAMPLE_WIDTH) / LAM_FONT_SMALL;
    panel->legend_ems = fmin(widest, fmax(MIN_LEGEND_EMS, room));
    size_t fit = (size_t)fmax(1, width / (SAMPLE_WIDTH + LAM_FONT_SMALL * panel->legend_ems));
    panel->legend_rows = lam_divide_up(entries, fit);
}

/* Above and beneath the plot, whose width is known. */
static void plan_ends(const lam_panel *of, lam_panel_plan *panel)
{
    plan_legend(of, panel);
    double width = panel->right - panel->left;
    panel->top_room =
        GAP + (of->title ? LINE_HEIGHT + 4 : 0) + LINE_HEIGHT * (double)panel->legend_rows;
    panel->x_tick_count =
        lam_axis_range_find_ticks(&panel->x, (size_t)fmax(3, width / 90), panel->x_ticks);
    panel->x_name_ems = max_name_ems(&of->x, MAX_STANDING_EMS);
    double space = width / fmax(1, (double)of->x.name_count);
    panel->x_names_stand = LAM_FONT_SMALL * panel->x_name_ems > space - GAP;
    panel->bottom_room = of->x.is_hidden ? GAP : LINE_HEIGHT + TICK_GAP;
    if (!of->x.is_hidden && panel->x_names_stand)
        panel->bottom_room = TICK_GAP + LAM_FONT_SMALL * panel->x_name_ems;
    panel->bottom_room += of->x.label ? LINE_HEIGHT + 4 : 0;
}

static double get_weight(const lam_panel *panel)
{
    return panel->height > 0 ? panel->height : 1;
}

static double find_square_height(const lam_panel_plan *panel)
{
    return (panel->right - panel->left) * (panel->y.high - panel->y.low) /
           (panel->x.high - panel->x.low);
}

/* How high the plot of a panel wants to be. */
static double find_height(const lam_panel *of, const lam_panel_plan *panel)
{
    if (of->is_square)
        return fmin(find_square_height(panel), of->picture ? INFINITY : MAX_SQUARE_HEIGHT);
    return fmax(PLOT_HEIGHT * get_weight(of), ROW_HEIGHT * (double)of->y.name_count);
}

/* Makes one unit as long on both axes, in the middle of the place there is. */
static void make_square(lam_panel_plan *panel)
{
    double height = panel->bottom - panel->top, wanted = find_square_height(panel);
    if (wanted <= height) {
        panel->bottom = panel->top + wanted;
        return;
    }
    double width = (panel->right - panel->left) * height / wanted;
    double middle = (panel->left + panel->right) / 2;
    panel->left = middle - width / 2;
    panel->right = middle + width / 2;
}

/* What a row of panels takes: the highest of each part. */
typedef struct row_plan {
    double top_room, height, bottom_room;
} row_plan;

static row_plan plan_row(const lam_chart_plan *plan, size_t first, size_t columns)
{
    row_plan row = {0};
    size_t count = plan->chart->panel_count;
    for (size_t p = first; p < first + columns && p < count; p++) {
        const lam_panel_plan *panel = &plan->panels[p];
        row.top_room = fmax(row.top_room, panel->top_room);
        row.bottom_room = fmax(row.bottom_room, panel->bottom_room);
        row.height = fmax(row.height, find_height(&plan->chart->panels[p], panel));
    }
    return row;
}

/* Of a plot before all is placed: what decides how many numbers its axis has. */
static double guess_height(const lam_chart *chart, size_t panel, size_t columns)
{
    double height = PLOT_HEIGHT * get_weight(&chart->panels[panel]);
    double rows = (double)((chart->panel_count + columns - 1) / columns);
    return chart->height > 0 ? fmin(height, chart->height / rows - PLOT_HEIGHT / 3) : height;
}

/* Left and right edges of all plots; those of a column of panels are the same. */
static void place_columns(lam_chart_plan *plan, size_t columns)
{
    const lam_chart *chart = plan->chart;
    double cell = (plan->width - 2 * EDGE + GAP) / (double)columns;
    for (size_t p = 0; p < chart->panel_count; p++)
        plan_sides(&chart->panels[p], &plan->panels[p], cell, guess_height(chart, p, columns));
    for (size_t p = 0; p < chart->panel_count; p++) {
        lam_panel_plan *panel = &plan->panels[p];
        double left = 0, right = 0;
        for (size_t same = p % columns; same < chart->panel_count; same += columns) {
            left = fmax(left, plan->panels[same].left_room);
            right = fmax(right, plan->panels[same].right_room);
        }
        panel->cell_left = EDGE + cell * (double)(p % columns);
        panel->left = panel->cell_left + left;
        panel->y_label_x =
            LINE_HEIGHT / 2 + (columns > 1 ? panel->left - panel->left_room : panel->cell_left);
        panel->right = fmax(panel->left + MIN_PLOT, panel->cell_left + cell - GAP - right);
        plan_ends(&chart->panels[p], panel);
    }
}

/* Places a row of panels beneath `top`; returns where it ends. */
static double place_row(lam_chart_plan *plan, size_t first, size_t columns, row_plan row,
                        double top)
{
    for (size_t p = first; p < first + columns && p < plan->chart->panel_count; p++) {
        lam_panel_plan *panel = &plan->panels[p];
        panel->cell_top = top;
        panel->top = top + row.top_room;
        panel->bottom = panel->top + row.height;
        if (plan->chart->panels[p].is_square)
            make_square(panel);
    }
    return top + row.top_room + row.height + row.bottom_room + GAP;
}

static size_t count_caption_lines(const lam_chart_plan *plan)
{
    const char *rest = plan->chart->figure.caption;
    lam_strbuf line = {0};
    size_t count = 0;
    while (lam_figure_text_wrap(&rest, (plan->width - 2 * EDGE) / LAM_FONT_SMALL, &line))
        count++;
    lam_strbuf_free(&line);
    return count;
}

/* By how much the plots' heights are multiplied so that all fits the height asked for; what
 * has less room than that becomes higher. */
static double find_scale(const lam_chart_plan *plan, size_t columns, double fixed)
{
    double plots = 0;
    for (size_t p = 0; p < plan->chart->panel_count; p += columns) {
        row_plan row = plan_row(plan, p, columns);
        plots += row.height;
        fixed += row.top_room + row.bottom_room + GAP;
    }
    bool is_free = plan->chart->height <= 0 || plots <= 0;
    return is_free ? 1 : fmax(MIN_SCALE, (plan->chart->height - fixed) / plots);
}

void lam_chart_plan_layout(lam_chart_plan *plan)
{
    const lam_chart *chart = plan->chart;
    size_t columns = count_columns(chart);
    plan->width = chart->width > 0 ? chart->width : 800;
    double top = EDGE + (*chart->figure.title ? LAM_FONT_TITLE + GAP : 0);
    double caption = LINE_HEIGHT * (double)count_caption_lines(plan);
    place_columns(plan, columns);
    double scale = find_scale(plan, columns, top + caption + EDGE);
    for (size_t p = 0; p < chart->panel_count; p += columns) {
        row_plan row = plan_row(plan, p, columns);
        row.height *= scale;
        top = place_row(plan, p, columns, row, top);
    }
    plan->caption_top = top;
    plan->height = fmax(chart->height, ceil(top + caption + EDGE));
}
