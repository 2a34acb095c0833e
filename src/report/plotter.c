/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plotter.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "search/space_values.h"

#define ELLIPSIS "…"
/* Of the name of a file, in titles and legends. */
#define MAX_TITLE_CHARACTERS 40

lam_plotter lam_plotter_start(lam_context *context, const lam_figure_options *options,
                              lam_figure_list *list)
{
    return (lam_plotter){.context = context, .options = options, .list = list};
}

static bool has_figure(const lam_figure_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->figures[i].name, name) == 0)
            return true;
    return false;
}

/* "cpu-scaling" has a figure "cpu-scaling". */
static void drop_kind(char *stem, const char *kind)
{
    const size_t length = strlen(stem), end = strlen(kind);
    if (length > end + 1 && stem[length - end - 1] == '-' &&
        strcmp(stem + length - end, kind) == 0)
        stem[length - end - 1] = '\0';
}

/* "a1-bce, seed 3" is "a1-bce-seed-3". */
static void join_dashes(char *stem)
{
    char *end = stem;
    for (const char *c = stem; *c; c++)
        if (*c != '-' || (c[1] != '-' && c[1] != '\0'))
            *end++ = *c;
    *end = '\0';
}

void lam_plotter_name_figure(const lam_plotter *plotter, const char *stem, const char *kind,
                             lam_figure *figure)
{
    /* Room for the kind and a number, whatever the stem. */
    char text[sizeof figure->name], short_stem[sizeof figure->name - 32];
    lam_figure_make_name(stem, short_stem, sizeof short_stem);
    join_dashes(short_stem);
    drop_kind(short_stem, kind);
    snprintf(text, sizeof text, "%s-%s", short_stem, kind);
    lam_figure_make_name(text, figure->name, sizeof figure->name);
    for (int number = 2; has_figure(plotter->list, figure->name); number++) {
        snprintf(text, sizeof text, "%s-%s-%d", short_stem, kind, number);
        lam_figure_make_name(text, figure->name, sizeof figure->name);
    }
}

static lam_status note_renderer(lam_plotter *plotter, lam_status status)
{
    if (status != LAM_STATUS_NO_RENDERER)
        return status;
    plotter->lacks_renderer = true;
    return LAM_STATUS_OK;
}

lam_status lam_plotter_save(lam_plotter *plotter, const lam_chart *chart)
{
    return note_renderer(
        plotter, lam_chart_save(plotter->context, chart, plotter->options, plotter->list));
}

lam_status lam_plotter_save_montage(lam_plotter *plotter, const lam_montage *montage)
{
    return note_renderer(
        plotter, lam_montage_save(plotter->context, montage, plotter->options, plotter->list));
}

lam_status lam_plotter_finish(const lam_plotter *plotter, lam_status status)
{
    return status == LAM_STATUS_OK && plotter->lacks_renderer ? LAM_STATUS_NO_RENDERER : status;
}

void lam_plot_find_stem(const char *path, char *ret_stem, size_t bytes)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    const int length = (int)(dot && dot > name ? (size_t)(dot - name) : strlen(name));
    lam_plot_write(ret_stem, bytes, "%.*s", length, name);
}

void lam_plot_find_title(const char *path, char *ret_title, size_t bytes)
{
    char stem[256];
    lam_plot_find_stem(path, stem, sizeof stem);
    lam_plot_shorten(stem, MAX_TITLE_CHARACTERS, ret_title, bytes);
}

void lam_plot_write(char *ret_text, size_t bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(ret_text, bytes, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length < bytes)
        return;
    strcpy(ret_text + lam_utf8_cut(ret_text, bytes - sizeof ".."), "..");
}

void lam_plot_write_number(double value, char ret_text[LAM_PLOT_NUMBER_BYTES])
{
    static_assert(LAM_PLOT_NUMBER_BYTES >= LAM_PARAMETER_VALUE_BYTES, "too short");
    ret_text[0] = '\0';
    if (!isfinite(value))
        return;
    snprintf(ret_text, LAM_PLOT_NUMBER_BYTES, "%.4g", value);
    lam_number_format(strtod(ret_text, NULL), ret_text);
}

void lam_plot_shorten(const char *text, size_t characters, char *ret_text, size_t bytes)
{
    const char *rest = text, *character;
    size_t kept = 0, count = 0;
    while (lam_utf8_take(&rest, &character) > 0)
        if (++count < characters)
            kept = (size_t)(rest - text);
    if (count <= characters)
        lam_plot_write(ret_text, bytes, "%s", text);
    else
        lam_plot_write(ret_text, bytes, "%.*s" ELLIPSIS, (int)kept, text);
}
