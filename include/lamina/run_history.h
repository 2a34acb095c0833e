/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a run folder tells of its run, finished or not: who trained what where, and the
 * measurements so far. Any process can read it while another trains.
 */
#ifndef LAMINA_RUN_HISTORY_H
#define LAMINA_RUN_HISTORY_H

#include "lamina/train.h"

LAM_BEGIN_DECLS

#define LAM_RUN_NAME_BYTES 128

/** One run folder. */
typedef struct lam_run_history {
    char folder[4096];
    char name[LAM_RUN_NAME_BYTES]; /* the recipe's; in a set of seeds with ", seed 3" behind it
                                    */
    lam_recipe recipe;
    uint64_t seed;    /* of weights and dropout */
    char status[32];  /* "running", "finished", "diverged", "interrupted", .. */
    char version[32]; /* of Lamina */
    char device[256]; /* name, driver and its version */
    char gemm[32];
    char *data_directory; /* NULL when none was recorded */
    uint32_t rows[LAM_SPLIT_COUNT];
    bool is_finished; /* `summary` is filled */
    lam_run_summary summary;
    lam_measurement *measurements; /* by step; a last line that is cut short is left out */
    size_t measurement_count;
} lam_run_history;

/** What a path names: a run folder, or the folder of a set of seeds. */
typedef struct lam_run_set {
    char path[4096];
    char name[LAM_RUN_NAME_BYTES]; /* the recipe's */
    bool is_seed_set;
    lam_run_history *runs; /* in the order of seeds; at least one */
    size_t count;
} lam_run_set;

/** Errors: BAD_MODEL (no run there, or a damaged file: which, where, and what to do),
 * NO_MEMORY. lam_run_set_free() it. */
LAM_API LAM_MUST_USE lam_status lam_run_set_load(lam_context *context, const char *path,
                                                 lam_run_set *ret_set);
LAM_API void lam_run_set_free(lam_run_set *set);

/** How far training into a run folder or the folder of a set of seeds was `ret_age_seconds`
 * ago, without `latest`; it says so every 2 s. False where nothing trains, or where that is not
 * known. */
LAM_API LAM_MUST_USE bool lam_run_progress_load(const char *directory,
                                                lam_progress *ret_progress,
                                                double *ret_age_seconds);

LAM_END_DECLS

#endif
