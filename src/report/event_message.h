/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The events that TensorBoard reads (tensorboard/compat/proto/event.proto and summary.proto):
 * values are added to a summary, and the summary with its step becomes a record of a file.
 * Everything goes into string buffers, whose `failed` is checked at the end.
 */
#ifndef LAM_REPORT_EVENT_MESSAGE_H
#define LAM_REPORT_EVENT_MESSAGE_H

#include <stdint.h>

#include "base/strbuf.h"

/** What each file begins with. `time` is in seconds since 1970 everywhere. */
void lam_event_append_version(lam_strbuf *file, double time);

/** Appends the summary as an event and frees it; an empty one is left out. */
void lam_event_append_summary(lam_strbuf *file, double time, int64_t step, lam_strbuf *summary);

void lam_event_add_scalar(lam_strbuf *summary, const char *tag, double value);

/** How often values came, in 64 ranges of one width. Those that are not finite are left out;
 * where none is finite there is no histogram. */
void lam_event_add_histogram(lam_strbuf *summary, const char *tag, const double *values,
                             size_t count);

/** A picture in red, green and blue as the bytes of a PNG file. */
void lam_event_add_image(lam_strbuf *summary, const char *tag, uint32_t width, uint32_t height,
                         const lam_strbuf *png);

/** What a plugin of TensorBoard reads by itself: its message; freed. */
void lam_event_add_plugin_data(lam_strbuf *summary, const char *tag, const char *plugin,
                               lam_strbuf *content);

#endif
