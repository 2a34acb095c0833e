/* SPDX-License-Identifier: Apache-2.0 */
#include "net/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "net/member_columns.h"

lam_status lam_parameters_create(const lam_engine *engine, const lam_graph *graph,
                                 size_t members, lam_parameters **ret_parameters)
{
    lam_status status = LAM_STATUS_OK;
    lam_parameters *parameters = calloc(1, sizeof *parameters);
    if (!parameters)
        return lam_fail_memory(engine->context, "the parameters", sizeof *parameters);
    parameters->engine = engine;
    parameters->graph = *graph;
    parameters->members = members;
    for (int u = 0; u < graph->unit_count; u++) {
        const lam_graph_unit *unit = &graph->units[u];
        size_t width = members * unit->out;
        LAM_TRY_GOTO(status, lam_engine_create_reals(engine, unit->in * width, "weights",
                                                     &parameters->w[u]));
        LAM_TRY_GOTO(status,
                     lam_engine_create_reals(engine, width, "biases", &parameters->b[u]));
    }
    *ret_parameters = parameters;
    return LAM_STATUS_OK;
fail:
    lam_parameters_destroy(&parameters);
    return status;
}

void lam_parameters_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                             lam_memory_need *need)
{
    for (int u = 0; u < graph->unit_count; u++) {
        double width = (double)(members * graph->units[u].out);
        double row_bytes = width * (double)lam_engine_get_real_bytes(engine);
        lam_memory_need_add(need, (double)graph->units[u].in * row_bytes, "weights");
        lam_memory_need_add(need, row_bytes, "biases");
    }
}

void lam_parameters_destroy(lam_parameters **parameters)
{
    if (!*parameters)
        return;
    for (int u = 0; u < (*parameters)->graph.unit_count; u++) {
        lam_buffer_destroy(&(*parameters)->w[u]);
        lam_buffer_destroy(&(*parameters)->b[u]);
    }
    free(*parameters);
    *parameters = NULL;
}

static lam_status write_all_columns(lam_parameters *parameters, lam_buffer *buffer, size_t rows,
                                    size_t width, const double *values)
{
    size_t stride = parameters->members * width;
    double *all = malloc(rows * stride * sizeof *all);
    if (!all)
        return lam_fail_memory(parameters->engine->context, "writing parameters",
                               rows * stride * sizeof *all);
    for (size_t k = 0; k < rows; k++)
        for (size_t p = 0; p < parameters->members; p++)
            memcpy(all + k * stride + p * width, values + k * width, width * sizeof *all);
    lam_status status =
        lam_engine_write_reals(parameters->engine, buffer, 0, all, rows * stride);
    free(all);
    return status;
}

lam_status lam_parameters_read(const lam_parameters *parameters, int unit, size_t member,
                               double *ret_w, double *ret_b)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    const lam_member_columns w = {shape->in, shape->out, parameters->members, member},
                             b = {1, shape->out, parameters->members, member};
    LAM_TRY(lam_member_columns_read(parameters->engine, parameters->w[unit], &w, ret_w));
    return lam_member_columns_read(parameters->engine, parameters->b[unit], &b, ret_b);
}

lam_status lam_parameters_write_all(lam_parameters *parameters, int unit, const double *w,
                                    const double *b)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    LAM_TRY(write_all_columns(parameters, parameters->w[unit], shape->in, shape->out, w));
    return write_all_columns(parameters, parameters->b[unit], 1, shape->out, b);
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

static lam_status initialize_unit(lam_parameters *parameters, int unit, uint64_t seed)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    size_t count = shape->in * shape->out;
    double *values = calloc(count + shape->out, sizeof *values);
    if (!values)
        return lam_fail_memory(parameters->engine->context, "initial weights",
                               count * sizeof *values);
    double sigma = get_sigma(shape);
    lam_random random =
        lam_random_start(seed, LAM_RANDOM_STREAM_INITIALIZATION, (uint32_t)unit);
    for (size_t i = 0; i < count; i++)
        values[i] = sigma * lam_random_normal(&random);
    lam_status status = lam_parameters_write_all(parameters, unit, values, values + count);
    free(values);
    return status;
}

lam_status lam_parameters_initialize(lam_parameters *parameters, uint64_t seed)
{
    for (int u = 0; u < parameters->graph.unit_count; u++)
        LAM_TRY(initialize_unit(parameters, u, seed));
    return LAM_STATUS_OK;
}
