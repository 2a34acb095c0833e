/* SPDX-License-Identifier: Apache-2.0 */
#include "net/graph.h"

#include <string.h>

static const char *const layer_names[] = {
#define LAYER_NAME(name, text) text,
    LAM_LAYER_TYPE_LIST(LAYER_NAME)
#undef LAYER_NAME
};

/* What a unit is made of, in the order in which it happens. */
typedef enum unit_stage {
    STAGE_DENSE,
    STAGE_NORM_BEFORE,
    STAGE_ADD,
    STAGE_ACTIVATION,
    STAGE_NORM_AFTER,
    STAGE_DROPOUT,
} unit_stage;

typedef struct graph_builder {
    lam_context *context;
    const lam_network *network;
    lam_graph graph;
    unit_stage stage;                /* of the unit under construction */
    int last_layers[LAM_MAX_LAYERS]; /* of each unit: the layer whose output is the unit's */
} graph_builder;

static lam_graph_unit *get_unit(graph_builder *builder)
{
    return &builder->graph.units[builder->graph.unit_count - 1];
}

/* "layer 3 (relu)", as messages begin. */
#define LAYER_FORMAT "layer %d (%s)"
#define LAYER_VALUES(builder, index)                                                           \
    (index) + 1, layer_names[(builder)->network->layers[index].type]

static lam_status add_dense(graph_builder *builder, int index, size_t in)
{
    const lam_layer *layer = &builder->network->layers[index];
    if (layer->width < 1 || layer->width > LAM_MAX_WIDTH)
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " has width %d; legal: 1 to %d",
                        LAYER_VALUES(builder, index), layer->width, LAM_MAX_WIDTH);
    builder->graph.units[builder->graph.unit_count++] =
        (lam_graph_unit){.in = in,
                         .out = (size_t)layer->width,
                         .activation = LAM_ACTIVATION_NONE,
                         .initialization = layer->initialization};
    return LAM_STATUS_OK;
}

static lam_status add_norm(graph_builder *builder, int index)
{
    const lam_layer *layer = &builder->network->layers[index];
    lam_graph_unit *unit = get_unit(builder);
    /* Written so that a NaN is refused. */
    if (!(layer->epsilon > 0 && layer->momentum >= 0 && layer->momentum < 1))
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " has epsilon %g and momentum %g; legal: an epsilon above "
                                     "0, a momentum from 0 to below 1",
                        LAYER_VALUES(builder, index), layer->epsilon, layer->momentum);
    unit->norm = builder->stage == STAGE_NORM_BEFORE ? LAM_NORM_BEFORE_ACTIVATION
                                                     : LAM_NORM_AFTER_ACTIVATION;
    unit->epsilon = layer->epsilon;
    unit->momentum = layer->momentum;
    return LAM_STATUS_OK;
}

static lam_status add_dropout(graph_builder *builder, int index)
{
    const lam_layer *layer = &builder->network->layers[index];
    if (!(layer->rate >= 0 && layer->rate < 1))
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " has rate %g; legal: from 0 to below 1",
                        LAYER_VALUES(builder, index), layer->rate);
    get_unit(builder)->has_dropout = true;
    get_unit(builder)->dropout_rate = layer->rate;
    return LAM_STATUS_OK;
}

/* The layer before `end` that is called `name`; -1 for none. */
static int find_layer(const lam_network *network, const char *name, int end)
{
    for (int i = 0; i < end; i++)
        if (*name && strcmp(network->layers[i].name, name) == 0)
            return i;
    return -1;
}

static lam_status add_skip(graph_builder *builder, int index)
{
    const char *from = builder->network->layers[index].from;
    lam_graph_unit *unit = get_unit(builder);
    int source = find_layer(builder->network, from, index), u = 0;
    if (source < 0)
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " adds '%s', but no layer before it has that name",
                        LAYER_VALUES(builder, index), from);
    while (u + 1 < builder->graph.unit_count && builder->last_layers[u] < source)
        u++;
    if (u + 1 == builder->graph.unit_count)
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " adds '%s', which belongs to the same dense layer; name "
                                     "the last layer before an earlier dense layer",
                        LAYER_VALUES(builder, index), from);
    if (builder->last_layers[u] != source)
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " adds '%s', whose output is not kept: give the name to "
                                     "layer %d, the last before the next dense layer",
                        LAYER_VALUES(builder, index), from, builder->last_layers[u] + 1);
    lam_graph_unit *feeder = &builder->graph.units[u];
    if (feeder->out != unit->out)
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " adds '%s' of width %zu to width %zu; they must be equal",
                        LAYER_VALUES(builder, index), from, feeder->out, unit->out);
    unit->has_skip = feeder->feeds_skip = true;
    unit->skip_from = u;
    return LAM_STATUS_OK;
}

