/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Predictions from an opened session.
 */
#ifndef LAM_TRAIN_PREDICT_H
#define LAM_TRAIN_PREDICT_H

#include "lamina/predict.h"
#include "train/session.h"

/** A copy without votes. Errors: NO_MEMORY. */
LAM_MUST_USE lam_status lam_predictions_copy(lam_context *context,
                                             const lam_predictions *predictions,
                                             lam_predictions **ret_copy);

/** Predicts a split that has rows. Errors: those of lam_session_compute_logits(). */
LAM_MUST_USE lam_status lam_session_predict(lam_session *session, const lam_recipe *recipe,
                                            lam_split split, lam_predictions **ret_predictions);

/** The share of rows in which `classes` are the labels. */
double lam_predictions_get_accuracy(const lam_predictions *predictions, const uint8_t *classes);

/** The first greatest of LAM_CLASS_COUNT values. */
uint8_t lam_find_greatest_class(const double *values);

#endif
