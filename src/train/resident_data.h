/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The data set on the device: bytes, labels and the z-score that turns them into inputs.
 */
#ifndef LAM_TRAIN_RESIDENT_DATA_H
#define LAM_TRAIN_RESIDENT_DATA_H

#include "lamina/data.h"
#include "op/engine.h"
#include "op/matmul.h"

typedef struct lam_resident_data {
    const lam_engine *engine;
    lam_buffer *images; /* u8[all rows, inputs] */
    lam_buffer *labels; /* u8[all rows] */
    lam_buffer *scale;  /* real[inputs]: 1 / (255 deviation) */
    lam_buffer *shift;  /* real[inputs]: -mean / deviation */
} lam_resident_data;

/** Rows in host memory and the statistics of pixels / 255 that normalize them. */
typedef struct lam_host_rows {
    const uint8_t *images; /* [count, inputs] */
    const uint8_t *labels; /* [count] */
    size_t count, inputs;  /* inputs <= 3072 */
    const double *mean;    /* [inputs] */
    const double *deviation;
} lam_host_rows;

/** `rows` must outlive the result: its bytes are used in place where memory is shared. */
LAM_MUST_USE lam_status lam_resident_data_create(const lam_engine *engine,
                                                 const lam_host_rows *rows,
                                                 lam_resident_data **ret_data);
void lam_resident_data_destroy(lam_resident_data **data);

/** The input of a plan that reaches the rows through `order`. */
lam_input lam_resident_data_get_input(const lam_resident_data *data, const lam_buffer *order);

#endif
