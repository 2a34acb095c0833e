/* SPDX-License-Identifier: Apache-2.0 */
#include "train/model_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lamina/version.h"
#include "train/safetensors.h"

#define NAME_BYTES 64

/* What a file holds the tensors of: parameters, or with `state` its states. */
typedef struct tensor_source {
    lam_parameters *parameters;
    lam_optimizer_state *state;
} tensor_source;

/* A tensor of the file: rows [first_row, first_row + rows) of one of a unit's tensors. */
typedef struct stored_tensor {
    lam_tensor tensor;
    char name[NAME_BYTES];
    size_t first_row, rows;
    int rank;
} stored_tensor;

#define MAX_STORED_TENSORS (LAM_TRAINED_TENSOR_COUNT * LAM_MAX_OPTIMIZER_STATES)

static const lam_graph_unit *get_unit(const tensor_source *source, int unit)
{
    return source->state ? &source->state->graph.units[unit]
                         : &source->parameters->graph.units[unit];
}

static lam_context *get_context(const tensor_source *source)
{
    return source->state ? source->state->engine->context : source->parameters->engine->context;
}

/* Of a unit's tensor the whole of it, or of its states one after the other. */
static int list_tensor(const tensor_source *source, int unit, lam_tensor tensor,
                       stored_tensor *list)
{
    size_t rows = lam_graph_get_tensor_rows(get_unit(source, unit), tensor);
    size_t count = rows == 0 ? 0 : source->state ? source->state->count : 1;
    for (size_t s = 0; s < count; s++) {
        stored_tensor *stored = &list[s];
        *stored = (stored_tensor){.tensor = tensor,
                                  .first_row = s * rows,
                                  .rows = rows,
                                  .rank = tensor == LAM_TENSOR_WEIGHT ? 2 : 1};
        if (source->state)
            snprintf(stored->name, NAME_BYTES, "optimizer.layer%d.%s.%zu", unit + 1,
                     lam_tensor_name(tensor), s);
        else
            snprintf(stored->name, NAME_BYTES, "layer%d.%s", unit + 1, lam_tensor_name(tensor));
    }
    return (int)count;
}

/* Statistics go as means and variances. */
static int list_statistics(int unit, stored_tensor *list)
{
    static const char *const names[] = {"mean", "variance"};
    for (size_t row = 0; row < 2; row++) {
        list[row] = (stored_tensor){
            .tensor = LAM_TENSOR_STATISTICS, .first_row = row, .rows = 1, .rank = 1};
        snprintf(list[row].name, NAME_BYTES, "layer%d.batch_norm.%s", unit + 1, names[row]);
    }
    return 2;
}

/* What a unit leaves in a file, and how many of them. */
static int list_unit(const tensor_source *source, int unit,
                     stored_tensor list[MAX_STORED_TENSORS])
{
    int count = 0;
    for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
        count += list_tensor(source, unit, (lam_tensor)t, list + count);
    if (!source->state &&
        lam_graph_get_tensor_rows(get_unit(source, unit), LAM_TENSOR_STATISTICS) > 0)
        count += list_statistics(unit, list + count);
    return count;
}

/* One member's whole tensor with all states; the caller frees it. */
static lam_status read_values(const tensor_source *source, int unit, lam_tensor tensor,
                              size_t member, double **ret_values)
{
    const lam_graph_unit *shape = get_unit(source, unit);
    size_t count = lam_graph_get_tensor_rows(shape, tensor) * shape->out *
                   (source->state ? source->state->count : 1);
    double *values = malloc(count * sizeof *values);
    if (!values)
        return lam_fail_memory(get_context(source), "a model file", count * sizeof *values);
    lam_status status =
        source->state ? lam_optimizer_state_read(source->state, unit, tensor, member, values)
                      : lam_parameters_read(source->parameters, unit, tensor, member, values);
    if (status == LAM_STATUS_OK)
        *ret_values = values;
    else
        free(values);
    return status;
}

/* ---- saving ---- */

static lam_status add_tensor(lam_safetensors_writer *writer, const tensor_source *source,
                             size_t member, int unit, const stored_tensor *stored)
{
    size_t out = get_unit(source, unit)->out;
    const size_t shape[2] = {stored->rows, out};
    double *values = NULL;
    LAM_TRY(read_values(source, unit, stored->tensor, member, &values));
    lam_status status =
        lam_safetensors_writer_add(writer, stored->name, false, shape + 2 - stored->rank,
                                   stored->rank, values + stored->first_row * out);
    free(values);
    return status;
}

