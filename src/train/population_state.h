/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a checkpoint holds besides tensors: whose they are, and what their measurements showed.
 */
#ifndef LAM_TRAIN_WAVE_STATE_H
#define LAM_TRAIN_WAVE_STATE_H

#include "base/error.h"
#include "train/watch.h"

/** {"seeds": [..], "watches": [..]}; free() it. NULL when memory is exhausted. */
char *lam_wave_state_format(const uint64_t *seeds, const lam_watch *watches, size_t members);

/** Reads the watches of a checkpoint of these members. Errors: BAD_MODEL, also when it is of
 * others. */
LAM_MUST_USE lam_status lam_wave_state_load(lam_context *context, const char *path,
                                            const uint64_t *seeds, lam_watch *ret_watches,
                                            size_t members);

/** The seeds of a checkpoint's members; free() them. Errors: BAD_MODEL, NO_MEMORY. */
LAM_MUST_USE lam_status lam_wave_state_load_seeds(lam_context *context, const char *path,
                                                  uint64_t **ret_seeds, size_t *ret_members);

#endif
