/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "op/small_layers.h"
#include "support/device_fixture.h"
#include "support/ref_dense.h"
#include "support/ref_update.h"
#include "support/suite.h"

enum { MAX_LAYERS = LAM_MAX_SMALL_LAYERS, STEP = 1 };

/* The case table: odd widths, 1, and neighbours of every vector and tile. */
typedef struct row_case {
    size_t rows, members;
    int count;
    size_t widths[MAX_LAYERS + 1];
    lam_activation activations[MAX_LAYERS], input_activation;
} row_case;

#define NONE LAM_ACTIVATION_NONE
#define RELU LAM_ACTIVATION_RELU
#define SIGMOID LAM_ACTIVATION_SIGMOID

static const row_case cases[] = {
    {1, 1, 2, {1, 1, 1}, {RELU, NONE}, NONE},
    {7, 1, 2, {50, 30, 10}, {RELU, NONE}, RELU},
    {9, 3, 3, {5, 17, 3, 10}, {SIGMOID, RELU, NONE}, SIGMOID},
    {16, 2, 4, {64, 16, 33, 15, 2}, {NONE, SIGMOID, RELU, NONE}, RELU},
    {20,
     1,
     8,
     {30, 20, 20, 10, 10, 10, 10, 10, 10},
     {RELU, RELU, RELU, SIGMOID, RELU, RELU, RELU, NONE},
     RELU},
};

/* One layer on the host in double and on the device. */
typedef struct host_layer {
    double *w, *b, *y, *dy;
    double *y_bound, *dy_bound;
    lam_buffer *dw, *db;
    ref_dense ref;
} host_layer;

typedef struct row_setup {
    const row_case *which;
    lam_engine *engine;
    lam_plan *plan;
    host_layer host[MAX_LAYERS];
    lam_small_layer layers[MAX_LAYERS];
    double *x, *dx, *dx_bound, *l2, *rates;
    lam_buffer *x_buffer, *dx_buffer, *l2_buffer, *table_buffer;
} row_setup;

