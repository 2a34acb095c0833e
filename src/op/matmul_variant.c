/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul_variant.h"

#include <stdint.h>
#include <string.h>

#include "base/checked.h"

/* Rows of results that one work-item of a packing kernel takes at the most: their sums stay in
 * the second-level cache, and packing costs 1 / 64 of the multiplications. A weight gradient
 * from panels has no rows of x to stage, so that it may take more. */
#define MOST_PACKED_ROWS 128
#define MOST_PANEL_ROWS 512

/* Reals between the rows of a matrix from which on packing pays: neighbouring rows are on other
 * pages then. 128 x 3072 x 512 on two AVX-512 cores: 92 GFLOP/s without, 184 with. */
#define LEAST_PACKED_STRIDE 256

/* Rows of results that pay for packing. */
#define LEAST_PACKED_ROWS 32

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- register tiles ---- */

#define MOST_TILE_ROWS 16 /* of cl/matmul_registers.cl */

/* Columns of a register tile: full vectors, and up to four columns behind them. */
typedef struct tile_columns {
    size_t lanes, vectors, tail;
} tile_columns;

/* Accumulators that leave room for operands: vectors of 16 lanes come with 32 registers, and
 * for others 16 is what can be relied on. */
static size_t get_accumulators(size_t lanes)
{
    return lanes == 16 ? 30 : 12;
}

/* A few columns past two or three full vectors, as in the reports' layers of 50, would leave a
 * vector of their own nearly empty. */
static tile_columns choose_columns(const lam_engine *engine, size_t columns, bool may_have_tail)
{
    size_t lanes = (size_t)engine->vector_lanes;
    size_t full = columns / lanes, rest = columns % lanes;
    if (may_have_tail && lanes == 16 && (full == 2 || full == 3) && rest >= 1 && rest <= 4)
        return (tile_columns){lanes, full, rest <= 2 ? 2 : 4};
    size_t most = lanes == 16 ? 4 : 2;
    return (tile_columns){lanes, min_size(most, lam_divide_up(columns, lanes)), 0};
}

/* Of many vectors side by side: the widest strips that leave the fewest of the last one empty.
 * 25 vectors are 5 strips of 5 (4 of 4 columns would leave 12 % idle). */
static tile_columns choose_strips(const lam_engine *engine, size_t columns)
{
    size_t lanes = (size_t)engine->vector_lanes, vectors = lam_divide_up(columns, lanes);
    size_t most = lanes == 16 ? 5 : 2, best = most;
    for (size_t v = most; 2 * v > most; v--)
        if (lam_round_up(vectors, v) < lam_round_up(vectors, best))
            best = v;
    return (tile_columns){lanes, best, 0};
}

/* A shared input makes one wide product of all members, unless a member's own columns end in a
 * tail: those are summed in another order than full vectors, and a member must not notice
 * whether it is alone. */
static lam_product_groups group_members(const lam_engine *engine, const lam_dense *dense,
                                        bool has_tails)
{
    bool is_wide = dense->shares_input &&
                   !(has_tails && choose_columns(engine, dense->out, true).tail > 0);
    if (is_wide)
        return (lam_product_groups){dense->rows, dense->in, dense->members * dense->out, 1};
    return (lam_product_groups){dense->rows, dense->in, dense->out, dense->members};
}

/* Rows and columns of what a product makes, in each group. */
typedef struct result_size {
    size_t rows, columns;
} result_size;

static result_size get_result_size(lam_product product, const lam_product_groups *shape)
{
    switch (product) {
    case LAM_PRODUCT_FORWARD:
        return (result_size){shape->rows, shape->out};
    case LAM_PRODUCT_BACKWARD_INPUT:
        return (result_size){shape->rows, shape->in};
    default:
        return (result_size){shape->in, shape->out};
    }
}

static size_t get_tile_width(tile_columns tile)
{
    return tile.vectors * tile.lanes + tile.tail;
}

static size_t count_strips(lam_product product, const lam_product_groups *shape,
                           tile_columns tile)
{
    return lam_divide_up(get_result_size(product, shape).columns, get_tile_width(tile)) *
           shape->groups;
}

