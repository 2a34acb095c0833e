/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The files of a run folder: run.json, metrics.csv, models, and while a run is unfinished
 * checkpoint.safetensors. The folder of a set of runs holds their folders, summary.json and
 * their checkpoint.
 */
#ifndef LAM_TRAIN_RUN_DIRECTORY_H
#define LAM_TRAIN_RUN_DIRECTORY_H

#include <jansson.h>

#include "lamina/train.h"

typedef struct lam_run_directory lam_run_directory;

/** Files by their names inside a run folder. */
#define LAM_RUN_RECORD "run.json"
#define LAM_RUN_METRICS "metrics.csv"
#define LAM_RUN_MODEL "model.safetensors"
#define LAM_RUN_BEST "best.safetensors"
#define LAM_RUN_SNAPSHOT "snapshot-%d.safetensors" /* the cycle, from 1 */
#define LAM_RUN_CHECKPOINT "checkpoint.safetensors"
#define LAM_RUN_SUMMARY "summary.json"
#define LAM_RUN_PROGRESS "progress.json" /* while it is in training */
#define LAM_RUN_MODEL_SUFFIX ".safetensors"

/** True for the names of model files, which a checkpoint is not, and of snapshots among them.
 */
bool lam_run_is_model(const char *file);
bool lam_run_is_snapshot(const char *file);

/** The folder of a set's run in that of the set; NULL without memory, else free() it. */
char *lam_run_name_folder(const char *home, uint64_t seed);
/** The seed of which a name is exactly that of the run's folder; false when it is of none. */
bool lam_run_parse_folder(const char *name, uint64_t *ret_seed);

/** Makes the folder if needed. Errors: BAD_OUTPUT, also when it holds files of an earlier run
 * and neither `force` (which removes them) nor `resume` (which keeps them) is set. */
LAM_MUST_USE lam_status lam_run_directory_open(lam_context *context, const char *path,
                                               bool force, bool resume,
                                               lam_run_directory **ret_directory);
void lam_run_directory_close(lam_run_directory **directory);

/** Removes the files of the run in a folder, and the folder if nothing else is in it. A folder
 * without run.json is left as it is. Errors: BAD_OUTPUT when another process trains into it. */
LAM_MUST_USE lam_status lam_run_directory_discard(lam_context *context, const char *path);

/** The folder itself, and the path of a file in it; the latter borrowed until the next call. */
const char *lam_run_directory_get_folder(const lam_run_directory *directory);
const char *lam_run_directory_get_path(lam_run_directory *directory, const char *file);
bool lam_run_directory_has(lam_run_directory *directory, const char *file);
void lam_run_directory_remove(lam_run_directory *directory, const char *file);

/** Starts metrics.csv afresh with its header, or keeps the rows up to `last_step` when that is
 * not negative. Errors: BAD_OUTPUT, BAD_MODEL (an unreadable file to keep). */
LAM_MUST_USE lam_status lam_run_directory_start_metrics(lam_run_directory *directory,
                                                        int64_t last_step);

/** Appends one row in one write. Errors: BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_run_directory_append(lam_run_directory *directory,
                                                 const lam_measurement *measurement);

/** Reads the measurements of a folder, by step; none where nothing was measured yet. A last
 * line that is cut short is left out, since a run may be writing it; numbers that are none stay
 * so. free() them. Errors: BAD_MODEL (a damaged row: which line), NO_MEMORY. */
LAM_MUST_USE lam_status lam_run_metrics_load(lam_context *context, const char *directory,
                                             lam_measurement **ret_measurements,
                                             size_t *ret_count);

/** Reads one line, with its end; false where it is no row of measurements. */
bool lam_run_metrics_parse(const char *line, lam_measurement *ret_measurement);

/** Replaces `file`, run.json or summary.json; `json` is borrowed. Errors: BAD_OUTPUT,
 * NO_MEMORY.
 */
LAM_MUST_USE lam_status lam_run_directory_write_json(lam_run_directory *directory,
                                                     const char *file, const json_t *json);

bool lam_run_record_exists(const char *directory);
/** Reads run.json of a folder; json_decref() the result. Errors: BAD_MODEL. */
LAM_MUST_USE lam_status lam_run_record_load(lam_context *context, const char *directory,
                                            json_t **ret_record);

#endif
