/* SPDX-License-Identifier: Apache-2.0 */
#include "op/gather.h"

#include "base/checked.h"

void lam_input_bind(lam_launch_builder *launch, const lam_input *input)
{
    if (input->x) {
        lam_launch_bind_buffer(launch, input->x);
        return;
    }
    lam_launch_bind_buffer(launch, input->images);
    lam_launch_bind_buffer(launch, input->order);
    lam_launch_bind_buffer(launch, input->scale);
    lam_launch_bind_buffer(launch, input->shift);
}

static lam_status add(const lam_engine *engine, lam_plan *plan, const char *entry,
                      const lam_input *input, size_t rows, size_t in, lam_buffer *x,
                      const size_t items[3], const size_t local[3])
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "GATHER", 1);
    lam_launch_builder launch = lam_launch_begin(engine, plan, "gather", entry, &defines);
    lam_launch_bind_buffer(&launch, x);
    lam_input_bind(&launch, input);
    lam_launch_bind_int(&launch, rows);
    lam_launch_bind_int(&launch, in);
    lam_launch_bind_step(&launch);
    return lam_plan_add_launch(&launch, items, local);
}

lam_status lam_gather_add(const lam_engine *engine, lam_plan *plan, const lam_input *input,
                          size_t rows, size_t in, lam_buffer *x)
{
    const size_t items[3] = {in, rows, 1};
    return add(engine, plan, "gather_forward", input, rows, in, x, items, lam_any_local);
}

/* Panels that a work-item of cl/gather.cl makes. */
enum { ITEM_PANELS = 4 };

/* Tiles of rows may read up to a panel's columns of rows past the last. */
size_t lam_gather_count_panel_reals(size_t rows, size_t in)
{
    size_t panels = lam_divide_up(in, LAM_PANEL_COLUMNS);
    return (panels * lam_round_up(rows, LAM_PANEL_COLUMNS) + LAM_PANEL_COLUMNS) *
           LAM_PANEL_COLUMNS;
}

lam_status lam_gather_add_panels(const lam_engine *engine, lam_plan *plan,
                                 const lam_input *input, size_t rows, size_t in, lam_buffer *x)
{
    static const size_t alone[3] = {1, 1, 1};
    const size_t items[3] = {1, lam_divide_up(in, LAM_PANEL_COLUMNS * ITEM_PANELS), 1};
    return add(engine, plan, "gather_panels", input, rows, in, x, items, alone);
}