static lam_status add_tensors(lam_safetensors_writer *writer, const tensor_source *source,
                              size_t member, int unit_count)
{
    stored_tensor list[MAX_STORED_TENSORS];
    for (int u = 0; u < unit_count; u++) {
        int count = list_unit(source, u, list);
        for (int i = 0; i < count; i++)
            LAM_TRY(add_tensor(writer, source, member, u, &list[i]));
    }
    return LAM_STATUS_OK;
}

/* What goes into a file besides parameters. */
typedef struct file_extras {
    const lam_normalization *normalization;
    int64_t step;
    const char *state;                    /* of checkpoints; else NULL */
    const lam_optimizer_state *optimizer; /* likewise */
} file_extras;

static lam_status save(const lam_parameters *parameters, size_t member,
                       const file_extras *extras, const char *path)
{
    const size_t inputs = LAM_IMAGE_INPUTS;
    lam_status status = LAM_STATUS_OK;
    lam_safetensors_writer *writer = NULL;
    char step_text[NAME_BYTES];
    snprintf(step_text, sizeof step_text, "%" PRId64, extras->step);
    LAM_TRY(lam_safetensors_writer_create(parameters->engine->context, &writer));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add_text(writer, "lamina", lam_version()));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add_text(writer, "step", step_text));
    if (extras->state)
        LAM_TRY_GOTO(status, lam_safetensors_writer_add_text(writer, "state", extras->state));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add(writer, "input.mean", true, &inputs, 1,
                                                    extras->normalization->mean));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add(writer, "input.deviation", true, &inputs, 1,
                                                    extras->normalization->deviation));
    /* Only read from. */
    const tensor_source sources[2] = {{.parameters = (lam_parameters *)parameters},
                                      {.state = (lam_optimizer_state *)extras->optimizer}};
    for (int i = 0; i < (extras->optimizer ? 2 : 1); i++)
        LAM_TRY_GOTO(status,
                     add_tensors(writer, &sources[i], member, parameters->graph.unit_count));
    status = lam_safetensors_writer_save(writer, path);
fail:
    lam_safetensors_writer_destroy(&writer);
    return status;
}

lam_status lam_model_file_save(const lam_parameters *parameters, size_t member,
                               const lam_normalization *normalization, int64_t step,
                               const char *path)
{
    const file_extras extras = {.normalization = normalization, .step = step};
    return save(parameters, member, &extras, path);
}

lam_status lam_checkpoint_save(const lam_parameters *parameters,
                               const lam_optimizer_state *optimizer,
                               const lam_normalization *normalization, int64_t step,
                               const char *state, const char *path)
{
    const lam_parameters whole = lam_parameters_view_whole(parameters);
    const lam_optimizer_state whole_optimizer = lam_optimizer_state_view_whole(optimizer);
    const file_extras extras = {normalization, step, state, &whole_optimizer};
    return save(&whole, 0, &extras, path);
}

/* ---- loading ---- */

/* A file that is being read into `member`, or with LAM_ALL_MEMBERS into every one. A view of a
 * whole population is one member, whose `parts` are taken from the file's. */
typedef struct tensor_reader {
    const lam_safetensors_file *file;
    const char *path;
    tensor_source target;
    size_t member;
    size_t parts;
    const lam_checkpoint_members *members;
    bool is_strict; /* refuses numbers that no model can have */
} tensor_reader;

/* Written so that a NaN is refused. */
static bool is_usable(const stored_tensor *stored, double value)
{
    bool is_variance = stored->tensor == LAM_TENSOR_STATISTICS && stored->first_row == 1;
    return isfinite(value) && (!is_variance || value >= 0);
}

static lam_status write_values(const tensor_reader *reader, int unit, lam_tensor tensor,
                               const double *values)
{
    const tensor_source *target = &reader->target;
    return target->state
               ? lam_optimizer_state_write(target->state, unit, tensor, reader->member, values)
               : lam_parameters_write(target->parameters, unit, tensor, reader->member, values);
}

