/* SPDX-License-Identifier: Apache-2.0 */
#include "net/optimizer_state.h"

#include <stdlib.h>

static size_t count_values(const lam_optimizer_state *state, int unit, lam_tensor tensor)
{
    return state->count * lam_graph_get_tensor_rows(&state->graph.units[unit], tensor) *
           state->members * state->graph.units[unit].out;
}

static lam_status create_tensors(lam_optimizer_state *state, int unit)
{
    for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++) {
        size_t count = count_values(state, unit, (lam_tensor)t);
        if (count > 0)
            LAM_TRY(lam_engine_create_reals(state->engine, count, "the optimizer's state",
                                            &state->tensors[unit][t]));
    }
    return LAM_STATUS_OK;
}

lam_status lam_optimizer_state_create(const lam_engine *engine, const lam_graph *graph,
                                      size_t members, lam_optimizer_type type,
                                      lam_optimizer_state **ret_state)
{
    lam_status status = LAM_STATUS_OK;
    lam_optimizer_state *state = calloc(1, sizeof *state);
    if (!state)
        return lam_fail_memory(engine->context, "the optimizer's state", sizeof *state);
    *state = (lam_optimizer_state){.engine = engine,
                                   .graph = *graph,
                                   .members = members,
                                   .type = type,
                                   .count = lam_optimizer_count_states(type)};
    for (int u = 0; u < graph->unit_count; u++)
        LAM_TRY_GOTO(status, create_tensors(state, u));
    *ret_state = state;
    return LAM_STATUS_OK;
fail:
    lam_optimizer_state_destroy(&state);
    return status;
}

void lam_optimizer_state_add_need(const lam_engine *engine, const lam_graph *graph,
                                  size_t members, lam_optimizer_type type,
                                  lam_memory_need *need)
{
    const lam_optimizer_state shape = {
        .graph = *graph, .members = members, .count = lam_optimizer_count_states(type)};
    for (int u = 0; u < graph->unit_count; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
            lam_memory_need_add(need,
                                (double)count_values(&shape, u, (lam_tensor)t) *
                                    (double)lam_engine_get_real_bytes(engine),
                                "the optimizer's state");
}

void lam_optimizer_state_destroy(lam_optimizer_state **state)
{
    if (!*state)
        return;
    for (int u = 0; u < (*state)->graph.unit_count; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
            lam_buffer_destroy(&(*state)->tensors[u][t]);
    free(*state);
    *state = NULL;
}

lam_status lam_optimizer_state_reset(lam_optimizer_state *state)
{
    for (int u = 0; u < state->graph.unit_count; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
            if (state->tensors[u][t])
                LAM_TRY(lam_buffer_clear(state->tensors[u][t]));
    return LAM_STATUS_OK;
}

static lam_member_columns find_columns(const lam_optimizer_state *state, int unit,
                                       lam_tensor tensor, size_t member)
{
    const lam_graph_unit *shape = &state->graph.units[unit];
    return (lam_member_columns){.rows = state->count * lam_graph_get_tensor_rows(shape, tensor),
                                .width = shape->out,
                                .members = state->members,
                                .member = member};
}

lam_status lam_optimizer_state_read(const lam_optimizer_state *state, int unit,
                                    lam_tensor tensor, size_t member, double *ret_values)
{
    const lam_member_columns columns = find_columns(state, unit, tensor, member);
    return lam_member_columns_read(state->engine, state->tensors[unit][tensor], &columns,
                                   ret_values);
}

lam_status lam_optimizer_state_write(lam_optimizer_state *state, int unit, lam_tensor tensor,
                                     size_t member, const double *values)
{
    const lam_member_columns columns = find_columns(state, unit, tensor, member);
    return lam_member_columns_write(state->engine, state->tensors[unit][tensor], &columns,
                                    values);
}

lam_status lam_optimizer_state_copy_member(lam_optimizer_state *to, size_t to_member,
                                           const lam_optimizer_state *from, size_t from_member)
{
    for (int u = 0; u < from->graph.unit_count; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++) {
            if (!from->tensors[u][t])
                continue;
            const lam_member_columns columns[2] = {
                find_columns(to, u, (lam_tensor)t, to_member),
                find_columns(from, u, (lam_tensor)t, from_member)};
            LAM_TRY(lam_member_columns_copy(from->engine, to->tensors[u][t], &columns[0],
                                            from->tensors[u][t], &columns[1]));
        }
    return LAM_STATUS_OK;
}

lam_optimizer_state lam_optimizer_state_view_whole(const lam_optimizer_state *state)
{
    lam_optimizer_state view = *state;
    view.members = 1;
    for (int u = 0; u < view.graph.unit_count; u++)
        view.graph.units[u].out *= state->members;
    return view;
}
