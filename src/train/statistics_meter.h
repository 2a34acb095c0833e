/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Batch normalization's statistics, computed anew over many rows: one forward pass in which
 * all of them are one batch, so that each layer's are exact given those of the layers before.
 */
#ifndef LAM_TRAIN_STATISTICS_METER_H
#define LAM_TRAIN_STATISTICS_METER_H

#include "lamina/recipe.h"
#include "net/parameters.h"
#include "train/resident_data.h"

typedef struct lam_statistics_meter lam_statistics_meter;

/** Which rows: up to `count` of `range`, drawn without repeats by `seed`. */
typedef struct lam_statistics_rows {
    lam_row_range range;
    size_t count;
    lam_augmentation augmentation; /* of each row */
    uint64_t seed;
} lam_statistics_rows;

/** Borrows `parameters` and `data`. Errors: NO_MEMORY, BAD_DEVICE, BAD_KERNEL. */
LAM_MUST_USE lam_status lam_statistics_meter_create(const lam_parameters *parameters,
                                                    const lam_resident_data *data,
                                                    const lam_statistics_rows *rows,
                                                    lam_statistics_meter **ret_meter);
void lam_statistics_meter_destroy(lam_statistics_meter **meter);

/** Computes them for the parameters' present values. Enqueues and returns. */
LAM_MUST_USE lam_status lam_statistics_meter_run(lam_statistics_meter *meter);

/** The parameters with these statistics in the running ones' place. Borrowed. */
lam_parameters *lam_statistics_meter_get_parameters(lam_statistics_meter *meter);

#endif
