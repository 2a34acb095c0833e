/* SPDX-License-Identifier: Apache-2.0 */
#include "train/model_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lamina/version.h"
#include "train/safetensors.h"

#define NAME_BYTES 32

/* A tensor of the file: rows [first_row, first_row + rows) of one of a unit's tensors. */
typedef struct stored_tensor {
    lam_tensor tensor;
    const char *name;
    size_t first_row, rows;
    int rank;
} stored_tensor;

#define MAX_STORED_TENSORS (LAM_TENSOR_COUNT + 1)

/* What a unit leaves in a file, and how many of them: statistics go as means and variances. */
static int list_tensors(const lam_graph_unit *unit, stored_tensor list[MAX_STORED_TENSORS])
{
    int count = 0;
    for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++) {
        size_t rows = lam_graph_get_tensor_rows(unit, (lam_tensor)t);
        if (rows > 0)
            list[count++] = (stored_tensor){(lam_tensor)t, lam_tensor_name((lam_tensor)t), 0,
                                            rows, t == LAM_TENSOR_WEIGHT ? 2 : 1};
    }
    if (lam_graph_get_tensor_rows(unit, LAM_TENSOR_STATISTICS) > 0) {
        list[count++] = (stored_tensor){LAM_TENSOR_STATISTICS, "batch_norm.mean", 0, 1, 1};
        list[count++] = (stored_tensor){LAM_TENSOR_STATISTICS, "batch_norm.variance", 1, 1, 1};
    }
    return count;
}

static void name_tensor(char name[NAME_BYTES], int unit, const stored_tensor *stored)
{
    snprintf(name, NAME_BYTES, "layer%d.%s", unit + 1, stored->name);
}

/* One member's whole tensor, for reading or filling; the caller frees it. */
static lam_status allocate_tensor(const lam_parameters *parameters, int unit,
                                  const stored_tensor *stored, double **ret_values)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    size_t count = lam_graph_get_tensor_rows(shape, stored->tensor) * shape->out;
    *ret_values = malloc(count * sizeof **ret_values);
    return *ret_values ? LAM_STATUS_OK
                       : lam_fail_memory(parameters->engine->context, "a model file",
                                         count * sizeof **ret_values);
}

static lam_status add_tensor(lam_safetensors_writer *writer, const lam_parameters *parameters,
                             size_t member, int unit, const stored_tensor *stored)
{
    size_t out = parameters->graph.units[unit].out;
    const size_t shape[2] = {stored->rows, out};
    char name[NAME_BYTES];
    double *values = NULL;
    LAM_TRY(allocate_tensor(parameters, unit, stored, &values));
    name_tensor(name, unit, stored);
    lam_status status = lam_parameters_read(parameters, unit, stored->tensor, member, values);
    if (status == LAM_STATUS_OK)
        status = lam_safetensors_writer_add(writer, name, false, shape + 2 - stored->rank,
                                            stored->rank, values + stored->first_row * out);
    free(values);
    return status;
}

static lam_status add_unit(lam_safetensors_writer *writer, const lam_parameters *parameters,
                           size_t member, int unit)
{
    stored_tensor list[MAX_STORED_TENSORS];
    int count = list_tensors(&parameters->graph.units[unit], list);
    for (int i = 0; i < count; i++)
        LAM_TRY(add_tensor(writer, parameters, member, unit, &list[i]));
    return LAM_STATUS_OK;
}

static lam_status save(const lam_parameters *parameters, size_t member,
                       const lam_normalization *normalization, int64_t step, const char *state,
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
    if (state)
        LAM_TRY_GOTO(status, lam_safetensors_writer_add_text(writer, "state", state));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add(writer, "input.mean", true, &inputs, 1,
                                                    normalization->mean));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add(writer, "input.deviation", true, &inputs, 1,
                                                    normalization->deviation));
    for (int u = 0; u < parameters->graph.unit_count; u++)
        LAM_TRY_GOTO(status, add_unit(writer, parameters, member, u));
    status = lam_safetensors_writer_save(writer, path);
fail:
    lam_safetensors_writer_destroy(&writer);
    return status;
}

lam_status lam_model_file_save(const lam_parameters *parameters, size_t member,
                               const lam_normalization *normalization, int64_t step,
                               const char *path)
{
    return save(parameters, member, normalization, step, NULL, path);
}

