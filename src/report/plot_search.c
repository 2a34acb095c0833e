/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "report/plot_studies.h"

/* Each has a colour. */
#define MAX_OVERLAID (LAM_CHART_COLORS - 1)
#define PICK_COLOR (LAM_CHART_COLORS - 1)

/* Studies of one figure: the first says over which parameter. */
typedef struct search_figure {
    const lam_plotted_study *studies[MAX_OVERLAID];
    size_t parameters[MAX_OVERLAID]; /* of each study's space */
    size_t count;
    lam_parameter_axis axis;
    lam_table table;
    size_t study, configuration, value, place, mean, error, low, high, trials;
} search_figure;

/* The first with a range that is always varied, else the first that there is. */
static size_t find_parameter(const lam_space *space)
{
    for (size_t i = 0; i < space->count; i++)
        if (!space->parameters[i].values && !*space->parameters[i].when_key)
            return i;
    return 0;
}

static const lam_parameter *get_parameter(const lam_plotted_study *study)
{
    const lam_space *space = &study->view->plan.space;
    return &space->parameters[find_parameter(space)];
}

static bool take_study(search_figure *figure, const lam_plotted_study *study)
{
    const lam_parameter *parameter = get_parameter(study);
    if (figure->count == MAX_OVERLAID || study->ranking.count == 0)
        return false;
    if (figure->count == 0)
        lam_parameter_axis_make(parameter, &figure->axis);
    else if (strcmp(parameter->key, figure->axis.parameter->key) != 0 ||
             study->view->plan.objective != figure->studies[0]->view->plan.objective ||
             !lam_parameter_axis_extend(&figure->axis, parameter))
        return false;
    figure->parameters[figure->count] = find_parameter(&study->view->plan.space);
    figure->studies[figure->count++] = study;
    return true;
}

static void add_columns(search_figure *figure)
{
    lam_table *table = &figure->table;
    figure->study = lam_table_add_column(table, "study", LAM_CELL_TEXT);
    figure->configuration = lam_table_add_column(table, "iteration", LAM_CELL_NUMBER);
    figure->value = lam_table_add_column(table, figure->axis.parameter->key, LAM_CELL_TEXT);
    figure->place = lam_table_add_column(table, "place_on_axis", LAM_CELL_NUMBER);
    figure->mean = lam_table_add_column(table, "objective", LAM_CELL_NUMBER);
    figure->error = lam_table_add_column(table, "standard_error", LAM_CELL_NUMBER);
    figure->low = lam_table_add_column(table, "low", LAM_CELL_NUMBER);
    figure->high = lam_table_add_column(table, "high", LAM_CELL_NUMBER);
    figure->trials = lam_table_add_column(table, "trials", LAM_CELL_NUMBER);
}

/* An error that is unknown is drawn as none. */
static void add_rank(search_figure *figure, const lam_plotted_study *study,
                     const lam_rank *rank, const char *value)
{
    lam_table *table = &figure->table;
    const double mean = lam_plotted_study_show(study, rank->objective.mean);
    const double error = lam_plotted_study_show(study, rank->standard_error);
    const double whisker = isnan(error) ? 0 : error;
    lam_table_add_row(table);
    lam_table_set_text(table, figure->study, study->name);
    lam_table_set_number(table, figure->configuration, (double)rank->configuration + 1);
    lam_table_set_text(table, figure->value, value);
    lam_table_set_number(table, figure->place, lam_parameter_axis_place(&figure->axis, value));
    lam_table_set_number(table, figure->mean, mean);
    lam_table_set_number(table, figure->error, error);
    lam_table_set_number(table, figure->low, mean - whisker);
    lam_table_set_number(table, figure->high, mean + whisker);
    lam_table_set_number(table, figure->trials, (double)rank->objective.count);
}

/* Best first, so that the pick is the first row of its study. */
static void add_study(search_figure *figure, size_t index)
{
    const lam_plotted_study *study = figure->studies[index];
    for (size_t i = 0; i < study->ranking.count; i++) {
        const lam_rank *rank = &study->ranking.ranks[i];
        add_rank(figure, study, rank,
                 lam_plotted_study_get_value(study, rank, figure->parameters[index]));
    }
}

/* ---- the chart ---- */

typedef struct search_legend {
    char text[MAX_OVERLAID][96];
} search_legend;

