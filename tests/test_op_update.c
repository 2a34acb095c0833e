/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/small_layers.h"
#include "support/device_fixture.h"
#include "support/ref_dense.h"
#include "support/ref_update.h"
#include "support/suite.h"
#include "train/step_scalars.h"

enum { LAYERS = 2, STEPS = 10, OPTIMIZER_COUNT = LAM_OPTIMIZER_ADAMW + 1 };

/* Two layers, whose gradients every kernel that updates weights can take: with and without
 * columns past full vectors, 1, and neighbours of tiles. */
typedef struct update_case {
    size_t rows, widths[LAYERS + 1], members;
} update_case;

static const update_case cases[] = {
    {9, {37, 50, 10}, 3}, {5, {3, 1, 7}, 2}, {21, {19, 64, 17}, 4}};
enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

/* Who makes the gradients; CLBlast leaves the update to a kernel of its own. */
typedef struct update_path {
    lam_gemm gemm;
    bool fuses_layers;
} update_path;

static const update_path paths[] = {{LAM_GEMM_REGISTERS, false},
                                    {LAM_GEMM_TILES, false},
                                    {LAM_GEMM_REGISTERS, true},
                                    {LAM_GEMM_TILES, true},
                                    {LAM_GEMM_CLBLAST, false}};
enum { PATH_COUNT = sizeof paths / sizeof paths[0], OWN_PATH_COUNT = PATH_COUNT - 1 };

/* Members differ in all their numbers. The epsilon is large, so that rounding errors of small
 * gradients do not decide over the sign of a step. */
static lam_optimizer get_optimizer(lam_optimizer_type type, size_t member)
{
    double p = (double)member;
    return (lam_optimizer){.type = type,
                           .momentum = 0.9 - 0.1 * p,
                           .beta1 = 0.85 - 0.05 * p,
                           .beta2 = 0.98 - 0.01 * p,
                           .epsilon = 0.1 + 0.05 * p,
                           .weight_decay = 0.3 + 0.1 * p};
}

/* ---- one layer on the host in double and on the device ---- */

typedef struct host_layer {
    size_t in, out, w_count, b_count; /* of all members that are run */
    double *x, *dy[STEPS], *w, *b, *w_states, *b_states;
    lam_buffer *x_buffer, *dy_buffer;
    lam_dense dense;
    lam_weight_gradient gradient;
} host_layer;

typedef struct update_setup {
    const update_case *which;
    size_t first, members; /* of the case's members */
    lam_optimizer_type type;
    lam_engine *engine;
    lam_plan *plan;
    double *l2, *table;
    lam_buffer *l2_buffer, *table_buffer;
    host_layer layers[LAYERS];
} update_setup;

/* The columns of the members that are run, from random numbers for all of the case. */
static double *draw(const update_setup *s, size_t rows, size_t width, uint32_t seed)
{
    size_t all = s->which->members;
    double *values = test_uniform(rows * all * width, seed);
    for (size_t i = 0; i < rows; i++)
        memmove(values + i * s->members * width, values + (i * all + s->first) * width,
                s->members * width * sizeof *values);
    return values;
}

static void set_up_layer(update_setup *s, int n)
{
    host_layer *h = &s->layers[n];
    const lam_engine *e = s->engine;
    uint32_t seed = 100 * (uint32_t)(n + 1);
    size_t rows = s->which->rows, in = s->which->widths[n], out = s->which->widths[n + 1];
    *h = (host_layer){.in = in,
                      .out = out,
                      .w_count = in * s->members * out,
                      .b_count = s->members * out,
                      .x = draw(s, rows, in, seed),
                      .w = draw(s, in, out, seed + 1),
                      .b = draw(s, 1, out, seed + 2)};
    for (int step = 0; step < STEPS; step++)
        h->dy[step] = draw(s, rows, out, seed + 3 + (uint32_t)step);
    h->w_states = calloc(LAM_MAX_OPTIMIZER_STATES * h->w_count, sizeof(double));
    h->b_states = calloc(LAM_MAX_OPTIMIZER_STATES * h->b_count, sizeof(double));
    h->x_buffer = test_upload(e, h->x, rows * s->members * in);
    h->dy_buffer = test_upload(e, h->dy[0], rows * h->b_count);
    h->dense = (lam_dense){.rows = rows,
                           .in = in,
                           .out = out,
                           .members = s->members,
                           .input = {.x = h->x_buffer},
                           .w = test_upload(e, h->w, h->w_count),
                           .b = test_upload(e, h->b, h->b_count)};
    h->gradient = (lam_weight_gradient){
        .l2 = s->l2_buffer, .table = s->table_buffer, .optimizer = s->type};
    size_t states = lam_optimizer_count_states(s->type);
    if (states > 0) {
        h->gradient.w_states = test_upload(e, h->w_states, states * h->w_count);
        h->gradient.b_states = test_upload(e, h->b_states, states * h->b_count);
    }
}

