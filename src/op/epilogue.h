/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What stands between a dense layer's product and its output when that is more than bias and
 * activation, which the product does itself: batch normalization, a skip, dropout. One launch
 * for each pass. Formulas and layouts: cl/epilogue.cl.
 *
 *   z = x W + b          the product, with ACTIVATION_NONE
 *   normalization        norm.place BEFORE
 *   + skip               if there is one: the output of an earlier unit of the same width
 *   activation
 *   normalization        norm.place AFTER
 *   dropout -> y         if there is any
 *
 * Values and their gradients are real[rows, members*width], parameters real[members*width].
 * Buffers stay the caller's and are distinct unless said otherwise.
 */
#ifndef LAM_OP_EPILOGUE_H
#define LAM_OP_EPILOGUE_H

#include "op/activation.h"
#include "op/step_table.h"
#include "op/update.h"

/** Where batch normalization stands. Values as NORM in cl/epilogue.cl. */
typedef enum lam_norm_place {
    LAM_NORM_PLACE_NONE,
    LAM_NORM_PLACE_BEFORE, /* the activation */
    LAM_NORM_PLACE_AFTER,
} lam_norm_place;

/**
 * y = gamma (x - mean) / sqrt(variance + epsilon) + beta, the variance divided by the rows:
 * Ioffe and Szegedy, ICML 2015. A column without variance becomes beta, and so does a batch of
 * one row.
 *
 * Training: `batch` is set, and statistics are those of the rows at hand. `moments` then are
 * the running averages, which the column LAM_STEP_SCALAR_STATISTICS of the step table keeps,
 * moves or replaces (to recompute statistics: a table of 2 and a buffer of one's own); NULL for
 * none. Evaluation: `batch` is NULL, and `moments` are what to normalize by.
 */
typedef struct lam_epilogue_norm {
    lam_norm_place place;
    lam_buffer *gamma, *beta;
    const lam_buffer *constants; /* real[2]: epsilon > 0; momentum, the part of themselves that
                                    running averages keep in a step */
    lam_buffer *batch;   /* real[2, members*width]: mean and 1 / sqrt(variance + epsilon), from
                            the forward pass for the backward pass */
    lam_buffer *moments; /* real[2, members*width]: means, variances */
} lam_epilogue_norm;

/** y = x / (1 - rate), or 0 with probability `rate`, drawn for each element from (the member's
 * seed, LAM_RANDOM_STREAM_DROPOUT, unit, step, row, column): Srivastava et al., JMLR 2014. */
typedef struct lam_epilogue_dropout {
    const lam_buffer *rate; /* real[members], 0 .. 1, below 1; NULL: nothing is dropped */
    size_t unit;            /* which unit of the network this is, below 2^23 */
} lam_epilogue_dropout;

typedef struct lam_epilogue {
    size_t rows, width, members;
    lam_activation activation;
    lam_epilogue_norm norm;
    const lam_buffer *skip; /* NULL for none */
    lam_epilogue_dropout dropout;
    lam_step_inputs inputs; /* `table` for running averages, `first_step` and `seeds` for
                               dropout; others may be NULL */
} lam_epilogue;

/** What the backward pass reads and writes besides. */
typedef struct lam_epilogue_gradient {
    const lam_buffer *dy;
    const lam_buffer *dskip_in; /* gradient of y from the units that skip from it, added to dy;
                                   NULL for none */
    lam_buffer *dz;             /* may be dy */
    lam_buffer *dskip;          /* gradient of `skip`; NULL where there is none */
    bool accumulates_dskip;     /* added to what is there, else written */
    lam_weight_gradient norm;   /* dw and w_state are gamma's, db and b_state beta's; neither is
                                   penalized or decayed, and l2 may be NULL */
} lam_epilogue_gradient;

/** y from z, real[rows, members*width] each. Training (with norm.batch, or with a backward pass
 * to come) keeps z for the backward pass; with norm.place AFTER and norm.batch, z becomes the
 * normalization's input. Without norm.batch y may be z; then there is no normalization in a
 * backward pass to come. */
LAM_MUST_USE lam_status lam_epilogue_add_forward(const lam_engine *engine, lam_plan *plan,
                                                 const lam_epilogue *epilogue, lam_buffer *z,
                                                 lam_buffer *y);

/**
 * dz and dskip from dy, and the gradients of gamma and beta: sum over rows of dy times what
 * gamma was multiplied with, and of dy, which already holds the loss's 1 / rows. They are
 * written, or update gamma and beta at once, which dz does not notice. A normalization must
 * have had its statistics from the batch. z and y are the forward pass's; without normalization
 * z may be NULL.
 */
LAM_MUST_USE lam_status lam_epilogue_add_backward(const lam_engine *engine, lam_plan *plan,
                                                  const lam_epilogue *epilogue,
                                                  const lam_buffer *z, const lam_buffer *y,
                                                  const lam_epilogue_gradient *gradient);

#endif
