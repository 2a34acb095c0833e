/* SPDX-License-Identifier: Apache-2.0 */
#include "train/gradient_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "lamina/version.h"
#include "op/plan.h"
#include "train/safetensors.h"

#define NAME_BYTES 64

static lam_status fail_memory(const lam_gradient_record *record, size_t count)
{
    return lam_fail_memory(record->parameters->engine->context, "a file of gradients",
                           count * sizeof(double));
}

static lam_status add(lam_safetensors_writer *writer, const char *name, const size_t *shape,
                      int rank, const double *values)
{
    return lam_safetensors_writer_add(writer, name, true, shape, rank, values);
}

/* ---- what the cost is of ---- */

static lam_status add_recipe(lam_safetensors_writer *writer, const lam_gradient_record *record)
{
    char *text = NULL;
    LAM_TRY(lam_recipe_format(record->parameters->engine->context, record->recipe, &text));
    lam_status status = lam_safetensors_writer_add_text(writer, "recipe", text);
    free(text);
    return status;
}

static lam_status add_inputs(lam_safetensors_writer *writer, const lam_gradient_record *record)
{
    const size_t shape[] = {record->rows, record->inputs};
    size_t count = record->rows * record->inputs;
    double *values = malloc(count * sizeof *values);
    if (!values)
        return fail_memory(record, count);
    for (size_t i = 0; i < count; i++) {
        size_t k = i % record->inputs;
        values[i] = (record->images[i] / 255.0 - record->mean[k]) / record->deviation[k];
    }
    lam_status status = add(writer, "inputs", shape, 2, values);
    free(values);
    return status;
}

static lam_status add_labels(lam_safetensors_writer *writer, const lam_gradient_record *record)
{
    double *values = malloc(record->rows * sizeof *values);
    if (!values)
        return fail_memory(record, record->rows);
    for (size_t i = 0; i < record->rows; i++)
        values[i] = record->labels[i];
    lam_status status = add(writer, "labels", &record->rows, 1, values);
    free(values);
    return status;
}

static lam_status add_sums(lam_safetensors_writer *writer, const lam_gradient_record *record)
{
    const size_t one = 1;
    LAM_TRY(add(writer, "loss", &one, 1, &record->loss));
    return add(writer, "cost", &one, 1, &record->cost);
}

/* ---- parameters and gradients ---- */

static lam_status add_tensor(lam_safetensors_writer *writer, const lam_parameters *parameters,
                             const char *prefix, int unit, lam_tensor tensor)
{
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    const size_t sizes[] = {lam_graph_get_tensor_rows(shape, tensor), shape->out};
    int rank = tensor == LAM_TENSOR_WEIGHT ? 2 : 1;
    char name[NAME_BYTES];
    if (sizes[0] == 0)
        return LAM_STATUS_OK;
    double *values = malloc(sizes[0] * sizes[1] * sizeof *values);
    if (!values)
        return lam_fail_memory(parameters->engine->context, "a file of gradients",
                               sizes[0] * sizes[1] * sizeof *values);
    snprintf(name, sizeof name, "%slayer%d.%s", prefix, unit + 1, lam_tensor_name(tensor));
    lam_status status = lam_parameters_read(parameters, unit, tensor, 0, values);
    if (status == LAM_STATUS_OK)
        status = add(writer, name, sizes + 2 - rank, rank, values);
    free(values);
    return status;
}

/* ---- dropout ---- */

/* The unit's epilogue with nothing but dropout, and ones in front of it: y is the factors. */
static lam_status run_dropout(const lam_engine *engine, const lam_epilogue *epilogue,
                              lam_buffer *y, double *values)
{
    size_t count = epilogue->rows * epilogue->width;
    lam_plan *plan = NULL;
    for (size_t i = 0; i < count; i++)
        values[i] = 1;
    LAM_TRY(lam_engine_write_reals(engine, y, 0, values, count));
    LAM_TRY(lam_plan_create(engine, &plan));
    lam_status status = lam_epilogue_add_forward(engine, plan, epilogue, y, y);
    if (status == LAM_STATUS_OK)
        status = lam_plan_enqueue(plan, 0);
    if (status == LAM_STATUS_OK)
        status = lam_engine_read_reals(engine, y, 0, values, count);
    lam_plan_destroy(&plan);
    return status;
}

static lam_status compute_factors(const lam_gradient_record *record, int unit, double *values)
{
    const lam_engine *engine = record->parameters->engine;
    const lam_graph_unit *shape = &record->parameters->graph.units[unit];
    lam_status status = LAM_STATUS_OK;
    lam_buffer *rate = NULL, *y = NULL;
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, 1, "a dropout rate", &rate));
    LAM_TRY_GOTO(status, lam_engine_write_reals(engine, rate, 0, &shape->dropout_rate, 1));
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, record->rows * shape->out,
                                                 "dropout's factors", &y));
    const lam_epilogue epilogue = {.rows = record->rows,
                                   .width = shape->out,
                                   .members = 1,
                                   .activation = LAM_ACTIVATION_NONE,
                                   .dropout = {.rate = rate, .unit = (size_t)unit},
                                   .inputs = record->numbers};
    status = run_dropout(engine, &epilogue, y, values);
fail:
    lam_buffer_destroy(&rate);
    lam_buffer_destroy(&y);
    return status;
}

static lam_status add_dropout(lam_safetensors_writer *writer, const lam_gradient_record *record,
                              int unit)
{
    const lam_graph_unit *shape = &record->parameters->graph.units[unit];
    const size_t sizes[] = {record->rows, shape->out};
    char name[NAME_BYTES];
    if (!shape->has_dropout)
        return LAM_STATUS_OK;
    double *values = malloc(sizes[0] * sizes[1] * sizeof *values);
    if (!values)
        return fail_memory(record, sizes[0] * sizes[1]);
    snprintf(name, sizeof name, "layer%d.dropout.factors", unit + 1);
    lam_status status = compute_factors(record, unit, values);
    if (status == LAM_STATUS_OK)
        status = add(writer, name, sizes, 2, values);
    free(values);
    return status;
}

static lam_status add_unit(lam_safetensors_writer *writer, const lam_gradient_record *record,
                           int unit)
{
    for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++) {
        LAM_TRY(add_tensor(writer, record->parameters, "", unit, (lam_tensor)t));
        LAM_TRY(add_tensor(writer, record->gradients, "gradient.", unit, (lam_tensor)t));
    }
    return add_dropout(writer, record, unit);
}

lam_status lam_gradient_file_save(const lam_gradient_record *record, const char *path)
{
    lam_status status = LAM_STATUS_OK;
    lam_safetensors_writer *writer = NULL;
    LAM_TRY(lam_safetensors_writer_create(record->parameters->engine->context, &writer));
    LAM_TRY_GOTO(status, lam_safetensors_writer_add_text(writer, "lamina", lam_version()));
    LAM_TRY_GOTO(status, add_recipe(writer, record));
    LAM_TRY_GOTO(status, add_inputs(writer, record));
    LAM_TRY_GOTO(status, add_labels(writer, record));
    LAM_TRY_GOTO(status, add_sums(writer, record));
    for (int u = 0; u < record->parameters->graph.unit_count; u++)
        LAM_TRY_GOTO(status, add_unit(writer, record, u));
    status = lam_safetensors_writer_save(writer, path);
fail:
    lam_safetensors_writer_destroy(&writer);
    return status;
}
