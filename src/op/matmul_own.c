/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul_own.h"

#include <assert.h>

#include "base/checked.h"

static const char *get_family(const lam_matmul_variant *variant)
{
    return variant->gemm == LAM_GEMM_TILES ? "matmul_tiles" : "matmul_registers";
}

/* The launch over a matrix of rows x columns results in each group. */
static lam_status add_product(lam_launch_builder *launch, const lam_matmul_variant *variant,
                              size_t rows, size_t columns)
{
    size_t row_groups = lam_divide_up(rows, variant->item_rows) + variant->idle_groups;
    const size_t items[3] = {lam_divide_up(columns, variant->item_columns) * variant->local[0],
                             row_groups * variant->local[1], variant->shape.groups};
    launch->has_rows = true;
    return lam_plan_add_launch(launch, items, variant->local);
}

static void bind_shape(lam_launch_builder *launch, const lam_product_groups *shape)
{
    lam_launch_bind_int(launch, shape->rows);
    lam_launch_bind_int(launch, shape->in);
    lam_launch_bind_int(launch, shape->out);
    lam_launch_bind_int(launch, shape->groups);
    launch->shape[0] = shape->rows;
    launch->shape[1] = shape->in;
    launch->shape[2] = shape->out * shape->groups;
}

lam_status lam_matmul_own_add_forward(const lam_engine *engine, lam_plan *plan,
                                      const lam_matmul_variant *variant, const lam_dense *dense,
                                      lam_buffer *y)
{
    lam_define_set defines = variant->defines;
    lam_define_set_add(&defines, "GATHER", dense->input.x == NULL);
    lam_define_set_add(&defines, "ACTIVATION", (int)dense->activation);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, get_family(variant), "matmul_forward", &defines);
    lam_launch_bind_buffer(&launch, y);
    lam_input_bind(&launch, &dense->input);
    lam_launch_bind_buffer(&launch, dense->w);
    lam_launch_bind_buffer(&launch, dense->b);
    bind_shape(&launch, &variant->shape);
    lam_launch_bind_step(&launch);
    return add_product(&launch, variant, variant->shape.rows, variant->shape.out);
}

lam_status lam_matmul_own_add_backward_input(const lam_engine *engine, lam_plan *plan,
                                             const lam_matmul_variant *variant,
                                             const lam_dense *dense, const lam_buffer *dy,
                                             lam_buffer *dx)
{
    assert(dense->input.x && !dense->shares_input);
    lam_define_set defines = variant->defines;
    lam_define_set_add(&defines, "GATHER", 0);
    lam_define_set_add(&defines, "ACTIVATION", (int)dense->input_activation);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, get_family(variant), "matmul_backward_input", &defines);
    lam_launch_bind_buffer(&launch, dx);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_buffer(&launch, dense->w);
    lam_launch_bind_buffer(&launch, dense->input.x);
    bind_shape(&launch, &variant->shape);
    return add_product(&launch, variant, variant->shape.rows, variant->shape.in);
}

lam_status lam_matmul_own_add_backward_weights(const lam_engine *engine, lam_plan *plan,
                                               const lam_matmul_variant *variant,
                                               const lam_dense *dense, const lam_buffer *dy,
                                               const lam_weight_gradient *gradient)
{
    lam_define_set defines = variant->defines;
    lam_define_set_add(&defines, "GATHER", dense->input.x == NULL);
    lam_define_set_add(&defines, "UPDATE", gradient->rates != NULL);
    lam_launch_builder launch = lam_launch_begin(engine, plan, get_family(variant),
                                                 "matmul_backward_weights", &defines);
    if (gradient->rates) {
        lam_launch_bind_buffer(&launch, dense->w);
        lam_launch_bind_buffer(&launch, dense->b);
        lam_launch_bind_buffer(&launch, gradient->rates);
    } else {
        lam_launch_bind_buffer(&launch, gradient->dw);
        lam_launch_bind_buffer(&launch, gradient->db);
        lam_launch_bind_buffer(&launch, dense->w);
    }
    lam_input_bind(&launch, &dense->input);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_buffer(&launch, gradient->l2);
    bind_shape(&launch, &variant->shape);
    lam_launch_bind_int(&launch, dense->members);
    lam_launch_bind_step(&launch);
    return add_product(&launch, variant, variant->shape.in, variant->shape.out);
}
