/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The training loop: steps, measurements and progress. Knows nothing of files.
 */
#ifndef LAM_TRAIN_TRAINER_H
#define LAM_TRAIN_TRAINER_H

#include "lamina/trace.h"
#include "train/evaluator.h"

typedef struct lam_trainer lam_trainer;

/** Step counts that follow from a recipe and the number of training rows. */
typedef struct lam_step_counts {
    int64_t per_epoch; /* full batches in an epoch */
    int64_t total;
} lam_step_counts;

/** Errors: BAD_RECIPE when a batch is larger than the training split. */
LAM_MUST_USE lam_status lam_step_counts_compute(lam_context *context, const lam_recipe *recipe,
                                                uint32_t train_rows,
                                                lam_step_counts *ret_counts);

/** True where the recipe wants a measurement after `step` steps. */
bool lam_recipe_measures_at(const lam_recipe *recipe, const lam_step_counts *counts,
                            int64_t step);

/** Receives what happens; every member may be NULL. A status other than OK ends training. */
typedef struct lam_trainer_observer {
    lam_status (*measure)(void *user, const lam_measurement *measurement);
    void (*progress)(void *user, const lam_progress *progress);
    /* Gets the losses of `count` steps from `first_step` on, finite or not, a few moments after
     * they were taken. With it nothing is measured, and no loss ends training by itself. */
    lam_status (*losses)(void *user, int64_t first_step, int64_t count, const double *losses);
    void *user;
    lam_trace *trace; /* gets a span for each epoch and each measurement */
} lam_trainer_observer;

/** Borrows everything; parameters hold the state to start from, before step `first_step`. */
LAM_MUST_USE lam_status lam_trainer_create(lam_parameters *parameters,
                                           const lam_resident_data *data,
                                           const lam_dataset *dataset, const lam_recipe *recipe,
                                           const lam_trainer_observer *observer,
                                           int64_t first_step, lam_trainer **ret_trainer);
void lam_trainer_destroy(lam_trainer **trainer);

/** Trains to the end of the recipe. Errors: DIVERGED, INTERRUPTED, the observer's, the
 * device's. All queued work is done when it returns. */
LAM_MUST_USE lam_status lam_trainer_run(lam_trainer *trainer);

/** The newest measurement; after lam_trainer_run() that of the last step. Borrowed. */
const lam_measurement *lam_trainer_get_latest(const lam_trainer *trainer);

/** The parameters as the latest measurement took them: statistics of batch normalization may be
 * others than the running ones. Borrowed. */
const lam_parameters *lam_trainer_get_model(const lam_trainer *trainer);

/** All zero before the first step: a run that goes on fills it in. Borrowed. */
lam_optimizer_state *lam_trainer_get_optimizer_state(lam_trainer *trainer);

/** Steps taken so far, counted from the run's beginning, and seconds spent. */
int64_t lam_trainer_get_step(const lam_trainer *trainer);
double lam_trainer_get_training_seconds(const lam_trainer *trainer);
double lam_trainer_get_total_seconds(const lam_trainer *trainer); /* and measuring */
double lam_trainer_get_samples_per_second(const lam_trainer *trainer);

#endif
