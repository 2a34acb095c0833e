/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Status codes. Every fallible function returns a lam_status; the detail of the latest
 * failure is kept in the lam_context and read with lam_error_message().
 */
#ifndef LAMINA_STATUS_H
#define LAMINA_STATUS_H

#include "lamina/export.h"

LAM_BEGIN_DECLS

/**
 * The one list of codes: X(name, process exit status of the `lamina` program, text).
 * Exit status 2 is left to the command line itself (usage errors).
 */
#define LAM_STATUS_LIST(X)                                                                     \
    X(OK, 0, "success")                                                                        \
    X(CHECK_FAILED, 1, "a check did not hold")                                                 \
    X(BAD_ARGUMENT, 2, "an argument has no legal meaning")                                     \
    X(BAD_DATA, 3, "a data file is missing or malformed")                                      \
    X(BAD_RECIPE, 4, "a recipe is malformed or impossible")                                    \
    X(NO_DEVICE, 5, "no device fits the request")                                              \
    X(BAD_DEVICE, 6, "the device or its driver failed")                                        \
    X(BAD_KERNEL, 7, "a kernel did not build or launch")                                       \
    X(BAD_MODEL, 8, "a model file or run folder is missing or malformed")                      \
    X(BAD_OUTPUT, 9, "an output could not be written")                                         \
    X(NO_MEMORY, 10, "memory is exhausted")                                                    \
    X(DIVERGED, 11, "training diverged")                                                       \
    X(BAD_STUDY, 12, "a study's file is missing, malformed or not to be had")                  \
    X(TRIALS_FAILED, 13, "trials of a study failed")                                           \
    X(NO_RENDERER, 14, "figures could not be drawn")                                           \
    X(INTERRUPTED, 130, "interrupted")

typedef enum lam_status {
#define LAM_STATUS_ENUM(name, exit_status, text) LAM_STATUS_##name,
    LAM_STATUS_LIST(LAM_STATUS_ENUM)
#undef LAM_STATUS_ENUM
} lam_status;

/** Short identifier of a code, e.g. "BAD_DATA"; never NULL. */
LAM_API const char *lam_status_name(lam_status status);

/** One-line description of a code; never NULL. */
LAM_API const char *lam_status_text(lam_status status);

/** Process exit status that the `lamina` program uses for a code. */
LAM_API int lam_status_exit_code(lam_status status);

LAM_END_DECLS

#endif
