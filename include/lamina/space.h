/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Search spaces: which keys of a recipe a study varies, and over which values.
 */
#ifndef LAMINA_SPACE_H
#define LAMINA_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lamina/context.h"

LAM_BEGIN_DECLS

#define LAM_MAX_PARAMETERS 16
#define LAM_PARAMETER_KEY_BYTES 64
#define LAM_PARAMETER_VALUE_BYTES 64
#define LAM_MAX_PARAMETER_VALUES 256

/** X(name, name on the command line) */
#define LAM_SPACE_LIST(X)                                                                      \
    X(LINEAR, "linear") /* minimum .. maximum, each as likely */                               \
    X(LOG, "log")       /* minimum .. maximum, each logarithm as likely */                     \
    X(INT, "int")       /* whole numbers, both ends included */                                \
    X(CHOICE, "choice") /* any of some values, in no order */                                  \
    X(GRID, "grid")     /* some values in their order, e.g. of a grid search */

typedef enum lam_space_type {
#define LAM_SPACE_ENUM(name, text) LAM_SPACE_##name,
    LAM_SPACE_LIST(LAM_SPACE_ENUM)
#undef LAM_SPACE_ENUM
} lam_space_type;

typedef struct lam_parameter {
    char key[LAM_PARAMETER_KEY_BYTES]; /* of a recipe, dots between levels */
    lam_space_type type;
    double minimum, maximum; /* of LINEAR, LOG (> 0) and INT */
    bool has_zero;           /* LOG: 0 is a value, too: log:1e-5..1e-1,0 */
    int grid_count;  /* LINEAR, LOG, INT: values of the grid sampler in the range, /n; 0: not
                        given, which for INT means all */
    int value_count; /* CHOICE, GRID */
    char (*values)[LAM_PARAMETER_VALUE_BYTES]; /* [value_count], as YAML */
    /* Varied only where an earlier CHOICE or GRID has this value; "" for always. Elsewhere the
     * key stays as the recipe has it. */
    char when_key[LAM_PARAMETER_KEY_BYTES];
    char when_value[LAM_PARAMETER_VALUE_BYTES];
} lam_parameter;

/** Its own copies of all values: lam_space_free() and lam_space_copy(), never plain
 * assignment of one that somebody else frees. */
typedef struct lam_space {
    size_t count;
    lam_parameter parameters[LAM_MAX_PARAMETERS];
} lam_space;

/**
 * Reads texts of the form "key=space", with space one of
 *   linear:0..0.1  log:1e-5..1e-1  log:1e-5..1e-1,0  int:20..600  choice:sgd,adam
 *   grid:0.001,0.003,0.01
 * ranges with "/n" behind them for the grid sampler's number of values (log:1e-5..1e-1/9, and
 * with a zero besides log:1e-5..1e-1/9,0), and with " if key=value" at the end where it depends
 * on an earlier one. What is within brackets, braces or quotes belongs to a value.
 * Errors: BAD_ARGUMENT, naming the text and what is legal. lam_space_free() what it gives.
 */
LAM_API LAM_MUST_USE lam_status lam_space_parse(lam_context *context, const char *const *texts,
                                                size_t count, lam_space *ret_space);
LAM_API void lam_space_free(lam_space *space);

/** Errors: NO_MEMORY. lam_space_free() the copy, too. */
LAM_API LAM_MUST_USE lam_status lam_space_copy(lam_context *context, const lam_space *space,
                                               lam_space *ret_copy);

/** A parameter as lam_space_parse() reads it, "key=space"; the caller frees it with free(). */
LAM_API LAM_MUST_USE lam_status lam_parameter_format(lam_context *context,
                                                     const lam_parameter *parameter,
                                                     char **ret_text);

/** X(name, name on the command line) */
#define LAM_SAMPLER_LIST(X)                                                                    \
    X(GRID, "grid")     /* every combination, the last parameter changing fastest */           \
    X(RANDOM, "random") /* independent draws */                                                \
    X(SOBOL, "sobol")   /* Sobol, 1967; direction numbers by Joe and Kuo, 2008; digitally      \
                           shifted by the seed */                                              \
    X(TPE, "tpe")       /* tree-structured Parzen estimator: Bergstra et al., NIPS 2011 */     \
    X(CMAES, "cmaes")   /* Hansen and Ostermeier, 2001; parameters with ranges alone */

typedef enum lam_sampler {
#define LAM_SAMPLER_ENUM(name, text) LAM_SAMPLER_##name,
    LAM_SAMPLER_LIST(LAM_SAMPLER_ENUM)
#undef LAM_SAMPLER_ENUM
} lam_sampler;

/** As on the command line and in files; static. */
LAM_API const char *lam_sampler_name(lam_sampler sampler);

/** Configurations of a whole grid; 0 where there is no end (a sampler other than GRID). */
LAM_API int64_t lam_sampler_count_points(const lam_space *space, lam_sampler sampler);

LAM_END_DECLS

#endif