/* A tensor of the file, of which the target's parts are taken: ret_values[rows, out]. */
static lam_status read_parts(const tensor_reader *reader, const stored_tensor *stored,
                             size_t out, double *ret_values)
{
    const lam_checkpoint_members *members = reader->members;
    size_t width = out / reader->parts, file_out = width * members->count;
    const size_t shape[2] = {stored->rows, file_out};
    double *values = malloc(stored->rows * file_out * sizeof *values);
    if (!values)
        return lam_fail_memory(get_context(&reader->target), "a model file",
                               stored->rows * file_out * sizeof *values);
    lam_status status = lam_safetensors_file_read(
        reader->file, stored->name, shape + 2 - stored->rank, stored->rank, values);
    for (size_t row = 0; row < stored->rows && status == LAM_STATUS_OK; row++)
        for (size_t p = 0; p < reader->parts; p++)
            memcpy(ret_values + row * out + p * width,
                   values + row * file_out + members->places[p] * width,
                   width * sizeof *values);
    free(values);
    return status;
}

/* What other tensors of the file fill the rest of the values with is kept. */
static lam_status load_tensor(const tensor_reader *reader, int unit,
                              const stored_tensor *stored)
{
    size_t out = get_unit(&reader->target, unit)->out;
    size_t member = reader->member == LAM_ALL_MEMBERS ? 0 : reader->member;
    double *values = NULL;
    LAM_TRY(read_values(&reader->target, unit, stored->tensor, member, &values));
    double *rows = values + stored->first_row * out;
    lam_status status = read_parts(reader, stored, out, rows);
    for (size_t i = 0; i < stored->rows * out && status == LAM_STATUS_OK; i++)
        if (reader->is_strict && !is_usable(stored, rows[i]))
            status = lam_fail(get_context(&reader->target), LAM_STATUS_BAD_MODEL,
                              "%s: %s holds a value of %g; train again", reader->path,
                              stored->name, rows[i]);
    if (status == LAM_STATUS_OK)
        status = write_values(reader, unit, stored->tensor, values);
    free(values);
    return status;
}

static lam_status load_tensors(const tensor_reader *reader, int unit_count)
{
    stored_tensor list[MAX_STORED_TENSORS];
    for (int u = 0; u < unit_count; u++) {
        int count = list_unit(&reader->target, u, list);
        for (int i = 0; i < count; i++)
            LAM_TRY(load_tensor(reader, u, &list[i]));
    }
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

lam_status lam_model_file_load(lam_parameters *parameters, size_t member, const char *path,
                               int64_t *ret_step)
{
    static const size_t first = 0;
    static const lam_checkpoint_members only = {&first, 1};
    lam_context *context = parameters->engine->context;
    lam_safetensors_file *file = NULL;
    LAM_TRY(lam_safetensors_file_open(context, path, &file));
    const tensor_reader reader = {.file = file,
                                  .path = path,
                                  .target = {.parameters = parameters},
                                  .member = member,
                                  .parts = 1,
                                  .members = &only,
                                  .is_strict = true};
    lam_status status = load_tensors(&reader, parameters->graph.unit_count);
    if (status == LAM_STATUS_OK)
        status = read_step(context, file, path, ret_step);
    lam_safetensors_file_close(&file);
    return status;
}

lam_status lam_checkpoint_load(lam_parameters *parameters, lam_optimizer_state *optimizer,
                               const lam_checkpoint_members *members, const char *path,
                               int64_t *ret_step)
{
    lam_context *context = parameters->engine->context;
    lam_parameters whole = lam_parameters_view_whole(parameters);
    lam_optimizer_state whole_optimizer = lam_optimizer_state_view_whole(optimizer);
    const tensor_source targets[2] = {{.parameters = &whole}, {.state = &whole_optimizer}};
    lam_safetensors_file *file = NULL;
    LAM_TRY(lam_safetensors_file_open(context, path, &file));
    lam_status status = LAM_STATUS_OK;
    for (int i = 0; i < 2 && status == LAM_STATUS_OK; i++) {
        const tensor_reader reader = {.file = file,
                                      .path = path,
                                      .target = targets[i],
                                      .parts = parameters->members,
                                      .members = members};
        status = load_tensors(&reader, parameters->graph.unit_count);
    }
    if (status == LAM_STATUS_OK)
        status = read_step(context, file, path, ret_step);
    lam_safetensors_file_close(&file);
    return status;
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
