/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * When a PLATEAU schedule lowers its rate: a function of the sequence of validation losses.
 */
#ifndef LAM_RECIPE_PLATEAU_H
#define LAM_RECIPE_PLATEAU_H

#include <stdbool.h>

#include "lamina/schedule.h"

typedef struct lam_plateau {
    double best;    /* lowest loss so far; infinity before the first */
    int waited;     /* measurements since the best one or since the last reduction */
    int reductions; /* the span's plateau_reductions */
} lam_plateau;

lam_plateau lam_plateau_start(void);

/**
 * Takes the next measured validation loss. One below the best is an improvement; an equal one
 * and a NaN are not. After `patience` measurements in a row without one the rate is reduced,
 * and the wait begins anew. True when that happened; a rate at its minimum stays.
 */
bool lam_plateau_observe(lam_plateau *plateau, const lam_schedule *schedule,
                         double validation_loss);

#endif
