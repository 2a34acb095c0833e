/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A step's rows of the data set as normalized reals. Formula and layouts: cl/gather.cl.
 */
#ifndef LAM_OP_GATHER_H
#define LAM_OP_GATHER_H

#include "op/plan.h"

/** Where a layer's input rows are: a matrix of reals, or (x == NULL) rows of the data set. */
typedef struct lam_input {
    const lam_buffer *x; /* real[rows, in] if shared by all members, else [rows, members*in] */
    const lam_buffer *images; /* u8[all rows, in] */
    const lam_buffer *order;  /* i32[steps * rows] into images */
    const lam_buffer *scale;  /* real[in]: element k of a row is pixel * scale[k] + shift[k] */
    const lam_buffer *shift;  /* real[in] */
    const lam_buffer *panels; /* the same rows, of lam_gather_add_panels(), or NULL */
} lam_input;

/** Binds the arguments that INPUT_PARAMETERS of cl/common.clh stands for. */
void lam_input_bind(lam_launch_builder *launch, const lam_input *input);

/** x real[rows, in] = the step's rows of `input`, whose own x is NULL. */
LAM_MUST_USE lam_status lam_gather_add(const lam_engine *engine, lam_plan *plan,
                                       const lam_input *input, size_t rows, size_t in,
                                       lam_buffer *x);

/** PANEL of cl/common.clh. */
#define LAM_PANEL_COLUMNS 16

/** Reals of `rows` rows in panels of columns side by side. */
size_t lam_gather_count_panel_reals(size_t rows, size_t in);

/** The same rows in panels: x real[lam_gather_count_panel_reals()], zeros before. */
LAM_MUST_USE lam_status lam_gather_add_panels(const lam_engine *engine, lam_plan *plan,
                                              const lam_input *input, size_t rows, size_t in,
                                              lam_buffer *x);

#endif
