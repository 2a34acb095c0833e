/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "tool.h"

bool parse_net(const char *text, net_shape *ret_shape)
{
    net_shape shape = {0};
    char *end = NULL;
    for (const char *at = text;; at = end + 1) {
        long width = strtol(at, &end, 10);
        if (end == at || width < 1 || width > LAM_MAX_WIDTH ||
            shape.network.layer_count + 2 > LAM_MAX_LAYERS)
            return false;
        if (shape.inputs == 0) {
            shape.inputs = (size_t)width;
        } else {
            if (shape.network.layer_count > 0)
                shape.network.layers[shape.network.layer_count++].type = LAM_LAYER_TYPE_RELU;
            shape.network.layers[shape.network.layer_count++] =
                (lam_layer){.type = LAM_LAYER_TYPE_DENSE, .width = (int)width};
        }
        if (*end == '\0')
            break;
        if (*end != '-')
            return false;
    }
    if (shape.network.layer_count == 0)
        return false;
    *ret_shape = shape;
    return true;
}

const char *check_net(struct argp_state *state, const char *text)
{
    net_shape shape;
    if (!parse_net(text, &shape))
        argp_error(state,
                   "--net %s: legal: widths of 1 to %d from inputs to outputs, e.g. "
                   "3072-50-10",
                   text, LAM_MAX_WIDTH);
    return text;
}
