/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One cost and its gradient as a safetensors file, for other programs to work out again. The
 * format stands in lamina/gradient_check.h.
 */
#ifndef LAM_TRAIN_GRADIENT_FILE_H
#define LAM_TRAIN_GRADIENT_FILE_H

#include "lamina/data.h"
#include "lamina/recipe.h"
#include "net/parameters.h"
#include "op/step_table.h"

typedef struct lam_gradient_record {
    const lam_recipe *recipe;
    const lam_parameters *parameters, *gradients; /* member 0 is saved */
    const uint8_t *images, *labels;               /* u8[rows, inputs], u8[rows] */
    size_t rows, inputs;
    const double *mean, *deviation; /* f64[inputs], of pixels / 255 */
    lam_step_inputs numbers;        /* that dropout depended on, in step 0 */
    double loss, cost;
} lam_gradient_record;

/** Blocking. Errors: BAD_OUTPUT, NO_MEMORY, BAD_DEVICE, BAD_KERNEL. */
LAM_MUST_USE lam_status lam_gradient_file_save(const lam_gradient_record *record,
                                               const char *path);

#endif
