/* SPDX-License-Identifier: Apache-2.0 */
#include "train/population_state.h"

#include <inttypes.h>
#include <stdlib.h>

#include "train/model_file.h"

/* JSON's integers have a sign: an id keeps its bits. */
static uint64_t get_id(const json_t *list, size_t place)
{
    return (uint64_t)json_integer_value(json_array_get(list, place));
}

char *lam_population_state_format(const uint64_t *ids, const lam_watch *watches, size_t members)
{
    json_t *id_list = json_array(), *watch_list = json_array();
    for (size_t p = 0; p < members; p++) {
        json_array_append_new(id_list, json_integer((json_int_t)ids[p]));
        json_array_append_new(watch_list, lam_watch_format(&watches[p]));
    }
    json_t *state = json_pack("{s:o, s:o}", "ids", id_list, "watches", watch_list);
    char *text = state && json_array_size(watch_list) == members
                     ? json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(17))
                     : NULL;
    json_decref(state);
    return text;
}

static lam_status load_state(lam_context *context, const char *path, json_t **ret_state)
{
    char *text = NULL;
    LAM_TRY(lam_checkpoint_load_state(context, path, &text));
    *ret_state = json_loads(text, 0, NULL);
    free(text);
    return LAM_STATUS_OK;
}

static lam_status fail_state(lam_context *context, const char *path)
{
    return lam_fail(context, LAM_STATUS_BAD_MODEL,
                    "%s: its metadata does not tell how far these networks were; replace the "
                    "run (--force)",
                    path);
}

static size_t find_place(const json_t *id_list, uint64_t id)
{
    size_t count = json_array_size(id_list), place = 0;
    while (place < count && get_id(id_list, place) != id)
        place++;
    return place;
}

static lam_status load_members(lam_context *context, const char *path, const json_t *state,
                               const uint64_t *ids, size_t members, lam_watch *ret_watches,
                               size_t *ret_places)
{
    const json_t *id_list = json_object_get(state, "ids");
    const json_t *watch_list = json_object_get(state, "watches");
    size_t count = json_array_size(id_list);
    if (count == 0 || json_array_size(watch_list) != count)
        return fail_state(context, path);
    for (size_t p = 0; p < members; p++) {
        ret_places[p] = find_place(id_list, ids[p]);
        if (ret_places[p] == count)
            return lam_fail(context, LAM_STATUS_BAD_MODEL,
                            "%s: network %" PRIu64 " is not among its %zu; train it again",
                            path, ids[p], count);
        if (!lam_watch_parse(json_array_get(watch_list, ret_places[p]), &ret_watches[p]))
            return fail_state(context, path);
    }
    return LAM_STATUS_OK;
}

lam_status lam_population_state_load(lam_context *context, const char *path,
                                     const uint64_t *ids, size_t members,
                                     lam_watch *ret_watches, size_t *ret_places,
                                     size_t *ret_count)
{
    json_t *state = NULL;
    LAM_TRY(load_state(context, path, &state));
    lam_status status =
        load_members(context, path, state, ids, members, ret_watches, ret_places);
    if (status == LAM_STATUS_OK)
        *ret_count = json_array_size(json_object_get(state, "ids"));
    json_decref(state);
    return status;
}

lam_status lam_population_state_load_ids(lam_context *context, const char *path,
                                         uint64_t **ret_ids, size_t *ret_members)
{
    json_t *state = NULL;
    LAM_TRY(load_state(context, path, &state));
    const json_t *list = json_object_get(state, "ids");
    size_t members = json_array_size(list);
    uint64_t *ids = members > 0 ? malloc(members * sizeof *ids) : NULL;
    for (size_t p = 0; p < members && ids; p++)
        ids[p] = get_id(list, p);
    json_decref(state);
    if (members == 0)
        return fail_state(context, path);
    if (!ids)
        return lam_fail_memory(context, path, members * sizeof *ids);
    *ret_ids = ids;
    *ret_members = members;
    return LAM_STATUS_OK;
}
