/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "op/penalty.h"
#include "op/softmax_cross_entropy.h"
#include "support/device_fixture.h"
#include "support/ref_loss.h"
#include "support/suite.h"

typedef struct loss_case {
    size_t rows, classes, members;
    size_t limit;  /* places of the order that count, from step 0 on */
    double spread; /* logits lie in [-spread, spread) */
} loss_case;

enum { STEP = 1, ALL_ROWS = 50 };

static const loss_case cases[] = {
    {1, 1, 1, 2, 1},    {1, 10, 1, 2, 3},     {7, 10, 3, 14, 1},    {25, 10, 1, 50, 3},
    {26, 10, 8, 52, 3}, {100, 10, 1, 200, 3}, {51, 17, 3, 102, 2},  {33, 16, 1, 66, 2},
    {40, 10, 1, 65, 3}, {40, 10, 3, 40, 3},   {13, 10, 3, 26, 1e4}, {13, 10, 1, 26, 1e-6},
    {30, 33, 2, 60, 5},
};
enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

/* Inputs on the host, and on the device with guarded outputs. */
typedef struct loss_setup {
    lam_engine *engine;
    lam_plan *plan;
    ref_loss ref;
    double *logits;
    uint8_t *labels; /* [ALL_ROWS] */
    int32_t *order;
    size_t count, blocks;
    lam_softmax_cross_entropy loss;
    lam_buffer *logits_buffer, *labels_buffer, *order_buffer;
} loss_setup;

static loss_setup set_up(const loss_case *c, lam_real_type real)
{
    loss_setup s = {.engine = test_engine(real, LAM_GEMM_AUTO)};
    s.count = c->rows * c->members * c->classes;
    s.blocks = lam_softmax_cross_entropy_get_blocks(c->rows);
    s.logits = test_uniform(s.count, 11);
    s.labels = malloc(ALL_ROWS);
    s.order = malloc((STEP + 1) * c->rows * sizeof *s.order);
    for (size_t i = 0; i < s.count; i++)
        s.logits[i] = (float)(s.logits[i] * c->spread);
    for (size_t i = 0; i < ALL_ROWS; i++)
        s.labels[i] = (uint8_t)((i * 7 + 3) % c->classes);
    for (size_t i = 0; i < (STEP + 1) * c->rows; i++)
        s.order[i] = (int32_t)((i * 13 + 1) % ALL_ROWS);
    ck_assert_ok(lam_plan_create(s.engine, &s.plan));
    s.logits_buffer = test_upload(s.engine, s.logits, s.count);
    s.labels_buffer = test_upload_bytes(s.engine, s.labels, ALL_ROWS);
    s.order_buffer =
        test_upload_bytes(s.engine, s.order, (STEP + 1) * c->rows * sizeof *s.order);
    s.loss = (lam_softmax_cross_entropy){.rows = c->rows,
                                         .classes = c->classes,
                                         .members = c->members,
                                         .limit = c->limit,
                                         .logits = s.logits_buffer,
                                         .labels = s.labels_buffer,
                                         .order = s.order_buffer};
    s.loss.loss_sum = test_output(s.engine, (STEP + 1) * s.blocks * c->members);
    ck_assert_ok(lam_buffer_create(s.engine->device,
                                   (STEP + 1) * s.blocks * c->members * sizeof(int32_t), "hits",
                                   &s.loss.hit_count));
    s.ref = (ref_loss){.rows = c->rows,
                       .classes = c->classes,
                       .members = c->members,
                       .counted = c->limit > STEP * c->rows ? c->limit - STEP * c->rows : 0,
                       .logits = s.logits,
                       .labels = s.labels,
                       .order = s.order + STEP * c->rows};
    return s;
}

static void tear_down(loss_setup *s)
{
    lam_plan_destroy(&s->plan);
    lam_buffer_destroy(&s->logits_buffer);
    lam_buffer_destroy(&s->labels_buffer);
    lam_buffer_destroy(&s->order_buffer);
    lam_buffer_destroy(&s->loss.loss_sum);
    lam_buffer_destroy(&s->loss.hit_count);
    lam_buffer_destroy(&s->loss.dlogits);
    lam_engine_destroy(&s->engine);
    free(s->logits);
    free(s->order);
    free(s->labels);
}

static void run(loss_setup *s)
{
    ck_assert_ok(lam_softmax_cross_entropy_add(s->engine, s->plan, &s->loss));
    ck_assert_ok(lam_plan_enqueue(s->plan, STEP));
    ck_assert_ok(lam_device_finish(s->engine->device));
}

/* Adds up what the step's blocks left for one member. */
static void check_sums(const loss_setup *s, const loss_case *c)
{
    size_t count = s->blocks * c->members, first = STEP * count;
    double *losses = malloc(count * sizeof *losses);
    int32_t *hits = malloc(count * sizeof *hits);
    ck_assert_ok(lam_engine_read_reals(s->engine, s->loss.loss_sum, first, losses, count));
    ck_assert_ok(
        lam_buffer_read(s->loss.hit_count, first * sizeof *hits, hits, count * sizeof *hits));
    for (size_t p = 0; p < c->members; p++) {
        double loss = 0, expected = 0;
        int64_t hit_count = 0, expected_hits = 0;
        for (size_t block = 0; block < s->blocks; block++) {
            loss += losses[block * c->members + p];
            hit_count += hits[block * c->members + p];
        }
        ref_loss_sum(&s->ref, p, &expected, &expected_hits);
        double bound = 40 * test_epsilon(s->engine) * ((double)c->rows + fabs(expected));
        ck_assert_msg(fabs(loss - expected) <= bound, "member %zu: loss %.9g, expected %.9g", p,
                      loss, expected);
        ck_assert_int_eq(hit_count, expected_hits);
    }
    free(losses);
    free(hits);
}

