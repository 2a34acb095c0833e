/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/tune.h"

#include "data/split.h"
#include "net/step_plan.h"
#include "train/evaluator.h"

/* Networks without data: their plans are made for what the engine's tuner learns from them, and
 * never run. */
typedef struct tuned_network {
    lam_engine *engine;
    lam_parameters *parameters;
    lam_buffer *l2, *table;
} tuned_network;

static void destroy_network(tuned_network *n)
{
    lam_buffer_destroy(&n->l2);
    lam_buffer_destroy(&n->table);
    lam_parameters_destroy(&n->parameters);
    lam_engine_destroy(&n->engine);
}

static lam_status create_network(lam_device *device, const lam_graph *graph, size_t members,
                                 lam_gemm gemm, tuned_network *n)
{
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, gemm, &n->engine));
    LAM_TRY(lam_parameters_create(n->engine, graph, members, &n->parameters));
    LAM_TRY(lam_engine_create_reals(n->engine, members, "l2", &n->l2));
    return lam_engine_create_reals(n->engine, LAM_STEP_SCALAR_COUNT * members, "learning rates",
                                   &n->table);
}

static lam_status plan_training(const tuned_network *n, size_t rows,
                                const lam_augmentation *augmentation)
{
    lam_plan *plan = NULL;
    const lam_plan_rows plan_rows = {.rows = rows, .limit = rows, .augmentation = augmentation};
    const lam_plan_update update = {.l2 = n->l2, .table = n->table};
    LAM_TRY(lam_step_plan_create_training(n->parameters, &plan_rows, &update, &plan));
    lam_plan_destroy(&plan);
    return LAM_STATUS_OK;
}

static lam_status plan_evaluation(const tuned_network *n, size_t rows)
{
    lam_plan *plan = NULL;
    const lam_plan_rows plan_rows = {.rows = rows, .limit = rows};
    LAM_TRY(lam_step_plan_create_evaluation(n->parameters, &plan_rows, &plan));
    lam_plan_destroy(&plan);
    return LAM_STATUS_OK;
}

lam_status lam_tune_network(lam_device *device, const lam_network *network, size_t inputs,
                            size_t batch, size_t members, lam_gemm gemm)
{
    lam_graph graph;
    tuned_network n = {0};
    lam_status status = LAM_STATUS_OK;
    size_t classes = (size_t)network->layers[network->layer_count - 1].width;
    LAM_TRY(lam_graph_build(lam_device_get_context(device), network, inputs, classes, &graph));
    LAM_TRY_GOTO(status, create_network(device, &graph, members, gemm, &n));
    LAM_TRY_GOTO(status, plan_training(&n, batch, NULL));
    status = plan_evaluation(&n, LAM_EVALUATION_ROWS);
fail:
    destroy_network(&n);
    return status;
}

lam_status lam_tune_recipe(lam_device *device, const lam_recipe *recipe, lam_gemm gemm)
{
    lam_context *context = lam_device_get_context(device);
    lam_graph graph;
    lam_split_plan splits;
    tuned_network n = {0};
    lam_status status = LAM_STATUS_OK;
    LAM_TRY(
        lam_graph_build(context, &recipe->network, LAM_IMAGE_INPUTS, LAM_CLASS_COUNT, &graph));
    LAM_TRY(lam_split_plan_make(context, &recipe->data, &splits));
    LAM_TRY_GOTO(status, create_network(device, &graph, 1, gemm, &n));
    LAM_TRY_GOTO(status, plan_training(&n, (size_t)recipe->batch, &recipe->augmentation));
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (splits.ranges[split].count > 0)
            LAM_TRY_GOTO(status, plan_evaluation(
                                     &n, lam_evaluator_get_rows(splits.ranges[split].count)));
fail:
    destroy_network(&n);
    return status;
}
