/* SPDX-License-Identifier: Apache-2.0 */
#include "net/scratch.h"

/* In columns of the plan's rows. */
typedef struct scratch_columns {
    size_t values[LAM_MAX_LAYERS];    /* 0: that of the turn before the last one */
    size_t products[LAM_MAX_LAYERS];  /* 0: the one before it, or the value */
    size_t gradients[LAM_MAX_LAYERS]; /* 0: that of the unit before the last one */
    size_t skips[LAM_MAX_LAYERS];     /* 0: none */
} scratch_columns;

static size_t get_largest_width(const lam_graph *graph)
{
    size_t width = 0;
    for (int u = 0; u < graph->unit_count; u++)
        width = graph->units[u].out > width ? graph->units[u].out : width;
    return width;
}

/* A forward pass alone needs a value only until the next unit has read it, so two buffers take
 * turns; but units at once need theirs all together, and what is added later must stay. */
static bool keeps_value(const lam_scratch_shape *shape, int u)
{
    return shape->backward || u >= shape->tail || shape->graph->units[u].feeds_skip;
}

/* Normalization by the batch reads its input twice, and again in a backward pass. */
static bool keeps_product(const lam_scratch_shape *shape, int u)
{
    return shape->uses_batch && shape->graph->units[u].norm != LAM_NORM_PLACE_NONE;
}

static scratch_columns count_columns(const lam_scratch_shape *shape)
{
    scratch_columns columns = {0};
    size_t largest = shape->members * get_largest_width(shape->graph);
    int turns = 0, products = 0;
    for (int u = 0; u < shape->graph->unit_count; u++) {
        size_t width = shape->members * shape->graph->units[u].out;
        bool is_fused = u >= shape->tail;
        if (keeps_value(shape, u))
            columns.values[u] = width;
        else if (turns++ < 2)
            columns.values[u] = largest;
        if (keeps_product(shape, u) && (shape->backward || products++ == 0))
            columns.products[u] = shape->backward ? width : largest;
        /* A gradient lives from the unit behind to the unit before, so two take turns. */
        if (shape->backward && (is_fused || u < 2))
            columns.gradients[u] = is_fused ? width : largest;
        if (shape->backward && shape->graph->units[u].feeds_skip)
            columns.skips[u] = width;
    }
    return columns;
}

typedef struct scratch_builder {
    const lam_engine *engine;
    lam_plan *plan;
    size_t rows;
} scratch_builder;

/* A new buffer, or `otherwise` where there are no columns. */
static lam_status create_buffer(const scratch_builder *builder, size_t columns,
                                const char *what, lam_buffer *otherwise,
                                lam_buffer **ret_buffer)
{
    lam_buffer *buffer = otherwise;
    if (columns > 0) {
        LAM_TRY(
            lam_engine_create_reals(builder->engine, builder->rows * columns, what, &buffer));
        LAM_TRY(lam_plan_take_buffer(builder->plan, buffer));
    }
    *ret_buffer = buffer;
    return LAM_STATUS_OK;
}

lam_status lam_scratch_create(const lam_engine *engine, lam_plan *plan,
                              const lam_scratch_shape *shape, lam_scratch *ret_scratch)
{
    const scratch_columns columns = count_columns(shape);
    const scratch_builder builder = {engine, plan, shape->rows};
    lam_buffer *turns[2] = {NULL, NULL}, *product = NULL;
    lam_scratch *s = ret_scratch;
    for (int u = 0, turn = 0; u < shape->graph->unit_count; u++) {
        LAM_TRY(create_buffer(&builder, columns.values[u], "activations", turns[turn % 2],
                              &s->values[u]));
        if (!keeps_value(shape, u))
            turns[turn++ % 2] = s->values[u];
        LAM_TRY(create_buffer(&builder, columns.products[u], "products", product, &product));
        s->products[u] = keeps_product(shape, u) ? product : s->values[u];
        LAM_TRY(create_buffer(&builder, columns.gradients[u], "gradients",
                              u > 1 ? s->gradients[u - 2] : NULL, &s->gradients[u]));
        LAM_TRY(create_buffer(&builder, columns.skips[u], "gradients of additions", NULL,
                              &s->skips[u]));
    }
    return LAM_STATUS_OK;
}

void lam_scratch_add_need(const lam_engine *engine, const lam_scratch_shape *shape,
                          lam_memory_need *need)
{
    const scratch_columns columns = count_columns(shape);
    double column_bytes = (double)shape->rows * (double)lam_engine_get_real_bytes(engine);
    for (int u = 0; u < shape->graph->unit_count; u++) {
        lam_memory_need_add(need, column_bytes * (double)columns.values[u], "activations");
        lam_memory_need_add(need, column_bytes * (double)columns.products[u], "products");
        lam_memory_need_add(need, column_bytes * (double)columns.gradients[u], "gradients");
        lam_memory_need_add(need, column_bytes * (double)columns.skips[u], "gradients");
    }
}
