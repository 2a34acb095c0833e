/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Measured choices: which way to compute a matrix product is the fastest on this device, found
 * out once for each shape and kept in the user's cache folder.
 *
 * Ways of one family (register tiles, local-memory tiles, CLBlast) give the same bits, ways of
 * different families differ in the order of their sums. A product's family is decided by the
 * first measurement, whatever the number of members: a member of a population has the same
 * bits alone and in a crowd.
 */
#ifndef LAMINA_TUNE_H
#define LAMINA_TUNE_H

#include <stdbool.h>
#include <stddef.h>

#include "lamina/context.h"
#include "lamina/device.h"
#include "lamina/gemm.h"
#include "lamina/network.h"
#include "lamina/recipe.h"

LAM_BEGIN_DECLS

/** X(name, name on the command line) */
#define LAM_TUNE_POLICY_LIST(X)                                                                \
    X(OFF, "off")   /* built-in choices; nothing is measured, read or written */               \
    X(AUTO, "auto") /* what was measured before; the rest is measured within a budget */       \
    X(FULL, "full") /* everything is measured, small products and known ones too */

typedef enum lam_tune_policy {
#define LAM_TUNE_POLICY_ENUM(name, text) LAM_TUNE_POLICY_##name,
    LAM_TUNE_POLICY_LIST(LAM_TUNE_POLICY_ENUM)
#undef LAM_TUNE_POLICY_ENUM
} lam_tune_policy;

/** False when `text` names no policy. */
LAM_API bool lam_tune_policy_parse(const char *text, lam_tune_policy *ret_policy);

/** The policy that the environment variable LAMINA_TUNE names, AUTO without one.
 * Errors: BAD_ARGUMENT. */
LAM_API LAM_MUST_USE lam_status lam_tune_get_default_policy(lam_context *context,
                                                            lam_tune_policy *ret_policy);

/** What AUTO may spend on measuring in one process. */
#define LAM_TUNE_BUDGET_SECONDS 20.0

/** With fewer multiplications and additions a product is left to the built-in choice by AUTO.
 */
#define LAM_TUNE_LEAST_OPERATIONS 2e5

typedef struct lam_tune_progress {
    const char *product; /* being measured, e.g. "forward 100x3072x50"; NULL: done with it */
    size_t index;        /* of the product, from 1 */
    double seconds, budget_seconds; /* spent so far; budget 0 for none */
} lam_tune_progress;

/** Called before and after each product that is measured. */
typedef void lam_tune_progress_function(void *user, const lam_tune_progress *progress);

typedef struct lam_tune_options {
    lam_tune_policy policy;
    double budget_seconds; /* of AUTO; 0 measures nothing */
    lam_tune_progress_function *progress;
    void *progress_user;
} lam_tune_options;

/**
 * How products are chosen on the device from now on; before the first call, as with OFF. Reads
 * the device's file of choices; one that is damaged, of other versions, or cannot be written is
 * a warning to the context. If none can be written, nothing is measured: results would differ
 * from run to run. lam_context_request_stop() ends measuring with INTERRUPTED.
 * Errors: NO_MEMORY, BAD_KERNEL.
 */
LAM_API LAM_MUST_USE lam_status lam_tune_start(lam_device *device,
                                               const lam_tune_options *options);

/** Chooses for all products that training and evaluating the recipe takes. Blocking.
 * Errors: BAD_RECIPE, BAD_DATA, NO_MEMORY, BAD_KERNEL, BAD_DEVICE, INTERRUPTED. */
LAM_API LAM_MUST_USE lam_status lam_tune_recipe(lam_device *device, const lam_recipe *recipe,
                                                lam_gemm gemm);

/** The same for training steps of `members` networks on images of `inputs` bytes, and for
 * evaluating them on many rows. */
LAM_API LAM_MUST_USE lam_status lam_tune_network(lam_device *device, const lam_network *network,
                                                 size_t inputs, size_t batch, size_t members,
                                                 lam_gemm gemm);

/**
 * A JSON object: "file", "origin" (device, driver, versions) and "products", those that were
 * chosen since lam_tune_start(), or with `all` those that the file holds. A product: "product",
 * "rows", "in", "out", "members", "gathers", "shares_input", "precision", "families" (that were
 * asked for), "family" and "defines" (chosen), "is_new" (measured since lam_tune_start()), and
 * where it was measured "seconds", "date" and "candidates", each with "family", "defines",
 * "seconds" and, if it was out of the question, "rejected". The caller frees the text.
 * Errors: BAD_ARGUMENT (policy OFF), NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_tune_report(const lam_device *device, bool all,
                                                char **ret_json);

/** Forgets all choices for the device. Errors: BAD_ARGUMENT (policy OFF), BAD_OUTPUT. */
LAM_API LAM_MUST_USE lam_status lam_tune_clear(lam_device *device);

LAM_END_DECLS

#endif
