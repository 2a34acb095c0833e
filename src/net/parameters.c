/* SPDX-License-Identifier: Apache-2.0 */
#include "net/parameters.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

/* For messages about memory. */
static const char *describe_memory(lam_tensor tensor)
{
    return tensor == LAM_TENSOR_WEIGHT ? "weights" : "biases and batch normalization";
}

static lam_status create_tensors(lam_parameters *parameters, int unit)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    for (int t = 0; t < LAM_TENSOR_COUNT; t++) {
        size_t rows = lam_graph_get_tensor_rows(shape, (lam_tensor)t);
        if (rows > 0)
            LAM_TRY(lam_engine_create_reals(
                parameters->engine, rows * parameters->members * shape->out,
                describe_memory((lam_tensor)t), &parameters->tensors[unit][t]));
    }
    return LAM_STATUS_OK;
}

/* Of members whose graphs are `stride` apart. */
static lam_status create_parameters(const lam_engine *engine, const lam_graph *graphs,
                                    size_t stride, size_t members,
                                    lam_parameters **ret_parameters)
{
    lam_status status = LAM_STATUS_OK;
    lam_parameters *parameters = calloc(1, sizeof *parameters);
    if (!parameters)
        return lam_fail_memory(engine->context, "the parameters", sizeof *parameters);
    parameters->engine = engine;
    parameters->graph = graphs[0];
    parameters->members = members;
    parameters->graphs = malloc(members * sizeof *graphs);
    if (!parameters->graphs)
        LAM_TRY_GOTO(status,
                     lam_fail_memory(engine->context, "graphs", members * sizeof *graphs));
    for (size_t p = 0; p < members; p++)
        parameters->graphs[p] = graphs[p * stride];
    for (int u = 0; u < graphs[0].unit_count; u++)
        LAM_TRY_GOTO(status, create_tensors(parameters, u));
    *ret_parameters = parameters;
    return LAM_STATUS_OK;
fail:
    lam_parameters_destroy(&parameters);
    return status;
}

lam_status lam_parameters_create(const lam_engine *engine, const lam_graph *graph,
                                 size_t members, lam_parameters **ret_parameters)
{
    return create_parameters(engine, graph, 0, members, ret_parameters);
}

lam_status lam_parameters_create_each(const lam_engine *engine, const lam_graph *graphs,
                                      size_t members, lam_parameters **ret_parameters)
{
    return create_parameters(engine, graphs, 1, members, ret_parameters);
}

void lam_parameters_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                             lam_memory_need *need)
{
    for (int u = 0; u < graph->unit_count; u++)
        for (int t = 0; t < LAM_TENSOR_COUNT; t++)
            lam_memory_need_add(
                need,
                (double)lam_graph_get_tensor_rows(&graph->units[u], (lam_tensor)t) *
                    (double)members * (double)graph->units[u].out *
                    (double)lam_engine_get_real_bytes(engine),
                describe_memory((lam_tensor)t));
}

void lam_parameters_destroy(lam_parameters **parameters)
{
    if (!*parameters)
        return;
    for (int u = 0; u < (*parameters)->graph.unit_count; u++)
        for (int t = 0; t < LAM_TENSOR_COUNT; t++)
            lam_buffer_destroy(&(*parameters)->tensors[u][t]);
    free((*parameters)->graphs);
    free(*parameters);
    *parameters = NULL;
}

lam_parameters lam_parameters_view(const lam_parameters *parameters,
                                   lam_buffer *const statistics[LAM_MAX_LAYERS])
{
    lam_parameters view = *parameters;
    for (int u = 0; u < view.graph.unit_count; u++)
        view.tensors[u][LAM_TENSOR_STATISTICS] = statistics[u];
    return view;
}

static lam_member_columns get_columns(const lam_parameters *parameters, int unit,
                                      lam_tensor tensor, size_t member)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    return (lam_member_columns){.rows = lam_graph_get_tensor_rows(shape, tensor),
                                .width = shape->out,
                                .members = parameters->members,
                                .member = member};
}

