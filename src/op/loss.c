/* SPDX-License-Identifier: Apache-2.0 */
#include "op/loss.h"

#include "base/checked.h"

size_t lam_loss_get_blocks(size_t rows)
{
    return lam_divide_up(rows, LAM_LOSS_BLOCK_ROWS);
}

lam_status lam_loss_add(const lam_engine *engine, lam_plan *plan,
                        const lam_loss_operands *operands)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "VEC", engine->vector_lanes);
    lam_define_set_add(&defines, "BLOCK_ROWS", LAM_LOSS_BLOCK_ROWS);
    lam_define_set_add(&defines, "LOSS", operands->loss);
    lam_define_set_add(&defines, "BACKWARD", operands->dlogits != NULL);
    lam_define_set_add(&defines, "CLASSES", (int)operands->classes);
    lam_launch_builder launch = lam_launch_begin(engine, plan, "loss", "loss", &defines);
    if (operands->dlogits)
        lam_launch_bind_buffer(&launch, operands->dlogits);
    lam_launch_bind_buffer(&launch, operands->loss_sum);
    lam_launch_bind_buffer(&launch, operands->hit_count);
    lam_launch_bind_buffer(&launch, operands->logits);
    lam_launch_bind_buffer(&launch, operands->labels);
    lam_launch_bind_buffer(&launch, operands->order);
    if (operands->loss == LAM_LOSS_SOFTMAX_CROSS_ENTROPY)
        lam_launch_bind_buffer(&launch, operands->smoothing);
    lam_launch_bind_int(&launch, operands->rows);
    lam_launch_bind_int(&launch, operands->limit);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {operands->members, lam_loss_get_blocks(operands->rows), 1};
    const size_t local[3] = {1, 1, 1};
    return lam_plan_add_launch(&launch, items, local);
}
