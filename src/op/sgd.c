/* SPDX-License-Identifier: Apache-2.0 */
#include "op/sgd.h"

static lam_launch_builder begin(const lam_engine *engine, lam_plan *plan, const char *entry,
                                const lam_weight_gradient *gradient)
{
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "UPDATE", gradient->rates != NULL);
    return lam_launch_begin(engine, plan, "sgd", entry, &defines);
}

lam_status lam_sgd_add_weights(const lam_engine *engine, lam_plan *plan,
                               const lam_weight_gradient *gradient, size_t in, size_t out,
                               size_t members, lam_buffer *w, lam_buffer *dw)
{
    lam_launch_builder launch = begin(engine, plan, "sgd_weights", gradient);
    lam_launch_bind_buffer(&launch, w);
    lam_launch_bind_buffer(&launch, dw);
    lam_launch_bind_buffer(&launch, gradient->rates);
    lam_launch_bind_buffer(&launch, gradient->l2);
    lam_launch_bind_int(&launch, out);
    lam_launch_bind_int(&launch, members);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {members * out, in, 1};
    return lam_plan_add_launch(&launch, items, lam_any_local);
}

lam_status lam_sgd_add_bias(const lam_engine *engine, lam_plan *plan,
                            const lam_weight_gradient *gradient, size_t rows, size_t out,
                            size_t members, const lam_buffer *dy, lam_buffer *b)
{
    lam_launch_builder launch = begin(engine, plan, "sgd_bias", gradient);
    lam_launch_bind_buffer(&launch, b);
    lam_launch_bind_buffer(&launch, gradient->db);
    lam_launch_bind_buffer(&launch, gradient->rates);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_int(&launch, rows);
    lam_launch_bind_int(&launch, out);
    lam_launch_bind_int(&launch, members);
    lam_launch_bind_step(&launch);
    const size_t items[3] = {members * out, 1, 1};
    return lam_plan_add_launch(&launch, items, lam_any_local);
}
