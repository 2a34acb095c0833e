/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "figure/chart_plan.h"

#define DEFAULT_BAR_WIDTH 0.8

size_t lam_series_get_end(const lam_chart *chart, const lam_series *series)
{
    size_t rows = chart->table->row_count;
    if (series->first_row >= rows)
        return series->first_row;
    size_t left = rows - series->first_row;
    return series->first_row + (series->row_count < left ? series->row_count : left);
}

double lam_series_get_half_width(const lam_series *series)
{
    if (series->mark == LAM_MARK_CELLS)
        return 0.5;
    return (series->bar_width > 0 ? series->bar_width : DEFAULT_BAR_WIDTH) / 2;
}

static bool has_value(const lam_series *series)
{
    return series->mark == LAM_MARK_CELLS || series->mark == LAM_MARK_PATHS ||
           series->has_value;
}

/* A whisker or edge that is none, or below all of a logarithmic axis, ends at `instead`. */
static double get_edge(const lam_axis *axis, double edge, double instead)
{
    return isfinite(edge) && (!axis->is_log || edge > 0) ? edge : instead;
}

static bool can_show(const lam_axis *axis, double value)
{
    lam_axis_range range = {.is_log = axis->is_log};
    return lam_axis_range_can_show(&range, value);
}

/* Bars start at 0, which a logarithmic axis has not got: they start where it does. */
static double get_foot(const lam_axis *axis)
{
    return axis->is_log ? NAN : 0;
}

bool lam_series_get_point(const lam_chart *chart, const lam_panel *panel,
                          const lam_series *series, size_t row, lam_point *ret_point)
{
    const lam_table *table = chart->table;
    lam_point p = {lam_table_get_number(table, row, series->x), NAN, NAN, NAN, NAN};
    if (series->mark != LAM_MARK_BAND)
        p.y = lam_table_get_number(table, row, series->y);
    if (has_value(series))
        p.value = lam_table_get_number(table, row, series->value);
    bool is_shown = can_show(&panel->x, p.x);
    if (series->mark == LAM_MARK_BAND || series->mark == LAM_MARK_ERROR_BARS) {
        double low = lam_table_get_number(table, row, series->low);
        double high = lam_table_get_number(table, row, series->high);
        p.low = get_edge(&panel->y, low, series->mark == LAM_MARK_BAND ? high : p.y);
        p.high = get_edge(&panel->y, high, p.y);
    }
    is_shown = is_shown && can_show(&panel->y, series->mark == LAM_MARK_BAND ? p.high : p.y);
    *ret_point = p;
    return is_shown &&
           (!has_value(series) || series->mark == LAM_MARK_LABELS || isfinite(p.value));
}

/* What one row takes of the axes. */
static void add_point(lam_panel_plan *panel, const lam_panel *of, const lam_series *series,
                      const lam_point *p)
{
    double half = lam_series_get_half_width(series);
    bool is_cell = series->mark == LAM_MARK_CELLS;
    bool is_wide = is_cell || series->mark == LAM_MARK_BARS;
    bool is_high = is_cell || series->mark == LAM_MARK_ROWS;
    for (int sign = -1; sign <= 1; sign += 2) {
        lam_axis_range_add(&panel->x, p->x + (is_wide ? sign * half : 0));
        lam_axis_range_add(&panel->y, p->y + (is_high ? sign * half : 0));
    }
    lam_axis_range_add(&panel->y, p->low);
    lam_axis_range_add(&panel->y, p->high);
    if (series->mark == LAM_MARK_BARS)
        lam_axis_range_add(&panel->y, get_foot(&of->y));
    if (series->mark == LAM_MARK_ROWS)
        lam_axis_range_add(&panel->x, get_foot(&of->x));
    if (series->mark != LAM_MARK_LABELS)
        lam_axis_range_add(&panel->color, p->value);
}

static bool add_path(const lam_chart *chart, lam_panel_plan *panel, const lam_series *series,
                     size_t row)
{
    double value = lam_table_get_number(chart->table, row, series->value);
    if (!isfinite(value))
        return false;
    bool is_drawn = false;
    lam_axis_range_add(&panel->color, value);
    for (size_t axis = 0; axis < series->axis_count; axis++) {
        double y = lam_table_get_number(chart->table, row, series->first_axis + axis);
        lam_axis_range_add(&panel->x, (double)axis);
        lam_axis_range_add(&panel->y, y);
        is_drawn |= lam_axis_range_can_show(&panel->y, y);
    }
    return is_drawn;
}

static bool needs_neighbour(const lam_series *series)
{
    return series->mark == LAM_MARK_LINE || series->mark == LAM_MARK_STEPS;
}

