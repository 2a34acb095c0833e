/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Networks that are trained side by side, step by step, each with its own numbers
 * (lam_recipe_get_common() says which). A single network is a population of one; a member has
 * the same bits in every population.
 */
#ifndef LAM_TRAIN_POPULATION_H
#define LAM_TRAIN_POPULATION_H

#include "lamina/trace.h"
#include "train/step_counts.h"
#include "train/watch.h"
#include "train/workshop.h"

typedef struct lam_population lam_population;

/** Receives what happens; every member may be NULL. A status other than OK ends the call of
 * lam_population_run(), which gives it back; a later call goes on behind that step. It may look
 * at the population, save it, and let members rest. */
typedef struct lam_population_observer {
    /* After a measurement, measurements[members]: those of members that were not measured,
     * which rest, have an earlier step, or -1 for none. */
    lam_status (*measure)(void *user, int64_t step, const lam_measurement *measurements);
    /* At the end of cycle `cycle` = 1 .. of recipes with snapshots, after its measurement and
     * unless that ended the call. */
    lam_status (*snapshot)(void *user, int cycle);
    /* Several times a second, and with each measurement before `measure`. */
    lam_status (*progress)(void *user, const lam_progress *progress);
    void *user;
    lam_trace *trace; /* gets a span for each epoch and each measurement */
} lam_population_observer;

/** Recipes, seeds, ids and observer are copied; the workshop is borrowed. */
typedef struct lam_population_setup {
    const lam_workshop *workshop;
    size_t members;
    const lam_recipe *recipes; /* [members], of one lam_recipe_get_common() */
    const uint64_t *seeds;     /* [members]: of weights and dropout */
    const uint64_t *ids;       /* [members], all different: whose members are in checkpoints */
    lam_population_observer observer;
} lam_population_setup;

/** Networks before their first step. On failure nothing is left behind. Errors: NO_MEMORY
 * (fewer members may fit), BAD_ARGUMENT (recipes or ids that do not go together), BAD_RECIPE,
 * BAD_DEVICE, BAD_KERNEL. */
LAM_MUST_USE lam_status lam_population_create(const lam_population_setup *setup,
                                              lam_population **ret_population);
void lam_population_destroy(lam_population **population);

/**
 * Trains until `until_step` steps are taken, to the end of the recipes, or until all members
 * rest, whichever comes first; a measurement at that step is taken. Members that diverge, or
 * whose patience runs out, rest from then on; that all of them do is no error. Blocking.
 * Errors: INTERRUPTED, the observer's, BAD_DEVICE, BAD_KERNEL.
 */
LAM_MUST_USE lam_status lam_population_run(lam_population *population, int64_t until_step);

/** True at the end of the recipes, and when all members rest: there is nothing left to run. */
bool lam_population_is_over(const lam_population *population);

/** Errors: DIVERGED when all members did; the last one is told of. */
LAM_MUST_USE lam_status lam_population_check(const lam_population *population);

/** The member keeps its weights from now on and is not measured any more. */
void lam_population_rest(lam_population *population, size_t member);

/** Goes on with these `count` members alone, all different, in the order given, to the same
 * bits. Between runs. Needs the memory of both populations for a moment; on failure the
 * population is as it was. Errors: NO_MEMORY, BAD_DEVICE, BAD_KERNEL. */
LAM_MUST_USE lam_status lam_population_keep(lam_population *population, const size_t *members,
                                            size_t count);

/** Writes a checkpoint of all members, whole or not at all. Errors: BAD_OUTPUT, NO_MEMORY,
 * BAD_DEVICE. */
LAM_MUST_USE lam_status lam_population_save(const lam_population *population, const char *path);

/** Goes on from a checkpoint that holds at least these members; before the first run. From one
 * of step 0 it starts anew. Errors: BAD_MODEL (also when a member is not in the file),
 * NO_MEMORY, BAD_DEVICE; the population is then of no further use. */
LAM_MUST_USE lam_status lam_population_load(lam_population *population, const char *path);

size_t lam_population_get_members(const lam_population *population);
uint64_t lam_population_get_id(const lam_population *population, size_t member);

/** What the member's measurements have shown so far: the latest and the best, whether and when
 * it came to rest or diverged. Borrowed, until lam_population_keep(). */
const lam_watch *lam_population_get_watch(const lam_population *population, size_t member);

/** Steps taken so far, and of the whole run, counted from its beginning. */
int64_t lam_population_get_step(const lam_population *population);
lam_step_counts lam_population_get_counts(const lam_population *population);

/** Seconds that the steps of this population took, and with its measurements; since
 * lam_population_create() or _load(). */
double lam_population_get_training_seconds(const lam_population *population);
double lam_population_get_total_seconds(const lam_population *population);

/** The parameters as they are, and as the latest measurement took them, with whatever
 * statistics of batch normalization. Borrowed, until lam_population_keep(). */
lam_parameters *lam_population_get_parameters(const lam_population *population);
const lam_parameters *lam_population_get_model(const lam_population *population);

/** Measures the parameters as they are: lam_workshop_evaluate(). */
LAM_MUST_USE lam_status
lam_population_evaluate(const lam_population *population, unsigned splits,
                        lam_metrics *const ret_metrics[LAM_SPLIT_COUNT]);

/**
 * How many networks a population of these would train in a second of training steps alone:
 * members * steps a second / steps of a run. Takes real steps for about `seconds`, after the
 * first ones, which compile and warm up. Blocking. Errors: as lam_population_create() and
 * lam_population_run().
 */
LAM_MUST_USE lam_status lam_population_measure_speed(const lam_workshop *workshop,
                                                     const lam_recipe *recipes,
                                                     const uint64_t *seeds, size_t members,
                                                     double seconds,
                                                     double *ret_models_per_second);

#endif
