/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a trained network says of each image: its class, and how probable it finds every class.
 */
#ifndef LAMINA_PREDICT_H
#define LAMINA_PREDICT_H

#include "lamina/train.h"

LAM_BEGIN_DECLS

/**
 * Predictions for the rows of one split, in the data set's order. Probabilities follow from the
 * outputs s of the last layer, by the loss that the network was trained with:
 *   softmax cross-entropy   exp(s_k) / sum_j exp(s_j)
 *   binary cross-entropy    1 / (1 + exp(-s_k)): of each class by itself, their sum is not 1
 *   hinge                   as softmax; nothing in training made these probabilities, so they
 *                           order the classes but are not calibrated
 */
typedef struct lam_predictions {
    lam_split split;
    uint32_t rows;
    uint8_t *labels;       /* [rows]: the true classes */
    uint8_t *classes;      /* [rows]: the first class with the greatest output */
    double *probabilities; /* [rows, LAM_CLASS_COUNT] */
    double accuracy;       /* share of rows with classes[i] == labels[i] */
    const char *class_names[LAM_CLASS_COUNT]; /* static texts */
    uint8_t *votes; /* [rows]: what most networks of an ensemble say; NULL for a single one */
    double vote_accuracy;
} lam_predictions;

typedef struct lam_predict_options {
    const char *model; /* as for lam_run_find_model() */
    lam_split split;
    lam_gemm gemm;
} lam_predict_options;

/**
 * Predicts the rows of a split of `dataset` with a model of a run folder and the normalization
 * stored in it. On the test split the accuracy is that of lam_evaluate(), to the last bit.
 * Blocking. The caller owns the result.
 * Errors: BAD_ARGUMENT (the split has no rows), BAD_MODEL, BAD_DEVICE, BAD_KERNEL, NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_predict(lam_device *device, const lam_recipe *recipe,
                                            const lam_dataset *dataset, const char *directory,
                                            const lam_predict_options *options,
                                            lam_predictions **ret_predictions);

/** Frees the predictions and sets the handle to NULL; accepts a pointer to NULL. */
LAM_API void lam_predictions_destroy(lam_predictions **predictions);

/**
 * The predictions as comma-separated values: a header, then for each row `index` (from 0, in
 * the split), `true_class` and `predicted_class` by name, `voted_class` where there are votes,
 * and the probability of each class in a column of its name. free() the text. Errors:
 * NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_predictions_format(lam_context *context,
                                                       const lam_predictions *predictions,
                                                       char **ret_text);

/** Writes that text to a file, whole or not at all. Errors: BAD_OUTPUT, NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_predictions_save(lam_context *context,
                                                     const lam_predictions *predictions,
                                                     const char *path);

LAM_END_DECLS

#endif
