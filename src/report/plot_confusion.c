/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "report/plot_images.h"
#include "report/prediction_counts.h"

#define CELLS (LAM_CLASS_COUNT * LAM_CLASS_COUNT)
/* Of a cell's two lines, above and below its middle. */
#define UPPER_LINE (-0.18)
#define LOWER_LINE 0.2

enum column {
    TRUE_CLASS,
    PREDICTED_CLASS,
    ROW,
    COLUMN,
    IMAGES,
    PERCENT, /* of the true class's images */
    IMAGES_TEXT,
    PERCENT_TEXT,
    IMAGES_Y,
    PERCENT_Y,
};

static void add_columns(lam_table *table)
{
    lam_table_add_column(table, "true_class", LAM_CELL_TEXT);
    lam_table_add_column(table, "predicted_class", LAM_CELL_TEXT);
    lam_table_add_column(table, "row", LAM_CELL_NUMBER);
    lam_table_add_column(table, "column", LAM_CELL_NUMBER);
    lam_table_add_column(table, "images", LAM_CELL_NUMBER);
    lam_table_add_column(table, "percent", LAM_CELL_NUMBER);
    lam_table_add_column(table, "images_label", LAM_CELL_TEXT);
    lam_table_add_column(table, "percent_label", LAM_CELL_TEXT);
    lam_table_add_column(table, "images_label_row", LAM_CELL_NUMBER);
    lam_table_add_column(table, "percent_label_row", LAM_CELL_NUMBER);
}

/* `count` images of `all`; a share of none has no number. */
static void set_share(lam_table *table, uint32_t count, uint32_t all)
{
    char text[32] = "\xe2\x80\x93";
    double percent = all ? 100. * count / all : NAN;
    if (all)
        snprintf(text, sizeof text, "%.*f %%", count > 0 && percent < 10 ? 1 : 0, percent);
    lam_table_set_number(table, IMAGES, count);
    lam_table_set_number(table, PERCENT, percent);
    lam_table_set_text(table, PERCENT_TEXT, text);
}

static void add_cell(lam_table *table, const lam_confusion *confusion,
                     const lam_predictions *predictions, size_t row, size_t column)
{
    char text[32];
    uint32_t images = confusion->rows[row][column];
    snprintf(text, sizeof text, "%" PRIu32, images);
    lam_table_add_row(table);
    lam_table_set_text(table, TRUE_CLASS, predictions->class_names[row]);
    lam_table_set_text(table, PREDICTED_CLASS, predictions->class_names[column]);
    lam_table_set_number(table, ROW, (double)row);
    lam_table_set_number(table, COLUMN, (double)column);
    set_share(table, images, lam_confusion_count_true(confusion, row));
    lam_table_set_text(table, IMAGES_TEXT, text);
    lam_table_set_number(table, IMAGES_Y, (double)row + UPPER_LINE);
    lam_table_set_number(table, PERCENT_Y, (double)row + LOWER_LINE);
}

/* Beneath the cells: of all that were taken for a class, how many are of it. */
static void add_precision(lam_table *table, const lam_confusion *confusion,
                          const lam_predictions *predictions, size_t column)
{
    lam_table_add_row(table);
    lam_table_set_text(table, TRUE_CLASS, "precision");
    lam_table_set_text(table, PREDICTED_CLASS, predictions->class_names[column]);
    lam_table_set_number(table, ROW, LAM_CLASS_COUNT);
    lam_table_set_number(table, COLUMN, (double)column);
    set_share(table, confusion->rows[column][column],
              lam_confusion_count_predicted(confusion, column));
    lam_table_set_number(table, PERCENT_Y, LAM_CLASS_COUNT);
}

static void fill_table(lam_table *table, const lam_predictions *predictions)
{
    lam_confusion confusion = lam_confusion_count(predictions);
    add_columns(table);
    for (size_t row = 0; row < LAM_CLASS_COUNT; row++)
        for (size_t column = 0; column < LAM_CLASS_COUNT; column++)
            add_cell(table, &confusion, predictions, row, column);
    for (size_t column = 0; column < LAM_CLASS_COUNT; column++)
        add_precision(table, &confusion, predictions, column);
}

/* The cell off the diagonal with the greatest share of its row, the first of equals. */
static size_t find_worst_cell(const lam_table *table)
{
    size_t worst = 1;
    for (size_t cell = 0; cell < CELLS; cell++)
        if (cell / LAM_CLASS_COUNT != cell % LAM_CLASS_COUNT &&
            lam_table_get_number(table, cell, PERCENT) >
                lam_table_get_number(table, worst, PERCENT))
            worst = cell;
    return worst;
}

