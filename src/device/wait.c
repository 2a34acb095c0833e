/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/clock.h"
#include "device/opencl.h"

/* A wait at least so long shows whether the driver sleeps or spins. */
#define TELLING_WAIT_NS 10000000

/* Naps last an eighth of the wait so far: the end is met late by an eighth at most, and a wait
 * of a second looks at its event 1,000 times rather than a billion. */
#define NAP_SHARE 8
#define SHORTEST_NAP_NS 20000
#define LONGEST_NAP_NS 1000000

static uint64_t get_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static void take_nap(uint64_t waited_ns)
{
    uint64_t ns = waited_ns / NAP_SHARE;
    ns = ns < SHORTEST_NAP_NS ? SHORTEST_NAP_NS : ns > LONGEST_NAP_NS ? LONGEST_NAP_NS : ns;
    const struct timespec nap = {.tv_nsec = (long)ns};
    nanosleep(&nap, NULL); /* a signal only shortens it */
}

/* A status below CL_COMPLETE is an error, which the driver's own wait then reports. */
static cl_int nap_until_done(cl_event event)
{
    uint64_t start = lam_clock_get_ns();
    for (;;) {
        cl_int progress = CL_COMPLETE;
        cl_int status = clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS,
                                       sizeof progress, &progress, NULL);
        if (status != CL_SUCCESS || progress <= CL_COMPLETE)
            return status;
        take_nap(lam_clock_get_ns() - start);
    }
}

static cl_int nap_until_idle(lam_device *device)
{
    cl_event event = NULL;
    cl_int status = clEnqueueMarkerWithWaitList(device->queue, 0, NULL, &event);
    if (status != CL_SUCCESS)
        return status;
    status = clFlush(device->queue); /* nothing else makes the driver begin */
    if (status == CL_SUCCESS)
        status = nap_until_done(event);
    clReleaseEvent(event);
    return status;
}

lam_status lam_wait_begin(lam_device *device, cl_event event, lam_wait *ret_wait)
{
    device->counts.waits++;
    if (device->driver_spins) {
        cl_int status = event ? nap_until_done(event) : nap_until_idle(device);
        if (status != CL_SUCCESS)
            return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "waiting", status);
    }
    *ret_wait = (lam_wait){device, lam_clock_get_ns(), get_cpu_ns()};
    return LAM_STATUS_OK;
}

void lam_wait_end(const lam_wait *wait)
{
    uint64_t waited = lam_clock_get_ns() - wait->start_ns;
    if (waited >= TELLING_WAIT_NS && get_cpu_ns() - wait->start_cpu_ns > waited / 2)
        wait->device->driver_spins = true;
}

void lam_device_wait_by_naps(lam_device *device)
{
    device->driver_spins = true;
}
