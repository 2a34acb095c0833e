/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trace.h"
#include "train/wave.h"

static lam_status train(lam_device *device, const lam_recipe *recipe,
                        const lam_dataset *dataset, const lam_train_options *options,
                        lam_run_summary *ret_summary)
{
    lam_run_summary summary;
    const lam_wave wave = {.device = device,
                           .recipe = recipe,
                           .dataset = dataset,
                           .options = options,
                           .seeds = &recipe->seed,
                           .members = 1};
    size_t members = 0;
    LAM_TRY(lam_wave_prepare(device, recipe, dataset, options, 1, &members));
    LAM_TRY(lam_wave_train(&wave, &summary));
    *ret_summary = summary;
    return LAM_STATUS_OK;
}

lam_status lam_train(lam_device *device, const lam_recipe *recipe, const lam_dataset *dataset,
                     const lam_train_options *options, lam_run_summary *ret_summary)
{
    LAM_TRY(lam_trace_start_device(options->trace, device));
    lam_status status = train(device, recipe, dataset, options, ret_summary);
    lam_status stopped = lam_trace_stop_device(options->trace);
    return status != LAM_STATUS_OK ? status : stopped;
}
