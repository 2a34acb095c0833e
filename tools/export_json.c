/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "export.h"

/* A file of a folder as it is; null where it is missing. */
static json_t *load_file(const char *folder, const char *name)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    json_t *json = json_load_file(path, 0, NULL);
    return json ? json : json_null();
}

static json_t *run_to_json(const lam_run_history *run)
{
    json_t *measurements = json_array();
    for (size_t i = 0; i < run->measurement_count; i++)
        json_array_append_new(measurements, measurement_to_json(&run->measurements[i]));
    return json_pack("{s:I, s:s, s:o, s:o}", "seed", (json_int_t)run->seed, "status",
                     run->status, "record", load_file(run->folder, "run.json"), "measurements",
                     measurements);
}

static json_t *runs_to_json(const export_source *source)
{
    const lam_run_set *set = &source->runs;
    json_t *runs = json_array();
    for (size_t i = 0; i < set->count; i++)
        json_array_append_new(runs, run_to_json(&set->runs[i]));
    json_t *json = json_pack("{s:s, s:s, s:o}", "kind", set->is_seed_set ? "seeds" : "run",
                             "name", set->name, "runs", runs);
    if (set->is_seed_set)
        json_object_set_new(json, "summary", load_file(set->path, "summary.json"));
    return json;
}

static lam_status study_to_whole_json(lam_context *context, const export_source *source,
                                      json_t **ret_json)
{
    lam_ranking ranking = {0};
    lam_status status = lam_study_rank(context, source->view, &ranking);
    if (status == LAM_STATUS_OK)
        status = export_study_as_json(context, source->study, source->view, true, ret_json);
    if (status == LAM_STATUS_OK) {
        json_object_set_new(*ret_json, "kind", json_string("study"));
        json_object_set_new(*ret_json, "state", study_to_json(source->view));
        json_object_set_new(*ret_json, "ranking", ranking_to_json(source->view, &ranking, 0));
    }
    lam_ranking_free(&ranking);
    return status;
}

static lam_status add_source(lam_context *context, const export_source *source, json_t *list)
{
    json_t *json = NULL;
    lam_status status = LAM_STATUS_OK;
    if (source->view)
        status = study_to_whole_json(context, source, &json);
    else
        json = runs_to_json(source);
    if (status != LAM_STATUS_OK)
        return status;
    json_object_set_new(json, "path", json_string(source->path));
    return json_array_append_new(list, json) == 0 ? LAM_STATUS_OK : LAM_STATUS_NO_MEMORY;
}

lam_status export_json(const export_sources *sources, FILE *out)
{
    json_t *list = json_array();
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < sources->count && status == LAM_STATUS_OK; i++)
        status = add_source(sources->context, &sources->list[i], list);
    json_t *whole = json_pack("{s:s, s:o}", "lamina", lam_version(), "sources", list);
    if (status == LAM_STATUS_OK &&
        (!whole || json_dumpf(whole, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0))
        status = LAM_STATUS_NO_MEMORY;
    putc('\n', out);
    json_decref(whole);
    return status;
}
