/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Studies: hyper-parameter searches kept in one SQLite file each.
 *
 * A *configuration* is a point of the study's space. A *trial* trains one configuration with
 * one seed: each configuration has as many trials as the study has seeds. Trials of the same
 * seed are trained side by side, in *waves*. All that is known of a study is in its file, from
 * which any number of processes work at once; only checkpoints of waves in training lie beside
 * it, in the folder <file>.waves. The tables are described in src/search/schema.sql.
 */
#ifndef LAMINA_STUDY_H
#define LAMINA_STUDY_H

#include "lamina/recipe.h"
#include "lamina/space.h"
#include "lamina/statistics.h"
#include "lamina/train.h"

LAM_BEGIN_DECLS

#define LAM_STUDY_SCHEMA_VERSION 1

/** What a trial's last measurement of the validation split is ranked by.
 * X(name, name on the command line, sign: 1 where more is better, -1 where less is) */
#define LAM_OBJECTIVE_LIST(X)                                                                  \
    X(ACCURACY, "accuracy", 1)           /* of the trained network */                          \
    X(BEST_ACCURACY, "best-accuracy", 1) /* of the best measurement on the way */              \
    X(LOSS, "loss", -1)                                                                        \
    X(COST, "cost", -1)

typedef enum lam_objective {
#define LAM_OBJECTIVE_ENUM(name, text, sign) LAM_OBJECTIVE_##name,
    LAM_OBJECTIVE_LIST(LAM_OBJECTIVE_ENUM)
#undef LAM_OBJECTIVE_ENUM
} lam_objective;

/** Names of the lists here, as on the command line and in files; static. */
LAM_API const char *lam_objective_name(lam_objective objective);

/** Whether it is a share, 0 .. 1, which is shown in percent. */
LAM_API bool lam_objective_is_accuracy(lam_objective objective);
/** 1 where more is better, -1 where less is. */
LAM_API int lam_objective_get_sign(lam_objective objective);

/** X(name, name on the command line) */
#define LAM_PRUNING_LIST(X)                                                                    \
    X(NONE, "none")                                                                            \
    X(HALVING, "halving") /* at every cycle's end (without cycles: at each doubling of the     \
                             measurements) the better 1/factor of a wave goes on: Jamieson and \
                             Talwalkar, AISTATS 2016 */                                        \
    X(MEDIAN, "median")   /* a trial worse than the median of the study's earlier trials of    \
                             its seed at the same step ends: Golovin et al., KDD 2017 */

typedef enum lam_pruning_type {
#define LAM_PRUNING_ENUM(name, text) LAM_PRUNING_##name,
    LAM_PRUNING_LIST(LAM_PRUNING_ENUM)
#undef LAM_PRUNING_ENUM
} lam_pruning_type;

LAM_API const char *lam_pruning_name(lam_pruning_type type);

typedef struct lam_pruning {
    lam_pruning_type type;
    double factor;        /* HALVING: 1 of so many goes on; > 1, default 2 */
    int min_trials;       /* MEDIAN: trials that must have come so far; default 5 */
    int min_measurements; /* MEDIAN: measurements of a trial before it may end; default 1 */
} lam_pruning;

/** What a study is, from its beginning on. */
typedef struct lam_study_plan {
    lam_recipe recipe; /* its data must have validation rows */
    lam_space space;
    lam_sampler sampler;
    uint64_t seed;               /* of the sampler */
    int64_t configuration_count; /* in all; may grow later */
    int seed_count; /* trials of each configuration; may grow later. Seed i = 0 .. is
                       recipe.seed + i, of weights and dropout; the order of rows is
                       recipe.seed's for all */
    lam_objective objective;
    lam_pruning pruning;
    int patience; /* ends the study after so many configurations in a row, in the order they
                     were finished, that did not improve on the best; 0: never */
} lam_study_plan;

/** X(name, name in the file) */
#define LAM_TRIAL_STATE_LIST(X)                                                                \
    X(WAITING, "waiting")                                                                      \
    X(RUNNING, "running")                                                                      \
    X(DONE, "done")                                                                            \
    X(PRUNED, "pruned")     /* ended by the study's rule, at `step` */                         \
    X(DIVERGED, "diverged") /* its loss was no finite number, at `step` */                     \
    X(FAILED, "failed")     /* could not be trained: `message` */

typedef enum lam_trial_state {
#define LAM_TRIAL_STATE_ENUM(name, text) LAM_TRIAL_STATE_##name,
    LAM_TRIAL_STATE_LIST(LAM_TRIAL_STATE_ENUM)
#undef LAM_TRIAL_STATE_ENUM
        LAM_TRIAL_STATE_COUNT,
} lam_trial_state;

