/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul_trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "op/trial_operands.h"

/* Times of one candidate: rounds of a few milliseconds, so that some fall between what else the
 * machine does. */
#define ROUND_SECONDS 0.005
#define TRIAL_SECONDS 1.0
enum { LEAST_ROUNDS = 4, MOST_ROUNDS = 15, MOST_RUNS = 1000 };

/* Of a first run; of the rounds so far; and what a later candidate must gain on an earlier one,
 * so that noise does not decide. */
#define HOPELESS 3.0
#define BEATEN 1.4
#define CLEARLY 0.96

/* Multiplications and additions of a first look: CLBlast takes 0.1 s for them on a processor
 * that can do them in 5 ms. */
#define GLANCE_OPERATIONS 5e8

typedef struct trial {
    const lam_engine *engine;
    lam_trial_operands *operands;
    lam_matmul_candidate *candidates;
    size_t count;
    lam_plan *plans[LAM_MAX_MATMUL_VARIANTS]; /* NULL: out of the race */
    double times[LAM_MAX_MATMUL_VARIANTS][MOST_ROUNDS];
    double best_glance, best_seconds;
} trial;

static lam_status run(const trial *t, lam_plan *plan, long runs, double *ret_seconds)
{
    double start = lam_clock_get_seconds();
    for (long i = 0; i < runs; i++)
        LAM_TRY(lam_plan_enqueue(plan, (int)((size_t)i % t->operands->steps)));
    LAM_TRY(lam_device_finish(t->engine->device));
    *ret_seconds = (lam_clock_get_seconds() - start) / (double)runs;
    return LAM_STATUS_OK;
}

/* The product over the first `rows` rows alone. */
static lam_status create_plan(const trial *t, const lam_matmul_variant *variant, size_t rows,
                              lam_plan **ret_plan)
{
    lam_plan *plan = NULL;
    lam_dense dense = t->operands->dense;
    lam_product_call call = t->operands->call;
    lam_matmul_variant shortened = *variant;
    shortened.shape.rows = dense.rows = rows;
    call.dense = &dense;
    LAM_TRY(lam_plan_create(t->engine, &plan));
    lam_status status = lam_matmul_add_variant(t->engine, plan, &shortened, &call);
    if (status == LAM_STATUS_OK)
        *ret_plan = plan;
    else
        lam_plan_destroy(&plan);
    return status;
}

/* Fails when a run's seconds are hopeless beside the best; a pause of the machine gets a second
 * chance. */
static lam_status judge(const trial *t, lam_plan *plan, double *seconds, double *best)
{
    double again = INFINITY;
    if (*seconds > HOPELESS * *best)
        LAM_TRY(run(t, plan, 1, &again));
    *seconds = fmin(*seconds, again);
    if (*seconds > HOPELESS * *best)
        return lam_fail(t->engine->context, LAM_STATUS_CHECK_FAILED,
                        "slow: %.1f times as long as another", *seconds / *best);
    *best = fmin(*best, *seconds);
    return LAM_STATUS_OK;
}

/* Large products are looked at with a part of their rows first, so that one that is a hundred
 * times slower takes no seconds. */
static lam_status glance(trial *t, lam_matmul_candidate *c)
{
    const lam_dense *dense = &t->operands->dense;
    double per_row = (double)dense->in * (double)dense->out * (double)dense->members;
    double rows = GLANCE_OPERATIONS / per_row, seconds = 0;
    if (rows >= (double)dense->rows / 2)
        return LAM_STATUS_OK;
    lam_plan *plan = NULL;
    LAM_TRY(create_plan(t, c->variant, rows > 1 ? (size_t)rows : 1, &plan));
    lam_status status = lam_plan_warm_up(plan);
    if (status == LAM_STATUS_OK)
        status = run(t, plan, 1, &seconds);
    if (status == LAM_STATUS_OK)
        status = judge(t, plan, &seconds, &t->best_glance);
    lam_plan_destroy(&plan);
    return status;
}

/* Builds a candidate, holds its results against known ones and takes a first time. */
static lam_status admit(trial *t, size_t index)
{
    lam_matmul_candidate *c = &t->candidates[index];
    LAM_TRY(glance(t, c));
    LAM_TRY(create_plan(t, c->variant, t->operands->dense.rows, &t->plans[index]));
    LAM_TRY(lam_plan_warm_up(t->plans[index]));
    LAM_TRY(lam_trial_operands_reset(t->operands));
    LAM_TRY(run(t, t->plans[index], 1, &c->seconds));
    LAM_TRY(lam_trial_operands_check(t->operands));
    return judge(t, t->plans[index], &c->seconds, &t->best_seconds);
}

