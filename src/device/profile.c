/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "device/opencl.h"

cl_event *lam_device_count_launch(lam_device *device)
{
    device->counts.launches++;
    if (device->profile_count == device->profile_capacity)
        return NULL;
    return &device->profile[device->profile_count++];
}

lam_status lam_device_start_profile(lam_device *device, size_t capacity)
{
    LAM_TRY(lam_device_finish(device));
    LAM_TRY(lam_device_open_queue(device, true));
    device->profile = calloc(capacity, sizeof *device->profile);
    if (!device->profile)
        return lam_fail_memory(device->context, "a profile", capacity * sizeof(cl_event));
    device->profile_capacity = capacity;
    device->profile_count = 0;
    return LAM_STATUS_OK;
}

static cl_int read_span(cl_event event, lam_profile_span *span)
{
    cl_ulong start = 0, end = 0;
    cl_int status =
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
    if (status == CL_SUCCESS)
        status =
            clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    *span = (lam_profile_span){start, end};
    return status;
}

lam_status lam_device_stop_profile(lam_device *device, lam_profile_span **ret_spans,
                                   size_t *ret_count)
{
    LAM_TRY(lam_device_finish(device));
    size_t count = device->profile_count;
    cl_int answer = CL_SUCCESS;
    lam_profile_span *spans = calloc(count + 1, sizeof *spans);
    for (size_t i = 0; i < count; i++) {
        if (spans && answer == CL_SUCCESS)
            answer = read_span(device->profile[i], &spans[i]);
        clReleaseEvent(device->profile[i]);
    }
    free(device->profile);
    device->profile = NULL;
    device->profile_count = device->profile_capacity = 0;
    lam_status status = lam_device_open_queue(device, false);
    if (!spans)
        return lam_fail_memory(device->context, "a profile", count * sizeof *spans);
    if (answer != CL_SUCCESS)
        status =
            lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clGetEventProfilingInfo", answer);
    if (status != LAM_STATUS_OK) {
        free(spans);
        return status;
    }
    *ret_spans = spans;
    *ret_count = count;
    return LAM_STATUS_OK;
}
