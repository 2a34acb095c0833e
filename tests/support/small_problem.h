/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A few made-up rows and a small network, ready for the plans of src/net.
 */
#ifndef LAM_TESTS_SUPPORT_SMALL_PROBLEM_H
#define LAM_TESTS_SUPPORT_SMALL_PROBLEM_H

#include "net/step_plan.h"
#include "train/resident_data.h"

enum {
    SMALL_INPUTS = 48,
    SMALL_CLASSES = 10,
    SMALL_ROWS = 80,   /* of the data set */
    SMALL_BATCH = 37,  /* not a multiple of any tile, nor of the rows of a partial sum */
    SMALL_STEPS = 5,   /* of the order, the rates and the sums */
    SMALL_BLOCKS = 2,  /* partial sums of a batch */
    SMALL_MEMBERS = 8, /* at most */
};

/* Rows, labels and orders, the same for every problem. */
typedef struct small_rows {
    uint8_t images[SMALL_ROWS * SMALL_INPUTS], labels[SMALL_ROWS];
    double mean[SMALL_INPUTS], deviation[SMALL_INPUTS];
    int32_t order[SMALL_STEPS * SMALL_BATCH];
    double x[SMALL_STEPS * SMALL_BATCH * SMALL_INPUTS]; /* normalized, in that order */
} small_rows;

const small_rows *small_rows_get(void);

/* All of it on the device for a population. */
typedef struct small_problem {
    lam_engine *engine; /* borrowed: problems share the programs that it has built */
    lam_parameters *parameters;
    lam_resident_data *data;
    lam_buffer *order, *loss_sum, *hit_count;
    lam_plan_rows rows; /* SMALL_BATCH rows a step, all of them counted */
} small_problem;

small_problem small_problem_make(lam_engine *engine, const lam_graph *graph, size_t members);
void small_problem_free(small_problem *problem);

/* Weights [in, out] and biases [out] of one member's unit. */
void small_unit_read(const lam_parameters *parameters, int unit, size_t member, double *w,
                     double *b);

/* Runs steps 0 .. steps-1 of a plan and waits. */
void small_problem_run(const small_problem *problem, lam_plan *plan, int steps);

#endif
