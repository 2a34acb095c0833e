/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "device/opencl.h"

struct lam_program {
    lam_device *device;
    cl_program program;
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

lam_status lam_program_build(lam_device *device, const char *source, const char *options,
                             lam_program **ret_program, char **ret_log)
{
    *ret_log = NULL;
    lam_program *program = calloc(1, sizeof *program);
    if (!program)
        return lam_fail_memory(device->context, "a kernel program", sizeof *program);
    cl_int status = CL_SUCCESS;
    program->device = device;
    program->program = clCreateProgramWithSource(device->cl_context, 1, &source, NULL, &status);
    if (status != CL_SUCCESS) {
        free(program);
        return lam_device_fail(device, LAM_STATUS_BAD_DEVICE, "clCreateProgramWithSource",
                               status);
    }
    status = clBuildProgram(program->program, 1, &device->id, options, NULL, NULL);
    if (status != CL_SUCCESS) {
        *ret_log = get_build_log(program);
        lam_program_destroy(&program);
        return lam_device_fail(device, LAM_STATUS_BAD_KERNEL, "clBuildProgram", status);
    }
    *ret_program = program;
    return LAM_STATUS_OK;
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
    cl_int status =
        clEnqueueNDRangeKernel(kernel->device->queue, kernel->kernel, 3, NULL, range->global,
                               local, 0, NULL, lam_device_count_launch(kernel->device));
    if (status != CL_SUCCESS)
        return lam_device_fail(kernel->device, LAM_STATUS_BAD_KERNEL, "clEnqueueNDRangeKernel",
                               status);
    return LAM_STATUS_OK;
}
