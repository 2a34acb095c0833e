/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * From the options to the rows: which stretches of which files make which split.
 */
#ifndef LAM_DATA_SPLIT_H
#define LAM_DATA_SPLIT_H

#include "data/source.h"

/* One per file, and one more where training and validation share a file. */
#define LAM_STRETCH_LIMIT (LAM_TRAIN_FILE_COUNT + 2)

typedef struct lam_split_plan {
    lam_row_range ranges[LAM_SPLIT_COUNT];
    uint32_t row_count;
    lam_stretch stretches[LAM_STRETCH_LIMIT]; /* in the order of the data set's rows */
    int stretch_count;
} lam_split_plan;

/** Checks the options and lays out the rows. Errors: BAD_DATA. */
LAM_MUST_USE lam_status lam_split_plan_make(lam_context *context,
                                            const lam_data_options *options,
                                            lam_split_plan *ret_plan);

#endif
