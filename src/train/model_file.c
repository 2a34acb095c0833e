/* SPDX-License-Identifier: Apache-2.0 */
#include "train/model_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lamina/version.h"
#include "train/safetensors.h"

#define NAME_BYTES 32

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

lam_status lam_model_file_save(const lam_parameters *parameters, size_t member,
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
