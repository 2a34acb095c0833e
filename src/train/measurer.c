/* SPDX-License-Identifier: Apache-2.0 */
#include "train/measurer.h"

#include <stdlib.h>

#include "train/statistics_meter.h"

/* What "lightly augmented" means where statistics are adapted to a split. */
static const lam_augmentation light_augmentation = {.flip = 0.5, .translation = 1};

struct lam_measurer {
    lam_parameters *parameters;
    const lam_resident_data *data;
    const lam_dataset *dataset;
    const lam_recipe *recipe;
    lam_penalty_meter *penalty_meter;
    double *penalties;                /* [members] */
    lam_statistics_meter *statistics; /* PRECISE */
    lam_statistics_meter *adapted[LAM_SPLIT_COUNT];
    lam_evaluator *evaluators[LAM_SPLIT_COUNT];
};

static bool has_norm(const lam_graph *graph)
{
    for (int u = 0; u < graph->unit_count; u++)
        if (graph->units[u].norm != LAM_NORM_PLACE_NONE)
            return true;
    return false;
}

static lam_status create_statistics(lam_measurer *measurer, lam_split split,
                                    const lam_augmentation *augmentation,
                                    lam_statistics_meter **ret_meter)
{
    const lam_statistics_rows rows = {.range = lam_dataset_get_split(measurer->dataset, split),
                                      .count = (size_t)measurer->recipe->statistics.rows,
                                      .augmentation = *augmentation,
                                      .seed = measurer->recipe->seed};
    return lam_statistics_meter_create(measurer->parameters, measurer->data, &rows, ret_meter);
}

static lam_status create_split(lam_measurer *measurer, lam_split split)
{
    lam_row_range range = lam_dataset_get_split(measurer->dataset, split);
    lam_parameters *parameters = measurer->parameters;
    lam_statistics_meter *statistics = measurer->statistics;
    if (measurer->recipe->statistics.type == LAM_STATISTICS_ADAPTED &&
        has_norm(&parameters->graph)) {
        LAM_TRY(
            create_statistics(measurer, split, &light_augmentation, &measurer->adapted[split]));
        statistics = measurer->adapted[split];
    }
    if (statistics)
        parameters = lam_statistics_meter_get_parameters(statistics);
    return lam_evaluator_create_for_range(parameters, measurer->data, range,
                                          &measurer->evaluators[split]);
}

static lam_status fill_measurer(lam_measurer *measurer, unsigned splits)
{
    static const lam_augmentation none = {0};
    const lam_parameters *parameters = measurer->parameters;
    LAM_TRY(lam_penalty_meter_create(parameters, &measurer->penalty_meter));
    measurer->penalties = malloc(parameters->members * sizeof *measurer->penalties);
    if (!measurer->penalties)
        return lam_fail_memory(parameters->engine->context, "penalties",
                               parameters->members * sizeof *measurer->penalties);
    if (measurer->recipe->statistics.type == LAM_STATISTICS_PRECISE &&
        has_norm(&parameters->graph))
        LAM_TRY(create_statistics(measurer, LAM_SPLIT_TRAIN, &none, &measurer->statistics));
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if ((splits >> split & 1) != 0 &&
            lam_dataset_get_split(measurer->dataset, (lam_split)split).count > 0)
            LAM_TRY(create_split(measurer, (lam_split)split));
    return LAM_STATUS_OK;
}

lam_status lam_measurer_create(lam_parameters *parameters, const lam_resident_data *data,
                               const lam_dataset *dataset, const lam_recipe *recipe,
                               unsigned splits, lam_measurer **ret_measurer)
{
    lam_measurer *measurer = calloc(1, sizeof *measurer);
    if (!measurer)
        return lam_fail_memory(parameters->engine->context, "measurements", sizeof *measurer);
    measurer->parameters = parameters;
    measurer->data = data;
    measurer->dataset = dataset;
    measurer->recipe = recipe;
    lam_status status = fill_measurer(measurer, splits);
    if (status == LAM_STATUS_OK)
        *ret_measurer = measurer;
    else
        lam_measurer_destroy(&measurer);
    return status;
}

static void add_statistics_need(const lam_engine *engine, const lam_graph *graph,
                                size_t members, const lam_recipe *recipe, size_t split_rows,
                                lam_memory_need *need)
{
    size_t rows = (size_t)recipe->statistics.rows;
    const lam_plan_features features = {.augments =
                                            recipe->statistics.type == LAM_STATISTICS_ADAPTED};
    lam_step_plan_add_statistics_need(engine, graph, members,
                                      rows < split_rows ? rows : split_rows, &features, need);
}

void lam_measurer_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                           const lam_dataset *dataset, const lam_recipe *recipe,
                           unsigned splits, lam_memory_need *need)
{
    lam_statistics_type type =
        has_norm(graph) ? recipe->statistics.type : LAM_STATISTICS_RUNNING;
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        size_t rows = lam_dataset_get_split(dataset, (lam_split)split).count;
        if ((splits >> split & 1) == 0 || rows == 0)
            continue;
        lam_evaluator_add_need(engine, graph, members, rows, need);
        if (type == LAM_STATISTICS_ADAPTED ||
            (type == LAM_STATISTICS_PRECISE && split == LAM_SPLIT_TRAIN))
            add_statistics_need(engine, graph, members, recipe, rows, need);
    }
}

void lam_measurer_destroy(lam_measurer **measurer)
{
    if (!*measurer)
        return;
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        lam_evaluator_destroy(&(*measurer)->evaluators[split]);
        lam_statistics_meter_destroy(&(*measurer)->adapted[split]);
    }
    lam_statistics_meter_destroy(&(*measurer)->statistics);
    lam_penalty_meter_destroy(&(*measurer)->penalty_meter);
    free((*measurer)->penalties);
    free(*measurer);
    *measurer = NULL;
}

bool lam_measurer_has(const lam_measurer *measurer, lam_split split)
{
    return measurer->evaluators[split] != NULL;
}

static lam_status adapt_statistics(lam_measurer *measurer, lam_split split)
{
    return measurer->adapted[split] ? lam_statistics_meter_run(measurer->adapted[split])
                                    : LAM_STATUS_OK;
}

lam_status lam_measurer_run(lam_measurer *measurer,
                            lam_metrics *const ret_metrics[LAM_SPLIT_COUNT])
{
    LAM_TRY(lam_penalty_meter_run(measurer->penalty_meter, measurer->penalties));
    if (measurer->statistics)
        LAM_TRY(lam_statistics_meter_run(measurer->statistics));
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        if (!measurer->evaluators[split])
            continue;
        LAM_TRY(adapt_statistics(measurer, (lam_split)split));
        LAM_TRY(lam_evaluator_run(measurer->evaluators[split], measurer->penalties,
                                  ret_metrics[split]));
    }
    return LAM_STATUS_OK;
}

lam_status lam_measurer_run_logits(lam_measurer *measurer, lam_split split, double *ret_logits)
{
    if (measurer->statistics)
        LAM_TRY(lam_statistics_meter_run(measurer->statistics));
    LAM_TRY(adapt_statistics(measurer, split));
    return lam_evaluator_run_logits(measurer->evaluators[split], ret_logits);
}

const lam_parameters *lam_measurer_get_parameters(const lam_measurer *measurer)
{
    return measurer->statistics ? lam_statistics_meter_get_parameters(measurer->statistics)
                                : measurer->parameters;
}
