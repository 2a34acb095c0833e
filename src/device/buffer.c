/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "device/opencl.h"

/* Drivers report allocation failures here or at first use, so both read as NO_MEMORY. */
static lam_status fail_allocation(const lam_device *device, const char *what, size_t bytes,
                                  cl_int status)
{
    return lam_fail(device->context, LAM_STATUS_NO_MEMORY,
                    "device %d (%s) cannot hold %zu bytes for %s: %s; its largest allocation "
                    "is %llu bytes: use a smaller batch, network or data set",
                    device->info.index, device->info.name, bytes, what,
                    lam_cl_status_name(status),
                    (unsigned long long)device->info.largest_allocation_bytes);
}

static lam_status create_buffer(lam_device *device, cl_mem_flags flags, void *host,
                                size_t allocated_bytes, const char *what,
                                lam_buffer **ret_buffer)
{
    if (allocated_bytes > device->info.largest_allocation_bytes)
        return fail_allocation(device, what, allocated_bytes, CL_INVALID_BUFFER_SIZE);
    lam_buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer)
        return lam_fail_memory(device->context, what, sizeof *buffer);
    cl_int status = CL_SUCCESS;
    buffer->device = device;
    buffer->memory = clCreateBuffer(device->cl_context, flags, allocated_bytes, host, &status);
    if (status != CL_SUCCESS) {
        free(buffer);
        return fail_allocation(device, what, allocated_bytes, status);
    }
    *ret_buffer = buffer;
    return LAM_STATUS_OK;
}

static cl_int queue_zeros(lam_buffer *buffer, size_t bytes)
{
    const cl_uchar zero = 0;
    return clEnqueueFillBuffer(buffer->device->queue, buffer->memory, &zero, sizeof zero, 0,
                               bytes, 0, NULL, NULL);
}

lam_status lam_buffer_create(lam_device *device, size_t bytes, const char *what,
                             lam_buffer **ret_buffer)
{
    lam_buffer *buffer = NULL;
    size_t allocated_bytes = bytes + LAM_BUFFER_PADDING_BYTES;
    if (allocated_bytes < bytes)
        return fail_allocation(device, what, bytes, CL_INVALID_BUFFER_SIZE);
    LAM_TRY(create_buffer(device, CL_MEM_READ_WRITE, NULL, allocated_bytes, what, &buffer));
    buffer->size = bytes;
    cl_int status = queue_zeros(buffer, allocated_bytes);
    if (status != CL_SUCCESS) {
        lam_buffer_destroy(&buffer);
        return fail_allocation(device, what, allocated_bytes, status);
    }
    *ret_buffer = buffer;
    return LAM_STATUS_OK;
}

lam_status lam_buffer_create_from_host(lam_device *device, const void *bytes, size_t count,
                                       const char *what, lam_buffer **ret_buffer)
{
    cl_mem_flags sharing =
        device->info.has_unified_memory ? CL_MEM_USE_HOST_PTR : CL_MEM_COPY_HOST_PTR;
    /* OpenCL takes a plain pointer; CL_MEM_READ_ONLY keeps kernels from writing to it. */
    LAM_TRY(create_buffer(device, CL_MEM_READ_ONLY | sharing, (void *)(uintptr_t)bytes, count,
                          what, ret_buffer));
    (*ret_buffer)->size = count;
    return LAM_STATUS_OK;
}

void lam_buffer_destroy(lam_buffer **buffer)
{
    if (!*buffer)
        return;
    clReleaseMemObject((*buffer)->memory);
    free(*buffer);
    *buffer = NULL;
}

lam_status lam_buffer_clear(lam_buffer *buffer)
{
    cl_int status = queue_zeros(buffer, buffer->size);
    return status == CL_SUCCESS ? LAM_STATUS_OK
                                : lam_device_fail(buffer->device, LAM_STATUS_BAD_DEVICE,
                                                  "clEnqueueFillBuffer", status);
}

size_t lam_buffer_get_size(const lam_buffer *buffer)
{
    return buffer->size;
}

