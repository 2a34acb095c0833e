/* SPDX-License-Identifier: Apache-2.0 */
#include "op/matmul_own.h"

#include <assert.h>

#include "base/checked.h"

static const char *get_family(const lam_matmul_variant *variant)
{
    return variant->gemm == LAM_GEMM_TILES ? "matmul_tiles" : "matmul_registers";
}

static lam_launch_builder begin(const lam_engine *engine, lam_plan *plan,
                                const lam_matmul_variant *variant, const char *entry,
                                const lam_define_set *defines)
{
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, get_family(variant), entry, defines);
    launch.is_product = true;
    return launch;
}

/* The launch over a matrix of rows x columns results in each group. Items of register tiles
 * come in a row, so that a single idle one can go in front. */
static lam_status add_product(lam_launch_builder *launch, const lam_matmul_variant *variant,
                              size_t rows, size_t columns)
{
    size_t row_groups = lam_divide_up(rows, variant->item_rows);
    size_t column_groups = lam_divide_up(columns, variant->item_columns) * variant->parts;
    size_t groups = variant->shape.groups;
    const size_t in_a_row[3] = {1, variant->idle_groups + row_groups * column_groups * groups,
                                1};
    const size_t blocks[3] = {column_groups * variant->local[0], row_groups * variant->local[1],
                              groups};
    launch->has_rows = true;
    return lam_plan_add_launch(launch, variant->gemm == LAM_GEMM_REGISTERS ? in_a_row : blocks,
                               variant->local);
}

/* A result that may come in partial sums, and what a second launch needs to finish it then. */
typedef struct summed_result {
    const char *entry; /* of the second launch */
    const lam_define_set *defines;
    size_t rows, width;
    const lam_buffer *operand; /* biases, or the layer's input */
    lam_buffer *result;
} summed_result;

/* Where the product's launch writes: into the result, or partial sums that the plan owns. */
static lam_status get_target(const lam_engine *engine, lam_plan *plan,
                             const lam_matmul_variant *variant, const summed_result *summed,
                             lam_buffer **ret_target)
{
    lam_buffer *target = summed->result;
    if (variant->parts > 1) {
        LAM_TRY(lam_engine_create_reals(engine, variant->parts * summed->rows * summed->width,
                                        "partial sums of a product", &target));
        LAM_TRY(lam_plan_take_buffer(plan, target));
    }
    *ret_target = target;
    return LAM_STATUS_OK;
}

