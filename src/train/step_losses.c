/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step_losses.h"

#include <stdlib.h>

#include "op/loss.h"

lam_status lam_step_losses_create(const lam_engine *engine, size_t members, size_t batch,
                                  size_t steps, lam_step_losses *ret_losses)
{
    lam_status status = LAM_STATUS_OK;
    *ret_losses = (lam_step_losses){.engine = engine,
                                    .members = members,
                                    .batch = batch,
                                    .blocks = lam_loss_get_blocks(batch)};
    size_t count = steps * ret_losses->blocks * members;
    LAM_TRY_GOTO(status,
                 lam_engine_create_reals(engine, count, "losses", &ret_losses->loss_sum));
    LAM_TRY_GOTO(status, lam_buffer_create(engine->device, count * sizeof(int32_t), "hits",
                                           &ret_losses->hit_count));
    ret_losses->means = malloc(count * sizeof *ret_losses->means);
    if (!ret_losses->means)
        LAM_TRY_GOTO(status, lam_fail_memory(engine->context, "losses",
                                             count * sizeof *ret_losses->means));
    return LAM_STATUS_OK;
fail:
    lam_step_losses_destroy(ret_losses);
    return status;
}

void lam_step_losses_destroy(lam_step_losses *losses)
{
    lam_buffer_destroy(&losses->loss_sum);
    lam_buffer_destroy(&losses->hit_count);
    free(losses->means);
    *losses = (lam_step_losses){0};
}

/* In place: a mean is never written behind a sum that is still to be read. */
lam_status lam_step_losses_read(lam_step_losses *losses, size_t first, size_t count)
{
    size_t members = losses->members, sums = losses->blocks * members; /* of one step */
    double *values = losses->means;
    LAM_TRY(lam_engine_read_reals(losses->engine, losses->loss_sum, first * sums, values,
                                  count * sums));
    for (size_t s = 0; s < count; s++)
        for (size_t p = 0; p < members; p++) {
            double sum = 0;
            for (size_t i = 0; i < losses->blocks; i++)
                sum += values[s * sums + i * members + p];
            values[s * members + p] = sum / (double)losses->batch;
        }
    return LAM_STATUS_OK;
}
