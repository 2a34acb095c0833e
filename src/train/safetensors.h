/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The safetensors container: an 8-byte little-endian header length, a JSON header (name ->
 * dtype, shape, data_offsets; "__metadata__" -> texts), and the tensors' bytes.
 */
#ifndef LAM_TRAIN_SAFETENSORS_H
#define LAM_TRAIN_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* ---- writing ---- */

typedef struct lam_safetensors_writer lam_safetensors_writer;

LAM_MUST_USE lam_status lam_safetensors_writer_create(lam_context *context,
                                                      lam_safetensors_writer **ret_writer);
void lam_safetensors_writer_destroy(lam_safetensors_writer **writer);

/** Adds a text to the metadata. */
LAM_MUST_USE lam_status lam_safetensors_writer_add_text(lam_safetensors_writer *writer,
                                                        const char *key, const char *text);

/** Adds `values` as a tensor of `rank` (1 or 2) dimensions, rounded to F32 or as F64. */
LAM_MUST_USE lam_status lam_safetensors_writer_add(lam_safetensors_writer *writer,
                                                   const char *name, bool is_double,
                                                   const size_t *shape, int rank,
                                                   const double *values);

/** Writes the file whole or not at all. Errors: BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_safetensors_writer_save(lam_safetensors_writer *writer,
                                                    const char *path);

/* ---- reading ---- */

typedef struct lam_safetensors_file lam_safetensors_file;

/** Errors: BAD_MODEL (missing, cut short, or not a safetensors file). */
LAM_MUST_USE lam_status lam_safetensors_file_open(lam_context *context, const char *path,
                                                  lam_safetensors_file **ret_file);
void lam_safetensors_file_close(lam_safetensors_file **file);

/** A text of the metadata; NULL when absent. Borrowed. */
const char *lam_safetensors_file_get_text(const lam_safetensors_file *file, const char *key);

/** Copies tensor `name`, F32 or F64, as doubles. Errors: BAD_MODEL when it is absent or of
 * another shape. */
LAM_MUST_USE lam_status lam_safetensors_file_read(const lam_safetensors_file *file,
                                                  const char *name, const size_t *shape,
                                                  int rank, double *ret_values);

#define LAM_SAFETENSORS_MAX_RANK 2

typedef struct lam_safetensors_entry {
    const char *name; /* borrowed from the file */
    size_t shape[LAM_SAFETENSORS_MAX_RANK];
    int rank;
} lam_safetensors_entry;

/** Steps to the next tensor, in the file's order, passing over those of higher rank; `{0}` is
 * in front of the first. False at the end. */
bool lam_safetensors_file_next(const lam_safetensors_file *file, lam_safetensors_entry *entry);

#endif
