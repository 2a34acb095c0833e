/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul.h"

#include <assert.h>
#include <stdint.h>

#include "base/checked.h"
#include "op/matmul_blas.h"

/* The members' products as the kernels see them: `groups` products of `in` x `out`. */
typedef struct product_shape {
    size_t rows, in, out, groups;
    bool may_have_tail; /* each group is one member */
} product_shape;

/* A variant's define set and how it covers a matrix of results. */
typedef struct product_variant {
    const char *family;
    lam_define_set defines;
    size_t tile_columns, tile_rows;
    size_t local[3];
} product_variant;

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Columns of a tile: full vectors, and up to four columns behind them. */
typedef struct tile_shape {
    size_t vectors, tail, rows;
} tile_shape;

/* 12 to 30 accumulators hide the latency of two FMA units and leave room for operands in 32
 * registers. A few columns past two or three full vectors, as in the reports' layers of 50,
 * would leave a vector of their own nearly empty. */
static tile_shape choose_tile(size_t lanes, size_t columns, bool may_have_tail)
{
    size_t full = columns / lanes, rest = columns % lanes;
    if (may_have_tail && lanes == 16 && (full == 2 || full == 3) && rest >= 1 && rest <= 4) {
        size_t tail = rest <= 2 ? 2 : 4;
        return (tile_shape){full, tail, lanes / tail};
    }
    size_t vectors = min_size(4, lam_divide_up(columns, lanes));
    return (tile_shape){vectors, 0, vectors <= 2 ? 8 : 4};
}

static product_variant make_registers(const lam_engine *engine, tile_shape tile,
                                      size_t tile_columns)
{
    product_variant variant = {.family = "matmul_registers",
                               .defines = lam_engine_start_defines(engine),
                               .tile_columns = tile_columns,
                               .tile_rows = tile.rows,
                               .local = {1, 1, 1}};
    lam_define_set_add(&variant.defines, "VEC", engine->vector_lanes);
    lam_define_set_add(&variant.defines, "TILE_ROWS", (int)tile.rows);
    lam_define_set_add(&variant.defines, "TILE_VECTORS", (int)tile.vectors);
    lam_define_set_add(&variant.defines, "TAIL", (int)tile.tail);
    return variant;
}

/* Local-memory tiles: the largest square work-group the device allows, two results a side. */
static product_variant choose_tiles(const lam_engine *engine)
{
    size_t tile = 16, work = 2;
    while (tile > 4 && tile * tile > lam_device_get_info(engine->device)->largest_work_group)
        tile /= 2;
    product_variant variant = {.family = "matmul_tiles",
                               .defines = lam_engine_start_defines(engine),
                               .tile_columns = tile * work,
                               .tile_rows = tile * work,
                               .local = {tile, tile, 1}};
    lam_define_set_add(&variant.defines, "TILE", (int)tile);
    lam_define_set_add(&variant.defines, "TILE_WORK", (int)work);
    return variant;
}

/* Rows of a forward tile. A tile streams all of its columns of w from the second-level cache,
 * so tall tiles pay; but the last tiles leave some units idle, so short ones pay too. Measured
 * on two AVX-512 cores, 100 x 3072 x 50, 4 / 5 / 6 / 8 / 10 rows: 330 / 310 / 240 / 225 /
 * 200 us, which is tiles per unit times (rows + 14) in proportion. */
static size_t choose_forward_rows(const lam_engine *engine, const product_shape *shape,
                                  tile_shape tile)
{
    size_t units = lam_device_get_info(engine->device)->compute_units;
    size_t columns = tile.vectors * (size_t)engine->vector_lanes + tile.tail;
    size_t strips = lam_divide_up(shape->out, columns) * shape->groups;
    size_t most = min_size(16, 30 / tile.vectors), best = 1, best_cost = SIZE_MAX;
    for (size_t rows = 1; rows <= most; rows++) {
        size_t tiles = lam_divide_up(shape->rows, rows) * strips;
        size_t cost = lam_divide_up(tiles, units) * (rows + 14);
        if (cost <= best_cost) {
            best = rows;
            best_cost = cost;
        }
    }
    return best;
}

static product_variant choose_forward(const lam_engine *engine, const product_shape *shape)
{
    if (engine->gemm == LAM_GEMM_TILES)
        return choose_tiles(engine);
    size_t lanes = (size_t)engine->vector_lanes;
    tile_shape tile = choose_tile(lanes, shape->out, shape->may_have_tail);
    tile.rows = choose_forward_rows(engine, shape, tile);
    return make_registers(engine, tile, tile.vectors * lanes + tile.tail);
}

/* Tiles of w: as many rows as neighbouring inputs are converted at once. */
static product_variant choose_backward_weights(const lam_engine *engine,
                                               const product_shape *shape)
{
    if (engine->gemm == LAM_GEMM_TILES)
        return choose_tiles(engine);
    size_t lanes = (size_t)engine->vector_lanes;
    tile_shape tile = choose_tile(lanes, shape->out, shape->may_have_tail);
    return make_registers(engine, tile, tile.vectors * lanes + tile.tail);
}

/* A shared input makes one wide product of all members, unless a member's own columns end in a
 * tail: those are summed in another order than full vectors, and a member must not notice
 * whether it is alone. */
static product_shape get_shape(const lam_engine *engine, const lam_dense *dense)
{
    bool has_tail = engine->gemm != LAM_GEMM_TILES &&
                    choose_tile((size_t)engine->vector_lanes, dense->out, true).tail > 0;
    if (dense->shares_input && !has_tail)
        return (product_shape){dense->rows, dense->in, dense->members * dense->out, 1,
                               dense->members == 1};
    return (product_shape){dense->rows, dense->in, dense->out, dense->members, true};
}

