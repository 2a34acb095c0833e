/* SPDX-License-Identifier: Apache-2.0 */
#include "op/update.h"

#include "op/penalty.h"

size_t lam_optimizer_count_states(lam_optimizer_type optimizer)
{
    switch (optimizer) {
    case LAM_OPTIMIZER_MOMENTUM:
    case LAM_OPTIMIZER_NESTEROV:
        return 1;
    case LAM_OPTIMIZER_ADAM:
    case LAM_OPTIMIZER_ADAMW:
        return LAM_MAX_OPTIMIZER_STATES;
    case LAM_OPTIMIZER_SGD:
        break;
    }
    return 0;
}

int lam_update_get_define(const lam_buffer *table, lam_optimizer_type optimizer)
{
    return table ? 1 + (int)optimizer : 0;
}

static lam_launch_builder begin(const lam_engine *engine, lam_plan *plan, const char *entry,
                                const lam_buffer *table, lam_optimizer_type optimizer)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "UPDATE", lam_update_get_define(table, optimizer));
    return lam_launch_begin(engine, plan, "update", entry, &defines);
}

lam_status lam_update_add_weights(const lam_engine *engine, lam_plan *plan,
                                  const lam_weight_gradient *gradient, size_t in, size_t out,
                                  size_t members, lam_buffer *w, lam_buffer *dw)
{
    lam_launch_builder launch =
        begin(engine, plan, "update_weights", gradient->table, gradient->optimizer);
    lam_launch_bind_buffer(&launch, w);
    lam_launch_bind_buffer(&launch, gradient->w_states);
    lam_launch_bind_buffer(&launch, dw);
    lam_launch_bind_buffer(&launch, gradient->table);
    lam_launch_bind_buffer(&launch, gradient->l2);
    lam_launch_bind_int(&launch, out);
    lam_launch_bind_int(&launch, members);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {members * out, in, 1};
    return lam_plan_add_launch(&launch, items, lam_any_local);
}

lam_status lam_update_add_bias(const lam_engine *engine, lam_plan *plan,
                               const lam_weight_gradient *gradient, size_t rows, size_t out,
                               size_t members, const lam_buffer *dy, lam_buffer *b)
{
    lam_launch_builder launch =
        begin(engine, plan, "update_bias", gradient->table, gradient->optimizer);
    lam_launch_bind_buffer(&launch, b);
    lam_launch_bind_buffer(&launch, gradient->b_states);
    lam_launch_bind_buffer(&launch, gradient->db);
    lam_launch_bind_buffer(&launch, gradient->table);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_int(&launch, rows);
    lam_launch_bind_int(&launch, out);
    lam_launch_bind_int(&launch, members);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {members * out, 1, 1};
    return lam_plan_add_launch(&launch, items, lam_any_local);
}

/* ---- clipping ---- */

static lam_status create_scratch(const lam_engine *engine, lam_plan *plan, size_t count,
                                 lam_buffer **ret_buffer)
{
    lam_buffer *buffer = NULL;
    LAM_TRY(lam_engine_create_reals(engine, count, "a gradient's norm", &buffer));
    LAM_TRY(lam_plan_take_buffer(plan, buffer));
    *ret_buffer = buffer;
    return LAM_STATUS_OK;
}

/* scale real[members] from the gradients of all tensors. */
static lam_status add_scale(const lam_engine *engine, lam_plan *plan,
                            const lam_clipped_tensor *tensors, int count,
                            const lam_buffer *clip_norm, lam_buffer *scale)
{
    size_t blocks = 0, first = 0, members = tensors[0].members;
    lam_buffer *squares = NULL;
    for (int i = 0; i < count; i++)
        blocks += lam_penalty_get_blocks(tensors[i].rows);
    LAM_TRY(create_scratch(engine, plan, blocks * members, &squares));
    for (int i = 0; i < count; i++) {
        const lam_clipped_tensor *t = &tensors[i];
        LAM_TRY(lam_penalty_add(engine, plan, t->gradients, t->rows, t->width, members, first,
                                squares));
        first += lam_penalty_get_blocks(t->rows);
    }
    lam_launch_builder launch = begin(engine, plan, "clip_scale", NULL, LAM_OPTIMIZER_SGD);
    lam_launch_bind_buffer(&launch, scale);
    lam_launch_bind_buffer(&launch, squares);
    lam_launch_bind_buffer(&launch, clip_norm);
    lam_launch_bind_int(&launch, blocks);
    return lam_plan_add_launch(&launch, (size_t[3]){members, 1, 1}, lam_any_local);
}

lam_status lam_update_add_clipped(const lam_engine *engine, lam_plan *plan,
                                  const lam_clipped_tensor *tensors, int count,
                                  const lam_buffer *table, lam_optimizer_type optimizer,
                                  const lam_buffer *clip_norm)
{
    lam_buffer *scale = NULL;
    LAM_TRY(create_scratch(engine, plan, tensors[0].members, &scale));
    LAM_TRY(add_scale(engine, plan, tensors, count, clip_norm, scale));
    for (int i = 0; i < count; i++) {
        const lam_clipped_tensor *t = &tensors[i];
        lam_launch_builder launch = begin(engine, plan, "update_clipped", table, optimizer);
        lam_launch_bind_buffer(&launch, t->values);
        lam_launch_bind_buffer(&launch, t->states);
        lam_launch_bind_buffer(&launch, t->gradients);
        lam_launch_bind_buffer(&launch, table);
        lam_launch_bind_buffer(&launch, scale);
        lam_launch_bind_int(&launch, t->width);
        lam_launch_bind_int(&launch, t->members);
        lam_launch_bind_int(&launch, t->decays);
        lam_launch_bind_step(&launch);
        const size_t items[3] = {t->members * t->width, t->rows, 1};
        LAM_TRY(lam_plan_add_launch(&launch, items, lam_any_local));
    }
    return LAM_STATUS_OK;
}
