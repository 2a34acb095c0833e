/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "op/activation.h"
#include "op/gather.h"
#include "op/update.h"
#include "support/device_fixture.h"
#include "support/ref_dense.h"
#include "support/ref_update.h"
#include "support/suite.h"

/* rows, width of one member, members */
static const size_t shapes[][3] = {
    {1, 1, 1}, {3, 7, 1}, {16, 64, 1}, {17, 33, 3}, {5, 10, 8}, {2, 129, 3},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof shapes[0], STEP = 2 };

typedef struct elementwise_setup {
    lam_engine *engine;
    lam_plan *plan;
    size_t rows, out, members, width, count;
    double *values, *other; /* [count] each */
} elementwise_setup;

static elementwise_setup set_up(const size_t shape[3])
{
    elementwise_setup s = {.engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO),
                           .rows = shape[0],
                           .out = shape[1],
                           .members = shape[2]};
    s.width = s.out * s.members;
    s.count = s.rows * s.width;
    s.values = test_uniform(s.count, 31);
    s.other = test_uniform(s.count, 32);
    ck_assert_ok(lam_plan_create(s.engine, &s.plan));
    return s;
}

static void run(elementwise_setup *s)
{
    ck_assert_ok(lam_plan_enqueue(s->plan, STEP));
    ck_assert_ok(lam_device_finish(s->engine->device));
}

static void tear_down(elementwise_setup *s)
{
    lam_plan_destroy(&s->plan);
    lam_engine_destroy(&s->engine);
    free(s->values);
    free(s->other);
}

START_TEST(activations_match_double_reference)
{
    lam_activation activation = (lam_activation)(_i % 3);
    elementwise_setup s = set_up(shapes[_i / 3]);
    lam_buffer *y = test_upload(s.engine, s.values, s.count);
    lam_buffer *b = test_upload(s.engine, s.other, s.width);
    lam_buffer *slope_of = test_upload(s.engine, s.values, s.count);
    lam_buffer *dy = test_upload(s.engine, s.other, s.count);
    double *forward = malloc(s.count * sizeof *forward);
    double *backward = malloc(s.count * sizeof *backward);
    ck_assert_ok(
        lam_activation_add_forward(s.engine, s.plan, activation, s.rows, s.width, b, y));
    ck_assert_ok(lam_activation_add_backward(s.engine, s.plan, activation, s.rows, s.width,
                                             slope_of, dy));
    run(&s);
    for (size_t i = 0; i < s.count; i++) {
        forward[i] = ref_activate(activation, s.values[i] + s.other[i % s.width]);
        backward[i] = s.other[i] * ref_activation_slope(activation, s.values[i]);
    }
    test_compare(s.engine, y, forward, NULL, s.count, "y");
    test_compare(s.engine, dy, backward, NULL, s.count, "dy");
    free(forward);
    free(backward);
    lam_buffer_destroy(&y);
    lam_buffer_destroy(&b);
    lam_buffer_destroy(&slope_of);
    lam_buffer_destroy(&dy);
    tear_down(&s);
}
END_TEST

/* The slopes that the references use, against finite differences of the references. */
START_TEST(reference_slopes_match_finite_differences)
{
    const double h = 1e-6;
    for (int activation = LAM_ACTIVATION_NONE; activation <= LAM_ACTIVATION_SIGMOID;
         activation++)
        for (double z = -2.95; z < 3; z += 0.1) {
            lam_activation a = (lam_activation)activation;
            double numeric = (ref_activate(a, z + h) - ref_activate(a, z - h)) / (2 * h);
            ck_assert_double_lt(fabs(numeric - ref_activation_slope(a, ref_activate(a, z))),
                                1e-8);
        }
}
END_TEST

