/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "report/plot_runs.h"

#define MOST_DEVIATIONS 32
#define NAME_BYTES 24

enum { ROWS = 2 }; /* without and with batch normalization */

/* One path in the grid of those that share all else. */
typedef struct sensitive_run {
    const lam_plotted_run *run;
    char *rest; /* the recipe without initialization and batch normalization, as text */
    lam_initialization initialization;
    bool is_normalized, is_done;
} sensitive_run;

typedef struct grid_column {
    lam_initialization initialization;
    char name[NAME_BYTES];
} grid_column;

typedef struct grid {
    lam_plotter *plotter;
    sensitive_run *runs;
    size_t count;
    grid_column columns[MOST_DEVIATIONS];
    size_t column_count;
    lam_table table;
} grid;

/* ---- which runs can be compared ---- */

static lam_initialization find_initialization(const lam_recipe *recipe)
{
    return recipe->network.layers[0].initialization;
}

static bool has_batch_norm(const lam_recipe *recipe)
{
    for (int i = 0; i < recipe->network.layer_count; i++)
        if (recipe->network.layers[i].type == LAM_LAYER_TYPE_BATCH_NORM)
            return true;
    return false;
}

/* What must be the same: all but the name, the seed, the initialization, and normalization. */
static lam_recipe make_rest(const lam_recipe *recipe)
{
    lam_recipe rest = *recipe;
    lam_network *network = &rest.network;
    snprintf(rest.name, sizeof rest.name, "rest");
    rest.description[0] = '\0';
    rest.seed = 0;
    rest.statistics = (lam_statistics){.type = LAM_STATISTICS_RUNNING};
    network->layer_count = 0;
    for (int i = 0; i < recipe->network.layer_count; i++) {
        lam_layer layer = recipe->network.layers[i];
        layer.initialization = (lam_initialization){.type = LAM_INITIALIZATION_HE};
        if (layer.type != LAM_LAYER_TYPE_BATCH_NORM)
            network->layers[network->layer_count++] = layer;
        else if (layer.name[0] != '\0') /* that an add may ask for */
            strcpy(network->layers[network->layer_count - 1].name, layer.name);
    }
    return rest;
}

static lam_status gather_runs(grid *g, const lam_plotted_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const lam_recipe *recipe = &runs[i].set.runs->recipe;
        const lam_recipe rest = make_rest(recipe);
        sensitive_run *run = &g->runs[g->count++];
        *run = (sensitive_run){.run = &runs[i],
                               .initialization = find_initialization(recipe),
                               .is_normalized = has_batch_norm(recipe)};
        LAM_TRY(lam_recipe_format(g->plotter->context, &rest, &run->rest));
    }
    return LAM_STATUS_OK;
}

static bool belongs_together(const sensitive_run *a, const sensitive_run *b)
{
    return strcmp(a->rest, b->rest) == 0;
}

/* ---- columns: given deviations from small to large, then the named ones ---- */

static int compare_columns(const void *a, const void *b)
{
    const lam_initialization *first = &((const grid_column *)a)->initialization;
    const lam_initialization *second = &((const grid_column *)b)->initialization;
    bool is_given = first->type == LAM_INITIALIZATION_CONSTANT;
    bool is_second_given = second->type == LAM_INITIALIZATION_CONSTANT;
    if (is_given != is_second_given)
        return is_given ? -1 : 1;
    if (is_given)
        return (first->sigma > second->sigma) - (first->sigma < second->sigma);
    return (int)first->type - (int)second->type;
}

static bool is_of_column(const sensitive_run *run, const grid_column *column)
{
    const grid_column own = {.initialization = run->initialization};
    return compare_columns(&own, column) == 0;
}

static void add_column(grid *g, const sensitive_run *run)
{
    static const char *const names[] = {[LAM_INITIALIZATION_HE] = "He",
                                        [LAM_INITIALIZATION_FAN_IN] = "1/√inputs",
                                        [LAM_INITIALIZATION_GLOROT] = "Glorot"};
    for (size_t i = 0; i < g->column_count; i++)
        if (is_of_column(run, &g->columns[i]))
            return;
    if (g->column_count == MOST_DEVIATIONS)
        return;
    grid_column *column = &g->columns[g->column_count++];
    column->initialization = run->initialization;
    if (run->initialization.type == LAM_INITIALIZATION_CONSTANT)
        snprintf(column->name, sizeof column->name, "%g", run->initialization.sigma);
    else
        snprintf(column->name, sizeof column->name, "%s", names[run->initialization.type]);
}

