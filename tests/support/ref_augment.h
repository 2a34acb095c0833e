/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Augmentation of planar images in plain double-precision C, with the host's random numbers.
 */
#ifndef LAM_TESTS_SUPPORT_REF_AUGMENT_H
#define LAM_TESTS_SUPPORT_REF_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lamina/recipe.h"

enum { REF_INPUTS = 3072, REF_SIDE = 32 };

/* One draw of an image: row `row` of the batch at step `step` of the run. */
typedef struct ref_draw {
    uint64_t seed;
    uint32_t step, row;
} ref_draw;

/* What becomes of the image as a whole. */
typedef struct ref_change {
    bool flipped;
    int tx, ty;
} ref_change;

ref_change ref_draw_change(const lam_augmentation *augmentation, const ref_draw *draw);

/* Standard normals of all places. */
void ref_draw_normals(const ref_draw *draw, double ret_normals[REF_INPUTS]);

/* The normalized inputs of a drawn image. */
void ref_augment(const lam_augmentation *augmentation, const ref_draw *draw,
                 const uint8_t image[REF_INPUTS], const double scale[REF_INPUTS],
                 const double shift[REF_INPUTS], double ret_x[REF_INPUTS]);

#endif