START_TEST(loss_matches_double_reference)
{
    const loss_case *c = &cases[_i / 2];
    lam_real_type real = _i % 2 ? LAM_REAL_TYPE_F64 : LAM_REAL_TYPE_F32;
    if (real == LAM_REAL_TYPE_F64 && !lam_device_get_info(test_device())->has_fp64)
        return;
    loss_setup forward = set_up(c, real);
    run(&forward);
    check_sums(&forward, c);
    tear_down(&forward);
    /* Every row that counts gets a gradient; the others are for evaluation alone. */
    if (c->limit < (STEP + 1) * c->rows)
        return;
    loss_setup both = set_up(c, real);
    double *expected = malloc(both.count * sizeof *expected);
    both.loss.dlogits = test_output(both.engine, both.count);
    run(&both);
    check_sums(&both, c);
    ref_loss_gradient(&both.ref, expected);
    test_compare(both.engine, both.loss.dlogits, expected, NULL, both.count, "dlogits");
    free(expected);
    tear_down(&both);
}
END_TEST

/* The reference's own gradient against its own loss, so that both cannot be wrong alike. */
START_TEST(reference_gradient_matches_finite_differences)
{
    const loss_case c = {9, 10, 2, 18, 2};
    const double h = 1e-6;
    loss_setup s = set_up(&c, LAM_REAL_TYPE_F32);
    double *gradient = malloc(s.count * sizeof *gradient);
    ref_loss_gradient(&s.ref, gradient);
    for (size_t i = 0; i < s.count; i++) {
        double value = s.logits[i], plus = 0, minus = 0;
        int64_t hits = 0;
        size_t member = i / c.classes % c.members;
        s.logits[i] = value + h;
        ref_loss_sum(&s.ref, member, &plus, &hits);
        s.logits[i] = value - h;
        ref_loss_sum(&s.ref, member, &minus, &hits);
        s.logits[i] = value;
        double numeric = (plus - minus) / (2 * h) / (double)c.rows;
        ck_assert_double_lt(fabs(numeric - gradient[i]), 1e-9);
    }
    free(gradient);
    tear_down(&s);
}
END_TEST

START_TEST(not_a_number_shows_in_the_loss)
{
    const loss_case c = {5, 10, 1, 10, 1};
    loss_setup s = set_up(&c, LAM_REAL_TYPE_F32);
    double not_a_number = NAN, loss = 0;
    ck_assert_ok(lam_engine_write_reals(s.engine, s.logits_buffer, 23, &not_a_number, 1));
    run(&s);
    ck_assert_ok(lam_engine_read_reals(s.engine, s.loss.loss_sum, STEP * s.blocks, &loss, 1));
    ck_assert(isnan(loss));
    tear_down(&s);
}
END_TEST

/* Rows that one partial sum of the penalty covers. */
enum { PENALTY_BLOCK_ROWS = 64 };

static const size_t penalty_cases[][3] = {
    {1, 1, 1}, {63, 7, 3}, {64, 50, 1}, {65, 10, 8}, {200, 33, 2}, {3, 129, 3},
};
enum { PENALTY_COUNT = sizeof penalty_cases / sizeof penalty_cases[0] };

START_TEST(penalty_matches_double_reference)
{
    size_t in = penalty_cases[_i][0], out = penalty_cases[_i][1],
           members = penalty_cases[_i][2];
    size_t blocks = lam_penalty_get_blocks(in), count = in * out * members;
    lam_engine *engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO);
    lam_plan *plan = NULL;
    double *w = test_uniform(count, 12);
    double *expected = calloc(blocks * members, sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        size_t k = i / (members * out), p = i % (members * out) / out;
        expected[k / PENALTY_BLOCK_ROWS * members + p] += w[i] * w[i];
    }
    lam_buffer *w_buffer = test_upload(engine, w, count);
    lam_buffer *squares = test_output(engine, blocks * members);
    ck_assert_ok(lam_plan_create(engine, &plan));
    ck_assert_ok(lam_penalty_add(engine, plan, w_buffer, in, out, members, 0, squares));
    ck_assert_ok(lam_plan_enqueue(plan, 0));
    double *bound = malloc(blocks * members * sizeof *bound);
    for (size_t i = 0; i < blocks * members; i++)
        bound[i] = 64 * test_epsilon(engine) * (expected[i] + 1e-3);
    test_compare(engine, squares, expected, bound, blocks * members, "squares");
    free(bound);
    free(expected);
    free(w);
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&w_buffer);
    lam_buffer_destroy(&squares);
    lam_engine_destroy(&engine);
}
END_TEST

static void add_tests(Suite *suite)
{
    TCase *table = tcase_create("softmax cross-entropy");
    tcase_set_timeout(table, 120);
    tcase_add_loop_test(table, loss_matches_double_reference, 0, 2 * CASE_COUNT);
    suite_add_tcase(suite, table);
    lam_add_test(suite, "reference", reference_gradient_matches_finite_differences, 60);
    lam_add_test(suite, "nan", not_a_number_shows_in_the_loss, 60);
    TCase *penalty = tcase_create("penalty");
    tcase_set_timeout(penalty, 120);
    tcase_add_loop_test(penalty, penalty_matches_double_reference, 0, PENALTY_COUNT);
    suite_add_tcase(suite, penalty);
}

LAM_SUITE_MAIN("op_loss", add_tests)
