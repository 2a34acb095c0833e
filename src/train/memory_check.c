/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory_check.h"

#include <stdio.h>

#include "train/measurer.h"

#define GIB 1073741824.0

/* A training whose batch, or the width of whose widest hidden layer, is in question. */
typedef struct training_shape {
    const lam_engine *engine;
    const lam_dataset *dataset;
    lam_graph graph;
    size_t members, batch;
    const lam_recipe *recipe;
} training_shape;

/* Buffers of a few numbers a row or a step do not count. */
static lam_memory_need estimate(const training_shape *shape)
{
    lam_memory_need need = {0};
    if (!lam_device_get_info(shape->engine->device)->has_unified_memory)
        lam_memory_need_add(
            &need, (double)LAM_IMAGE_INPUTS * (double)lam_dataset_get_row_count(shape->dataset),
            "images");
    lam_parameters_add_need(shape->engine, &shape->graph, shape->members, &need);
    if (lam_dataset_get_split(shape->dataset, LAM_SPLIT_VALIDATION).count > 0) /* the best */
        lam_parameters_add_need(shape->engine, &shape->graph, shape->members, &need);
    const lam_plan_features features = {
        .augments = lam_augmentation_changes_rows(&shape->recipe->augmentation),
        .clips = shape->recipe->optimizer.clip_norm > 0};
    lam_optimizer_state_add_need(shape->engine, &shape->graph, shape->members,
                                 shape->recipe->optimizer.type, &need);
    lam_step_plan_add_training_need(shape->engine, &shape->graph, shape->members, shape->batch,
                                    &features, &need);
    lam_measurer_add_need(shape->engine, &shape->graph, shape->members, shape->dataset,
                          shape->recipe, (1u << LAM_SPLIT_COUNT) - 1, &need);
    return need;
}

static bool fits(const training_shape *shape)
{
    const lam_device_info *info = lam_device_get_info(shape->engine->device);
    const lam_memory_need need = estimate(shape);
    return need.total_bytes <= (double)info->global_memory_bytes &&
           need.largest_bytes <= (double)info->largest_allocation_bytes;
}

static training_shape change_batch(const training_shape *shape, size_t batch)
{
    training_shape changed = *shape;
    changed.batch = batch;
    return changed;
}

/* All hidden layers that are wider get `width`. */
static training_shape change_width(const training_shape *shape, size_t width)
{
    training_shape changed = *shape;
    for (int u = 0; u + 1 < changed.graph.unit_count; u++)
        if (changed.graph.units[u].out > width)
            changed.graph.units[u].out = changed.graph.units[u + 1].in = width;
    return changed;
}

/* The largest value below `limit` whose shape fits; 0 when none does. */
static size_t find_largest(const training_shape *shape, size_t limit,
                           training_shape change(const training_shape *shape, size_t value))
{
    size_t good = 0, bad = limit;
    while (bad - good > 1) {
        size_t middle = good + (bad - good) / 2;
        const training_shape changed = change(shape, middle);
        if (fits(&changed))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

static size_t get_widest_hidden(const lam_graph *graph)
{
    size_t width = 1;
    for (int u = 0; u + 1 < graph->unit_count; u++)
        width = graph->units[u].out > width ? graph->units[u].out : width;
    return width;
}

static void describe_remedy(const training_shape *shape, char *text, size_t bytes)
{
    size_t batch = find_largest(shape, shape->batch, change_batch);
    size_t width = find_largest(shape, get_widest_hidden(&shape->graph), change_width);
    int length = 0;
    if (batch > 0)
        length = snprintf(text, bytes, "the largest batch that fits is %zu%s", batch,
                          width > 0 ? "; " : "");
    if (width > 0)
        snprintf(text + length, bytes - (size_t)length,
                 "at batch %zu hidden layers fit with a width of up to %zu", shape->batch,
                 width);
    if (batch == 0 && width == 0)
        snprintf(text, bytes, "use a smaller network or data set, or another --device");
}

static lam_status fail_memory_check(const training_shape *shape)
{
    const lam_device_info *info = lam_device_get_info(shape->engine->device);
    const lam_memory_need need = estimate(shape);
    char remedy[192];
    describe_remedy(shape, remedy, sizeof remedy);
    return lam_fail(
        shape->engine->context, LAM_STATUS_NO_MEMORY,
        "training %zu parameters at batch %zu needs %.1f GiB of device memory, %.1f "
        "GiB of it for %s in one piece; device %d (%s) has %.1f GiB and gives %.1f "
        "GiB at once: %s",
        lam_graph_get_parameter_count(&shape->graph), shape->batch, need.total_bytes / GIB,
        need.largest_bytes / GIB, need.largest, info->index, info->name,
        (double)info->global_memory_bytes / GIB, (double)info->largest_allocation_bytes / GIB,
        remedy);
}

lam_status lam_memory_check(lam_device *device, const lam_recipe *recipe,
                            const lam_dataset *dataset, lam_gemm gemm, size_t wanted,
                            size_t *ret_members)
{
    lam_engine *engine = NULL;
    training_shape shape = {.dataset = dataset,
                            .members = wanted,
                            .batch = (size_t)recipe->batch,
                            .recipe = recipe};
    LAM_TRY(lam_graph_build(lam_device_get_context(device), &recipe->network, LAM_IMAGE_INPUTS,
                            LAM_CLASS_COUNT, &shape.graph));
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, gemm, &engine));
    shape.engine = engine;
    while (shape.members > 1 && !fits(&shape))
        shape.members = (shape.members + 1) / 2;
    lam_status status = fits(&shape) ? LAM_STATUS_OK : fail_memory_check(&shape);
    if (status == LAM_STATUS_OK)
        *ret_members = shape.members;
    lam_engine_destroy(&engine);
    return status;
}
