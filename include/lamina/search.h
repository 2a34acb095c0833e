/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Working off a study: workers claim waves of trials, train them side by side and report.
 */
#ifndef LAMINA_SEARCH_H
#define LAMINA_SEARCH_H

#include "lamina/study.h"

LAM_BEGIN_DECLS

/* ---- what a worker asks of who keeps the study ---- */

/** Who works: recorded with what it claims, and how its death is told. */
typedef struct lam_worker_identity {
    char host[64];
    char boot_id[40]; /* of the host's kernel */
    int64_t pid;
    int64_t process_start; /* of /proc/<pid>/stat: a later process may have the same pid */
    int64_t pid_namespace; /* of /proc/self/ns/pid: a pid means nothing in another container */
    char name[64];         /* unique among all workers of all time */
    char device[200];      /* name, driver and version of its device */
    double lease_seconds;  /* what it claims stays its own for so long after a report,
                              where nobody can tell whether it lives */
} lam_worker_identity;

/** Fills in what tells this process from all others: all but name, device and lease. */
LAM_API void lam_worker_identity_fill(lam_worker_identity *identity);

/** What can be told from here: of processes of other hosts and containers, nothing. */
typedef enum lam_worker_life {
    LAM_WORKER_LIFE_UNKNOWN,
    LAM_WORKER_LIFE_ALIVE,
    LAM_WORKER_LIFE_DEAD,
} lam_worker_life;
LAM_API lam_worker_life lam_worker_identity_find_life(const lam_worker_identity *identity);

/** A trial to be trained. */
typedef struct lam_trial_task {
    int64_t trial, configuration;
    int seed_index;
    uint64_t seed;
    char **settings; /* "key=value" over the study's recipe */
    size_t setting_count;
} lam_trial_task;

/** A wave that is this worker's until its lease runs out. */
typedef struct lam_wave_claim {
    int64_t wave;
    int attempt;           /* the fencing token: reports of an earlier one are turned down */
    lam_trial_task *tasks; /* [count]: those that are not over */
    size_t count;
    char *checkpoint;    /* of an earlier attempt; NULL to begin at step 0 */
    int64_t pruned_step; /* pruning up to this step has been done; -1 for none */
    double lease_seconds;
} lam_wave_claim;
LAM_API void lam_wave_claim_free(lam_wave_claim **claim);

/** X(name): what there is to do for a worker. */
typedef enum lam_outlook {
    LAM_OUTLOOK_WORK, /* trials wait */
    LAM_OUTLOOK_WAIT, /* none now, but others' may come back, or the sampler waits for them */
    LAM_OUTLOOK_OVER,
} lam_outlook;

/** The next trials that could be claimed together, before they are. */
typedef struct lam_search_look {
    lam_outlook outlook;
    int64_t group;          /* of trials that can be trained side by side */
    lam_trial_task example; /* one of them; owned by the look */
    size_t waiting;         /* of its seed; those to be made included */
    size_t population;      /* members at once on this device, as measured before; 0: unknown */
} lam_search_look;
LAM_API void lam_search_look_free(lam_search_look *look);

/** What a trial was measured at. */
typedef struct lam_trial_measurement {
    int64_t trial;
    lam_measurement measured;
} lam_trial_measurement;

/** What happened since the last report; all of it is kept, or with a lost lease none. */
typedef struct lam_wave_report {
    const lam_trial_measurement *measurements; /* [count] */
    size_t count;
    const char *checkpoint; /* the new one's path, of this attempt alone, so that no late writer
                               replaces another's; NULL for none */
    int64_t checkpoint_step;
} lam_wave_report;

typedef struct lam_trial_outcome {
    int64_t trial;
    lam_trial_state state; /* DONE, PRUNED, DIVERGED, FAILED */
    int64_t step;
    double seconds;
    const char *message; /* NULL for none */
} lam_trial_outcome;

/** A population size's speed, as measured. */
typedef struct lam_population_speed {
    size_t members;
    double models_per_second;
} lam_population_speed;

/**
 * Who keeps the study: its file, or over messages a process that has it. Every function may
 * fail with BAD_STUDY or BAD_OUTPUT. `ret_is_held` false: the claim was lost, since its lease
 * ran out and another took it over; nothing was kept.
 */