/* A work-item transposes its columns of w once for all of its rows: it takes as many tiles of
 * rows as leave every unit a few work-items. */
static product_variant choose_backward_input(const lam_engine *engine,
                                             const product_shape *shape)
{
    if (engine->gemm == LAM_GEMM_TILES)
        return choose_tiles(engine);
    size_t lanes = (size_t)engine->vector_lanes;
    size_t vectors = min_size(4, lam_divide_up(shape->in, lanes)), rows = vectors > 2 ? 6 : 8;
    size_t strips = lam_divide_up(shape->in, vectors * lanes) * shape->groups;
    size_t row_tiles = lam_divide_up(shape->rows, rows);
    size_t shares =
        lam_divide_up(5 * lam_device_get_info(engine->device)->compute_units, 2 * strips);
    size_t tiles = lam_divide_up(row_tiles, min_size(row_tiles, shares));
    product_variant variant =
        make_registers(engine, (tile_shape){vectors, 0, rows}, vectors * lanes);
    variant.tile_rows = tiles * rows;
    lam_define_set_add(&variant.defines, "ITEM_TILES", (int)tiles);
    return variant;
}

static lam_status add_product(lam_launch_builder *launch, const product_variant *variant,
                              size_t rows, size_t columns, size_t groups)
{
    const size_t items[3] = {lam_divide_up(columns, variant->tile_columns) * variant->local[0],
                             lam_divide_up(rows, variant->tile_rows) * variant->local[1],
                             groups};
    return lam_plan_add_launch(launch, items, variant->local);
}

static void bind_shape(lam_launch_builder *launch, const product_shape *shape)
{
    lam_launch_bind_int(launch, shape->rows);
    lam_launch_bind_int(launch, shape->in);
    lam_launch_bind_int(launch, shape->out);
    lam_launch_bind_int(launch, shape->groups);
    launch->shape[0] = shape->rows;
    launch->shape[1] = shape->in;
    launch->shape[2] = shape->out * shape->groups;
}

bool lam_matmul_needs_gathered_input(const lam_engine *engine)
{
    return engine->gemm == LAM_GEMM_CLBLAST;
}

lam_status lam_matmul_add_forward(const lam_engine *engine, lam_plan *plan,
                                  const lam_dense *dense, lam_buffer *y)
{
    if (engine->gemm == LAM_GEMM_CLBLAST)
        return lam_matmul_blas_add_forward(engine, plan, dense, y);
    const product_shape shape = get_shape(engine, dense);
    product_variant variant = choose_forward(engine, &shape);
    lam_define_set_add(&variant.defines, "GATHER", dense->input.x == NULL);
    lam_define_set_add(&variant.defines, "ACTIVATION", (int)dense->activation);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, variant.family, "matmul_forward", &variant.defines);
    lam_launch_bind_buffer(&launch, y);
    lam_input_bind(&launch, &dense->input);
    lam_launch_bind_buffer(&launch, dense->w);
    lam_launch_bind_buffer(&launch, dense->b);
    bind_shape(&launch, &shape);
    lam_launch_bind_step(&launch);
    return add_product(&launch, &variant, shape.rows, shape.out, shape.groups);
}

lam_status lam_matmul_add_backward_input(const lam_engine *engine, lam_plan *plan,
                                         const lam_dense *dense, const lam_buffer *dy,
                                         lam_buffer *dx)
{
    assert(dense->input.x && !dense->shares_input);
    if (engine->gemm == LAM_GEMM_CLBLAST)
        return lam_matmul_blas_add_backward_input(engine, plan, dense, dy, dx);
    const product_shape shape = get_shape(engine, dense);
    product_variant variant = choose_backward_input(engine, &shape);
    lam_define_set_add(&variant.defines, "GATHER", 0);
    lam_define_set_add(&variant.defines, "ACTIVATION", (int)dense->input_activation);
    lam_launch_builder launch = lam_launch_begin(engine, plan, variant.family,
                                                 "matmul_backward_input", &variant.defines);
    lam_launch_bind_buffer(&launch, dx);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_buffer(&launch, dense->w);
    lam_launch_bind_buffer(&launch, dense->input.x);
    bind_shape(&launch, &shape);
    return add_product(&launch, &variant, shape.rows, shape.in, shape.groups);
}

lam_status lam_matmul_add_backward_weights(const lam_engine *engine, lam_plan *plan,
                                           const lam_dense *dense, const lam_buffer *dy,
                                           const lam_weight_gradient *gradient)
{
    if (engine->gemm == LAM_GEMM_CLBLAST)
        return lam_matmul_blas_add_backward_weights(engine, plan, dense, dy, gradient);
    const product_shape shape = get_shape(engine, dense);
    product_variant variant = choose_backward_weights(engine, &shape);
    lam_define_set_add(&variant.defines, "GATHER", dense->input.x == NULL);
    lam_define_set_add(&variant.defines, "UPDATE", gradient->rates != NULL);
    lam_launch_builder launch = lam_launch_begin(engine, plan, variant.family,
                                                 "matmul_backward_weights", &variant.defines);
    if (gradient->rates) {
        lam_launch_bind_buffer(&launch, dense->w);
        lam_launch_bind_buffer(&launch, dense->b);
        lam_launch_bind_buffer(&launch, gradient->rates);
    } else {
        lam_launch_bind_buffer(&launch, gradient->dw);
        lam_launch_bind_buffer(&launch, gradient->db);
        lam_launch_bind_buffer(&launch, dense->w);
    }
    lam_input_bind(&launch, &dense->input);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_buffer(&launch, gradient->l2);
    bind_shape(&launch, &shape);
    lam_launch_bind_int(&launch, dense->members);
    lam_launch_bind_step(&launch);
    return add_product(&launch, &variant, shape.in, shape.out, shape.groups);
}
