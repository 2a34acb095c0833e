/* SPDX-License-Identifier: Apache-2.0 */
#include "net/graph.h"

#include "base/network_rules.h"

static lam_activation get_activation(lam_layer_type type)
{
    return type == LAM_LAYER_TYPE_RELU ? LAM_ACTIVATION_RELU : LAM_ACTIVATION_SIGMOID;
}

/* The unit that a layer belongs to. */
static int find_unit(const lam_network *network, int layer)
{
    int dense = 0;
    for (int i = 0; i <= layer; i++)
        dense += network->layers[i].type == LAM_LAYER_TYPE_DENSE;
    return dense - 1;
}

static void add_skip(lam_graph *graph, lam_graph_unit *unit, int from)
{
    unit->has_skip = graph->units[from].feeds_skip = true;
    unit->skip_from = from;
}

static void open_unit(lam_graph *graph, const lam_layer *layer, size_t inputs)
{
    int unit = graph->unit_count++;
    graph->units[unit] = (lam_graph_unit){.in = unit == 0 ? inputs : graph->units[unit - 1].out,
                                          .out = (size_t)layer->width,
                                          .activation = LAM_ACTIVATION_NONE,
                                          .initialization = layer->initialization};
}

/* Opens a unit, or folds the layer into the one under construction. */
static void add_layer(lam_graph *graph, const lam_network *network, int index, size_t inputs)
{
    const lam_layer *layer = &network->layers[index];
    if (layer->type == LAM_LAYER_TYPE_DENSE)
        open_unit(graph, layer, inputs);
    lam_graph_unit *unit = &graph->units[graph->unit_count - 1];
    switch (layer->type) {
    case LAM_LAYER_TYPE_DENSE:
        return;
    case LAM_LAYER_TYPE_RELU:
    case LAM_LAYER_TYPE_SIGMOID:
        unit->activation = get_activation(layer->type);
        return;
    case LAM_LAYER_TYPE_BATCH_NORM:
        unit->norm = network->layers[index - 1].type == LAM_LAYER_TYPE_DENSE
                         ? LAM_NORM_PLACE_BEFORE
                         : LAM_NORM_PLACE_AFTER;
        unit->epsilon = layer->epsilon;
        unit->momentum = layer->momentum;
        return;
    case LAM_LAYER_TYPE_DROPOUT:
        unit->has_dropout = true;
        unit->dropout_rate = layer->rate;
        return;
    case LAM_LAYER_TYPE_ADD:
        add_skip(graph, unit, find_unit(network, lam_network_find_layer(network, layer->from)));
        return;
    }
}

lam_status lam_graph_build(lam_context *context, const lam_network *network, size_t inputs,
                           size_t classes, lam_graph *ret_graph)
{
    lam_graph graph = {
        .loss = network->loss, .label_smoothing = network->label_smoothing, .l2 = network->l2};
    lam_network_fault fault;
    if (network->layer_count < 1 || network->layer_count > LAM_MAX_LAYERS)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "a network of %d layers; legal: 1 to %d layers", network->layer_count,
                        LAM_MAX_LAYERS);
    if (lam_network_find_fault(network, (int)classes, &fault))
        return lam_fail(context, LAM_STATUS_BAD_RECIPE, "layers[%d]: %s", fault.layer,
                        fault.text);
    for (int i = 0; i < network->layer_count; i++)
        add_layer(&graph, network, i, inputs);
    *ret_graph = graph;
    return LAM_STATUS_OK;
}

bool lam_unit_has_epilogue(const lam_graph_unit *unit)
{
    return unit->norm != LAM_NORM_PLACE_NONE || unit->has_skip || unit->has_dropout;
}

size_t lam_graph_get_tensor_rows(const lam_graph_unit *unit, lam_tensor tensor)
{
    bool has_norm = unit->norm != LAM_NORM_PLACE_NONE;
    switch (tensor) {
    case LAM_TENSOR_WEIGHT:
        return unit->in;
    case LAM_TENSOR_GAMMA:
    case LAM_TENSOR_BETA:
        return has_norm ? 1 : 0;
    case LAM_TENSOR_STATISTICS:
        return has_norm ? 2 : 0;
    case LAM_TENSOR_BIAS:
    case LAM_TENSOR_COUNT:
        break;
    }
    return 1;
}

const char *lam_tensor_name(lam_tensor tensor)
{
    static const char *const names[] = {
#define TENSOR_NAME(name, text) text,
        LAM_TENSOR_LIST(TENSOR_NAME)
#undef TENSOR_NAME
    };
    return names[tensor];
}

size_t lam_graph_get_parameter_count(const lam_graph *graph)
{
    size_t count = 0;
    for (int u = 0; u < graph->unit_count; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
            count += lam_graph_get_tensor_rows(&graph->units[u], (lam_tensor)t) *
                     graph->units[u].out;
    return count;
}
