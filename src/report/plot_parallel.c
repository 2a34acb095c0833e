/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "report/plot_studies.h"

#define MAX_AXES (LAM_MAX_PARAMETERS + 1)
/* Beneath an axis: the end of its range, and where configurations pass that do not vary the
 * parameter. */
#define END_GAP 0.055
#define ABSENT_PLACE (-0.16)
/* Choices have a label each, as long as they do not touch. */
#define MAX_LABELS 8

typedef struct parallel {
    const lam_plotted_study *study;
    double low, high; /* of the objective, as shown */
    bool has_absent;
    const char *keys[MAX_AXES];
    lam_table table;
    size_t iteration, values[LAM_MAX_PARAMETERS], objective, shares[MAX_AXES];
    size_t axis_x, axis_y, label;
} parallel;

/* The colour scale has the whole name. */
static const char *get_objective_key(const lam_plotted_study *study)
{
    return lam_plotted_study_has_accuracy(study) ? "accuracy (%)" : "objective";
}

static void add_columns(parallel *p)
{
    const lam_space *space = &p->study->view->plan.space;
    p->iteration = lam_table_add_column(&p->table, "iteration", LAM_CELL_NUMBER);
    for (size_t i = 0; i < space->count; i++)
        p->values[i] = lam_table_add_column(&p->table, space->parameters[i].key, LAM_CELL_TEXT);
    p->objective = lam_table_add_column(&p->table, "objective", LAM_CELL_NUMBER);
    for (size_t i = 0; i <= space->count; i++) {
        char name[LAM_PARAMETER_KEY_BYTES + 16];
        p->keys[i] = i < space->count ? space->parameters[i].key : get_objective_key(p->study);
        lam_plot_write(name, sizeof name, "%s_share",
                       i < space->count ? p->keys[i] : "objective");
        p->shares[i] = lam_table_add_column(&p->table, name, LAM_CELL_NUMBER);
    }
    p->axis_x = lam_table_add_column(&p->table, "axis", LAM_CELL_NUMBER);
    p->axis_y = lam_table_add_column(&p->table, "height", LAM_CELL_NUMBER);
    p->label = lam_table_add_column(&p->table, "label", LAM_CELL_TEXT);
}

/* The best is on top, be it the highest or the lowest. */
static double get_objective_share(const parallel *p, double shown)
{
    const double share = p->high > p->low ? (shown - p->low) / (p->high - p->low) : 0.5;
    return lam_objective_get_sign(p->study->view->plan.objective) > 0 ? share : 1 - share;
}

static void find_range(parallel *p)
{
    p->low = INFINITY;
    p->high = -INFINITY;
    for (size_t i = 0; i < p->study->ranking.count; i++) {
        const double shown =
            lam_plotted_study_show(p->study, p->study->ranking.ranks[i].objective.mean);
        p->low = fmin(p->low, shown);
        p->high = fmax(p->high, shown);
    }
}

static void add_configuration(parallel *p, const lam_rank *rank)
{
    const size_t count = p->study->view->plan.space.count;
    const double shown = lam_plotted_study_show(p->study, rank->objective.mean);
    lam_table_add_row(&p->table);
    lam_table_set_number(&p->table, p->iteration, (double)rank->configuration + 1);
    lam_table_set_number(&p->table, p->objective, shown);
    lam_table_set_number(&p->table, p->shares[count], get_objective_share(p, shown));
    for (size_t i = 0; i < count; i++) {
        const char *value = lam_plotted_study_get_value(p->study, rank, i);
        const double share = lam_parameter_axis_share(&p->study->axes[i], value);
        p->has_absent |= isnan(share);
        lam_table_set_text(&p->table, p->values[i], value);
        lam_table_set_number(&p->table, p->shares[i], isnan(share) ? ABSENT_PLACE : share);
    }
}

/* ---- axes and their ends ---- */

static void add_mark(parallel *p, double x, double y, const char *label)
{
    lam_table_add_row(&p->table);
    lam_table_set_number(&p->table, p->axis_x, x);
    lam_table_set_number(&p->table, p->axis_y, y);
    lam_table_set_text(&p->table, p->label, label);
}

static void add_lines(parallel *p)
{
    for (size_t i = 0; i <= p->study->view->plan.space.count; i++) {
        add_mark(p, (double)i, 0, "");
        add_mark(p, (double)i, 1, "");
        add_mark(p, NAN, NAN, "");
    }
}

