/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Learning-rate schedules: pure functions of the training step, counted from 0.
 */
#ifndef LAMINA_SCHEDULE_H
#define LAMINA_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "lamina/export.h"

LAM_BEGIN_DECLS

/** X(name, name in recipes) */
#define LAM_SCHEDULE_LIST(X)                                                                   \
    X(CONSTANT, "constant")     /* rate */                                                     \
    X(TRIANGULAR, "triangular") /* Smith, "Cyclical learning rates", WACV 2017 */              \
    X(STEP, "step")             /* times `factor` every so many steps or epochs */             \
    X(PLATEAU, "plateau")       /* times `factor` when the validation loss stops improving */  \
    X(EXPONENTIAL, "exponential") /* the same as STEP, smoothly */                             \
    X(LINEAR, "linear")           /* a line from `rate` to `minimum` over the whole run */     \
    X(COSINE, "cosine")           /* half a cosine: Loshchilov and Hutter, ICLR 2017 */

typedef enum lam_schedule_type {
#define LAM_SCHEDULE_ENUM(name, text) LAM_SCHEDULE_##name,
    LAM_SCHEDULE_LIST(LAM_SCHEDULE_ENUM)
#undef LAM_SCHEDULE_ENUM
} lam_schedule_type;

/** X(name, name in recipes): what a number of a recipe counts */
#define LAM_UNIT_LIST(X)                                                                       \
    X(STEPS, "steps")                                                                          \
    X(EPOCHS, "epochs")                                                                        \
    X(CYCLES, "cycles")

typedef enum lam_unit {
#define LAM_UNIT_ENUM(name, text) LAM_UNIT_##name,
    LAM_UNIT_LIST(LAM_UNIT_ENUM)
#undef LAM_UNIT_ENUM
} lam_unit;

typedef struct lam_duration {
    lam_unit unit;
    int64_t count; /* > 0 */
} lam_duration;

typedef struct lam_schedule {
    lam_schedule_type type;
    double rate;    /* > 0; of all but TRIANGULAR */
    double minimum; /* >= 0; TRIANGULAR, PLATEAU, LINEAR, COSINE */
    double maximum; /* TRIANGULAR */
    int64_t
        half_cycle_steps;  /* TRIANGULAR: n, the first cycle's steps from minimum to maximum */
    double cycle_growth;   /* TRIANGULAR, >= 1: a cycle is so many times as long as the last */
    double maximum_decay;  /* TRIANGULAR, above 0, to 1: a cycle's maximum is so many times the
                              last one's */
    double factor;         /* STEP, EXPONENTIAL, PLATEAU; > 0 */
    lam_duration every;    /* STEP, EXPONENTIAL: epochs or steps */
    int patience;          /* PLATEAU: measurements in a row without a better loss */
    int64_t warm_up_steps; /* of all but TRIANGULAR */
} lam_schedule;

/** What a rate depends on besides the step. */
typedef struct lam_schedule_span {
    int64_t steps_per_epoch; /* > 0 */
    int64_t total_steps;     /* of the run; > 0 */
    int plateau_reductions;  /* how often PLATEAU has lowered the rate so far */
} lam_schedule_span;

/**
 * The learning rate of step t = `step`, 0 .. total_steps (the last for measurements at the
 * end).
 *
 * CONSTANT: rate.
 * TRIANGULAR, in cycle c = 0, 1, .. that starts at step s and has h steps to its middle, with
 * M = max(minimum, maximum * maximum_decay^c): minimum + ((t - s) / h)(M - minimum) while
 * t - s <= h, else M - ((t - s - h) / h)(M - minimum). Cycle c starts at
 * s = 2 round(n (1 + g + .. + g^(c - 1))) with n = half_cycle_steps, g = cycle_growth.
 * STEP: rate * factor^floor(t / e), with `every` = e steps.
 * EXPONENTIAL: rate * factor^(t / e).
 * PLATEAU: max(minimum, rate * factor^plateau_reductions).
 * LINEAR, with T = total_steps: rate + (minimum - rate) t / T.
 * COSINE: minimum + (rate - minimum)(1 + cos(pi t / T)) / 2.
 *
 * With w = warm_up_steps, each of these but TRIANGULAR is multiplied by (t + 1) / (w + 1) while
 * t < w: Goyal et al., "Accurate, large minibatch SGD", 2017.
 */
LAM_API double lam_schedule_get_rate(const lam_schedule *schedule,
                                     const lam_schedule_span *span, int64_t step);

/** Whether the schedule has cycles. Without them the functions below must not be called. */
LAM_API bool lam_schedule_has_cycles(const lam_schedule *schedule);

/** The step at which cycle `cycle` >= 0 ends and the next one starts; INT64_MAX for all beyond
 * 2^62. */
LAM_API int64_t lam_schedule_get_cycle_end(const lam_schedule *schedule, int64_t cycle);

/** The cycle that step `step` >= 0 belongs to; a step between two belongs to the later. */
LAM_API int64_t lam_schedule_get_cycle(const lam_schedule *schedule, int64_t step);

LAM_END_DECLS

#endif
