/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A recipe: everything that defines a training run but the device and the place of the data.
 * Read from YAML, checked, and kept as plain values.
 */
#ifndef LAMINA_RECIPE_H
#define LAMINA_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lamina/context.h"
#include "lamina/data.h"
#include "lamina/network.h"
#include "lamina/schedule.h"

LAM_BEGIN_DECLS

#define LAM_RECIPE_NAME_BYTES 64
#define LAM_RECIPE_DESCRIPTION_BYTES 1024

/** With g = dcost/dw and the rate r: X(name, name in recipes) */
#define LAM_OPTIMIZER_LIST(X)                                                                  \
    X(SGD, "sgd")           /* w -= r g */                                                     \
    X(MOMENTUM, "momentum") /* v = m v + g, w -= r v: Polyak, 1964 */                          \
    X(NESTEROV, "nesterov") /* v = m v + g, w -= r (g + m v): Sutskever et al., ICML 2013 */   \
    X(ADAM, "adam")         /* Kingma and Ba, ICLR 2015 */                                     \
    X(ADAMW, "adamw")       /* Loshchilov and Hutter, ICLR 2019 */

typedef enum lam_optimizer_type {
#define LAM_OPTIMIZER_ENUM(name, text) LAM_OPTIMIZER_##name,
    LAM_OPTIMIZER_LIST(LAM_OPTIMIZER_ENUM)
#undef LAM_OPTIMIZER_ENUM
} lam_optimizer_type;

typedef struct lam_optimizer {
    lam_optimizer_type type;
    double momentum;     /* m of MOMENTUM and NESTEROV, 0 .. 1, below 1 */
    double beta1, beta2; /* of ADAM and ADAMW, 0 .. 1, below 1 */
    double epsilon;      /* of ADAM and ADAMW, above 0 */
    double
        weight_decay; /* d of ADAMW: w -= r d w besides; >= 0, weights of dense layers only */
    double clip_norm; /* gradients whose norm over all parameters is above it are scaled down
                         to it: Pascanu et al., ICML 2013; 0: never */
} lam_optimizer;

/** What happens to a row of the data set each time it is drawn. */
typedef struct lam_augmentation {
    double flip;     /* probability of a left-right mirror image */
    int translation; /* moved by up to so many pixels in x and y; the border is the mean image
                      */
    double noise;    /* deviation of normal noise on every normalized input */
} lam_augmentation;

/** Means and variances that batch normalization evaluates with. X(name, name in recipes) */
#define LAM_STATISTICS_LIST(X)                                                                 \
    X(RUNNING, "running") /* averages that training keeps */                                   \
    X(PRECISE, "precise") /* of one forward pass over `rows` training rows */                  \
    X(ADAPTED,                                                                                 \
      "adapted") /* of one forward pass over `rows` augmented rows of the split that           \
                    is evaluated: Li et al., "Revisiting batch normalization", 2017 */

typedef enum lam_statistics_type {
#define LAM_STATISTICS_ENUM(name, text) LAM_STATISTICS_##name,
    LAM_STATISTICS_LIST(LAM_STATISTICS_ENUM)
#undef LAM_STATISTICS_ENUM
} lam_statistics_type;

typedef struct lam_statistics {
    lam_statistics_type type;
    int rows; /* of PRECISE and ADAPTED; a smaller split is taken whole */
} lam_statistics;

typedef struct lam_recipe {
    char name[LAM_RECIPE_NAME_BYTES]; /* letters, digits, '.', '_' and '-' */
    char description[LAM_RECIPE_DESCRIPTION_BYTES];
    lam_data_options data;
    lam_network network;
    lam_optimizer optimizer;
    lam_augmentation augmentation;
    lam_statistics statistics;
    lam_schedule schedule;
    int batch;         /* rows per step; an epoch's last rows that fill no batch are left out */
    bool shuffle;      /* a new order in every epoch */
    lam_duration stop; /* when training ends */
    /* Measurements are taken at step 0, at the last step, and in between `count` times per
     * cycle (unit CYCLES), or every `count` epochs or steps. */
    lam_duration measure;
    int patience; /* ends after so many measurements in a row that improve nothing; 0: never */
    bool snapshots; /* keeps the model of each cycle's end */
    uint64_t seed;
} lam_recipe;

/** Training rows that a recipe's data options leave. */
LAM_API uint32_t lam_recipe_get_train_rows(const lam_recipe *recipe);

/**
 * The recipe with all that networks trained side by side may differ in at a neutral value: two
 * recipes can be trained as one population exactly where lam_recipe_format() gives the same
 * text for both of these.
 *
 * Each network's own are the name and description; l2 and label_smoothing; rates of dropout
 * layers; initializations of dense layers; the optimizer's numbers, clip_norm among them where
 * none of the networks has 0; and the schedule. Where cycles of the schedule say when training
 * stops, is measured or keeps a snapshot, its type and the lengths of its cycles are common.
 */
LAM_API lam_recipe lam_recipe_get_common(const lam_recipe *recipe);

/** Steps of an epoch and of the whole run over `train_rows` training rows.
 * Errors: BAD_RECIPE, when a batch is larger than that or the steps are too many to count. */
LAM_API LAM_MUST_USE lam_status lam_recipe_count_steps(lam_context *context,
                                                       const lam_recipe *recipe,
                                                       uint32_t train_rows,
                                                       lam_schedule_span *ret_span);

/**
 * Reads `path` and applies `override_count` texts of the form "key=value", the key with dots
 * between levels ("schedule.maximum=0.05") and the value in YAML.
 * Errors: BAD_RECIPE, naming file and line (or the override), the key and the legal values;
 * NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_recipe_load(lam_context *context, const char *path,
                                                const char *const *overrides,
                                                size_t override_count, lam_recipe *ret_recipe);

/** The same from memory; `origin` names the text in messages. JSON is accepted: YAML holds it.
 */
LAM_API LAM_MUST_USE lam_status lam_recipe_parse(lam_context *context, const char *text,
                                                 size_t length, const char *origin,
                                                 const char *const *overrides,
                                                 size_t override_count, lam_recipe *ret_recipe);

/** The resolved recipe as a JSON object in the keys of the YAML form, which
 * lam_recipe_parse() reads back to the same values. The caller frees the text with free(). */
LAM_API LAM_MUST_USE lam_status lam_recipe_format(lam_context *context,
                                                  const lam_recipe *recipe, char **ret_json);

/** A reference of every key: name, type, legal values, default, meaning. Static text is built
 * on each call; the caller frees it with free(). */
LAM_API LAM_MUST_USE lam_status lam_recipe_describe(lam_context *context, char **ret_text);

/** Settings in one line, for captions: network, initialization, loss, l2, batch, optimizer,
 * schedule, length, and what else is not as usual. Cut short, with an ellipsis of three dots,
 * where it is longer than `bytes` with its NUL. */
LAM_API void lam_recipe_summarize(const lam_recipe *recipe, char *text, size_t bytes);

LAM_END_DECLS

#endif
