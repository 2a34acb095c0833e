/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A data set on a device, with the kernels that work on it: where networks are trained and
 * measured. Made once and used for any number of them.
 */
#ifndef LAM_TRAIN_WORKSHOP_H
#define LAM_TRAIN_WORKSHOP_H

#include "lamina/train.h"
#include "net/parameters.h"
#include "train/model_file.h"
#include "train/resident_data.h"

typedef struct lam_workshop {
    lam_engine *engine;         /* keeps every kernel that it has compiled */
    const lam_dataset *dataset; /* borrowed */
    lam_normalization normalization;
    lam_resident_data *data;
} lam_workshop;

/** `normalization` NULL takes the data set's own. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_workshop_create(lam_device *device, const lam_dataset *dataset,
                                            lam_gemm gemm,
                                            const lam_normalization *normalization,
                                            lam_workshop **ret_workshop);
void lam_workshop_destroy(lam_workshop **workshop);

/** Measures parameters on the splits that hold rows and whose bit (1 << lam_split) is set. Of
 * the recipe counts what members have in common. ret_metrics[split] is of [members]. Blocking.
 */
LAM_MUST_USE lam_status lam_workshop_evaluate(const lam_workshop *workshop,
                                              lam_parameters *parameters,
                                              const lam_recipe *recipe, unsigned splits,
                                              lam_metrics *const ret_metrics[LAM_SPLIT_COUNT]);

#endif
