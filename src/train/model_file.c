/* SPDX-License-Identifier: Apache-2.0 */
#include "train/model_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lamina/version.h"
#include "train/safetensors.h"

#define NAME_BYTES 64

static void name_tensor(char name[NAME_BYTES], int unit, const char *part)
{
    snprintf(name, NAME_BYTES, "layer%d.%s", unit + 1, part);
}

static lam_status add_unit(lam_safetensors_writer *writer, const lam_parameters *parameters,
                           size_t member, int unit)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    const size_t w_shape[2] = {shape->in, shape->out};
    char name[NAME_BYTES];
    double *w = malloc((shape->in + 1) * shape->out * sizeof *w);
    if (!w)
        return lam_fail_memory(parameters->engine->context, "a model file",
                               (shape->in + 1) * shape->out * sizeof *w);
    double *b = w + shape->in * shape->out;
    lam_status status = lam_parameters_read(parameters, unit, member, w, b);
    name_tensor(name, unit, "weight");
    if (status == LAM_STATUS_OK)
        status = lam_safetensors_writer_add(writer, name, false, w_shape, 2, w);
    name_tensor(name, unit, "bias");
    if (status == LAM_STATUS_OK)
        status = lam_safetensors_writer_add(writer, name, false, &w_shape[1], 1, b);
    free(w);
    return status;
}

/* ---- the optimizer's states of one unit: all its weights', then all its biases' ---- */

/* A tensor of a unit's states, with where its values are among the unit's. */
typedef struct state_tensor {
    char name[NAME_BYTES];
    size_t shape[2];
    int rank;
    size_t first;
} state_tensor;

static size_t count_state_values(const lam_optimizer_state *state, int unit)
{
    const lam_graph_unit *shape = &state->graph.units[unit];
    return state->count * (shape->in + 1) * shape->out;
}

static state_tensor find_state_tensor(const lam_optimizer_state *state, int unit, size_t index)
{
    const lam_graph_unit *shape = &state->graph.units[unit];
    bool is_bias = index >= state->count;
    size_t s = index % state->count, weights = shape->in * shape->out;
    state_tensor tensor = {.shape = {shape->in, shape->out}, .rank = 2, .first = s * weights};
    if (is_bias)
        tensor = (state_tensor){
            .shape = {shape->out}, .rank = 1, .first = state->count * weights + s * shape->out};
    snprintf(tensor.name, NAME_BYTES, "optimizer.layer%d.%s.%zu", unit + 1,
             is_bias ? "bias" : "weight", s);
    return tensor;
}

static double *find_biases(const lam_optimizer_state *state, int unit, double *values)
{
    return values + state->count * state->graph.units[unit].in * state->graph.units[unit].out;
}

static lam_status add_states(lam_safetensors_writer *writer, const lam_optimizer_state *state,
                             size_t member, int unit)
{
    size_t count = count_state_values(state, unit);
    double *values = malloc((count + 1) * sizeof *values);
    if (!values)
        return lam_fail_memory(state->engine->context, "a checkpoint", count * sizeof *values);
    lam_status status =
        lam_optimizer_state_read(state, unit, member, values, find_biases(state, unit, values));
    for (size_t i = 0; i < 2 * state->count && status == LAM_STATUS_OK; i++) {
        const state_tensor tensor = find_state_tensor(state, unit, i);
        status = lam_safetensors_writer_add(writer, tensor.name, false, tensor.shape,
                                            tensor.rank, values + tensor.first);
    }
    free(values);
    return status;
}

static lam_status load_states(const lam_safetensors_file *file, lam_optimizer_state *state,
                              int unit)
{
    size_t count = count_state_values(state, unit);
    lam_status status = LAM_STATUS_OK;
    double *values = malloc((count + 1) * sizeof *values);
    if (!values)
        return lam_fail_memory(state->engine->context, "a checkpoint", count * sizeof *values);
    for (size_t i = 0; i < 2 * state->count && status == LAM_STATUS_OK; i++) {
        const state_tensor tensor = find_state_tensor(state, unit, i);
        status = lam_safetensors_file_read(file, tensor.name, tensor.shape, tensor.rank,
                                           values + tensor.first);
    }
    for (size_t p = 0; p < state->members && status == LAM_STATUS_OK; p++)
        status =
            lam_optimizer_state_write(state, unit, p, values, find_biases(state, unit, values));
    free(values);
    return status;
}

lam_status lam_model_file_load_optimizer(lam_optimizer_state *state, const char *path)
{
    lam_safetensors_file *file = NULL;
    lam_status status = lam_safetensors_file_open(state->engine->context, path, &file);
    for (int u = 0; u < state->graph.unit_count && status == LAM_STATUS_OK; u++)
        status = load_states(file, state, u);
    lam_safetensors_file_close(&file);
    return status;
}

