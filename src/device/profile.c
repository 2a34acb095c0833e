/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "device/opencl.h"

typedef struct lam_profiler {
    lam_profile profile; /* its spans hold names only, until the events are read */
    cl_event *events;    /* [capacity] */
    size_t capacity;
    char name[LAM_LAUNCH_NAME_BYTES]; /* of the launches to come */
} lam_profiler;

cl_event *lam_device_count_launch(lam_device *device)
{
    device->counts.launches++;
    lam_profiler *profiler = device->profiler;
    if (!profiler)
        return NULL;
    profiler->profile.launches++;
    size_t position = profiler->profile.count;
    if (position == profiler->capacity)
        return NULL;
    memcpy(profiler->profile.spans[position].name, profiler->name, sizeof profiler->name);
    profiler->profile.count++;
    return &profiler->events[position];
}

bool lam_device_is_profiling(const lam_device *device)
{
    return device->profiler != NULL;
}

void lam_device_name_launches(lam_device *device, const char *name)
{
    strncpy(device->profiler->name, name, LAM_LAUNCH_NAME_BYTES - 1);
}

static cl_int read_times(cl_event event, uint64_t *ret_start_ns, uint64_t *ret_end_ns)
{
    cl_ulong start = 0, end = 0;
    cl_int status =
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
    if (status == CL_SUCCESS)
        status =
            clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    *ret_start_ns = start;
    *ret_end_ns = end;
    return status;
}

/* OpenCL 1.2 has no call that reads both clocks. So a word is written through the idle queue:
 * the device sees that command's middle somewhere between the host's enqueueing it and learning
 * of its end. The middles are taken for the same moment, which is wrong by at most half of the
 * host's time; the quickest of a few tries is kept (6 to 13 us on PoCL 3.1). */
static lam_status pair_clocks(lam_device *device, lam_buffer *word, lam_clock_pair *ret_pair)
{
    enum { TRIES = 16 };
    static const cl_uint zero;
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        cl_event event = NULL;
        uint64_t before = lam_clock_get_ns(), start = 0, end = 0;
        cl_int status = clEnqueueWriteBuffer(device->queue, word->memory, CL_TRUE, 0,
                                             sizeof zero, &zero, 0, NULL, &event);
        uint64_t after = lam_clock_get_ns();
        if (status == CL_SUCCESS) {
            status = read_times(event, &start, &end);
            clReleaseEvent(event);
        }
        if (status != CL_SUCCESS)
            return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "timing a command", status);
        if (after - before >= least)
            continue;
        least = after - before;
        *ret_pair = (lam_clock_pair){before + least / 2, start + (end - start) / 2};
    }
    return LAM_STATUS_OK;
}

static lam_status pair_clocks_once(lam_device *device, lam_clock_pair *ret_pair)
{
    lam_buffer *word = NULL;
    LAM_TRY(lam_buffer_create(device, sizeof(cl_uint), "a profile", &word));
    lam_status status = lam_device_finish(device);
    if (status == LAM_STATUS_OK)
        status = pair_clocks(device, word, ret_pair);
    lam_buffer_destroy(&word);
    return status;
}

static void destroy_profiler(lam_profiler **profiler)
{
    if (!*profiler)
        return;
    for (size_t i = 0; i < (*profiler)->profile.count; i++)
        if ((*profiler)->events[i])
            clReleaseEvent((*profiler)->events[i]);
    lam_profile_free(&(*profiler)->profile);
    free((*profiler)->events);
    free(*profiler);
    *profiler = NULL;
}

static lam_status create_profiler(lam_device *device, size_t capacity,
                                  lam_profiler **ret_profiler)
{
    lam_profiler *profiler = calloc(1, sizeof *profiler);
    if (profiler) {
        profiler->capacity = capacity;
        profiler->events = calloc(capacity, sizeof *profiler->events);
        profiler->profile.spans = calloc(capacity, sizeof *profiler->profile.spans);
    }
    if (!profiler || !profiler->events || !profiler->profile.spans) {
        destroy_profiler(&profiler);
        return lam_fail_memory(device->context, "a profile",
                               capacity * sizeof(lam_profile_span));
    }
    *ret_profiler = profiler;
    return LAM_STATUS_OK;
}

lam_status lam_device_start_profile(lam_device *device, size_t capacity)
{
    lam_profiler *profiler = NULL;
    LAM_TRY(lam_device_finish(device));
    LAM_TRY(create_profiler(device, capacity, &profiler));
    lam_status status = lam_device_open_queue(device, true);
    if (status == LAM_STATUS_OK)
        status = pair_clocks_once(device, &profiler->profile.first);
    if (status != LAM_STATUS_OK) {
        destroy_profiler(&profiler);
        return status;
    }
    device->profiler = profiler;
    return LAM_STATUS_OK;
}

static lam_status read_spans(lam_device *device, lam_profiler *profiler)
{
    lam_profile *profile = &profiler->profile;
    if (profile->count > 0 && !profiler->events[profile->count - 1])
        profile->count--; /* a launch that failed, and so ended the work */
    for (size_t i = 0; i < profile->count; i++) {
        lam_profile_span *span = &profile->spans[i];
        cl_int status = read_times(profiler->events[i], &span->start_ns, &span->end_ns);
        if (status != CL_SUCCESS)
            return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clGetEventProfilingInfo",
                                   status);
    }
    return pair_clocks_once(device, &profile->latest);
}

lam_status lam_device_stop_profile(lam_device *device, lam_profile *ret_profile)
{
    lam_profiler *profiler = device->profiler;
    device->profiler = NULL;
    lam_status status = lam_device_finish(device);
    if (status == LAM_STATUS_OK)
        status = read_spans(device, profiler);
    if (status == LAM_STATUS_OK)
        status = lam_device_open_queue(device, false);
    if (status == LAM_STATUS_OK) {
        *ret_profile = profiler->profile;
        profiler->profile.spans = NULL; /* now the caller's */
    }
    destroy_profiler(&profiler);
    return status;
}

void lam_profile_free(lam_profile *profile)
{
    free(profile->spans);
    profile->spans = NULL;
    profile->count = 0;
}

uint64_t lam_profile_get_host_ns(const lam_profile *profile, uint64_t device_ns)
{
    const lam_clock_pair *first = &profile->first, *latest = &profile->latest;
    double since = (double)((int64_t)device_ns - (int64_t)first->device_ns);
    double speed = latest->device_ns > first->device_ns
                       ? (double)(latest->host_ns - first->host_ns) /
                             (double)(latest->device_ns - first->device_ns)
                       : 1;
    return (uint64_t)((int64_t)first->host_ns + (int64_t)(since * speed));
}
