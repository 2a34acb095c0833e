/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "bench/clock.h"
#include "lamina/bench.h"

/* Enough chains to hide an FMA's latency, few enough to stay in registers. */
enum { CHAINS = 12, ITERATIONS = 4096, ITEMS_PER_UNIT = 256 };
#define COPY_BYTES ((size_t)256 << 20)
static const lam_bench_effort effort = {.seconds = 0.4};

static lam_launch_builder begin(const lam_engine *engine, lam_plan *plan, const char *entry)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "VEC", engine->vector_lanes);
    lam_define_set_add(&defines, "CHAINS", CHAINS);
    lam_define_set_add(&defines, "ITERATIONS", ITERATIONS);
    return lam_launch_begin(engine, plan, "limits", entry, &defines);
}

static lam_status time_fma(const lam_engine *engine, double *ret_gflops)
{
    size_t items = ITEMS_PER_UNIT * lam_device_get_info(engine->device)->compute_units;
    double operations = 2.0 * CHAINS * ITERATIONS * engine->vector_lanes * (double)items,
           seconds = 0;
    lam_status status = LAM_STATUS_OK;
    lam_plan *plan = NULL;
    lam_buffer *out = NULL;
    LAM_TRY_GOTO(status, lam_plan_create(engine, &plan));
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, items, "a measurement", &out));
    lam_launch_builder launch = begin(engine, plan, "limits_fma");
    lam_launch_bind_buffer(&launch, out);
    LAM_TRY_GOTO(status, lam_plan_add_launch(&launch, (size_t[3]){items, 1, 1}, lam_any_local));
    LAM_TRY_GOTO(status, lam_clock_time_plan(engine, plan, 1, &effort, &seconds));
    *ret_gflops = operations / seconds / 1e9;
fail:
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&out);
    return status;
}

static lam_status time_copy(const lam_engine *engine, double *ret_gbytes)
{
    size_t bytes = COPY_BYTES, lanes = (size_t)engine->vector_lanes;
    while (bytes > lam_device_get_info(engine->device)->largest_allocation_bytes / 2)
        bytes /= 2;
    size_t items = bytes / sizeof(float) / lanes;
    double seconds = 0;
    lam_status status = LAM_STATUS_OK;
    lam_plan *plan = NULL;
    lam_buffer *from = NULL, *to = NULL;
    LAM_TRY_GOTO(status, lam_plan_create(engine, &plan));
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, items * lanes, "a copy", &from));
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, items * lanes, "a copy", &to));
    lam_launch_builder launch = begin(engine, plan, "limits_copy");
    lam_launch_bind_buffer(&launch, to);
    lam_launch_bind_buffer(&launch, from);
    LAM_TRY_GOTO(status, lam_plan_add_launch(&launch, (size_t[3]){items, 1, 1}, lam_any_local));
    LAM_TRY_GOTO(status, lam_clock_time_plan(engine, plan, 1, &effort, &seconds));
    *ret_gbytes = 2.0 * (double)bytes / seconds / 1e9;
fail:
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&from);
    lam_buffer_destroy(&to);
    return status;
}

/* One launch and its wait, on the average of a few in a row; the best of several such rows. */
static lam_status time_round_trip(const lam_engine *engine, lam_plan *plan, double *ret_us)
{
    enum { ROWS = 10, TRIPS = 50 };
    double best = 0;
    for (int row = 0; row < ROWS; row++) {
        double start = lam_clock_get_seconds();
        for (int i = 0; i < TRIPS; i++) {
            LAM_TRY(lam_plan_enqueue(plan, 0));
            LAM_TRY(lam_device_finish(engine->device));
        }
        double trip = (lam_clock_get_seconds() - start) / TRIPS;
        if (row == 0 || trip < best)
            best = trip;
    }
    *ret_us = 1e6 * best;
    return LAM_STATUS_OK;
}

static lam_status time_nothing(const lam_engine *engine, lam_device_limits *limits)
{
    double seconds = 0;
    lam_status status = LAM_STATUS_OK;
    lam_plan *plan = NULL;
    lam_buffer *out = NULL;
    LAM_TRY_GOTO(status, lam_plan_create(engine, &plan));
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, 1, "a measurement", &out));
    lam_launch_builder launch = begin(engine, plan, "limits_nothing");
    lam_launch_bind_buffer(&launch, out);
    LAM_TRY_GOTO(status, lam_plan_add_launch(&launch, (size_t[3]){1, 1, 1}, lam_any_local));
    LAM_TRY_GOTO(status, lam_clock_time_plan(engine, plan, 1, &effort, &seconds));
    limits->launch_us = 1e6 * seconds;
    status = time_round_trip(engine, plan, &limits->round_trip_us);
fail:
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&out);
    return status;
}

lam_status lam_bench_limits(lam_device *device, lam_device_limits *ret_limits)
{
    lam_engine *engine = NULL;
    lam_device_limits limits = {0};
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, LAM_GEMM_AUTO, &engine));
    lam_status status = time_fma(engine, &limits.fma_gflops);
    if (status == LAM_STATUS_OK)
        status = time_copy(engine, &limits.copy_gbytes);
    if (status == LAM_STATUS_OK)
        status = time_nothing(engine, &limits);
    if (status == LAM_STATUS_OK)
        *ret_limits = limits;
    lam_engine_destroy(&engine);
    return status;
}
