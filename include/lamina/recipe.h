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

/** X(name, name in recipes): w <- w - learning_rate * dcost/dw */
#define LAM_OPTIMIZER_LIST(X) X(SGD, "sgd")

typedef enum lam_optimizer_type {
#define LAM_OPTIMIZER_ENUM(name, text) LAM_OPTIMIZER_##name,
    LAM_OPTIMIZER_LIST(LAM_OPTIMIZER_ENUM)
#undef LAM_OPTIMIZER_ENUM
} lam_optimizer_type;

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

typedef struct lam_recipe {
    char name[LAM_RECIPE_NAME_BYTES]; /* letters, digits, '.', '_' and '-' */
    char description[LAM_RECIPE_DESCRIPTION_BYTES];
    lam_data_options data;
    lam_network network;
    lam_optimizer_type optimizer;
    lam_schedule schedule;
    int batch;         /* rows per step; an epoch's last rows that fill no batch are left out */
    bool shuffle;      /* a new order in every epoch */
    lam_duration stop; /* when training ends */
    /* Measurements are taken at step 0, at the last step, and in between `count` times per
     * cycle (unit CYCLES), or every `count` epochs or steps. */
    lam_duration measure;
    uint64_t seed;
} lam_recipe;

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

LAM_END_DECLS

#endif
