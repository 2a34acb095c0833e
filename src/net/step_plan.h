/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Differentiates a graph into plans: a training step, an evaluation, or a gradient.
 */
#ifndef LAM_NET_STEP_PLAN_H
#define LAM_NET_STEP_PLAN_H

#include "net/parameters.h"
#include "op/augment.h"

/** The rows that a plan works on and where it leaves their losses. Step s takes rows
 * order[s*rows] .. order[s*rows + rows-1] of the data set. */
typedef struct lam_plan_rows {
    size_t rows;              /* of one step */
    size_t limit;             /* places of the order at and past it do not count in sums */
    lam_input data;           /* images, order, scale and shift; x is NULL */
    const lam_buffer *labels; /* u8[all rows] */
    lam_buffer *loss_sum;     /* see cl/softmax_cross_entropy.cl */
    lam_buffer *hit_count;
    const lam_augmentation *augmentation; /* of rows of images; NULL: they stay as they are */
    lam_step_inputs numbers; /* of which augmentation needs first_step, data_seed */
} lam_plan_rows;

/** Forward, loss, backward and update. `rates` real[steps, members], `l2` real[members]. */
LAM_MUST_USE lam_status lam_step_plan_create_training(lam_parameters *parameters,
                                                      const lam_plan_rows *rows,
                                                      const lam_buffer *l2,
                                                      const lam_buffer *rates,
                                                      lam_plan **ret_plan);

/** Forward and loss. */
LAM_MUST_USE lam_status lam_step_plan_create_evaluation(lam_parameters *parameters,
                                                        const lam_plan_rows *rows,
                                                        lam_plan **ret_plan);

/** Forward, loss and backward into `gradients`, which has the parameters' shapes. */
LAM_MUST_USE lam_status lam_step_plan_create_gradient(lam_parameters *parameters,
                                                      const lam_plan_rows *rows,
                                                      const lam_buffer *l2,
                                                      lam_parameters *gradients,
                                                      lam_plan **ret_plan);

/** What these plans would allocate for steps of `rows` rows; `augments` where the plan's rows
 * have an augmentation that changes them. */
void lam_step_plan_add_training_need(const lam_engine *engine, const lam_graph *graph,
                                     size_t members, size_t rows, bool augments,
                                     lam_memory_need *need);
void lam_step_plan_add_evaluation_need(const lam_engine *engine, const lam_graph *graph,
                                       size_t members, size_t rows, lam_memory_need *need);

#endif