static lam_status write_buffer(lam_buffer *buffer, cl_bool blocking, size_t offset_bytes,
                               const void *bytes, size_t count)
{
    lam_wait wait = {0};
    if (blocking)
        LAM_TRY(lam_wait_begin(buffer->device, NULL, &wait));
    cl_int status = clEnqueueWriteBuffer(buffer->device->queue, buffer->memory, blocking,
                                         offset_bytes, count, bytes, 0, NULL, NULL);
    if (blocking)
        lam_wait_end(&wait);
    if (status != CL_SUCCESS)
        return lam_device_fail(buffer->device, LAM_STATUS_BAD_DEVICE, "clEnqueueWriteBuffer",
                               status);
    return LAM_STATUS_OK;
}

lam_status lam_buffer_write(lam_buffer *buffer, size_t offset_bytes, const void *bytes,
                            size_t count)
{
    return write_buffer(buffer, CL_TRUE, offset_bytes, bytes, count);
}

lam_status lam_buffer_write_later(lam_buffer *buffer, size_t offset_bytes, const void *bytes,
                                  size_t count)
{
    return write_buffer(buffer, CL_FALSE, offset_bytes, bytes, count);
}

lam_status lam_buffer_read(const lam_buffer *buffer, size_t offset_bytes, void *ret_bytes,
                           size_t count)
{
    lam_wait wait;
    LAM_TRY(lam_wait_begin(buffer->device, NULL, &wait));
    cl_int status = clEnqueueReadBuffer(buffer->device->queue, buffer->memory, CL_TRUE,
                                        offset_bytes, count, ret_bytes, 0, NULL, NULL);
    lam_wait_end(&wait);
    if (status != CL_SUCCESS)
        return lam_device_fail(buffer->device, LAM_STATUS_BAD_DEVICE, "clEnqueueReadBuffer",
                               status);
    return LAM_STATUS_OK;
}

lam_status lam_buffer_write_columns(lam_buffer *buffer, const lam_columns *columns,
                                    const void *bytes)
{
    const size_t origin[3] = {columns->first_bytes, 0, 0}, start[3] = {0};
    const size_t region[3] = {columns->width_bytes, columns->rows, 1};
    lam_wait wait;
    LAM_TRY(lam_wait_begin(buffer->device, NULL, &wait));
    cl_int status = clEnqueueWriteBufferRect(buffer->device->queue, buffer->memory, CL_TRUE,
                                             origin, start, region, columns->pitch_bytes, 0,
                                             columns->width_bytes, 0, bytes, 0, NULL, NULL);
    lam_wait_end(&wait);
    if (status != CL_SUCCESS)
        return lam_device_fail(buffer->device, LAM_STATUS_BAD_DEVICE,
                               "clEnqueueWriteBufferRect", status);
    return LAM_STATUS_OK;
}

lam_status lam_buffer_read_columns(const lam_buffer *buffer, const lam_columns *columns,
                                   void *ret_bytes)
{
    const size_t origin[3] = {columns->first_bytes, 0, 0}, start[3] = {0};
    const size_t region[3] = {columns->width_bytes, columns->rows, 1};
    lam_wait wait;
    LAM_TRY(lam_wait_begin(buffer->device, NULL, &wait));
    cl_int status = clEnqueueReadBufferRect(buffer->device->queue, buffer->memory, CL_TRUE,
                                            origin, start, region, columns->pitch_bytes, 0,
                                            columns->width_bytes, 0, ret_bytes, 0, NULL, NULL);
    lam_wait_end(&wait);
    if (status != CL_SUCCESS)
        return lam_device_fail(buffer->device, LAM_STATUS_BAD_DEVICE, "clEnqueueReadBufferRect",
                               status);
    return LAM_STATUS_OK;
}

lam_status lam_buffer_copy_columns(lam_buffer *to, const lam_columns *to_columns,
                                   const lam_buffer *from, const lam_columns *from_columns)
{
    assert(to_columns->rows == from_columns->rows &&
           to_columns->width_bytes == from_columns->width_bytes);
    const size_t to_origin[3] = {to_columns->first_bytes, 0, 0};
    const size_t from_origin[3] = {from_columns->first_bytes, 0, 0};
    const size_t region[3] = {to_columns->width_bytes, to_columns->rows, 1};
    cl_int status = clEnqueueCopyBufferRect(
        to->device->queue, from->memory, to->memory, from_origin, to_origin, region,
        from_columns->pitch_bytes, 0, to_columns->pitch_bytes, 0, 0, NULL, NULL);
    if (status != CL_SUCCESS)
        return lam_device_fail(to->device, LAM_STATUS_BAD_DEVICE, "clEnqueueCopyBufferRect",
                               status);
    return LAM_STATUS_OK;
}
