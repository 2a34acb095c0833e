/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure/chart_script.h"
#include "figure/figure_text.h"

/* More than these, and gaps between cells would hide them. */
#define MAX_OUTLINED_CELLS 2500
#define MANY_POINTS 400
#define MAX_WORD_EMS 60
/* Pixels that a zero besides keeps free of other numbers. */
#define ZERO_ROOM 36

/* Tics of words: in them, unlike elsewhere, gnuplot looks for formats of numbers. */
static void append_name(lam_strbuf *script, const char *name, double ems)
{
    lam_strbuf line = {0}, doubled = {0};
    lam_figure_text_shorten(name, ems, &line);
    for (const char *c = lam_strbuf_text(&line); *c; c++) {
        lam_strbuf_append_bytes(&doubled, c, 1);
        if (*c == '%')
            lam_strbuf_append_bytes(&doubled, c, 1);
    }
    script->failed |= line.failed || doubled.failed;
    lam_figure_text_quote(script, lam_strbuf_text(&doubled));
    lam_strbuf_free(&line);
    lam_strbuf_free(&doubled);
}

static void write_names(const lam_axis *axis, double ems, double room, lam_strbuf *script)
{
    size_t stride = (size_t)ceil((LAM_FONT_SMALL + 3) * (double)axis->name_count / room);
    stride = stride > 0 ? stride : 1;
    for (size_t i = 0; i < axis->name_count; i += stride) {
        lam_strbuf_append(script, "%s", i > 0 ? ", " : "");
        append_name(script, axis->names[i], ems);
        lam_strbuf_append(script, " %zu", i);
    }
}

static void write_ticks(const lam_tick *ticks, size_t count, lam_strbuf *script)
{
    for (size_t i = 0; i < count; i++)
        lam_strbuf_append(script, "%s'%s' %.10g", i > 0 ? ", " : "", ticks[i].label,
                          ticks[i].value);
}

/* Tics without words, for the lines across the plot. */
static void write_grid(const lam_tick *ticks, size_t count, lam_strbuf *script)
{
    for (size_t i = 0; i < count; i++)
        lam_strbuf_append(script, "%s'' %.10g", i > 0 ? ", " : "", ticks[i].value);
}

/* How one axis is written. */
typedef struct axis_script {
    const char *letter;
    const lam_axis *axis;
    const lam_axis_range *range;
    const lam_tick *ticks;
    size_t tick_count;
    double name_ems, length;
    bool names_stand;
} axis_script;

/* Numbers that stand clear of a zero besides the range. */
static void write_numbers(const axis_script *of, lam_strbuf *script)
{
    const double zero = of->range->is_log ? of->axis->zero_place : 0;
    const double from = zero * pow(of->range->high / of->range->low, ZERO_ROOM / of->length);
    size_t first = 0;
    if (zero > 0)
        lam_strbuf_append(script, "'0' %.10g, ", zero);
    while (zero > 0 && first < of->tick_count && of->ticks[first].value < from)
        first++;
    write_ticks(of->ticks + first, of->tick_count - first, script);
}

static void write_axis(const axis_script *of, lam_strbuf *script)
{
    const lam_axis *axis = of->axis;
    bool down = axis->is_upside_down;
    lam_strbuf_append(script, "    %s logscale %s\n", of->range->is_log ? "set" : "unset",
                      of->letter);
    lam_strbuf_append(script, "    set %srange [%.14g:%.14g]\n", of->letter,
                      down ? of->range->high : of->range->low,
                      down ? of->range->low : of->range->high);
    if (axis->is_hidden && of->tick_count == 0) {
        lam_strbuf_append(script, "    unset %stics\n", of->letter);
        return;
    }
    lam_strbuf_append(script, "    set %stics (", of->letter);
    if (axis->is_hidden)
        write_grid(of->ticks, of->tick_count, script);
    else if (axis->name_count > 0)
        write_names(axis, of->name_ems, of->length, script);
    else
        write_numbers(of, script);
    lam_strbuf_append(script, ") nomirror %s scale %s font ',%d' textcolor rgb text_color\n",
                      of->names_stand ? "rotate by 90 right" : "norotate autojustify",
                      axis->is_hidden ? "0" : "0.5", LAM_FONT_SMALL);
}

static void write_axes(const lam_panel *of, const lam_panel_plan *panel, lam_strbuf *script)
{
    axis_script x = {"x",
                     &of->x,
                     &panel->x,
                     panel->x_ticks,
                     panel->x_tick_count,
                     panel->x_name_ems,
                     panel->right - panel->left,
                     panel->x_names_stand};
    axis_script y = {"y",
                     &of->y,
                     &panel->y,
                     panel->y_ticks,
                     of->y.is_hidden ? 0 : panel->y_tick_count,
                     panel->y_name_ems,
                     panel->bottom - panel->top,
                     false};
    write_axis(&x, script);
    write_axis(&y, script);
}

