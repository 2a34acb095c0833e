/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The training loop: steps, measurements and progress. Knows nothing of files.
 */
#ifndef LAM_TRAIN_TRAINER_H
#define LAM_TRAIN_TRAINER_H

#include "lamina/trace.h"
#include "net/optimizer_state.h"
#include "train/evaluator.h"
#include "train/step_counts.h"
#include "train/watch.h"

typedef struct lam_trainer lam_trainer;

/** Receives what happens; every member may be NULL. A status other than OK ends the call of
 * lam_trainer_run(), which gives it back; a later call goes on behind that step. */
typedef struct lam_trainer_observer {
    /* After a measurement of at least one member, which the watches have seen. */
    lam_status (*measure)(void *user, int64_t step);
    /* At the end of cycle `cycle` = 1 .. of a recipe with snapshots, after its measurement and
     * unless that ended the call. */
    lam_status (*snapshot)(void *user, int cycle);
    /* Several times a second, and with each measurement. */
    lam_status (*progress)(void *user, const lam_progress *progress);
    /* Gets the losses [count, members] of steps from `first_step` on, finite or not, a few
     * moments after they were taken. With it nothing is measured, and no loss ends training by
     * itself. */
    lam_status (*losses)(void *user, int64_t first_step, int64_t count, const double *losses);
    void *user;
    lam_trace *trace; /* gets a span for each epoch and each measurement */
} lam_trainer_observer;

/** All borrowed. */
typedef struct lam_trainer_setup {
    lam_parameters *parameters; /* the state to start from; its graphs are the recipes' */
    const lam_resident_data *data;
    const lam_dataset *dataset;
    const lam_recipe *recipes; /* [members], of one lam_recipe_get_common(): the first's is
                                  taken where members share it */
    const lam_trainer_observer *observer;
    const uint64_t *seeds; /* [members]: of dropout */
    lam_watch *watches;    /* [members]: what was measured before, kept up to date */
} lam_trainer_setup;

/** The members of a population share their batches. One that diverges, or whose patience has
 * run out, rests: it keeps its weights while the others go on. Before step 0. */
LAM_MUST_USE lam_status lam_trainer_create(const lam_trainer_setup *setup,
                                           lam_trainer **ret_trainer);
void lam_trainer_destroy(lam_trainer **trainer);

/** Goes on before step `step` of the run, which others have taken: their parameters, watches
 * and states of the optimizer are in place. Before the first lam_trainer_run(). */
void lam_trainer_start_at(lam_trainer *trainer, int64_t step);

/** Trains until `until_step` steps are taken, to the end of the recipe, or until all members
 * rest, whichever comes first; the measurement there, if there is one, is taken. Errors:
 * INTERRUPTED, the observer's, the device's. All queued work is done when it returns. */
LAM_MUST_USE lam_status lam_trainer_run(lam_trainer *trainer, int64_t until_step);

/** The member rests from the next step on. For an observer, or between runs. */
void lam_trainer_rest(lam_trainer *trainer, size_t member);

/** Errors: DIVERGED when all members did; the last one is told of. */
LAM_MUST_USE lam_status lam_trainer_check(const lam_trainer *trainer);

/** The parameters as the latest measurement took them: statistics of batch normalization may be
 * others than the running ones. Borrowed. */
const lam_parameters *lam_trainer_get_model(const lam_trainer *trainer);

/** All zero before the first step: a run that goes on fills it in. Borrowed. */
lam_optimizer_state *lam_trainer_get_optimizer_state(const lam_trainer *trainer);

lam_step_counts lam_trainer_get_counts(const lam_trainer *trainer);

/** Steps taken so far, counted from the run's beginning, and seconds spent. */
int64_t lam_trainer_get_step(const lam_trainer *trainer);
double lam_trainer_get_training_seconds(const lam_trainer *trainer);
double lam_trainer_get_total_seconds(const lam_trainer *trainer); /* and measuring */

#endif
