/* SPDX-License-Identifier: Apache-2.0 */
#include "net/graph.h"

static lam_status add_dense(lam_context *context, lam_graph *graph, const lam_layer *layer,
                            int number, size_t in)
{
    if (layer->width < 1 || layer->width > LAM_MAX_WIDTH)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "layer %d (dense) has width %d; legal: 1 to %d", number, layer->width,
                        LAM_MAX_WIDTH);
    graph->units[graph->unit_count++] =
        (lam_graph_unit){.in = in,
                         .out = (size_t)layer->width,
                         .activation = LAM_ACTIVATION_NONE,
                         .initialization = layer->initialization};
    return LAM_STATUS_OK;
}

static lam_status fold_activation(lam_context *context, lam_graph *graph, lam_layer_type type,
                                  int number)
{
    lam_graph_unit *unit = graph->unit_count > 0 ? &graph->units[graph->unit_count - 1] : NULL;
    if (!unit || unit->activation != LAM_ACTIVATION_NONE)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "layer %d is an activation that follows no dense layer; put a dense "
                        "layer before it",
                        number);
    unit->activation =
        type == LAM_LAYER_TYPE_RELU ? LAM_ACTIVATION_RELU : LAM_ACTIVATION_SIGMOID;
    return LAM_STATUS_OK;
}

lam_status lam_graph_build(lam_context *context, const lam_network *network, size_t inputs,
                           size_t classes, lam_graph *ret_graph)
{
    lam_graph graph = {0};
    size_t width = inputs;
    if (network->layer_count < 1 || network->layer_count > LAM_MAX_LAYERS)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "a network of %d layers; legal: 1 to %d layers", network->layer_count,
                        LAM_MAX_LAYERS);
    for (int i = 0; i < network->layer_count; i++) {
        const lam_layer *layer = &network->layers[i];
        if (layer->type == LAM_LAYER_TYPE_DENSE)
            LAM_TRY(add_dense(context, &graph, layer, i + 1, width));
        else if (layer->type > LAM_LAYER_TYPE_SIGMOID)
            return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                            "layer %d is of a type that is not supported yet", i + 1);
        else
            LAM_TRY(fold_activation(context, &graph, layer->type, i + 1));
        width = graph.units[graph.unit_count - 1].out;
    }
    const lam_graph_unit *last = &graph.units[graph.unit_count - 1];
    if (last->activation != LAM_ACTIVATION_NONE || last->out != classes)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "the last layer must be dense with width %zu, the number of classes",
                        classes);
    *ret_graph = graph;
    return LAM_STATUS_OK;
}

size_t lam_graph_get_parameter_count(const lam_graph *graph)
{
    size_t count = 0;
    for (int u = 0; u < graph->unit_count; u++)
        count += (graph->units[u].in + 1) * graph->units[u].out;
    return count;
}
