/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which layers may follow which. Both the reader of recipes, which knows where a layer was
 * written, and the builder of graphs ask here.
 */
#ifndef LAM_BASE_NETWORK_RULES_H
#define LAM_BASE_NETWORK_RULES_H

#include <stdbool.h>

#include "lamina/network.h"

/** The first fault of a network. */
typedef struct lam_network_fault {
    int layer;       /* counted from 0 */
    const char *key; /* of the layer, as recipes call it: "type", "from", .. */
    char text[224];  /* what is wrong and what to do, without naming the layer */
} lam_network_fault;

/**
 * Looks for a fault in 1 .. LAM_MAX_LAYERS layers. After a dense layer may follow, each at most
 * once and in this order: batch_norm, add, an activation, batch_norm (if not before), dropout.
 * The last layer is dense with `classes` outputs. An add names the last layer before an earlier
 * dense layer, of its own width; names are unique; numbers are in their ranges, and no NaN.
 * Gives false, and no fault, when there is none.
 */
bool lam_network_find_fault(const lam_network *network, int classes,
                            lam_network_fault *ret_fault);

/** The layer called `name`, or -1. */
int lam_network_find_layer(const lam_network *network, const char *name);

/** "dense", "relu", .. */
const char *lam_layer_type_name(lam_layer_type type);

#endif