static bool is_filled(const lam_panel *panel)
{
    for (size_t s = 0; s < panel->series_count; s++) {
        if (panel->series[s].mark == LAM_MARK_CELLS)
            return true;
    }
    return panel->picture != NULL;
}

static void write_place(const lam_chart_plan *plan, const lam_panel *of,
                        const lam_panel_plan *panel, lam_strbuf *script)
{
    lam_strbuf_append(script,
                      "    set lmargin at screen %.7f; set rmargin at screen %.7f\n"
                      "    set tmargin at screen %.7f; set bmargin at screen %.7f\n",
                      panel->left / plan->width, panel->right / plan->width,
                      1 - panel->top / plan->height, 1 - panel->bottom / plan->height);
    bool has_axes = !of->x.is_hidden || !of->y.is_hidden;
    lam_strbuf_append(script, "    set border %d\n", has_axes ? 3 : 0);
    lam_strbuf_append(script, is_filled(of)
                                  ? "    unset grid\n"
                                  : "    set grid xtics ytics back lt 1 lw 0.7 lc rgb grid\n");
}

static void write_panel_texts(const lam_chart_plan *plan, const lam_panel *of,
                              const lam_panel_plan *panel, lam_strbuf *script)
{
    char how[96];
    double width = panel->right - panel->left, height = panel->bottom - panel->top;
    snprintf(how, sizeof how, "font ',%d' textcolor rgb text_color", LAM_FONT_LABEL);
    if (of->title)
        lam_script_write_label(script, plan, of->title, width / LAM_FONT_LABEL, panel->left,
                               panel->cell_top + 8, how);
    snprintf(how, sizeof how, "center font ',%d' textcolor rgb text_color", LAM_FONT_LABEL);
    if (of->x.label)
        lam_script_write_label(script, plan, of->x.label, width / LAM_FONT_LABEL,
                               (panel->left + panel->right) / 2,
                               panel->bottom + panel->bottom_room - 8, how);
    double middle = (panel->top + panel->bottom) / 2;
    snprintf(how, sizeof how, "center rotate by 90 font ',%d' textcolor rgb text_color",
             LAM_FONT_LABEL);
    if (of->y.label)
        lam_script_write_label(script, plan, of->y.label, height / LAM_FONT_LABEL,
                               panel->y_label_x, middle, how);
    if (of->color_label)
        lam_script_write_label(script, plan, of->color_label, height / LAM_FONT_LABEL,
                               panel->right + panel->right_room - 24, middle, how);
    if (!panel->has_data) {
        snprintf(how, sizeof how, "center front font ',%d' textcolor rgb muted",
                 LAM_FONT_TITLE);
        lam_script_write_label(script, plan, "no data", INFINITY,
                               (panel->left + panel->right) / 2, middle, how);
    }
}

static void write_color_scale(const lam_chart_plan *plan, const lam_panel *of,
                              const lam_panel_plan *panel, lam_strbuf *script)
{
    lam_strbuf_append(script, "    set cbrange [%.14g:%.14g]\n", panel->color.low,
                      panel->color.high);
    if (!of->color_label) {
        lam_strbuf_append(script, "    unset colorbox\n");
        return;
    }
    lam_strbuf_append(script,
                      "    set colorbox vertical user origin screen %.5f, %.5f "
                      "size screen %.5f, %.5f border 1\n    set cbtics (",
                      (panel->right + 16) / plan->width, 1 - panel->bottom / plan->height,
                      14 / plan->width, (panel->bottom - panel->top) / plan->height);
    write_ticks(panel->color_ticks, panel->color_tick_count, script);
    lam_strbuf_append(script, ")\n");
}

static void write_legend(const lam_chart_plan *plan, const lam_panel_plan *panel,
                         lam_strbuf *script)
{
    if (panel->legend_rows == 0) {
        lam_strbuf_append(script, "    unset key\n");
        return;
    }
    lam_strbuf_append(
        script,
        "    set key at screen %.5f, %.5f left top vertical maxrows %zu Left reverse "
        "samplen 2 spacing legend_spacing width legend_width font ',%d' textcolor rgb "
        "text_color\n",
        panel->left / plan->width,
        1 - (panel->top - 4 - 16 * (double)panel->legend_rows) / plan->height,
        panel->legend_rows, LAM_FONT_SMALL);
}