/* Whether a work-group that does nothing goes in front. PoCL 3.1 hands a thread 1 + groups /
 * threads of them at first, so that of 10 equal ones for two threads one gets six; of 11 it
 * gets the empty one and five. 100 x 3072 x 50 on two cores: 170 us without, 152 with. */
static bool wants_lead(const lam_engine *engine, size_t items)
{
    size_t units = engine->compute_units;
    return items % units == 0 && items <= 16 * units;
}

/* How the work of a product is done. */
typedef struct tile_style {
    tile_columns tile;
    bool packs, takes_panels;
} tile_style;

/* What one work-item computes: item_tiles tiles of tile_rows rows. */
typedef struct register_item {
    tile_columns tile;
    size_t tile_rows, item_tiles;
    bool packs;
} register_item;

static lam_matmul_variant make_registers(const lam_engine *engine, lam_product product,
                                         const lam_product_groups *shape, register_item item)
{
    size_t item_rows = item.tile_rows * item.item_tiles;
    size_t items = lam_divide_up(get_result_size(product, shape).rows, item_rows) *
                   count_strips(product, shape, item.tile);
    bool leads = wants_lead(engine, items);
    lam_matmul_variant variant = {.gemm = LAM_GEMM_REGISTERS,
                                  .defines = lam_engine_start_defines(engine),
                                  .shape = *shape,
                                  .item_rows = item_rows,
                                  .item_columns = get_tile_width(item.tile),
                                  .idle_groups = leads,
                                  .parts = 1,
                                  .local = {1, 1, 1}};
    lam_define_set_add(&variant.defines, "VEC", (int)item.tile.lanes);
    lam_define_set_add(&variant.defines, "TILE_ROWS", (int)item.tile_rows);
    lam_define_set_add(&variant.defines, "TILE_VECTORS", (int)item.tile.vectors);
    lam_define_set_add(&variant.defines, "TAIL", (int)item.tile.tail);
    lam_define_set_add(&variant.defines, "ITEM_TILES", (int)item.item_tiles);
    lam_define_set_add(&variant.defines, "PACK", item.packs);
    lam_define_set_add(&variant.defines, "LEAD", leads);
    return variant;
}

/* Rows of a tile that streams w from the second-level cache: tall tiles stream it less often,
 * but the last ones leave units idle. Measured on two AVX-512 cores, 100 x 3072 x 50, 5 / 7 / 8
 * / 9 / 10 rows: 214 / 204 / 200 / 193 / 181 us, which is tiles per unit times (rows + 2). */
static size_t choose_streaming_rows(const lam_engine *engine, const lam_product_groups *shape,
                                    tile_columns tile)
{
    size_t strips = count_strips(LAM_PRODUCT_FORWARD, shape, tile);
    size_t best = 1, best_cost = SIZE_MAX;
    size_t most = min_size(MOST_TILE_ROWS, get_accumulators(tile.lanes) / tile.vectors);
    for (size_t rows = 1; rows <= most; rows++) {
        size_t tiles = lam_divide_up(shape->rows, rows) * strips;
        size_t cost = lam_divide_up(tiles, engine->compute_units) * (rows + 2);
        if (cost <= best_cost) {
            best = rows;
            best_cost = cost;
        }
    }
    return best;
}

/* Rows of a tile among many in one work-item: at least 16 accumulators hide the latency of two
 * multiplication units; what counts beyond is that tiles fill the rows. */
static size_t choose_packed_rows(size_t rows, tile_columns tile)
{
    size_t most = min_size(MOST_TILE_ROWS, get_accumulators(tile.lanes) * 4 / 5 / tile.vectors);
    size_t best = most;
    for (size_t r = most; r >= min_size(most, 4); r--)
        if (lam_round_up(rows, r) < lam_round_up(rows, best))
            best = r;
    return best;
}

