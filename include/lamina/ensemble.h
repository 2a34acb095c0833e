/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Several trained networks asked together: by majority vote, and by their mean probabilities.
 */
#ifndef LAMINA_ENSEMBLE_H
#define LAMINA_ENSEMBLE_H

#include "lamina/predict.h"

LAM_BEGIN_DECLS

/** One network of an ensemble and what it reaches by itself. */
typedef struct lam_ensemble_member {
    char *directory;
    char *model; /* a file of that folder */
    bool has_split[LAM_SPLIT_COUNT];
    double accuracy[LAM_SPLIT_COUNT];
} lam_ensemble_member;

typedef struct lam_ensemble lam_ensemble;

/** An ensemble without members, which predicts on `device` (borrowed). Errors: BAD_DEVICE,
 * NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_ensemble_create(lam_device *device, lam_gemm gemm,
                                                    lam_ensemble **ret_ensemble);
LAM_API void lam_ensemble_destroy(lam_ensemble **ensemble);

/**
 * Adds a model of a run folder (`model` as for lam_run_find_model()): predicts the test rows of
 * `dataset`, and its validation rows if it has any, with the recipe and the normalization of
 * that run. Blocking; `dataset` is needed no longer than the call. After a failure the ensemble
 * can only be destroyed. Errors: BAD_DATA (other test rows than those of the members so far),
 * BAD_MODEL, BAD_DEVICE, BAD_KERNEL, NO_MEMORY, INTERRUPTED.
 */
LAM_API LAM_MUST_USE lam_status lam_ensemble_add(lam_ensemble *ensemble,
                                                 const lam_recipe *recipe,
                                                 const lam_dataset *dataset,
                                                 const char *directory, const char *model);

/** Adds every snapshot-*.safetensors of a run folder, in the order of their numbers. Errors:
 * as above; BAD_MODEL when there is none. */
LAM_API LAM_MUST_USE lam_status lam_ensemble_add_snapshots(lam_ensemble *ensemble,
                                                           const lam_recipe *recipe,
                                                           const lam_dataset *dataset,
                                                           const char *directory);

LAM_API size_t lam_ensemble_get_member_count(const lam_ensemble *ensemble);
/** Borrowed until the next member is added. */
LAM_API const lam_ensemble_member *lam_ensemble_get_member(const lam_ensemble *ensemble,
                                                           size_t index);

/** Whether all members, of which there is one at least, have the same rows for this split. */
LAM_API bool lam_ensemble_has_split(const lam_ensemble *ensemble, lam_split split);

/**
 * What the members of an ensemble that has the split say together: `probabilities` are the
 * means of theirs (added in the members' order), `classes` the most probable by these means,
 * `votes` the class that most members predict; among as many votes the more probable by the
 * means, and then the first. The caller owns the result. Errors: NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_ensemble_combine(const lam_ensemble *ensemble,
                                                     lam_split split,
                                                     lam_predictions **ret_predictions);

LAM_END_DECLS

#endif
