/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The losses of a learning-rate range test: smoothed, cut off where they blow up, and read for
 * bounds. Functions of the sequence of losses alone; lamina/lr_range.h holds the formulas.
 */
#ifndef LAM_TRAIN_LR_CURVE_H
#define LAM_TRAIN_LR_CURVE_H

#include "base/error.h"
#include "lamina/lr_range.h"

typedef struct lam_lr_point {
    double rate, loss, smoothed;
} lam_lr_point;

typedef struct lam_lr_curve {
    lam_lr_point *points; /* [capacity] */
    int64_t capacity, count;
    int64_t lowest; /* index of the lowest smoothed loss; the first of equal ones */
    double kept;    /* by the moving average in a step */
    double average; /* not corrected for its start at 0 */
    bool blew_up;
} lam_lr_curve;

LAM_MUST_USE lam_status lam_lr_curve_create(lam_context *context, int64_t capacity,
                                            lam_lr_curve *ret_curve);
void lam_lr_curve_free(lam_lr_curve *curve);

/** Takes the next step's loss; false, and the curve as it was, once it blew up. */
bool lam_lr_curve_append(lam_lr_curve *curve, double rate, double loss);

/** The curve as a table, LAM_LR_RANGE_FILE. Errors: BAD_OUTPUT, NO_MEMORY. */
LAM_MUST_USE lam_status lam_lr_curve_save(lam_context *context, const lam_lr_curve *curve,
                                          const char *path);
/** A table's curve, which ends where the table does. lam_lr_curve_free() it. Errors: BAD_MODEL
 * (no such table: which line), NO_MEMORY. */
LAM_MUST_USE lam_status lam_lr_curve_load(lam_context *context, const char *path,
                                          lam_lr_curve *ret_curve);

lam_lr_range_summary lam_lr_curve_summarize(const lam_lr_curve *curve);

#endif
