/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * progress.json: how far training is, for whoever looks at the folder of a run or of a set of
 * seeds from outside. It is there while training goes on; one that is old was left by a process
 * that was killed.
 */
#ifndef LAM_TRAIN_PROGRESS_FILE_H
#define LAM_TRAIN_PROGRESS_FILE_H

#include "train/run_directory.h"

/** `{0}` is one that was never written. */
typedef struct lam_progress_file {
    double written; /* by lam_clock_get_seconds() */
    bool has_failed;
} lam_progress_file;

/** Writes it if it is 2 s old: between steps that are queued already, so that the device does
 * not wait. Where that fails training goes on, with a warning and without the file. */
void lam_progress_file_update(lam_progress_file *file, lam_context *context,
                              lam_run_directory *directory, const lam_progress *progress);

#endif
