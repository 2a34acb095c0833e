/* SPDX-License-Identifier: Apache-2.0 */
#include "train/session.h"

#include <stdlib.h>
#include <string.h>

#include "train/measurer.h"

static lam_status fill_session(lam_session *session, lam_device *device,
                               const lam_recipe *recipe, lam_gemm gemm, size_t members)
{
    lam_context *context = lam_device_get_context(device);
    lam_graph graph;
    uint32_t train_rows = lam_dataset_get_split(session->dataset, LAM_SPLIT_TRAIN).count;
    LAM_TRY(
        lam_graph_build(context, &recipe->network, LAM_IMAGE_INPUTS, LAM_CLASS_COUNT, &graph));
    LAM_TRY(lam_step_counts_compute(context, recipe, train_rows, &session->counts));
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, gemm, &session->engine));
    const lam_host_rows rows = {.images = lam_dataset_get_images(session->dataset),
                                .labels = lam_dataset_get_labels(session->dataset),
                                .count = lam_dataset_get_row_count(session->dataset),
                                .inputs = LAM_IMAGE_INPUTS,
                                .mean = session->normalization.mean,
                                .deviation = session->normalization.deviation};
    LAM_TRY(lam_resident_data_create(session->engine, &rows, &session->data));
    return lam_parameters_create(session->engine, &graph, members, &session->parameters);
}

static lam_status create_session(lam_device *device, const lam_recipe *recipe,
                                 const lam_dataset *dataset, lam_gemm gemm, size_t members,
                                 const lam_normalization *normalization,
                                 lam_session **ret_session)
{
    lam_session *session = calloc(1, sizeof *session);
    if (!session)
        return lam_fail_memory(lam_device_get_context(device), "a session", sizeof *session);
    session->dataset = dataset;
    if (normalization) {
        session->normalization = *normalization;
    } else {
        memcpy(session->normalization.mean, lam_dataset_get_mean(dataset),
               sizeof session->normalization.mean);
        memcpy(session->normalization.deviation, lam_dataset_get_deviation(dataset),
               sizeof session->normalization.deviation);
    }
    lam_status status = fill_session(session, device, recipe, gemm, members);
    if (status != LAM_STATUS_OK) {
        lam_session_destroy(&session);
        return status;
    }
    *ret_session = session;
    return LAM_STATUS_OK;
}

lam_status lam_session_create(lam_device *device, const lam_recipe *recipe,
                              const lam_dataset *dataset, lam_gemm gemm,
                              const lam_normalization *normalization, lam_session **ret_session)
{
    return create_session(device, recipe, dataset, gemm, 1, normalization, ret_session);
}

lam_status lam_session_create_population(lam_device *device, const lam_recipe *recipe,
                                         const lam_dataset *dataset, lam_gemm gemm,
                                         size_t members, lam_session **ret_session)
{
    return create_session(device, recipe, dataset, gemm, members, NULL, ret_session);
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
    lam_resident_data_destroy(&(*session)->data);
    lam_engine_destroy(&(*session)->engine);
    free(*session);
    *session = NULL;
}

lam_status lam_session_evaluate(const lam_session *session, lam_parameters *parameters,
                                const lam_recipe *recipe, unsigned splits,
                                lam_metrics *const ret_metrics[LAM_SPLIT_COUNT])
{
    lam_measurer *measurer = NULL;
    LAM_TRY(lam_measurer_create(parameters, session->data, session->dataset, recipe, splits,
                                &measurer));
    lam_status status = lam_measurer_run(measurer, ret_metrics);
    lam_measurer_destroy(&measurer);
    return status;
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
    LAM_TRY(lam_measurer_create(session->parameters, session->data, session->dataset, &kept,
                                1u << split, &measurer));
    lam_status status = lam_measurer_run_logits(measurer, split, ret_logits);
    lam_measurer_destroy(&measurer);
    return status;
}
