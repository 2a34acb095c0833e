/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tool.h"

static void add_layer(lam_network *network, lam_layer layer)
{
    network->layers[network->layer_count++] = layer;
}

bool parse_net(const char *text, bool batch_norm, net_shape *ret_shape)
{
    static const lam_layer norm = {
        .type = LAM_LAYER_TYPE_BATCH_NORM, .epsilon = 1e-5, .momentum = 0.9};
    net_shape shape = {0};
    lam_network *network = &shape.network;
    char *end = NULL;
    for (const char *at = text;; at = end + 1) {
        long width = strtol(at, &end, 10);
        if (end == at || width < 1 || width > LAM_MAX_WIDTH ||
            network->layer_count + 3 > LAM_MAX_LAYERS)
            return false;
        if (shape.inputs == 0) {
            shape.inputs = (size_t)width;
        } else {
            if (network->layer_count > 0 && batch_norm)
                add_layer(network, norm);
            if (network->layer_count > 0)
                add_layer(network, (lam_layer){.type = LAM_LAYER_TYPE_RELU});
            add_layer(network, (lam_layer){.type = LAM_LAYER_TYPE_DENSE, .width = (int)width});
        }
        if (*end == '\0')
            break;
        if (*end != '-')
            return false;
    }
    if (network->layer_count == 0)
        return false;
    *ret_shape = shape;
    return true;
}

void check_net(struct argp_state *state, const char *text, bool batch_norm)
{
    net_shape shape;
    if (!parse_net(text, batch_norm, &shape))
        argp_error(state,
                   "--net %s: legal: widths of 1 to %d from inputs to outputs, e.g. "
                   "3072-50-10, that make %d layers at most with what is between them",
                   text, LAM_MAX_WIDTH, LAM_MAX_LAYERS);
}
