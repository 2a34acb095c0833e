/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/schedule.h"

#include <assert.h>

double lam_schedule_get_rate(const lam_schedule *schedule, int64_t step)
{
    assert(step >= 0);
    if (schedule->type == LAM_SCHEDULE_CONSTANT)
        return schedule->rate;
    assert(schedule->half_cycle_steps > 0);
    int64_t half = schedule->half_cycle_steps;
    int64_t within = step % lam_schedule_get_cycle_steps(schedule);
    double span = schedule->maximum - schedule->minimum;
    if (within <= half)
        return schedule->minimum + (double)within / (double)half * span;
    return schedule->maximum - (double)(within - half) / (double)half * span;
}

int64_t lam_schedule_get_cycle_steps(const lam_schedule *schedule)
{
    return schedule->type == LAM_SCHEDULE_TRIANGULAR ? 2 * schedule->half_cycle_steps : 0;
}
