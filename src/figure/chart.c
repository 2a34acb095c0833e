/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/chart.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "figure/chart_plan.h"
#include "figure/gnuplot.h"

void lam_figure_list_free(lam_figure_list *list)
{
    free(list->figures);
    *list = (lam_figure_list){0};
}

static lam_status append_figure(lam_context *context, lam_figure_list *list,
                                const lam_figure *figure)
{
    lam_figure *figures = reallocarray(list->figures, list->count + 1, sizeof *figures);
    if (!figures)
        return lam_fail_memory(context, "a list of figures", sizeof *figures);
    list->figures = figures;
    figures[list->count++] = *figure;
    return LAM_STATUS_OK;
}

static bool may_be_in_name(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

void lam_figure_make_name(const char *text, char *name, size_t bytes)
{
    size_t length = 0;
    for (; text[length] && length + 1 < bytes; length++)
        name[length] = may_be_in_name((unsigned char)text[length]) ? text[length] : '-';
    name[length] = '\0';
    /* No hidden file, and no option of gnuplot. */
    if (*name == '.' || *name == '-')
        *name = '_';
    if (length == 0)
        lam_figure_make_name("figure", name, bytes);
}

static lam_status check_chart(lam_context *context, const lam_chart *chart)
{
    char name[sizeof chart->figure.name];
    lam_figure_make_name(chart->figure.name, name, sizeof name);
    if (strcmp(name, chart->figure.name) != 0)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "'%s' is no name of a figure; lam_figure_make_name() makes one",
                        chart->figure.name);
    bool fits = chart->panel_count > 0 && chart->panel_count <= LAM_CHART_MAX_PANELS;
    for (size_t p = 0; fits && p < chart->panel_count; p++)
        fits = chart->panels[p].series_count <= LAM_CHART_MAX_SERIES;
    return fits
               ? LAM_STATUS_OK
               : lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                          "%s has no panels, more than %d, or more than %d series in one; make "
                          "several figures",
                          name, LAM_CHART_MAX_PANELS, LAM_CHART_MAX_SERIES);
}

static lam_status write_file(lam_context *context, const lam_figure_options *options,
                             const char *name, const char *suffix, const lam_strbuf *text)
{
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/%s%s", options->directory, name, suffix);
    lam_status status = path.failed || text->failed
                            ? lam_fail_memory(context, name, text->length)
                            : lam_file_write(context, path.text, text->text, text->length);
    lam_strbuf_free(&path);
    return status;
}

static lam_status save_table(lam_context *context, const lam_chart *chart,
                             const lam_figure_options *options)
{
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/%s.tsv", options->directory, chart->figure.name);
    lam_status status = path.failed ? lam_fail_memory(context, chart->figure.name, path.length)
                                    : lam_table_save(context, chart->table, path.text);
    lam_strbuf_free(&path);
    return status;
}

static lam_status save_script(lam_context *context, lam_chart_plan *plan,
                              const lam_figure_options *options)
{
    const char *name = plan->chart->figure.name;
    lam_chart_plan_ranges(plan);
    lam_chart_plan_layout(plan);
    lam_chart_plan_rows(plan);
    if (plan->block_count > 0)
        LAM_TRY(write_file(context, options, name, "-drawn.tsv", &plan->drawn));
    lam_strbuf script = {0};
    lam_chart_write_script(plan, options, &script);
    lam_status status = write_file(context, options, name, ".gp", &script);
    lam_strbuf_free(&script);
    return status;
}

lam_status lam_chart_save(lam_context *context, const lam_chart *chart,
                          const lam_figure_options *options, lam_figure_list *list)
{
    LAM_TRY(check_chart(context, chart));
    LAM_TRY(lam_directory_create(context, options->directory));
    LAM_TRY(save_table(context, chart, options));
    lam_chart_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return lam_fail_memory(context, "a chart", sizeof *plan);
    lam_chart drawn = *chart;
    if (options->is_bare)
        *drawn.figure.title = *drawn.figure.caption = '\0';
    plan->chart = &drawn;
    plan->colors = lam_theme_get_colors(options->theme);
    lam_status status = save_script(context, plan, options);
    lam_strbuf_free(&plan->drawn);
    free(plan);
    LAM_TRY(status);
    LAM_TRY(append_figure(context, list, &chart->figure));
    return lam_gnuplot_draw(context, chart->figure.name, options);
}
