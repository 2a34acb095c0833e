/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A recipe's network and data set together on one device: what training and evaluation share.
 */
#ifndef LAM_TRAIN_SESSION_H
#define LAM_TRAIN_SESSION_H

#include "lamina/train.h"
#include "net/parameters.h"
#include "train/model_file.h"
#include "train/resident_data.h"
#include "train/trainer.h"

typedef struct lam_session {
    lam_engine *engine;
    const lam_dataset *dataset; /* borrowed */
    lam_normalization normalization;
    lam_resident_data *data;
    lam_parameters *parameters; /* all zero */
    lam_step_counts counts;
} lam_session;

/** `normalization` NULL takes the data set's own. One member. Errors: BAD_RECIPE, NO_MEMORY,
 * BAD_DEVICE. */
LAM_MUST_USE lam_status lam_session_create(lam_device *device, const lam_recipe *recipe,
                                           const lam_dataset *dataset, lam_gemm gemm,
                                           const lam_normalization *normalization,
                                           lam_session **ret_session);
/** The same of several members, with the data set's normalization. */
LAM_MUST_USE lam_status lam_session_create_population(lam_device *device,
                                                      const lam_recipe *recipe,
                                                      const lam_dataset *dataset, lam_gemm gemm,
                                                      size_t members,
                                                      lam_session **ret_session);
void lam_session_destroy(lam_session **session);

/** Loss, cost and accuracy of the session's or other parameters of its graph over one split.
 * Blocking. ret_metrics[members]. */
LAM_MUST_USE lam_status lam_session_evaluate(const lam_session *session,
                                             lam_parameters *parameters, lam_split split,
                                             double l2, lam_metrics *ret_metrics);

#endif
