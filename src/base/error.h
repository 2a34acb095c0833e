/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How the rest of the library reports failures and messages into a lam_context.
 */
#ifndef LAM_BASE_ERROR_H
#define LAM_BASE_ERROR_H

#include <stdbool.h>

#include "lamina/context.h"

/** Records the formatted detail and returns `status`, so callers write `return lam_fail(..)`.
 */
LAM_MUST_USE lam_status lam_fail(lam_context *context, lam_status status, const char *format,
                                 ...) LAM_PRINTF(3, 4);

/** The same for a failed allocation of `bytes` for `what`. */
LAM_MUST_USE lam_status lam_fail_memory(lam_context *context, const char *what,
                                        unsigned long long bytes);

void lam_log(lam_context *context, lam_log_level level, const char *format, ...)
    LAM_PRINTF(3, 4);

/** A warning that this context has not given before. */
void lam_warn_once(lam_context *context, const char *format, ...) LAM_PRINTF(2, 3);

/** Returns the failing status of `expression` from the enclosing function. */
#define LAM_TRY(expression)                                                                    \
    do {                                                                                       \
        lam_status lam_try_status_ = (expression);                                             \
        if (lam_try_status_ != LAM_STATUS_OK)                                                  \
            return lam_try_status_;                                                            \
    } while (0)

/** Goes to the function's `fail:` label with the status stored in `status_variable`. */
#define LAM_TRY_GOTO(status_variable, expression)                                              \
    do {                                                                                       \
        (status_variable) = (expression);                                                      \
        if ((status_variable) != LAM_STATUS_OK)                                                \
            goto fail;                                                                         \
    } while (0)

#endif
