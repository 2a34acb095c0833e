/* SPDX-License-Identifier: Apache-2.0 */
#include "net/optimizer_state.h"

#include <stdlib.h>

#include "net/member_columns.h"

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
    for (int u = 0; u < graph->unit_count && state->count > 0; u++) {
        size_t biases = state->count * members * graph->units[u].out;
        LAM_TRY_GOTO(status, lam_engine_create_reals(engine, graph->units[u].in * biases,
                                                     "the optimizer's state", &state->w[u]));
        LAM_TRY_GOTO(status, lam_engine_create_reals(engine, biases, "the optimizer's state",
                                                     &state->b[u]));
    }
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
    double value_bytes =
        (double)(lam_optimizer_count_states(type) * lam_engine_get_real_bytes(engine));
    for (int u = 0; u < graph->unit_count; u++) {
        double bytes = value_bytes * (double)(members * graph->units[u].out);
        lam_memory_need_add(need, (double)graph->units[u].in * bytes, "the optimizer's state");
        lam_memory_need_add(need, bytes, "the optimizer's state");
    }
}

void lam_optimizer_state_destroy(lam_optimizer_state **state)
{
    if (!*state)
        return;
    for (int u = 0; u < (*state)->graph.unit_count; u++) {
        lam_buffer_destroy(&(*state)->w[u]);
        lam_buffer_destroy(&(*state)->b[u]);
    }
    free(*state);
    *state = NULL;
}

lam_status lam_optimizer_state_reset(lam_optimizer_state *state)
{
    for (int u = 0; u < state->graph.unit_count && state->count > 0; u++) {
        LAM_TRY(lam_buffer_clear(state->w[u]));
        LAM_TRY(lam_buffer_clear(state->b[u]));
    }
    return LAM_STATUS_OK;
}

static lam_member_columns find_columns(const lam_optimizer_state *state, size_t rows, int unit,
                                       size_t member)
{
    return (lam_member_columns){.rows = state->count * rows,
                                .width = state->graph.units[unit].out,
                                .members = state->members,
                                .member = member};
}

lam_status lam_optimizer_state_read(const lam_optimizer_state *state, int unit, size_t member,
                                    double *ret_w, double *ret_b)
{
    const lam_member_columns w = find_columns(state, state->graph.units[unit].in, unit, member),
                             b = find_columns(state, 1, unit, member);
    if (state->count == 0)
        return LAM_STATUS_OK;
    LAM_TRY(lam_member_columns_read(state->engine, state->w[unit], &w, ret_w));
    return lam_member_columns_read(state->engine, state->b[unit], &b, ret_b);
}

lam_status lam_optimizer_state_write(lam_optimizer_state *state, int unit, size_t member,
                                     const double *w, const double *b)
{
    const lam_member_columns w_columns =
                                 find_columns(state, state->graph.units[unit].in, unit, member),
                             b_columns = find_columns(state, 1, unit, member);
    if (state->count == 0)
        return LAM_STATUS_OK;
    LAM_TRY(lam_member_columns_write(state->engine, state->w[unit], &w_columns, w));
    return lam_member_columns_write(state->engine, state->b[unit], &b_columns, b);
}
