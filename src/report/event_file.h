/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The event file of a folder.
 */
#ifndef LAM_REPORT_EVENT_FILE_H
#define LAM_REPORT_EVENT_FILE_H

#include "base/error.h"
#include "base/strbuf.h"

/** Makes `directory` and writes its event file, whole or not at all, under a name of its own;
 * then removes those that this function wrote before. The path is the caller's to free, who may
 * append to the file; NULL: not wanted. Errors: BAD_OUTPUT, NO_MEMORY (also when `content`
 * failed). */
LAM_MUST_USE lam_status lam_event_file_write(lam_context *context, const char *directory,
                                             const lam_strbuf *content, char **ret_path);

#endif
