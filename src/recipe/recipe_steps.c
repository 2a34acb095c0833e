/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "lamina/recipe.h"

uint32_t lam_recipe_get_train_rows(const lam_recipe *recipe)
{
    const lam_data_options *data = &recipe->data;
    uint32_t rows = lam_count_file_rows(data->train_files);
    return data->train_first > 0 ? data->train_first : rows - data->validation_count;
}

/* 0 where they are too many. */
static int64_t count_total(const lam_recipe *recipe, int64_t steps_per_epoch)
{
    int64_t count = recipe->stop.count, total = 0;
    switch (recipe->stop.unit) {
    case LAM_UNIT_STEPS:
        return count;
    case LAM_UNIT_EPOCHS:
        return __builtin_mul_overflow(count, steps_per_epoch, &total) ? 0 : total;
    case LAM_UNIT_CYCLES:
        break;
    }
    if (!lam_schedule_has_cycles(&recipe->schedule))
        return 0;
    total = lam_schedule_get_cycle_end(&recipe->schedule, count - 1);
    return total == INT64_MAX ? 0 : total;
}

lam_status lam_recipe_count_steps(lam_context *context, const lam_recipe *recipe,
                                  uint32_t train_rows, lam_schedule_span *ret_span)
{
    if (recipe->batch < 1 || (uint32_t)recipe->batch > train_rows)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "batch: %d is out of range; legal: 1 to %u, the training rows",
                        recipe->batch, train_rows);
    int64_t steps_per_epoch = train_rows / (uint32_t)recipe->batch;
    int64_t total = count_total(recipe, steps_per_epoch);
    if (total < 1)
        return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                        "stop: the number of steps is out of range; stop after fewer");
    *ret_span = (lam_schedule_span){steps_per_epoch, total, 0};
    return LAM_STATUS_OK;
}
