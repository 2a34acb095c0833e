/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What run.json holds.
 */
#ifndef LAM_TRAIN_RECORD_H
#define LAM_TRAIN_RECORD_H

#include <jansson.h>

#include "lamina/train.h"
#include "op/engine.h"

/** {"loss":, "cost":, "accuracy":} and back; false when it is none. */
json_t *lam_metrics_format(const lam_metrics *metrics);
bool lam_metrics_parse(const json_t *json, lam_metrics *ret_metrics);

/**
 * A run's record before its first step: the resolved recipe, the device, the rows, and the seed
 * of its weights and dropout. json_decref() it. Errors: NO_MEMORY.
 */
LAM_MUST_USE lam_status lam_record_start(const lam_engine *engine, const lam_recipe *recipe,
                                         const lam_dataset *dataset, const char *data_directory,
                                         uint64_t seed, json_t **ret_record);

/** A run may only go on as what it was started as. Errors: BAD_RECIPE, naming the folder and
 * what differs. */
LAM_MUST_USE lam_status lam_record_check_same(lam_context *context, const json_t *old,
                                              const json_t *new_record, const char *directory);

/** The record's "status"; "" when it has none. Borrowed. */
const char *lam_record_get_status(const json_t *record);

/** The recipe of the record of `directory`, checked as strictly as one from a file. Errors:
 * BAD_MODEL. */
LAM_MUST_USE lam_status lam_record_take_recipe(lam_context *context, const char *directory,
                                               const json_t *record, lam_recipe *ret_recipe);

/** Puts what a finished run gave into its record, and takes it from there again; false when
 * the record is not that of a finished run. */
void lam_record_put_results(json_t *record, const lam_run_summary *summary);
bool lam_record_take_results(const json_t *record, lam_run_summary *ret_summary);

#endif
