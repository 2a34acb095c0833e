/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The losses of a population in plain double-precision C, term by term as they are defined.
 */
#ifndef LAM_TESTS_SUPPORT_REF_LOSS_H
#define LAM_TESTS_SUPPORT_REF_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "lamina/network.h"

typedef struct ref_loss {
    lam_loss loss;
    size_t rows, classes, members;
    size_t counted;          /* the first so many rows count */
    const double *logits;    /* [rows, members*classes] */
    const uint8_t *labels;   /* by row of the data set */
    const int32_t *order;    /* [rows] */
    const double *smoothing; /* [members], of softmax cross-entropy; NULL: 0 */
} ref_loss;

/* Sum of the losses and of hits (the first greatest logit is the label's) over counted rows. */
void ref_loss_sum(const ref_loss *loss, size_t member, double *ret_loss, int64_t *ret_hits);

/* dlogits of the mean over all rows, [rows, members*classes]. */
void ref_loss_gradient(const ref_loss *loss, double *dlogits);

#endif
