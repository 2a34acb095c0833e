/* SPDX-License-Identifier: Apache-2.0 */
#include "op/plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/clock.h"

const size_t lam_any_local[3] = {0, 0, 0};

/* A kernel launch, or a product of the matrix library when `kernel` is NULL. */
typedef struct plan_launch {
    const char *entry;
    size_t shape[3]; /* of a product; zeros otherwise */
    bool is_product;
    lam_kernel *kernel;
    lam_range range;
    size_t most_slices, slices;
    int step_argument;
    lam_blas_gemm gemm;
} plan_launch;

struct lam_plan {
    const lam_engine *engine;
    plan_launch *launches;
    size_t launch_count;
    lam_buffer **buffers;
    size_t buffer_count;
};

lam_status lam_plan_create(const lam_engine *engine, lam_plan **ret_plan)
{
    lam_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return lam_fail_memory(engine->context, "a step plan", sizeof *plan);
    plan->engine = engine;
    *ret_plan = plan;
    return LAM_STATUS_OK;
}

void lam_plan_destroy(lam_plan **plan)
{
    if (!*plan)
        return;
    for (size_t i = 0; i < (*plan)->launch_count; i++)
        lam_kernel_destroy(&(*plan)->launches[i].kernel);
    for (size_t i = 0; i < (*plan)->buffer_count; i++)
        lam_buffer_destroy(&(*plan)->buffers[i]);
    free((*plan)->launches);
    free((*plan)->buffers);
    free(*plan);
    *plan = NULL;
}

/* Work-groups in dimension 1. */
static size_t count_row_groups(const lam_range *range)
{
    return range->local[1] > 0 ? range->global[1] / range->local[1] : range->global[1];
}

static lam_range get_slice(const plan_launch *launch, size_t index)
{
    lam_range slice = launch->range;
    size_t groups = count_row_groups(&launch->range);
    size_t items = launch->range.global[1] / groups;
    size_t first = groups * index / launch->slices, end = groups * (index + 1) / launch->slices;
    slice.offset[1] = first * items;
    slice.global[1] = (end - first) * items;
    return slice;
}

static lam_status enqueue_launch(lam_device *device, plan_launch *launch, int step)
{
    if (!launch->kernel)
        return lam_blas_gemm_enqueue(device, &launch->gemm);
    if (launch->step_argument >= 0)
        LAM_TRY(lam_kernel_set_int(launch->kernel, launch->step_argument, step));
    for (size_t i = 0; i < launch->slices; i++) {
        const lam_range slice = get_slice(launch, i);
        LAM_TRY(lam_kernel_enqueue(launch->kernel, &slice));
    }
    return LAM_STATUS_OK;
}

static void name_in_profile(const lam_plan *plan, size_t index)
{
    char name[LAM_LAUNCH_NAME_BYTES];
    lam_plan_name_launch(plan, index, name, sizeof name);
    lam_device_name_launches(plan->engine->device, name);
}

lam_status lam_plan_enqueue(lam_plan *plan, int step)
{
    lam_device *device = plan->engine->device;
    bool is_profiling = lam_device_is_profiling(device);
    for (size_t i = 0; i < plan->launch_count; i++) {
        if (is_profiling)
            name_in_profile(plan, i);
        LAM_TRY(enqueue_launch(device, &plan->launches[i], step));
    }
    return LAM_STATUS_OK;
}

static lam_status time_launch(lam_plan *plan, size_t index, uint64_t *ret_ns)
{
    lam_device *device = plan->engine->device;
    if (lam_device_is_profiling(device))
        name_in_profile(plan, index);
    uint64_t start = lam_clock_get_ns();
    LAM_TRY(enqueue_launch(device, &plan->launches[index], 0));
    LAM_TRY(lam_device_finish(device));
    *ret_ns = lam_clock_get_ns() - start;
    return LAM_STATUS_OK;
}

/* The first time may be a compiler's, so a second one decides. The last run is for drivers that
 * compile for offsets, too. */
static lam_status slice_launch(lam_plan *plan, size_t index)
{
    plan_launch *launch = &plan->launches[index];
    uint64_t limit = plan->engine->longest_launch_ns, ns = 0;
    LAM_TRY(time_launch(plan, index, &ns));
    if (ns <= limit || launch->most_slices == 1)
        return LAM_STATUS_OK;
    LAM_TRY(time_launch(plan, index, &ns));
    if (ns <= limit)
        return LAM_STATUS_OK;
    size_t wanted = lam_divide_up(ns, limit);
    launch->slices = wanted < launch->most_slices ? wanted : launch->most_slices;
    return time_launch(plan, index, &ns);
}

