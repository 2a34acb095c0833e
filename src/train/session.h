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
    lam_parameters *parameters; /* of one member, all zero */
    lam_step_counts counts;
    int64_t model_steps; /* that the model of lam_session_open() has behind it */
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

/** Measures the splits that hold rows and whose bit (1 << lam_split) is set: their places in
 * summary->final and has_split. Blocking. */
LAM_MUST_USE lam_status lam_session_evaluate(lam_session *session, const lam_recipe *recipe,
                                             unsigned splits, lam_run_summary *summary);

/** Outputs of the last layer for the rows of one split, ret_logits[count, classes]. Blocking.
 */
LAM_MUST_USE lam_status lam_session_compute_logits(lam_session *session, lam_split split,
                                                   double *ret_logits);

#endif
