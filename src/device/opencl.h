/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Private to src/device: the OpenCL types behind the handles.
 */
#ifndef LAM_DEVICE_OPENCL_H
#define LAM_DEVICE_OPENCL_H

#include <CL/cl.h>

#include "device/device.h"

struct lam_device {
    lam_context *context;
    lam_device_info info;
    cl_device_id id; /* of a part: ours to release */
    cl_context cl_context;
    cl_command_queue queue;
    lam_device_counts counts;
    bool driver_spins;             /* its waits keep a core busy; found out by lam_wait_end() */
    struct lam_profiler *profiler; /* NULL unless launches are timed */
    lam_tuner *tuner;
    void (*destroy_tuner)(lam_tuner **);
    lam_kernel_store *kernel_store;
    void (*destroy_kernel_store)(lam_kernel_store **);
};

struct lam_buffer {
    lam_device *device;
    cl_mem memory;
    size_t size;
};

/** "CL_OUT_OF_RESOURCES" and so on; "unknown OpenCL status" otherwise. */
const char *lam_cl_status_name(cl_int status);

/** Records `call` and its status as the failure `failure` of the device. */
LAM_MUST_USE lam_status lam_device_fail(const lam_device *device, lam_status failure,
                                        const char *call, cl_int status);

/** Replaces the queue by one with or without profiling; the old one must be idle. */
LAM_MUST_USE lam_status lam_device_open_queue(lam_device *device, bool profiles);

/** One wait for the device, around a call of the driver that waits. */
typedef struct lam_wait {
    lam_device *device;
    uint64_t start_ns, start_cpu_ns;
} lam_wait;

/** Counts a wait. Where the driver is known to spin, sleeps until `event` is done (NULL: all
 * that is queued), so that the driver's own wait finds nothing left to wait for. */
LAM_MUST_USE lam_status lam_wait_begin(lam_device *device, cl_event event, lam_wait *ret_wait);

/** Notes whether the driver spun. */
void lam_wait_end(const lam_wait *wait);

/** Counts a launch; where its event goes while profiling, else NULL. */
cl_event *lam_device_count_launch(lam_device *device);

/** How many parts a device's compute units can be split into; 1 where it cannot be. */
uint32_t lam_device_count_parts(cl_device_id id, uint32_t compute_units);

/** Turns a device of which only `info` and `id` are set into its part of so many. Errors:
 * BAD_DEVICE, NO_MEMORY. */
LAM_MUST_USE lam_status lam_device_become_part(lam_device *device, uint32_t part,
                                               uint32_t part_count);

/** A device of the list with its OpenCL handles. */
typedef struct lam_device_entry {
    cl_platform_id platform;
    cl_device_id id;
} lam_device_entry;

const lam_device_entry *lam_device_list_get_entry(const lam_device_list *list, size_t position);
const lam_device_info *lam_device_list_get_all(const lam_device_list *list);

#endif
