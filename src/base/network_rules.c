/* SPDX-License-Identifier: Apache-2.0 */
#include "base/network_rules.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const char *const type_names[] = {
#define TYPE_NAME(name, text) text,
    LAM_LAYER_TYPE_LIST(TYPE_NAME)
#undef TYPE_NAME
};

enum { TYPE_COUNT = sizeof type_names / sizeof type_names[0] };

/* What may follow a dense layer, in the order in which it happens. */
typedef enum layer_stage {
    STAGE_DENSE,
    STAGE_NORM_BEFORE,
    STAGE_ADD,
    STAGE_ACTIVATION,
    STAGE_NORM_AFTER,
    STAGE_DROPOUT,
} layer_stage;

typedef struct rule_walk {
    const lam_network *network;
    lam_network_fault *fault;
    int index; /* of the layer in question */
    int dense; /* index of the dense layer before it; -1 before the first */
    layer_stage stage;
    bool has_norm; /* behind that dense layer */
} rule_walk;

/* True, for callers to pass on: there is a fault. */
LAM_PRINTF(3, 4)
static bool find(const rule_walk *walk, const char *key, const char *format, ...)
{
    va_list list;
    walk->fault->layer = walk->index;
    walk->fault->key = key;
    va_start(list, format);
    vsnprintf(walk->fault->text, sizeof walk->fault->text, format, list);
    va_end(list);
    return true;
}

const char *lam_layer_type_name(lam_layer_type type)
{
    return type_names[type];
}

int lam_network_find_layer(const lam_network *network, const char *name)
{
    for (int i = 0; *name && i < network->layer_count; i++)
        if (strcmp(network->layers[i].name, name) == 0)
            return i;
    return -1;
}

static bool check_width(const rule_walk *walk, const lam_layer *layer)
{
    if (layer->width < 1 || layer->width > LAM_MAX_WIDTH)
        return find(walk, "width", "has width %d; legal: 1 to %d", layer->width, LAM_MAX_WIDTH);
    return false;
}

/* The comparisons are written so that a NaN is refused. */
static bool check_norm(const rule_walk *walk, const lam_layer *layer)
{
    if (!(layer->epsilon > 0))
        return find(walk, "epsilon", "has epsilon %g; legal: above 0", layer->epsilon);
    if (!(layer->momentum >= 0 && layer->momentum < 1))
        return find(walk, "momentum", "has momentum %g; legal: from 0 to below 1",
                    layer->momentum);
    return false;
}

static bool check_dropout(const rule_walk *walk, const lam_layer *layer)
{
    if (!(layer->rate >= 0 && layer->rate < 1))
        return find(walk, "rate", "has rate %g; legal: from 0 to below 1", layer->rate);
    return false;
}

/* The dense layer that `index` is or follows. */
static int find_dense(const lam_network *network, int index)
{
    while (network->layers[index].type != LAM_LAYER_TYPE_DENSE)
        index--;
    return index;
}

static bool check_add(const rule_walk *walk, const lam_layer *layer)
{
    const lam_layer *layers = walk->network->layers;
    int source = lam_network_find_layer(walk->network, layer->from);
    if (source < 0)
        return find(walk, "from", "adds '%s', but no layer has that name", layer->from);
    if (source >= walk->index)
        return find(walk, "from",
                    "adds '%s', which does not come before it; name a layer that does",
                    layer->from);
    if (source >= walk->dense)
        return find(walk, "from",
                    "adds '%s', which belongs to the same dense layer; name the last layer "
                    "before an earlier dense layer",
                    layer->from);
    int last = source;
    while (layers[last + 1].type != LAM_LAYER_TYPE_DENSE)
        last++;
    if (last != source)
        return find(
            walk, "from",
            "adds '%s', whose output is not kept; give the name to layers[%d], the last "
            "before the next dense layer",
            layer->from, last);
    int width = layers[walk->dense].width,
        other = layers[find_dense(walk->network, source)].width;
    if (width != other)
        return find(walk, "from", "adds '%s' of width %d to width %d; they must be equal",
                    layer->from, other, width);
    return false;
}

