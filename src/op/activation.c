/* SPDX-License-Identifier: Apache-2.0 */
#include "op/activation.h"

/* Both kernels take a matrix to change, one to read, and a width. */
static lam_status add_elementwise(const lam_engine *engine, lam_plan *plan, const char *entry,
                                  lam_activation activation, const size_t shape[2],
                                  const lam_buffer *read, lam_buffer *changed)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "ACTIVATION", (int)activation);
    lam_launch_builder launch = lam_launch_begin(engine, plan, "activation", entry, &defines);
    lam_launch_bind_buffer(&launch, changed);
    lam_launch_bind_buffer(&launch, read);
    lam_launch_bind_int(&launch, shape[1]);
    const size_t items[3] = {shape[1], shape[0], 1};
    return lam_plan_add_launch(&launch, items, lam_any_local);
}

lam_status lam_activation_add_forward(const lam_engine *engine, lam_plan *plan,
                                      lam_activation activation, size_t rows, size_t width,
                                      const lam_buffer *b, lam_buffer *y)
{
    const size_t shape[2] = {rows, width};
    return add_elementwise(engine, plan, "activation_forward", activation, shape, b, y);
}

lam_status lam_activation_add_backward(const lam_engine *engine, lam_plan *plan,
                                       lam_activation activation, size_t rows, size_t width,
                                       const lam_buffer *y, lam_buffer *dy)
{
    const size_t shape[2] = {rows, width};
    return add_elementwise(engine, plan, "activation_backward", activation, shape, y, dy);
}
