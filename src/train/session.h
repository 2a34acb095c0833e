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
    int64_t model_steps; /* that the model of lam_session_open() has behind it */
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

/** A session with the network and the normalization of a model file. Errors: BAD_MODEL, and
 * those of lam_session_create(). */
LAM_MUST_USE lam_status lam_session_open(lam_device *device, const lam_recipe *recipe,
                                         const lam_dataset *dataset, lam_gemm gemm,
                                         const char *model_path, lam_session **ret_session);
void lam_session_destroy(lam_session **session);

/** Measures the session's or other parameters of its graph on the splits that hold rows and
 * whose bit (1 << lam_split) is set. ret_metrics[split] is of [members]. Blocking. */
LAM_MUST_USE lam_status lam_session_evaluate(const lam_session *session,
                                             lam_parameters *parameters,
                                             const lam_recipe *recipe, unsigned splits,
                                             lam_metrics *const ret_metrics[LAM_SPLIT_COUNT]);

/** The recipe to measure a model by that was kept: precise statistics are its own, others are
 * found anew. */
lam_recipe lam_session_get_kept_recipe(const lam_recipe *recipe);

/** Outputs of the last layer of a kept model for the rows of one split, as they are measured,
 * ret_logits[count, classes]. Blocking. */
LAM_MUST_USE lam_status lam_session_compute_logits(lam_session *session,
                                                   const lam_recipe *recipe, lam_split split,
                                                   double *ret_logits);

#endif
