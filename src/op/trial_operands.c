/* SPDX-License-Identifier: Apache-2.0 */
#include "op/trial_operands.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Rows are gathered from more bytes than caches hold, as in training. */
#define IMAGE_BYTES ((size_t)16 << 20)

enum { CHECKED_RESULTS = 200, CHECKED_BIASES = 20 };

/* Values that floats hold exactly, and of a size that sums keep. */
static const double rate = 0.25, l2 = 1.0 / 64, pixel_scale = 1.0 / 64, pixel_shift = -2;

typedef enum operand {
    OPERAND_X,
    OPERAND_W,
    OPERAND_B,
    OPERAND_DY,
    OPERAND_IMAGES,
    OPERAND_ORDER,
    OPERAND_POSITIONS,
} operand;

/* Bits that are a function of operand and position, so that nobody has to keep them. Their
 * quality does not matter, only that neighbours differ: Steele and Vigna's mixing, once. */
static uint64_t draw_bits(operand which, size_t position)
{
    uint64_t z = ((uint64_t)position + ((uint64_t)which << 56)) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93;
    return z ^ (z >> 32);
}

/* Multiples of 1/128 in [-1, 1). */
static double draw_real(operand which, size_t position)
{
    return ((double)(draw_bits(which, position) & 255) - 128) / 128;
}

static uint8_t draw_pixel(size_t position)
{
    return (uint8_t)(draw_bits(OPERAND_IMAGES, position / 8) >> (8 * (position % 8)));
}

static size_t draw_image(const lam_trial_operands *o, size_t place)
{
    return (size_t)(draw_bits(OPERAND_ORDER, place) % o->image_count);
}

/* ---- filling ---- */

enum { CHUNK = 65536 };

static lam_status write_reals(const lam_engine *engine, operand which, size_t count,
                              lam_buffer *buffer)
{
    double *values = malloc(CHUNK * sizeof *values);
    if (!values)
        return lam_fail_memory(engine->context, "a trial", CHUNK * sizeof *values);
    lam_status status = LAM_STATUS_OK;
    for (size_t first = 0; first < count && status == LAM_STATUS_OK; first += CHUNK) {
        size_t now = count - first < CHUNK ? count - first : CHUNK;
        for (size_t i = 0; i < now; i++)
            values[i] = draw_real(which, first + i);
        status = lam_engine_write_reals(engine, buffer, first, values, now);
    }
    free(values);
    return status;
}

static lam_status create_reals(const lam_engine *engine, operand which, size_t count,
                               lam_buffer **ret_buffer)
{
    LAM_TRY(lam_engine_create_reals(engine, count, "a trial", ret_buffer));
    return write_reals(engine, which, count, *ret_buffer);
}

