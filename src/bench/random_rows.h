/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A data set of 45,000 random images with a random order: what benchmarks train on.
 */
#ifndef LAM_BENCH_RANDOM_ROWS_H
#define LAM_BENCH_RANDOM_ROWS_H

#include "op/gather.h"

#define LAM_BENCH_ROWS 45000

typedef struct lam_random_rows {
    uint8_t *host_images, *host_labels;
    size_t steps; /* batches in the order */
    lam_buffer *images, *labels, *order, *scale, *shift;
    lam_input input;
} lam_random_rows;

LAM_MUST_USE lam_status lam_random_rows_create(const lam_engine *engine, size_t batch,
                                               size_t inputs, lam_random_rows **ret_rows);
void lam_random_rows_destroy(lam_random_rows **rows);

#endif
