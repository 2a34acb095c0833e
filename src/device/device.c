/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "device/opencl.h"

lam_status lam_device_open_queue(lam_device *device, bool profiles)
{
    cl_int status = CL_SUCCESS;
    cl_command_queue queue = clCreateCommandQueue(
        device->cl_context, device->id, profiles ? CL_QUEUE_PROFILING_ENABLE : 0, &status);
    if (status != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clCreateCommandQueue", status);
    if (device->queue)
        clReleaseCommandQueue(device->queue);
    device->queue = queue;
    return LAM_STATUS_OK;
}

static lam_status open_context(lam_device *device, cl_platform_id platform)
{
    cl_int status = CL_SUCCESS;
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)platform,
                                          0};
    device->cl_context = clCreateContext(properties, 1, &device->id, NULL, NULL, &status);
    if (status != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clCreateContext", status);
    return lam_device_open_queue(device, false);
}

static lam_status open_listed(lam_context *context, const lam_device_list *list,
                              const lam_device_choice *choice, lam_device **ret_device)
{
    const lam_device_entry *entry = lam_device_list_get_entry(list, choice->position);
    lam_device *device = calloc(1, sizeof *device);
    if (!device)
        return lam_fail_memory(context, "the device", sizeof *device);
    device->context = context;
    device->info = *lam_device_list_get(list, choice->position);
    device->id = entry->id;
    lam_status status = LAM_STATUS_OK;
    if (choice->part_count > 1)
        status = lam_device_become_part(device, choice->part, choice->part_count);
    if (status == LAM_STATUS_OK)
        status = open_context(device, entry->platform);
    if (status != LAM_STATUS_OK) {
        lam_device_close(&device);
        return status;
    }
    *ret_device = device;
    return LAM_STATUS_OK;
}

lam_status lam_device_open(lam_context *context, const char *selector, lam_device **ret_device)
{
    lam_device_list *list = NULL;
    LAM_TRY(lam_device_list_create(context, &list));
    lam_device_choice choice = {.part_count = 1};
    lam_status status =
        lam_device_select(context, lam_device_list_get_all(list),
                          lam_device_list_get_count(list), selector, &choice.position);
    if (status == LAM_STATUS_OK)
        status = open_listed(context, list, &choice, ret_device);
    lam_device_list_destroy(&list);
    return status;
}

lam_status lam_device_choose(lam_context *context, const char *selectors,
                             lam_device_choice **ret_choices, size_t *ret_count)
{
    lam_device_list *list = NULL;
    LAM_TRY(lam_device_list_create(context, &list));
    lam_status status = lam_device_select_several(context, lam_device_list_get_all(list),
                                                  lam_device_list_get_count(list), selectors,
                                                  ret_choices, ret_count);
    lam_device_list_destroy(&list);
    return status;
}

lam_status lam_device_open_choice(lam_context *context, const lam_device_choice *choice,
                                  lam_device **ret_device)
{
    lam_device_list *list = NULL;
    LAM_TRY(lam_device_list_create(context, &list));
    const lam_device_info *info = lam_device_list_get(list, choice->position);
    lam_status status = LAM_STATUS_OK;
    if (info && choice->part < choice->part_count && choice->part_count <= info->part_limit)
        status = open_listed(context, list, choice, ret_device);
    else
        status = lam_fail(context, LAM_STATUS_NO_DEVICE,
                          "there is no part %u of %u of device %zu; see: lamina devices",
                          choice->part, choice->part_count, choice->position);
    lam_device_list_destroy(&list);
    return status;
}

void lam_device_close(lam_device **device)
{
    if (!*device)
        return;
    lam_device_set_tuner(*device, NULL, NULL);
    lam_device_set_kernel_store(*device, NULL, NULL);
    if ((*device)->queue)
        clReleaseCommandQueue((*device)->queue);
    if ((*device)->cl_context)
        clReleaseContext((*device)->cl_context);
    if ((*device)->info.part_count > 1)
        clReleaseDevice((*device)->id);
    free(*device);
    *device = NULL;
}

const lam_device_info *lam_device_get_info(const lam_device *device)
{
    return &device->info;
}

lam_device_counts lam_device_get_counts(const lam_device *device)
{
    return device->counts;
}

void lam_device_set_tuner(lam_device *device, lam_tuner *tuner, void (*destroy)(lam_tuner **))
{
    if (device->tuner)
        device->destroy_tuner(&device->tuner);
    device->tuner = tuner;
    device->destroy_tuner = destroy;
}

lam_tuner *lam_device_get_tuner(const lam_device *device)
{
    return device->tuner;
}

void lam_device_set_kernel_store(lam_device *device, lam_kernel_store *store,
                                 void (*destroy)(lam_kernel_store **))
{
    if (device->kernel_store)
        device->destroy_kernel_store(&device->kernel_store);
    device->kernel_store = store;
    device->destroy_kernel_store = destroy;
}

lam_kernel_store *lam_device_get_kernel_store(const lam_device *device)
{
    return device->kernel_store;
}

lam_context *lam_device_get_context(const lam_device *device)
{
    return device->context;
}

lam_status lam_device_flush(lam_device *device)
{
    cl_int status = clFlush(device->queue);
    if (status != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clFlush", status);
    return LAM_STATUS_OK;
}

lam_status lam_device_finish(lam_device *device)
{
    lam_wait wait;
    LAM_TRY(lam_wait_begin(device, NULL, &wait));
    cl_int status = clFinish(device->queue);
    lam_wait_end(&wait);
    if (status != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clFinish", status);
    return LAM_STATUS_OK;
}

struct lam_marker {
    lam_device *device;
    cl_event event;
};

lam_status lam_marker_create(lam_device *device, lam_marker **ret_marker)
{
    lam_marker *marker = calloc(1, sizeof *marker);
    if (!marker)
        return lam_fail_memory(device->context, "a queue marker", sizeof *marker);
    marker->device = device;
    cl_int status = clEnqueueMarkerWithWaitList(device->queue, 0, NULL, &marker->event);
    if (status != CL_SUCCESS) {
        free(marker);
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clEnqueueMarkerWithWaitList",
                               status);
    }
    *ret_marker = marker;
    return lam_device_flush(device);
}

lam_status lam_marker_wait(const lam_marker *marker)
{
    lam_wait wait;
    LAM_TRY(lam_wait_begin(marker->device, marker->event, &wait));
    cl_int status = clWaitForEvents(1, &marker->event);
    lam_wait_end(&wait);
    if (status != CL_SUCCESS)
        return lam_device_fail(marker->device, LAM_STATUS_BAD_DEVICE, "clWaitForEvents",
                               status);
    return LAM_STATUS_OK;
}

void lam_marker_destroy(lam_marker **marker)
{
    if (!*marker)
        return;
    clReleaseEvent((*marker)->event);
    free(*marker);
    *marker = NULL;
}
