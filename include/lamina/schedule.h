/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Learning-rate schedules: pure functions of the training step, counted from 0.
 */
#ifndef LAMINA_SCHEDULE_H
#define LAMINA_SCHEDULE_H

#include <stdint.h>

#include "lamina/export.h"

LAM_BEGIN_DECLS

/** X(name, name in recipes) */
#define LAM_SCHEDULE_LIST(X)                                                                   \
    X(CONSTANT, "constant")       /* rate */                                                   \
    X(TRIANGULAR, "triangular")   /* Smith, "Cyclical learning rates", WACV 2017 */            \
    X(STEP, "step")               /* times `factor` every so many steps or epochs */           \
    X(PLATEAU, "plateau")         /* times `factor` when validation stops improving */         \
    X(EXPONENTIAL, "exponential") /* the same as STEP, smoothly */                             \
    X(LINEAR, "linear")           /* a line from `rate` to `minimum` over the whole run */     \
    X(COSINE, "cosine")           /* half a cosine: Loshchilov and Hutter, ICLR 2017 */

typedef enum lam_schedule_type {
#define LAM_SCHEDULE_ENUM(name, text) LAM_SCHEDULE_##name,
    LAM_SCHEDULE_LIST(LAM_SCHEDULE_ENUM)
#undef LAM_SCHEDULE_ENUM
} lam_schedule_type;

typedef struct lam_schedule {
    lam_schedule_type type;
    double rate;              /* CONSTANT */
    double minimum, maximum;  /* TRIANGULAR */
    int64_t half_cycle_steps; /* TRIANGULAR: n_s, the steps from minimum to maximum */
} lam_schedule;

/**
 * The learning rate of step `step` >= 0. TRIANGULAR with n = half_cycle_steps and
 * r = step mod 2n: minimum + (r / n)(maximum - minimum) while r <= n,
 * else maximum - ((r - n) / n)(maximum - minimum).
 */
LAM_API double lam_schedule_get_rate(const lam_schedule *schedule, int64_t step);

/** Steps of one cycle, 2 half_cycle_steps; 0 for a schedule without cycles. */
LAM_API int64_t lam_schedule_get_cycle_steps(const lam_schedule *schedule);

LAM_END_DECLS

#endif