typedef struct lam_search_keeper {
    void *user;
    /* The study's plan, for its recipe, pruning and objective; borrowed. */
    const lam_study_plan *(*get_plan)(void *user);
    lam_status (*look)(void *user, const lam_worker_identity *worker,
                       lam_search_look *ret_look);
    /* Up to `limit` trials of the group, of one seed; or a dead worker's wave, whatever its
     * size. NULL where others were faster. */
    lam_status (*claim)(void *user, const lam_worker_identity *worker, int64_t group,
                        size_t limit, lam_wave_claim **ret_claim);
    /* Extends the lease; a report of nothing is a heartbeat. */
    lam_status (*report)(void *user, const lam_wave_claim *claim, const lam_wave_report *report,
                         bool *ret_is_held);
    /* Ends trials of the wave; with the last one the wave. One transaction. */
    lam_status (*finish)(void *user, const lam_wave_claim *claim,
                         const lam_trial_outcome *outcomes, size_t count, bool *ret_is_held);
    /* Gives back what is not over: it goes on from its checkpoint in anybody's hands. With
     * `split` its trials wait by themselves again, from step 0, for smaller waves. */
    lam_status (*release)(void *user, const lam_wave_claim *claim, bool split);
    /* Records how many members a wave of the group should have on this device. */
    lam_status (*set_population)(void *user, const lam_worker_identity *worker, int64_t group,
                                 size_t population, const lam_population_speed *speeds,
                                 size_t speed_count);
    /* For the median rule: the objective's value in measurements at `step` of trials of this
     * seed that began in earlier waves. NaN below the plan's min_trials. */
    lam_status (*get_median)(void *user, const lam_wave_claim *claim, int64_t step,
                             double *ret_median);
} lam_search_keeper;

/** The keeper that works on a study's file. Borrows the study. */
LAM_API lam_search_keeper lam_study_get_keeper(lam_study *study);

/* ---- working ---- */

typedef struct lam_search_progress {
    lam_wave_claim const *claim;       /* in training now; NULL between waves */
    lam_progress training;             /* of it */
    const lam_population_speed *speed; /* a population's size was just measured; else NULL */
} lam_search_progress;

typedef void lam_search_progress_function(void *user, const lam_search_progress *progress);

typedef struct lam_search_options {
    const char *wave_directory; /* for checkpoints; made if missing */
    lam_gemm gemm;
    size_t population;            /* members at once; 0: measured */
    double lease_seconds;         /* 0: 60 */
    double checkpoint_seconds;    /* between checkpoints; 0: 10 */
    int max_consecutive_failures; /* of trials, then the worker gives up; 0: 10 */
    bool fail_fast;               /* the first failure ends the worker */
    lam_search_progress_function *progress;
    void *progress_user;
} lam_search_options;

/**
 * Works until the study is over: claims, trains, reports. Blocking. One trial's failure is
 * recorded and others go on. A device without memory for a wave gets half of it, and so on.
 * `dataset` was loaded with the plan's recipe.data.
 * Errors: INTERRUPTED (trials were given back), TRIALS_FAILED, BAD_STUDY, BAD_OUTPUT,
 * BAD_DEVICE.
 */
LAM_API LAM_MUST_USE lam_status lam_search_work(lam_device *device,
                                                const lam_search_keeper *keeper,
                                                const lam_dataset *dataset,
                                                const lam_search_options *options);

typedef void lam_population_speed_function(void *user, const lam_population_speed *speed);

/**
 * Measures models per second of 1, 2, 4, .. networks of a recipe side by side, up to `most` or
 * until memory is exhausted, and tells of each. ret_knee: the fewest that come within 3 % of
 * the fastest. Blocking. Errors: as for training one.
 */
LAM_API LAM_MUST_USE lam_status lam_search_measure_speeds(
    lam_device *device, const lam_recipe *recipe, const lam_dataset *dataset, lam_gemm gemm,
    size_t most, lam_population_speed_function *tell, void *user, size_t *ret_knee);

LAM_END_DECLS

#endif
