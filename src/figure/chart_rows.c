/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "figure/chart_plan.h"

/* Longer series are thinned: nobody sees more than the extremes of each pixel. */
#define MAX_ROWS 4000

/* The rows of a line or band that fall into one pixel. */
typedef struct pixel_rows {
    long index;
    size_t row_count; /* that can be drawn */
    size_t first, last, lowest, highest;
    lam_point points[4]; /* of these rows */
} pixel_rows;

enum { FIRST, LOWEST, HIGHEST, LAST };

static void append_point(lam_strbuf *text, const lam_point *p)
{
    lam_strbuf_append(text, "%.10g\t%.10g\t%.10g\t%.10g\t%.10g\n", p->x, p->y, p->low, p->high,
                      p->value);
}

/* Where lines and bands break: one empty line, since two end the block. */
static void append_gap(lam_strbuf *text)
{
    size_t length = text->length;
    bool is_there = length < 2 || memcmp(text->text + length - 2, "\n\n", 2) == 0;
    if (!is_there)
        lam_strbuf_append(text, "\n");
}

static void end_block(lam_strbuf *text)
{
    append_gap(text);
    lam_strbuf_append(text, "\n");
}

static long find_pixel(const lam_axis_range *range, double from, double to, double value)
{
    double low = range->is_log ? log(range->low) : range->low;
    double high = range->is_log ? log(range->high) : range->high;
    double at = ((range->is_log ? log(value) : value) - low) / (high - low);
    return lround(floor(fmin(fmax(at, -0.1), 1.1) * fabs(to - from)));
}

static void add_to_pixel(pixel_rows *pixel, size_t row, const lam_point *p, bool is_band)
{
    double low = is_band ? p->low : p->y, high = is_band ? p->high : p->y;
    bool is_first = pixel->row_count++ == 0;
    if (is_first) {
        pixel->first = row;
        pixel->points[FIRST] = *p;
    }
    if (is_first || low < (is_band ? pixel->points[LOWEST].low : pixel->points[LOWEST].y)) {
        pixel->lowest = row;
        pixel->points[LOWEST] = *p;
    }
    if (is_first || high > (is_band ? pixel->points[HIGHEST].high : pixel->points[HIGHEST].y)) {
        pixel->highest = row;
        pixel->points[HIGHEST] = *p;
    }
    pixel->last = row;
    pixel->points[LAST] = *p;
}

static void flush_line(lam_strbuf *text, const pixel_rows *pixel)
{
    bool rises = pixel->lowest < pixel->highest;
    size_t rows[4] = {pixel->first, rises ? pixel->lowest : pixel->highest,
                      rises ? pixel->highest : pixel->lowest, pixel->last};
    int points[4] = {FIRST, rises ? LOWEST : HIGHEST, rises ? HIGHEST : LOWEST, LAST};
    for (int i = 0; i < 4; i++) {
        if (i == 0 || rows[i] != rows[i - 1])
            append_point(text, &pixel->points[points[i]]);
    }
}

static void flush_pixel(lam_strbuf *text, pixel_rows *pixel, bool is_band)
{
    if (pixel->row_count == 0) {
        append_gap(text);
    } else if (is_band) {
        lam_point p = pixel->points[FIRST];
        p.low = pixel->points[LOWEST].low;
        p.high = pixel->points[HIGHEST].high;
        append_point(text, &p);
    } else {
        flush_line(text, pixel);
    }
    pixel->row_count = 0;
}

/* Rows of no place on the x axis belong to the pixel at hand, so that a gap which is narrower
 * than a pixel is none. */
static void thin_line(lam_chart_plan *plan, size_t panel, const lam_series *series)
{
    const lam_panel *of = &plan->chart->panels[panel];
    const lam_panel_plan *at = &plan->panels[panel];
    bool is_band = series->mark == LAM_MARK_BAND, is_open = false;
    pixel_rows current = {0};
    size_t end = lam_series_get_end(plan->chart, series);
    for (size_t row = series->first_row; row < end; row++) {
        lam_point p;
        bool is_drawn = lam_series_get_point(plan->chart, of, series, row, &p);
        bool has_place = lam_axis_range_can_show(&at->x, p.x);
        long index = has_place ? find_pixel(&at->x, at->left, at->right, p.x) : current.index;
        if (is_open && index != current.index)
            flush_pixel(&plan->drawn, &current, is_band);
        current.index = index;
        is_open |= is_drawn;
        if (is_drawn)
            add_to_pixel(&current, row, &p, is_band);
    }
    flush_pixel(&plan->drawn, &current, is_band);
}

