/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trace.h"
#include "train/wave_run.h"

lam_status lam_wave_save_model(lam_wave_run *run, const lam_parameters *parameters,
                               size_t member, int64_t step, const char *file)
{
    lam_trace *trace = run->wave->options->trace;
    lam_trace_span span = lam_trace_begin(trace, "save %s", file);
    lam_status status =
        lam_model_file_save(parameters, member, &run->workshop->normalization, step,
                            lam_run_directory_get_path(run->members[member].directory, file));
    lam_trace_end(trace, span);
    return status;
}

lam_status lam_wave_save_best(lam_wave_run *run)
{
    for (size_t p = 0; p < run->wave->members; p++) {
        if (!run->members[p].has_unsaved_best)
            continue;
        int64_t step = lam_population_get_watch(run->population, p)->best.step;
        LAM_TRY(lam_wave_save_model(run, run->best, p, step, LAM_RUN_BEST));
        run->members[p].has_unsaved_best = false;
    }
    return LAM_STATUS_OK;
}

lam_status lam_wave_save_checkpoint(lam_wave_run *run)
{
    lam_trace *trace = run->wave->options->trace;
    lam_trace_span span = lam_trace_begin(trace, "save " LAM_RUN_CHECKPOINT);
    lam_status status = lam_wave_save_best(run);
    if (status == LAM_STATUS_OK)
        status = lam_population_save(run->population,
                                     lam_run_directory_get_path(run->home, LAM_RUN_CHECKPOINT));
    lam_trace_end(trace, span);
    return status;
}
