/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Kernel source text: embedded at build time, or read from the folder that the environment
 * variable LAMINA_KERNEL_DIR names, for those who work on kernels.
 */
#ifndef LAM_KERNEL_SOURCE_H
#define LAM_KERNEL_SOURCE_H

#include "base/embedded.h"
#include "base/error.h"

/** Made from cl/meson.build's list. */
extern const lam_embedded_source lam_embedded_sources[];

/** The text of cl/`name`; the caller frees it. Errors: BAD_KERNEL, NO_MEMORY. */
LAM_MUST_USE lam_status lam_source_load(lam_context *context, const char *name,
                                        char **ret_text);

/** Appends to `log` the lines of `text` around each "name:LINE" that the log mentions, with
 * their numbers. The caller frees the result; NULL without memory. */
char *lam_source_explain_log(const char *name, const char *text, const char *log);

#endif
