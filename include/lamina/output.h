/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Files that are whole or absent, as all that Lamina writes.
 */
#ifndef LAMINA_OUTPUT_H
#define LAMINA_OUTPUT_H

#include <stddef.h>

#include "lamina/context.h"

LAM_BEGIN_DECLS

/** Replaces `path` by `bytes`: they go to a temporary name beside it, are synced and renamed.
 * Errors: BAD_OUTPUT with the reason; the old file survives. */
LAM_API LAM_MUST_USE lam_status lam_output_save(lam_context *context, const char *path,
                                                const void *bytes, size_t count);

LAM_END_DECLS

#endif
