/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "lamina/plot.h"
#include "report/plotter.h"
#include "report/run_label.h"
#include "train/preview.h"

#define IMAGES 8
#define DRAWS 4
#define ROWS (1 + DRAWS)

enum column { IMAGE, CLASS, DRAW };

static const char *const row_names[ROWS] = {"original", "1st draw", "2nd draw", "3rd draw",
                                            "4th draw"};

typedef struct augmentation_figure {
    const lam_recipe *recipe;
    const lam_dataset *dataset;
    const char *label;
    size_t images;
    uint8_t *rgb; /* [images, ROWS, 32, 32, 3] */
    lam_table table;
    lam_tile tiles[ROWS * IMAGES];
} augmentation_figure;

static void fill(augmentation_figure *f)
{
    const uint8_t *labels = lam_dataset_get_labels(f->dataset) +
                            lam_dataset_get_split(f->dataset, LAM_SPLIT_TRAIN).first;
    lam_table_add_column(&f->table, "image", LAM_CELL_NUMBER);
    lam_table_add_column(&f->table, "class", LAM_CELL_TEXT);
    lam_table_add_column(&f->table, "draw", LAM_CELL_NUMBER);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t image = 0; image < f->images; image++) {
            lam_table_add_row(&f->table);
            lam_table_set_number(&f->table, IMAGE, (double)image);
            lam_table_set_text(&f->table, CLASS,
                               lam_dataset_get_class_name(f->dataset, labels[image]));
            lam_table_set_number(&f->table, DRAW, (double)row);
            f->tiles[row * f->images + image].rgb =
                f->rgb + (image * ROWS + row) * LAM_IMAGE_INPUTS;
        }
}

static void describe_augmentation(const lam_augmentation *augmentation, lam_strbuf *text)
{
    if (augmentation->flip > 0)
        lam_strbuf_append(text, ", mirrored with probability %g", augmentation->flip);
    if (augmentation->translation > 0)
        lam_strbuf_append(text, ", moved by up to %d pixels over the mean image",
                          augmentation->translation);
    if (augmentation->noise > 0)
        lam_strbuf_append(text, ", with normal noise of deviation %g on normalized inputs",
                          augmentation->noise);
}

static void describe(const lam_plotter *plotter, const augmentation_figure *f,
                     lam_figure *figure)
{
    char settings[400];
    lam_strbuf changes = {0};
    describe_augmentation(&f->recipe->augmentation, &changes);
    lam_recipe_summarize(f->recipe, settings, sizeof settings);
    lam_plotter_name_figure(plotter, f->label, "augmentation", figure);
    lam_plot_write(figure->title, sizeof figure->title, "Images as training sees them: %s",
                   f->label);
    lam_plot_write(
        figure->caption, sizeof figure->caption,
        "Run %s: the first %zu training images as they are, and beneath each draws of it "
        "as in the first steps of a training with seed %" PRIu64 "%s. %s.",
        f->label, f->images, f->recipe->seed, lam_strbuf_text(&changes), settings);
    lam_plot_write(
        figure->alt, sizeof figure->alt,
        "%zu training images in a row, and beneath them %d rows of the same images%s.",
        f->images, DRAWS, lam_strbuf_text(&changes));
    lam_strbuf_free(&changes);
}

static lam_status save(lam_plotter *plotter, augmentation_figure *f)
{
    fill(f);
    if (f->table.failed)
        return lam_fail_memory(plotter->context, "a figure of augmentation", 0);
    lam_montage montage = {
        .table = &f->table,
        .tile_width = LAM_IMAGE_SIDE,
        .tile_height = LAM_IMAGE_SIDE,
        .magnification = 3,
        .columns = f->images,
        .tiles = f->tiles,
        .tile_count = ROWS * f->images,
        .row_names = row_names,
    };
    describe(plotter, f, &montage.figure);
    return lam_plotter_save_montage(plotter, &montage);
}

lam_status lam_plot_augmentation(lam_context *context, lam_device *device,
                                 const lam_recipe *recipe, const lam_dataset *dataset,
                                 const char *path, const lam_figure_options *options,
                                 lam_figure_list *list)
{
    const lam_augmentation *a = &recipe->augmentation;
    if (a->flip <= 0 && a->translation <= 0 && a->noise <= 0)
        return LAM_STATUS_OK;
    lam_plotter plotter = lam_plotter_start(context, options, list);
    char label[LAM_RUN_LABEL_BYTES];
    uint32_t rows = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).count;
    augmentation_figure f = {.recipe = recipe,
                             .dataset = dataset,
                             .label = label,
                             .images = rows < IMAGES ? rows : IMAGES};
    const lam_preview_options preview = {
        .rows = (int)f.images, .columns = ROWS, .gemm = LAM_GEMM_AUTO};
    lam_run_make_label(recipe, path, label);
    LAM_TRY(lam_preview_draw_images(device, recipe, dataset, &preview, &f.rgb));
    lam_status status = save(&plotter, &f);
    lam_table_free(&f.table);
    free(f.rgb);
    return lam_plotter_finish(&plotter, status);
}
