/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/source.h"
#include "lamina/plot.h"
#include "lamina/run_history.h"
#include "report/plotter.h"
#include "report/run_label.h"
#include "report/weight_templates.h"

#define MOST_UNITS 200
#define ROW_NAME_BYTES 32

enum column { UNIT, CLASS, MINIMUM, MAXIMUM, NORM };

typedef struct weight_figures {
    lam_plotter *plotter;
    const lam_recipe *recipe;
    const char *label, *model; /* the run's, and the name of the model's file */
    lam_first_layer layer;
    size_t shown, columns; /* units, and of them in a row */
    bool are_classes;      /* units are outputs */
    lam_table table;
    double largest;  /* magnitude of all that are shown */
    uint8_t *pixels; /* [shown, 32, 32, 3] */
    lam_tile tiles[MOST_UNITS];
    char row_names[MOST_UNITS][ROW_NAME_BYTES];
    const char *row_name_list[MOST_UNITS];
} weight_figures;

static const char *get_class_name(const weight_figures *w, size_t unit)
{
    if (!w->are_classes)
        return NULL;
    return w->recipe->data.source == LAM_DATA_SOURCE_CIFAR10
               ? lam_cifar10_class_name((int)unit)
               : lam_synthetic_class_name((int)unit);
}

static void fill_table(weight_figures *w)
{
    lam_table_add_column(&w->table, "unit", LAM_CELL_NUMBER);
    lam_table_add_column(&w->table, "class", LAM_CELL_TEXT);
    lam_table_add_column(&w->table, "minimum", LAM_CELL_NUMBER);
    lam_table_add_column(&w->table, "maximum", LAM_CELL_NUMBER);
    lam_table_add_column(&w->table, "norm", LAM_CELL_NUMBER);
    for (size_t unit = 0; unit < w->shown; unit++) {
        lam_weight_range range = lam_first_layer_measure(&w->layer, unit);
        const char *name = get_class_name(w, unit);
        lam_table_add_row(&w->table);
        lam_table_set_number(&w->table, UNIT, (double)unit + 1);
        lam_table_set_text(&w->table, CLASS, name ? name : "");
        lam_table_set_number(&w->table, MINIMUM, range.minimum);
        lam_table_set_number(&w->table, MAXIMUM, range.maximum);
        lam_table_set_number(&w->table, NORM, range.norm);
        w->largest = fmax(w->largest, fmax(-range.minimum, range.maximum));
    }
}

static void arrange(weight_figures *w)
{
    w->columns = w->are_classes ? 5 : w->shown <= 100 ? 10 : 20;
    for (size_t unit = 0; unit < w->shown; unit++)
        w->tiles[unit] = (lam_tile){.rgb = w->pixels + unit * LAM_IMAGE_INPUTS,
                                    .label = get_class_name(w, unit)};
    for (size_t row = 0; row * w->columns < w->shown; row++) {
        size_t first = row * w->columns, end = first + w->columns;
        snprintf(w->row_names[row], ROW_NAME_BYTES, "units %zu..%zu", first + 1,
                 end < w->shown ? end : w->shown);
        w->row_name_list[row] = w->row_names[row];
    }
}

static void describe_units(const weight_figures *w, char *text, size_t bytes)
{
    if (w->are_classes)
        snprintf(text, bytes, "the weights of each class");
    else if (w->shown < w->layer.units)
        snprintf(text, bytes, "the weights of the first %zu of %zu units of the first layer",
                 w->shown, w->layer.units);
    else
        snprintf(text, bytes, "the weights of all %zu units of the first layer", w->shown);
}

