/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Files that are whole or absent: content goes to a temporary name in the same folder, is
 * synced and renamed, so that a reader or a crash never meets half a file.
 */
#ifndef LAM_BASE_FILE_H
#define LAM_BASE_FILE_H

#include <stddef.h>

#include "base/error.h"

/** Replaces `path` by `bytes`. Errors: BAD_OUTPUT with the reason; the old file survives. */
LAM_MUST_USE lam_status lam_file_write(lam_context *context, const char *path,
                                       const void *bytes, size_t count);

/** Gives a finished file its name, synced. What has that name already stays: that
 * is no error. `temporary` is the caller's to remove. Errors: BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_file_publish(lam_context *context, const char *temporary,
                                         const char *path);

/** Gives a finished file the name `path`, synced, whatever had it before. Errors: BAD_OUTPUT;
 * `temporary` is gone then, and the old file survives. */
LAM_MUST_USE lam_status lam_file_replace(lam_context *context, const char *temporary,
                                         const char *path);

/** For an output that comes at the end of long work: fails now where lam_file_write() would
 * fail for its place, and when `path` is there and no regular file. Errors: BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_file_check_place(lam_context *context, const char *path);

/** Reads the whole of a regular file of at most `limit_bytes`; the caller frees `*ret_bytes`
 * (NUL-terminated beyond `*ret_count`). Failures are reported as `failure_status`. */
LAM_MUST_USE lam_status lam_file_read(lam_context *context, const char *path,
                                      size_t limit_bytes, lam_status failure_status,
                                      char **ret_bytes, size_t *ret_count);

/** Makes a folder and its missing parents. Errors: BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_directory_create(lam_context *context, const char *path);

#endif
