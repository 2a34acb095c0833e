/* SPDX-License-Identifier: Apache-2.0 */
#include "op/epilogue.h"

#include <assert.h>

#include "base/checked.h"
#include "base/random.h"

/* Values of STATISTICS in cl/epilogue.cl. */
enum { STATISTICS_GIVEN, STATISTICS_OF_BATCH, STATISTICS_KEPT };

/* How the launch is divided. Where a work-item runs on a core of its own it has columns to
 * itself; elsewhere many share the rows of a few. */
typedef struct launch_shape {
    size_t lanes, row_items, column_items, block_rows;
} launch_shape;

static launch_shape choose_shape(const lam_engine *engine)
{
    if (engine->gemm == LAM_GEMM_REGISTERS)
        return (launch_shape){(size_t)engine->vector_lanes, 1, 1, 16};
    return (launch_shape){4, 32, 4, 4};
}

static int get_statistics(const lam_epilogue_norm *norm)
{
    if (norm->place == LAM_NORM_PLACE_NONE || !norm->batch)
        return STATISTICS_GIVEN;
    return norm->moments ? STATISTICS_KEPT : STATISTICS_OF_BATCH;
}

static lam_launch_builder begin(const lam_engine *engine, lam_plan *plan, const char *entry,
                                const lam_epilogue *epilogue,
                                const lam_epilogue_gradient *gradient)
{
    const launch_shape shape = choose_shape(engine);
    bool adds_dskip = gradient && gradient->accumulates_dskip;
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "VEC", (int)shape.lanes);
    lam_define_set_add(&defines, "LAST_LANES", (int)((epilogue->width - 1) % shape.lanes) + 1);
    lam_define_set_add(&defines, "ROW_ITEMS", (int)shape.row_items);
    lam_define_set_add(&defines, "COLUMN_ITEMS", (int)shape.column_items);
    lam_define_set_add(&defines, "BLOCK_ROWS", (int)shape.block_rows);
    lam_define_set_add(&defines, "ACTIVATION", (int)epilogue->activation);
    lam_define_set_add(&defines, "NORM", (int)epilogue->norm.place);
    lam_define_set_add(&defines, "STATISTICS", get_statistics(&epilogue->norm));
    lam_define_set_add(&defines, "SKIP", !epilogue->skip ? 0 : adds_dskip ? 2 : 1);
    lam_define_set_add(&defines, "DROPOUT", epilogue->dropout.rate != NULL);
    lam_define_set_add(&defines, "SKIP_IN", gradient && gradient->dskip_in);
    if (gradient)
        lam_define_set_add(
            &defines, "UPDATE",
            lam_update_get_define(gradient->norm.table, gradient->norm.optimizer));
    return lam_launch_begin(engine, plan, "epilogue", entry, &defines);
}

/* The arguments that both passes end with, and the launch. */
static lam_status add(const lam_engine *engine, lam_launch_builder *launch,
                      const lam_epilogue *epilogue, const lam_buffer *table)
{
    lam_launch_bind_buffer(launch, epilogue->dropout.rate);
    lam_launch_bind_buffer(launch, epilogue->inputs.seeds);
    lam_launch_bind_buffer(launch, epilogue->inputs.first_step);
    lam_launch_bind_buffer(launch, table);
    lam_launch_bind_int(launch, epilogue->rows);
    lam_launch_bind_int(launch, epilogue->width);
    lam_launch_bind_int(launch, epilogue->members);
    lam_launch_bind_int(launch, LAM_RANDOM_STREAM_DROPOUT + 256 * epilogue->dropout.unit);
    lam_launch_bind_step(launch);
    const launch_shape shape = choose_shape(engine);
    size_t strips = epilogue->members * lam_divide_up(epilogue->width, shape.lanes);
    if (get_statistics(&epilogue->norm) != STATISTICS_GIVEN) {
        const size_t items[3] = {strips, shape.row_items, 1};
        const size_t local[3] = {shape.column_items, shape.row_items, 1};
        return lam_plan_add_launch(launch, items, local);
    }
    static const size_t alone[3] = {1, 1, 1};
    const size_t items[3] = {strips, lam_divide_up(epilogue->rows, shape.block_rows), 1};
    launch->has_rows = true;
    return lam_plan_add_launch(launch, items, shape.row_items == 1 ? alone : lam_any_local);
}

lam_status lam_epilogue_add_forward(const lam_engine *engine, lam_plan *plan,
                                    const lam_epilogue *epilogue, lam_buffer *z, lam_buffer *y)
{
    const lam_epilogue_norm *norm = &epilogue->norm;
    assert(norm->place == LAM_NORM_PLACE_NONE || norm->batch || norm->moments);
    assert(get_statistics(norm) != STATISTICS_KEPT || epilogue->inputs.table);
    lam_launch_builder launch = begin(engine, plan, "epilogue_forward", epilogue, NULL);
    lam_launch_bind_buffer(&launch, y);
    lam_launch_bind_buffer(&launch, z);
    lam_launch_bind_buffer(&launch, epilogue->skip);
    lam_launch_bind_buffer(&launch, norm->gamma);
    lam_launch_bind_buffer(&launch, norm->beta);
    lam_launch_bind_buffer(&launch, norm->constants);
    lam_launch_bind_buffer(&launch, norm->batch);
    lam_launch_bind_buffer(&launch, norm->moments);
    return add(engine, &launch, epilogue, epilogue->inputs.table);
}

lam_status lam_epilogue_add_backward(const lam_engine *engine, lam_plan *plan,
                                     const lam_epilogue *epilogue, const lam_buffer *z,
                                     const lam_buffer *y, const lam_epilogue_gradient *gradient)
{
    const lam_epilogue_norm *norm = &epilogue->norm;
    assert(norm->place == LAM_NORM_PLACE_NONE || norm->batch);
    assert((epilogue->skip != NULL) == (gradient->dskip != NULL));
    lam_launch_builder launch = begin(engine, plan, "epilogue_backward", epilogue, gradient);
    lam_launch_bind_buffer(&launch, gradient->dz);
    lam_launch_bind_buffer(&launch, gradient->dskip);
    lam_launch_bind_buffer(&launch, norm->gamma);
    lam_launch_bind_buffer(&launch, norm->beta);
    lam_launch_bind_buffer(&launch, gradient->norm.w_states);
    lam_launch_bind_buffer(&launch, gradient->norm.b_states);
    lam_launch_bind_buffer(&launch, gradient->norm.dw);
    lam_launch_bind_buffer(&launch, gradient->norm.db);
    lam_launch_bind_buffer(&launch, gradient->dy);
    lam_launch_bind_buffer(&launch, gradient->dskip_in);
    lam_launch_bind_buffer(&launch, z);
    lam_launch_bind_buffer(&launch, y);
    lam_launch_bind_buffer(&launch, norm->batch);
    return add(engine, &launch, epilogue, gradient->norm.table);
}
