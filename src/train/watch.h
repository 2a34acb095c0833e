/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the measurements of one member have shown so far: its best model, whether its patience
 * has run out, how often a plateau lowered its rate, whether it diverged. A function of the
 * sequence of measurements alone.
 */
#ifndef LAM_TRAIN_WATCH_H
#define LAM_TRAIN_WATCH_H

#include <jansson.h>

#include "lamina/train.h"
#include "recipe/plateau.h"

typedef struct lam_watch {
    lam_measurement latest; /* its step is -1 before the first */
    lam_measurement best;   /* the first of the best validation accuracy; likewise */
    double lowest_loss;     /* of validation; infinity before the first */
    int waited;             /* measurements in a row since the lowest loss */
    lam_plateau plateau;    /* of a PLATEAU schedule */
    int64_t stopped_step;   /* after which patience ran out, or the member was told to rest; -1
                               before */
    int64_t diverged_step;  /* whose loss is not a finite number; -1 while there is none */
} lam_watch;

lam_watch lam_watch_start(void);

/** Takes the next measurement of a member that is not over. With `patience` 0 none runs out. */
void lam_watch_observe(lam_watch *watch, const lam_measurement *measurement, int patience);

/** True when the measurement at `step` was this member's, and its best so far. */
bool lam_watch_is_best_at(const lam_watch *watch, int64_t step);

/** Stopped or diverged: the member is not trained any more. */
bool lam_watch_is_over(const lam_watch *watch);

/** As JSON and back to the same bits; NULL when memory is exhausted, false when it is none. */
json_t *lam_watch_format(const lam_watch *watch);
bool lam_watch_parse(const json_t *json, lam_watch *ret_watch);

#endif