static void describe_worst(const lam_table *table, char *text, size_t bytes)
{
    size_t cell = find_worst_cell(table);
    *text = '\0';
    if (lam_table_get_number(table, cell, IMAGES) > 0)
        lam_plot_write(text, bytes, " Most often wrong: %s is taken for %s (%s of its images).",
                       lam_table_get_text(table, cell, TRUE_CLASS),
                       lam_table_get_text(table, cell, PREDICTED_CLASS),
                       lam_table_get_text(table, cell, PERCENT_TEXT));
}

static void describe(const lam_plotter *plotter, const lam_plot_predictions *run,
                     const lam_table *table, lam_figure *figure)
{
    const lam_predictions *predictions = run->predictions;
    char label[LAM_RUN_LABEL_BYTES], settings[400], worst[200];
    lam_run_make_label(run->recipe, run->path, label);
    lam_recipe_summarize(run->recipe, settings, sizeof settings);
    lam_plotter_name_figure(plotter, label, "confusion", figure);
    lam_plot_write(figure->title, sizeof figure->title, "Which classes are taken for which: %s",
                   label);
    lam_plot_write(
        figure->caption, sizeof figure->caption,
        "Run %s: %" PRIu32 " %s images, %.2f %% right. Each cell: images of the row's "
        "class that were taken for the column's, and their share of the row, which is on "
        "the diagonal the recall. Precision: the share of a class among the images taken "
        "for it. %s.",
        label, predictions->rows, lam_split_name(predictions->split),
        100 * predictions->accuracy, settings);
    describe_worst(table, worst, sizeof worst);
    lam_plot_write(figure->alt, sizeof figure->alt,
                   "Grid of ten true by ten predicted classes, %.2f %% of the images on its "
                   "diagonal.%s",
                   100 * predictions->accuracy, worst);
}

static lam_status save(lam_plotter *plotter, const lam_plot_predictions *run,
                       const lam_table *table)
{
    const char *const *classes = run->predictions->class_names;
    const char *rows[LAM_CLASS_COUNT + 1];
    for (size_t i = 0; i < LAM_CLASS_COUNT; i++)
        rows[i] = classes[i];
    rows[LAM_CLASS_COUNT] = "precision";
    const lam_series series[] = {
        {.mark = LAM_MARK_CELLS, .row_count = CELLS, .x = COLUMN, .y = ROW, .value = PERCENT},
        {.mark = LAM_MARK_LABELS,
         .row_count = CELLS,
         .x = COLUMN,
         .y = IMAGES_Y,
         .text = IMAGES_TEXT,
         .value = PERCENT,
         .has_value = true},
        {.mark = LAM_MARK_LABELS,
         .row_count = CELLS,
         .x = COLUMN,
         .y = PERCENT_Y,
         .text = PERCENT_TEXT,
         .value = PERCENT,
         .has_value = true},
        {.mark = LAM_MARK_LABELS,
         .first_row = CELLS,
         .row_count = LAM_CLASS_COUNT,
         .x = COLUMN,
         .y = PERCENT_Y,
         .text = PERCENT_TEXT},
    };
    const lam_panel panel = {
        .x = {.label = "predicted class",
              .minimum = -0.5,
              .maximum = LAM_CLASS_COUNT - 0.5,
              .names = classes,
              .name_count = LAM_CLASS_COUNT},
        .y = {.label = "true class",
              .minimum = -0.5,
              .maximum = LAM_CLASS_COUNT + 0.5,
              .names = rows,
              .name_count = LAM_CLASS_COUNT + 1,
              .is_upside_down = true},
        .color_label = "share of the true class's images (%)",
        .color_minimum = 0,
        .color_maximum = 100,
        .series = series,
        .series_count = sizeof series / sizeof *series,
        .is_square = true,
    };
    lam_chart chart = {.table = table, .panels = &panel, .panel_count = 1};
    describe(plotter, run, table, &chart.figure);
    return lam_plotter_save(plotter, &chart);
}

lam_status lam_plot_confusion(lam_plotter *plotter, const lam_plot_predictions *run)
{
    lam_table table = {0};
    fill_table(&table, run->predictions);
    lam_status status = table.failed ? lam_fail_memory(plotter->context, "a confusion matrix",
                                                       CELLS * sizeof(double))
                                     : save(plotter, run, &table);
    lam_table_free(&table);
    return status;
}
