/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step_pacer.h"

#include "base/clock.h"

#define CHUNK_SECONDS_MINIMUM 0.05
#define CHUNK_SECONDS_MAXIMUM 0.2

lam_step_pacer lam_step_pacer_start(void)
{
    return (lam_step_pacer){.chunk_steps = 1};
}

bool lam_step_pacer_count(lam_step_pacer *pacer)
{
    return ++pacer->steps_in_chunk >= pacer->chunk_steps;
}

lam_status lam_step_pacer_end_chunk(lam_step_pacer *pacer, lam_device *device)
{
    lam_marker *marker = NULL;
    LAM_TRY(lam_marker_create(device, &marker));
    if (pacer->previous) {
        lam_status status = lam_marker_wait(pacer->previous);
        lam_marker_destroy(&pacer->previous);
        if (status != LAM_STATUS_OK) {
            lam_marker_destroy(&marker);
            return status;
        }
    }
    pacer->previous = marker;
    double now = lam_clock_get_seconds(), seconds = now - pacer->previous_time;
    if (seconds < CHUNK_SECONDS_MINIMUM && pacer->chunk_steps < 1 << 20)
        pacer->chunk_steps *= 2;
    else if (seconds > CHUNK_SECONDS_MAXIMUM && pacer->chunk_steps > 1)
        pacer->chunk_steps /= 2;
    pacer->steps_in_chunk = 0;
    pacer->previous_time = now;
    return LAM_STATUS_OK;
}

void lam_step_pacer_forget(lam_step_pacer *pacer)
{
    lam_marker_destroy(&pacer->previous);
}
