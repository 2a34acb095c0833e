/* SPDX-License-Identifier: Apache-2.0 */
#include "report/dots.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of the height of a row: what its dots take up. */
#define SPREAD 0.6
#define LINE_COLOR 6 /* black, or white on black */

lam_dots *lam_dots_create(void)
{
    lam_dots *dots = calloc(1, sizeof *dots);
    if (!dots)
        return NULL;
    for (size_t s = 0; s < LAM_DOTS_MAX_SERIES; s++)
        for (size_t r = 0; r < LAM_DOTS_MAX_ROWS; r++)
            dots->dots[s][r] = (lam_dot){NAN, NAN, NAN};
    return dots;
}

/* The place of a name, which takes the first free one if it is new; `capacity` for none. */
static size_t find_name(char *names, size_t bytes, size_t capacity, size_t *count,
                        const char *name)
{
    char whole[128];
    size_t i = 0;
    lam_plot_write(whole, bytes, "%s", name);
    while (i < *count && strcmp(names + i * bytes, whole) != 0)
        i++;
    if (i == *count && i < capacity)
        memcpy(names + bytes * (*count)++, whole, bytes);
    return i;
}

bool lam_dots_add(lam_dots *dots, const char *row, const char *series, lam_dot dot)
{
    const size_t r = find_name(dots->rows[0], sizeof dots->rows[0], LAM_DOTS_MAX_ROWS,
                               &dots->row_count, row);
    const size_t s = find_name(dots->series[0], sizeof dots->series[0], LAM_DOTS_MAX_SERIES,
                               &dots->series_count, series);
    if (r == LAM_DOTS_MAX_ROWS || s == LAM_DOTS_MAX_SERIES)
        return false;
    dots->dots[s][r] = dot;
    return true;
}

bool lam_dots_has_value(const lam_dots *dots)
{
    for (size_t s = 0; s < dots->series_count; s++)
        for (size_t r = 0; r < dots->row_count; r++)
            if (isfinite(dots->dots[s][r].value))
                return true;
    return false;
}

/* ---- the chart ---- */

typedef struct dots_table {
    lam_table table;
    size_t row, series, value, low, high, place, line;
} dots_table;

static void add_columns(dots_table *t, const lam_dots_words *words)
{
    t->row = lam_table_add_column(&t->table, words->row, LAM_CELL_TEXT);
    t->series = lam_table_add_column(&t->table, words->series, LAM_CELL_TEXT);
    t->value = lam_table_add_column(&t->table, words->value, LAM_CELL_NUMBER);
    t->place = lam_table_add_column(&t->table, "place", LAM_CELL_NUMBER);
    t->low = lam_table_add_column(&t->table, "minimum", LAM_CELL_NUMBER);
    t->high = lam_table_add_column(&t->table, "maximum", LAM_CELL_NUMBER);
    t->line = lam_table_add_column(&t->table, "line", LAM_CELL_NUMBER);
}

/* Rivals stand one beneath the other, so that their ranges do not cover each other. */
static double get_place(const lam_dots *dots, size_t series, size_t row)
{
    const double count = (double)dots->series_count;
    return (double)row + SPREAD * (((double)series + 0.5) / count - 0.5);
}

static void add_dot(dots_table *t, const lam_dots *dots, size_t series, size_t row)
{
    const lam_dot *dot = &dots->dots[series][row];
    if (!isfinite(dot->value))
        return;
    lam_table_add_row(&t->table);
    lam_table_set_text(&t->table, t->row, dots->rows[row]);
    lam_table_set_text(&t->table, t->series, dots->series[series]);
    lam_table_set_number(&t->table, t->value, dot->value);
    lam_table_set_number(&t->table, t->place, get_place(dots, series, row));
    lam_table_set_number(&t->table, t->low, dot->low);
    lam_table_set_number(&t->table, t->high, dot->high);
}

/* The ends of each range as a line of two points, with a gap behind. */
static void add_range(dots_table *t, const lam_dots *dots, size_t series, size_t row)
{
    const lam_dot *dot = &dots->dots[series][row];
    const double ends[] = {dot->low, dot->high, NAN};
    if (!(dot->low < dot->high))
        return;
    for (int i = 0; i < 3; i++) {
        lam_table_add_row(&t->table);
        lam_table_set_number(&t->table, t->line, ends[i]);
        lam_table_set_number(&t->table, t->place, get_place(dots, series, row));
    }
}

static void add_upright_line(dots_table *t, const lam_dots *dots, double place)
{
    for (int end = 0; end < 2; end++) {
        lam_table_add_row(&t->table);
        lam_table_set_number(&t->table, t->line, place);
        lam_table_set_number(&t->table, t->place,
                             end == 0 ? -0.5 : (double)dots->row_count - 0.5);
    }
}

/* The rows that `add` makes of a series, drawn at `x`. */
static lam_series add_series(dots_table *t, const lam_dots *dots, size_t series, lam_mark mark,
                             void (*add)(dots_table *, const lam_dots *, size_t, size_t))
{
    const size_t first = t->table.row_count;
    for (size_t row = 0; row < dots->row_count; row++)
        add(t, dots, series, row);
    return (lam_series){.mark = mark,
                        .title = mark == LAM_MARK_POINTS ? dots->series[series] : NULL,
                        .color = (int)series,
                        .first_row = first,
                        .row_count = t->table.row_count - first,
                        .x = mark == LAM_MARK_POINTS ? t->value : t->line,
                        .y = t->place};
}

static size_t make_series(dots_table *t, const lam_dots *dots, const lam_dots_words *words,
                          lam_series *ret_series)
{
    size_t count = 0;
    add_columns(t, words);
    for (size_t s = 0; s < dots->series_count; s++)
        ret_series[count++] = add_series(t, dots, s, LAM_MARK_POINTS, add_dot);
    for (size_t s = 0; s < dots->series_count; s++)
        ret_series[count++] = add_series(t, dots, s, LAM_MARK_LINE, add_range);
    if (isnan(words->line))
        return count;
    ret_series[count++] = (lam_series){.mark = LAM_MARK_LINE,
                                       .color = LINE_COLOR,
                                       .is_dashed = true,
                                       .first_row = t->table.row_count,
                                       .row_count = 2,
                                       .x = t->line,
                                       .y = t->place};
    add_upright_line(t, dots, words->line);
    return count;
}

lam_status lam_dots_save(const lam_dots *dots, const lam_dots_words *words,
                         lam_plotter *plotter, const lam_figure *figure)
{
    dots_table t = {0};
    lam_series series[2 * LAM_DOTS_MAX_SERIES + 1];
    const char *names[LAM_DOTS_MAX_ROWS];
    const size_t count = make_series(&t, dots, words, series);
    for (size_t i = 0; i < dots->row_count; i++)
        names[i] = dots->rows[i];
    const lam_panel panel = {
        .x = {.label = words->label, .minimum = 0, .maximum = words->maximum},
        .y = {.names = names,
              .name_count = dots->row_count,
              .is_upside_down = true,
              .minimum = -0.5,
              .maximum = (double)dots->row_count - 0.5},
        .series = series,
        .series_count = count};
    const lam_chart chart = {
        .figure = *figure, .table = &t.table, .panels = &panel, .panel_count = 1};
    lam_status status = lam_plotter_save(plotter, &chart);
    lam_table_free(&t.table);
    return status;
}