static void add_launches(update_setup *s, bool fuses_layers)
{
    lam_small_layer row[LAYERS] = {{.y = NULL}};
    for (int n = 0; n < LAYERS; n++) {
        host_layer *h = &s->layers[n];
        row[n] =
            (lam_small_layer){.dense = h->dense, .dy = h->dy_buffer, .gradient = h->gradient};
        if (!fuses_layers)
            ck_assert_ok(lam_matmul_add_backward_weights(s->engine, s->plan, &h->dense,
                                                         h->dy_buffer, &h->gradient));
    }
    if (fuses_layers)
        ck_assert_ok(lam_small_layers_add_backward_weights(s->engine, s->plan, row, LAYERS));
}

/* Members `first` .. of the case; `works` false for a table of zeros. */
static update_setup set_up(const update_case *c, lam_real_type real, update_path path,
                           lam_optimizer_type type, size_t first, size_t members, bool works)
{
    update_setup s = {.which = c,
                      .first = first,
                      .members = members,
                      .type = type,
                      .engine = test_engine(real, path.gemm)};
    s.engine->tuner = NULL;
    s.l2 = draw(&s, 1, 1, 7);
    s.table = calloc(STEPS * LAM_STEP_SCALAR_COUNT * members, sizeof *s.table);
    for (size_t i = 0; i < STEPS * members && works; i++) {
        size_t step = i / members, member = first + i % members;
        const lam_optimizer optimizer = get_optimizer(type, member);
        lam_step_scalars_fill(s.table + step * LAM_STEP_SCALAR_COUNT * members, i % members,
                              members, &optimizer, 0.02 + 0.01 * (double)(member + step),
                              (int64_t)step);
    }
    s.l2_buffer = test_upload(s.engine, s.l2, members);
    s.table_buffer = test_upload(s.engine, s.table, STEPS * LAM_STEP_SCALAR_COUNT * members);
    ck_assert_ok(lam_plan_create(s.engine, &s.plan));
    for (int n = 0; n < LAYERS; n++)
        set_up_layer(&s, n);
    add_launches(&s, path.fuses_layers);
    return s;
}

static void tear_down(update_setup *s)
{
    for (int n = 0; n < LAYERS; n++) {
        host_layer *h = &s->layers[n];
        double *arrays[] = {h->x, h->w, h->b, h->w_states, h->b_states};
        for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
            free(arrays[i]);
        for (int step = 0; step < STEPS; step++)
            free(h->dy[step]);
        lam_buffer **buffers[] = {&h->x_buffer, &h->dy_buffer,         &h->dense.w,
                                  &h->dense.b,  &h->gradient.w_states, &h->gradient.b_states};
        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
            lam_buffer_destroy(buffers[i]);
    }
    lam_buffer_destroy(&s->l2_buffer);
    lam_buffer_destroy(&s->table_buffer);
    free(s->l2);
    free(s->table);
    lam_plan_destroy(&s->plan);
    lam_engine_destroy(&s->engine);
}

/* LAM_TEST_QUICK is set where kernels run in a slow simulator, which watches their accesses:
 * the second step's are those of all others. */
static int count_steps(void)
{
    return getenv("LAM_TEST_QUICK") ? 2 : STEPS;
}

static void run_steps(update_setup *s)
{
    for (int step = 0; step < count_steps(); step++) {
        for (int n = 0; n < LAYERS; n++)
            ck_assert_ok(lam_engine_write_reals(s->engine, s->layers[n].dy_buffer, 0,
                                                s->layers[n].dy[step],
                                                s->which->rows * s->layers[n].b_count));
        ck_assert_ok(lam_plan_enqueue(s->plan, step));
        ck_assert_ok(lam_device_finish(s->engine->device));
    }
}

/* ---- the same in double ---- */

/* `values` and `states` of rows x members*out parameters after a step with the gradients. */
static void update_reference(const update_setup *s, size_t out, size_t count, size_t step,
                             bool decays, const double *gradients, double *values,
                             double *states)
{
    for (size_t i = 0; i < count; i++) {
        double scalars[LAM_STEP_SCALAR_COUNT], state[2] = {states[i], states[count + i]};
        for (size_t which = 0; which < LAM_STEP_SCALAR_COUNT; which++)
            scalars[which] = s->table[lam_step_table_find(step, (lam_step_scalar)which,
                                                          i / out % s->members, s->members)];
        values[i] = ref_update(s->type, scalars, decays, values[i], gradients[i], state);
        states[i] = state[0];
        states[count + i] = state[1];
    }
}