LAM_API const char *lam_trial_state_name(lam_trial_state state);

/** ---- Reading a study ---- */

typedef struct lam_trial {
    int64_t id;
    int seed_index;
    uint64_t seed;
    lam_trial_state state;
    int64_t step;           /* of `latest`, -1 before there is one */
    lam_measurement latest; /* the newest; of DONE trials that of the trained network */
    lam_measurement best;   /* of the best validation accuracy so far, the first of equals */
    double objective;       /* of a DONE trial; NaN otherwise */
    double seconds;         /* of a finished trial: its share of its wave's training time */
    char message[400];      /* of FAILED and PRUNED: why; else "" */
} lam_trial;

/** One configuration with its trials, in the order of seeds. */
typedef struct lam_configuration {
    int64_t index;                             /* from 0, in the sampler's order */
    char (*values)[LAM_PARAMETER_VALUE_BYTES]; /* [space.count], as YAML; "" where the
                                                  parameter's condition does not hold */
    lam_trial *trials;                         /* [seed_count] */
} lam_configuration;

/** A consistent picture of a study at one moment. */
typedef struct lam_study_view {
    char path[4096];
    lam_study_plan plan;
    size_t configuration_count; /* made so far */
    lam_configuration *configurations;
    uint32_t validation_rows;
    int64_t counts[LAM_TRIAL_STATE_COUNT]; /* of trials by state */
    int64_t total; /* trials in all, those of configurations to be made included */
    int shard_index, shard_count; /* of a shard's file, whose counts are of its own trials; 0
                                     of 1 otherwise */
    double models_per_second;     /* of the last few minutes; 0 while unknown */
    double remaining_seconds;     /* negative while unknown */
    int64_t workers;              /* that hold a wave whose lease has not run out */
    bool is_over; /* nothing waits or runs, or the study's patience has run out */
} lam_study_view;

typedef struct lam_study lam_study;

/**
 * Makes a study file and its folder, or with the file there and made for the same plan (but for
 * counts) raises its counts: calling twice changes nothing. Errors: BAD_STUDY (exists and is
 * another study; no SQLite file; newer schema), BAD_RECIPE (a value of the space that the
 * recipe cannot have; no validation rows), BAD_ARGUMENT (a sampler that cannot serve the
 * space; counts or numbers of the pruning rule that are none), BAD_OUTPUT.
 */
LAM_API LAM_MUST_USE lam_status lam_study_create(lam_context *context, const char *path,
                                                 const lam_study_plan *plan,
                                                 lam_study **ret_study);

/** Opens a study to read it and to work from it; older schemas are brought up to date first.
 * Errors: BAD_STUDY (missing, no study, damaged, locked, made by a newer version). */
LAM_API LAM_MUST_USE lam_status lam_study_open(lam_context *context, const char *path,
                                               lam_study **ret_study);
LAM_API void lam_study_close(lam_study **study);

/** All of SQLite's own checks of the file. Errors: BAD_STUDY with what is damaged. */
LAM_API LAM_MUST_USE lam_status lam_study_verify(lam_study *study);

/** Raises the counts; smaller ones change nothing. Errors: BAD_STUDY, BAD_OUTPUT, and
 * BAD_ARGUMENT past the end of a grid. */
LAM_API LAM_MUST_USE lam_status lam_study_extend(lam_study *study, int64_t configuration_count,
                                                 int seed_count);

LAM_API LAM_MUST_USE lam_status lam_study_read(lam_study *study, lam_study_view **ret_view);
/** Opens a study for as long as it takes to read it. Errors: as lam_study_open(). */
LAM_API LAM_MUST_USE lam_status lam_study_load_view(lam_context *context, const char *path,
                                                    lam_study_view **ret_view);
LAM_API void lam_study_view_free(lam_study_view **view);

/** All measurements of one trial, by step; free() them. */
LAM_API LAM_MUST_USE lam_status lam_study_read_curve(lam_study *study, int64_t trial,
                                                     lam_measurement **ret_measurements,
                                                     size_t *ret_count);

/** The study's recipe with a configuration's values, and recipe.seed as it is. */
LAM_API LAM_MUST_USE lam_status lam_study_get_recipe(lam_study *study, int64_t configuration,
                                                     lam_recipe *ret_recipe);

/** Writes all trials as tab-separated values with a line of headings: iteration (from 1), seed,
 * the space's keys, state, objective, and the latest measurement. Errors: BAD_OUTPUT. */
