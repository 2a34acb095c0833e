/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The verified graph: a network description turned into fused units with known shapes.
 */
#ifndef LAM_NET_GRAPH_H
#define LAM_NET_GRAPH_H

#include <stddef.h>

#include "base/error.h"
#include "lamina/network.h"
#include "op/matmul.h"

/** A dense layer with the activation that follows it: one launch forward. */
typedef struct lam_graph_unit {
    size_t in, out;
    lam_activation activation;
    lam_initialization initialization;
} lam_graph_unit;

typedef struct lam_graph {
    int unit_count;
    lam_graph_unit units[LAM_MAX_LAYERS];
} lam_graph;

/**
 * Infers shapes from `inputs` on and folds activations into the dense layers before them.
 * Errors: BAD_RECIPE, naming the layer: an activation that follows no dense layer, a last
 * layer that is not dense with `classes` outputs, a width or count out of range.
 */
LAM_MUST_USE lam_status lam_graph_build(lam_context *context, const lam_network *network,
                                        size_t inputs, size_t classes, lam_graph *ret_graph);

/** Weights and biases of one network. */
size_t lam_graph_get_parameter_count(const lam_graph *graph);

#endif
