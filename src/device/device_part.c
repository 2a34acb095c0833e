/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "device/opencl.h"

/* The ways of OpenCL 1.2 to split a device: into parts of given sizes, or of one size. */
typedef struct partition_ways {
    bool by_counts, equally;
} partition_ways;

static partition_ways ask_ways(cl_device_id id)
{
    partition_ways ways = {false, false};
    cl_device_partition_property properties[16];
    size_t bytes = 0;
    if (clGetDeviceInfo(id, CL_DEVICE_PARTITION_PROPERTIES, sizeof properties, properties,
                        &bytes) != CL_SUCCESS)
        return ways;
    for (size_t i = 0; i < bytes / sizeof *properties; i++) {
        ways.by_counts |= properties[i] == CL_DEVICE_PARTITION_BY_COUNTS;
        ways.equally |= properties[i] == CL_DEVICE_PARTITION_EQUALLY;
    }
    return ways;
}

uint32_t lam_device_count_parts(cl_device_id id, uint32_t compute_units)
{
    partition_ways ways = ask_ways(id);
    cl_uint limit = 0;
    if (!ways.by_counts && !ways.equally)
        return 1;
    if (clGetDeviceInfo(id, CL_DEVICE_PARTITION_MAX_SUB_DEVICES, sizeof limit, &limit, NULL) !=
        CL_SUCCESS)
        return 1;
    limit = limit < compute_units ? limit : compute_units;
    return limit > 1 ? limit : 1;
}

/* What splits `units` into parts that differ by one at most. Parts of one size, where there is
 * no other way, may leave some units, and further parts, unused. free() the result. */
static cl_device_partition_property *describe_split(cl_device_id id, uint32_t units,
                                                    uint32_t part_count)
{
    cl_device_partition_property *properties = calloc(part_count + 3, sizeof *properties);
    if (!properties)
        return NULL;
    if (!ask_ways(id).by_counts) {
        properties[0] = CL_DEVICE_PARTITION_EQUALLY;
        properties[1] = units / part_count;
        return properties;
    }
    properties[0] = CL_DEVICE_PARTITION_BY_COUNTS;
    for (uint32_t i = 0; i < part_count; i++)
        properties[1 + i] = units / part_count + (i < units % part_count);
    properties[1 + part_count] = CL_DEVICE_PARTITION_BY_COUNTS_LIST_END;
    return properties;
}

static lam_status take_part(lam_device *device, const cl_device_partition_property *properties,
                            uint32_t part, uint32_t part_count)
{
    cl_uint count = 0;
    cl_int status = clCreateSubDevices(device->id, properties, 0, NULL, &count);
    if (status != CL_SUCCESS || count < part_count)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clCreateSubDevices",
                               status ? status : CL_DEVICE_PARTITION_FAILED);
    cl_device_id *ids = calloc(count, sizeof *ids);
    if (!ids)
        return lam_fail_memory(device->context, "parts of the device", count * sizeof *ids);
    status = clCreateSubDevices(device->id, properties, count, ids, NULL);
    for (cl_uint i = 0; i < count && status == CL_SUCCESS; i++)
        if (i != part)
            clReleaseDevice(ids[i]);
    if (status == CL_SUCCESS)
        device->id = ids[part];
    free(ids);
    if (status != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clCreateSubDevices", status);
    return LAM_STATUS_OK;
}

lam_status lam_device_become_part(lam_device *device, uint32_t part, uint32_t part_count)
{
    lam_device_info *info = &device->info;
    cl_device_partition_property *properties =
        describe_split(device->id, info->compute_units, part_count);
    if (!properties)
        return lam_fail_memory(device->context, "parts of the device", part_count);
    lam_status status = take_part(device, properties, part, part_count);
    free(properties);
    if (status != LAM_STATUS_OK)
        return status;
    info->part = part;
    info->part_count = part_count; /* from here on the id is released with the device */
    info->part_limit = 1;
    info->global_memory_bytes /= part_count;
    if (info->largest_allocation_bytes > info->global_memory_bytes)
        info->largest_allocation_bytes = info->global_memory_bytes;
    cl_int answer = clGetDeviceInfo(device->id, CL_DEVICE_MAX_COMPUTE_UNITS,
                                    sizeof info->compute_units, &info->compute_units, NULL);
    if (answer != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clGetDeviceInfo", answer);
    return LAM_STATUS_OK;
}