static lam_status add_sum(const lam_engine *engine, lam_plan *plan,
                          const lam_matmul_variant *variant, const summed_result *summed,
                          const lam_buffer *target)
{
    if (variant->parts == 1)
        return LAM_STATUS_OK;
    lam_launch_builder launch = begin(engine, plan, variant, summed->entry, summed->defines);
    lam_launch_bind_buffer(&launch, summed->result);
    lam_launch_bind_buffer(&launch, target);
    lam_launch_bind_buffer(&launch, summed->operand);
    lam_launch_bind_int(&launch, summed->rows);
    lam_launch_bind_int(&launch, summed->width);
    lam_launch_bind_int(&launch, variant->parts);
    const size_t items[3] = {summed->rows * summed->width, 1, 1};
    const size_t local[3] = {variant->local[0] * variant->local[1], 1, 1};
    return lam_plan_add_launch(&launch, items, local);
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

/* Where a layer's input comes from. Products of several groups that share it say so: their
 * kernels would look for it behind each other's. */
static void add_input_defines(lam_define_set *defines, const lam_matmul_variant *variant,
                              const lam_dense *dense)
{
    bool has_panels = dense->input.panels != NULL;
    lam_define_set_add(defines, "GATHER", !dense->input.x && !has_panels);
    if (has_panels)
        lam_define_set_add(defines, "PANELS", 1);
    else if (dense->input.x && dense->shares_input && variant->shape.groups > 1)
        lam_define_set_add(defines, "SHARED", 1);
}

static void bind_input(lam_launch_builder *launch, const lam_input *input)
{
    if (input->panels)
        lam_launch_bind_buffer(launch, input->panels);
    else
        lam_input_bind(launch, input);
}

lam_status lam_matmul_own_add_forward(const lam_engine *engine, lam_plan *plan,
                                      const lam_matmul_variant *variant, const lam_dense *dense,
                                      lam_buffer *y)
{
    lam_define_set defines = variant->defines;
    add_input_defines(&defines, variant, dense);
    lam_define_set_add(&defines, "ACTIVATION", (int)dense->activation);
    const summed_result summed = {.entry = "matmul_forward_sum",
                                  .defines = &defines,
                                  .rows = dense->rows,
                                  .width = dense->members * dense->out,
                                  .operand = dense->b,
                                  .result = y};
    lam_buffer *target = NULL;
    LAM_TRY(get_target(engine, plan, variant, &summed, &target));
    lam_launch_builder launch = begin(engine, plan, variant, "matmul_forward", &defines);
    lam_launch_bind_buffer(&launch, target);
    bind_input(&launch, &dense->input);
    lam_launch_bind_buffer(&launch, dense->w);
    lam_launch_bind_buffer(&launch, dense->b);
    bind_shape(&launch, &variant->shape);
    lam_launch_bind_step(&launch);
    LAM_TRY(add_product(&launch, variant, variant->shape.rows, variant->shape.out));
    return add_sum(engine, plan, variant, &summed, target);
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
    const summed_result summed = {.entry = "matmul_backward_input_sum",
                                  .defines = &defines,
                                  .rows = dense->rows,
                                  .width = dense->members * dense->in,
                                  .operand = dense->input.x,
                                  .result = dx};
    lam_buffer *target = NULL;
    LAM_TRY(get_target(engine, plan, variant, &summed, &target));
    lam_launch_builder launch = begin(engine, plan, variant, "matmul_backward_input", &defines);
    lam_launch_bind_buffer(&launch, target);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_buffer(&launch, dense->w);
    lam_launch_bind_buffer(&launch, dense->input.x);
    bind_shape(&launch, &variant->shape);
    LAM_TRY(add_product(&launch, variant, variant->shape.rows, variant->shape.in));
    return add_sum(engine, plan, variant, &summed, target);
}

lam_status lam_matmul_own_add_backward_weights(const lam_engine *engine, lam_plan *plan,
                                               const lam_matmul_variant *variant,
                                               const lam_dense *dense, const lam_buffer *dy,
                                               const lam_weight_gradient *gradient)
{
    lam_define_set defines = variant->defines;
    add_input_defines(&defines, variant, dense);
    lam_define_set_add(&defines, "UPDATE",
                       lam_update_get_define(gradient->table, gradient->optimizer));
    lam_launch_builder launch =
        begin(engine, plan, variant, "matmul_backward_weights", &defines);
    if (gradient->table) {
        lam_launch_bind_buffer(&launch, dense->w);
        lam_launch_bind_buffer(&launch, dense->b);
        lam_launch_bind_buffer(&launch, gradient->w_states);
        lam_launch_bind_buffer(&launch, gradient->b_states);
        lam_launch_bind_buffer(&launch, gradient->table);
    } else {
        lam_launch_bind_buffer(&launch, gradient->dw);
        lam_launch_bind_buffer(&launch, gradient->db);
        lam_launch_bind_buffer(&launch, dense->w);
    }
    bind_input(&launch, &dense->input);
    lam_launch_bind_buffer(&launch, dy);
    lam_launch_bind_buffer(&launch, gradient->l2);
    bind_shape(&launch, &variant->shape);
    lam_launch_bind_int(&launch, dense->members);
    lam_launch_bind_step(&launch);
    return add_product(&launch, variant, variant->shape.in, variant->shape.out);
}
