/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/clock.h"

#include <time.h>

/* Rounds that a measurement is cut into; slow work gets fewer. */
enum { ROUNDS = 5 };

double lam_clock_get_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static lam_status run(const lam_engine *engine, lam_plan *plan, int steps, long count,
                      double *ret_seconds)
{
    double start = lam_clock_get_seconds();
    for (long i = 0; i < count; i++)
        LAM_TRY(lam_plan_enqueue(plan, (int)(i % steps)));
    LAM_TRY(lam_device_finish(engine->device));
    *ret_seconds = (lam_clock_get_seconds() - start) / (double)count;
    return LAM_STATUS_OK;
}

lam_status lam_clock_time_plan(const lam_engine *engine, lam_plan *plan, int steps,
                               double seconds, double *ret_seconds)
{
    double once = 0, best = 0;
    LAM_TRY(run(engine, plan, steps, 1, &once)); /* may compile */
    LAM_TRY(run(engine, plan, steps, 1, &once));
    double round_seconds = seconds / ROUNDS;
    long count = once < round_seconds ? (long)(round_seconds / once) + 1 : 1;
    double stop = lam_clock_get_seconds() + seconds;
    for (int round = 0; round == 0 || lam_clock_get_seconds() < stop; round++) {
        double now = 0;
        if (lam_stop_requested(engine->context))
            return lam_fail(engine->context, LAM_STATUS_INTERRUPTED, "interrupted");
        LAM_TRY(run(engine, plan, steps, count, &now));
        if (round == 0 || now < best)
            best = now;
    }
    *ret_seconds = best;
    return LAM_STATUS_OK;
}