static bool has_its_own_edges(const lam_chart *chart, const lam_series *series, size_t row,
                              const lam_point *p)
{
    return (isnan(p->low) && isnan(p->high)) ||
           (p->low == lam_table_get_number(chart->table, row, series->low) &&
            p->high == lam_table_get_number(chart->table, row, series->high));
}

static void add_series(const lam_chart *chart, const lam_panel *of, lam_panel_plan *panel,
                       const lam_series *series, lam_series_plan *plan)
{
    size_t end = lam_series_get_end(chart, series), connected = 0, drawn = 0;
    plan->is_plain = series->mark != LAM_MARK_PATHS;
    for (size_t row = series->first_row; row < end; row++) {
        lam_point point;
        bool is_path = series->mark == LAM_MARK_PATHS;
        bool is_drawn = is_path ? add_path(chart, panel, series, row)
                                : lam_series_get_point(chart, of, series, row, &point);
        if (is_drawn && !is_path)
            add_point(panel, of, series, &point);
        if (!is_path && !needs_neighbour(series))
            plan->is_plain &= is_drawn && has_its_own_edges(chart, series, row, &point);
        drawn += is_drawn;
        plan->has_lone_points |= !is_drawn && connected == 1;
        connected = is_drawn ? connected + 1 : 0;
    }
    plan->is_drawn = drawn > 0;
    plan->is_single = drawn == 1;
    plan->has_lone_points |= connected == 1;
    plan->has_lone_points &= needs_neighbour(series);
    panel->has_data |= plan->is_drawn;
}

static void add_names(const lam_axis *axis, lam_axis_range *range)
{
    if (axis->name_count == 0)
        return;
    lam_axis_range_add(range, -0.5);
    lam_axis_range_add(range, (double)axis->name_count - 0.5);
}

static bool fills_its_cell(const lam_panel *panel)
{
    for (size_t s = 0; s < panel->series_count; s++) {
        if (panel->series[s].mark == LAM_MARK_CELLS)
            return true;
    }
    return panel->picture != NULL;
}

static void add_panel(const lam_chart *chart, const lam_panel *of, lam_panel_plan *panel)
{
    panel->x = lam_axis_range_make(of->x.is_log);
    panel->y = lam_axis_range_make(of->y.is_log);
    panel->color = lam_axis_range_make(false);
    if (of->picture) {
        panel->has_data = true;
        for (int end = 0; end <= 1; end++) {
            lam_axis_range_add(&panel->x, end * (double)of->picture_width);
            lam_axis_range_add(&panel->y, end * (double)of->picture_height);
        }
    }
    for (size_t s = 0; s < of->series_count; s++)
        add_series(chart, of, panel, &of->series[s], &panel->series[s]);
    add_names(&of->x, &panel->x);
    add_names(&of->y, &panel->y);
}

/* Panels that stand upon each other and show the same quantity along x. */
static bool share_x(const lam_panel *a, const lam_panel *b)
{
    bool is_same = !a->x.label || !b->x.label || strcmp(a->x.label, b->x.label) == 0;
    return is_same && a->x.is_log == b->x.is_log && a->x.name_count == b->x.name_count;
}

static void unite_x(lam_chart_plan *plan)
{
    const lam_chart *chart = plan->chart;
    for (size_t p = 1; chart->columns <= 1 && p < chart->panel_count; p++) {
        for (size_t other = 0; other < p; other++) {
            if (!share_x(&chart->panels[p], &chart->panels[other]))
                continue;
            lam_axis_range *a = &plan->panels[p].x, *b = &plan->panels[other].x;
            a->low = b->low = fmin(a->low, b->low);
            a->high = b->high = fmax(a->high, b->high);
        }
    }
}

void lam_chart_plan_ranges(lam_chart_plan *plan)
{
    const lam_chart *chart = plan->chart;
    for (size_t p = 0; p < chart->panel_count; p++)
        add_panel(chart, &chart->panels[p], &plan->panels[p]);
    unite_x(plan);
    for (size_t p = 0; p < chart->panel_count; p++) {
        const lam_panel *of = &chart->panels[p];
        lam_panel_plan *panel = &plan->panels[p];
        bool is_full = fills_its_cell(of);
        lam_axis_range_finish(&panel->x, of->x.minimum, of->x.maximum,
                              !is_full && of->x.name_count == 0);
        lam_axis_range_finish(&panel->y, of->y.minimum, of->y.maximum,
                              !is_full && of->y.name_count == 0);
        lam_axis_range_finish(&panel->color, of->color_minimum, of->color_maximum, false);
    }
}