static lam_matmul_variant make_forward(const lam_engine *engine,
                                       const lam_product_groups *shape, tile_style style)
{
    tile_columns tile = style.tile;
    if (!style.packs) {
        size_t rows = choose_streaming_rows(engine, shape, tile);
        return make_registers(engine, LAM_PRODUCT_FORWARD, shape,
                              (register_item){tile, rows, 1, false});
    }
    size_t strips = count_strips(LAM_PRODUCT_FORWARD, shape, tile);
    size_t shares = lam_divide_up(2 * engine->compute_units, strips);
    shares = max_size(shares, lam_divide_up(shape->rows, MOST_PACKED_ROWS));
    size_t item_rows = lam_divide_up(shape->rows, shares);
    size_t rows = choose_packed_rows(item_rows, tile);
    return make_registers(engine, LAM_PRODUCT_FORWARD, shape,
                          (register_item){tile, rows, lam_divide_up(item_rows, rows), true});
}

/* A work-item stages rows of x for all of its tiles: it takes as many as leave every unit some
 * items. */
static lam_matmul_variant make_backward_weights(const lam_engine *engine,
                                                const lam_product_groups *shape,
                                                tile_style style)
{
    tile_columns tile = style.tile;
    size_t rows = tile.vectors * 8 <= get_accumulators(tile.lanes) ? 8 : 4;
    size_t least = LAM_PANEL_COLUMNS, most = style.packs ? MOST_PACKED_ROWS : 64;
    if (style.packs && style.takes_panels)
        most = MOST_PANEL_ROWS;
    size_t strips = count_strips(LAM_PRODUCT_BACKWARD_WEIGHTS, shape, tile);
    size_t wanted = 8 * engine->compute_units;
    size_t item_rows = least;
    while (2 * item_rows <= most && lam_divide_up(shape->in, 2 * item_rows) * strips >= wanted)
        item_rows *= 2;
    return make_registers(engine, LAM_PRODUCT_BACKWARD_WEIGHTS, shape,
                          (register_item){tile, rows, item_rows / rows, style.packs});
}

/* A work-item transposes its columns of w once for all of its rows: it takes as many tiles of
 * rows as leave every unit a few work-items. */
static lam_matmul_variant make_backward_input(const lam_engine *engine,
                                              const lam_product_groups *shape, tile_style style)
{
    tile_columns tile = style.tile; /* it always packs */
    size_t rows = tile.vectors > 2 ? 6 : 8;
    size_t strips = count_strips(LAM_PRODUCT_BACKWARD_INPUT, shape, tile);
    size_t row_tiles = lam_divide_up(shape->rows, rows);
    size_t shares = lam_divide_up(5 * engine->compute_units, 2 * strips);
    size_t tiles = lam_divide_up(row_tiles, min_size(row_tiles, shares));
    return make_registers(engine, LAM_PRODUCT_BACKWARD_INPUT, shape,
                          (register_item){tile, rows, tiles, true});
}

typedef lam_matmul_variant make_function(const lam_engine *, const lam_product_groups *,
                                         tile_style);

/* First what measurements on other devices suggest, then packing or not the other way about,
 * then both with narrower tiles. */
static size_t list_registers(const lam_engine *engine, lam_product product,
                             const lam_dense *dense, lam_matmul_variant *variants)
{
    static make_function *const make[] = {[LAM_PRODUCT_FORWARD] = make_forward,
                                          [LAM_PRODUCT_BACKWARD_INPUT] = make_backward_input,
                                          [LAM_PRODUCT_BACKWARD_WEIGHTS] =
                                              make_backward_weights};
    bool is_input = product == LAM_PRODUCT_BACKWARD_INPUT;
    bool takes_panels = dense->input.panels != NULL;
    /* A weight gradient's tail is added in the order of full vectors; from panels these win. */
    bool has_tails = product == LAM_PRODUCT_FORWARD || !takes_panels;
    lam_product_groups shape = group_members(engine, dense, has_tails);
    size_t columns = is_input ? shape.in : shape.out;
    bool is_wide = takes_panels && shape.groups == 1;
    tile_style style = {.packs = shape.out * shape.groups >= LEAST_PACKED_STRIDE &&
                                 shape.rows >= LEAST_PACKED_ROWS,
                        .takes_panels = takes_panels,
                        .tile = is_wide ? choose_strips(engine, columns)
                                        : choose_columns(engine, columns,
                                                         !is_input && shape.out == dense->out)};
    size_t count = 0;
    for (int narrower = 0; narrower < 2; narrower++) {
        variants[count++] = make[product](engine, &shape, style);
        tile_style other = style;
        other.packs = !style.packs;
        if (!is_input)
            variants[count++] = make[product](engine, &shape, other);
        if (style.tile.vectors < 2 || style.tile.tail > 0)
            break;
        style.tile.vectors--;
    }
    return count;
}