static unit_stage get_stage(const graph_builder *builder, lam_layer_type type)
{
    switch (type) {
    case LAM_LAYER_TYPE_DENSE:
        break;
    case LAM_LAYER_TYPE_RELU:
    case LAM_LAYER_TYPE_SIGMOID:
        return STAGE_ACTIVATION;
    case LAM_LAYER_TYPE_BATCH_NORM:
        return builder->stage < STAGE_NORM_BEFORE ? STAGE_NORM_BEFORE : STAGE_NORM_AFTER;
    case LAM_LAYER_TYPE_DROPOUT:
        return STAGE_DROPOUT;
    case LAM_LAYER_TYPE_ADD:
        return STAGE_ADD;
    }
    return STAGE_DENSE;
}

static lam_status fail_order(const graph_builder *builder, int index)
{
    if (index == 0)
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " follows no dense layer; put a dense layer before it",
                        LAYER_VALUES(builder, index));
    return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                    LAYER_FORMAT " cannot follow " LAYER_FORMAT
                                 ": after a dense layer come at most batch_norm, add, an "
                                 "activation, batch_norm and dropout, in this order, with one "
                                 "batch_norm in all",
                    LAYER_VALUES(builder, index), LAYER_VALUES(builder, index - 1));
}

/* Folds a layer that is not dense into the unit under construction. */
static lam_status fold_layer(graph_builder *builder, int index)
{
    lam_layer_type type = builder->network->layers[index].type;
    unit_stage stage = get_stage(builder, type);
    if (index == 0 || stage <= builder->stage ||
        (stage == STAGE_NORM_AFTER && get_unit(builder)->norm != LAM_NORM_NONE))
        return fail_order(builder, index);
    builder->stage = stage;
    switch (stage) {
    case STAGE_NORM_BEFORE:
    case STAGE_NORM_AFTER:
        return add_norm(builder, index);
    case STAGE_ADD:
        return add_skip(builder, index);
    case STAGE_DROPOUT:
        return add_dropout(builder, index);
    case STAGE_DENSE:
    case STAGE_ACTIVATION:
        break;
    }
    get_unit(builder)->activation =
        type == LAM_LAYER_TYPE_RELU ? LAM_ACTIVATION_RELU : LAM_ACTIVATION_SIGMOID;
    return LAM_STATUS_OK;
}

static lam_status add_layer(graph_builder *builder, int index, size_t inputs)
{
    const lam_layer *layer = &builder->network->layers[index];
    if (find_layer(builder->network, layer->name, index) >= 0)
        return lam_fail(builder->context, LAM_STATUS_BAD_RECIPE,
                        LAYER_FORMAT " has the name '%s' of an earlier layer; choose another",
                        LAYER_VALUES(builder, index), layer->name);
    if (layer->type == LAM_LAYER_TYPE_DENSE) {
        builder->stage = STAGE_DENSE;
        LAM_TRY(add_dense(builder, index, index == 0 ? inputs : get_unit(builder)->out));
    } else {
        LAM_TRY(fold_layer(builder, index));
    }
    builder->last_layers[builder->graph.unit_count - 1] = index;
    return LAM_STATUS_OK;
}

lam_status lam_graph_build(lam_context *context, const lam_network *network, size_t inputs,
                           size_t classes, lam_graph *ret_graph)
{
    graph_builder builder = {.context = context, .network = network};
    builder.graph.loss = network->loss;
    builder.graph.label_smoothing = network->label_smoothing;
    if (network->layer_count < 1 || network->layer_count > LAM_MAX_LAYERS)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "a network of %d layers; legal: 1 to %d layers", network->layer_count,
                        LAM_MAX_LAYERS);
    for (int i = 0; i < network->layer_count; i++)
        LAM_TRY(add_layer(&builder, i, inputs));
    if (builder.stage != STAGE_DENSE || get_unit(&builder)->out != classes)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "the last layer must be dense with width %zu, the number of classes",
                        classes);
    *ret_graph = builder.graph;
    return LAM_STATUS_OK;
}

size_t lam_graph_get_tensor_rows(const lam_graph_unit *unit, lam_tensor tensor)
{
    bool has_norm = unit->norm != LAM_NORM_NONE;
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
