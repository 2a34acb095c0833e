/* SPDX-License-Identifier: Apache-2.0 */
#include "train/session.h"

#include <stdlib.h>
#include <string.h>

#include "train/evaluator.h"

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
                                lam_split split, double l2, lam_metrics *ret_metrics)
{
    lam_evaluator *evaluator = NULL;
    lam_penalty_meter *meter = NULL;
    lam_status status = LAM_STATUS_OK;
    double *penalties = malloc(parameters->members * sizeof *penalties);
    if (!penalties)
        return lam_fail_memory(session->engine->context, "penalties", sizeof *penalties);
    LAM_TRY_GOTO(status, lam_penalty_meter_create(parameters, &meter));
    LAM_TRY_GOTO(status, lam_penalty_meter_run(meter, l2, penalties));
    LAM_TRY_GOTO(status, lam_evaluator_create_for_range(
                             parameters, session->data,
                             lam_dataset_get_split(session->dataset, split), &evaluator));
    status = lam_evaluator_run(evaluator, penalties, ret_metrics);
fail:
    lam_evaluator_destroy(&evaluator);
    lam_penalty_meter_destroy(&meter);
    free(penalties);
    return status;
}
