/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step_counts.h"

lam_status lam_step_counts_compute(lam_context *context, const lam_recipe *recipe,
                                   uint32_t train_rows, lam_step_counts *ret_counts)
{
    lam_schedule_span span;
    LAM_TRY(lam_recipe_count_steps(context, recipe, train_rows, &span));
    *ret_counts = (lam_step_counts){span.steps_per_epoch, span.total_steps};
    return LAM_STATUS_OK;
}

/* `count` evenly spaced measurements per cycle: the steps just past each multiple of
 * cycle / count, the last one at the cycle's end. */
static bool measures_in_cycle(const lam_schedule *schedule, int64_t count, int64_t step)
{
    int64_t cycle = lam_schedule_get_cycle(schedule, step);
    int64_t start = cycle > 0 ? lam_schedule_get_cycle_end(schedule, cycle - 1) : 0;
    int64_t cycle_steps = lam_schedule_get_cycle_end(schedule, cycle) - start;
    return (step - start) * count % cycle_steps < count;
}

bool lam_recipe_measures_at(const lam_recipe *recipe, const lam_step_counts *counts,
                            int64_t step)
{
    if (step == 0 || step == counts->total)
        return true;
    switch (recipe->measure.unit) {
    case LAM_UNIT_STEPS:
        return step % recipe->measure.count == 0;
    case LAM_UNIT_EPOCHS:
        return step % counts->per_epoch == 0 &&
               step / counts->per_epoch % recipe->measure.count == 0;
    case LAM_UNIT_CYCLES:
        break;
    }
    return measures_in_cycle(&recipe->schedule, recipe->measure.count, step);
}
