/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One network of a recipe in a workshop of its own.
 */
#ifndef LAM_TRAIN_SESSION_H
#define LAM_TRAIN_SESSION_H

#include "train/workshop.h"

typedef struct lam_session {
    lam_workshop *workshop;
    lam_parameters *parameters; /* of one member, all zero */
    int64_t model_steps;        /* that the model of lam_session_open() has behind it */
} lam_session;

/** `normalization` NULL takes the data set's own. Errors: BAD_RECIPE, NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_session_create(lam_device *device, const lam_recipe *recipe,
                                           const lam_dataset *dataset, lam_gemm gemm,
                                           const lam_normalization *normalization,
                                           lam_session **ret_session);

/** A session with the network and the normalization of a model file. Errors: BAD_MODEL, and
 * those of lam_session_create(). */
LAM_MUST_USE lam_status lam_session_open(lam_device *device, const lam_recipe *recipe,
                                         const lam_dataset *dataset, lam_gemm gemm,
                                         const char *model_path, lam_session **ret_session);
void lam_session_destroy(lam_session **session);

/** The recipe to measure a model by that was kept: precise statistics are its own, others are
 * found anew. */
lam_recipe lam_session_get_kept_recipe(const lam_recipe *recipe);

/** Outputs of the last layer of a kept model for the rows of one split, as they are measured,
 * ret_logits[count, classes]. Blocking. */
LAM_MUST_USE lam_status lam_session_compute_logits(lam_session *session,
                                                   const lam_recipe *recipe, lam_split split,
                                                   double *ret_logits);

#endif
