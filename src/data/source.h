/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where rows come from: six files of LAM_ROWS_PER_FILE rows, numbered 0 .. 4 for
 * data_batch_1 .. data_batch_5 and LAM_TEST_FILE for test_batch, taken by stretches.
 */
#ifndef LAM_DATA_SOURCE_H
#define LAM_DATA_SOURCE_H

#include <stdint.h>

#include "base/error.h"
#include "lamina/data.h"

#define LAM_TEST_FILE LAM_TRAIN_FILE_COUNT

/** Rows [first, first + count) of one file. */
typedef struct lam_stretch {
    int file;
    uint32_t first;
    uint32_t count;
} lam_stretch;

/** Reads a stretch of `directory`'s binary file into u8[count, 3072] and u8[count].
 * Errors: BAD_DATA, naming the path, the reason and what to do next; NO_MEMORY. */
LAM_MUST_USE lam_status lam_cifar10_read(lam_context *context, const char *directory,
                                         lam_stretch stretch, uint8_t *ret_images,
                                         uint8_t *ret_labels);

/** Name of class 0 .. 9. */
const char *lam_cifar10_class_name(int class_index);

/** Draws a stretch of the synthetic set into u8[count, 3072] and u8[count]. */
void lam_synthetic_draw(lam_stretch stretch, uint8_t *ret_images, uint8_t *ret_labels);

/** Name of class 0 .. 9. */
const char *lam_synthetic_class_name(int class_index);

#endif
