/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A small recipe on a little of the synthetic set, trained into temporary run folders.
 */
#ifndef LAM_TESTS_SUPPORT_SMALL_RUN_H
#define LAM_TESTS_SUPPORT_SMALL_RUN_H

#include "lamina/train.h"
#include "train/run_directory.h"

/* 200 rows in batches of 20: 10 steps an epoch, two cycles of 20 steps, 5 measurements each. */
enum {
    SMALL_RUN_ROWS = 200,
    SMALL_RUN_STEPS = 40,
    SMALL_RUN_GAP = 4, /* steps between measurements */
    SMALL_RUN_MEASUREMENTS = 11,
};

/* Made afresh before each test, so that tests may change it. */
extern lam_recipe small_recipe;

/* Checked fixtures: the recipe, its data set (loaded once) and an empty temporary folder. */
void small_run_set_up(void);
void small_run_tear_down(void);

const lam_dataset *small_run_dataset(void);

/* The learning rate of a step of small_recipe. */
double small_run_rate(int64_t step);

/* The path of run folder `name`, or of a file in it; kept for one test. */
const char *small_run_path(const char *name);
const char *small_run_file(const char *run, const char *file);

/* Automatic products, the folder `run`. */
lam_train_options small_run_options(const char *run);
/* Trains small_recipe on the shared device. */
lam_status small_run_try(const lam_train_options *options, lam_run_summary *ret_summary);
/* The same into the folder `run`, which must succeed. */
lam_run_summary small_run_train(const char *run);

void small_run_expect_same_file(const char *a, const char *b, const char *name);
void small_run_expect_status(const char *run, const char *status);
/* Fails unless the detail of the latest failure holds `part`. */
void small_run_expect_in_message(const char *part);

/* A row of metrics.csv; absent columns are NaN. */
enum {
    SMALL_RUN_EPOCH,
    SMALL_RUN_RATE,
    SMALL_RUN_TRAIN_LOSS,
    SMALL_RUN_TRAIN_COST,
    SMALL_RUN_TRAIN_ACCURACY,
    SMALL_RUN_VALIDATION_LOSS,
    SMALL_RUN_VALIDATION_COST,
    SMALL_RUN_VALIDATION_ACCURACY,
    SMALL_RUN_COLUMNS,
};

typedef struct small_run_row {
    long long step;
    double values[SMALL_RUN_COLUMNS];
} small_run_row;

/* Reads at most `limit` rows and gives their number. */
int small_run_read_metrics(const char *run, small_run_row *rows, int limit);

#endif