static lam_status create_constant(const lam_engine *engine, double value, size_t count,
                                  lam_buffer **ret_buffer)
{
    double *values = malloc(count * sizeof *values);
    if (!values)
        return lam_fail_memory(engine->context, "a trial", count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    lam_status status = lam_engine_create_reals(engine, count, "a trial", ret_buffer);
    if (status == LAM_STATUS_OK)
        status = lam_engine_write_reals(engine, *ret_buffer, 0, values, count);
    free(values);
    return status;
}

/* Plain descent: what other optimizers do behind a product is the same in all its ways. */
static lam_status create_table(const lam_engine *engine, size_t steps, size_t members,
                               lam_buffer **ret_table)
{
    size_t count = steps * LAM_STEP_SCALAR_COUNT * members;
    double *values = calloc(count, sizeof *values);
    if (!values)
        return lam_fail_memory(engine->context, "a trial", count * sizeof *values);
    for (size_t i = 0; i < steps * members; i++)
        values[lam_step_table_find(i / members, LAM_STEP_SCALAR_RATE, i % members, members)] =
            rate;
    lam_status status = lam_engine_create_reals(engine, count, "a trial", ret_table);
    if (status == LAM_STATUS_OK)
        status = lam_engine_write_reals(engine, *ret_table, 0, values, count);
    free(values);
    return status;
}

static lam_status create_images(lam_trial_operands *o)
{
    size_t count = o->image_count * o->dense.in;
    uint8_t *bytes = malloc(count);
    if (!bytes)
        return lam_fail_memory(o->engine->context, "a trial", count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = draw_pixel(i);
    lam_status status = lam_buffer_create(o->engine->device, count, "a trial", &o->images);
    if (status == LAM_STATUS_OK)
        status = lam_buffer_write(o->images, 0, bytes, count);
    free(bytes);
    return status;
}

static lam_status create_order(lam_trial_operands *o)
{
    size_t count = o->steps * o->dense.rows, bytes = count * sizeof(int32_t);
    int32_t *order = malloc(bytes);
    if (!order)
        return lam_fail_memory(o->engine->context, "a trial", bytes);
    for (size_t i = 0; i < count; i++)
        order[i] = (int32_t)draw_image(o, i);
    lam_status status = lam_buffer_create(o->engine->device, bytes, "a trial", &o->order);
    if (status == LAM_STATUS_OK)
        status = lam_buffer_write(o->order, 0, order, bytes);
    free(order);
    return status;
}

static lam_status create_gathered_input(lam_trial_operands *o)
{
    lam_dense *dense = &o->dense;
    o->image_count = IMAGE_BYTES / dense->in + 1;
    o->steps = o->image_count / dense->rows + 1;
    LAM_TRY(create_images(o));
    LAM_TRY(create_order(o));
    LAM_TRY(create_constant(o->engine, pixel_scale, dense->in, &o->scale));
    LAM_TRY(create_constant(o->engine, pixel_shift, dense->in, &o->shift));
    dense->input = (lam_input){
        .images = o->images, .order = o->order, .scale = o->scale, .shift = o->shift};
    return LAM_STATUS_OK;
}

/* Those of step 0, for all steps: what gathers them is no part of the product. */
static lam_status create_panels(lam_trial_operands *o)
{
    const lam_dense *dense = &o->dense;
    lam_plan *plan = NULL;
    lam_status status = LAM_STATUS_OK;
    LAM_TRY(lam_engine_create_reals(o->engine,
                                    lam_gather_count_panel_reals(dense->rows, dense->in),
                                    "a trial", &o->panels));
    LAM_TRY(lam_plan_create(o->engine, &plan));
    LAM_TRY_GOTO(status, lam_gather_add_panels(o->engine, plan, &dense->input, dense->rows,
                                               dense->in, o->panels));
    LAM_TRY_GOTO(status, lam_plan_enqueue(plan, 0));
    LAM_TRY_GOTO(status, lam_device_finish(o->engine->device));
    o->dense.input.panels = o->panels;
fail:
    lam_plan_destroy(&plan);
    return status;
}

static lam_status create_input(lam_trial_operands *o, const lam_input *like)
{
    o->steps = 1;
    if (!like->x) {
        LAM_TRY(create_gathered_input(o));
        return like->panels ? create_panels(o) : LAM_STATUS_OK;
    }
    size_t width = o->dense.in * (o->dense.shares_input ? 1 : o->dense.members);
    LAM_TRY(create_reals(o->engine, OPERAND_X, o->dense.rows * width, &o->x));
    o->dense.input = (lam_input){.x = o->x};
    return LAM_STATUS_OK;
}

static lam_status create_gradient(lam_trial_operands *o, bool updates)
{
    const lam_dense *dense = &o->dense;
    size_t width = dense->members * dense->out;
    LAM_TRY(create_constant(o->engine, l2, dense->members, &o->l2));
    if (updates)
        LAM_TRY(create_table(o->engine, o->steps, dense->members, &o->table));
    else
        LAM_TRY(lam_engine_create_reals(o->engine, dense->in * width, "a trial", &o->dw));
    if (!updates)
        LAM_TRY(lam_engine_create_reals(o->engine, width, "a trial", &o->db));
    o->gradient =
        (lam_weight_gradient){.l2 = o->l2, .table = o->table, .dw = o->dw, .db = o->db};
    return LAM_STATUS_OK;
}

static lam_status fill_operands(lam_trial_operands *o, const lam_product_call *call)
{
    lam_dense *dense = &o->dense;
    size_t width = dense->members * dense->out, rows = dense->rows;
    LAM_TRY(create_input(o, &call->dense->input));
    LAM_TRY(create_reals(o->engine, OPERAND_W, dense->in * width, &o->w));
    LAM_TRY(create_reals(o->engine, OPERAND_B, width, &o->b));
    dense->w = o->w;
    dense->b = o->b;
    o->call = (lam_product_call){.product = call->product, .dense = dense};
    switch (call->product) {
    case LAM_PRODUCT_FORWARD:
        LAM_TRY(lam_engine_create_reals(o->engine, rows * width, "a trial", &o->result));
        break;
    case LAM_PRODUCT_BACKWARD_INPUT:
        LAM_TRY(create_reals(o->engine, OPERAND_DY, rows * width, &o->dy));
        LAM_TRY(lam_engine_create_reals(o->engine, rows * dense->members * dense->in, "a trial",
                                        &o->result));
        break;
    default:
        LAM_TRY(create_reals(o->engine, OPERAND_DY, rows * width, &o->dy));
        LAM_TRY(create_gradient(o, call->gradient->table != NULL));
        o->call.gradient = &o->gradient;
    }
    o->call.dy = o->dy;
    o->call.result = o->result;
    return LAM_STATUS_OK;
}

lam_status lam_trial_operands_create(const lam_engine *engine, const lam_product_call *call,
                                     lam_trial_operands **ret_operands)
{
    lam_trial_operands *operands = calloc(1, sizeof *operands);
    if (!operands)
        return lam_fail_memory(engine->context, "a trial", sizeof *operands);
    operands->engine = engine;
    operands->dense = *call->dense;
    lam_status status = fill_operands(operands, call);
    if (status == LAM_STATUS_OK)
        *ret_operands = operands;
    else
        lam_trial_operands_destroy(&operands);
    return status;
}

void lam_trial_operands_destroy(lam_trial_operands **operands)
{
    lam_trial_operands *o = *operands;
    if (!o)
        return;
    lam_buffer **buffers[] = {&o->x,     &o->panels, &o->images, &o->order, &o->scale,
                              &o->shift, &o->w,      &o->b,      &o->dy,    &o->result,
                              &o->l2,    &o->table,  &o->dw,     &o->db};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    free(o);
    *operands = NULL;
}

lam_status lam_trial_operands_reset(lam_trial_operands *operands)
{
    size_t width = operands->dense.members * operands->dense.out;
    LAM_TRY(write_reals(operands->engine, OPERAND_W, operands->dense.in * width, operands->w));
    return write_reals(operands->engine, OPERAND_B, width, operands->b);
}

/* ---- what results should be ---- */

/* A sum and the size of its terms, from which rounding follows. */
typedef struct expected_sum {
    double value, size;
} expected_sum;

static void add_term(expected_sum *sum, double term)
{
    sum->value += term;
    sum->size += fabs(term);
}

static double get_input(const lam_trial_operands *o, size_t row, size_t member, size_t k)
{
    const lam_dense *dense = &o->dense;
    if (!dense->input.x)
        return draw_pixel(draw_image(o, row) * dense->in + k) * pixel_scale + pixel_shift;
    size_t columns = dense->shares_input ? dense->in : dense->members * dense->in;
    size_t column = dense->shares_input ? k : member * dense->in + k;
    return draw_real(OPERAND_X, row * columns + column);
}

static double get_weight(const lam_trial_operands *o, size_t k, size_t column)
{
    return draw_real(OPERAND_W, k * o->dense.members * o->dense.out + column);
}

static double get_dy(const lam_trial_operands *o, size_t row, size_t column)
{
    return draw_real(OPERAND_DY, row * o->dense.members * o->dense.out + column);
}

static double activate(lam_activation activation, double x)
{
    if (activation == LAM_ACTIVATION_RELU)
        return fmax(x, 0);
    return activation == LAM_ACTIVATION_SIGMOID ? 1 / (1 + exp(-x)) : x;
}

static double get_slope(lam_activation activation, double y)
{
    if (activation == LAM_ACTIVATION_RELU)
        return y > 0;
    return activation == LAM_ACTIVATION_SIGMOID ? y * (1 - y) : 1;
}

static expected_sum expect_forward(const lam_trial_operands *o, size_t row, size_t column)
{
    expected_sum sum = {0};
    for (size_t k = 0; k < o->dense.in; k++)
        add_term(&sum, get_input(o, row, column / o->dense.out, k) * get_weight(o, k, column));
    add_term(&sum, draw_real(OPERAND_B, column));
    sum.value = activate(o->dense.activation, sum.value);
    return sum;
}

static expected_sum expect_backward_input(const lam_trial_operands *o, size_t row,
                                          size_t column)
{
    expected_sum sum = {0};
    size_t member = column / o->dense.in, k = column % o->dense.in;
    for (size_t j = 0; j < o->dense.out; j++) {
        size_t output = member * o->dense.out + j;
        add_term(&sum, get_dy(o, row, output) * get_weight(o, k, output));
    }
    sum.value *= get_slope(o->dense.input_activation, get_input(o, row, member, k));
    return sum;
}

/* The gradient itself, or what an update by it makes of `old`. */
static expected_sum apply_gradient(const lam_trial_operands *o, expected_sum gradient,
                                   double old)
{
    if (o->table)
        gradient.value = old - rate * gradient.value;
    return gradient;
}

static expected_sum expect_backward_weights(const lam_trial_operands *o, size_t k,
                                            size_t column)
{
    expected_sum sum = {0};
    double old = get_weight(o, k, column);
    for (size_t row = 0; row < o->dense.rows; row++)
        add_term(&sum, get_input(o, row, column / o->dense.out, k) * get_dy(o, row, column));
    add_term(&sum, 2 * l2 * old);
    return apply_gradient(o, sum, old);
}

static expected_sum expect_backward_bias(const lam_trial_operands *o, size_t column)
{
    expected_sum sum = {0};
    for (size_t row = 0; row < o->dense.rows; row++)
        add_term(&sum, get_dy(o, row, column));
    return apply_gradient(o, sum, draw_real(OPERAND_B, column));
}

/* ---- comparing ---- */

/* Sixteen roundings of the terms' size: far more than any order of adding makes of them, far
 * less than one term. */
static lam_status compare(const lam_trial_operands *o, const lam_buffer *buffer, size_t place,
                          expected_sum expected)
{
    double computed = 0;
    LAM_TRY(lam_engine_read_reals(o->engine, buffer, place, &computed, 1));
    double epsilon = o->engine->real == LAM_REAL_TYPE_F64 ? DBL_EPSILON : FLT_EPSILON;
    if (fabs(computed - expected.value) <= 16 * epsilon * (1 + expected.size))
        return LAM_STATUS_OK;
    return lam_fail(o->engine->context, LAM_STATUS_CHECK_FAILED,
                    "computes wrongly: result %zu is %.7g, not %.7g", place, computed,
                    expected.value);
}

/* The corners, then the last row and the last column, then anywhere. */
static void choose_position(size_t i, size_t rows, size_t columns, size_t *ret_row,
                            size_t *ret_column)
{
    uint64_t bits = draw_bits(OPERAND_POSITIONS, i);
    size_t row = (size_t)((bits >> 32) % rows),
           column = (size_t)((bits & 0xffffffff) % columns);
    if (i < 4)
        row = i % 2 ? rows - 1 : 0;
    if (i < 4)
        column = i / 2 ? columns - 1 : 0;
    if (i >= 4 && i < 32)
        row = rows - 1;
    if (i >= 32 && i < 60)
        column = columns - 1;
    *ret_row = row;
    *ret_column = column;
}

static lam_status check_biases(const lam_trial_operands *o)
{
    size_t width = o->dense.members * o->dense.out;
    for (size_t i = 0; i < CHECKED_BIASES; i++) {
        size_t column = i == 0 ? width - 1 : (size_t)(draw_bits(OPERAND_POSITIONS, i) % width);
        LAM_TRY(compare(o, o->table ? o->b : o->db, column, expect_backward_bias(o, column)));
    }
    return LAM_STATUS_OK;
}

lam_status lam_trial_operands_check(const lam_trial_operands *o)
{
    static expected_sum (*const expect[])(const lam_trial_operands *, size_t, size_t) = {
        [LAM_PRODUCT_FORWARD] = expect_forward,
        [LAM_PRODUCT_BACKWARD_INPUT] = expect_backward_input,
        [LAM_PRODUCT_BACKWARD_WEIGHTS] = expect_backward_weights};
    const lam_dense *dense = &o->dense;
    bool is_weights = o->call.product == LAM_PRODUCT_BACKWARD_WEIGHTS;
    bool is_input = o->call.product == LAM_PRODUCT_BACKWARD_INPUT;
    size_t rows = is_weights ? dense->in : dense->rows;
    size_t columns = dense->members * (is_input ? dense->in : dense->out);
    const lam_buffer *buffer = is_weights ? (o->table ? o->w : o->dw) : o->result;
    for (size_t i = 0; i < CHECKED_RESULTS; i++) {
        size_t row = 0, column = 0;
        choose_position(i, rows, columns, &row, &column);
        LAM_TRY(compare(o, buffer, row * columns + column,
                        expect[o->call.product](o, row, column)));
    }
    return is_weights ? check_biases(o) : LAM_STATUS_OK;
}
