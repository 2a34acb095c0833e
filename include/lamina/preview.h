/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A picture of what a recipe's augmentation does to training images.
 */
#ifndef LAMINA_PREVIEW_H
#define LAMINA_PREVIEW_H

#include "lamina/data.h"
#include "lamina/device.h"
#include "lamina/gemm.h"
#include "lamina/recipe.h"

LAM_BEGIN_DECLS

/** A pixel of an image is a square of so many pixels of the picture; images lie so many pixels
 * apart from each other and from the picture's edges. */
#define LAM_PREVIEW_ENLARGEMENT 4
#define LAM_PREVIEW_GAP 8

#define LAM_PREVIEW_LIMIT 64

typedef struct lam_preview_options {
    int rows;      /* images: the first training rows; 1 .. LAM_PREVIEW_LIMIT */
    int columns;   /* the image as it is, and columns - 1 draws of it; 1 .. LAM_PREVIEW_LIMIT */
    lam_gemm gemm; /* as of a training: it shares the work in the same way */
} lam_preview_options;

/**
 * Writes a PNG file. Column c > 0 shows what the kernel that augments the rows of a training
 * step makes of the image in row r: the draw of row r of a batch at step c - 1, by the recipe's
 * seed. The z-score is undone, so the border behind a moved image has the mean image's colours,
 * and values are clamped to what a pixel can show.
 * Blocking. Errors: BAD_ARGUMENT (options out of range, or more rows than train), BAD_OUTPUT,
 * NO_MEMORY, the device's.
 */
LAM_API LAM_MUST_USE lam_status lam_preview_augmentation(lam_device *device,
                                                         const lam_recipe *recipe,
                                                         const lam_dataset *dataset,
                                                         const lam_preview_options *options,
                                                         const char *path);

LAM_END_DECLS

#endif
