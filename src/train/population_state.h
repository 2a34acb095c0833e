/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a checkpoint holds besides tensors: whose they are, and what their measurements showed.
 */
#ifndef LAM_TRAIN_POPULATION_STATE_H
#define LAM_TRAIN_POPULATION_STATE_H

#include "base/error.h"
#include "train/watch.h"

/** {"ids": [..], "watches": [..]}; free() it. NULL when memory is exhausted. */
char *lam_population_state_format(const uint64_t *ids, const lam_watch *watches,
                                  size_t members);

/** Finds the members named `ids` in a checkpoint: ret_watches[members] and their places among
 * the file's *ret_count, ret_places[members]. Errors: BAD_MODEL, also when one is not there. */
LAM_MUST_USE lam_status lam_population_state_load(lam_context *context, const char *path,
                                                  const uint64_t *ids, size_t members,
                                                  lam_watch *ret_watches, size_t *ret_places,
                                                  size_t *ret_count);

/** The ids of a checkpoint's members; free() them. Errors: BAD_MODEL, NO_MEMORY. */
LAM_MUST_USE lam_status lam_population_state_load_ids(lam_context *context, const char *path,
                                                      uint64_t **ret_ids, size_t *ret_members);

#endif
