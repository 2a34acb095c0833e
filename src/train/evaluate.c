/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "train/record.h"
#include "train/run_directory.h"
#include "train/session.h"

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
        status = lam_record_take_recipe(context, directory, record, ret_recipe);
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

/* Names of the model files of a folder, for a message. */
static void list_models(lam_strbuf *list, const char *directory)
{
    DIR *folder = opendir(directory);
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        if (lam_run_is_model(entry->d_name))
            lam_strbuf_append(list, "%s%s", list->length > 0 ? ", " : "", entry->d_name);
    if (folder)
        closedir(folder);
}

lam_status lam_run_find_model(lam_context *context, const char *directory, const char *model,
                              char **ret_path)
{
    lam_strbuf path = {0}, models = {0};
    const char *name = !model || strcmp(model, "last") == 0 ? LAM_RUN_MODEL : model;
    bool has_suffix = strstr(name, LAM_RUN_MODEL_SUFFIX) != NULL;
    lam_strbuf_append(&path, "%s/%s%s", directory, name,
                      has_suffix ? "" : LAM_RUN_MODEL_SUFFIX);
    char *copy = path.failed ? NULL : strdup(lam_strbuf_text(&path));
    lam_status status = LAM_STATUS_OK;
    if (!copy) {
        status = lam_fail_memory(context, "a path", path.length);
    } else if (access(copy, F_OK) != 0) {
        list_models(&models, directory);
        status = lam_fail(context, LAM_STATUS_BAD_MODEL,
                          "%s: there is no such model; %s holds %s", copy, directory,
                          models.length > 0 ? lam_strbuf_text(&models) : "none: train again");
    }
    if (status == LAM_STATUS_OK)
        *ret_path = copy;
    else
        free(copy);
    lam_strbuf_free(&path);
    lam_strbuf_free(&models);
    return status;
}

lam_status lam_evaluate(lam_device *device, const lam_recipe *recipe,
                        const lam_dataset *dataset, const char *model_path, lam_gemm gemm,
                        lam_run_summary *ret_summary)
{
    lam_session *session = NULL;
    lam_run_summary summary = {0};
    lam_status status = lam_self_test(device, gemm);
    if (status == LAM_STATUS_OK)
        status = lam_session_open(device, recipe, dataset, gemm, model_path, &session);
    if (status == LAM_STATUS_OK) {
        const lam_recipe kept = lam_session_get_kept_recipe(recipe);
        lam_metrics *const metrics[LAM_SPLIT_COUNT] = {&summary.final[LAM_SPLIT_TRAIN],
                                                       &summary.final[LAM_SPLIT_VALIDATION],
                                                       &summary.final[LAM_SPLIT_TEST]};
        status = lam_workshop_evaluate(session->workshop, session->parameters, &kept,
                                       (1u << LAM_SPLIT_COUNT) - 1, metrics);
        summary.steps = session->model_steps;
    }
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        summary.has_split[split] = lam_dataset_get_split(dataset, (lam_split)split).count > 0;
    if (status == LAM_STATUS_OK)
        *ret_summary = summary;
    lam_session_destroy(&session);
    return status;
}
