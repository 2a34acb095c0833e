/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the steps of an epoch read on the device: the order of its rows, the learning rates and
 * other numbers of its steps, and the run's numbers.
 */
#ifndef LAM_TRAIN_EPOCH_TABLES_H
#define LAM_TRAIN_EPOCH_TABLES_H

#include "lamina/data.h"
#include "train/run_numbers.h"
#include "train/watch_set.h"

typedef struct lam_epoch_tables {
    const lam_engine *engine;
    const lam_watch_set *watches;
    lam_row_range rows;     /* that are trained on */
    lam_buffer *order;      /* i32[steps per epoch * batch]: rows of the data set */
    lam_buffer *step_table; /* real[steps per epoch, LAM_STEP_SCALAR_COUNT, members] */
    lam_run_numbers numbers;
    int32_t *host_order; /* [rows.count]: those that fill no batch are drawn, too */
    double *host_table;
} lam_epoch_tables;

/** All zero: no order, and a step table that leaves weights as they are, to the bit. Borrows
 * `engine` and `watches`; `seeds[members]` are those of dropout. On failure nothing is left to
 * destroy. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_epoch_tables_create(const lam_engine *engine,
                                                const lam_watch_set *watches,
                                                lam_row_range rows, const uint64_t *seeds,
                                                lam_epoch_tables *ret_tables);
void lam_epoch_tables_destroy(lam_epoch_tables *tables);

/** Fills all tables for epoch `epoch`, counted from 0. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_epoch_tables_start(lam_epoch_tables *tables, int64_t epoch);

/** Fills the step table anew from the run's step `step` on to the end of its epoch: what the
 * watches saw counts from there. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_epoch_tables_rewrite(lam_epoch_tables *tables, int64_t step);

#endif