static void find_columns(grid *g, const sensitive_run *first)
{
    g->column_count = 0;
    for (size_t i = 0; i < g->count; i++)
        if (belongs_together(&g->runs[i], first))
            add_column(g, &g->runs[i]);
    qsort(g->columns, g->column_count, sizeof *g->columns, compare_columns);
}

/* ---- cells ---- */

typedef struct grid_cell {
    double accuracies[LAM_MAX_SEEDS]; /* percent, of networks that were finished */
    size_t finished, networks;
} grid_cell;

static void gather_cell(const grid *g, const sensitive_run *first, const grid_column *column,
                        bool is_normalized, grid_cell *ret_cell)
{
    ret_cell->finished = ret_cell->networks = 0;
    for (size_t i = 0; i < g->count; i++) {
        const sensitive_run *run = &g->runs[i];
        if (!belongs_together(run, first) || run->is_normalized != is_normalized ||
            !is_of_column(run, column))
            continue;
        for (size_t k = 0; k < run->run->set.count; k++) {
            const lam_run_history *history = &run->run->set.runs[k];
            ret_cell->networks++;
            if (history->is_finished && history->summary.has_split[LAM_SPLIT_TEST] &&
                ret_cell->finished < LAM_MAX_SEEDS)
                ret_cell->accuracies[ret_cell->finished++] =
                    100 * history->summary.final[LAM_SPLIT_TEST].accuracy;
        }
    }
}

enum { INITIALIZATION, NORMALIZED, X, Y, MEAN, DEVIATION, NETWORKS, FINISHED, TEXT };

static void add_table_columns(lam_table *table)
{
    lam_table_add_column(table, "initialization", LAM_CELL_TEXT);
    lam_table_add_column(table, "batch_normalization", LAM_CELL_TEXT);
    lam_table_add_column(table, "column", LAM_CELL_NUMBER);
    lam_table_add_column(table, "row", LAM_CELL_NUMBER);
    lam_table_add_column(table, "test_accuracy_percent", LAM_CELL_NUMBER);
    lam_table_add_column(table, "deviation_percent", LAM_CELL_NUMBER);
    lam_table_add_column(table, "networks", LAM_CELL_NUMBER);
    lam_table_add_column(table, "finished_networks", LAM_CELL_NUMBER);
    lam_table_add_column(table, "label", LAM_CELL_TEXT);
}

static void label_cell(const grid_cell *cell, const lam_estimate *estimate, char text[64])
{
    if (cell->networks == 0)
        snprintf(text, 64, "not trained");
    else if (cell->finished == 0)
        snprintf(text, 64, "none finished");
    else if (cell->finished == 1)
        snprintf(text, 64, "%.1f", estimate->mean);
    else
        snprintf(text, 64, "%.1f (%.1f)", estimate->mean, estimate->deviation);
}

static void add_cell(lam_table *table, const grid_column *column, size_t x, int y,
                     const grid_cell *cell)
{
    char text[64];
    const lam_estimate estimate = lam_estimate_mean(cell->accuracies, cell->finished);
    label_cell(cell, &estimate, text);
    lam_table_add_row(table);
    lam_table_set_text(table, INITIALIZATION, column->name);
    lam_table_set_text(table, NORMALIZED, y == 0 ? "without" : "with");
    lam_table_set_number(table, X, (double)x);
    lam_table_set_number(table, Y, y);
    lam_table_set_number(table, MEAN, estimate.mean);
    lam_table_set_number(table, DEVIATION, estimate.deviation);
    lam_table_set_number(table, NETWORKS, (double)cell->networks);
    lam_table_set_number(table, FINISHED, (double)cell->finished);
    lam_table_set_text(table, TEXT, text);
}

