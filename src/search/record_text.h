/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Structs as JSON objects and back, by a table of their fields. Numbers keep all their bits,
 * those that are no number included, and texts all their bytes. What was read may come from
 * anywhere: whatever does not fit is told.
 */
#ifndef LAM_SEARCH_RECORD_TEXT_H
#define LAM_SEARCH_RECORD_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum lam_field_type {
    LAM_FIELD_INT,
    LAM_FIELD_INT64,
    LAM_FIELD_UINT64,
    LAM_FIELD_SIZE,
    LAM_FIELD_DOUBLE,
    LAM_FIELD_BOOL,
    LAM_FIELD_ENUM,  /* `limit` values from 0 on */
    LAM_FIELD_CHARS, /* an array of `limit` bytes that holds a text */
    LAM_FIELD_TEXT,  /* a char *, which may be NULL; read ones are free()'s to free */
} lam_field_type;

typedef struct lam_field {
    lam_field_type type;
    size_t offset, limit;
    const char *key;
} lam_field;

/** The field `member` of a struct; its name is its key. */
#define LAM_FIELD(record, type, member)                                                        \
    {                                                                                          \
        LAM_FIELD_##type, offsetof(record, member), sizeof(((record *)0)->member), #member     \
    }
#define LAM_FIELD_OF_ENUM(record, member, values)                                              \
    {                                                                                          \
        LAM_FIELD_ENUM, offsetof(record, member), values, #member                              \
    }

/** A number, also one that is none. */
json_t *lam_double_write(double value);
bool lam_double_read(const json_t *json, double *ret_value);

/** A text of any bytes; NULL is one, too. NULL without memory. */
json_t *lam_text_write(const char *text);
/** The caller frees it with free(). NULL for what is no text, and without memory. */
char *lam_text_read(const json_t *json);

/** The caller releases the object. NULL without memory. */
json_t *lam_record_write(const void *record, const lam_field *fields, size_t count);

/** False where the object lacks a field or one does not fit; texts that were read before are
 * the record's. */
bool lam_record_read(const json_t *object, const lam_field *fields, size_t count,
                     void *ret_record);

#endif
