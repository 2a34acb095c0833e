/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "device/opencl.h"

struct lam_program {
    lam_device *device;
    cl_program program;
    uint64_t build_ns;
};

struct lam_kernel {
    lam_device *device;
    cl_kernel kernel;
};

static char *get_build_log(const lam_program *program)
{
    size_t size = 0;
    cl_device_id id = program->device->id;
    if (clGetProgramBuildInfo(program->program, id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) !=
        CL_SUCCESS)
        return NULL;
    char *log = calloc(1, size + 1);
    if (log && clGetProgramBuildInfo(program->program, id, CL_PROGRAM_BUILD_LOG, size, log,
                                     NULL) != CL_SUCCESS) {
        free(log);
        return NULL;
    }
    return log;
}

/* Owns `created` from here on. A refused program's log goes to `*ret_log` unless that is NULL.
 */
static lam_status build(lam_device *device, cl_program created, const char *options,
                        lam_program **ret_program, char **ret_log)
{
    lam_program *program = calloc(1, sizeof *program);
    if (!program) {
        clReleaseProgram(created);
        return lam_fail_memory(device->context, "a kernel program", sizeof *program);
    }
    program->device = device;
    program->program = created;
    uint64_t start = lam_clock_get_ns();
    cl_int status = clBuildProgram(created, 1, &device->id, options, NULL, NULL);
    program->build_ns = lam_clock_get_ns() - start;
    if (status != CL_SUCCESS) {
        if (ret_log)
            *ret_log = get_build_log(program);
        lam_program_destroy(&program);
        return lam_device_fail(device, LAM_STATUS_BAD_KERNEL, "clBuildProgram", status);
    }
    *ret_program = program;
    return LAM_STATUS_OK;
}

lam_status lam_program_build(lam_device *device, const char *source, const char *options,
                             lam_program **ret_program, char **ret_log)
{
    *ret_log = NULL;
    device->counts.builds++;
    cl_int status = CL_SUCCESS;
    cl_program created =
        clCreateProgramWithSource(device->cl_context, 1, &source, NULL, &status);
    if (status != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clCreateProgramWithSource",
                               status);
    return build(device, created, options, ret_program, ret_log);
}

lam_status lam_program_build_binary(lam_device *device, const void *bytes, size_t count,
                                    const char *options, lam_program **ret_program)
{
    const unsigned char *binary = bytes;
    cl_int status = CL_SUCCESS;
    cl_program created = clCreateProgramWithBinary(device->cl_context, 1, &device->id, &count,
                                                   &binary, NULL, &status);
    if (status != CL_SUCCESS)
        return lam_device_fail(device, LAM_STATUS_BAD_KERNEL, "clCreateProgramWithBinary",
                               status);
    return build(device, created, options, ret_program, NULL);
}

lam_status lam_program_get_binary(const lam_program *program, void **ret_bytes,
                                  size_t *ret_count)
{
    size_t count = 0;
    cl_int status =
        clGetProgramInfo(program->program, CL_PROGRAM_BINARY_SIZES, sizeof count, &count, NULL);
    if (status == CL_SUCCESS && count == 0)
        status = CL_INVALID_BINARY;
    if (status != CL_SUCCESS)
        return lam_device_fail(program->device, LAM_STATUS_BAD_KERNEL, "clGetProgramInfo",
                               status);
    unsigned char *bytes = malloc(count);
    if (!bytes)
        return lam_fail_memory(program->device->context, "a compiled program", count);
    status =
        clGetProgramInfo(program->program, CL_PROGRAM_BINARIES, sizeof bytes, &bytes, NULL);
    if (status != CL_SUCCESS) {
        free(bytes);
        return lam_device_fail(program->device, LAM_STATUS_BAD_KERNEL, "clGetProgramInfo",
                               status);
    }
    *ret_bytes = bytes;
    *ret_count = count;
    return LAM_STATUS_OK;
}

uint64_t lam_program_get_build_ns(const lam_program *program)
{
    return program->build_ns;
}

void lam_program_destroy(lam_program **program)
{
    if (!*program)
        return;
    clReleaseProgram((*program)->program);
    free(*program);
    *program = NULL;
}

lam_status lam_kernel_create(lam_program *program, const char *entry, lam_kernel **ret_kernel)
{
    lam_kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return lam_fail_memory(program->device->context, "a kernel", sizeof *kernel);
    cl_int status = CL_SUCCESS;
    kernel->device = program->device;
    kernel->kernel = clCreateKernel(program->program, entry, &status);
    if (status != CL_SUCCESS) {
        free(kernel);
        return lam_fail(program->device->context, LAM_STATUS_BAD_KERNEL,
                        "clCreateKernel(%s) failed: %s (%d)", entry, lam_cl_status_name(status),
                        status);
    }
    *ret_kernel = kernel;
    return LAM_STATUS_OK;
}

void lam_kernel_destroy(lam_kernel **kernel)
{
    if (!*kernel)
        return;
    clReleaseKernel((*kernel)->kernel);
    free(*kernel);
    *kernel = NULL;
}

static lam_status set_argument(lam_kernel *kernel, int index, size_t size, const void *value)
{
    cl_int status = clSetKernelArg(kernel->kernel, (cl_uint)index, size, value);
    if (status != CL_SUCCESS)
        return lam_device_fail(kernel->device, LAM_STATUS_BAD_KERNEL, "clSetKernelArg", status);
    return LAM_STATUS_OK;
}

lam_status lam_kernel_set_buffer(lam_kernel *kernel, int index, const lam_buffer *buffer)
{
    cl_mem memory = buffer ? buffer->memory : NULL;
    return set_argument(kernel, index, sizeof memory, &memory);
}

lam_status lam_kernel_set_int(lam_kernel *kernel, int index, int32_t value)
{
    cl_int number = value;
    return set_argument(kernel, index, sizeof number, &number);
}

lam_status lam_kernel_enqueue(lam_kernel *kernel, const lam_range *range)
{
    const size_t *local = range->local[0] > 0 ? range->local : NULL;
    cl_int status = clEnqueueNDRangeKernel(kernel->device->queue, kernel->kernel, 3,
                                           range->offset, range->global, local, 0, NULL,
                                           lam_device_count_launch(kernel->device));
    if (status != CL_SUCCESS)
        return lam_device_fail(kernel->device, LAM_STATUS_BAD_KERNEL, "clEnqueueNDRangeKernel",
                               status);
    return LAM_STATUS_OK;
}
