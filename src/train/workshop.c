/* SPDX-License-Identifier: Apache-2.0 */
#include "train/workshop.h"

#include <stdlib.h>
#include <string.h>

#include "train/measurer.h"

static lam_status fill_workshop(lam_workshop *workshop, lam_device *device, lam_gemm gemm)
{
    const lam_dataset *dataset = workshop->dataset;
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, gemm, &workshop->engine));
    const lam_host_rows rows = {.images = lam_dataset_get_images(dataset),
                                .labels = lam_dataset_get_labels(dataset),
                                .count = lam_dataset_get_row_count(dataset),
                                .inputs = LAM_IMAGE_INPUTS,
                                .mean = workshop->normalization.mean,
                                .deviation = workshop->normalization.deviation};
    return lam_resident_data_create(workshop->engine, &rows, &workshop->data);
}

static void copy_normalization(const lam_dataset *dataset, lam_normalization *ret_normalization)
{
    memcpy(ret_normalization->mean, lam_dataset_get_mean(dataset),
           sizeof ret_normalization->mean);
    memcpy(ret_normalization->deviation, lam_dataset_get_deviation(dataset),
           sizeof ret_normalization->deviation);
}

lam_status lam_workshop_create(lam_device *device, const lam_dataset *dataset, lam_gemm gemm,
                               const lam_normalization *normalization,
                               lam_workshop **ret_workshop)
{
    lam_workshop *workshop = calloc(1, sizeof *workshop);
    if (!workshop)
        return lam_fail_memory(lam_device_get_context(device), "a workshop", sizeof *workshop);
    workshop->dataset = dataset;
    if (normalization)
        workshop->normalization = *normalization;
    else
        copy_normalization(dataset, &workshop->normalization);
    lam_status status = fill_workshop(workshop, device, gemm);
    if (status == LAM_STATUS_OK)
        *ret_workshop = workshop;
    else
        lam_workshop_destroy(&workshop);
    return status;
}

void lam_workshop_destroy(lam_workshop **workshop)
{
    if (!*workshop)
        return;
    lam_resident_data_destroy(&(*workshop)->data);
    lam_engine_destroy(&(*workshop)->engine);
    free(*workshop);
    *workshop = NULL;
}

lam_status lam_workshop_evaluate(const lam_workshop *workshop, lam_parameters *parameters,
                                 const lam_recipe *recipe, unsigned splits,
                                 lam_metrics *const ret_metrics[LAM_SPLIT_COUNT])
{
    lam_measurer *measurer = NULL;
    LAM_TRY(lam_measurer_create(parameters, workshop->data, workshop->dataset, recipe, splits,
                                &measurer));
    lam_status status = lam_measurer_run(measurer, ret_metrics);
    lam_measurer_destroy(&measurer);
    return status;
}
