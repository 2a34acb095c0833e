/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "train/trace.h"
#include "train/wave_run.h"
#include "train/wave_state.h"

lam_status lam_wave_save_model(lam_wave_run *run, const lam_parameters *parameters,
                               size_t member, int64_t step, const char *file)
{
    lam_trace *trace = run->wave->options->trace;
    lam_trace_span span = lam_trace_begin(trace, "save %s", file);
    lam_status status =
        lam_model_file_save(parameters, member, &run->session->normalization, step,
                            lam_run_directory_get_path(run->members[member].directory, file));
    lam_trace_end(trace, span);
    return status;
}

lam_status lam_wave_save_best(lam_wave_run *run)
{
    for (size_t p = 0; p < run->wave->members; p++) {
        if (!run->members[p].has_unsaved_best)
            continue;
        LAM_TRY(
            lam_wave_save_model(run, run->best, p, run->watches[p].best.step, LAM_RUN_BEST));
        run->members[p].has_unsaved_best = false;
    }
    return LAM_STATUS_OK;
}

lam_status lam_wave_save_checkpoint(lam_wave_run *run)
{
    lam_trace *trace = run->wave->options->trace;
    lam_trace_span span = lam_trace_begin(trace, "save " LAM_RUN_CHECKPOINT);
    char *state = lam_wave_state_format(run->wave->seeds, run->watches, run->wave->members);
    lam_status status =
        state ? lam_wave_save_best(run) : lam_fail_memory(run->context, LAM_RUN_CHECKPOINT, 0);
    if (status == LAM_STATUS_OK)
        status = lam_checkpoint_save(
            run->session->parameters, lam_trainer_get_optimizer_state(run->trainer),
            &run->session->normalization, lam_trainer_get_step(run->trainer), state,
            lam_run_directory_get_path(run->home, LAM_RUN_CHECKPOINT));
    free(state);
    lam_trace_end(trace, span);
    return status;
}