static void write_word(double x, double y, const char *text, const char *color,
                       lam_strbuf *script)
{
    lam_strbuf_append(script, "    set label ");
    lam_script_append_text(script, text, MAX_WORD_EMS);
    lam_strbuf_append(script, " at %.10g, %.10g center front font ',%d' textcolor rgb %s\n", x,
                      y, LAM_FONT_SMALL, color);
}

/* Words of a LABELS series: commands of their own, since a table's cells are no place for any
 * text. */
static void write_words(const lam_chart_plan *plan, size_t panel, const lam_series *series,
                        lam_strbuf *script)
{
    const lam_chart *chart = plan->chart;
    const lam_axis_range *color = &plan->panels[panel].color;
    double light_from = color->low + plan->colors->light_from * (color->high - color->low);
    size_t end = lam_series_get_end(chart, series);
    for (size_t row = series->first_row; row < end; row++) {
        lam_point p;
        if (!lam_series_get_point(chart, &chart->panels[panel], series, row, &p))
            continue;
        bool is_on_cell = series->has_value && isfinite(p.value);
        bool is_light = series->is_light_on_dark || (is_on_cell && p.value < light_from);
        write_word(p.x, p.y, lam_table_get_text(chart->table, row, series->text),
                   is_light     ? "'#ffffff'"
                   : is_on_cell ? "'#000000'"
                                : "text_color",
                   script);
    }
}

/* "data skip 1 using .." or "drawn index 3 using ..", with numbers of columns in place of @x,
 * @y, @l(ow), @h(igh) and @v(alue). */
static void write_source(const lam_chart_plan *plan, const lam_series *series,
                         const lam_series_plan *at, const char *using, lam_strbuf *script)
{
    static const char letters[] = "xylhv";
    static const size_t own[] = {0, 1, 2, 3, 4};
    size_t table[] = {series->x, series->y, series->low, series->high, series->value};
    const size_t *columns = at->has_own_rows ? own : table;
    size_t end = lam_series_get_end(plan->chart, series);
    if (at->has_own_rows)
        lam_strbuf_append(script, "drawn index %zu", at->block);
    else
        lam_strbuf_append(script, "data skip 1");
    if (!at->has_own_rows && (series->first_row > 0 || end < plan->chart->table->row_count))
        lam_strbuf_append(script, " every ::%zu::%zu", series->first_row, end - 1);
    lam_strbuf_append(script, " using ");
    for (; *using; using ++) {
        const char *letter = *using == '@' ? strchr(letters, using[1]) : NULL;
        if (letter)
            lam_strbuf_append(script, "%zu", columns[letter - letters] + 1);
        else
            lam_strbuf_append_bytes(script, using, 1);
        using += letter != NULL;
    }
}

static void append_color(const lam_series *series, lam_strbuf *script)
{
    if (series->color == LAM_CHART_FAINT)
        lam_strbuf_append(script, " lc rgb faint");
    else
        lam_strbuf_append(script, " lc rgb color%d", series->color % LAM_CHART_COLORS + 1);
}

/* Black is 1 of `dashes`; colours that come again have another one. */
static int choose_dash(const lam_series *series)
{
    static const int dashes[2][3] = {{1, 4, 5}, {2, 3, 3}};
    const int color = series->color > 0 ? series->color : 0;
    return dashes[series->is_dashed][color / LAM_CHART_COLORS % 3];
}

/* Shapes help where colours do not. */
static int choose_shape(const lam_series *series)
{
    static const int shapes[LAM_CHART_COLORS] = {7, 5, 9, 13, 11, 6, 4, 8};
    return shapes[series->color > 0 ? series->color % LAM_CHART_COLORS : 0];
}

static void write_line(const lam_series *series, const char *how, lam_strbuf *script)
{
    lam_strbuf_append(script, " with %s lw %s dt %d", how,
                      series->color == LAM_CHART_FAINT ? "1" : "1.8", choose_dash(series));
    append_color(series, script);
    if (strcmp(how, "linespoints") == 0)
        lam_strbuf_append(script, " pt 7 ps 0.4");
}

static void write_points(const lam_series *series, lam_strbuf *script)
{
    if (series->is_ring)
        lam_strbuf_append(script, " with points pt 6 ps 1.6 lw 2");
    else
        lam_strbuf_append(script, " with points pt %d ps %s", choose_shape(series),
                          series->row_count > MANY_POINTS ? "0.35" : "0.6");
    if (series->has_value)
        lam_strbuf_append(script, " lc palette");
    else
        append_color(series, script);
}

static void write_cells(const lam_series *series, lam_strbuf *script)
{
    lam_strbuf_append(script, " with boxxyerror fs solid %s lw 1 lc palette",
                      series->row_count > MAX_OUTLINED_CELLS ? "noborder"
                                                             : "border rgb background");
}

