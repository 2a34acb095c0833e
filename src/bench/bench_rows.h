/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * 45,000 images on the device with a random order: what benchmarks train on.
 */
#ifndef LAM_BENCH_BENCH_ROWS_H
#define LAM_BENCH_BENCH_ROWS_H

#include "lamina/bench.h"
#include "op/gather.h"

typedef struct lam_bench_rows {
    uint8_t *host_images, *host_labels; /* NULL where a data set is used */
    size_t batch, inputs, classes;
    size_t steps; /* batches in the order */
    lam_buffer *images, *labels, *order, *scale, *shift;
    lam_input input;
} lam_bench_rows;

/** The training rows of `dataset`, or random ones where it is NULL. The data set must outlive
 * the result. Errors: BAD_ARGUMENT (the data set has other shapes, or a batch out of range),
 * NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_bench_rows_create(const lam_engine *engine,
                                              const lam_dataset *dataset, size_t batch,
                                              size_t inputs, size_t classes,
                                              lam_bench_rows **ret_rows);
void lam_bench_rows_destroy(lam_bench_rows **rows);

#endif
