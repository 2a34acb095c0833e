/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/random_rows.h"

#include <stdlib.h>

#include "base/random.h"

static lam_status draw_host_rows(lam_context *context, lam_random_rows *rows, size_t inputs)
{
    rows->host_images = malloc(LAM_BENCH_ROWS * inputs);
    rows->host_labels = malloc(LAM_BENCH_ROWS);
    if (!rows->host_images || !rows->host_labels)
        return lam_fail_memory(context, "random images", LAM_BENCH_ROWS * inputs);
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_SAMPLING, 0);
    uint32_t word = 0;
    for (size_t i = 0; i < LAM_BENCH_ROWS * inputs; i++) {
        word = i % 4 == 0 ? lam_random_u32(&random) : word >> 8;
        rows->host_images[i] = (uint8_t)word;
    }
    for (size_t i = 0; i < LAM_BENCH_ROWS; i++)
        rows->host_labels[i] = (uint8_t)lam_random_below(&random, 10);
    return LAM_STATUS_OK;
}

static lam_status upload_order(const lam_engine *engine, lam_random_rows *rows, size_t batch)
{
    int32_t *order = malloc(LAM_BENCH_ROWS * sizeof *order);
    if (!order)
        return lam_fail_memory(engine->context, "a random order", LAM_BENCH_ROWS);
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_ORDER, 0);
    lam_random_permutation(&random, order, LAM_BENCH_ROWS);
    size_t bytes = rows->steps * batch * sizeof *order;
    lam_status status = lam_buffer_create(engine->device, bytes, "the order", &rows->order);
    if (status == LAM_STATUS_OK)
        status = lam_buffer_write(rows->order, 0, order, bytes);
    free(order);
    return status;
}

/* Pixels become numbers of about the size that a z-score gives. */
static lam_status upload_scale(const lam_engine *engine, lam_random_rows *rows, size_t inputs)
{
    double *values = malloc(inputs * sizeof *values);
    if (!values)
        return lam_fail_memory(engine->context, "a scale", inputs * sizeof *values);
    for (size_t k = 0; k < inputs; k++)
        values[k] = 1.0 / 74;
    lam_status status = lam_engine_write_reals(engine, rows->scale, 0, values, inputs);
    for (size_t k = 0; k < inputs; k++)
        values[k] = -127.5 / 74;
    if (status == LAM_STATUS_OK)
        status = lam_engine_write_reals(engine, rows->shift, 0, values, inputs);
    free(values);
    return status;
}

static lam_status fill_rows(const lam_engine *engine, lam_random_rows *rows, size_t batch,
                            size_t inputs)
{
    if (batch < 1 || batch > LAM_BENCH_ROWS)
        return lam_fail(engine->context, LAM_STATUS_BAD_ARGUMENT,
                        "a batch of %zu is out of range; legal: 1 to %d", batch,
                        LAM_BENCH_ROWS);
    rows->steps = LAM_BENCH_ROWS / batch;
    LAM_TRY(draw_host_rows(engine->context, rows, inputs));
    LAM_TRY(lam_buffer_create_from_host(engine->device, rows->host_images,
                                        LAM_BENCH_ROWS * inputs, "images", &rows->images));
    LAM_TRY(lam_buffer_create_from_host(engine->device, rows->host_labels, LAM_BENCH_ROWS,
                                        "labels", &rows->labels));
    LAM_TRY(lam_engine_create_reals(engine, inputs, "a scale", &rows->scale));
    LAM_TRY(lam_engine_create_reals(engine, inputs, "a shift", &rows->shift));
    LAM_TRY(upload_scale(engine, rows, inputs));
    LAM_TRY(upload_order(engine, rows, batch));
    rows->input = (lam_input){.images = rows->images,
                              .order = rows->order,
                              .scale = rows->scale,
                              .shift = rows->shift};
    return LAM_STATUS_OK;
}

lam_status lam_random_rows_create(const lam_engine *engine, size_t batch, size_t inputs,
                                  lam_random_rows **ret_rows)
{
    lam_random_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return lam_fail_memory(engine->context, "random images", sizeof *rows);
    lam_status status = fill_rows(engine, rows, batch, inputs);
    if (status == LAM_STATUS_OK)
        *ret_rows = rows;
    else
        lam_random_rows_destroy(&rows);
    return status;
}

void lam_random_rows_destroy(lam_random_rows **rows)
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
