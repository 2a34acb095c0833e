/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "lamina/reproduce.h"
#include "report/gradient_checks.h"

static lam_status load(lam_context *context, const char *folder, const char *file,
                       json_t **ret_json)
{
    char path[4096 + 64];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    json_t *json = json_load_file(path, 0, &error);
    if (!json_is_object(json)) {
        json_decref(json);
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s: cannot be read: %s; run the experiment again", path, error.text);
    }
    *ret_json = json;
    return LAM_STATUS_OK;
}

static lam_status save(lam_context *context, const char *directory, const json_t *json)
{
    char path[4096 + 16];
    lam_strbuf line = {0};
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    snprintf(path, sizeof path, "%s/run.json", directory);
    if (text)
        lam_strbuf_append(&line, "%s\n", text);
    free(text);
    lam_status status =
        line.length == 0 || line.failed ? lam_fail_memory(context, path, 0) : LAM_STATUS_OK;
    if (status == LAM_STATUS_OK)
        status = lam_directory_create(context, directory);
    if (status == LAM_STATUS_OK)
        status = lam_file_write(context, path, line.text, line.length);
    lam_strbuf_free(&line);
    return status;
}

/* What the networks of a set have in common of a run's record: keys that name no places. */
static lam_status load_set(lam_context *context, const char *folder, json_t **ret_json)
{
    static const char *const keys[] = {"lamina", "recipe", "device", "gemm", "rows"};
    json_t *record = NULL, *summary = NULL;
    LAM_TRY(load(context, folder, "seed-1/run.json", &record));
    lam_status status = load(context, folder, "summary.json", &summary);
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        json_object_set(json, keys[i], json_object_get(record, keys[i]));
    json_object_update_missing(json, summary);
    json_decref(summary);
    json_decref(record);
    if (status == LAM_STATUS_OK)
        *ret_json = json;
    else
        json_decref(json);
    return status;
}

lam_status lam_experiment_publish(lam_context *context, const lam_experiment *experiment,
                                  const char *folder, const char *directory)
{
    char final[4096 + 16];
    json_t *json = NULL;
    snprintf(final, sizeof final, "%s/final", folder);
    if (experiment->kind == LAM_EXPERIMENT_KIND_GRADIENTS)
        LAM_TRY(load(context, folder, LAM_GRADIENT_CHECKS_FILE, &json));
    else if (experiment->kind == LAM_EXPERIMENT_KIND_SEARCH)
        LAM_TRY(load_set(context, final, &json));
    else
        LAM_TRY(load_set(context, folder, &json));
    lam_status status = save(context, directory, json);
    json_decref(json);
    return status;
}
