/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The verified graph: a network description turned into fused units with known shapes.
 */
#ifndef LAM_NET_GRAPH_H
#define LAM_NET_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "lamina/network.h"
#include "op/epilogue.h"
#include "op/matmul.h"

/** A dense layer with what follows it up to the next one. */
typedef struct lam_graph_unit {
    size_t in, out;
    lam_activation activation;
    lam_initialization initialization;
    lam_norm_place norm;
    double epsilon, momentum; /* of its batch normalization */
    bool has_skip; /* the output of unit `skip_from` is added before the activation */
    int skip_from;
    bool feeds_skip; /* its output is added in a later unit */
    bool has_dropout;
    double dropout_rate;
} lam_graph_unit;

/** The tensors of a unit, each real[rows, members*out]. X(name, name in files) */
#define LAM_TENSOR_LIST(X)                                                                     \
    X(WEIGHT, "weight") /* in rows */                                                          \
    X(BIAS, "bias")                                                                            \
    X(GAMMA, "batch_norm.gamma")                                                               \
    X(BETA, "batch_norm.beta")                                                                 \
    X(STATISTICS, "batch_norm.statistics") /* no parameter: row 0 running means,               \
                                   row 1 running variances */

typedef enum lam_tensor {
#define LAM_TENSOR_ENUM(name, text) LAM_TENSOR_##name,
    LAM_TENSOR_LIST(LAM_TENSOR_ENUM)
#undef LAM_TENSOR_ENUM
        LAM_TENSOR_COUNT,
} lam_tensor;

/** The tensors that are trained come first. */
#define LAM_TRAINED_TENSOR_COUNT LAM_TENSOR_STATISTICS

typedef struct lam_graph {
    lam_loss loss;
    double label_smoothing, l2;
    int unit_count;
    lam_graph_unit units[LAM_MAX_LAYERS];
} lam_graph;

/**
 * Infers shapes from `inputs` on and folds layers into the dense layers before them.
 * Errors: BAD_RECIPE, naming the layer: what base/network_rules.h does not allow.
 */
LAM_MUST_USE lam_status lam_graph_build(lam_context *context, const lam_network *network,
                                        size_t inputs, size_t classes, lam_graph *ret_graph);

/** False for a unit whose product does all of it: it normalizes nothing, drops nothing, and no
 * other unit's output is added to its own. */
bool lam_unit_has_epilogue(const lam_graph_unit *unit);

/** Rows of a unit's tensor; 0 where it has none. */
size_t lam_graph_get_tensor_rows(const lam_graph_unit *unit, lam_tensor tensor);

/** "weight", .. */
const char *lam_tensor_name(lam_tensor tensor);

/** Trained numbers of one network. */
size_t lam_graph_get_parameter_count(const lam_graph *graph);

#endif
