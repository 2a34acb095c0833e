/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Training a recipe into a run folder, and evaluating what such a folder holds.
 *
 * A run folder holds run.json (the resolved recipe, where it ran, what it gave), metrics.csv
 * (one row per measurement) and model.safetensors (the trained network).
 */
#ifndef LAMINA_TRAIN_H
#define LAMINA_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "lamina/context.h"
#include "lamina/data.h"
#include "lamina/device.h"
#include "lamina/gemm.h"
#include "lamina/recipe.h"
#include "lamina/trace.h"

LAM_BEGIN_DECLS

/** Means over the rows of one split. */
typedef struct lam_metrics {
    double loss;     /* without the penalty */
    double cost;     /* loss + l2 * sum ||W||^2 */
    double accuracy; /* 0 .. 1 */
} lam_metrics;

/** What was measured after `step` training steps. */
typedef struct lam_measurement {
    int64_t step;
    double epoch;         /* step / steps per epoch */
    double learning_rate; /* of the step that comes next */
    lam_metrics train;
    lam_metrics validation;
    bool has_validation;
} lam_measurement;

/** How far training is; `latest` is the newest measurement. */
typedef struct lam_progress {
    int64_t step, total_steps;
    double epoch;
    double samples_per_second; /* of this run so far, training alone */
    double remaining_seconds;  /* measurements included; negative while unknown */
    lam_measurement latest;
    bool measured; /* `latest` is new with this call */
} lam_progress;

/** Called from the training loop, several times a second and at each measurement. */
typedef void lam_progress_function(void *user, const lam_progress *progress);

typedef struct lam_train_options {
    const char *output_directory; /* made if missing */
    const char *data_directory;   /* recorded, so that the run can be evaluated; may be NULL */
    lam_gemm gemm;
    bool force;  /* replace the files of an earlier run */
    bool resume; /* go on from the folder's checkpoint */
    lam_progress_function *progress;
    void *progress_user;
    lam_trace *trace; /* gets the launches and spans of the run; may be NULL */
} lam_train_options;

/** What a run gave. */
typedef struct lam_run_summary {
    int64_t steps;
    double seconds_per_epoch;  /* training alone, without measurements */
    double samples_per_second; /* training alone */
    double seconds_total;      /* training and measuring */
    lam_metrics final[LAM_SPLIT_COUNT];
    bool has_split[LAM_SPLIT_COUNT];
} lam_run_summary;

/**
 * Trains `recipe` on `dataset`, which was loaded with recipe->data, and writes the run folder.
 * Blocking; lam_context_request_stop() ends it within a second with INTERRUPTED.
 * Errors: BAD_OUTPUT (unwritable or full place; files of an earlier run without `force`),
 * BAD_RECIPE (does not fit the data), DIVERGED (a loss that is no finite number, with its
 * step), INTERRUPTED, BAD_DEVICE, BAD_KERNEL, NO_MEMORY (found before anything is allocated
 * where the device's limits tell, with the batch and width that would fit). After DIVERGED and
 * INTERRUPTED the folder keeps what was measured; an interrupted run can be resumed to the same
 * bits, as long as its products are chosen from the same families (lamina/tune.h).
 */
LAM_API LAM_MUST_USE lam_status lam_train(lam_device *device, const lam_recipe *recipe,
                                          const lam_dataset *dataset,
                                          const lam_train_options *options,
                                          lam_run_summary *ret_summary);

/**
 * Reads a run folder's recipe and the data folder it was trained on (NULL when none was
 * recorded; free() it). Errors: BAD_MODEL (also when the run is not finished).
 */
LAM_API LAM_MUST_USE lam_status lam_run_load(lam_context *context, const char *directory,
                                             lam_recipe *ret_recipe, char **ret_data_directory);

/**
 * Computes loss, cost and accuracy of the folder's model on all splits of `dataset`, with the
 * normalization stored in the model. Errors: BAD_MODEL (a file missing, cut short, or of other
 * shapes than its recipe), BAD_DEVICE, BAD_KERNEL, NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_evaluate(lam_device *device, const lam_recipe *recipe,
                                             const lam_dataset *dataset, const char *directory,
                                             lam_gemm gemm, lam_run_summary *ret_summary);

/**
 * Runs small known products, a loss and an update on the device and compares them with a
 * double-precision calculation on the host. Errors: BAD_DEVICE when a result is wrong.
 */
LAM_API LAM_MUST_USE lam_status lam_self_test(lam_device *device, lam_gemm gemm);

LAM_END_DECLS

#endif