/* One point for each pixel, the first that fell there. */
static void thin_points(lam_chart_plan *plan, size_t panel, const lam_series *series)
{
    const lam_panel *of = &plan->chart->panels[panel];
    const lam_panel_plan *at = &plan->panels[panel];
    size_t width = (size_t)(1.3 * (at->right - at->left)) + 2;
    size_t height = (size_t)(1.3 * (at->bottom - at->top)) + 2;
    uint8_t *is_taken = calloc(width, height);
    if (!is_taken) {
        plan->drawn.failed = true;
        return;
    }
    size_t end = lam_series_get_end(plan->chart, series);
    for (size_t row = series->first_row; row < end; row++) {
        lam_point p;
        if (!lam_series_get_point(plan->chart, of, series, row, &p))
            continue;
        double x = find_pixel(&at->x, at->left, at->right, p.x) + 0.1 * (double)width;
        double y = find_pixel(&at->y, at->top, at->bottom, p.y) + 0.1 * (double)height;
        uint8_t *place = &is_taken[(size_t)y * width + (size_t)x];
        if (!*place)
            append_point(&plan->drawn, &p);
        *place = 1;
    }
    free(is_taken);
}

static void copy_rows(lam_chart_plan *plan, size_t panel, const lam_series *series)
{
    size_t end = lam_series_get_end(plan->chart, series);
    for (size_t row = series->first_row; row < end; row++) {
        lam_point p;
        if (lam_series_get_point(plan->chart, &plan->chart->panels[panel], series, row, &p))
            append_point(&plan->drawn, &p);
        else if (row + 1 < end)
            append_gap(&plan->drawn);
    }
}

static void copy_path(lam_chart_plan *plan, const lam_panel *panel, const lam_series *series,
                      size_t row)
{
    const lam_table *table = plan->chart->table;
    lam_point p = {.low = NAN, .high = NAN};
    p.value = lam_table_get_number(table, row, series->value);
    lam_axis_range range = {.is_log = panel->y.is_log};
    for (size_t axis = 0; isfinite(p.value) && axis < series->axis_count; axis++) {
        p.x = (double)axis;
        p.y = lam_table_get_number(table, row, series->first_axis + axis);
        if (lam_axis_range_can_show(&range, p.y))
            append_point(&plan->drawn, &p);
        else
            append_gap(&plan->drawn);
    }
    append_gap(&plan->drawn);
}

static void collect_rows(lam_chart_plan *plan, size_t panel, const lam_series *series)
{
    size_t end = lam_series_get_end(plan->chart, series);
    bool is_long = end - series->first_row > MAX_ROWS;
    if (series->mark == LAM_MARK_PATHS) {
        for (size_t row = series->first_row; row < end; row++)
            copy_path(plan, &plan->chart->panels[panel], series, row);
    } else if (is_long && series->mark == LAM_MARK_POINTS) {
        thin_points(plan, panel, series);
    } else if (is_long && (series->mark == LAM_MARK_LINE || series->mark == LAM_MARK_STEPS ||
                           series->mark == LAM_MARK_BAND)) {
        thin_line(plan, panel, series);
    } else {
        copy_rows(plan, panel, series);
    }
}

/* gnuplot takes quotation marks for the ends of a cell and lines behind a # for none. */
static bool has_marks_of_gnuplot(const lam_table *table)
{
    for (size_t c = 0; c < table->column_count; c++) {
        bool is_text = table->columns[c].kind == LAM_CELL_TEXT;
        for (size_t row = 0; is_text && row < table->row_count; row++) {
            if (strpbrk(lam_table_get_text(table, row, c), "\"#"))
                return true;
        }
    }
    return false;
}

void lam_chart_plan_rows(lam_chart_plan *plan)
{
    const lam_chart *chart = plan->chart;
    bool all = has_marks_of_gnuplot(chart->table);
    for (size_t p = 0; p < chart->panel_count; p++) {
        for (size_t s = 0; s < chart->panels[p].series_count; s++) {
            const lam_series *series = &chart->panels[p].series[s];
            lam_series_plan *at = &plan->panels[p].series[s];
            bool is_long = series->row_count > MAX_ROWS;
            at->has_own_rows = at->is_drawn && series->mark != LAM_MARK_LABELS &&
                               (all || !at->is_plain || is_long);
            if (!at->has_own_rows)
                continue;
            at->block = plan->block_count++;
            collect_rows(plan, p, series);
            end_block(&plan->drawn);
        }
    }
}
