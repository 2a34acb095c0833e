/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_hparams.h"

#include <stdlib.h>
#include <string.h>

#include "report/event_message.h"
#include "report/protobuf.h"

#define PLUGIN "hparams"
#define START_TAG "_hparams_/session_start_info"
#define END_TAG "_hparams_/session_end_info"

/* Numbers of fields, by message; VALUE_* are those of google.protobuf.Value. */
enum { DATA_START = 3, DATA_END = 4 };
enum { START_HPARAMS = 1, START_GROUP_NAME = 4, START_TIME = 5 };
enum { END_STATUS = 1, END_TIME = 2 };
enum { MAP_KEY = 1, MAP_VALUE = 2 };
enum { VALUE_NUMBER = 2, VALUE_STRING = 3, VALUE_BOOL = 4 };
enum { STATUS_SUCCESS = 1, STATUS_FAILURE = 2 };

/* ---- what they are ---- */

/* "dense 50, relu, dense 10" */
static json_t *describe_layers(const json_t *layers)
{
    lam_strbuf text = {0};
    size_t i;
    const json_t *layer;
    json_array_foreach(layers, i, layer)
    {
        const json_t *width = json_object_get(layer, "width");
        lam_strbuf_append(&text, "%s%s", i > 0 ? ", " : "",
                          json_string_value(json_object_get(layer, "type")));
        if (width)
            lam_strbuf_append(&text, " %lld", (long long)json_integer_value(width));
    }
    json_t *described = json_string(lam_strbuf_text(&text));
    lam_strbuf_free(&text);
    return described;
}

static json_t *describe_list(const char *key, const json_t *list)
{
    if (strcmp(key, "layers") == 0)
        return describe_layers(list);
    char *text = json_dumps(list, 0);
    json_t *described = text ? json_string(text) : NULL;
    free(text);
    return described;
}

static void flatten(const json_t *object, const char *prefix, json_t *flat)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        lam_strbuf path = {0};
        lam_strbuf_append(&path, "%s%s", prefix, key);
        if (json_is_object(value)) {
            lam_strbuf_append(&path, ".");
            flatten(value, lam_strbuf_text(&path), flat);
        } else if (json_is_array(value)) {
            json_object_set_new(flat, lam_strbuf_text(&path), describe_list(key, value));
        } else {
            json_object_set(flat, lam_strbuf_text(&path), value);
        }
        lam_strbuf_free(&path);
    }
}

json_t *lam_hparams_make(lam_context *context, const lam_recipe *recipe)
{
    char *text = NULL;
    json_t *flat = json_object();
    if (lam_recipe_format(context, recipe, &text) != LAM_STATUS_OK)
        text = NULL;
    json_t *whole = text ? json_loads(text, 0, NULL) : NULL;
    json_object_del(whole, "name");
    json_object_del(whole, "description");
    flatten(whole, "", flat);
    json_decref(whole);
    free(text);
    return flat;
}

json_t *lam_hparam_parse(const char *value)
{
    json_t *parsed = json_loads(value, JSON_DECODE_ANY, NULL);
    if (json_is_number(parsed) || json_is_boolean(parsed))
        return parsed;
    json_decref(parsed);
    return json_string(value);
}

/* ---- as messages ---- */

static lam_strbuf encode_value(const json_t *value)
{
    lam_strbuf message = {0};
    if (json_is_number(value))
        lam_protobuf_add_double(&message, VALUE_NUMBER, json_number_value(value));
    else if (json_is_boolean(value))
        lam_protobuf_add_integer(&message, VALUE_BOOL, json_is_true(value));
    else
        lam_protobuf_add_text(&message, VALUE_STRING,
                              json_is_string(value) ? json_string_value(value) : "");
    return message;
}

static void add_session(lam_strbuf *summary, const char *tag, uint32_t field,
                        lam_strbuf *session)
{
    lam_strbuf data = {0};
    lam_protobuf_add_message(&data, field, session);
    lam_event_add_plugin_data(summary, tag, PLUGIN, &data);
}

void lam_event_add_session_start(lam_strbuf *summary, const json_t *hparams, const char *group,
                                 double time)
{
    lam_strbuf start = {0};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)hparams, key, value)
    {
        lam_strbuf entry = {0}, encoded = encode_value(value);
        lam_protobuf_add_text(&entry, MAP_KEY, key);
        lam_protobuf_add_message(&entry, MAP_VALUE, &encoded);
        lam_protobuf_add_message(&start, START_HPARAMS, &entry);
    }
    lam_protobuf_add_text(&start, START_GROUP_NAME, group);
    lam_protobuf_add_double(&start, START_TIME, time);
    add_session(summary, START_TAG, DATA_START, &start);
}

void lam_event_add_session_end(lam_strbuf *summary, bool has_succeeded, double time)
{
    lam_strbuf end = {0};
    lam_protobuf_add_integer(&end, END_STATUS, has_succeeded ? STATUS_SUCCESS : STATUS_FAILURE);
    lam_protobuf_add_double(&end, END_TIME, time);
    add_session(summary, END_TAG, DATA_END, &end);
}