/* ---- tiles in local memory ---- */

/* A work-group's items and the results of each, down and across, and the terms that are staged
 * at once. */
typedef struct tile_shape {
    size_t group_rows, group_columns, work_rows, work_columns, depth;
} tile_shape;

/* Largest blocks first: 4, 2.7, 1.3, 2 and 2 multiplications for each element that a work-item
 * reads from local memory. In floats, two tiles take 17, 9, 9, 5 and 4 KiB, and a work-item
 * by count about 120, 80, 50, 60 and 70 registers: a multiprocessor with 64 Ki registers and
 * 228 KiB, as of NVIDIA's H100, holds 2, 6, 10, 17 and 29 work-groups. Blocks of 32 x 32 come
 * with twice as many work-items and terms, to have more bytes under way where work-groups are
 * few, and as one wavefront of 64. The last is as small as work-groups get, for narrow layers.
 */
static const tile_shape tile_shapes[] = {{16, 16, 8, 8, 16},
                                         {8, 16, 8, 4, 16},
                                         {8, 16, 4, 2, 32},
                                         {8, 8, 4, 4, 16},
                                         {8, 4, 4, 4, 16}};

enum { TILE_SHAPES = sizeof tile_shapes / sizeof tile_shapes[0] };

/* What every OpenCL 1.2 device that is not embedded has. */
#define LEAST_LOCAL_BYTES 32768

/* Results of a block that parts are counted for: the parts decide the bits and so must not
 * depend on the way that is chosen. */
#define NOMINAL_BLOCK 32

/* Terms of a part: every DEPTH divides PART_STEP. Fewer than LEAST_PART would not pay for the
 * second launch, and in a crowd, which fills the device anyway, MOST_PARTS bounds the memory
 * traffic: 100 x 50 results of 64 members in 16 parts are 20 MB. */
#define PART_STEP 32
#define LEAST_PART 96
#define MOST_PARTS 32

static size_t get_block_rows(const tile_shape *tile)
{
    return tile->group_rows * tile->work_rows;
}

static size_t get_block_columns(const tile_shape *tile)
{
    return tile->group_columns * tile->work_columns;
}

static size_t count_blocks(result_size size, size_t block_rows, size_t block_columns)
{
    return lam_divide_up(size.rows, block_rows) * lam_divide_up(size.columns, block_columns);
}

/* Terms of a partial sum, or 0 for whole sums: where one member's blocks leave units without
 * work, each sum becomes several. 100 x 3072 x 50 is 8 blocks of 96 steps on 132 units, or 128
 * of 6. A weight gradient has results enough and few terms. */
static size_t choose_part(const lam_engine *engine, lam_product product, const lam_dense *dense)
{
    if (product == LAM_PRODUCT_BACKWARD_WEIGHTS)
        return 0;
    const lam_product_groups member = {dense->rows, dense->in, dense->out, 1};
    size_t terms = product == LAM_PRODUCT_FORWARD ? dense->in : dense->out;
    size_t blocks =
        count_blocks(get_result_size(product, &member), NOMINAL_BLOCK, NOMINAL_BLOCK);
    size_t parts = lam_divide_up(engine->compute_units, blocks);
    parts = min_size(min_size(parts, MOST_PARTS), terms / LEAST_PART);
    return parts > 1 ? lam_round_up(lam_divide_up(terms, parts), PART_STEP) : 0;
}

/* Elements that are loaded together; they divide a row's length. */
static int choose_load(size_t length)
{
    if (length % 4 == 0)
        return 4;
    return length % 2 == 0 ? 2 : 1;
}

