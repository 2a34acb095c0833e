/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/pixels.h"
#include "report/plot_images.h"
#include "report/prediction_counts.h"

#define GROUPS 2       /* right and wrong images */
#define MOST_IMAGES 10 /* of a group */
#define COLUMNS 5      /* wide enough for the words beneath */
#define MOST_TILES (GROUPS * MOST_IMAGES)
#define MOST_ROWS (MOST_TILES / COLUMNS)
#define ARROW "\xe2\x86\x92"
#define LABEL_BYTES 96

enum column {
    GROUP,
    RANK,
    IMAGE,
    TRUE_CLASS,
    PREDICTED_CLASS,
    PROBABILITY,
    TRUE_PROBABILITY,
};

typedef struct confident_figure {
    const lam_predictions *predictions;
    const uint8_t *images; /* u8[rows, 3072] of the split */
    lam_table table;
    uint32_t rows[GROUPS][MOST_IMAGES];
    size_t count[GROUPS];
    const char *row_names[MOST_ROWS];
    size_t tile_count;
    lam_tile tiles[MOST_TILES];
    uint8_t rgb[MOST_TILES][LAM_IMAGE_INPUTS];
    char labels[MOST_TILES][LABEL_BYTES];
} confident_figure;

static const char *const group_names[GROUPS] = {"right", "wrong"};

static void add_columns(lam_table *table)
{
    lam_table_add_column(table, "images_are", LAM_CELL_TEXT);
    lam_table_add_column(table, "rank", LAM_CELL_NUMBER);
    lam_table_add_column(table, "image", LAM_CELL_NUMBER);
    lam_table_add_column(table, "true_class", LAM_CELL_TEXT);
    lam_table_add_column(table, "predicted_class", LAM_CELL_TEXT);
    lam_table_add_column(table, "probability", LAM_CELL_NUMBER);
    lam_table_add_column(table, "probability_of_true_class", LAM_CELL_NUMBER);
}

static void add_tile(confident_figure *f, uint32_t row, lam_tile *ret_tile)
{
    const lam_predictions *p = f->predictions;
    const char *label = p->class_names[p->labels[row]];
    const char *class_name = p->class_names[p->classes[row]];
    double probability = lam_predictions_get_confidence(p, row);
    size_t tile = (size_t)(ret_tile - f->tiles);
    lam_table_set_number(&f->table, IMAGE, row);
    lam_table_set_text(&f->table, TRUE_CLASS, label);
    lam_table_set_text(&f->table, PREDICTED_CLASS, class_name);
    lam_table_set_number(&f->table, PROBABILITY, probability);
    lam_table_set_number(&f->table, TRUE_PROBABILITY,
                         p->probabilities[(size_t)row * LAM_CLASS_COUNT + p->labels[row]]);
    lam_pixels_interleave(f->images + (size_t)row * LAM_IMAGE_INPUTS, f->rgb[tile]);
    if (p->classes[row] == p->labels[row])
        snprintf(f->labels[tile], LABEL_BYTES, "%s\n%.3f", label, probability);
    else
        snprintf(f->labels[tile], LABEL_BYTES, "%s\n" ARROW " %s, %.3f", label, class_name,
                 probability);
    *ret_tile = (lam_tile){.rgb = f->rgb[tile], .label = f->labels[tile]};
}

/* In whole rows of tiles, the last of which may end in empty places. */
static void add_group(confident_figure *f, size_t group)
{
    for (size_t rank = 0; rank < f->count[group] || rank % COLUMNS > 0; rank++) {
        f->row_names[f->tile_count / COLUMNS] = group_names[group];
        lam_table_add_row(&f->table);
        lam_table_set_text(&f->table, GROUP, group_names[group]);
        lam_table_set_number(&f->table, RANK, (double)rank + 1);
        if (rank < f->count[group])
            add_tile(f, f->rows[group][rank], &f->tiles[f->tile_count]);
        f->tile_count++;
    }
}

static void fill(confident_figure *f)
{
    add_columns(&f->table);
    for (size_t group = 0; group < GROUPS; group++) {
        f->count[group] = lam_predictions_find_confident(f->predictions, group == 0,
                                                         MOST_IMAGES, f->rows[group]);
        add_group(f, group);
    }
}

static void describe(const lam_plotter *plotter, const lam_plot_predictions *run,
                     const confident_figure *f, lam_figure *figure)
{
    char label[LAM_RUN_LABEL_BYTES], settings[400];
    lam_run_make_label(run->recipe, run->path, label);
    lam_recipe_summarize(run->recipe, settings, sizeof settings);
    lam_plotter_name_figure(plotter, label, "confident", figure);
    lam_plot_write(figure->title, sizeof figure->title, "Most confidently right and wrong: %s",
                   label);
    lam_plot_write(
        figure->caption, sizeof figure->caption,
        "Run %s: of %" PRIu32 " %s images, those of which the network was surest, right "
        "(%zu) and wrong (%zu); beneath each its true class, what it was taken for (" ARROW
        ") where that is another, and how probable the network found that. %s.",
        label, f->predictions->rows, lam_split_name(f->predictions->split), f->count[0],
        f->count[1], settings);
    lam_plot_write(figure->alt, sizeof figure->alt,
                   "%zu images that were classified right and %zu that were classified wrong, "
                   "each with its true and predicted class and the prediction's probability.",
                   f->count[0], f->count[1]);
}

static lam_status save(lam_plotter *plotter, const lam_plot_predictions *run,
                       confident_figure *f)
{
    fill(f);
    if (f->table.failed)
        return lam_fail_memory(plotter->context, "a figure of images", 0);
    if (f->tile_count == 0)
        return LAM_STATUS_OK;
    lam_montage montage = {
        .table = &f->table,
        .tile_width = LAM_IMAGE_SIDE,
        .tile_height = LAM_IMAGE_SIDE,
        .magnification = 4,
        .columns = COLUMNS,
        .tiles = f->tiles,
        .tile_count = f->tile_count,
        .row_names = f->row_names,
    };
    describe(plotter, run, f, &montage.figure);
    return lam_plotter_save_montage(plotter, &montage);
}

lam_status lam_plot_confident(lam_plotter *plotter, const lam_plot_predictions *run,
                              const lam_dataset *dataset)
{
    if (!dataset)
        return lam_fail(plotter->context, LAM_STATUS_BAD_ARGUMENT,
                        "a figure of confident predictions shows images; give the data set");
    lam_row_range split = lam_dataset_get_split(dataset, run->predictions->split);
    if (split.count != run->predictions->rows)
        return lam_fail(plotter->context, LAM_STATUS_BAD_ARGUMENT,
                        "there are predictions of %" PRIu32 " %s images, but the data set has "
                        "%" PRIu32 "; load the one that was predicted",
                        run->predictions->rows, lam_split_name(run->predictions->split),
                        split.count);
    confident_figure *figure = calloc(1, sizeof *figure);
    if (!figure)
        return lam_fail_memory(plotter->context, "a figure of images", sizeof *figure);
    figure->predictions = run->predictions;
    figure->images = lam_dataset_get_images(dataset) + (size_t)split.first * LAM_IMAGE_INPUTS;
    lam_status status = save(plotter, run, figure);
    lam_table_free(&figure->table);
    free(figure);
    return status;
}
