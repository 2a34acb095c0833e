/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A step's rows of the data set as normalized reals, changed at random each time they are
 * drawn. Formulas and layouts: cl/augment.cl.
 */
#ifndef LAM_OP_AUGMENT_H
#define LAM_OP_AUGMENT_H

#include "lamina/recipe.h"
#include "op/gather.h"
#include "op/step_table.h"

/** Inputs of a row: planar 3 x 32 x 32 images are what can be mirrored and moved. */
#define LAM_AUGMENT_INPUTS 3072

/** True where rows do not stay as they are; not for NULL. */
bool lam_augmentation_changes_rows(const lam_augmentation *augmentation);

typedef struct lam_augment {
    lam_augmentation augmentation;
    size_t rows;                    /* of one step */
    lam_input data;                 /* images, order, scale and shift */
    const lam_step_inputs *numbers; /* first_step and data_seed */
    lam_buffer *x;                  /* real[rows, 3072] */
} lam_augment;

/** x = the step's rows, mirrored, then moved, then with noise: a pure function of the seed, the
 * run's step and the row in the batch; all of it zero makes plain rows. */
LAM_MUST_USE lam_status lam_augment_add(const lam_engine *engine, lam_plan *plan,
                                        const lam_augment *augment);

#endif
