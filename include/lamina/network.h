/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a network is: a chain of layers, how their weights start, and the cost they minimize.
 * Plain values, described here once for recipes, training and gradient checks.
 */
#ifndef LAMINA_NETWORK_H
#define LAMINA_NETWORK_H

#include "lamina/export.h"

LAM_BEGIN_DECLS

#define LAM_MAX_LAYERS 64
#define LAM_MAX_WIDTH 65536
#define LAM_LAYER_NAME_BYTES 32

/** X(name, name in recipes) */
#define LAM_LAYER_TYPE_LIST(X)                                                                 \
    X(DENSE, "dense")           /* y = x W + b, W f[in, out], b f[out] */                      \
    X(RELU, "relu")             /* y = max(x, 0) */                                            \
    X(SIGMOID, "sigmoid")       /* y = 1 / (1 + exp(-x)) */                                    \
    X(BATCH_NORM, "batch_norm") /* y = gamma (x - mean) / sqrt(variance + epsilon) + beta:     \
                                   Ioffe and Szegedy, ICML 2015 */                             \
    X(DROPOUT, "dropout") /* y = x / (1 - rate), or 0 with probability `rate`: Srivastava et   \
                             al., JMLR 2014; y = x outside training */                         \
    X(ADD, "add")         /* y = x + the output of an earlier layer: He et al., CVPR 2016 */

typedef enum lam_layer_type {
#define LAM_LAYER_TYPE_ENUM(name, text) LAM_LAYER_TYPE_##name,
    LAM_LAYER_TYPE_LIST(LAM_LAYER_TYPE_ENUM)
#undef LAM_LAYER_TYPE_ENUM
} lam_layer_type;

/** How weights start: W ~ N(0, sigma^2); biases start at 0. X(name, name in recipes) */
#define LAM_INITIALIZATION_LIST(X)                                                             \
    X(HE, "he")             /* sigma = sqrt(2 / in): He et al., ICCV 2015 */                   \
    X(FAN_IN, "fan_in")     /* sigma = 1 / sqrt(in): LeCun et al., 1998 */                     \
    X(GLOROT, "glorot")     /* sigma = sqrt(2 / (in + out)): Glorot and Bengio, 2010 */        \
    X(CONSTANT, "constant") /* sigma as given */

typedef enum lam_initialization_type {
#define LAM_INITIALIZATION_ENUM(name, text) LAM_INITIALIZATION_##name,
    LAM_INITIALIZATION_LIST(LAM_INITIALIZATION_ENUM)
#undef LAM_INITIALIZATION_ENUM
} lam_initialization_type;

typedef struct lam_initialization {
    lam_initialization_type type;
    double sigma; /* for CONSTANT, > 0 */
} lam_initialization;

typedef struct lam_layer {
    lam_layer_type type;
    char name[LAM_LAYER_NAME_BYTES];   /* that an ADD may name; "" for none */
    int width;                         /* outputs; 0 for layers that keep their input's width */
    lam_initialization initialization; /* of a dense layer */
    double epsilon;                    /* of BATCH_NORM, above 0 */
    double momentum;                   /* of BATCH_NORM, 0 .. 1: what running averages keep of
                                          themselves in a step */
    double rate;                       /* of DROPOUT, 0 .. 1, below 1 */
    char from[LAM_LAYER_NAME_BYTES];   /* of ADD: the name of an earlier layer of this width */
} lam_layer;

/** Mean over the rows of a per-row loss of the outputs s. X(name, name in recipes) */
#define LAM_LOSS_LIST(X)                                                                       \
    X(SOFTMAX_CROSS_ENTROPY, "softmax_cross_entropy") /* -sum_k t_k log softmax(s)_k */        \
    X(BINARY_CROSS_ENTROPY, "binary_cross_entropy")   /* p = sigmoid(s): -(1/K) sum_k          \
                                       (1 - t_k) log(1 - p_k) + t_k log p_k */                 \
    X(HINGE, "hinge") /* sum over j != y of max(0, s_j - s_y + 1): Crammer and Singer, 2001 */

typedef enum lam_loss {
#define LAM_LOSS_ENUM(name, text) LAM_LOSS_##name,
    LAM_LOSS_LIST(LAM_LOSS_ENUM)
#undef LAM_LOSS_ENUM
} lam_loss;

/**
 * The whole of it. cost = loss + l2 * sum over dense layers of ||W||^2 (no factor 1/2; biases
 * are not penalized), so the gradient carries + 2 l2 W.
 */
typedef struct lam_network {
    int layer_count;
    lam_layer layers[LAM_MAX_LAYERS];
    lam_loss loss;
    double label_smoothing; /* e of softmax cross-entropy, 0 .. 1, below 1: t_y = 1 - e, the
                               other t_k = e / (K - 1) */
    double l2;              /* >= 0 */
} lam_network;

LAM_END_DECLS

#endif