static size_t make_series(const search_figure *figure, search_legend *legend,
                          lam_series *ret_series)
{
    size_t first_row = 0, count = 0;
    const lam_series plain = {
        .x = figure->place, .y = figure->mean, .low = figure->low, .high = figure->high};
    for (size_t i = 0; i < figure->count; i++) {
        const lam_ranking *ranking = &figure->studies[i]->ranking;
        const int seeds = figure->studies[i]->view->plan.seed_count;
        lam_series *bars = &ret_series[count++];
        lam_plot_write(legend->text[i], sizeof legend->text[i],
                       seeds > 1 ? "%s, mean of %d seeds" : "%s, one seed",
                       figure->studies[i]->name, seeds);
        *bars = plain;
        bars->mark = LAM_MARK_ERROR_BARS;
        bars->title = legend->text[i];
        bars->color = (int)i;
        bars->first_row = first_row;
        bars->row_count = ranking->count;
        first_row += ranking->count;
    }
    for (size_t i = 0; i < figure->count; i++) {
        lam_series *pick = &ret_series[count++];
        *pick = plain;
        pick->mark = LAM_MARK_POINTS;
        pick->is_ring = true;
        pick->title = i == 0 ? "pick" : NULL;
        pick->color = PICK_COLOR;
        pick->first_row = ret_series[i].first_row;
        pick->row_count = 1;
    }
    return count;
}

static void describe(const search_figure *figure, const lam_plotter *plotter,
                     lam_figure *ret_figure)
{
    lam_strbuf caption = {0}, best = {0}, names = {0};
    lam_plotted_study_append_recipe(figure->studies[0], &caption);
    for (size_t i = 0; i < figure->count; i++) {
        lam_strbuf_append(&names, "%s%s", i == 0 ? "" : ", ", figure->studies[i]->name);
        lam_plotted_study_append_best(figure->studies[i], &best);
        lam_plotted_study_append_plan(figure->studies[i], &caption);
    }
    lam_plotter_name_figure(plotter, figure->studies[0]->stem, "search", ret_figure);
    lam_plot_write(ret_figure->title, sizeof ret_figure->title, "%s: %s against %s",
                   lam_strbuf_text(&names), lam_plotted_study_get_name(figure->studies[0]),
                   figure->axis.parameter->key);
    lam_plot_write(ret_figure->caption, sizeof ret_figure->caption,
                   "Each configuration's mean over its seeds with one standard error%s.%s%s",
                   lam_plotted_study_has_accuracy(figure->studies[0])
                       ? ", at least the binomial one of the validation rows"
                       : " where it is known",
                   lam_strbuf_text(&best), lam_strbuf_text(&caption));
    lam_plot_write(ret_figure->alt, sizeof ret_figure->alt, "%s against %s.%s",
                   lam_plotted_study_get_name(figure->studies[0]), figure->axis.parameter->key,
                   lam_strbuf_text(&best));
    lam_strbuf_free(&caption);
    lam_strbuf_free(&best);
    lam_strbuf_free(&names);
}

static lam_status draw(search_figure *figure, lam_plotter *plotter)
{
    lam_series series[2 * MAX_OVERLAID];
    search_legend legend;
    add_columns(figure);
    for (size_t i = 0; i < figure->count; i++)
        add_study(figure, i);
    lam_panel panel = {
        .x = lam_parameter_axis_get(&figure->axis),
        .y = lam_plotted_study_make_axis(figure->studies[0], &figure->table, figure->mean),
        .series = series,
        .series_count = make_series(figure, &legend, series)};
    panel.y.minimum = panel.y.maximum = NAN; /* errors reach further than means */
    lam_chart chart = {.table = &figure->table, .panels = &panel, .panel_count = 1};
    describe(figure, plotter, &chart.figure);
    lam_status status = lam_plotter_save(plotter, &chart);
    lam_table_free(&figure->table);
    return status;
}

lam_status lam_plot_searches(lam_plotter *plotter, const lam_plotted_study *studies,
                             size_t count)
{
    lam_status status = LAM_STATUS_OK;
    bool *is_drawn = calloc(count + 1, sizeof *is_drawn);
    if (!is_drawn)
        return lam_fail_memory(plotter->context, "studies", count);
    for (size_t n = 0; n < count && status == LAM_STATUS_OK; n++) {
        search_figure figure = {0};
        for (size_t i = 0; i < count; i++)
            is_drawn[i] = is_drawn[i] || take_study(&figure, &studies[i]);
        if (figure.count > 0)
            status = draw(&figure, plotter);
    }
    free(is_drawn);
    return status;
}