static void fill_table(grid *g, const sensitive_run *first)
{
    grid_cell cell;
    add_table_columns(&g->table);
    for (int y = 0; y < ROWS; y++)
        for (size_t x = 0; x < g->column_count; x++) {
            gather_cell(g, first, &g->columns[x], y == 1, &cell);
            add_cell(&g->table, &g->columns[x], x, y, &cell);
        }
}

/* ---- the figure ---- */

static void describe(const grid *g, const sensitive_run *first, lam_figure *figure)
{
    char settings[400];
    lam_recipe_summarize(&first->run->set.runs->recipe, settings, sizeof settings);
    char label[64];
    lam_plot_write(label, sizeof label, "%s", first->run->label);
    lam_plotter_name_figure(g->plotter, label, "sensitivity", figure);
    lam_plot_write(figure->title, sizeof figure->title,
                   "Test accuracy (%%) by the initial weights' deviation");
    lam_plot_write(figure->caption, sizeof figure->caption,
                   "Mean test accuracy in percent, with its standard deviation over seeds in "
                   "brackets, of networks that differ in nothing but their initial weights and "
                   "batch normalization, for instance %s: %s.",
                   first->run->label, settings);
    lam_strbuf alt = {0};
    for (size_t row = 0; row < g->table.row_count; row++)
        lam_strbuf_append(&alt, "%s%s, %s: %s", row == 0 ? "" : "; ",
                          lam_table_get_text(&g->table, row, INITIALIZATION),
                          lam_table_get_text(&g->table, row, NORMALIZED),
                          lam_table_get_text(&g->table, row, TEXT));
    lam_plot_write(figure->alt, sizeof figure->alt,
                   "Grid of test accuracies in percent by initial deviation, without and with "
                   "batch normalization: %s.",
                   lam_strbuf_text(&alt));
    lam_strbuf_free(&alt);
}

static lam_status save_grid(grid *g, const sensitive_run *first)
{
    static const char *const row_names[ROWS] = {"without", "with"};
    const char *column_names[MOST_DEVIATIONS];
    for (size_t i = 0; i < g->column_count; i++)
        column_names[i] = g->columns[i].name;
    const lam_series series[] = {{.mark = LAM_MARK_CELLS,
                                  .row_count = g->table.row_count,
                                  .x = X,
                                  .y = Y,
                                  .value = MEAN,
                                  .has_value = true},
                                 {.mark = LAM_MARK_LABELS,
                                  .row_count = g->table.row_count,
                                  .x = X,
                                  .y = Y,
                                  .value = MEAN,
                                  .has_value = true,
                                  .text = TEXT}};
    const lam_panel panel = {.x = {.label = "deviation of the initial weights",
                                   .names = column_names,
                                   .name_count = g->column_count},
                             .y = {.label = "batch normalization",
                                   .names = row_names,
                                   .name_count = ROWS,
                                   .is_upside_down = true},
                             .color_label = "test accuracy (%)",
                             .series = series,
                             .series_count = 2};
    lam_chart chart = {.table = &g->table, .panels = &panel, .panel_count = 1};
    describe(g, first, &chart.figure);
    return lam_plotter_save(g->plotter, &chart);
}

static lam_status plot_group(grid *g, const sensitive_run *first)
{
    find_columns(g, first);
    for (size_t i = 0; i < g->count; i++)
        if (belongs_together(&g->runs[i], first))
            g->runs[i].is_done = true;
    if (g->column_count < 2)
        return LAM_STATUS_OK;
    fill_table(g, first);
    lam_status status = save_grid(g, first);
    lam_table_free(&g->table);
    return status;
}

static lam_status plot_groups(grid *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (!g->runs[i].is_done)
            LAM_TRY(plot_group(g, &g->runs[i]));
    return LAM_STATUS_OK;
}

lam_status lam_plot_sensitivity(lam_plotter *plotter, const lam_plotted_run *runs, size_t count)
{
    grid g = {.plotter = plotter, .runs = calloc(count + 1, sizeof *g.runs)};
    if (!g.runs)
        return lam_fail_memory(plotter->context, "runs", count * sizeof *g.runs);
    lam_status status = gather_runs(&g, runs, count);
    if (status == LAM_STATUS_OK)
        status = plot_groups(&g);
    for (size_t i = 0; i < g.count; i++)
        free(g.runs[i].rest);
    free(g.runs);
    return status;
}