static lam_status save_figure(weight_figures *w, const char *kind, const char *scale,
                              lam_figure *figure)
{
    char units[96], settings[400];
    describe_units(w, units, sizeof units);
    lam_recipe_summarize(w->recipe, settings, sizeof settings);
    lam_plotter_name_figure(w->plotter, w->label, kind, figure);
    lam_plot_write(
        figure->caption, sizeof figure->caption,
        "Run %s (%s): %s, as red, green and blue of 32 x 32 pixels, %s. They multiply "
        "normalized inputs: pixels / 255, less the training rows' mean, divided by their "
        "deviation. %s.",
        w->label, w->model, units, scale, settings);
    lam_plot_write(figure->alt, sizeof figure->alt,
                   "%zu small colour pictures of 32 x 32 pixels: %s, %s.", w->shown, units,
                   scale);
    const lam_montage montage = {
        .figure = *figure,
        .table = &w->table,
        .tile_width = LAM_IMAGE_SIDE,
        .tile_height = LAM_IMAGE_SIDE,
        .magnification = w->are_classes    ? 4
                         : w->shown <= 100 ? 2
                                           : 1,
        .columns = w->columns,
        .tiles = w->tiles,
        .tile_count = w->shown,
        .row_names = w->are_classes ? NULL : w->row_name_list,
    };
    return lam_plotter_save_montage(w->plotter, &montage);
}

static lam_status save_own_scales(weight_figures *w)
{
    lam_figure figure;
    for (size_t unit = 0; unit < w->shown; unit++)
        lam_first_layer_paint(&w->layer, unit, lam_table_get_number(&w->table, unit, MINIMUM),
                              lam_table_get_number(&w->table, unit, MAXIMUM),
                              w->pixels + unit * LAM_IMAGE_INPUTS);
    lam_plot_write(figure.title, sizeof figure.title,
                   "First-layer weights, each picture by itself: %s", w->label);
    return save_figure(w, "weights",
                       "each picture from its least (0) to its greatest weight (full colour)",
                       &figure);
}

static lam_status save_shared_scale(weight_figures *w)
{
    lam_figure figure;
    char scale[160];
    for (size_t unit = 0; unit < w->shown; unit++)
        lam_first_layer_paint(&w->layer, unit, -w->largest, w->largest,
                              w->pixels + unit * LAM_IMAGE_INPUTS);
    snprintf(scale, sizeof scale,
             "all on one scale from %.3g (0) by way of 0 (half) to %.3g (full colour)",
             -w->largest, w->largest);
    lam_plot_write(figure.title, sizeof figure.title, "First-layer weights on one scale: %s",
                   w->label);
    return save_figure(w, "weights-shared", scale, &figure);
}

static lam_status save_figures(weight_figures *w)
{
    size_t bytes = w->shown * LAM_IMAGE_INPUTS;
    w->pixels = malloc(bytes);
    if (!w->pixels)
        return lam_fail_memory(w->plotter->context, "pictures of weights", bytes);
    fill_table(w);
    if (w->table.failed)
        return lam_fail_memory(w->plotter->context, "pictures of weights", bytes);
    arrange(w);
    LAM_TRY(save_own_scales(w));
    return save_shared_scale(w);
}

static const char *get_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static lam_status plot_model(lam_plotter *plotter, const lam_run_history *run,
                             const char *model_path)
{
    char label[LAM_RUN_LABEL_BYTES];
    weight_figures w = {.plotter = plotter,
                        .recipe = &run->recipe,
                        .label = label,
                        .model = get_file_name(model_path),
                        .are_classes = run->recipe.network.layer_count == 1};
    lam_run_make_label(&run->recipe, run->folder, label);
    LAM_TRY(lam_first_layer_load(plotter->context, &run->recipe, model_path, &w.layer));
    w.shown = w.layer.units < MOST_UNITS ? w.layer.units : MOST_UNITS;
    lam_status status = save_figures(&w);
    lam_first_layer_free(&w.layer);
    lam_table_free(&w.table);
    free(w.pixels);
    return status;
}

lam_status lam_plot_weights(lam_context *context, const char *path, const char *model,
                            const lam_figure_options *options, lam_figure_list *list)
{
    lam_plotter plotter = lam_plotter_start(context, options, list);
    lam_run_set set;
    char *model_path = NULL;
    LAM_TRY(lam_run_set_load(context, path, &set));
    /* Of a set of seeds, the first. */
    lam_status status = lam_run_find_model(context, set.runs[0].folder, model, &model_path);
    if (status == LAM_STATUS_OK)
        status = plot_model(&plotter, &set.runs[0], model_path);
    free(model_path);
    lam_run_set_free(&set);
    return lam_plotter_finish(&plotter, status);
}
