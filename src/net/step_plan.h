/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Differentiates a graph into plans: a training step, an evaluation, or a gradient.
 */
#ifndef LAM_NET_STEP_PLAN_H
#define LAM_NET_STEP_PLAN_H

#include "net/optimizer_state.h"
#include "net/parameters.h"
#include "op/augment.h"

/** The rows that a plan works on and where it leaves their losses. Step s takes rows
 * order[s*rows] .. order[s*rows + rows-1] of the data set. */
typedef struct lam_plan_rows {
    size_t rows;              /* of one step */
    size_t limit;             /* places of the order at and past it do not count in sums */
    lam_input data;           /* images, order, scale and shift; x is NULL */
    const lam_buffer *labels; /* u8[all rows] */
    lam_buffer *loss_sum;     /* see cl/loss.cl */
    lam_buffer *hit_count;
    lam_buffer *logits; /* real[rows, members*classes] of the latest step; NULL: not kept */
    const lam_augmentation *augmentation; /* of rows of images; NULL: they stay as they are */
    lam_step_inputs numbers; /* the run's, where needed: augmentation wants first_step and
                                data_seed, dropout first_step and seeds, running averages the
                                table */
} lam_plan_rows;

/** How a training step updates the parameters. */
typedef struct lam_plan_update {
    const lam_buffer *l2;        /* real[members] */
    const lam_buffer *table;     /* see op/step_table.h */
    lam_optimizer_state *state;  /* NULL: plain descent */
    const lam_buffer *clip_norm; /* real[members]: what gradients' norms are held to; NULL:
                                    nothing */
} lam_plan_update;

/** Forward, loss, backward and update. */
LAM_MUST_USE lam_status lam_step_plan_create_training(lam_parameters *parameters,
                                                      const lam_plan_rows *rows,
                                                      const lam_plan_update *update,
                                                      lam_plan **ret_plan);

/** Forward and loss, normalized by the parameters' statistics, without dropout. */
LAM_MUST_USE lam_status lam_step_plan_create_evaluation(lam_parameters *parameters,
                                                        const lam_plan_rows *rows,
                                                        lam_plan **ret_plan);

/** Forward and loss as in a training step: with the batch's own statistics, which are not
 * kept, and with dropout, the same in every run of a step. */
LAM_MUST_USE lam_status lam_step_plan_create_loss(lam_parameters *parameters,
                                                  const lam_plan_rows *rows,
                                                  lam_plan **ret_plan);

/** Forward with the batch's own statistics, which with a table of 2 become the parameters'; no
 * dropout and no loss. */
LAM_MUST_USE lam_status lam_step_plan_create_statistics(lam_parameters *parameters,
                                                        const lam_plan_rows *rows,
                                                        lam_plan **ret_plan);

/** That of lam_step_plan_create_loss(), and backward into `gradients`, which has the
 * parameters' shapes. */
LAM_MUST_USE lam_status lam_step_plan_create_gradient(lam_parameters *parameters,
                                                      const lam_plan_rows *rows,
                                                      const lam_buffer *l2,
                                                      lam_parameters *gradients,
                                                      lam_plan **ret_plan);

/** What a plan does besides. */
typedef struct lam_plan_features {
    bool augments; /* its rows have an augmentation that changes them */
    bool clips;    /* gradients are held to a norm */
} lam_plan_features;

/** What these plans would allocate for steps of `rows` rows. */
void lam_step_plan_add_training_need(const lam_engine *engine, const lam_graph *graph,
                                     size_t members, size_t rows,
                                     const lam_plan_features *features, lam_memory_need *need);
void lam_step_plan_add_statistics_need(const lam_engine *engine, const lam_graph *graph,
                                       size_t members, size_t rows,
                                       const lam_plan_features *features,
                                       lam_memory_need *need);
void lam_step_plan_add_evaluation_need(const lam_engine *engine, const lam_graph *graph,
                                       size_t members, size_t rows, lam_memory_need *need);

#endif
