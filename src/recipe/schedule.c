/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/schedule.h"

#include <assert.h>
#include <math.h>

/* Cycles end before it, so that sums of steps cannot overflow. */
#define MAX_STEP ((int64_t)1 << 62)

/* Half of all steps before cycle `cycle`: n (1 + g + .. + g^(cycle - 1)), rounded. */
static int64_t get_half_steps_before(const lam_schedule *schedule, int64_t cycle)
{
    assert(schedule->half_cycle_steps > 0 && schedule->cycle_growth >= 1);
    double growth = schedule->cycle_growth;
    int64_t half_steps = 0;
    if (growth == 1) {
        if (__builtin_mul_overflow(schedule->half_cycle_steps, cycle, &half_steps))
            return MAX_STEP;
        return half_steps;
    }
    /* (g^cycle - 1) / (g - 1), which cancels where g is close to 1 unless written like this */
    double exponent = (double)cycle * log1p(growth - 1);
    double half = round((double)schedule->half_cycle_steps * (expm1(exponent) / (growth - 1)));
    return half < (double)(MAX_STEP / 2) ? (int64_t)half : MAX_STEP;
}

static int64_t get_cycle_start(const lam_schedule *schedule, int64_t cycle)
{
    int64_t half_steps = get_half_steps_before(schedule, cycle);
    return half_steps <= MAX_STEP / 2 ? 2 * half_steps : INT64_MAX;
}

bool lam_schedule_has_cycles(const lam_schedule *schedule)
{
    return schedule->type == LAM_SCHEDULE_TRIANGULAR;
}

int64_t lam_schedule_get_cycle_end(const lam_schedule *schedule, int64_t cycle)
{
    assert(lam_schedule_has_cycles(schedule) && cycle >= 0 && cycle < INT64_MAX);
    return get_cycle_start(schedule, cycle + 1);
}

int64_t lam_schedule_get_cycle(const lam_schedule *schedule, int64_t step)
{
    assert(lam_schedule_has_cycles(schedule) && step >= 0 && step < INT64_MAX);
    double growth = schedule->cycle_growth;
    if (growth == 1)
        return step / 2 / schedule->half_cycle_steps;
    /* The start's formula the other way round; rounding may put it one beside. */
    double first_steps = 2 * (double)schedule->half_cycle_steps;
    double scale = log1p((double)step * ((growth - 1) / first_steps));
    int64_t cycle = (int64_t)(scale / log1p(growth - 1));
    while (cycle > 0 && get_cycle_start(schedule, cycle) > step)
        cycle--;
    while (get_cycle_start(schedule, cycle + 1) <= step)
        cycle++;
    return cycle;
}

static double get_triangular_rate(const lam_schedule *schedule, int64_t step)
{
    int64_t cycle = lam_schedule_get_cycle(schedule, step);
    int64_t start = get_half_steps_before(schedule, cycle);
    int64_t half = get_half_steps_before(schedule, cycle + 1) - start;
    int64_t within = step - 2 * start;
    double maximum = fmax(schedule->minimum,
                          schedule->maximum * pow(schedule->maximum_decay, (double)cycle));
    double span = maximum - schedule->minimum;
    if (within <= half)
        return schedule->minimum + (double)within / (double)half * span;
    return maximum - (double)(within - half) / (double)half * span;
}

/* `every`, in steps. */
static double get_interval(const lam_schedule *schedule, const lam_schedule_span *span)
{
    double steps = (double)schedule->every.count;
    assert(schedule->every.unit != LAM_UNIT_CYCLES && steps > 0);
    return schedule->every.unit == LAM_UNIT_EPOCHS ? steps * (double)span->steps_per_epoch
                                                   : steps;
}

static double get_factor(const lam_schedule *schedule, double exponent)
{
    return schedule->rate * pow(schedule->factor, exponent);
}

/* Without warm-up. */
static double get_plain_rate(const lam_schedule *schedule, const lam_schedule_span *span,
                             double step)
{
    static const double pi = 3.14159265358979323846;
    double rate = schedule->rate, minimum = schedule->minimum;
    double done = fmin(step / (double)span->total_steps, 1);
    switch (schedule->type) {
    case LAM_SCHEDULE_STEP:
        return get_factor(schedule, floor(step / get_interval(schedule, span)));
    case LAM_SCHEDULE_EXPONENTIAL:
        return get_factor(schedule, step / get_interval(schedule, span));
    case LAM_SCHEDULE_PLATEAU:
        return fmax(minimum, get_factor(schedule, span->plateau_reductions));
    case LAM_SCHEDULE_LINEAR:
        return rate + (minimum - rate) * done;
    case LAM_SCHEDULE_COSINE:
        return minimum + (rate - minimum) * ((1 + cos(pi * done)) / 2);
    case LAM_SCHEDULE_CONSTANT:
    case LAM_SCHEDULE_TRIANGULAR:
        break;
    }
    return rate;
}

double lam_schedule_get_rate(const lam_schedule *schedule, const lam_schedule_span *span,
                             int64_t step)
{
    assert(step >= 0);
    if (schedule->type == LAM_SCHEDULE_TRIANGULAR)
        return get_triangular_rate(schedule, step);
    double rate = get_plain_rate(schedule, span, (double)step);
    if (step < schedule->warm_up_steps)
        rate *= (double)(step + 1) / (double)(schedule->warm_up_steps + 1);
    return rate;
}
