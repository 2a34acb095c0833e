/* SPDX-License-Identifier: Apache-2.0 */
#include "train/statistics_meter.h"

#include <stdlib.h>

#include "base/random.h"
#include "net/step_plan.h"
#include "train/run_numbers.h"

/* In the sampling stream: gradient checks begin at 0. */
#define SUBSTREAM 0x80000000u

struct lam_statistics_meter {
    lam_buffer *statistics[LAM_MAX_LAYERS];
    lam_parameters view;
    lam_buffer *order, *table;
    lam_run_numbers numbers;
    lam_plan *plan;
};

static lam_status create_statistics(lam_statistics_meter *meter,
                                    const lam_parameters *parameters)
{
    for (int u = 0; u < parameters->graph.unit_count; u++) {
        const lam_graph_unit *unit = &parameters->graph.units[u];
        size_t rows = lam_graph_get_tensor_rows(unit, LAM_TENSOR_STATISTICS);
        if (rows > 0)
            LAM_TRY(lam_engine_create_reals(parameters->engine,
                                            rows * parameters->members * unit->out,
                                            "statistics", &meter->statistics[u]));
    }
    meter->view = lam_parameters_view(parameters, meter->statistics);
    return LAM_STATUS_OK;
}

/* A table of one step that makes the batch's statistics the parameters'. */
static lam_status create_table(lam_statistics_meter *meter)
{
    const lam_engine *engine = meter->view.engine;
    size_t members = meter->view.members;
    const double replace = 2;
    LAM_TRY(lam_engine_create_reals(engine, LAM_STEP_SCALAR_COUNT * members, "a table of steps",
                                    &meter->table));
    for (size_t p = 0; p < members; p++)
        LAM_TRY(lam_engine_write_reals(engine, meter->table,
                                       LAM_STEP_SCALAR_STATISTICS * members + p, &replace, 1));
    return LAM_STATUS_OK;
}

static lam_status create_order(lam_statistics_meter *meter, const lam_statistics_rows *rows,
                               size_t count)
{
    const lam_engine *engine = meter->view.engine;
    int32_t *order = malloc(rows->range.count * sizeof *order);
    if (!order)
        return lam_fail_memory(engine->context, "an order of rows",
                               rows->range.count * sizeof *order);
    lam_random random = lam_random_start(rows->seed, LAM_RANDOM_STREAM_SAMPLING, SUBSTREAM);
    lam_random_permutation(&random, order, rows->range.count);
    for (size_t i = 0; i < count; i++)
        order[i] += (int32_t)rows->range.first;
    lam_status status = lam_buffer_create(engine->device, count * sizeof *order,
                                          "an order of rows", &meter->order);
    if (status == LAM_STATUS_OK)
        status = lam_buffer_write(meter->order, 0, order, count * sizeof *order);
    free(order);
    return status;
}

static lam_status fill_meter(lam_statistics_meter *meter, const lam_parameters *parameters,
                             const lam_resident_data *data, const lam_statistics_rows *rows)
{
    size_t count = rows->count < rows->range.count ? rows->count : rows->range.count;
    LAM_TRY(create_statistics(meter, parameters));
    LAM_TRY(create_table(meter));
    LAM_TRY(create_order(meter, rows, count));
    /* Without dropout the members' seeds are of no account. */
    LAM_TRY(lam_run_numbers_create(parameters->engine, rows->seed, &rows->seed, 1,
                                   &meter->numbers));
    const lam_plan_rows plan_rows = {
        .rows = count,
        .limit = count,
        .data = lam_resident_data_get_input(data, meter->order),
        .labels = data->labels,
        .augmentation = &rows->augmentation,
        .numbers = lam_run_numbers_get_inputs(&meter->numbers, meter->table)};
    LAM_TRY(lam_step_plan_create_statistics(&meter->view, &plan_rows, &meter->plan));
    return lam_plan_warm_up(meter->plan);
}

lam_status lam_statistics_meter_create(const lam_parameters *parameters,
                                       const lam_resident_data *data,
                                       const lam_statistics_rows *rows,
                                       lam_statistics_meter **ret_meter)
{
    lam_statistics_meter *meter = calloc(1, sizeof *meter);
    if (!meter)
        return lam_fail_memory(parameters->engine->context, "statistics", sizeof *meter);
    lam_status status = fill_meter(meter, parameters, data, rows);
    if (status == LAM_STATUS_OK)
        *ret_meter = meter;
    else
        lam_statistics_meter_destroy(&meter);
    return status;
}

void lam_statistics_meter_destroy(lam_statistics_meter **meter)
{
    if (!*meter)
        return;
    for (int u = 0; u < LAM_MAX_LAYERS; u++)
        lam_buffer_destroy(&(*meter)->statistics[u]);
    lam_plan_destroy(&(*meter)->plan);
    lam_buffer_destroy(&(*meter)->order);
    lam_buffer_destroy(&(*meter)->table);
    lam_run_numbers_destroy(&(*meter)->numbers);
    free(*meter);
    *meter = NULL;
}

lam_status lam_statistics_meter_run(lam_statistics_meter *meter)
{
    return lam_plan_enqueue(meter->plan, 0);
}

lam_parameters *lam_statistics_meter_get_parameters(lam_statistics_meter *meter)
{
    return &meter->view;
}
