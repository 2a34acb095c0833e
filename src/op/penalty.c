/* SPDX-License-Identifier: Apache-2.0 */
#include "op/penalty.h"

#include "base/checked.h"

enum { BLOCK_ROWS = 64 };

size_t lam_penalty_get_blocks(size_t in)
{
    return lam_divide_up(in, BLOCK_ROWS);
}

lam_status lam_penalty_add(const lam_engine *engine, lam_plan *plan, const lam_buffer *w,
                           size_t in, size_t out, size_t members, size_t first,
                           lam_buffer *squares)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "BLOCK_ROWS", BLOCK_ROWS);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, "penalty", "penalty_forward", &defines);
    lam_launch_bind_buffer(&launch, squares);
    lam_launch_bind_buffer(&launch, w);
    lam_launch_bind_int(&launch, in);
    lam_launch_bind_int(&launch, out);
    lam_launch_bind_int(&launch, first);
    const size_t items[3] = {members, lam_penalty_get_blocks(in), 1};
    const size_t local[3] = {1, 1, 1};
    return lam_plan_add_launch(&launch, items, local);
}
