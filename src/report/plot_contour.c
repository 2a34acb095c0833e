/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is interpolated: where the space is a grid there are cells, else points. */
#include <math.h>
#include <stdlib.h>

#include "report/plot_studies.h"

typedef struct contour {
    const lam_plotted_study *study;
    size_t parameters[2];
    lam_parameter_axis axes[2];
    bool is_grid;
    lam_table table;
    size_t values[2], places[2], objective, count;
} contour;

/* What has been tried at one place. */
typedef struct contour_place {
    double x, y, sum;
    size_t count;
    const char *values[2];
} contour_place;

static void make_axes(contour *c)
{
    const lam_space *space = &c->study->view->plan.space;
    const lam_parameter *x = &space->parameters[c->parameters[0]];
    const lam_parameter *y = &space->parameters[c->parameters[1]];
    c->is_grid = c->study->view->plan.sampler == LAM_SAMPLER_GRID &&
                 lam_parameter_axis_make_grid(x, &c->axes[0]) &&
                 lam_parameter_axis_make_grid(y, &c->axes[1]);
    if (c->is_grid)
        return;
    lam_parameter_axis_make(x, &c->axes[0]);
    lam_parameter_axis_make(y, &c->axes[1]);
}

/* Configurations at one place differ in other parameters. Few enough for looking at each. */
static size_t gather(const contour *c, contour_place *ret_places)
{
    size_t count = 0;
    for (size_t i = 0; i < c->study->ranking.count; i++) {
        const lam_rank *rank = &c->study->ranking.ranks[i];
        contour_place next = {.sum = rank->objective.mean, .count = 1};
        for (int k = 0; k < 2; k++)
            next.values[k] = lam_plotted_study_get_value(c->study, rank, c->parameters[k]);
        next.x = lam_parameter_axis_place(&c->axes[0], next.values[0]);
        next.y = lam_parameter_axis_place(&c->axes[1], next.values[1]);
        size_t place = 0;
        while (place < count &&
               !(ret_places[place].x == next.x && ret_places[place].y == next.y))
            place++;
        if (isnan(next.x) || isnan(next.y))
            continue;
        if (place == count) {
            ret_places[count++] = next;
        } else {
            ret_places[place].sum += next.sum;
            ret_places[place].count++;
        }
    }
    return count;
}

static void add_columns(contour *c)
{
    const lam_space *space = &c->study->view->plan.space;
    for (int k = 0; k < 2; k++) {
        const char *key = space->parameters[c->parameters[k]].key;
        char name[LAM_PARAMETER_KEY_BYTES + 16];
        lam_plot_write(name, sizeof name, "%s_place", key);
        c->values[k] = lam_table_add_column(&c->table, key, LAM_CELL_TEXT);
        c->places[k] = lam_table_add_column(&c->table, name, LAM_CELL_NUMBER);
    }
    c->objective = lam_table_add_column(&c->table, "objective", LAM_CELL_NUMBER);
    c->count = lam_table_add_column(&c->table, "configurations", LAM_CELL_NUMBER);
}

static void add_place(contour *c, const contour_place *place)
{
    const double places[] = {place->x, place->y};
    lam_table_add_row(&c->table);
    for (int k = 0; k < 2; k++) {
        lam_table_set_text(&c->table, c->values[k], place->values[k]);
        lam_table_set_number(&c->table, c->places[k], places[k]);
    }
    lam_table_set_number(&c->table, c->objective,
                         lam_plotted_study_show(c->study, place->sum / (double)place->count));
    lam_table_set_number(&c->table, c->count, (double)place->count);
}

static lam_status draw(contour *c, lam_plotter *plotter)
{
    char what[256];
    const lam_series places = {.mark = c->is_grid ? LAM_MARK_CELLS : LAM_MARK_POINTS,
                               .row_count = c->table.row_count,
                               .x = c->places[0],
                               .y = c->places[1],
                               .value = c->objective,
                               .has_value = true};
    const lam_series ring = {.mark = LAM_MARK_POINTS,
                             .is_ring = true,
                             .color = 1,
                             .first_row = c->table.row_count - 1,
                             .row_count = 1,
                             .x = c->places[0],
                             .y = c->places[1]};
    const lam_series series[] = {places, ring};
    const lam_panel panel = {.x = lam_parameter_axis_get(&c->axes[0]),
                             .y = lam_parameter_axis_get(&c->axes[1]),
                             .color_label = lam_plotted_study_get_label(c->study),
                             .color_minimum = NAN,
                             .color_maximum = NAN,
                             .series = series,
                             .series_count = c->is_grid ? 1 : 2};
    lam_plot_write(what, sizeof what, "%s over %s and %s", lam_plotted_study_get_name(c->study),
                   panel.x.label, panel.y.label);
    lam_chart chart = {.table = &c->table, .panels = &panel, .panel_count = 1};
    lam_plotted_study_describe(
        c->study, plotter, "contour", what,
        c->study->view->plan.space.count > 2
            ? "Each place is the mean of the configurations tried there, whatever their other "
              "parameters; nothing is "
              "interpolated. The two parameters that explain the most; the ring is the best."
            : "Each place is a configuration's mean over its seeds; nothing is "
              "interpolated. The two parameters that explain the most; the ring is the best.",
        &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_contour(lam_plotter *plotter, const lam_plotted_study *study)
{
    const size_t room = study->ranking.count + 1;
    if (study->view->plan.space.count < 2 || study->ranking.count == 0)
        return LAM_STATUS_OK;
    contour *c = calloc(1, sizeof *c);
    contour_place *places = calloc(room, sizeof *places);
    lam_status status = LAM_STATUS_OK;
    if (c && places) {
        c->study = study;
        c->parameters[0] = study->by_importance[0];
        c->parameters[1] = study->by_importance[1];
        make_axes(c);
        add_columns(c);
        /* The worst first, so that the best is on top. */
        for (size_t count = gather(c, places); count-- > 0;)
            add_place(c, &places[count]);
        if (c->table.row_count > 0)
            status = draw(c, plotter);
        lam_table_free(&c->table);
    } else {
        status = lam_fail_memory(plotter->context, "a figure", room * sizeof *places);
    }
    free(places);
    free(c);
    return status;
}
