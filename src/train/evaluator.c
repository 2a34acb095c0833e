/* SPDX-License-Identifier: Apache-2.0 */
#include "train/evaluator.h"

#include <stdlib.h>

#include "base/checked.h"
#include "op/loss.h"
#include "op/penalty.h"

struct lam_evaluator {
    const lam_engine *engine;
    lam_plan *plan;
    lam_buffer *order, *loss_sum, *hit_count;
    lam_buffer *logits; /* real[rows, columns] of the latest step */
    size_t members, count;
    size_t rows, columns;  /* of a step, and members*classes */
    size_t steps, results; /* partial sums of each member */
    double *host_losses;   /* [results, members] */
    int32_t *host_hits;
};

static lam_status upload_order(lam_evaluator *evaluator, const int32_t *order)
{
    /* The last step's surplus places repeat the last row; they do not count. */
    size_t places = evaluator->steps * evaluator->rows;
    int32_t *padded = malloc(places * sizeof *padded);
    if (!padded)
        return lam_fail_memory(evaluator->engine->context, "an evaluation order",
                               places * sizeof *padded);
    for (size_t i = 0; i < places; i++)
        padded[i] = order[i < evaluator->count ? i : evaluator->count - 1];
    lam_status status = lam_buffer_create(evaluator->engine->device, places * sizeof *padded,
                                          "an evaluation order", &evaluator->order);
    if (status == LAM_STATUS_OK)
        status = lam_buffer_write(evaluator->order, 0, padded, places * sizeof *padded);
    free(padded);
    return status;
}

static lam_status create_results(lam_evaluator *evaluator)
{
    const lam_engine *engine = evaluator->engine;
    size_t count = evaluator->results * evaluator->members;
    LAM_TRY(lam_engine_create_reals(engine, count, "losses", &evaluator->loss_sum));
    LAM_TRY(lam_engine_create_reals(engine, evaluator->rows * evaluator->columns, "logits",
                                    &evaluator->logits));
    LAM_TRY(lam_buffer_create(engine->device, count * sizeof(int32_t), "hits",
                              &evaluator->hit_count));
    evaluator->host_losses = malloc(count * sizeof *evaluator->host_losses);
    evaluator->host_hits = malloc(count * sizeof *evaluator->host_hits);
    if (!evaluator->host_losses || !evaluator->host_hits)
        return lam_fail_memory(engine->context, "losses", count * sizeof(double));
    return LAM_STATUS_OK;
}

size_t lam_evaluator_get_rows(size_t count)
{
    return count < LAM_EVALUATION_ROWS ? count : LAM_EVALUATION_ROWS;
}

void lam_evaluator_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                            size_t count, lam_memory_need *need)
{
    lam_step_plan_add_evaluation_need(engine, graph, members, lam_evaluator_get_rows(count),
                                      need);
}

lam_status lam_evaluator_create(lam_parameters *parameters, const lam_resident_data *data,
                                const int32_t *order, size_t count,
                                const lam_step_inputs *numbers, lam_evaluator **ret_evaluator)
{
    lam_status status = LAM_STATUS_OK;
    const lam_engine *engine = parameters->engine;
    size_t rows = numbers ? count : lam_evaluator_get_rows(count);
    lam_evaluator *evaluator = calloc(1, sizeof *evaluator);
    if (!evaluator)
        return lam_fail_memory(engine->context, "an evaluator", sizeof *evaluator);
    evaluator->engine = engine;
    evaluator->members = parameters->members;
    evaluator->count = count;
    evaluator->rows = rows;
    evaluator->columns =
        parameters->members * parameters->graph.units[parameters->graph.unit_count - 1].out;
    evaluator->steps = lam_divide_up(count, rows);
    evaluator->results = evaluator->steps * lam_loss_get_blocks(rows);
    LAM_TRY_GOTO(status, upload_order(evaluator, order));
    LAM_TRY_GOTO(status, create_results(evaluator));
    lam_plan_rows plan_rows = {.rows = rows,
                               .limit = count,
                               .data = lam_resident_data_get_input(data, evaluator->order),
                               .labels = data->labels,
                               .loss_sum = evaluator->loss_sum,
                               .hit_count = evaluator->hit_count,
                               .logits = evaluator->logits};
    if (numbers)
        plan_rows.numbers = *numbers;
    LAM_TRY_GOTO(status,
                 (numbers ? lam_step_plan_create_loss : lam_step_plan_create_evaluation)(
                     parameters, &plan_rows, &evaluator->plan));
    LAM_TRY_GOTO(status, lam_plan_warm_up(evaluator->plan));
    *ret_evaluator = evaluator;
    return LAM_STATUS_OK;
fail:
    lam_evaluator_destroy(&evaluator);
    return status;
}

lam_status lam_evaluator_create_for_range(lam_parameters *parameters,
                                          const lam_resident_data *data, lam_row_range range,
                                          lam_evaluator **ret_evaluator)
{
    int32_t *order = malloc(range.count * sizeof *order);
    if (!order)
        return lam_fail_memory(parameters->engine->context, "an evaluation order",
                               range.count * sizeof *order);
    for (uint32_t i = 0; i < range.count; i++)
        order[i] = (int32_t)(range.first + i);
    lam_status status =
        lam_evaluator_create(parameters, data, order, range.count, NULL, ret_evaluator);
    free(order);
    return status;
}

