/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/clock.h"

#include "base/clock.h"

/* Many short rounds: the best of them is one that nothing else on the machine disturbed. */
enum { ROUNDS = 20 };
/* Queued work between two looks at the request to stop; waiting for it costs a round trip. */
#define CHUNK_SECONDS 0.2

/* What is repeated, and how much of it is queued before the host waits. */
typedef struct repetition {
    const lam_engine *engine;
    lam_plan *plan;
    int steps;
    long chunk;
} repetition;

static lam_status wait_for_queue(const lam_engine *engine)
{
    LAM_TRY(lam_device_finish(engine->device));
    if (lam_stop_requested(engine->context))
        return lam_fail(engine->context, LAM_STATUS_INTERRUPTED, "interrupted");
    return LAM_STATUS_OK;
}

static lam_status run(const repetition *r, long count, double *ret_seconds)
{
    double start = lam_clock_get_seconds();
    for (long i = 0; i < count; i++) {
        if (i > 0 && i % r->chunk == 0)
            LAM_TRY(wait_for_queue(r->engine));
        LAM_TRY(lam_plan_enqueue(r->plan, (int)(i % r->steps)));
    }
    LAM_TRY(wait_for_queue(r->engine));
    *ret_seconds = (lam_clock_get_seconds() - start) / (double)count;
    return LAM_STATUS_OK;
}

static lam_status find_best_epoch(const repetition *r, int epochs, double *ret_seconds)
{
    double best = 0, now = 0;
    LAM_TRY(run(r, r->steps, &now)); /* warms up */
    for (int epoch = 0; epoch < epochs; epoch++) {
        LAM_TRY(run(r, r->steps, &now));
        if (epoch == 0 || now < best)
            best = now;
    }
    *ret_seconds = best;
    return LAM_STATUS_OK;
}

static lam_status find_best_round(const repetition *r, double once, double seconds,
                                  double *ret_seconds)
{
    double best = once, now = 0, stop = lam_clock_get_seconds() + seconds;
    long count = (long)(seconds / ROUNDS / once) + 1;
    while (lam_clock_get_seconds() + once < stop) {
        LAM_TRY(run(r, count, &now));
        if (now < best)
            best = now;
    }
    *ret_seconds = best;
    return LAM_STATUS_OK;
}

lam_status lam_clock_time_plan(const lam_engine *engine, lam_plan *plan, int steps,
                               const lam_bench_effort *effort, double *ret_seconds)
{
    if (effort->epochs < 0 || (effort->epochs == 0 && !(effort->seconds > 0)))
        return lam_fail(engine->context, LAM_STATUS_BAD_ARGUMENT,
                        "a measurement of %d epochs or %g seconds; legal: epochs of at least "
                        "1, or epochs = 0 and seconds above 0",
                        effort->epochs, effort->seconds);
    double once = 0;
    repetition r = {.engine = engine, .plan = plan, .steps = steps, .chunk = 1};
    LAM_TRY(run(&r, 1, &once)); /* may compile */
    LAM_TRY(run(&r, 1, &once));
    r.chunk = (long)(CHUNK_SECONDS / once) + 1;
    if (effort->epochs > 0)
        return find_best_epoch(&r, effort->epochs, ret_seconds);
    return find_best_round(&r, once, effort->seconds, ret_seconds);
}
