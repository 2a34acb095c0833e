/* SPDX-License-Identifier: Apache-2.0 */
#include "op/softmax_cross_entropy.h"

#include "base/checked.h"

size_t lam_softmax_cross_entropy_get_blocks(size_t rows)
{
    return lam_divide_up(rows, LAM_LOSS_BLOCK_ROWS);
}

lam_status lam_softmax_cross_entropy_add(const lam_engine *engine, lam_plan *plan,
                                         const lam_softmax_cross_entropy *loss)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "VEC", engine->vector_lanes);
    lam_define_set_add(&defines, "BLOCK_ROWS", LAM_LOSS_BLOCK_ROWS);
    lam_define_set_add(&defines, "BACKWARD", loss->dlogits != NULL);
    lam_launch_builder launch = lam_launch_begin(engine, plan, "softmax_cross_entropy",
                                                 "softmax_cross_entropy", &defines);
    if (loss->dlogits)
        lam_launch_bind_buffer(&launch, loss->dlogits);
    lam_launch_bind_buffer(&launch, loss->loss_sum);
    lam_launch_bind_buffer(&launch, loss->hit_count);
    lam_launch_bind_buffer(&launch, loss->logits);
    lam_launch_bind_buffer(&launch, loss->labels);
    lam_launch_bind_buffer(&launch, loss->order);
    lam_launch_bind_int(&launch, loss->rows);
    lam_launch_bind_int(&launch, loss->classes);
    lam_launch_bind_int(&launch, loss->limit);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {loss->members, lam_softmax_cross_entropy_get_blocks(loss->rows),
                             1};
    const size_t local[3] = {1, 1, 1};
    return lam_plan_add_launch(&launch, items, local);
}
