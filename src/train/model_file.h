/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A trained network as a safetensors file: layer<n>.weight F32[in, out] and layer<n>.bias
 * F32[out] for dense layer n = 1 .., where batch normalization follows it also
 * layer<n>.batch_norm.gamma, .beta, .mean and .variance F32[out], input.mean and
 * input.deviation F64[3072] of the z-score of pixels / 255, and the number of steps taken in
 * the metadata. Checkpoints hold the optimizer's states, too: optimizer.<parameter>.<s>,
 * s = 0 ..
 */
#ifndef LAM_TRAIN_MODEL_FILE_H
#define LAM_TRAIN_MODEL_FILE_H

#include "lamina/data.h"
#include "net/optimizer_state.h"
#include "net/parameters.h"

typedef struct lam_normalization {
    double mean[LAM_IMAGE_INPUTS];
    double deviation[LAM_IMAGE_INPUTS];
} lam_normalization;

/** Writes member `member`. Errors: BAD_OUTPUT, NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_model_file_save(const lam_parameters *parameters, size_t member,
                                            const lam_normalization *normalization,
                                            int64_t step, const char *path);

/** Fills one member, or with LAM_ALL_MEMBERS every one. Errors: BAD_MODEL (also where a number
 * is not finite), NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_model_file_load(lam_parameters *parameters, size_t member,
                                            const char *path, int64_t *ret_step);

/** A checkpoint is a model file of the whole population, whose members stand side by side in
 * each tensor, with `state` as a text of its metadata. Numbers may be infinite or none: some
 * members may have diverged. Errors: as above. */
LAM_MUST_USE lam_status lam_checkpoint_save(const lam_parameters *parameters,
                                            const lam_optimizer_state *optimizer,
                                            const lam_normalization *normalization,
                                            int64_t step, const char *state, const char *path);
/** Which of the `count` members of a checkpoint are those of a population: its member p is the
 * file's member places[p]. */
typedef struct lam_checkpoint_members {
    const size_t *places;
    size_t count;
} lam_checkpoint_members;

LAM_MUST_USE lam_status lam_checkpoint_load(lam_parameters *parameters,
                                            lam_optimizer_state *optimizer,
                                            const lam_checkpoint_members *members,
                                            const char *path, int64_t *ret_step);
/** Reads the state alone; free() it. Errors: BAD_MODEL, NO_MEMORY. */
LAM_MUST_USE lam_status lam_checkpoint_load_state(lam_context *context, const char *path,
                                                  char **ret_state);

LAM_MUST_USE lam_status lam_model_file_load_normalization(lam_context *context,
                                                          const char *path,
                                                          lam_normalization *ret_normalization);

#endif
