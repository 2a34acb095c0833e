/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The learning-rate range test: Smith, "Cyclical learning rates for training neural networks",
 * WACV 2017, section 3.3. One short training whose rate rises from step to step shows from
 * where on the loss falls, and where it blows up.
 */
#ifndef LAMINA_LR_RANGE_H
#define LAMINA_LR_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lamina/data.h"
#include "lamina/device.h"
#include "lamina/gemm.h"
#include "lamina/recipe.h"

LAM_BEGIN_DECLS

#define LAM_LR_RANGE_MINIMUM 1e-6
#define LAM_LR_RANGE_MAXIMUM 1.0
/** Steps of a sweep that names none: an epoch's, but at least so many. */
#define LAM_LR_RANGE_STEPS 500
#define LAM_LR_RANGE_LEAST_STEPS 10
#define LAM_LR_RANGE_MOST_STEPS 1000000
/** The table that a test writes. */
#define LAM_LR_RANGE_FILE "lr-range.csv"

/** After each few steps: the newest of them, of how many at most. */
typedef void lam_lr_range_progress_function(void *user, int64_t step, int64_t total_steps,
                                            double learning_rate, double smoothed_loss);

typedef struct lam_lr_range_options {
    double minimum, maximum;      /* the first and the last rate; 0 < minimum < maximum */
    bool linear;                  /* rates rise on a line, else each by the same factor */
    int64_t steps;                /* LAM_LR_RANGE_LEAST_STEPS .. MOST_STEPS; 0: the default */
    const char *output_directory; /* made if missing */
    bool force;                   /* replace an earlier table */
    lam_gemm gemm;
    lam_lr_range_progress_function *progress; /* may be NULL */
    void *progress_user;
} lam_lr_range_options;

/**
 * With the loss l_t of step t = 1, 2, .. (of its batch, before its update, without the penalty)
 * and k = max(0, 1 - 25 / steps of the sweep), the smoothed loss is the moving average
 * s_t = (sum of (1 - k) k^(t - i) l_i over i = 1 .. t) / (1 - k^t).
 */
typedef struct lam_lr_range_summary {
    int64_t steps;       /* recorded; fewer than asked for when the loss blew up */
    bool blew_up;        /* the smoothed loss came to 4 times its lowest, or was not finite */
    double lowest_loss;  /* smoothed */
    double lowest_rate;  /* the learning rate there */
    bool has_suggestion; /* false when the smoothed loss never fell by a hundredth */
    /* Bounds for a triangular schedule. With b the mean of the first twentieth of the losses,
     * the minimum is the rate from which on the smoothed loss stays below b by a tenth of its
     * whole fall, but at most a tenth of the maximum; the maximum is half of lowest_rate. */
    double minimum, maximum;
} lam_lr_range_summary;

/**
 * Trains the recipe's network from its initial weights with its optimizer, batches and
 * augmentation, but with rising rates and without measurements; writes the table (step,
 * learning_rate, loss, smoothed_loss) into the output directory. Blocking;
 * lam_context_request_stop() ends it within a second with INTERRUPTED, and writes nothing.
 * Errors: BAD_ARGUMENT (an option out of range), BAD_OUTPUT (unwritable; an earlier table
 * without `force`), and those of lam_train() but DIVERGED.
 */
LAM_API LAM_MUST_USE lam_status lam_lr_range_run(lam_device *device, const lam_recipe *recipe,
                                                 const lam_dataset *dataset,
                                                 const lam_lr_range_options *options,
                                                 lam_lr_range_summary *ret_summary);

LAM_END_DECLS

#endif
