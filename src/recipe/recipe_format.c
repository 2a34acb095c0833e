/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recipe/internal.h"

static lam_status fail_field(lam_context *context, const lam_key *key, const char *problem)
{
    return lam_fail(context, LAM_STATUS_BAD_RECIPE, "%s %s", key->name, problem);
}

static int64_t get_integer(const lam_key *key, const void *field)
{
    int64_t value = 0;
    int32_t narrow = 0;
    if (key->size == sizeof value) {
        memcpy(&value, field, sizeof value);
        return value;
    }
    memcpy(&narrow, field, sizeof narrow);
    return narrow;
}

static lam_status format_enum(lam_context *context, const lam_key *key, const void *field,
                              json_t **ret_value)
{
    int64_t value = get_integer(key, field);
    if (value < 0 || value >= key->name_count)
        return fail_field(context, key, "holds no value of its enum");
    *ret_value = json_string(key->names[value]);
    return LAM_STATUS_OK;
}

static lam_status format_real(lam_context *context, const lam_key *key, const void *field,
                              json_t **ret_value)
{
    double value = 0;
    memcpy(&value, field, sizeof value);
    if (!isfinite(value))
        return fail_field(context, key, "is not finite");
    *ret_value = json_real(value);
    return LAM_STATUS_OK;
}

static lam_status format_text(lam_context *context, const lam_key *key, const char *field,
                              json_t **ret_value)
{
    size_t length = strnlen(field, key->size);
    if (length == key->size)
        return fail_field(context, key, "is too long");
    *ret_value = json_stringn(field, length);
    if (!*ret_value)
        return fail_field(context, key, "is not UTF-8 text, or memory is short");
    return LAM_STATUS_OK;
}

static json_t *format_files(const lam_key *key, const void *field)
{
    uint32_t files = (uint32_t)get_integer(key, field);
    json_t *list = json_array();
    for (int file = 1; list && file <= key->maximum; file++) {
        if ((files >> (file - 1) & 1) != 0 && json_array_append_new(list, json_integer(file))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static lam_status format_group(lam_context *context, lam_key_group group, const void *base,
                               json_t **ret_value);

static lam_status format_layers(lam_context *context, const lam_key *key,
                                const lam_network *network, json_t **ret_value)
{
    if (network->layer_count < 0 || network->layer_count > LAM_MAX_LAYERS)
        return fail_field(context, key, "are too many");
    json_t *list = json_array();
    lam_status status = LAM_STATUS_OK;
    for (int i = 0; list && status == LAM_STATUS_OK && i < network->layer_count; i++) {
        json_t *layer = NULL;
        status = format_group(context, key->child, &network->layers[i], &layer);
        if (status == LAM_STATUS_OK && json_array_append_new(list, layer) != 0)
            status = lam_fail_memory(context, "a recipe", sizeof(lam_recipe));
    }
    if (status == LAM_STATUS_OK)
        *ret_value = list;
    else
        json_decref(list);
    return status;
}

/* A NULL value without a failure means that memory is short. */
static lam_status format_value(lam_context *context, const lam_key *key, const void *base,
                               json_t **ret_value)
{
    const void *field = (const char *)base + key->offset;
    switch (key->kind) {
    case LAM_KEY_NAME:
    case LAM_KEY_TEXT:
        return format_text(context, key, field, ret_value);
    case LAM_KEY_ENUM:
        return format_enum(context, key, field, ret_value);
    case LAM_KEY_INTEGER:
        *ret_value = json_integer(get_integer(key, field));
        return LAM_STATUS_OK;
    case LAM_KEY_REAL:
        return format_real(context, key, field, ret_value);
    case LAM_KEY_BOOL:
        *ret_value = json_boolean(*(const bool *)field);
        return LAM_STATUS_OK;
    case LAM_KEY_FILES:
        *ret_value = format_files(key, field);
        return LAM_STATUS_OK;
    case LAM_KEY_COUNT:
        *ret_value = json_integer(((const lam_duration *)field)->count);
        return LAM_STATUS_OK;
    case LAM_KEY_GROUP:
        return format_group(context, key->child, field, ret_value);
    case LAM_KEY_LAYERS:
        return format_layers(context, key, field, ret_value);
    }
    return LAM_STATUS_OK;
}

/* Whether the struct `base` of a group holds the key. */
static bool is_held(const lam_key *key, const void *base)
{
    const lam_key *type = lam_key_find(key->group, "type");
    const char *fields = base;
    if (key->input_only)
        return false;
    if (type && !lam_key_belongs(key, (int)get_integer(type, fields + type->offset)))
        return false;
    if (key->kind == LAM_KEY_NAME && key->minimum == 0)
        return fields[key->offset] != '\0';
    if (key->choice == LAM_KEY_CHOICE_FREE)
        return true;
    if (key->kind == LAM_KEY_COUNT)
        return ((const lam_duration *)(fields + key->offset))->unit == key->unit;
    return get_integer(key, fields + key->offset) != 0;
}

static lam_status format_group(lam_context *context, lam_key_group group, const void *base,
                               json_t **ret_value)
{
    json_t *object = json_object();
    lam_status status = LAM_STATUS_OK;
    const lam_key *key = NULL;
    while (object && status == LAM_STATUS_OK && (key = lam_key_next(group, key))) {
        json_t *value = NULL;
        if (!is_held(key, base))
            continue;
        status = format_value(context, key, base, &value);
        if (status == LAM_STATUS_OK && json_object_set_new(object, key->name, value) != 0)
            status = lam_fail_memory(context, "a recipe", sizeof(lam_recipe));
    }
    if (status == LAM_STATUS_OK)
        *ret_value = object;
    else
        json_decref(object);
    return status;
}

/* A caller can build a recipe that no text gives; such a one is reported here and not by the
 * reader of a run folder later. */
static lam_status verify(lam_context *context, const lam_recipe *recipe, const char *json)
{
    lam_recipe back;
    return lam_recipe_parse(context, json, strlen(json), recipe->name, NULL, 0, &back);
}

lam_status lam_recipe_format(lam_context *context, const lam_recipe *recipe, char **ret_json)
{
    lam_recipe_draft draft = {.recipe = *recipe};
    json_t *object = NULL;
    LAM_TRY(format_group(context, LAM_KEY_GROUP_ROOT, &draft, &object));
    char *json = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!json)
        return lam_fail_memory(context, "a recipe", sizeof *recipe);
    lam_status status = verify(context, recipe, json);
    if (status == LAM_STATUS_OK)
        *ret_json = json;
    else
        free(json);
    return status;
}
