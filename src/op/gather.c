/* SPDX-License-Identifier: Apache-2.0 */
#include "op/gather.h"

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

lam_status lam_gather_add(const lam_engine *engine, lam_plan *plan, const lam_input *input,
                          size_t rows, size_t in, lam_buffer *x)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "GATHER", 1);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, "gather", "gather_forward", &defines);
    lam_launch_bind_buffer(&launch, x);
    lam_input_bind(&launch, input);
    lam_launch_bind_int(&launch, rows);
    lam_launch_bind_int(&launch, in);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {in, rows, 1};
    return lam_plan_add_launch(&launch, items, lam_any_local);
}
