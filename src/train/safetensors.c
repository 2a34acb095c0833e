/* SPDX-License-Identifier: Apache-2.0 */
#include "train/safetensors.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/strbuf.h"

#define LENGTH_BYTES 8
#define LARGEST_FILE_BYTES ((size_t)8 << 30)

struct lam_safetensors_writer {
    lam_context *context;
    json_t *header, *metadata;
    lam_strbuf data;
};

lam_status lam_safetensors_writer_create(lam_context *context,
                                         lam_safetensors_writer **ret_writer)
{
    lam_safetensors_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return lam_fail_memory(context, "a model file", sizeof *writer);
    writer->context = context;
    writer->header = json_object();
    writer->metadata = json_object();
    if (!writer->header || !writer->metadata) {
        lam_safetensors_writer_destroy(&writer);
        return lam_fail_memory(context, "a model file", sizeof *writer);
    }
    *ret_writer = writer;
    return LAM_STATUS_OK;
}

void lam_safetensors_writer_destroy(lam_safetensors_writer **writer)
{
    if (!*writer)
        return;
    json_decref((*writer)->header);
    json_decref((*writer)->metadata);
    lam_strbuf_free(&(*writer)->data);
    free(*writer);
    *writer = NULL;
}

lam_status lam_safetensors_writer_add_text(lam_safetensors_writer *writer, const char *key,
                                           const char *text)
{
    if (json_object_set_new(writer->metadata, key, json_string(text)) != 0)
        return lam_fail_memory(writer->context, "a model file", strlen(text));
    return LAM_STATUS_OK;
}

static size_t count_values(const size_t *shape, int rank)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= shape[i];
    return count;
}

static json_t *make_shape(const size_t *shape, int rank)
{
    json_t *array = json_array();
    for (int i = 0; i < rank; i++)
        json_array_append_new(array, json_integer((json_int_t)shape[i]));
    return array;
}

lam_status lam_safetensors_writer_add(lam_safetensors_writer *writer, const char *name,
                                      bool is_double, const size_t *shape, int rank,
                                      const double *values)
{
    size_t count = count_values(shape, rank), begin = writer->data.length;
    for (size_t i = 0; i < count; i++) {
        float rounded = (float)values[i];
        if (is_double)
            lam_strbuf_append_bytes(&writer->data, &values[i], sizeof values[i]);
        else
            lam_strbuf_append_bytes(&writer->data, &rounded, sizeof rounded);
    }
    json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", is_double ? "F64" : "F32",
                              "shape", make_shape(shape, rank), "data_offsets",
                              (json_int_t)begin, (json_int_t)writer->data.length);
    if (writer->data.failed || json_object_set_new(writer->header, name, entry) != 0)
        return lam_fail_memory(writer->context, "a model file", count * sizeof(double));
    return LAM_STATUS_OK;
}

lam_status lam_safetensors_writer_save(lam_safetensors_writer *writer, const char *path)
{
    lam_strbuf file = {0};
    json_object_set(writer->header, "__metadata__", writer->metadata);
    char *header = json_dumps(writer->header, JSON_COMPACT);
    if (!header)
        return lam_fail_memory(writer->context, "a model file", writer->data.length);
    /* Blanks after the header keep the tensors aligned for readers that map the file. */
    uint64_t length = lam_round_up(strlen(header), LENGTH_BYTES);
    lam_strbuf_append_bytes(&file, &length, sizeof length);
    lam_strbuf_append(&file, "%-*s", (int)length, header);
    lam_strbuf_append_bytes(&file, lam_strbuf_text(&writer->data), writer->data.length);
    free(header);
    lam_status status =
        file.failed ? lam_fail_memory(writer->context, "a model file", writer->data.length)
                    : lam_file_write(writer->context, path, file.text, file.length);
    lam_strbuf_free(&file);
    return status;
}

struct lam_safetensors_file {
    lam_context *context;
    char *path;
    char *bytes;
    size_t size;
    const char *data; /* into bytes */
    size_t data_size;
    json_t *header;
};

static lam_status fail_malformed(const lam_safetensors_file *file, const char *problem)
{
    return lam_fail(file->context, LAM_STATUS_BAD_MODEL,
                    "%s: %s; train again or restore the file from a copy", file->path, problem);
}

static lam_status parse_header(lam_safetensors_file *file)
{
    uint64_t length = 0;
    if (file->size < LENGTH_BYTES)
        return fail_malformed(file, "too short to be a safetensors file");
    memcpy(&length, file->bytes, LENGTH_BYTES);
    if (length > file->size - LENGTH_BYTES)
        return fail_malformed(file, "cut short: its header does not fit the file");
    file->header = json_loadb(file->bytes + LENGTH_BYTES, (size_t)length, 0, NULL);
    if (!json_is_object(file->header))
        return fail_malformed(file, "its header is not a JSON object");
    file->data = file->bytes + LENGTH_BYTES + length;
    file->data_size = file->size - LENGTH_BYTES - (size_t)length;
    return LAM_STATUS_OK;
}

