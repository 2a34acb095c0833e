/* SPDX-License-Identifier: Apache-2.0 */
#include "search/record_text.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers: JSON has none of these ---- */

json_t *lam_double_write(double value)
{
    if (isnan(value))
        return json_string("nan");
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    return json_real(value);
}

bool lam_double_read(const json_t *json, double *ret_value)
{
    const char *text = json_string_value(json);
    if (json_is_number(json))
        *ret_value = json_number_value(json);
    else if (text && strcmp(text, "nan") == 0)
        *ret_value = NAN;
    else if (text && strcmp(text, "inf") == 0)
        *ret_value = INFINITY;
    else if (text && strcmp(text, "-inf") == 0)
        *ret_value = -INFINITY;
    else
        return false;
    return true;
}

static bool read_whole(const json_t *json, json_int_t minimum, json_int_t maximum,
                       json_int_t *ret_value)
{
    *ret_value = json_integer_value(json);
    return json_is_integer(json) && *ret_value >= minimum && *ret_value <= maximum;
}

/* ---- texts: JSON's are UTF-8, ours any bytes, so each byte goes as a character ---- */

json_t *lam_text_write(const char *text)
{
    if (!text)
        return json_null();
    const size_t length = strlen(text);
    unsigned char *characters = malloc(2 * length + 1);
    if (!characters)
        return NULL;
    size_t count = 0;
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (*byte >= 0x80)
            characters[count++] = (unsigned char)(0xC0 | *byte >> 6);
        characters[count++] = *byte < 0x80 ? *byte : (0x80 | (*byte & 0x3F));
    }
    json_t *json = json_stringn((const char *)characters, count);
    free(characters);
    return json;
}

char *lam_text_read(const json_t *json)
{
    if (!json_is_string(json))
        return NULL;
    const unsigned char *next = (const unsigned char *)json_string_value(json);
    char *text = malloc(json_string_length(json) + 1);
    size_t length = 0;
    while (text && *next) {
        if (*next >= 0xC4) { /* a character beyond bytes */
            free(text);
            return NULL;
        }
        if (*next >= 0x80) {
            text[length++] = (char)((next[0] & 0x03) << 6 | (next[1] & 0x3F));
            next += 2;
        } else {
            text[length++] = (char)*next++;
        }
    }
    if (text)
        text[length] = '\0';
    return text;
}

static bool read_chars(const json_t *json, size_t capacity, char *ret_text)
{
    char *text = lam_text_read(json);
    bool fits = text && strlen(text) < capacity;
    if (fits)
        strcpy(ret_text, text);
    free(text);
    return fits;
}

static bool read_optional_text(const json_t *json, char **ret_text)
{
    *ret_text = json_is_null(json) ? NULL : lam_text_read(json);
    return json_is_null(json) || *ret_text;
}

/* ---- fields ---- */

static json_t *write_field(const lam_field *field, const void *at)
{
    switch (field->type) {
    case LAM_FIELD_INT:
    case LAM_FIELD_ENUM:
        return json_integer(*(const int *)at);
    case LAM_FIELD_INT64:
    case LAM_FIELD_UINT64: /* the same bits */
        return json_integer(*(const int64_t *)at);
    case LAM_FIELD_SIZE:
        return json_integer((json_int_t) * (const size_t *)at);
    case LAM_FIELD_DOUBLE:
        return lam_double_write(*(const double *)at);
    case LAM_FIELD_BOOL:
        return json_boolean(*(const bool *)at);
    case LAM_FIELD_CHARS:
        return lam_text_write(at);
    case LAM_FIELD_TEXT:
        return lam_text_write(*(char *const *)at);
    }
    return NULL;
}

static bool read_int(const json_t *json, int minimum, int maximum, void *at)
{
    json_int_t value = 0;
    bool fits = read_whole(json, minimum, maximum, &value);
    *(int *)at = (int)value;
    return fits;
}

static bool read_field(const lam_field *field, const json_t *json, void *at)
{
    json_int_t whole = 0;
    switch (field->type) {
    case LAM_FIELD_INT:
        return read_int(json, INT_MIN, INT_MAX, at);
    case LAM_FIELD_ENUM:
        return read_int(json, 0, (int)field->limit - 1, at);
    case LAM_FIELD_INT64:
    case LAM_FIELD_UINT64:
        *(int64_t *)at = json_integer_value(json);
        return json_is_integer(json);
    case LAM_FIELD_SIZE:
        *(size_t *)at = (size_t)json_integer_value(json);
        return read_whole(json, 0, PTRDIFF_MAX, &whole);
    case LAM_FIELD_DOUBLE:
        return lam_double_read(json, at);
    case LAM_FIELD_BOOL:
        *(bool *)at = json_is_true(json);
        return json_is_boolean(json);
    case LAM_FIELD_CHARS:
        return read_chars(json, field->limit, at);
    case LAM_FIELD_TEXT:
        return read_optional_text(json, at);
    }
    return false;
}

json_t *lam_record_write(const void *record, const lam_field *fields, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count && object; i++) {
        json_t *value = write_field(&fields[i], (const char *)record + fields[i].offset);
        if (json_object_set_new(object, fields[i].key, value) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

bool lam_record_read(const json_t *object, const lam_field *fields, size_t count,
                     void *ret_record)
{
    for (size_t i = 0; i < count; i++)
        if (!read_field(&fields[i], json_object_get(object, fields[i].key),
                        (char *)ret_record + fields[i].offset))
            return false;
    return true;
}