void lam_evaluator_destroy(lam_evaluator **evaluator)
{
    if (!*evaluator)
        return;
    lam_plan_destroy(&(*evaluator)->plan);
    lam_buffer_destroy(&(*evaluator)->order);
    lam_buffer_destroy(&(*evaluator)->loss_sum);
    lam_buffer_destroy(&(*evaluator)->hit_count);
    lam_buffer_destroy(&(*evaluator)->logits);
    free((*evaluator)->host_losses);
    free((*evaluator)->host_hits);
    free(*evaluator);
    *evaluator = NULL;
}

static void add_up(const lam_evaluator *evaluator, const double *penalties,
                   lam_metrics *ret_metrics)
{
    double rows = (double)evaluator->count;
    for (size_t p = 0; p < evaluator->members; p++) {
        double loss = 0;
        int64_t hits = 0;
        for (size_t i = p; i < evaluator->results * evaluator->members;
             i += evaluator->members) {
            loss += evaluator->host_losses[i];
            hits += evaluator->host_hits[i];
        }
        ret_metrics[p] =
            (lam_metrics){loss / rows, loss / rows + penalties[p], (double)hits / rows};
    }
}

lam_status lam_evaluator_run(lam_evaluator *evaluator, const double *penalties,
                             lam_metrics *ret_metrics)
{
    size_t count = evaluator->results * evaluator->members;
    for (size_t step = 0; step < evaluator->steps; step++)
        LAM_TRY(lam_plan_enqueue(evaluator->plan, (int)step));
    LAM_TRY(lam_engine_read_reals(evaluator->engine, evaluator->loss_sum, 0,
                                  evaluator->host_losses, count));
    LAM_TRY(lam_buffer_read(evaluator->hit_count, 0, evaluator->host_hits,
                            count * sizeof *evaluator->host_hits));
    add_up(evaluator, penalties, ret_metrics);
    return LAM_STATUS_OK;
}

lam_status lam_evaluator_run_logits(lam_evaluator *evaluator, double *ret_logits)
{
    for (size_t step = 0; step < evaluator->steps; step++) {
        size_t first = step * evaluator->rows, left = evaluator->count - first;
        size_t rows = left < evaluator->rows ? left : evaluator->rows;
        LAM_TRY(lam_plan_enqueue(evaluator->plan, (int)step));
        LAM_TRY(lam_engine_read_reals(evaluator->engine, evaluator->logits, 0,
                                      ret_logits + first * evaluator->columns,
                                      rows * evaluator->columns));
    }
    return LAM_STATUS_OK;
}

struct lam_penalty_meter {
    const lam_parameters *parameters;
    lam_plan *plan;
    lam_buffer *squares[LAM_MAX_LAYERS]; /* real[blocks, members] of each unit */
    double *host_squares;                /* the largest of them */
};

static lam_status add_unit_to_meter(lam_penalty_meter *meter, int unit)
{
    const lam_parameters *parameters = meter->parameters;
    const lam_graph_unit *shape = &parameters->graph.units[unit];
    size_t count = lam_penalty_get_blocks(shape->in) * parameters->members;
    LAM_TRY(
        lam_engine_create_reals(parameters->engine, count, "penalties", &meter->squares[unit]));
    return lam_penalty_add(parameters->engine, meter->plan,
                           parameters->tensors[unit][LAM_TENSOR_WEIGHT], shape->in, shape->out,
                           parameters->members, 0, meter->squares[unit]);
}

lam_status lam_penalty_meter_create(const lam_parameters *parameters,
                                    lam_penalty_meter **ret_meter)
{
    lam_status status = LAM_STATUS_OK;
    lam_context *context = parameters->engine->context;
    size_t largest = 0;
    lam_penalty_meter *meter = calloc(1, sizeof *meter);
    if (!meter)
        return lam_fail_memory(context, "penalties", sizeof *meter);
    meter->parameters = parameters;
    LAM_TRY_GOTO(status, lam_plan_create(parameters->engine, &meter->plan));
    for (int u = 0; u < parameters->graph.unit_count; u++) {
        LAM_TRY_GOTO(status, add_unit_to_meter(meter, u));
        size_t blocks = lam_penalty_get_blocks(parameters->graph.units[u].in);
        largest = blocks > largest ? blocks : largest;
    }
    meter->host_squares = malloc(largest * parameters->members * sizeof(double));
    if (!meter->host_squares)
        LAM_TRY_GOTO(status, lam_fail_memory(context, "penalties", largest));
    *ret_meter = meter;
    return LAM_STATUS_OK;
fail:
    lam_penalty_meter_destroy(&meter);
    return status;
}

void lam_penalty_meter_destroy(lam_penalty_meter **meter)
{
    if (!*meter)
        return;
    for (int u = 0; u < (*meter)->parameters->graph.unit_count; u++)
        lam_buffer_destroy(&(*meter)->squares[u]);
    lam_plan_destroy(&(*meter)->plan);
    free((*meter)->host_squares);
    free(*meter);
    *meter = NULL;
}

lam_status lam_penalty_meter_run(lam_penalty_meter *meter, double *ret_penalties)
{
    const lam_parameters *parameters = meter->parameters;
    size_t members = parameters->members;
    for (size_t p = 0; p < members; p++)
        ret_penalties[p] = 0;
    LAM_TRY(lam_plan_enqueue(meter->plan, 0));
    for (int u = 0; u < parameters->graph.unit_count; u++) {
        size_t count = lam_penalty_get_blocks(parameters->graph.units[u].in) * members;
        LAM_TRY(lam_engine_read_reals(parameters->engine, meter->squares[u], 0,
                                      meter->host_squares, count));
        for (size_t i = 0; i < count; i++)
            ret_penalties[i % members] +=
                parameters->graphs[i % members].l2 * meter->host_squares[i];
    }
    return LAM_STATUS_OK;
}
