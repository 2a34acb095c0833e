/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trace.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "lamina/version.h"

/* The rows ("threads") of the file. */
enum { PROCESS_ROW = 0, DEVICE_ROW = 1, HOST_ROW = 2 };

typedef struct host_span {
    uint64_t start_ns, end_ns; /* on CLOCK_MONOTONIC; an end of 0 while it lasts */
    char name[LAM_LAUNCH_NAME_BYTES];
} host_span;

struct lam_trace {
    lam_context *context;
    char *path;
    uint64_t start_ns;
    host_span *spans; /* [LAM_TRACE_HOST_SPAN_LIMIT] */
    uint32_t span_count;
    uint64_t spans_left_out;
    lam_device *device; /* while its launches are timed */
    lam_device_info info;
    lam_profile profile;
};

lam_status lam_trace_create(lam_context *context, const char *path, lam_trace **ret_trace)
{
    LAM_TRY(lam_file_check_place(context, path));
    lam_trace *trace = calloc(1, sizeof *trace);
    if (trace) {
        trace->context = context;
        trace->start_ns = lam_clock_get_ns();
        trace->path = strdup(path);
        trace->spans = calloc(LAM_TRACE_HOST_SPAN_LIMIT, sizeof *trace->spans);
    }
    if (!trace || !trace->path || !trace->spans) {
        lam_trace_destroy(&trace);
        return lam_fail_memory(context, "a trace",
                               LAM_TRACE_HOST_SPAN_LIMIT * sizeof(host_span));
    }
    *ret_trace = trace;
    return LAM_STATUS_OK;
}

void lam_trace_destroy(lam_trace **trace)
{
    if (!*trace)
        return;
    lam_profile_free(&(*trace)->profile);
    free((*trace)->spans);
    free((*trace)->path);
    free(*trace);
    *trace = NULL;
}

lam_trace_span lam_trace_begin(lam_trace *trace, const char *format, ...)
{
    if (!trace)
        return 0;
    if (trace->span_count == LAM_TRACE_HOST_SPAN_LIMIT) {
        trace->spans_left_out++;
        return 0;
    }
    host_span *span = &trace->spans[trace->span_count++];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(span->name, sizeof span->name, format, arguments);
    va_end(arguments);
    span->start_ns = lam_clock_get_ns();
    return trace->span_count;
}

void lam_trace_end(lam_trace *trace, lam_trace_span span)
{
    if (trace && span > 0 && trace->spans[span - 1].end_ns == 0)
        trace->spans[span - 1].end_ns = lam_clock_get_ns();
}

lam_status lam_trace_start_device(lam_trace *trace, lam_device *device)
{
    if (!trace)
        return LAM_STATUS_OK;
    LAM_TRY(lam_device_start_profile(device, LAM_TRACE_LAUNCH_LIMIT));
    trace->device = device;
    trace->info = *lam_device_get_info(device);
    return LAM_STATUS_OK;
}

lam_status lam_trace_stop_device(lam_trace *trace)
{
    if (!trace || !trace->device)
        return LAM_STATUS_OK;
    lam_device *device = trace->device;
    trace->device = NULL;
    return lam_device_stop_profile(device, &trace->profile);
}

/* ---- the file ---- */

static int append_piece(const char *bytes, size_t count, void *user)
{
    lam_strbuf_append_bytes(user, bytes, count);
    return 0;
}

/* Takes `json`, which is NULL where memory ran out. Events are written one by one: all of them
 * as objects at once would take ten times the file's size. */
static void append_json(lam_strbuf *out, json_t *json)
{
    /* 15 digits keep nanoseconds apart for eleven days. */
    if (!json || json_dump_callback(json, append_piece, out,
                                    JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0)
        out->failed = true;
    json_decref(json);
}

static void append_event(lam_strbuf *out, json_t *event)
{
    lam_strbuf_append(out, ",\n");
    append_json(out, event);
}

static double get_us(const lam_trace *trace, uint64_t host_ns)
{
    return 1e-3 * (double)(int64_t)(host_ns - trace->start_ns);
}

static json_t *make_span(const lam_trace *trace, const char *name, int row, uint64_t start_ns,
                         uint64_t end_ns)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:f}", "name", name, "cat",
                     row == DEVICE_ROW ? "launch" : "host", "ph", "X", "pid", 1, "tid", row,
                     "ts", get_us(trace, start_ns), "dur", 1e-3 * (double)(end_ns - start_ns));
}