static void run_reference(update_setup *s, int n)
{
    host_layer *h = &s->layers[n];
    double *dw = malloc(2 * (h->w_count + h->b_count) * sizeof *dw);
    ck_assert_ptr_nonnull(dw);
    double *db = dw + h->w_count, *sizes = db + h->b_count;
    const ref_dense dense = {s->which->rows, h->in, h->out, s->members,
                             false,          h->x,  h->w,   h->b};
    for (size_t step = 0; step < (size_t)count_steps(); step++) {
        ref_dense_backward_weights(&dense, h->dy[step], s->l2, dw, db, sizes,
                                   sizes + h->w_count);
        update_reference(s, h->out, h->w_count, step, true, dw, h->w, h->w_states);
        update_reference(s, h->out, h->b_count, step, false, db, h->b, h->b_states);
    }
    free(dw);
}

static void compare(const lam_engine *engine, const lam_buffer *buffer, const double *expected,
                    size_t count, const char *what)
{
    double *tolerance = malloc(count * sizeof *tolerance);
    ck_assert_ptr_nonnull(tolerance);
    for (size_t i = 0; i < count; i++)
        tolerance[i] = 200 * test_epsilon(engine) * (1 + fabs(expected[i]));
    test_compare(engine, buffer, expected, tolerance, count, what);
    free(tolerance);
}

static void check_layer(const update_setup *s, int n)
{
    const host_layer *h = &s->layers[n];
    size_t states = lam_optimizer_count_states(s->type);
    compare(s->engine, h->dense.w, h->w, h->w_count, "w");
    compare(s->engine, h->dense.b, h->b, h->b_count, "b");
    if (states == 0)
        return;
    compare(s->engine, h->gradient.w_states, h->w_states, states * h->w_count, "states of w");
    compare(s->engine, h->gradient.b_states, h->b_states, states * h->b_count, "states of b");
}

static bool skips(update_path path, lam_real_type real)
{
    return (real == LAM_REAL_TYPE_F64 && !lam_device_get_info(test_device())->has_fp64) ||
           (path.gemm == LAM_GEMM_CLBLAST && getenv("LAM_TEST_QUICK"));
}

/* Which kernels run depends on the shape's tails, the precision and the optimizer. The
 * optimizers meet the first case in float and the second in double; the last is for the one
 * that has most numbers. */
static bool is_redundant(int number, lam_optimizer_type type)
{
    return number > 1 && (type != LAM_OPTIMIZER_ADAMW || getenv("LAM_TEST_QUICK"));
}

/* One loop test: index = ((optimizer * cases + case) * paths + path). */
START_TEST(ten_steps_match_double_reference)
{
    const update_path path = paths[_i % PATH_COUNT];
    int number = _i / PATH_COUNT % CASE_COUNT;
    lam_optimizer_type type = (lam_optimizer_type)(_i / PATH_COUNT / CASE_COUNT);
    lam_real_type real = number % 2 ? LAM_REAL_TYPE_F64 : LAM_REAL_TYPE_F32;
    if (skips(path, real) || is_redundant(number, type))
        return;
    update_setup s = set_up(&cases[number], real, path, type, 0, cases[number].members, true);
    run_steps(&s);
    for (int n = 0; n < LAYERS; n++) {
        run_reference(&s, n);
        check_layer(&s, n);
    }
    tear_down(&s);
}
END_TEST

/* ---- members ---- */

/* `rows` rows of a tensor: the member's columns in the crowd against its own. */
static void expect_same_bits(const update_setup *crowd, const lam_buffer *in_crowd,
                             const lam_buffer *alone, size_t rows, size_t width, size_t member)
{
    size_t stride = crowd->members * width;
    double *all = malloc(rows * stride * sizeof *all),
           *own = malloc(rows * width * sizeof *own);
    ck_assert(all && own);
    ck_assert_ok(lam_engine_read_reals(crowd->engine, in_crowd, 0, all, rows * stride));
    ck_assert_ok(lam_engine_read_reals(crowd->engine, alone, 0, own, rows * width));
    for (size_t i = 0; i < rows; i++)
        ck_assert_mem_eq(all + i * stride + member * width, own + i * width,
                         width * sizeof *own);
    free(all);
    free(own);
}

