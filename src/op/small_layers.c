/* SPDX-License-Identifier: Apache-2.0 */
#include "op/small_layers.h"

#include "base/checked.h"

static const char *const in_names[LAM_MAX_SMALL_LAYERS] = {"IN_0", "IN_1", "IN_2", "IN_3",
                                                           "IN_4", "IN_5", "IN_6", "IN_7"};
static const char *const out_names[LAM_MAX_SMALL_LAYERS] = {"OUT_0", "OUT_1", "OUT_2", "OUT_3",
                                                            "OUT_4", "OUT_5", "OUT_6", "OUT_7"};
static const char *const activation_names[LAM_MAX_SMALL_LAYERS] = {
    "ACTIVATION_0", "ACTIVATION_1", "ACTIVATION_2", "ACTIVATION_3",
    "ACTIVATION_4", "ACTIVATION_5", "ACTIVATION_6", "ACTIVATION_7"};

bool lam_small_layers_fit(const lam_engine *engine, size_t rows, size_t in, size_t out)
{
    return engine->fuses_small_layers && in <= LAM_MAX_SMALL_WIDTH &&
           out <= LAM_MAX_SMALL_WIDTH && rows <= LAM_MAX_SMALL_PRODUCT / (in * out);
}

/* Where a work-item runs on a core of its own, tiles let it do several sums at a time;
 * elsewhere there are never enough work-items, and the driver knows best how to group them. */
static bool has_tiles(const lam_engine *engine)
{
    return engine->gemm == LAM_GEMM_REGISTERS;
}

static size_t get_tile_rows(const lam_engine *engine)
{
    return has_tiles(engine) ? 8 : 1;
}

static const size_t *get_local(const lam_engine *engine)
{
    static const size_t alone[3] = {1, 1, 1};
    return has_tiles(engine) ? alone : lam_any_local;
}

static lam_launch_builder begin(const lam_engine *engine, lam_plan *plan, const char *entry,
                                const lam_small_layer *layers, int count)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "VEC", engine->vector_lanes);
    lam_define_set_add(
        &defines, "UPDATE",
        lam_update_get_define(layers[0].gradient.table, layers[0].gradient.optimizer));
    lam_define_set_add(&defines, "TILE_ROWS", (int)get_tile_rows(engine));
    lam_define_set_add(&defines, "LAYERS", count);
    lam_define_set_add(&defines, "INPUT_ACTIVATION", (int)layers[0].dense.input_activation);
    for (int n = 0; n < count; n++) {
        lam_define_set_add(&defines, in_names[n], (int)layers[n].dense.in);
        lam_define_set_add(&defines, out_names[n], (int)layers[n].dense.out);
        lam_define_set_add(&defines, activation_names[n], (int)layers[n].dense.activation);
    }
    lam_launch_builder launch = lam_launch_begin(engine, plan, "small_layers", entry, &defines);
    launch.is_product = true;
    return launch;
}

static lam_status add_rows(const lam_engine *engine, lam_launch_builder *launch,
                           const lam_dense *dense)
{
    const size_t items[3] = {dense->members, lam_divide_up(dense->rows, get_tile_rows(engine)),
                             1};
    lam_launch_bind_int(launch, dense->rows);
    return lam_plan_add_launch(launch, items, get_local(engine));
}

lam_status lam_small_layers_add_forward(const lam_engine *engine, lam_plan *plan,
                                        const lam_small_layer *layers, int count)
{
    lam_launch_builder launch = begin(engine, plan, "small_layers_forward", layers, count);
    for (int n = 0; n < count; n++) {
        lam_launch_bind_buffer(&launch, layers[n].y);
        lam_launch_bind_buffer(&launch, layers[n].dense.w);
        lam_launch_bind_buffer(&launch, layers[n].dense.b);
    }
    lam_launch_bind_buffer(&launch, layers[0].dense.input.x);
    return add_rows(engine, &launch, &layers[0].dense);
}

lam_status lam_small_layers_add_backward_input(const lam_engine *engine, lam_plan *plan,
                                               const lam_small_layer *layers, int count,
                                               lam_buffer *dx)
{
    lam_launch_builder launch =
        begin(engine, plan, "small_layers_backward_input", layers, count);
    lam_launch_bind_buffer(&launch, dx);
    for (int n = 0; n < count; n++) {
        lam_launch_bind_buffer(&launch, layers[n].dy);
        lam_launch_bind_buffer(&launch, layers[n].y);
        lam_launch_bind_buffer(&launch, layers[n].dense.w);
    }
    lam_launch_bind_buffer(&launch, layers[0].dense.input.x);
    return add_rows(engine, &launch, &layers[0].dense);
}

lam_status lam_small_layers_add_backward_weights(const lam_engine *engine, lam_plan *plan,
                                                 const lam_small_layer *layers, int count)
{
    lam_launch_builder launch =
        begin(engine, plan, "small_layers_backward_weights", layers, count);
    const lam_weight_gradient *first = &layers[0].gradient;
    size_t tiles = 0;
    for (int n = 0; n < count; n++) {
        const lam_small_layer *layer = &layers[n];
        lam_launch_bind_buffer(&launch, first->table ? layer->dense.w : layer->gradient.dw);
        lam_launch_bind_buffer(&launch, first->table ? layer->dense.b : layer->gradient.db);
        lam_launch_bind_buffer(&launch, layer->gradient.w_states);
        lam_launch_bind_buffer(&launch, layer->gradient.b_states);
        lam_launch_bind_buffer(&launch, layer->dense.w);
        lam_launch_bind_buffer(&launch, layer->dense.input.x);
        lam_launch_bind_buffer(&launch, layer->dy);
        tiles += lam_divide_up(layer->dense.in, get_tile_rows(engine));
    }
    lam_launch_bind_buffer(&launch, first->l2);
    lam_launch_bind_buffer(&launch, first->table);
    lam_launch_bind_int(&launch, layers[0].dense.rows);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {layers[0].dense.members, tiles, 1};
    return lam_plan_add_launch(&launch, items, get_local(engine));
}
