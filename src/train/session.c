/* SPDX-License-Identifier: Apache-2.0 */
#include "train/session.h"

#include <stdlib.h>

#include "train/measurer.h"

lam_status lam_session_create(lam_device *device, const lam_recipe *recipe,
                              const lam_dataset *dataset, lam_gemm gemm,
                              const lam_normalization *normalization, lam_session **ret_session)
{
    lam_status status = LAM_STATUS_OK;
    lam_context *context = lam_device_get_context(device);
    lam_graph graph;
    lam_session *session = calloc(1, sizeof *session);
    if (!session)
        return lam_fail_memory(context, "a session", sizeof *session);
    LAM_TRY_GOTO(status, lam_graph_build(context, &recipe->network, LAM_IMAGE_INPUTS,
                                         LAM_CLASS_COUNT, &graph));
    LAM_TRY_GOTO(status,
                 lam_workshop_create(device, dataset, gemm, normalization, &session->workshop));
    LAM_TRY_GOTO(status, lam_parameters_create(session->workshop->engine, &graph, 1,
                                               &session->parameters));
    *ret_session = session;
    return LAM_STATUS_OK;
fail:
    lam_session_destroy(&session);
    return status;
}

lam_status lam_session_open(lam_device *device, const lam_recipe *recipe,
                            const lam_dataset *dataset, lam_gemm gemm, const char *model_path,
                            lam_session **ret_session)
{
    lam_context *context = lam_device_get_context(device);
    lam_session *session = NULL;
    lam_normalization *normalization = malloc(sizeof *normalization);
    if (!normalization)
        return lam_fail_memory(context, "the z-score", sizeof *normalization);
    lam_status status = lam_model_file_load_normalization(context, model_path, normalization);
    if (status == LAM_STATUS_OK)
        status = lam_session_create(device, recipe, dataset, gemm, normalization, &session);
    if (status == LAM_STATUS_OK)
        status = lam_model_file_load(session->parameters, LAM_ALL_MEMBERS, model_path,
                                     &session->model_steps);
    free(normalization);
    if (status != LAM_STATUS_OK) {
        lam_session_destroy(&session);
        return status;
    }
    *ret_session = session;
    return LAM_STATUS_OK;
}

void lam_session_destroy(lam_session **session)
{
    if (!*session)
        return;
    lam_parameters_destroy(&(*session)->parameters);
    lam_workshop_destroy(&(*session)->workshop);
    free(*session);
    *session = NULL;
}

lam_recipe lam_session_get_kept_recipe(const lam_recipe *recipe)
{
    lam_recipe kept = *recipe;
    if (kept.statistics.type == LAM_STATISTICS_PRECISE)
        kept.statistics.type = LAM_STATISTICS_RUNNING;
    return kept;
}

lam_status lam_session_compute_logits(lam_session *session, const lam_recipe *recipe,
                                      lam_split split, double *ret_logits)
{
    const lam_recipe kept = lam_session_get_kept_recipe(recipe);
    lam_measurer *measurer = NULL;
    const lam_workshop *workshop = session->workshop;
    LAM_TRY(lam_measurer_create(session->parameters, workshop->data, workshop->dataset, &kept,
                                1u << split, &measurer));
    lam_status status = lam_measurer_run_logits(measurer, split, ret_logits);
    lam_measurer_destroy(&measurer);
    return status;
}