/* The first line of what is wrong. */
static void reject(trial *t, size_t index)
{
    const char *reason = lam_error_message(t->engine->context);
    snprintf(t->candidates[index].rejection, LAM_REJECTION_BYTES, "%.*s",
             (int)strcspn(reason, "\n"), *reason ? reason : "failed");
    lam_plan_destroy(&t->plans[index]);
}

static lam_status fail_interrupted(const trial *t)
{
    return lam_fail(t->engine->context, LAM_STATUS_INTERRUPTED,
                    "interrupted while ways to multiply were measured");
}

static lam_status admit_all(trial *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (lam_stop_requested(t->engine->context))
            return fail_interrupted(t);
        lam_status status = admit(t, i);
        if (status == LAM_STATUS_INTERRUPTED)
            return status;
        if (status != LAM_STATUS_OK)
            reject(t, i);
    }
    return LAM_STATUS_OK;
}

static lam_status time_once(trial *t, size_t index, int round)
{
    double seconds = 0, runs = ROUND_SECONDS / t->candidates[index].seconds;
    LAM_TRY(run(t, t->plans[index], runs > MOST_RUNS ? MOST_RUNS : (long)runs + 1, &seconds));
    t->times[index][round] = seconds;
    t->candidates[index].seconds = fmin(t->candidates[index].seconds, seconds);
    t->best_seconds = fmin(t->best_seconds, seconds);
    return LAM_STATUS_OK;
}

static size_t find_first_racer(const trial *t)
{
    size_t first = 0;
    while (first + 1 < t->count && !t->plans[first])
        first++;
    return first;
}

/* The first of them is what the others are held to, and so stays. */
static void drop_beaten(trial *t, size_t first)
{
    for (size_t i = first + 1; i < t->count; i++)
        if (t->candidates[i].seconds > BEATEN * t->best_seconds)
            lam_plan_destroy(&t->plans[i]);
}

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A machine that others use runs at half its speed for some rounds and not for others; what
 * ran one after the other was served alike. */
static void compare_rounds(trial *t, size_t first)
{
    for (size_t i = 0; i < t->count; i++) {
        double ratios[MOST_ROUNDS];
        int count = 0;
        while (count < MOST_ROUNDS && t->times[i][count] > 0 && t->times[first][count] > 0) {
            ratios[count] = t->times[i][count] / t->times[first][count];
            count++;
        }
        qsort(ratios, (size_t)count, sizeof ratios[0], compare_reals);
        t->candidates[i].relative = count > 0 ? ratios[count / 2] : INFINITY;
    }
}

static lam_status race(trial *t)
{
    double start = lam_clock_get_seconds();
    size_t first = find_first_racer(t);
    for (int round = 0; round < MOST_ROUNDS; round++) {
        if (lam_stop_requested(t->engine->context))
            return fail_interrupted(t);
        if (round >= LEAST_ROUNDS && lam_clock_get_seconds() - start > TRIAL_SECONDS)
            break;
        for (size_t i = 0; i < t->count; i++)
            if (t->plans[i] && time_once(t, i, round) != LAM_STATUS_OK)
                reject(t, i);
        if (round + 1 >= LEAST_ROUNDS)
            drop_beaten(t, first);
    }
    compare_rounds(t, first);
    return LAM_STATUS_OK;
}

lam_status lam_matmul_try(const lam_engine *engine, const lam_product_call *call,
                          lam_matmul_candidate *candidates, size_t count)
{
    trial t = {.engine = engine,
               .candidates = candidates,
               .count = count,
               .best_glance = INFINITY,
               .best_seconds = INFINITY};
    LAM_TRY(lam_trial_operands_create(engine, call, &t.operands));
    lam_status status = admit_all(&t);
    if (status == LAM_STATUS_OK)
        status = race(&t);
    for (size_t i = 0; i < count; i++)
        lam_plan_destroy(&t.plans[i]);
    lam_trial_operands_destroy(&t.operands);
    return status;
}

static bool is_clearly_faster(const lam_matmul_candidate *c, const lam_matmul_candidate *than)
{
    return c->seconds < CLEARLY * than->seconds && c->relative < CLEARLY * than->relative;
}

size_t lam_matmul_pick(const lam_matmul_candidate *candidates, size_t count)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (!candidates[i].rejection[0] &&
            (best == count || is_clearly_faster(&candidates[i], &candidates[best])))
            best = i;
    return best;
}