lam_status lam_parameters_read(const lam_parameters *parameters, int unit, lam_tensor tensor,
                               size_t member, double *ret_values)
{
    const lam_member_columns columns = get_columns(parameters, unit, tensor, member);
    return lam_member_columns_read(parameters->engine, parameters->tensors[unit][tensor],
                                   &columns, ret_values);
}

lam_status lam_parameters_write(lam_parameters *parameters, int unit, lam_tensor tensor,
                                size_t member, const double *values)
{
    const lam_member_columns columns = get_columns(parameters, unit, tensor, member);
    return lam_member_columns_write(parameters->engine, parameters->tensors[unit][tensor],
                                    &columns, values);
}

lam_status lam_parameters_copy_member(lam_parameters *to, size_t to_member,
                                      const lam_parameters *from, size_t from_member)
{
    for (int u = 0; u < from->graph.unit_count; u++)
        for (int t = 0; t < LAM_TENSOR_COUNT; t++) {
            if (!from->tensors[u][t])
                continue;
            const lam_member_columns columns[2] = {
                get_columns(to, u, (lam_tensor)t, to_member),
                get_columns(from, u, (lam_tensor)t, from_member)};
            LAM_TRY(lam_member_columns_copy(from->engine, to->tensors[u][t], &columns[0],
                                            from->tensors[u][t], &columns[1]));
        }
    return LAM_STATUS_OK;
}

lam_parameters lam_parameters_view_whole(const lam_parameters *parameters)
{
    lam_parameters view = *parameters;
    view.members = 1;
    for (int u = 0; u < view.graph.unit_count; u++)
        view.graph.units[u].out *= parameters->members;
    return view;
}

static double get_sigma(const lam_graph_unit *unit)
{
    double in = (double)unit->in, out = (double)unit->out;
    switch (unit->initialization.type) {
    case LAM_INITIALIZATION_HE:
        return sqrt(2 / in);
    case LAM_INITIALIZATION_FAN_IN:
        return 1 / sqrt(in);
    case LAM_INITIALIZATION_GLOROT:
        return sqrt(2 / (in + out));
    case LAM_INITIALIZATION_CONSTANT:
        break;
    }
    return unit->initialization.sigma;
}

/* Everything but weights: gamma and variances (the last row of the statistics) are 1. */
static void fill_constants(lam_tensor tensor, size_t rows, size_t width, double *values)
{
    for (size_t i = 0; i < rows * width; i++)
        values[i] = tensor == LAM_TENSOR_GAMMA ||
                    (tensor == LAM_TENSOR_STATISTICS && i >= (rows - 1) * width);
}

static lam_status initialize_tensor(lam_parameters *parameters, int unit, lam_tensor tensor,
                                    size_t member, uint64_t seed)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    size_t rows = lam_graph_get_tensor_rows(shape, tensor), count = rows * shape->out;
    double *values = malloc(count * sizeof *values);
    if (!values)
        return lam_fail_memory(parameters->engine->context, "initial weights",
                               count * sizeof *values);
    const lam_graph *graph = &parameters->graphs[member == LAM_ALL_MEMBERS ? 0 : member];
    double sigma = get_sigma(&graph->units[unit]);
    lam_random random =
        lam_random_start(seed, LAM_RANDOM_STREAM_INITIALIZATION, (uint32_t)unit);
    fill_constants(tensor, rows, shape->out, values);
    for (size_t i = 0; i < count && tensor == LAM_TENSOR_WEIGHT; i++)
        values[i] = sigma * lam_random_normal(&random);
    lam_status status = lam_parameters_write(parameters, unit, tensor, member, values);
    free(values);
    return status;
}

lam_status lam_parameters_initialize(lam_parameters *parameters, size_t member, uint64_t seed)
{
    for (int u = 0; u < parameters->graph.unit_count; u++)
        for (int t = 0; t < LAM_TENSOR_COUNT; t++)
            if (parameters->tensors[u][t])
                LAM_TRY(initialize_tensor(parameters, u, (lam_tensor)t, member, seed));
    return LAM_STATUS_OK;
}
