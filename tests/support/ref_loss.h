/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Softmax cross-entropy of a population in plain double-precision C.
 */
#ifndef LAM_TESTS_SUPPORT_REF_LOSS_H
#define LAM_TESTS_SUPPORT_REF_LOSS_H

#include <stddef.h>
#include <stdint.h>

typedef struct ref_loss {
    size_t rows, classes, members;
    size_t counted;        /* the first so many rows count */
    const double *logits;  /* [rows, members*classes] */
    const uint8_t *labels; /* by row of the data set */
    const int32_t *order;  /* [rows] */
} ref_loss;

/* Sum of -log p_y and of hits (the first greatest logit is the label's) over counted rows. */
void ref_loss_sum(const ref_loss *loss, size_t member, double *ret_loss, int64_t *ret_hits);

/* dlogits of the mean over all rows, [rows, members*classes]. */
void ref_loss_gradient(const ref_loss *loss, double *dlogits);

#endif
