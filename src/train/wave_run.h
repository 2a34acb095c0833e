/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One call of lam_wave_train(), in parts: opening folders and checkpoints (wave_open.c), saving
 * (wave_save.c), results (wave_results.c). For these files and wave.c alone.
 */
#ifndef LAM_TRAIN_WAVE_RUN_H
#define LAM_TRAIN_WAVE_RUN_H

#include "train/population.h"
#include "train/progress_file.h"
#include "train/record.h"
#include "train/wave.h"

/* One network and its folder. */
typedef struct lam_wave_member {
    lam_run_directory *directory;
    json_t *record;
    bool has_unsaved_best;
} lam_wave_member;

/* One call of lam_wave_train(). */
typedef struct lam_wave_run {
    const lam_wave *wave;
    lam_context *context;
    lam_workshop *workshop;
    lam_run_directory *home;
    lam_parameters *best; /* each member at its best measurement; NULL without validation */
    lam_wave_member *members;
    lam_population *population; /* whose ids are the seeds */
    int64_t first_step;
    double checkpoint_time;
    lam_progress_file progress; /* of a single run; a set has one in its own folder */
} lam_wave_run;

/** Opens the folder of member `p` and starts its record. */
LAM_MUST_USE lam_status lam_wave_open_member(lam_wave_run *run, size_t p);

/** Goes on from the checkpoint: the population and its best models. Without one the run starts
 * again: it was killed within its first seconds. */
LAM_MUST_USE lam_status lam_wave_load_checkpoint(lam_wave_run *run);

/** Writes a member's parameters after `step` into `file` of its folder. */
LAM_MUST_USE lam_status lam_wave_save_model(lam_wave_run *run, const lam_parameters *parameters,
                                            size_t member, int64_t step, const char *file);

/** Writes the best models that are not on disk yet. */
LAM_MUST_USE lam_status lam_wave_save_best(lam_wave_run *run);

/** Writes the checkpoint, and the best models that it tells of before it. */
LAM_MUST_USE lam_status lam_wave_save_checkpoint(lam_wave_run *run);

/** What training gave: metrics and times of every member, and its model where training came to
 * its end. Whatever happened, the folders say so; a failure to say it does not hide what
 * happened. Returns `outcome`, or what failed after it. */
LAM_MUST_USE lam_status lam_wave_finish(lam_wave_run *run, lam_status outcome,
                                        lam_run_summary *ret_summaries);

#endif
