/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Training a recipe into a run folder, and evaluating what such a folder holds.
 *
 * A run folder holds run.json (the resolved recipe, where it ran, what it gave), metrics.csv
 * (one row per measurement), model.safetensors (the trained network), with validation rows
 * best.safetensors (the network of the best measured validation accuracy, the first of equals),
 * and with recipe->snapshots snapshot-<k>.safetensors (the network at the end of cycle
 * k = 1 ..); while training goes on also progress.json, in that of the set where there are
 * several seeds, and a checkpoint.
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
#include "lamina/statistics.h"
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

/** How far training is; `latest` is the newest measurement, of several networks the mean. */
typedef struct lam_progress {
    int networks, networks_done, networks_total; /* in training now; trained before; all */
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
    bool stopped_early;        /* after `steps` steps, by the recipe's patience */
    bool has_split[LAM_SPLIT_COUNT];
    lam_metrics final[LAM_SPLIT_COUNT]; /* of model.safetensors */
    bool has_best;                      /* of best.safetensors: */
    int64_t best_step;
    double best_epoch;
    lam_metrics best[LAM_SPLIT_COUNT];
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

#define LAM_MAX_SEEDS 1000

/** Networks that differ in nothing but their seeds. */
typedef struct lam_seed_set {
    const uint64_t *seeds; /* all different; below 2^63 */
    size_t count;          /* 1 .. LAM_MAX_SEEDS */
    bool varies_order;     /* each seed is the recipe's, too: other rows in other batches */
} lam_seed_set;

typedef struct lam_seed_result {
    uint64_t seed;
    bool diverged; /* `run` is empty then */
    lam_run_summary run;
} lam_seed_result;

/**
 * Trains `recipe` once for each seed, into the run folders seed-<seed> of the output folder,
 * and sums up in summary.json there.
 *
 * A seed is that of a network's initial weights and dropout; batches and augmentation follow
 * recipe->seed and are shared, so that the networks are trained side by side, as many as the
 * device's memory holds. Each has the bits that it has alone. With `varies_order` they are
 * trained one after another, as by lam_train() with recipe->seed set to each.
 *
 * With `resume`, seeds that are finished are kept as they are. ret_results[set->count].
 * Errors: as lam_train(); DIVERGED only when every network diverged, otherwise those are left
 * out; BAD_ARGUMENT for a set as it must not be.
 */
LAM_API LAM_MUST_USE lam_status lam_train_seeds(lam_device *device, const lam_recipe *recipe,
                                                const lam_dataset *dataset,
                                                const lam_train_options *options,
                                                const lam_seed_set *set,
                                                lam_seed_result *ret_results);

typedef struct lam_metrics_estimate {
    lam_estimate loss, cost, accuracy;
} lam_metrics_estimate;

/** What the networks that did not diverge say of one split: of their final models, or of their
 * best. Counts are 0 where the split is missing. */
LAM_API lam_metrics_estimate lam_seed_results_estimate(const lam_seed_result *results,
                                                       size_t count, lam_split split,
                                                       bool best);

/**
 * The path of a run folder's model: "last" (or NULL) is model.safetensors, "best" is
 * best.safetensors, all else the name of a file in the folder, ".safetensors" added where it is
 * left out. free() it. Errors: BAD_MODEL when there is none, with what there is.
 */
LAM_API LAM_MUST_USE lam_status lam_run_find_model(lam_context *context, const char *directory,
                                                   const char *model, char **ret_path);

/**
 * Reads a run folder's recipe and the data folder it was trained on (NULL when none was
 * recorded; free() it). Errors: BAD_MODEL (also when the run is not finished).
 */
LAM_API LAM_MUST_USE lam_status lam_run_load(lam_context *context, const char *directory,
                                             lam_recipe *ret_recipe, char **ret_data_directory);

/**
 * Computes loss, cost and accuracy of a model file on all splits of `dataset`, with the
 * normalization stored in the model. Errors: BAD_MODEL (a file missing, cut short, or of other
 * shapes than its recipe), BAD_DEVICE, BAD_KERNEL, NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_evaluate(lam_device *device, const lam_recipe *recipe,
                                             const lam_dataset *dataset, const char *model_path,
                                             lam_gemm gemm, lam_run_summary *ret_summary);

/**
 * Runs small known products, a loss and an update on the device and compares them with a
 * double-precision calculation on the host. Errors: BAD_DEVICE when a result is wrong.
 */
LAM_API LAM_MUST_USE lam_status lam_self_test(lam_device *device, lam_gemm gemm);

LAM_END_DECLS

#endif
