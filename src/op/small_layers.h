/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Several narrow layers behind each other in one launch for each pass. Formulas and layouts:
 * cl/small_layers.cl.
 */
#ifndef LAM_OP_SMALL_LAYERS_H
#define LAM_OP_SMALL_LAYERS_H

#include "op/matmul.h"

/** Layers that one launch takes. */
#define LAM_MIN_SMALL_LAYERS 2
#define LAM_MAX_SMALL_LAYERS 8

/** Limits of a small layer: its width, and the multiplications of one member's product, beyond
 * which products of their own are faster than the launches that are saved (100 x 50 x 50 is
 * even on two AVX-512 cores with PoCL). They do not depend on the number of members. */
#define LAM_MAX_SMALL_WIDTH 64
#define LAM_MAX_SMALL_PRODUCT 200000

/** A layer of the row with where its passes read and write. layers[n+1].dense.input.x must be
 * layers[n].y, and no layer shares its input. */
typedef struct lam_small_layer {
    lam_dense dense;
    lam_buffer *y;                /* real[rows, members*out] */
    lam_buffer *dy;               /* its gradient; NULL in a forward pass alone */
    lam_weight_gradient gradient; /* backward_weights; l2, table and optimizer as
                                     of the first layer */
} lam_small_layer;

/** True where layers in a row save time on this engine, and a layer of this shape can be one.
 */
bool lam_small_layers_fit(const lam_engine *engine, size_t rows, size_t in, size_t out);

/** Every layer's y. */
LAM_MUST_USE lam_status lam_small_layers_add_forward(const lam_engine *engine, lam_plan *plan,
                                                     const lam_small_layer *layers, int count);

/** From the last layer's dy those of the others, and dx real[rows, members*in] of the first. */
LAM_MUST_USE lam_status lam_small_layers_add_backward_input(const lam_engine *engine,
                                                            lam_plan *plan,
                                                            const lam_small_layer *layers,
                                                            int count, lam_buffer *dx);

/** Every layer's gradient of weights and biases, written or applied. */
LAM_MUST_USE lam_status lam_small_layers_add_backward_weights(const lam_engine *engine,
                                                              lam_plan *plan,
                                                              const lam_small_layer *layers,
                                                              int count);

#endif