lam_status lam_safetensors_file_open(lam_context *context, const char *path,
                                     lam_safetensors_file **ret_file)
{
    lam_status status = LAM_STATUS_OK;
    lam_safetensors_file *file = calloc(1, sizeof *file);
    if (!file)
        return lam_fail_memory(context, path, sizeof *file);
    file->context = context;
    file->path = strdup(path);
    if (!file->path)
        LAM_TRY_GOTO(status, lam_fail_memory(context, path, strlen(path)));
    LAM_TRY_GOTO(status, lam_file_read(context, path, LARGEST_FILE_BYTES, LAM_STATUS_BAD_MODEL,
                                       &file->bytes, &file->size));
    LAM_TRY_GOTO(status, parse_header(file));
    *ret_file = file;
    return LAM_STATUS_OK;
fail:
    lam_safetensors_file_close(&file);
    return status;
}

void lam_safetensors_file_close(lam_safetensors_file **file)
{
    if (!*file)
        return;
    json_decref((*file)->header);
    free((*file)->bytes);
    free((*file)->path);
    free(*file);
    *file = NULL;
}

const char *lam_safetensors_file_get_text(const lam_safetensors_file *file, const char *key)
{
    return json_string_value(
        json_object_get(json_object_get(file->header, "__metadata__"), key));
}

static bool has_shape(const json_t *entry, const size_t *shape, int rank)
{
    const json_t *array = json_object_get(entry, "shape");
    if (!json_is_array(array) || json_array_size(array) != (size_t)rank)
        return false;
    for (int i = 0; i < rank; i++)
        if (json_integer_value(json_array_get(array, (size_t)i)) != (json_int_t)shape[i])
            return false;
    return true;
}

static lam_status fail_tensor(const lam_safetensors_file *file, const char *name,
                              const char *problem)
{
    return lam_fail(file->context, LAM_STATUS_BAD_MODEL,
                    "%s: tensor %s %s; use the model with the recipe it was trained with",
                    file->path, name, problem);
}

lam_status lam_safetensors_file_read(const lam_safetensors_file *file, const char *name,
                                     const size_t *shape, int rank, double *ret_values)
{
    const json_t *entry = json_object_get(file->header, name);
    if (!entry)
        return fail_tensor(file, name, "is missing");
    if (!has_shape(entry, shape, rank))
        return fail_tensor(file, name, "has another shape than the network");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    bool is_double = dtype && strcmp(dtype, "F64") == 0;
    if (!is_double && (!dtype || strcmp(dtype, "F32") != 0))
        return fail_tensor(file, name, "is neither F32 nor F64");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    json_int_t begin = json_integer_value(json_array_get(offsets, 0));
    json_int_t end = json_integer_value(json_array_get(offsets, 1));
    size_t count = count_values(shape, rank);
    size_t bytes = count * (is_double ? sizeof(double) : sizeof(float));
    if (begin < 0 || end < begin || (size_t)end > file->data_size ||
        (size_t)(end - begin) != bytes)
        return fail_tensor(file, name, "lies outside the file, which is cut short or damaged");
    for (size_t i = 0; i < count; i++) {
        float single = 0;
        if (is_double) {
            memcpy(&ret_values[i], file->data + begin + i * sizeof(double), sizeof(double));
        } else {
            memcpy(&single, file->data + begin + i * sizeof(float), sizeof(float));
            ret_values[i] = single;
        }
    }
    return LAM_STATUS_OK;
}

static bool read_entry(const char *name, const json_t *value, lam_safetensors_entry *entry)
{
    const json_t *shape = json_object_get(value, "shape");
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > LAM_SAFETENSORS_MAX_RANK)
        return false;
    *entry = (lam_safetensors_entry){.name = name, .rank = (int)rank};
    for (size_t i = 0; i < rank; i++)
        entry->shape[i] = (size_t)json_integer_value(json_array_get(shape, i));
    return true;
}

bool lam_safetensors_file_next(const lam_safetensors_file *file, lam_safetensors_entry *entry)
{
    void *next = entry->name ? json_object_iter_next(
                                   file->header, json_object_iter_at(file->header, entry->name))
                             : json_object_iter(file->header);
    for (; next; next = json_object_iter_next(file->header, next))
        if (read_entry(json_object_iter_key(next), json_object_iter_value(next), entry))
            return true;
    return false;
}