static void check_member(const update_setup *crowd, const update_setup *alone, size_t member)
{
    size_t states = lam_optimizer_count_states(crowd->type);
    for (int n = 0; n < LAYERS; n++) {
        const host_layer *c = &crowd->layers[n], *a = &alone->layers[n];
        expect_same_bits(crowd, c->dense.w, a->dense.w, c->in, c->out, member);
        expect_same_bits(crowd, c->dense.b, a->dense.b, 1, c->out, member);
        if (states == 0)
            continue;
        expect_same_bits(crowd, c->gradient.w_states, a->gradient.w_states, states * c->in,
                         c->out, member);
        expect_same_bits(crowd, c->gradient.b_states, a->gradient.b_states, states, c->out,
                         member);
    }
}

/* Quick: kernels that ran above, with other numbers. */
static bool is_quick_repeat(lam_optimizer_type type)
{
    return type != LAM_OPTIMIZER_ADAMW && getenv("LAM_TEST_QUICK");
}

/* index = optimizer * own paths + path */
START_TEST(member_has_same_bits_alone_and_in_crowd)
{
    const update_case *c = &cases[0];
    const update_path path = paths[_i % OWN_PATH_COUNT];
    lam_optimizer_type type = (lam_optimizer_type)(_i / OWN_PATH_COUNT);
    if (is_quick_repeat(type))
        return;
    update_setup crowd = set_up(c, LAM_REAL_TYPE_F32, path, type, 0, c->members, true);
    run_steps(&crowd);
    for (size_t member = 0; member < c->members; member++) {
        update_setup alone = set_up(c, LAM_REAL_TYPE_F32, path, type, member, 1, true);
        run_steps(&alone);
        check_member(&crowd, &alone, member);
        tear_down(&alone);
    }
    tear_down(&crowd);
}
END_TEST

/* index = optimizer * paths + path */
START_TEST(table_of_zeros_changes_no_parameter)
{
    const update_case *c = &cases[0];
    const update_path path = paths[_i % PATH_COUNT];
    lam_optimizer_type type = (lam_optimizer_type)(_i / PATH_COUNT);
    if (skips(path, LAM_REAL_TYPE_F32) || is_quick_repeat(type))
        return;
    update_setup s = set_up(c, LAM_REAL_TYPE_F32, path, type, 0, c->members, false);
    double none = 0;
    run_steps(&s);
    for (int n = 0; n < LAYERS; n++) {
        host_layer *h = &s.layers[n];
        double *exact = calloc(h->w_count, sizeof *exact);
        ck_assert_ptr_nonnull(exact);
        test_compare(s.engine, h->dense.w, h->w, exact, h->w_count, "w");
        test_compare(s.engine, h->dense.b, h->b, exact, h->b_count, "b");
        none += fabs(h->w[0]);
        free(exact);
    }
    ck_assert_double_gt(none, 0);
    tear_down(&s);
}
END_TEST

/* ---- clipping ---- */

enum { CLIP_MEMBERS = 4, CLIP_TENSORS = 3 };
static const size_t clip_rows[CLIP_TENSORS] = {131, 1, 64};
static const size_t clip_widths[CLIP_TENSORS] = {7, 7, 50};

/* Tensors of ones with random gradients, updated once by plain descent with the rate 1. */
typedef struct clip_setup {
    lam_engine *engine;
    double *gradients[CLIP_TENSORS], *values[CLIP_TENSORS], norm[CLIP_MEMBERS];
    lam_clipped_tensor tensors[CLIP_TENSORS];
    lam_buffer *buffers[2 * CLIP_TENSORS];
} clip_setup;

static size_t count_clipped(int tensor)
{
    return clip_rows[tensor] * CLIP_MEMBERS * clip_widths[tensor];
}

static clip_setup set_up_clipping(lam_real_type real)
{
    clip_setup s = {.engine = test_engine(real, LAM_GEMM_AUTO)};
    for (int t = 0; t < CLIP_TENSORS; t++) {
        size_t count = count_clipped(t);
        s.gradients[t] = test_uniform(count, 50 + (uint32_t)t);
        s.values[t] = test_uniform(count, 60 + (uint32_t)t);
        for (size_t i = 0; i < count; i++)
            s.norm[i / clip_widths[t] % CLIP_MEMBERS] += s.gradients[t][i] * s.gradients[t][i];
    }
    for (int p = 0; p < CLIP_MEMBERS; p++)
        s.norm[p] = sqrt(s.norm[p]);
    return s;
}

