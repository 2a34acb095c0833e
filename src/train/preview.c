/* SPDX-License-Identifier: Apache-2.0 */
#include "train/preview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/pixels.h"
#include "figure/png.h"
#include "op/augment.h"
#include "train/resident_data.h"

#define CHANNELS 3
#define CELL (LAM_IMAGE_SIDE * LAM_PREVIEW_ENLARGEMENT + LAM_PREVIEW_GAP)

typedef struct preview {
    const lam_recipe *recipe;
    const lam_dataset *dataset;
    size_t rows, columns;
    lam_gemm gemm;
    uint32_t first; /* training row */
    lam_engine *engine;
    lam_resident_data *data;
    lam_plan *plan; /* draws every row once */
    lam_buffer *order, *first_step, *data_seed, *x;
    double *host_x;  /* [rows, 3072] */
    uint8_t *images; /* [rows, columns, 32, 32, 3] */
} preview;

static void free_preview(preview *p)
{
    lam_plan_destroy(&p->plan);
    lam_buffer_destroy(&p->order);
    lam_buffer_destroy(&p->first_step);
    lam_buffer_destroy(&p->data_seed);
    lam_buffer_destroy(&p->x);
    lam_resident_data_destroy(&p->data);
    lam_engine_destroy(&p->engine);
    free(p->host_x);
    free(p->images);
}

static lam_status create_data(preview *p)
{
    const lam_host_rows rows = {.images = lam_dataset_get_images(p->dataset),
                                .labels = lam_dataset_get_labels(p->dataset),
                                .count = p->first + p->rows,
                                .inputs = LAM_IMAGE_INPUTS,
                                .mean = lam_dataset_get_mean(p->dataset),
                                .deviation = lam_dataset_get_deviation(p->dataset)};
    return lam_resident_data_create(p->engine, &rows, &p->data);
}

/* The same rows in every step. */
static lam_status create_order(preview *p)
{
    size_t count = p->rows * p->columns, bytes = count * sizeof(int32_t);
    int32_t *order = malloc(bytes);
    if (!order)
        return lam_fail_memory(p->engine->context, "a preview", bytes);
    for (size_t i = 0; i < count; i++)
        order[i] = (int32_t)(p->first + i % p->rows);
    lam_status status = lam_buffer_create(p->engine->device, bytes, "a preview", &p->order);
    if (status == LAM_STATUS_OK)
        status = lam_buffer_write(p->order, 0, order, bytes);
    free(order);
    return status;
}

static lam_status create_plan(preview *p)
{
    lam_device *device = p->engine->device;
    const uint32_t seed[2] = {(uint32_t)p->recipe->seed, (uint32_t)(p->recipe->seed >> 32)};
    LAM_TRY(lam_buffer_create(device, sizeof(int32_t), "a preview", &p->first_step));
    LAM_TRY(lam_buffer_create(device, sizeof seed, "a preview", &p->data_seed));
    LAM_TRY(lam_buffer_write(p->data_seed, 0, seed, sizeof seed));
    LAM_TRY(lam_engine_create_reals(p->engine, p->rows * LAM_IMAGE_INPUTS, "a preview", &p->x));
    const lam_step_inputs numbers = {.first_step = p->first_step, .data_seed = p->data_seed};
    const lam_augment augment = {.augmentation = p->recipe->augmentation,
                                 .rows = p->rows,
                                 .data = lam_resident_data_get_input(p->data, p->order),
                                 .numbers = &numbers,
                                 .x = p->x};
    LAM_TRY(lam_plan_create(p->engine, &p->plan));
    return lam_augment_add(p->engine, p->plan, &augment);
}

static lam_status create_images(preview *p)
{
    size_t x_bytes = p->rows * LAM_IMAGE_INPUTS * sizeof *p->host_x;
    size_t image_bytes = p->rows * p->columns * LAM_IMAGE_INPUTS;
    p->host_x = malloc(x_bytes);
    p->images = malloc(image_bytes);
    if (!p->host_x || !p->images)
        return lam_fail_memory(p->engine->context, "a preview", x_bytes + image_bytes);
    return LAM_STATUS_OK;
}

static void keep_image(preview *p, size_t row, size_t column, const uint8_t *planar)
{
    lam_pixels_interleave(planar, p->images + (row * p->columns + column) * LAM_IMAGE_INPUTS);
}

/* Undoes the z-score. */
static void restore_pixels(const preview *p, const double *x, uint8_t *ret_image)
{
    const double *mean = lam_dataset_get_mean(p->dataset);
    const double *deviation = lam_dataset_get_deviation(p->dataset);
    for (size_t k = 0; k < LAM_IMAGE_INPUTS; k++) {
        double pixel = 255 * (x[k] * deviation[k] + mean[k]);
        ret_image[k] = (uint8_t)lround(fmin(fmax(pixel, 0), 255));
    }
}