lam_status lam_model_file_save(const lam_parameters *parameters,
                               const lam_optimizer_state *state, size_t member,
                               const lam_normalization *normalization, int64_t step,
                               const char *path)
{
    const size_t inputs = LAM_IMAGE_INPUTS;
    lam_status status = LAM_STATUS_OK;
    lam_safetensors_writer *writer = NULL;
    char step_text[NAME_BYTES];
    snprintf(step_text, sizeof step_text, "%" PRId64, step);
    LAM_TRY(lam_safetensors_writer_create(parameters->engine->context, &writer));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add_text(writer, "lamina", lam_version()));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add_text(writer, "step", step_text));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add(writer, "input.mean", true, &inputs, 1,
                                                    normalization->mean));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add(writer, "input.deviation", true, &inputs, 1,
                                                    normalization->deviation));
    for (int u = 0; u < parameters->graph.unit_count; u++)
        LAM_TRY_GOTO(status, add_unit(writer, parameters, member, u));
    for (int u = 0; u < parameters->graph.unit_count && state; u++)
        LAM_TRY_GOTO(status, add_states(writer, state, member, u));
    status = lam_safetensors_writer_save(writer, path);
fail:
    lam_safetensors_writer_destroy(&writer);
    return status;
}

static lam_status load_unit(const lam_safetensors_file *file, lam_parameters *parameters,
                            int unit, const char *path)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    const size_t w_shape[2] = {shape->in, shape->out};
    char name[NAME_BYTES];
    double *w = malloc((shape->in + 1) * shape->out * sizeof *w);
    if (!w)
        return lam_fail_memory(parameters->engine->context, "a model file",
                               (shape->in + 1) * shape->out * sizeof *w);
    double *b = w + shape->in * shape->out;
    name_tensor(name, unit, "weight");
    lam_status status = lam_safetensors_file_read(file, name, w_shape, 2, w);
    name_tensor(name, unit, "bias");
    if (status == LAM_STATUS_OK)
        status = lam_safetensors_file_read(file, name, &w_shape[1], 1, b);
    for (size_t i = 0; i < (shape->in + 1) * shape->out && status == LAM_STATUS_OK; i++)
        if (!isfinite(w[i]))
            status =
                lam_fail(parameters->engine->context, LAM_STATUS_BAD_MODEL,
                         "%s: layer %d holds a weight that is no finite number; train again",
                         path, unit + 1);
    if (status == LAM_STATUS_OK)
        status = lam_parameters_write_all(parameters, unit, w, b);
    free(w);
    return status;
}

static lam_status read_step(lam_context *context, const lam_safetensors_file *file,
                            const char *path, int64_t *ret_step)
{
    const char *text = lam_safetensors_file_get_text(file, "step");
    char *end = NULL;
    long long step = text ? strtoll(text, &end, 10) : -1;
    if (step < 0 || end == text || *end != '\0')
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s: its metadata gives no number of steps; train again", path);
    *ret_step = step;
    return LAM_STATUS_OK;
}

lam_status lam_model_file_load(lam_parameters *parameters, const char *path, int64_t *ret_step)
{
    lam_status status = LAM_STATUS_OK;
    lam_safetensors_file *file = NULL;
    LAM_TRY(lam_safetensors_file_open(parameters->engine->context, path, &file));
    for (int u = 0; u < parameters->graph.unit_count; u++)
        LAM_TRY_GOTO(status, load_unit(file, parameters, u, path));
    LAM_TRY_GOTO(status, read_step(parameters->engine->context, file, path, ret_step));
fail:
    lam_safetensors_file_close(&file);
    return status;
}

lam_status lam_model_file_load_normalization(lam_context *context, const char *path,
                                             lam_normalization *ret_normalization)
{
    const size_t inputs = LAM_IMAGE_INPUTS;
    lam_safetensors_file *file = NULL;
    LAM_TRY(lam_safetensors_file_open(context, path, &file));
    lam_status status =
        lam_safetensors_file_read(file, "input.mean", &inputs, 1, ret_normalization->mean);
    if (status == LAM_STATUS_OK)
        status = lam_safetensors_file_read(file, "input.deviation", &inputs, 1,
                                           ret_normalization->deviation);
    lam_safetensors_file_close(&file);
    for (size_t k = 0; k < inputs && status == LAM_STATUS_OK; k++)
        if (!isfinite(ret_normalization->mean[k]) || !(ret_normalization->deviation[k] > 0) ||
            !isfinite(ret_normalization->deviation[k]))
            status = lam_fail(context, LAM_STATUS_BAD_MODEL,
                              "%s: input %zu has no usable z-score; train again", path, k);
    return status;
}
