/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A trace: what host and device did when, as a file for chrome://tracing and ui.perfetto.dev.
 *
 * Two rows: kernel launches as the device's clock saw them, and spans of the host's work. Times
 * are microseconds since the trace was created. Functions that mark spans accept a NULL trace
 * and do nothing then.
 */
#ifndef LAMINA_TRACE_H
#define LAMINA_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "lamina/context.h"

LAM_BEGIN_DECLS

/** A trace keeps the first so many of each kind and counts the rest. */
#define LAM_TRACE_LAUNCH_LIMIT 100000
#define LAM_TRACE_HOST_SPAN_LIMIT 10000

typedef struct lam_trace lam_trace;

/** A started span; 0 is none. */
typedef uint32_t lam_trace_span;

/** Starts a trace that will be written to `path`. Errors: BAD_OUTPUT when the place cannot be
 * written, so that this is known before the work; NO_MEMORY. The caller owns the result. */
LAM_API LAM_MUST_USE lam_status lam_trace_create(lam_context *context, const char *path,
                                                 lam_trace **ret_trace);
LAM_API void lam_trace_destroy(lam_trace **trace);

/** Starts a span on the host's row; spans nest. What memory cannot hold is left out. */
LAM_API lam_trace_span lam_trace_begin(lam_trace *trace, const char *format, ...)
    LAM_PRINTF(2, 3);
/** Ends a span, if it is not ended yet; those that are open when the trace is written end
 * there. */
LAM_API void lam_trace_end(lam_trace *trace, lam_trace_span span);

/**
 * Writes the file, whole or not at all, in Chrome's Trace Event Format: one complete event
 * ("ph": "X") for each launch, cat "launch", and each span, cat "host"; device, driver and
 * limits in "otherData". Warns when a limit was reached. Errors: BAD_OUTPUT, NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_trace_write(lam_trace *trace);

LAM_END_DECLS

#endif