static lam_status keep_draws(preview *p, size_t column)
{
    uint8_t image[LAM_IMAGE_INPUTS];
    LAM_TRY(lam_plan_enqueue(p->plan, (int)column - 1));
    LAM_TRY(lam_engine_read_reals(p->engine, p->x, 0, p->host_x, p->rows * LAM_IMAGE_INPUTS));
    for (size_t row = 0; row < p->rows; row++) {
        restore_pixels(p, p->host_x + row * LAM_IMAGE_INPUTS, image);
        keep_image(p, row, column, image);
    }
    return LAM_STATUS_OK;
}

static lam_status draw_images(preview *p, lam_device *device)
{
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, p->gemm, &p->engine));
    LAM_TRY(create_data(p));
    LAM_TRY(create_order(p));
    LAM_TRY(create_plan(p));
    LAM_TRY(create_images(p));
    const uint8_t *images = lam_dataset_get_images(p->dataset);
    for (size_t row = 0; row < p->rows; row++)
        keep_image(p, row, 0, images + (p->first + row) * LAM_IMAGE_INPUTS);
    for (size_t column = 1; column < p->columns; column++)
        LAM_TRY(keep_draws(p, column));
    return LAM_STATUS_OK;
}

lam_status lam_preview_draw_images(lam_device *device, const lam_recipe *recipe,
                                   const lam_dataset *dataset,
                                   const lam_preview_options *options, uint8_t **ret_images)
{
    lam_context *context = lam_device_get_context(device);
    lam_row_range train = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN);
    int most_rows = train.count < LAM_PREVIEW_LIMIT ? (int)train.count : LAM_PREVIEW_LIMIT;
    if (options->rows < 1 || options->rows > most_rows)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a preview of %d images is out of range; legal: 1 to %d", options->rows,
                        most_rows);
    if (options->columns < 1 || options->columns > LAM_PREVIEW_LIMIT)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a preview of %d columns is out of range; legal: 1 to %d",
                        options->columns, LAM_PREVIEW_LIMIT);
    preview p = {.recipe = recipe,
                 .dataset = dataset,
                 .rows = (size_t)options->rows,
                 .columns = (size_t)options->columns,
                 .gemm = options->gemm,
                 .first = train.first};
    lam_status status = draw_images(&p, device);
    if (status == LAM_STATUS_OK) {
        *ret_images = p.images;
        p.images = NULL;
    }
    free_preview(&p);
    return status;
}

/* `area` is where the image's first pixel goes in a picture of `width` pixels. */
static void enlarge(const uint8_t *image, uint8_t *area, size_t width)
{
    const size_t side = LAM_IMAGE_SIDE * LAM_PREVIEW_ENLARGEMENT;
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++)
            memcpy(area + (y * width + x) * CHANNELS,
                   image + (y / LAM_PREVIEW_ENLARGEMENT * LAM_IMAGE_SIDE +
                            x / LAM_PREVIEW_ENLARGEMENT) *
                               CHANNELS,
                   CHANNELS);
}

static lam_status write_picture(lam_context *context, const uint8_t *images,
                                const lam_preview_options *options, const char *path)
{
    size_t rows = (size_t)options->rows, columns = (size_t)options->columns;
    size_t width = columns * CELL + LAM_PREVIEW_GAP, height = rows * CELL + LAM_PREVIEW_GAP;
    uint8_t *rgb = malloc(width * height * CHANNELS);
    if (!rgb)
        return lam_fail_memory(context, path, width * height * CHANNELS);
    memset(rgb, UINT8_MAX, width * height * CHANNELS);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            size_t top = row * CELL + LAM_PREVIEW_GAP, left = column * CELL + LAM_PREVIEW_GAP;
            enlarge(images + (row * columns + column) * LAM_IMAGE_INPUTS,
                    rgb + (top * width + left) * CHANNELS, width);
        }
    lam_status status = lam_png_write(context, path, (uint32_t)width, (uint32_t)height, rgb);
    free(rgb);
    return status;
}

lam_status lam_preview_augmentation(lam_device *device, const lam_recipe *recipe,
                                    const lam_dataset *dataset,
                                    const lam_preview_options *options, const char *path)
{
    lam_context *context = lam_device_get_context(device);
    uint8_t *images = NULL;
    LAM_TRY(lam_file_check_place(context, path));
    LAM_TRY(lam_preview_draw_images(device, recipe, dataset, options, &images));
    lam_status status = write_picture(context, images, options, path);
    free(images);
    return status;
}