static void write_area(const lam_series *series, const char *how, lam_strbuf *script)
{
    lam_strbuf_append(script, " with %s noborder", how);
    append_color(series, script);
}

static void write_mark(const lam_chart_plan *plan, const lam_panel_plan *panel,
                       const lam_series *series, const lam_series_plan *at, lam_strbuf *script)
{
    char using[128];
    double half = lam_series_get_half_width(series);
    switch (series->mark) {
    case LAM_MARK_LINE:
        write_source(plan, series, at, "@x:@y", script);
        write_line(series, at->has_lone_points ? "linespoints" : "lines", script);
        break;
    case LAM_MARK_STEPS:
        write_source(plan, series, at, "@x:@y", script);
        write_line(series, at->is_single ? "linespoints" : "steps", script);
        break;
    case LAM_MARK_POINTS:
        write_source(plan, series, at, series->has_value ? "@x:@y:@v" : "@x:@y", script);
        write_points(series, script);
        break;
    case LAM_MARK_ERROR_BARS:
        write_source(plan, series, at, "@x:@y:@l:@h", script);
        lam_strbuf_append(script, " with yerrorbars pt %d ps 0.7 lw 1.5", choose_shape(series));
        append_color(series, script);
        break;
    case LAM_MARK_BAND:
        write_source(plan, series, at, "@x:@l:@h", script);
        write_area(series, "filledcurves fs transparent solid 0.22", script);
        break;
    case LAM_MARK_BARS:
        snprintf(using, sizeof using, "@x:@y:(%.10g)", 2 * half);
        write_source(plan, series, at, using, script);
        write_area(series, "boxes fs solid 0.9", script);
        break;
    case LAM_MARK_ROWS:
        snprintf(using, sizeof using, "@x:@y:(%.10g):@x:($@y-%.10g):($@y+%.10g)",
                 panel->x.is_log ? panel->x.low : 0, half, half);
        write_source(plan, series, at, using, script);
        write_area(series, "boxxyerror fs solid 0.9", script);
        break;
    case LAM_MARK_CELLS:
        write_source(plan, series, at, "@x:@y:($@x-0.5):($@x+0.5):($@y-0.5):($@y+0.5):@v",
                     script);
        write_cells(series, script);
        break;
    case LAM_MARK_PATHS:
        write_source(plan, series, at, "@x:@y:@v", script);
        lam_strbuf_append(script, " with lines lw 1 lc palette");
        break;
    case LAM_MARK_LABELS:
        break;
    }
}

static void write_picture(const lam_panel *of, lam_strbuf *script)
{
    lam_strbuf_append(script,
                      " \\\n        '%s' binary filetype=png origin=(0.5,0.5) dx=1 dy=1 %s "
                      "with rgbimage notitle,",
                      of->picture, of->y.is_upside_down ? "flipy" : "");
}

static void write_plot(const lam_chart_plan *plan, size_t index, lam_strbuf *script)
{
    const lam_panel *of = &plan->chart->panels[index];
    const lam_panel_plan *panel = &plan->panels[index];
    lam_strbuf_append(script, "    plot");
    if (of->picture)
        write_picture(of, script);
    for (size_t s = 0; s < of->series_count; s++) {
        const lam_series *series = &of->series[s];
        if (!panel->series[s].is_drawn || series->mark == LAM_MARK_LABELS)
            continue;
        lam_strbuf_append(script, " \\\n        ");
        write_mark(plan, panel, series, &panel->series[s], script);
        lam_strbuf_append(script, series->title ? " title " : " notitle,");
        if (series->title) {
            lam_script_append_text(script, series->title, panel->legend_ems);
            lam_strbuf_append(script, ",");
        }
    }
    /* A plot of nothing draws axes, where there is nothing else. */
    lam_strbuf_append(script, " \\\n        NaN notitle\n    unset label\n\n");
}

void lam_script_write_panel(lam_strbuf *script, const lam_chart_plan *plan, size_t index)
{
    const lam_panel *of = &plan->chart->panels[index];
    const lam_panel_plan *panel = &plan->panels[index];
    write_place(plan, of, panel, script);
    write_axes(of, panel, script);
    write_panel_texts(plan, of, panel, script);
    write_color_scale(plan, of, panel, script);
    write_legend(plan, panel, script);
    for (size_t s = 0; s < of->series_count; s++) {
        if (of->series[s].mark == LAM_MARK_LABELS)
            write_words(plan, index, &of->series[s], script);
    }
    for (size_t w = 0; w < of->word_count; w++)
        write_word(of->words[w].x, of->words[w].y, of->words[w].text, "text_color", script);
    write_plot(plan, index, script);
}