LAM_API LAM_MUST_USE lam_status lam_study_save_table(lam_context *context,
                                                     const lam_study_view *view,
                                                     const char *path);

/** Failed trials (with `all` diverged and pruned ones, too) wait again. */
LAM_API LAM_MUST_USE lam_status lam_study_retry(lam_study *study, bool all, int64_t *ret_count);

/** Takes over what other files of the same study finished: a trial that is done in either is
 * done. Merging again changes nothing. Errors: BAD_STUDY (another study). */
LAM_API LAM_MUST_USE lam_status lam_study_merge(lam_study *study, const char *other_path,
                                                int64_t *ret_merged);

/** Makes the file of shard `index` = 0 .. count-1: a copy of the study whose workers take the
 * trials of configurations with index % count == `index` alone. A file that is there and is
 * this shard stays as it is. */
LAM_API LAM_MUST_USE lam_status lam_study_make_shard(lam_study *study, const char *path,
                                                     int index, int count);

/** ---- Ranking ---- */

/** What the trials of a configuration say together, of the objective: always measurements of
 * the validation rows. */
typedef struct lam_rank {
    int64_t configuration;
    lam_estimate objective;  /* over its DONE trials */
    double standard_error;   /* of the mean: deviation / sqrt(n). Of accuracies at least the
                                binomial one, sqrt(p (1 - p) / validation rows), which is also
                                that of a single trial; of losses and costs NaN for one */
    lam_estimate difference; /* this less the pick, in pairs of the seeds that both have done;
                                no values where there are none */
    bool is_best;            /* as many DONE trials as the pick, and the mean within one
                                standard error of the pick's */
    bool is_pick;            /* the first */
} lam_rank;

/** Best first: by the mean, of equals the lower index; behind all of those with more DONE
 * trials, so that one which diverged or was pruned with some seeds is not picked for its luck
 * with others. */
typedef struct lam_ranking {
    size_t count;    /* configurations with all trials of their seeds over, at least one DONE */
    lam_rank *ranks; /* best first */
    double binomial_error; /* sqrt(p (1 - p) / validation rows), p the mean validation accuracy
                              of the pick's DONE trials; NaN without a pick */
} lam_ranking;

/** Errors: NO_MEMORY. lam_ranking_free() it. */
LAM_API LAM_MUST_USE lam_status lam_study_rank(lam_context *context, const lam_study_view *view,
                                               lam_ranking *ret_ranking);
LAM_API void lam_ranking_free(lam_ranking *ranking);

/** How much of the objective's variance among configurations goes with one parameter alone:
 * epsilon squared, 0 .. 1, for each parameter of the space; src/search/importance.h says what
 * it is and what it cannot see. NaN where there is too little to say. Errors: NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_study_compute_importance(
    lam_context *context, const lam_study_view *view, double ret_shares[LAM_MAX_PARAMETERS]);

/** How a study's results narrow the next one's space. X(name, name on the command line) */
#define LAM_NARROWING_LIST(X)                                                                  \
    X(ONE_SE, "1se")     /* the configurations within one standard error of the best */        \
    X(TOP, "top")        /* the best `count` configurations */                                 \
    X(BEST_TWO, "best2") /* the best two, and `margin` further on both sides */

typedef enum lam_narrowing_type {
#define LAM_NARROWING_ENUM(name, text) LAM_NARROWING_##name,
    LAM_NARROWING_LIST(LAM_NARROWING_ENUM)
#undef LAM_NARROWING_ENUM
} lam_narrowing_type;

typedef struct lam_narrowing {
    lam_narrowing_type type;
    int count;     /* TOP */
    double margin; /* BEST_TWO */
} lam_narrowing;

/**
 * The space narrowed to a set of the best configurations as lam_study_rank() has them: in every
 * parameter with a range (LINEAR, LOG on its scale, INT) to the range of their values, never
 * beyond the old one. ONE_SE goes on halfway to the nearest values tried outside of the set, to
 * the end where there are none, and leaves a tenth of the old range at the least; the others
 * leave a tenth where the values do not differ. A zero besides stays where the set has it. A
 * GRID keeps the values from the set's first to its last, unless a condition is on one; choices
 * and what the set does not vary stay as they are.
 * Errors: BAD_STUDY (nothing done), BAD_ARGUMENT (a count below 1, a margin below 0),
 * NO_MEMORY. lam_space_free() it.
 */
LAM_API LAM_MUST_USE lam_status lam_study_narrow(lam_context *context,
                                                 const lam_study_view *view,
                                                 const lam_narrowing *narrowing,
                                                 lam_space *ret_space);

LAM_END_DECLS

#endif
