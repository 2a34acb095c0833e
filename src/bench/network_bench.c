/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/random_rows.h"
#include "lamina/bench.h"
#include "net/step_plan.h"
#include "op/softmax_cross_entropy.h"

#define NETWORK_SECONDS 1.0
enum { PROFILED_STEPS = 20 };

typedef struct network_setup {
    lam_engine *engine;
    lam_graph graph;
    lam_parameters *parameters;
    lam_random_rows *rows;
    lam_buffer *l2, *rates, *loss_sum, *hit_count;
    lam_plan *plan;
    size_t batch, members;
} network_setup;

static void destroy_setup(network_setup *s)
{
    lam_plan_destroy(&s->plan);
    lam_buffer_destroy(&s->l2);
    lam_buffer_destroy(&s->rates);
    lam_buffer_destroy(&s->loss_sum);
    lam_buffer_destroy(&s->hit_count);
    lam_random_rows_destroy(&s->rows);
    lam_parameters_destroy(&s->parameters);
    lam_engine_destroy(&s->engine);
}

static lam_status create_plan(network_setup *s)
{
    const lam_engine *e = s->engine;
    LAM_TRY(lam_random_rows_create(e, s->batch, s->graph.units[0].in, &s->rows));
    size_t results =
        s->rows->steps * lam_softmax_cross_entropy_get_blocks(s->batch) * s->members;
    LAM_TRY(lam_parameters_create(e, &s->graph, s->members, &s->parameters));
    LAM_TRY(lam_parameters_initialize(s->parameters, 1));
    LAM_TRY(lam_engine_create_reals(e, s->members, "l2", &s->l2));
    LAM_TRY(lam_engine_create_reals(e, s->rows->steps * s->members, "rates", &s->rates));
    LAM_TRY(lam_engine_create_reals(e, results, "losses", &s->loss_sum));
    LAM_TRY(lam_buffer_create(e->device, results * sizeof(int32_t), "hits", &s->hit_count));
    const lam_plan_rows plan_rows = {.rows = s->batch,
                                     .limit = s->rows->steps * s->batch,
                                     .data = s->rows->input,
                                     .labels = s->rows->labels,
                                     .loss_sum = s->loss_sum,
                                     .hit_count = s->hit_count};
    return lam_step_plan_create_training(s->parameters, &plan_rows, s->l2, s->rates, &s->plan);
}

/* Multiplications and additions of the products; the first layer has no input gradient. */
static double count_operations(const network_setup *s)
{
    double operations = 0;
    for (int u = 0; u < s->graph.unit_count; u++)
        operations += 2.0 * (double)s->graph.units[u].in * (double)s->graph.units[u].out *
                      (u > 0 ? 3 : 2);
    return operations * (double)s->batch * (double)s->members;
}

static lam_status time_steps(network_setup *s, lam_network_time *time)
{
    const lam_device_counts before = lam_device_get_counts(s->engine->device);
    int steps = (int)s->rows->steps;
    LAM_TRY(lam_clock_time_plan(s->engine, s->plan, steps, NETWORK_SECONDS,
                                &time->seconds_per_step));
    const lam_device_counts after = lam_device_get_counts(s->engine->device);
    time->launches_per_step = lam_plan_get_launch_count(s->plan);
    double taken = (double)(after.launches - before.launches) / (double)time->launches_per_step;
    time->waits_per_step = (double)(after.waits - before.waits) / taken;
    return LAM_STATUS_OK;
}

/* The device's own times of each launch, averaged over a few steps. */
static lam_status profile_steps(network_setup *s, lam_network_time *time)
{
    size_t launches = lam_plan_get_launch_count(s->plan), count = 0;
    lam_profile_span *spans = NULL;
    LAM_TRY(lam_device_start_profile(s->engine->device, launches * PROFILED_STEPS));
    lam_status status = LAM_STATUS_OK;
    for (int step = 0; step < PROFILED_STEPS && status == LAM_STATUS_OK; step++)
        status = lam_plan_enqueue(s->plan, step % (int)s->rows->steps);
    lam_status stopped = lam_device_stop_profile(s->engine->device, &spans, &count);
    if (status != LAM_STATUS_OK || stopped != LAM_STATUS_OK) {
        free(spans);
        return status != LAM_STATUS_OK ? status : stopped;
    }
    time->kernel_count = launches < LAM_MAX_BENCH_KERNELS ? launches : LAM_MAX_BENCH_KERNELS;
    for (size_t k = 0; k < time->kernel_count; k++)
        lam_plan_name_launch(s->plan, k, time->kernels[k].name, sizeof time->kernels[k].name);
    for (size_t i = 0; i < count; i++)
        if (i % launches < time->kernel_count)
            time->kernels[i % launches].seconds +=
                1e-9 * (double)(spans[i].end_ns - spans[i].start_ns) / PROFILED_STEPS;
    free(spans);
    return LAM_STATUS_OK;
}

lam_status lam_bench_network(lam_device *device, const lam_network *network, size_t inputs,
                             size_t batch, size_t members, lam_gemm gemm,
                             lam_network_time *ret_time)
{
    lam_context *context = lam_device_get_context(device);
    lam_status status = LAM_STATUS_OK;
    network_setup s = {.batch = batch, .members = members};
    lam_network_time time = {0};
    size_t classes = (size_t)network->layers[network->layer_count - 1].width;
    LAM_TRY(lam_graph_build(context, network, inputs, classes, &s.graph));
    LAM_TRY_GOTO(status, lam_engine_create(device, LAM_REAL_TYPE_F32, gemm, &s.engine));
    LAM_TRY_GOTO(status, create_plan(&s));
    time.operations_per_step = count_operations(&s);
    LAM_TRY_GOTO(status, time_steps(&s, &time));
    LAM_TRY_GOTO(status, profile_steps(&s, &time));
    *ret_time = time;
fail:
    destroy_setup(&s);
    return status;
}