static lam_matmul_variant make_tiles(const lam_engine *engine, lam_product product,
                                     const lam_dense *dense, const tile_shape *tile)
{
    size_t part = choose_part(engine, product, dense);
    size_t terms = product == LAM_PRODUCT_FORWARD ? dense->in : dense->out;
    lam_matmul_variant variant = {.gemm = LAM_GEMM_TILES,
                                  .defines = lam_engine_start_defines(engine),
                                  .shape = group_members(engine, dense, false),
                                  .item_rows = get_block_rows(tile),
                                  .item_columns = get_block_columns(tile),
                                  .parts = part > 0 ? lam_divide_up(terms, part) : 1,
                                  .local = {tile->group_columns, tile->group_rows, 1}};
    lam_define_set_add(&variant.defines, "GROUP_ROWS", (int)tile->group_rows);
    lam_define_set_add(&variant.defines, "GROUP_COLUMNS", (int)tile->group_columns);
    lam_define_set_add(&variant.defines, "WORK_ROWS", (int)tile->work_rows);
    lam_define_set_add(&variant.defines, "WORK_COLUMNS", (int)tile->work_columns);
    lam_define_set_add(&variant.defines, "DEPTH", (int)tile->depth);
    lam_define_set_add(&variant.defines, "IN_LOAD", choose_load(dense->in));
    lam_define_set_add(&variant.defines, "OUT_LOAD", choose_load(dense->out));
    lam_define_set_add(&variant.defines, "PART", (int)part);
    return variant;
}

/* Whether the device can run the tile and most of a block would not lie outside the results. */
static bool tile_suits(const lam_engine *engine, const tile_shape *tile, result_size size)
{
    size_t rows = get_block_rows(tile), columns = get_block_columns(tile);
    size_t items = tile->group_rows * tile->group_columns;
    size_t bytes = (rows + columns + 8) * tile->depth * lam_engine_get_real_bytes(engine);
    return items <= lam_device_get_info(engine->device)->largest_work_group &&
           bytes <= LEAST_LOCAL_BYTES && rows < 2 * size.rows && columns < 2 * size.columns;
}

/* First the largest blocks that leave at most a quarter of the units without one, or where none
 * do the smallest; then the others. */
static size_t list_tiles(const lam_engine *engine, lam_product product, const lam_dense *dense,
                         lam_matmul_variant *variants)
{
    size_t count = 0, first = 0;
    bool has_first = false;
    for (size_t i = 0; i < TILE_SHAPES; i++) {
        lam_matmul_variant variant = make_tiles(engine, product, dense, &tile_shapes[i]);
        result_size size = get_result_size(product, &variant.shape);
        bool is_last = i == TILE_SHAPES - 1;
        if (!is_last && !tile_suits(engine, &tile_shapes[i], size))
            continue;
        size_t blocks = count_blocks(size, variant.item_rows, variant.item_columns) *
                        variant.shape.groups * variant.parts;
        if (!has_first) {
            has_first = 4 * blocks >= 3 * engine->compute_units;
            first = count;
        }
        variants[count++] = variant;
    }
    lam_matmul_variant best = variants[first];
    memmove(variants + 1, variants, first * sizeof *variants);
    variants[0] = best;
    return count;
}

bool lam_matmul_wants_panels(const lam_engine *engine, size_t rows, size_t members, size_t out)
{
    return engine->gemm == LAM_GEMM_REGISTERS && rows >= LEAST_PACKED_ROWS &&
           members * out >= LEAST_PACKED_STRIDE;
}

size_t lam_matmul_list_variants(const lam_engine *engine, lam_product product,
                                const lam_dense *dense,
                                lam_matmul_variant ret_variants[LAM_MAX_MATMUL_VARIANTS])
{
    size_t count = 0;
    if (engine->gemm == LAM_GEMM_REGISTERS)
        count = list_registers(engine, product, dense, ret_variants);
    else if (engine->gemm == LAM_GEMM_TILES)
        count = list_tiles(engine, product, dense, ret_variants);
    if (engine->gemm == LAM_GEMM_CLBLAST || engine->may_use_blas)
        ret_variants[count++] = (lam_matmul_variant){
            .gemm = LAM_GEMM_CLBLAST, .shape = group_members(engine, dense, false)};
    return count;
}