/* The update, or the gradient itself, of weights and biases. */
START_TEST(sgd_matches_double_reference)
{
    bool updates = _i % 2;
    elementwise_setup s = set_up(shapes[_i / 2]);
    double *l2 = test_uniform(s.members, 33), *rates = test_uniform((STEP + 1) * s.members, 34);
    double *b = test_uniform(s.width, 35);
    lam_buffer *l2_buffer = test_upload(s.engine, l2, s.members);
    double *table = ref_make_table(rates, STEP + 1, s.members);
    lam_buffer *table_buffer =
        test_upload(s.engine, table, (STEP + 1) * LAM_STEP_SCALAR_COUNT * s.members);
    lam_buffer *w_buffer = test_upload(s.engine, s.values, s.count);
    lam_buffer *dw = test_upload(s.engine, s.other, s.count);
    lam_buffer *dy = test_upload(s.engine, s.other, s.count);
    lam_buffer *b_buffer = test_upload(s.engine, b, s.width);
    lam_buffer *db = test_output(s.engine, s.width);
    const lam_weight_gradient gradient = {
        .l2 = l2_buffer, .table = updates ? table_buffer : NULL, .dw = dw, .db = db};
    ck_assert_ok(lam_update_add_weights(s.engine, s.plan, &gradient, s.rows, s.out, s.members,
                                        w_buffer, dw));
    ck_assert_ok(lam_update_add_bias(s.engine, s.plan, &gradient, s.rows, s.out, s.members, dy,
                                     b_buffer));
    run(&s);
    double *w_expected = malloc(s.count * sizeof *w_expected);
    double *b_expected = calloc(s.width, sizeof *b_expected);
    double *b_bound = calloc(s.width, sizeof *b_bound);
    for (size_t i = 0; i < s.count; i++) {
        size_t column = i % s.width, member = column / s.out;
        double rate = rates[STEP * s.members + member];
        double g = s.other[i] + 2 * l2[member] * s.values[i];
        w_expected[i] = updates ? s.values[i] - rate * g : g;
        b_expected[column] += updates ? -rate * s.other[i] : s.other[i];
        b_bound[column] += test_epsilon(s.engine) * ((double)s.rows + 4);
    }
    for (size_t j = 0; j < s.width && updates; j++)
        b_expected[j] += b[j];
    test_compare(s.engine, updates ? w_buffer : dw, w_expected, NULL, s.count, "w");
    test_compare(s.engine, updates ? b_buffer : db, b_expected, b_bound, s.width, "b");
    lam_buffer **buffers[] = {&l2_buffer, &table_buffer, &w_buffer, &dw, &dy, &b_buffer, &db};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    free(l2);
    free(rates);
    free(table);
    free(b);
    free(w_expected);
    free(b_expected);
    free(b_bound);
    tear_down(&s);
}
END_TEST

START_TEST(gather_matches_double_reference)
{
    enum { ALL_ROWS = 9 };
    elementwise_setup s = set_up(shapes[_i]);
    size_t in = s.width;
    double *scale = test_uniform(in, 36), *shift = test_uniform(in, 37);
    uint8_t *images = malloc(ALL_ROWS * in);
    int32_t *order = malloc((STEP + 1) * s.rows * sizeof *order);
    double *expected = malloc(s.count * sizeof *expected);
    double *bound = malloc(s.count * sizeof *bound);
    for (size_t i = 0; i < ALL_ROWS * in; i++)
        images[i] = (uint8_t)(i * 37 + 11);
    for (size_t i = 0; i < (STEP + 1) * s.rows; i++)
        order[i] = (int32_t)(i * 5 % ALL_ROWS);
    for (size_t i = 0; i < s.count; i++) {
        size_t k = i % in, row = (size_t)order[STEP * s.rows + i / in];
        expected[i] = images[row * in + k] * scale[k] + shift[k];
        bound[i] = 256 * test_epsilon(s.engine);
    }
    lam_buffer *images_buffer = test_upload_bytes(s.engine, images, ALL_ROWS * in);
    lam_buffer *order_buffer =
        test_upload_bytes(s.engine, order, (STEP + 1) * s.rows * sizeof *order);
    lam_buffer *scale_buffer = test_upload(s.engine, scale, in);
    lam_buffer *shift_buffer = test_upload(s.engine, shift, in);
    lam_buffer *x = test_output(s.engine, s.count);
    const lam_input input = {.images = images_buffer,
                             .order = order_buffer,
                             .scale = scale_buffer,
                             .shift = shift_buffer};
    ck_assert_ok(lam_gather_add(s.engine, s.plan, &input, s.rows, in, x));
    run(&s);
    test_compare(s.engine, x, expected, bound, s.count, "x");
    lam_buffer **buffers[] = {&images_buffer, &order_buffer, &scale_buffer, &shift_buffer, &x};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    free(images);
    free(order);
    free(expected);
    free(bound);
    free(scale);
    free(shift);
    tear_down(&s);
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 120);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_loop(suite, "activation", activations_match_double_reference, 3 * SHAPE_COUNT);
    add_loop(suite, "slopes", reference_slopes_match_finite_differences, 1);
    add_loop(suite, "sgd", sgd_matches_double_reference, 2 * SHAPE_COUNT);
    add_loop(suite, "gather", gather_matches_double_reference, SHAPE_COUNT);
}

LAM_SUITE_MAIN("op_elementwise", add_tests)
