/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run_numbers.h"

/* Low words first, whatever the host's byte order. */
static lam_status create_seeds(const lam_engine *engine, const uint64_t *seeds, size_t count,
                               lam_buffer **ret_buffer)
{
    LAM_TRY(
        lam_buffer_create(engine->device, count * 2 * sizeof(uint32_t), "seeds", ret_buffer));
    for (size_t i = 0; i < count; i++) {
        const uint32_t words[2] = {(uint32_t)seeds[i], (uint32_t)(seeds[i] >> 32)};
        LAM_TRY(lam_buffer_write(*ret_buffer, i * sizeof words, words, sizeof words));
    }
    return LAM_STATUS_OK;
}

lam_status lam_run_numbers_create(const lam_engine *engine, uint64_t data_seed,
                                  const uint64_t *seeds, size_t members,
                                  lam_run_numbers *ret_numbers)
{
    lam_status status = LAM_STATUS_OK;
    *ret_numbers = (lam_run_numbers){0};
    LAM_TRY_GOTO(status, lam_buffer_create(engine->device, sizeof(int32_t),
                                           "the table's first step", &ret_numbers->first_step));
    LAM_TRY_GOTO(status, lam_run_numbers_set_step(ret_numbers, 0));
    LAM_TRY_GOTO(status, create_seeds(engine, &data_seed, 1, &ret_numbers->data_seed));
    LAM_TRY_GOTO(status, create_seeds(engine, seeds, members, &ret_numbers->seeds));
    return LAM_STATUS_OK;
fail:
    lam_run_numbers_destroy(ret_numbers);
    return status;
}

void lam_run_numbers_destroy(lam_run_numbers *numbers)
{
    lam_buffer_destroy(&numbers->first_step);
    lam_buffer_destroy(&numbers->data_seed);
    lam_buffer_destroy(&numbers->seeds);
}

lam_status lam_run_numbers_set_step(lam_run_numbers *numbers, int64_t first_step)
{
    const int32_t step = (int32_t)(uint32_t)first_step;
    return lam_buffer_write(numbers->first_step, 0, &step, sizeof step);
}

lam_step_inputs lam_run_numbers_get_inputs(const lam_run_numbers *numbers,
                                           const lam_buffer *table)
{
    return (lam_step_inputs){.table = table,
                             .first_step = numbers->first_step,
                             .data_seed = numbers->data_seed,
                             .seeds = numbers->seeds};
}
