/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Losses and accuracies over given rows of the data set, and the penalty, for each member.
 */
#ifndef LAM_TRAIN_EVALUATOR_H
#define LAM_TRAIN_EVALUATOR_H

#include "lamina/train.h"
#include "net/step_plan.h"
#include "train/resident_data.h"

typedef struct lam_evaluator lam_evaluator;

/** Large enough that launches cost nothing, small enough that activations stay in cache. */
#define LAM_EVALUATION_ROWS 1000

/** Rows that one step of an evaluation of `count` rows takes. */
size_t lam_evaluator_get_rows(size_t count);

/** Evaluates rows order[0] .. order[count-1] of the data set, in large batches. Borrows
 * everything but `order`, which it copies. With `numbers` all rows are one batch, as in
 * a training step (lam_step_plan_create_loss()). */
LAM_MUST_USE lam_status lam_evaluator_create(lam_parameters *parameters,
                                             const lam_resident_data *data,
                                             const int32_t *order, size_t count,
                                             const lam_step_inputs *numbers,
                                             lam_evaluator **ret_evaluator);

/** The same for the consecutive rows of a split. */
LAM_MUST_USE lam_status lam_evaluator_create_for_range(lam_parameters *parameters,
                                                       const lam_resident_data *data,
                                                       lam_row_range range,
                                                       lam_evaluator **ret_evaluator);
/** What an evaluator of `count` rows would allocate. */
void lam_evaluator_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                            size_t count, lam_memory_need *need);
void lam_evaluator_destroy(lam_evaluator **evaluator);

/** Mean loss and accuracy of every member; `penalties` (from lam_penalty_meter_run()) go
 * into the cost. Blocking. ret_metrics[members]. */
LAM_MUST_USE lam_status lam_evaluator_run(lam_evaluator *evaluator, const double *penalties,
                                          lam_metrics *ret_metrics);

/** The outputs of the last layer for each row, ret_logits[count, members*classes]. Blocking,
 * a step's rows at a time. Errors: BAD_KERNEL, BAD_DEVICE, NO_MEMORY. */
LAM_MUST_USE lam_status lam_evaluator_run_logits(lam_evaluator *evaluator, double *ret_logits);

typedef struct lam_penalty_meter lam_penalty_meter;

LAM_MUST_USE lam_status lam_penalty_meter_create(const lam_parameters *parameters,
                                                 lam_penalty_meter **ret_meter);
void lam_penalty_meter_destroy(lam_penalty_meter **meter);

/** l2 * sum over units of ||W||^2 for every member, each with its own l2;
 * ret_penalties[members]. Blocking. */
LAM_MUST_USE lam_status lam_penalty_meter_run(lam_penalty_meter *meter, double *ret_penalties);

#endif
