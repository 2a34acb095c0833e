/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "train/wave_run.h"

lam_status lam_wave_open_member(lam_wave_run *run, size_t p)
{
    const lam_wave *wave = run->wave;
    const lam_train_options *options = wave->options;
    lam_wave_member *member = &run->members[p];
    LAM_TRY(lam_record_start(run->workshop->engine, wave->recipe, wave->dataset,
                             options->data_directory, wave->seeds[p], &member->record));
    char *folder = wave->home ? lam_run_name_folder(options->output_directory, wave->seeds[p])
                              : strdup(options->output_directory);
    lam_status status = folder ? lam_run_directory_open(run->context, folder, options->force,
                                                        options->resume, &member->directory)
                               : lam_fail_memory(run->context, "a path", 0);
    free(folder);
    return status;
}

/* Only a run that is not finished goes on; of a set's, some may have been finished when they
 * were cut off together. */
static lam_status check_old_record(lam_wave_run *run, size_t p)
{
    const lam_wave_member *member = &run->members[p];
    const char *folder = lam_run_directory_get_folder(member->directory);
    json_t *old = NULL;
    if (!lam_run_directory_has(member->directory, LAM_RUN_RECORD))
        return LAM_STATUS_OK;
    LAM_TRY(lam_run_record_load(run->context, folder, &old));
    lam_status status = lam_record_check_same(run->context, old, member->record, folder);
    if (status == LAM_STATUS_OK && !run->wave->home &&
        strcmp(lam_record_get_status(old), "finished") == 0)
        status = lam_fail(run->context, LAM_STATUS_BAD_OUTPUT,
                          "%s is finished: there is nothing to resume; train again elsewhere "
                          "(-o) or replace it (--force)",
                          folder);
    json_decref(old);
    return status;
}

static lam_status load_best(lam_wave_run *run, size_t p)
{
    int64_t step = 0; /* may be later than the checkpoint's best: it will be met again */
    if (lam_population_get_watch(run->population, p)->best.step < 0)
        return LAM_STATUS_OK;
    return lam_model_file_load(
        run->best, p, lam_run_directory_get_path(run->members[p].directory, LAM_RUN_BEST),
        &step);
}

lam_status lam_wave_load_checkpoint(lam_wave_run *run)
{
    const lam_wave *wave = run->wave;
    for (size_t p = 0; p < wave->members; p++)
        LAM_TRY(check_old_record(run, p));
    if (!lam_run_directory_has(run->home, LAM_RUN_CHECKPOINT))
        return LAM_STATUS_OK;
    const char *path = lam_run_directory_get_path(run->home, LAM_RUN_CHECKPOINT);
    LAM_TRY(lam_population_load(run->population, path));
    run->first_step = lam_population_get_step(run->population);
    for (size_t p = 0; p < wave->members; p++)
        LAM_TRY(load_best(run, p));
    return LAM_STATUS_OK;
}