static json_t *make_label(const char *what, int row, const char *name)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "name", what, "ph", "M", "pid", 1, "tid",
                     row, "args", "name", name);
}

static void append_launches(const lam_trace *trace, lam_strbuf *out)
{
    for (size_t i = 0; i < trace->profile.count; i++) {
        const lam_profile_span *span = &trace->profile.spans[i];
        append_event(out, make_span(trace, *span->name ? span->name : "launch", DEVICE_ROW,
                                    lam_profile_get_host_ns(&trace->profile, span->start_ns),
                                    lam_profile_get_host_ns(&trace->profile, span->end_ns)));
    }
}

static void append_host_spans(const lam_trace *trace, lam_strbuf *out)
{
    uint64_t now = lam_clock_get_ns();
    for (uint32_t i = 0; i < trace->span_count; i++) {
        const host_span *span = &trace->spans[i];
        append_event(out, make_span(trace, span->name, HOST_ROW, span->start_ns,
                                    span->end_ns > 0 ? span->end_ns : now));
    }
}

static json_t *describe(const lam_trace *trace)
{
    const lam_device_info *info = &trace->info;
    const lam_profile *profile = &trace->profile;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "lamina",
                     lam_version(), "device", info->name, "platform", info->platform,
                     "driver_version", info->driver_version, "opencl_version",
                     info->opencl_version, "launches", (json_int_t)profile->launches,
                     "launches_in_file", (json_int_t)profile->count, "launch_limit",
                     (json_int_t)LAM_TRACE_LAUNCH_LIMIT, "host_spans",
                     (json_int_t)(trace->span_count + trace->spans_left_out),
                     "host_spans_in_file", (json_int_t)trace->span_count, "host_span_limit",
                     (json_int_t)LAM_TRACE_HOST_SPAN_LIMIT);
}

static void append_file(const lam_trace *trace, lam_strbuf *out)
{
    lam_strbuf_append(out, "{\"displayTimeUnit\":\"ms\",\"otherData\":");
    append_json(out, describe(trace));
    lam_strbuf_append(out, ",\n\"traceEvents\":[\n");
    append_json(out, make_label("process_name", PROCESS_ROW, "lamina"));
    append_event(out, make_label("thread_name", DEVICE_ROW,
                                 *trace->info.name ? trace->info.name : "no device"));
    append_event(out, make_label("thread_name", HOST_ROW, "host"));
    append_launches(trace, out);
    append_host_spans(trace, out);
    lam_strbuf_append(out, "\n]}\n");
}

static void warn_of_limits(const lam_trace *trace)
{
    const lam_profile *profile = &trace->profile;
    if (profile->launches > profile->count)
        lam_log(trace->context, LAM_LOG_LEVEL_WARNING,
                "%s: holds the first %zu of %llu launches; trace a shorter run for all of them",
                trace->path, profile->count, (unsigned long long)profile->launches);
    if (trace->spans_left_out > 0)
        lam_log(trace->context, LAM_LOG_LEVEL_WARNING,
                "%s: holds the first %u of the host's %llu spans; trace a shorter run for all "
                "of them",
                trace->path, trace->span_count,
                (unsigned long long)(trace->span_count + trace->spans_left_out));
}

lam_status lam_trace_write(lam_trace *trace)
{
    lam_strbuf out = {0};
    append_file(trace, &out);
    lam_status status = out.failed
                            ? lam_fail_memory(trace->context, trace->path, out.length)
                            : lam_file_write(trace->context, trace->path, out.text, out.length);
    lam_strbuf_free(&out);
    if (status == LAM_STATUS_OK)
        warn_of_limits(trace);
    return status;
}