static void add_number(parallel *p, double x, double y, double value)
{
    char text[LAM_PLOT_NUMBER_BYTES];
    lam_plot_write_number(value, text);
    add_mark(p, x, y, text);
}

/* Above the upper end and beneath the lower one, or above each of a few choices. */
static void add_axis_labels(parallel *p, size_t index)
{
    const lam_parameter_axis *axis = &p->study->axes[index];
    const size_t count = axis->name_count, last = count > 0 ? count - 1 : 0;
    const double x = (double)index;
    if (count == 0) {
        add_number(p, x, 1 + END_GAP, axis->high);
        add_number(p, x, -END_GAP, axis->has_zero ? 0 : axis->low);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const double y = last > 0 ? (double)i / (double)last : 0.5;
        if (count <= MAX_LABELS || i == 0 || i == last)
            add_mark(p, x, i == 0 && last > 0 ? -END_GAP : y + END_GAP, axis->texts[i]);
    }
}

static void add_labels(parallel *p)
{
    const size_t count = p->study->view->plan.space.count;
    const bool is_higher_better = lam_objective_get_sign(p->study->view->plan.objective) > 0;
    for (size_t i = 0; i < count; i++)
        add_axis_labels(p, i);
    add_number(p, (double)count, 1 + END_GAP, is_higher_better ? p->high : p->low);
    add_number(p, (double)count, -END_GAP, is_higher_better ? p->low : p->high);
    for (size_t i = 0; i < count && p->has_absent; i++)
        if (*p->study->view->plan.space.parameters[i].when_key)
            add_mark(p, (double)i, ABSENT_PLACE - END_GAP, "not varied");
}

/* Pixels: keys stay level as long as there is room for them. */
static int find_width(size_t axis_count)
{
    const int wanted = 120 + 150 * (int)axis_count;
    return wanted < 800 ? 800 : wanted > 1400 ? 1400 : wanted;
}

static lam_status draw(parallel *p, lam_plotter *plotter)
{
    const size_t axis_count = p->study->view->plan.space.count + 1;
    add_columns(p);
    lam_series paths = {.mark = LAM_MARK_PATHS,
                        .first_axis = p->shares[0],
                        .axis_count = axis_count,
                        .value = p->objective,
                        .has_value = true};
    lam_series lines = {
        .mark = LAM_MARK_LINE, .color = LAM_CHART_FAINT, .x = p->axis_x, .y = p->axis_y};
    lam_series labels = {
        .mark = LAM_MARK_LABELS, .x = p->axis_x, .y = p->axis_y, .text = p->label};
    /* The worst first, so that the best is on top. */
    for (size_t i = p->study->ranking.count; i-- > 0;)
        add_configuration(p, &p->study->ranking.ranks[i]);
    paths.row_count = lines.first_row = p->table.row_count;
    add_lines(p);
    lines.row_count = p->table.row_count - lines.first_row;
    labels.first_row = p->table.row_count;
    add_labels(p);
    labels.row_count = p->table.row_count - labels.first_row;
    const lam_series series[] = {lines, paths, labels};
    const lam_panel panel = {
        .x = {.names = p->keys,
              .name_count = axis_count,
              .minimum = -0.3,
              .maximum = (double)axis_count - 0.7},
        .y = {.is_hidden = true, .minimum = p->has_absent ? -0.28 : -0.12, .maximum = 1.12},
        .color_label = lam_plotted_study_get_label(p->study),
        .color_minimum = NAN,
        .color_maximum = NAN,
        .series = series,
        .series_count = sizeof series / sizeof series[0]};
    lam_chart chart = {.table = &p->table,
                       .panels = &panel,
                       .panel_count = 1,
                       .width = find_width(axis_count)};
    lam_plotted_study_describe(p->study, plotter, "parallel",
                               "configurations across all parameters",
                               "A line for each configuration, coloured by its mean over "
                               "seeds; each axis on the scale that was searched.",
                               &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_parallel(lam_plotter *plotter, const lam_plotted_study *study)
{
    parallel p = {.study = study};
    lam_status status = LAM_STATUS_OK;
    find_range(&p);
    if (study->ranking.count > 0 && study->view->plan.space.count > 1)
        status = draw(&p, plotter);
    lam_table_free(&p.table);
    return status;
}
