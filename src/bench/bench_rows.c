/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bench_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

/* Random bytes that are drawn; the images repeat them. */
#define DRAWN_BYTES ((size_t)1 << 20)

static void draw_bytes(uint8_t *bytes, size_t count)
{
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_SAMPLING, 0);
    uint32_t word = 0;
    size_t drawn = count < DRAWN_BYTES ? count : DRAWN_BYTES;
    for (size_t i = 0; i < drawn; i++) {
        word = i % 4 == 0 ? lam_random_u32(&random) : word >> 8;
        bytes[i] = (uint8_t)word;
    }
    for (size_t i = drawn; i < count; i += drawn)
        memcpy(bytes + i, bytes, count - i < drawn ? count - i : drawn);
}

static lam_status draw_host_rows(lam_context *context, lam_bench_rows *rows)
{
    size_t bytes = LAM_BENCH_ROWS * rows->inputs;
    rows->host_images = malloc(bytes);
    rows->host_labels = malloc(LAM_BENCH_ROWS);
    if (!rows->host_images || !rows->host_labels)
        return lam_fail_memory(context, "random images", bytes);
    draw_bytes(rows->host_images, bytes);
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_SAMPLING, 1);
    uint32_t classes = rows->classes < 256 ? (uint32_t)rows->classes : 256;
    for (size_t i = 0; i < LAM_BENCH_ROWS; i++)
        rows->host_labels[i] = (uint8_t)lam_random_below(&random, classes);
    return LAM_STATUS_OK;
}

static lam_status check_dataset(lam_context *context, const lam_bench_rows *rows,
                                const lam_dataset *dataset)
{
    uint32_t count = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).count;
    if (rows->inputs == LAM_IMAGE_INPUTS && rows->classes >= LAM_CLASS_COUNT &&
        count >= LAM_BENCH_ROWS)
        return LAM_STATUS_OK;
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "a network from %zu to %zu cannot be timed on %u rows of %d inputs in %d "
                    "classes; it takes such a network and %d rows, or random ones",
                    rows->inputs, rows->classes, count, LAM_IMAGE_INPUTS, LAM_CLASS_COUNT,
                    LAM_BENCH_ROWS);
}

static lam_status upload_rows(const lam_engine *engine, lam_bench_rows *rows,
                              const lam_dataset *dataset)
{
    const uint8_t *images = rows->host_images, *labels = rows->host_labels;
    if (dataset) {
        uint32_t first = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).first;
        images = lam_dataset_get_images(dataset) + (size_t)first * LAM_IMAGE_INPUTS;
        labels = lam_dataset_get_labels(dataset) + first;
    }
    LAM_TRY(lam_buffer_create_from_host(engine->device, images, LAM_BENCH_ROWS * rows->inputs,
                                        "images", &rows->images));
    return lam_buffer_create_from_host(engine->device, labels, LAM_BENCH_ROWS, "labels",
                                       &rows->labels);
}

static lam_status upload_order(const lam_engine *engine, lam_bench_rows *rows)
{
    int32_t *order = malloc(LAM_BENCH_ROWS * sizeof *order);
    if (!order)
        return lam_fail_memory(engine->context, "a random order", LAM_BENCH_ROWS);
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_ORDER, 0);
    lam_random_permutation(&random, order, LAM_BENCH_ROWS);
    size_t bytes = rows->steps * rows->batch * sizeof *order;
    lam_status status = lam_buffer_create(engine->device, bytes, "the order", &rows->order);
    if (status == LAM_STATUS_OK)
        status = lam_buffer_write(rows->order, 0, order, bytes);
    free(order);
    return status;
}

/* The z-score of a data set, and what makes random bytes numbers of about the same size. */
static lam_status upload_z_score(const lam_engine *engine, lam_bench_rows *rows,
                                 const lam_dataset *dataset)
{
    size_t inputs = rows->inputs;
    double *values = malloc(2 * inputs * sizeof *values);
    if (!values)
        return lam_fail_memory(engine->context, "a scale", 2 * inputs * sizeof *values);
    for (size_t k = 0; k < inputs; k++) {
        double mean = dataset ? lam_dataset_get_mean(dataset)[k] : 0.5,
               deviation = dataset ? lam_dataset_get_deviation(dataset)[k] : 0.29;
        values[k] = 1 / (255 * deviation);
        values[inputs + k] = -mean / deviation;
    }
    lam_status status = lam_engine_create_reals(engine, inputs, "a scale", &rows->scale);
    if (status == LAM_STATUS_OK)
        status = lam_engine_create_reals(engine, inputs, "a shift", &rows->shift);
    if (status == LAM_STATUS_OK)
        status = lam_engine_write_reals(engine, rows->scale, 0, values, inputs);
    if (status == LAM_STATUS_OK)
        status = lam_engine_write_reals(engine, rows->shift, 0, values + inputs, inputs);
    free(values);
    return status;
}

static lam_status fill_rows(const lam_engine *engine, lam_bench_rows *rows,
                            const lam_dataset *dataset)
{
    if (rows->batch < 1 || rows->batch > LAM_BENCH_ROWS)
        return lam_fail(engine->context, LAM_STATUS_BAD_ARGUMENT,
                        "a batch of %zu is out of range; legal: 1 to %d", rows->batch,
                        LAM_BENCH_ROWS);
    rows->steps = LAM_BENCH_ROWS / rows->batch;
    LAM_TRY(dataset ? check_dataset(engine->context, rows, dataset)
                    : draw_host_rows(engine->context, rows));
    LAM_TRY(upload_rows(engine, rows, dataset));
    LAM_TRY(upload_z_score(engine, rows, dataset));
    LAM_TRY(upload_order(engine, rows));
    rows->input = (lam_input){.images = rows->images,
                              .order = rows->order,
                              .scale = rows->scale,
                              .shift = rows->shift};
    return LAM_STATUS_OK;
}

lam_status lam_bench_rows_create(const lam_engine *engine, const lam_dataset *dataset,
                                 size_t batch, size_t inputs, size_t classes,
                                 lam_bench_rows **ret_rows)
{
    lam_bench_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return lam_fail_memory(engine->context, "images", sizeof *rows);
    *rows = (lam_bench_rows){.batch = batch, .inputs = inputs, .classes = classes};
    lam_status status = fill_rows(engine, rows, dataset);
    if (status == LAM_STATUS_OK)
        *ret_rows = rows;
    else
        lam_bench_rows_destroy(&rows);
    return status;
}

void lam_bench_rows_destroy(lam_bench_rows **rows)
{
    if (!*rows)
        return;
    lam_buffer **buffers[] = {&(*rows)->images, &(*rows)->labels, &(*rows)->order,
                              &(*rows)->scale, &(*rows)->shift};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    free((*rows)->host_images);
    free((*rows)->host_labels);
    free(*rows);
    *rows = NULL;
}