/* One step with bounds clip_norm[CLIP_MEMBERS]. */
static void run_clipping(clip_setup *s, const double *clip_norm)
{
    const lam_engine *e = s->engine;
    static const double ones[CLIP_MEMBERS] = {1, 1, 1, 1};
    lam_plan *plan = NULL;
    double *table = ref_make_table(ones, 1, CLIP_MEMBERS);
    lam_buffer *table_buffer = test_upload(e, table, LAM_STEP_SCALAR_COUNT * CLIP_MEMBERS);
    lam_buffer *clip_buffer = test_upload(e, clip_norm, CLIP_MEMBERS);
    for (int t = 0; t < CLIP_TENSORS; t++) {
        s->buffers[2 * t] = test_upload(e, s->values[t], count_clipped(t));
        s->buffers[2 * t + 1] = test_upload(e, s->gradients[t], count_clipped(t));
        s->tensors[t] = (lam_clipped_tensor){.rows = clip_rows[t],
                                             .width = clip_widths[t],
                                             .members = CLIP_MEMBERS,
                                             .values = s->buffers[2 * t],
                                             .gradients = s->buffers[2 * t + 1]};
    }
    ck_assert_ok(lam_plan_create(e, &plan));
    ck_assert_ok(lam_update_add_clipped(e, plan, s->tensors, CLIP_TENSORS, table_buffer,
                                        LAM_OPTIMIZER_SGD, clip_buffer));
    ck_assert_ok(lam_plan_enqueue(plan, 0));
    ck_assert_ok(lam_device_finish(e->device));
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&table_buffer);
    lam_buffer_destroy(&clip_buffer);
    free(table);
}

static void tear_down_clipping(clip_setup *s)
{
    for (int t = 0; t < CLIP_TENSORS; t++) {
        lam_buffer_destroy(&s->buffers[2 * t]);
        lam_buffer_destroy(&s->buffers[2 * t + 1]);
        free(s->gradients[t]);
        free(s->values[t]);
    }
    lam_engine_destroy(&s->engine);
}

/* Bounds below, far below, above and just at the members' norms. */
START_TEST(gradients_are_scaled_down_to_the_bound)
{
    static const double part[CLIP_MEMBERS] = {0.5, 1e-3, 2, 1.0001};
    double clip_norm[CLIP_MEMBERS];
    if (_i == 1 && !lam_device_get_info(test_device())->has_fp64)
        return;
    clip_setup s = set_up_clipping(_i ? LAM_REAL_TYPE_F64 : LAM_REAL_TYPE_F32);
    for (int p = 0; p < CLIP_MEMBERS; p++)
        clip_norm[p] = part[p] * s.norm[p];
    run_clipping(&s, clip_norm);
    for (int t = 0; t < CLIP_TENSORS; t++) {
        for (size_t i = 0; i < count_clipped(t); i++)
            s.values[t][i] -=
                fmin(1, part[i / clip_widths[t] % CLIP_MEMBERS]) * s.gradients[t][i];
        compare(s.engine, s.buffers[2 * t], s.values[t], count_clipped(t), "values");
    }
    tear_down_clipping(&s);
}
END_TEST

/* Member 1's gradient has a NaN, 2's an infinity, and 3's squares overflow in floats. */
START_TEST(norm_that_is_no_finite_number_shows)
{
    static const double bad[CLIP_MEMBERS] = {0.5, NAN, INFINITY, 1e30};
    static const double clip_norm[CLIP_MEMBERS] = {1, 1, 1, 1};
    clip_setup s = set_up_clipping(LAM_REAL_TYPE_F32);
    size_t count = count_clipped(2);
    for (size_t p = 0; p < CLIP_MEMBERS; p++)
        s.gradients[0][p * clip_widths[0]] = bad[p];
    run_clipping(&s, clip_norm);
    ck_assert_ok(lam_engine_read_reals(s.engine, s.buffers[4], 0, s.values[2], count));
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(isfinite(s.values[2][i]) != 0, i / clip_widths[2] % CLIP_MEMBERS == 0);
    tear_down_clipping(&s);
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
    add_loop(suite, "reference", ten_steps_match_double_reference,
             OPTIMIZER_COUNT * CASE_COUNT * PATH_COUNT);
    add_loop(suite, "alone and in a crowd", member_has_same_bits_alone_and_in_crowd,
             OPTIMIZER_COUNT * OWN_PATH_COUNT);
    add_loop(suite, "zeros", table_of_zeros_changes_no_parameter, OPTIMIZER_COUNT * PATH_COUNT);
    add_loop(suite, "clipping", gradients_are_scaled_down_to_the_bound, 2);
    lam_add_test(suite, "not finite", norm_that_is_no_finite_number_shows, 60);
}

LAM_SUITE_MAIN("op_update", add_tests)
