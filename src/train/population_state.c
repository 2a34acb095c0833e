/* SPDX-License-Identifier: Apache-2.0 */
#include "train/wave_state.h"

#include <stdlib.h>

#include "train/model_file.h"

char *lam_wave_state_format(const uint64_t *seeds, const lam_watch *watches, size_t members)
{
    json_t *seed_list = json_array(), *watch_list = json_array();
    for (size_t p = 0; p < members; p++) {
        json_array_append_new(seed_list, json_integer((json_int_t)seeds[p]));
        json_array_append_new(watch_list, lam_watch_format(&watches[p]));
    }
    json_t *state = json_pack("{s:o, s:o}", "seeds", seed_list, "watches", watch_list);
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

lam_status lam_wave_state_load(lam_context *context, const char *path, const uint64_t *seeds,
                               lam_watch *ret_watches, size_t members)
{
    json_t *state = NULL;
    LAM_TRY(load_state(context, path, &state));
    const json_t *seed_list = json_object_get(state, "seeds");
    const json_t *watch_list = json_object_get(state, "watches");
    bool fits = json_array_size(seed_list) == members && json_array_size(watch_list) == members;
    for (size_t p = 0; p < members && fits; p++)
        fits = json_integer_value(json_array_get(seed_list, p)) == (json_int_t)seeds[p] &&
               lam_watch_parse(json_array_get(watch_list, p), &ret_watches[p]);
    json_decref(state);
    return fits ? LAM_STATUS_OK : fail_state(context, path);
}

lam_status lam_wave_state_load_seeds(lam_context *context, const char *path,
                                     uint64_t **ret_seeds, size_t *ret_members)
{
    json_t *state = NULL;
    LAM_TRY(load_state(context, path, &state));
    const json_t *list = json_object_get(state, "seeds");
    size_t members = json_array_size(list);
    uint64_t *seeds = members > 0 ? malloc(members * sizeof *seeds) : NULL;
    for (size_t p = 0; p < members && seeds; p++)
        seeds[p] = (uint64_t)json_integer_value(json_array_get(list, p));
    json_decref(state);
    if (members == 0)
        return fail_state(context, path);
    if (!seeds)
        return lam_fail_memory(context, path, members * sizeof *seeds);
    *ret_seeds = seeds;
    *ret_members = members;
    return LAM_STATUS_OK;
}
