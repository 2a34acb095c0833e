/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "train/run_directory.h"
#include "train/session.h"

/* The recorded recipe, checked as strictly as one from a file. */
static lam_status parse_recorded_recipe(lam_context *context, const char *directory,
                                        const json_t *record, lam_recipe *ret_recipe)
{
    lam_strbuf origin = {0};
    lam_strbuf_append(&origin, "%s/" LAM_RUN_RECORD ": recipe", directory);
    const json_t *recipe = json_object_get(record, "recipe");
    char *text = json_is_object(recipe) ? json_dumps(recipe, JSON_REAL_PRECISION(17)) : NULL;
    lam_status status = text ? lam_recipe_parse(context, text, strlen(text),
                                                lam_strbuf_text(&origin), NULL, 0, ret_recipe)
                             : lam_fail(context, LAM_STATUS_BAD_MODEL,
                                        "%s is missing; train again", lam_strbuf_text(&origin));
    free(text);
    lam_strbuf_free(&origin);
    return status == LAM_STATUS_BAD_RECIPE ? LAM_STATUS_BAD_MODEL : status;
}

lam_status lam_run_load(lam_context *context, const char *directory, lam_recipe *ret_recipe,
                        char **ret_data_directory)
{
    json_t *record = NULL;
    LAM_TRY(lam_run_record_load(context, directory, &record));
    const char *outcome = json_string_value(json_object_get(record, "status"));
    lam_status status = LAM_STATUS_OK;
    if (outcome && strcmp(outcome, "finished") != 0)
        status = lam_fail(context, LAM_STATUS_BAD_MODEL,
                          "%s holds no trained model: the run is %s; finish it first (lamina "
                          "train --resume)",
                          directory, outcome);
    if (status == LAM_STATUS_OK)
        status = parse_recorded_recipe(context, directory, record, ret_recipe);
    const char *data = json_string_value(json_object_get(record, "data_directory"));
    char *copy = data ? strdup(data) : NULL;
    if (status == LAM_STATUS_OK && data && !copy)
        status = lam_fail_memory(context, "a path", strlen(data));
    if (status == LAM_STATUS_OK)
        *ret_data_directory = copy;
    else
        free(copy);
    json_decref(record);
    return status;
}

/* Precise statistics are the model's own; others are found anew. */
static lam_status evaluate_model(lam_session *session, const lam_recipe *recipe,
                                 lam_run_summary *summary)
{
    lam_recipe measured = *recipe;
    if (measured.statistics.type == LAM_STATISTICS_PRECISE)
        measured.statistics.type = LAM_STATISTICS_RUNNING;
    return lam_session_evaluate(session, &measured, (1u << LAM_SPLIT_COUNT) - 1, summary);
}

lam_status lam_evaluate(lam_device *device, const lam_recipe *recipe,
                        const lam_dataset *dataset, const char *directory, lam_gemm gemm,
                        lam_run_summary *ret_summary)
{
    lam_session *session = NULL;
    lam_run_summary summary = {0};
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/" LAM_RUN_MODEL, directory);
    lam_status status = lam_self_test(device, gemm);
    if (status == LAM_STATUS_OK)
        status =
            lam_session_open(device, recipe, dataset, gemm, lam_strbuf_text(&path), &session);
    if (status == LAM_STATUS_OK)
        status = evaluate_model(session, recipe, &summary);
    if (status == LAM_STATUS_OK) {
        summary.steps = session->model_steps;
        *ret_summary = summary;
    }
    lam_session_destroy(&session);
    lam_strbuf_free(&path);
    return status;
}
