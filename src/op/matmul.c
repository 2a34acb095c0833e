/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul.h"

#include <assert.h>

#include "base/checked.h"
#include "op/matmul_blas.h"

/* The members' products as the kernels see them: `groups` products of `in` x `out`. */
typedef struct product_shape {
    size_t rows, in, out, groups;
} product_shape;

static product_shape get_shape(const lam_dense *dense)
{
    if (dense->shares_input)
        return (product_shape){dense->rows, dense->in, dense->members * dense->out, 1};
    return (product_shape){dense->rows, dense->in, dense->out, dense->members};
}

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

/* Register tiles: 16 accumulators hide the latency of two FMA units and leave room for
 * operands in 32 registers; 4 rows x 4 vectors measured best on AVX-512, and narrow results
 * take more rows instead. `columns_are_lanes` is false for dot products. */
static product_variant choose_registers(const lam_engine *engine, size_t columns,
                                        bool columns_are_lanes)
{
    size_t lanes = (size_t)engine->vector_lanes;
    size_t vectors = columns_are_lanes ? min_size(4, lam_divide_up(columns, lanes)) : 4;
    size_t rows = vectors <= 2 ? 8 : 4;
    product_variant variant = {.family = "matmul_registers",
                               .defines = lam_engine_start_defines(engine),
                               .tile_columns = columns_are_lanes ? vectors * lanes : vectors,
                               .tile_rows = rows,
                               .local = {1, 1, 1}};
    lam_define_set_add(&variant.defines, "VEC", (int)lanes);
    lam_define_set_add(&variant.defines, "TILE_ROWS", (int)rows);
    lam_define_set_add(&variant.defines, "TILE_VECTORS", (int)vectors);
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

static product_variant choose_variant(const lam_engine *engine, size_t columns,
                                      bool columns_are_lanes)
{
    return engine->gemm == LAM_GEMM_TILES
               ? choose_tiles(engine)
               : choose_registers(engine, columns, columns_are_lanes);
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
    const product_shape shape = get_shape(dense);
    product_variant variant = choose_variant(engine, shape.out, true);
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
    const product_shape shape = get_shape(dense);
    product_variant variant = choose_variant(engine, shape.in, false);
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
    const product_shape shape = get_shape(dense);
    product_variant variant = choose_variant(engine, shape.out, true);
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