lam_status lam_plan_warm_up(lam_plan *plan)
{
    LAM_TRY(lam_device_finish(plan->engine->device));
    for (size_t i = 0; i < plan->launch_count; i++) {
        if (lam_stop_requested(plan->engine->context)) /* launches may be long here */
            return lam_fail(plan->engine->context, LAM_STATUS_INTERRUPTED,
                            "interrupted before the first step");
        LAM_TRY(slice_launch(plan, i));
    }
    return LAM_STATUS_OK;
}

size_t lam_plan_get_launch_count(const lam_plan *plan)
{
    return plan->launch_count;
}

void lam_plan_name_launch(const lam_plan *plan, size_t index, char *name, size_t bytes)
{
    const plan_launch *launch = &plan->launches[index];
    if (launch->shape[0] > 0)
        snprintf(name, bytes, "%s %zux%zux%zu", launch->entry, launch->shape[0],
                 launch->shape[1], launch->shape[2]);
    else
        snprintf(name, bytes, "%s", launch->entry);
}

bool lam_plan_is_product(const lam_plan *plan, size_t index)
{
    return plan->launches[index].is_product;
}

static lam_status append_launch(lam_plan *plan, const plan_launch *launch)
{
    plan_launch *grown =
        realloc(plan->launches, (plan->launch_count + 1) * sizeof *plan->launches);
    if (!grown)
        return lam_fail_memory(plan->engine->context, "a step plan", sizeof *launch);
    plan->launches = grown;
    plan->launches[plan->launch_count++] = *launch;
    return LAM_STATUS_OK;
}

lam_status lam_plan_add_gemm(lam_plan *plan, const lam_blas_gemm *gemm)
{
    return append_launch(plan, &(plan_launch){.entry = "clblast_gemm",
                                              .shape = {gemm->m, gemm->k, gemm->n},
                                              .is_product = true,
                                              .most_slices = 1,
                                              .slices = 1,
                                              .gemm = *gemm});
}

lam_status lam_plan_take_buffer(lam_plan *plan, lam_buffer *buffer)
{
    lam_buffer **grown =
        realloc(plan->buffers, (plan->buffer_count + 1) * sizeof *plan->buffers);
    if (!grown) {
        lam_buffer_destroy(&buffer);
        return lam_fail_memory(plan->engine->context, "a step plan", sizeof buffer);
    }
    plan->buffers = grown;
    plan->buffers[plan->buffer_count++] = buffer;
    return LAM_STATUS_OK;
}

lam_launch_builder lam_launch_begin(const lam_engine *engine, lam_plan *plan,
                                    const char *family, const char *entry,
                                    const lam_define_set *defines)
{
    lam_launch_builder launch = {.plan = plan, .entry = entry, .step_argument = -1};
    launch.status = lam_kernel_store_get(engine->store, family, entry, defines, &launch.kernel);
    return launch;
}

void lam_launch_bind_buffer(lam_launch_builder *launch, const lam_buffer *buffer)
{
    if (launch->status == LAM_STATUS_OK)
        launch->status = lam_kernel_set_buffer(launch->kernel, launch->next_argument++, buffer);
}

void lam_launch_bind_int(lam_launch_builder *launch, size_t value)
{
    if (launch->status != LAM_STATUS_OK)
        return;
    if (value > INT_MAX)
        launch->status = lam_fail(launch->plan->engine->context, LAM_STATUS_NO_MEMORY,
                                  "a dimension of %zu does not fit a kernel's 32-bit integer; "
                                  "use a smaller batch or network",
                                  value);
    else
        launch->status =
            lam_kernel_set_int(launch->kernel, launch->next_argument++, (int32_t)value);
}

void lam_launch_bind_step(lam_launch_builder *launch)
{
    launch->step_argument = launch->next_argument;
    lam_launch_bind_int(launch, 0);
}

lam_status lam_plan_add_launch(lam_launch_builder *launch, const size_t items[3],
                               const size_t local[3])
{
    plan_launch added = {.entry = launch->entry,
                         .kernel = launch->kernel,
                         .is_product = launch->is_product,
                         .slices = 1,
                         .step_argument = launch->step_argument};
    for (int i = 0; i < 3; i++) {
        added.shape[i] = launch->shape[i];
        added.range.local[i] = local[i];
        added.range.global[i] = local[i] ? lam_round_up(items[i], local[i]) : items[i];
    }
    added.most_slices = launch->has_rows ? count_row_groups(&added.range) : 1;
    if (launch->status == LAM_STATUS_OK)
        launch->status = append_launch(launch->plan, &added);
    if (launch->status != LAM_STATUS_OK)
        lam_kernel_destroy(&launch->kernel);
    return launch->status;
}
