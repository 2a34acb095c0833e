/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Losses, costs and accuracies of whole splits, as the recipe wants them measured.
 */
#ifndef LAM_TRAIN_MEASURER_H
#define LAM_TRAIN_MEASURER_H

#include "train/evaluator.h"

typedef struct lam_measurer lam_measurer;

/** For splits that hold rows and whose bit (1 << lam_split) is set. Batch normalization takes
 * what recipe->statistics names; of the recipe counts only what members have in common. Borrows
 * everything. */
LAM_MUST_USE lam_status lam_measurer_create(lam_parameters *parameters,
                                            const lam_resident_data *data,
                                            const lam_dataset *dataset,
                                            const lam_recipe *recipe, unsigned splits,
                                            lam_measurer **ret_measurer);
/** What a measurer of those splits would allocate. */
void lam_measurer_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                           const lam_dataset *dataset, const lam_recipe *recipe,
                           unsigned splits, lam_memory_need *need);
void lam_measurer_destroy(lam_measurer **measurer);

bool lam_measurer_has(const lam_measurer *measurer, lam_split split);

/** Measures the parameters' present values on each of the splits. ret_metrics[split] is of
 * [members]. Blocking. */
LAM_MUST_USE lam_status lam_measurer_run(lam_measurer *measurer,
                                         lam_metrics *const ret_metrics[LAM_SPLIT_COUNT]);

/** The outputs of the last layer for each row of one of the splits, as it is measured,
 * ret_logits[count, members*classes]. Blocking. */
LAM_MUST_USE lam_status lam_measurer_run_logits(lam_measurer *measurer, lam_split split,
                                                double *ret_logits);

/** The parameters as training rows were measured with, for a model that is to be kept.
 * Borrowed; true after each lam_measurer_run(). */
const lam_parameters *lam_measurer_get_parameters(const lam_measurer *measurer);

#endif