lam_status lam_checkpoint_save(const lam_parameters *parameters,
                               const lam_normalization *normalization, int64_t step,
                               const char *state, const char *path)
{
    const lam_parameters whole = lam_parameters_view_whole(parameters);
    return save(&whole, 0, normalization, step, state, path);
}

/* A model file that is being read into `member`, or with LAM_ALL_MEMBERS into every one. */
typedef struct model_reader {
    const lam_safetensors_file *file;
    const char *path;
    lam_parameters *parameters;
    size_t member;
    bool is_strict; /* refuses numbers that no model can have */
} model_reader;

/* Written so that a NaN is refused. */
static bool is_usable(const stored_tensor *stored, double value)
{
    bool is_variance = stored->tensor == LAM_TENSOR_STATISTICS && stored->first_row == 1;
    return isfinite(value) && (!is_variance || value >= 0);
}

static lam_status load_tensor(const model_reader *reader, int unit, const stored_tensor *stored)
{
    lam_parameters *parameters = reader->parameters;
    size_t out = parameters->graph.units[unit].out;
    const size_t shape[2] = {stored->rows, out};
    char name[NAME_BYTES];
    double *values = NULL;
    LAM_TRY(allocate_tensor(parameters, unit, stored, &values));
    name_tensor(name, unit, stored);
    /* What other tensors of the file fill the rest with is kept. */
    lam_status status =
        lam_parameters_read(parameters, unit, stored->tensor,
                            reader->member == LAM_ALL_MEMBERS ? 0 : reader->member, values);
    double *rows = values + stored->first_row * out;
    if (status == LAM_STATUS_OK)
        status = lam_safetensors_file_read(reader->file, name, shape + 2 - stored->rank,
                                           stored->rank, rows);
    for (size_t i = 0; i < stored->rows * out && status == LAM_STATUS_OK; i++)
        if (reader->is_strict && !is_usable(stored, rows[i]))
            status = lam_fail(parameters->engine->context, LAM_STATUS_BAD_MODEL,
                              "%s: %s holds a value of %g; train again", reader->path, name,
                              rows[i]);
    if (status == LAM_STATUS_OK)
        status = lam_parameters_write(parameters, unit, stored->tensor, reader->member, values);
    free(values);
    return status;
}

static lam_status load_unit(const model_reader *reader, int unit)
{
    stored_tensor list[MAX_STORED_TENSORS];
    int count = list_tensors(&reader->parameters->graph.units[unit], list);
    for (int i = 0; i < count; i++)
        LAM_TRY(load_tensor(reader, unit, &list[i]));
    return LAM_STATUS_OK;
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

static lam_status load(lam_parameters *parameters, size_t member, bool is_strict,
                       const char *path, int64_t *ret_step)
{
    lam_context *context = parameters->engine->context;
    lam_safetensors_file *file = NULL;
    lam_status status = LAM_STATUS_OK;
    LAM_TRY(lam_safetensors_file_open(context, path, &file));
    const model_reader reader = {file, path, parameters, member, is_strict};
    for (int u = 0; u < parameters->graph.unit_count; u++)
        LAM_TRY_GOTO(status, load_unit(&reader, u));
    status = read_step(context, file, path, ret_step);
fail:
    lam_safetensors_file_close(&file);
    return status;
}

lam_status lam_model_file_load(lam_parameters *parameters, size_t member, const char *path,
                               int64_t *ret_step)
{
    return load(parameters, member, true, path, ret_step);
}

lam_status lam_checkpoint_load(lam_parameters *parameters, const char *path, int64_t *ret_step)
{
    lam_parameters whole = lam_parameters_view_whole(parameters);
    return load(&whole, 0, false, path, ret_step);
}

lam_status lam_checkpoint_load_state(lam_context *context, const char *path, char **ret_state)
{
    lam_safetensors_file *file = NULL;
    LAM_TRY(lam_safetensors_file_open(context, path, &file));
    const char *state = lam_safetensors_file_get_text(file, "state");
    char *copy = state ? strdup(state) : NULL;
    lam_safetensors_file_close(&file);
    if (!copy)
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s: its metadata does not say how far the run was; replace the run "
                        "(--force)",
                        path);
    *ret_state = copy;
    return LAM_STATUS_OK;
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
