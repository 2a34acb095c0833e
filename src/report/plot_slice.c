/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "report/plot_studies.h"

typedef struct slices {
    const lam_plotted_study *study;
    lam_table table;
    size_t iteration, objective;
    size_t values[LAM_MAX_PARAMETERS], places[LAM_MAX_PARAMETERS];
} slices;

static void add_columns(slices *s)
{
    const lam_space *space = &s->study->view->plan.space;
    s->iteration = lam_table_add_column(&s->table, "iteration", LAM_CELL_NUMBER);
    s->objective = lam_table_add_column(&s->table, "objective", LAM_CELL_NUMBER);
    for (size_t i = 0; i < space->count; i++) {
        char name[LAM_PARAMETER_KEY_BYTES + 16];
        lam_plot_write(name, sizeof name, "%s_place", space->parameters[i].key);
        s->values[i] = lam_table_add_column(&s->table, space->parameters[i].key, LAM_CELL_TEXT);
        s->places[i] = lam_table_add_column(&s->table, name, LAM_CELL_NUMBER);
    }
}

static void add_row(slices *s, const lam_rank *rank)
{
    lam_table_add_row(&s->table);
    lam_table_set_number(&s->table, s->iteration, (double)rank->configuration + 1);
    lam_table_set_number(&s->table, s->objective,
                         lam_plotted_study_show(s->study, rank->objective.mean));
    for (size_t i = 0; i < s->study->view->plan.space.count; i++) {
        const char *value = lam_plotted_study_get_value(s->study, rank, i);
        lam_table_set_text(&s->table, s->values[i], value);
        lam_table_set_number(&s->table, s->places[i],
                             lam_parameter_axis_place(&s->study->axes[i], value));
    }
}

static lam_status draw_slices(slices *s, lam_plotter *plotter)
{
    const lam_space *space = &s->study->view->plan.space;
    char what[96];
    lam_series series[LAM_MAX_PARAMETERS][2];
    lam_panel panels[LAM_MAX_PARAMETERS];
    add_columns(s);
    /* The worst first, so that the best is on top. */
    for (size_t i = s->study->ranking.count; i-- > 0;)
        add_row(s, &s->study->ranking.ranks[i]);
    const size_t columns = space->count == 1 ? 1 : 2;
    for (size_t i = 0; i < space->count; i++) {
        const lam_series points = {.mark = LAM_MARK_POINTS,
                                   .row_count = s->table.row_count,
                                   .x = s->places[i],
                                   .y = s->objective,
                                   .value = s->iteration,
                                   .has_value = true};
        series[i][0] = series[i][1] = points;
        series[i][1] = (lam_series){.mark = LAM_MARK_POINTS,
                                    .is_ring = true,
                                    .color = 1,
                                    .first_row = s->table.row_count - 1,
                                    .row_count = 1,
                                    .x = s->places[i],
                                    .y = s->objective};
        panels[i] =
            (lam_panel){.x = lam_parameter_axis_get(&s->study->axes[i]),
                        .y = lam_plotted_study_make_axis(s->study, &s->table, s->objective),
                        .color_label = i % columns == columns - 1 ? "iteration" : NULL,
                        .color_minimum = 1,
                        .color_maximum = fmax((double)s->study->view->configuration_count, 2),
                        .series = series[i],
                        .series_count = 2};
        if (i % columns > 0)
            panels[i].y.label = NULL;
    }
    lam_plot_write(what, sizeof what, "%s against each parameter",
                   lam_plotted_study_get_name(s->study));
    lam_chart chart = {
        .table = &s->table, .panels = panels, .panel_count = space->count, .columns = columns};
    lam_plotted_study_describe(s->study, plotter, "slice", what,
                               "Each configuration's mean over its seeds, coloured by when it "
                               "was tried; the ring is the pick.",
                               &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_slice(lam_plotter *plotter, const lam_plotted_study *study)
{
    slices s = {.study = study};
    lam_status status = study->ranking.count > 0 ? draw_slices(&s, plotter) : LAM_STATUS_OK;
    lam_table_free(&s.table);
    return status;
}