static double *allocate(size_t count)
{
    double *values = calloc(count, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

/* The bound of a layer's result grows with the errors of what it was computed from: inputs are
 * at most about 1 and the rows short, so a factor for each layer before does. */
static void widen(const row_setup *s, double *bound, size_t count, size_t terms, int layers)
{
    for (size_t i = 0; i < count; i++)
        bound[i] = 8.0 * (layers + 1) * ((double)terms + 8) * test_epsilon(s->engine) *
                   (bound[i] + 1e-2);
}

/* Signs of ReLU gradients follow the values: they are read back from the device, so that a
 * value next to 0 cannot fall on the other side. */
static void set_up_layer(row_setup *s, int n)
{
    const row_case *c = s->which;
    host_layer *h = &s->host[n];
    lam_small_layer *l = &s->layers[n];
    size_t in = c->widths[n], out = c->widths[n + 1], width = c->members * out;
    h->w = test_uniform(in * width, 10 * (uint32_t)n + 1);
    h->b = test_uniform(width, 10 * (uint32_t)n + 2);
    h->y = allocate(c->rows * width);
    h->y_bound = allocate(c->rows * width);
    h->dy = test_uniform(c->rows * width, 10 * (uint32_t)n + 3);
    h->dy_bound = allocate(c->rows * width);
    h->ref = (ref_dense){c->rows, in,  out, c->members, false, n > 0 ? s->host[n - 1].y : s->x,
                         h->w,    h->b};
    h->dw = test_output(s->engine, in * width);
    h->db = test_output(s->engine, width);
    l->dense =
        (lam_dense){.rows = c->rows,
                    .in = in,
                    .out = out,
                    .members = c->members,
                    .activation = c->activations[n],
                    .input_activation = n > 0 ? c->activations[n - 1] : c->input_activation,
                    .w = test_upload(s->engine, h->w, in * width),
                    .b = test_upload(s->engine, h->b, width)};
    l->dense.input.x = n > 0 ? s->layers[n - 1].y : s->x_buffer;
    l->y = test_output(s->engine, c->rows * width);
    l->dy = n == c->count - 1 ? test_upload(s->engine, h->dy, c->rows * width)
                              : test_output(s->engine, c->rows * width);
}

static row_setup set_up(const row_case *c, lam_real_type real, lam_gemm gemm, bool updates)
{
    row_setup s = {.which = c, .engine = test_engine(real, gemm)};
    size_t x_count = c->rows * c->members * c->widths[0];
    s.x = test_uniform(x_count, 5);
    s.dx = allocate(x_count);
    s.dx_bound = allocate(x_count);
    s.l2 = test_uniform(c->members, 6);
    s.rates = test_uniform((STEP + 1) * c->members, 7);
    s.x_buffer = test_upload(s.engine, s.x, x_count);
    s.dx_buffer = test_output(s.engine, x_count);
    s.l2_buffer = test_upload(s.engine, s.l2, c->members);
    double *table = ref_make_table(s.rates, STEP + 1, c->members);
    s.table_buffer =
        test_upload(s.engine, table, (STEP + 1) * LAM_STEP_SCALAR_COUNT * c->members);
    free(table);
    ck_assert_ok(lam_plan_create(s.engine, &s.plan));
    for (int n = 0; n < c->count; n++) {
        set_up_layer(&s, n);
        s.layers[n].gradient =
            updates ? (lam_weight_gradient){.l2 = s.l2_buffer, .table = s.table_buffer}
                    : (lam_weight_gradient){
                          .l2 = s.l2_buffer, .dw = s.host[n].dw, .db = s.host[n].db};
    }
    return s;
}

static void tear_down(row_setup *s)
{
    for (int n = 0; n < s->which->count; n++) {
        host_layer *h = &s->host[n];
        double *arrays[] = {h->w, h->b, h->y, h->dy, h->y_bound, h->dy_bound};
        for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
            free(arrays[i]);
        lam_small_layer *l = &s->layers[n];
        lam_buffer **buffers[] = {&l->dense.w, &l->dense.b, &l->y, &l->dy, &h->dw, &h->db};
        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
            lam_buffer_destroy(buffers[i]);
    }
    double *arrays[] = {s->x, s->dx, s->dx_bound, s->l2, s->rates};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
    lam_buffer **buffers[] = {&s->x_buffer, &s->dx_buffer, &s->l2_buffer, &s->table_buffer};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    lam_plan_destroy(&s->plan);
    lam_engine_destroy(&s->engine);
}

static void check_forward(row_setup *s)
{
    for (int n = 0; n < s->which->count; n++) {
        host_layer *h = &s->host[n];
        size_t count = h->ref.rows * h->ref.members * h->ref.out;
        ref_dense_forward(&h->ref, s->which->activations[n], h->y, h->y_bound);
        widen(s, h->y_bound, count, h->ref.in, n);
        test_compare(s->engine, s->layers[n].y, h->y, h->y_bound, count, "y");
        ck_assert_ok(lam_engine_read_reals(s->engine, s->layers[n].y, 0, h->y, count));
    }
}

static void check_backward_input(row_setup *s)
{
    for (int n = s->which->count - 1; n >= 0; n--) {
        host_layer *h = &s->host[n];
        size_t count = h->ref.rows * h->ref.members * h->ref.in;
        double *dx = n > 0 ? s->host[n - 1].dy : s->dx;
        double *bound = n > 0 ? s->host[n - 1].dy_bound : s->dx_bound;
        const lam_buffer *result = n > 0 ? s->layers[n - 1].dy : s->dx_buffer;
        ref_dense_backward_input(&h->ref, s->layers[n].dense.input_activation, h->dy, dx,
                                 bound);
        widen(s, bound, count, h->ref.out, s->which->count - n);
        test_compare(s->engine, result, dx, bound, count, "dx");
        ck_assert_ok(lam_engine_read_reals(s->engine, result, 0, dx, count));
    }
}

static void check_backward_weights(row_setup *s, int n, bool updates)
{
    host_layer *h = &s->host[n];
    size_t width = h->ref.members * h->ref.out, count = h->ref.in * width;
    double *dw = allocate(count), *dw_bound = allocate(count);
    double *db = allocate(width), *db_bound = allocate(width);
    ref_dense_backward_weights(&h->ref, h->dy, s->l2, dw, db, dw_bound, db_bound);
    widen(s, dw_bound, count, h->ref.rows, 0);
    widen(s, db_bound, width, h->ref.rows, 0);
    const double *rates = s->rates + STEP * h->ref.members;
    for (size_t i = 0; i < count && updates; i++)
        dw[i] = h->w[i] - rates[i % width / h->ref.out] * dw[i];
    for (size_t i = 0; i < width && updates; i++)
        db[i] = h->b[i] - rates[i / h->ref.out] * db[i];
    const lam_dense *dense = &s->layers[n].dense;
    test_compare(s->engine, updates ? dense->w : h->dw, dw, dw_bound, count, "dw");
    test_compare(s->engine, updates ? dense->b : h->db, db, db_bound, width, "db");
    double *arrays[] = {dw, dw_bound, db, db_bound};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

/* One loop test: index = case * 4 + engine * 2 + update or not. */
START_TEST(rows_of_layers_match_double_reference)
{
    const row_case *c = &cases[_i / 4];
    lam_gemm gemm = _i / 2 % 2 ? LAM_GEMM_TILES : LAM_GEMM_REGISTERS;
    bool updates = _i % 2;
    lam_real_type real = LAM_REAL_TYPE_F32;
    if (updates && lam_device_get_info(test_device())->has_fp64)
        real = LAM_REAL_TYPE_F64;
    row_setup s = set_up(c, real, gemm, updates);
    ck_assert_ok(lam_small_layers_add_forward(s.engine, s.plan, s.layers, c->count));
    ck_assert_ok(
        lam_small_layers_add_backward_input(s.engine, s.plan, s.layers, c->count, s.dx_buffer));
    ck_assert_ok(lam_small_layers_add_backward_weights(s.engine, s.plan, s.layers, c->count));
    ck_assert_ok(lam_plan_enqueue(s.plan, STEP));
    ck_assert_ok(lam_device_finish(s.engine->device));
    check_forward(&s);
    check_backward_input(&s);
    for (int n = 0; n < c->count; n++)
        check_backward_weights(&s, n, updates);
    tear_down(&s);
}
END_TEST

START_TEST(only_small_layers_fit)
{
    lam_engine *automatic = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO);
    lam_engine *forced = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_REGISTERS);
    ck_assert(lam_small_layers_fit(automatic, 100, 50, 10));
    ck_assert(!lam_small_layers_fit(automatic, 100, 50, 50));
    ck_assert(!lam_small_layers_fit(automatic, 10, LAM_MAX_SMALL_WIDTH + 1, 10));
    ck_assert(!lam_small_layers_fit(forced, 100, 50, 10));
    lam_engine_destroy(&automatic);
    lam_engine_destroy(&forced);
}
END_TEST

static void add_tests(Suite *suite)
{
    TCase *table = tcase_create("case table");
    tcase_set_timeout(table, 120);
    tcase_add_loop_test(table, rows_of_layers_match_double_reference, 0,
                        4 * (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(table, only_small_layers_fit);
    suite_add_tcase(suite, table);
}

LAM_SUITE_MAIN("op_small_layers", add_tests)