static layer_stage get_stage(const rule_walk *walk, lam_layer_type type)
{
    switch (type) {
    case LAM_LAYER_TYPE_DENSE:
        break;
    case LAM_LAYER_TYPE_RELU:
    case LAM_LAYER_TYPE_SIGMOID:
        return STAGE_ACTIVATION;
    case LAM_LAYER_TYPE_BATCH_NORM:
        return walk->stage < STAGE_NORM_BEFORE ? STAGE_NORM_BEFORE : STAGE_NORM_AFTER;
    case LAM_LAYER_TYPE_DROPOUT:
        return STAGE_DROPOUT;
    case LAM_LAYER_TYPE_ADD:
        return STAGE_ADD;
    }
    return STAGE_DENSE;
}

/* Moves the walk on to its layer's place behind the dense layer. */
static bool check_order(rule_walk *walk, lam_layer_type type)
{
    layer_stage stage = get_stage(walk, type);
    bool is_norm = type == LAM_LAYER_TYPE_BATCH_NORM;
    if (type == LAM_LAYER_TYPE_DENSE) {
        walk->dense = walk->index;
        walk->has_norm = false;
    } else if (walk->dense < 0) {
        return find(walk, "type", "the first layer must be dense");
    } else if (stage <= walk->stage || (is_norm && walk->has_norm)) {
        return find(walk, "type",
                    "%s cannot follow %s: after a dense layer come at most batch_norm, add, an "
                    "activation, batch_norm and dropout, in this order, with one batch_norm in "
                    "all",
                    type_names[type], type_names[walk->network->layers[walk->index - 1].type]);
    }
    walk->has_norm |= is_norm;
    walk->stage = stage;
    return false;
}

static bool check_layer(rule_walk *walk)
{
    const lam_layer *layer = &walk->network->layers[walk->index];
    if ((unsigned)layer->type >= TYPE_COUNT)
        return find(walk, "type", "holds no type of layer");
    int namesake = lam_network_find_layer(walk->network, layer->name);
    if (namesake >= 0 && namesake < walk->index)
        return find(walk, "name", "has the name '%s' of an earlier layer; choose another",
                    layer->name);
    if (check_order(walk, layer->type))
        return true;
    switch (layer->type) {
    case LAM_LAYER_TYPE_DENSE:
        return check_width(walk, layer);
    case LAM_LAYER_TYPE_BATCH_NORM:
        return check_norm(walk, layer);
    case LAM_LAYER_TYPE_DROPOUT:
        return check_dropout(walk, layer);
    case LAM_LAYER_TYPE_ADD:
        return check_add(walk, layer);
    case LAM_LAYER_TYPE_RELU:
    case LAM_LAYER_TYPE_SIGMOID:
        break;
    }
    return false;
}

/* A caller's texts may lack their end. */
static bool check_texts(rule_walk *walk)
{
    for (walk->index = 0; walk->index < walk->network->layer_count; walk->index++) {
        const lam_layer *layer = &walk->network->layers[walk->index];
        if (!memchr(layer->name, '\0', sizeof layer->name))
            return find(walk, "name", "has a name of more than %d bytes",
                        LAM_LAYER_NAME_BYTES - 1);
        if (!memchr(layer->from, '\0', sizeof layer->from))
            return find(walk, "from", "adds a name of more than %d bytes",
                        LAM_LAYER_NAME_BYTES - 1);
    }
    return false;
}

bool lam_network_find_fault(const lam_network *network, int classes,
                            lam_network_fault *ret_fault)
{
    rule_walk walk = {.network = network, .fault = ret_fault, .dense = -1};
    int last = network->layer_count - 1;
    assert(last >= 0 && last < LAM_MAX_LAYERS);
    if (check_texts(&walk))
        return true;
    for (walk.index = 0; walk.index <= last; walk.index++)
        if (check_layer(&walk))
            return true;
    walk.index = last;
    if (walk.stage != STAGE_DENSE)
        return find(&walk, "type", "the last layer must be dense");
    if (network->layers[last].width != classes)
        return find(
            &walk, "width",
            "the last layer has width %d, but needs one output for each of the %d classes",
            network->layers[last].width, classes);
    return false;
}
