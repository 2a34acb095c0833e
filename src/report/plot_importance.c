/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "report/plot_studies.h"

typedef struct importance {
    lam_table table;
    size_t parameter, share, place, label_place, label;
    const char *keys[LAM_MAX_PARAMETERS];
    size_t count;
} importance;

static void add_columns(importance *m)
{
    m->parameter = lam_table_add_column(&m->table, "parameter", LAM_CELL_TEXT);
    m->share = lam_table_add_column(&m->table, "share_of_variance_percent", LAM_CELL_NUMBER);
    m->place = lam_table_add_column(&m->table, "place", LAM_CELL_NUMBER);
    m->label_place = lam_table_add_column(&m->table, "label_place", LAM_CELL_NUMBER);
    m->label = lam_table_add_column(&m->table, "label", LAM_CELL_TEXT);
}

static void add_rows(importance *m, const lam_plotted_study *study)
{
    for (size_t i = 0; i < study->view->plan.space.count; i++) {
        const size_t parameter = study->by_importance[i];
        const double share = 100 * study->importance[parameter];
        char label[16];
        if (isnan(share))
            continue;
        m->keys[m->count] = study->view->plan.space.parameters[parameter].key;
        lam_plot_write(label, sizeof label, "%.0f %%", share);
        lam_table_add_row(&m->table);
        lam_table_set_text(&m->table, m->parameter, m->keys[m->count]);
        lam_table_set_number(&m->table, m->share, share);
        lam_table_set_number(&m->table, m->place, (double)m->count++);
        lam_table_set_number(&m->table, m->label_place, share + 4);
        lam_table_set_text(&m->table, m->label, label);
    }
}

static lam_status draw(importance *m, lam_plotter *plotter, const lam_plotted_study *study)
{
    const lam_series series[] = {{.mark = LAM_MARK_ROWS,
                                  .row_count = m->count,
                                  .x = m->share,
                                  .y = m->place,
                                  .bar_width = 0.6},
                                 {.mark = LAM_MARK_LABELS,
                                  .row_count = m->count,
                                  .x = m->label_place,
                                  .y = m->place,
                                  .text = m->label}};
    const lam_panel panel = {.x = {.label = "share of the variance among configurations (%)",
                                   .minimum = 0,
                                   .maximum = 108},
                             .y = {.names = m->keys,
                                   .name_count = m->count,
                                   .is_upside_down = true,
                                   .minimum = -0.5,
                                   .maximum = (double)m->count - 0.5},
                             .series = series,
                             .series_count = 2};
    lam_chart chart = {.table = &m->table, .panels = &panel, .panel_count = 1};
    lam_plotted_study_describe(
        study, plotter, "importance", "how much goes with each parameter alone",
        "Epsilon squared of each parameter alone (Kelley, 1935); what goes with parameters "
        "together belongs to none, so that shares need not add up to 100 %.",
        &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_importance(lam_plotter *plotter, const lam_plotted_study *study)
{
    importance m = {0};
    add_columns(&m);
    add_rows(&m, study);
    lam_status status = m.count > 0 ? draw(&m, plotter, study) : LAM_STATUS_OK;
    lam_table_free(&m.table);
    return status;
}
