/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/loss.h"
#include "op/penalty.h"
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
    {26, 10, 8, 52, 3}, {100, 10, 1, 200, 3}, {51, 33, 3, 102, 2},  {33, 16, 1, 66, 2},
    {40, 10, 1, 65, 3}, {40, 10, 3, 40, 3},   {13, 10, 3, 26, 1e4}, {13, 10, 1, 26, 1e-6},
    {30, 33, 2, 60, 5},
};
enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

/* Every case is tried with each of these. */
typedef struct loss_kind {
    lam_loss loss;
    double smoothing; /* of member 0; others have less */
} loss_kind;

static const loss_kind kinds[] = {
    {LAM_LOSS_SOFTMAX_CROSS_ENTROPY, 0},
    {LAM_LOSS_SOFTMAX_CROSS_ENTROPY, 0.3},
    {LAM_LOSS_BINARY_CROSS_ENTROPY, 0},
    {LAM_LOSS_HINGE, 0},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* Inputs on the host, and on the device with guarded outputs. */
typedef struct loss_setup {
    lam_engine *engine;
    lam_plan *plan;
    ref_loss ref;
    double *logits, *smoothing;
    uint8_t *labels; /* [ALL_ROWS] */
    int32_t *order;
    size_t count, blocks;
    lam_loss_operands loss;
    lam_buffer *logits_buffer, *labels_buffer, *order_buffer, *smoothing_buffer;
} loss_setup;

static loss_setup set_up(const loss_case *c, const loss_kind *kind, lam_real_type real)
{
    loss_setup s = {.engine = test_engine(real, LAM_GEMM_AUTO)};
    s.count = c->rows * c->members * c->classes;
    s.blocks = lam_loss_get_blocks(c->rows);
    s.logits = test_uniform(s.count, 11);
    s.labels = malloc(ALL_ROWS);
    s.order = malloc((STEP + 1) * c->rows * sizeof *s.order);
    s.smoothing = malloc(c->members * sizeof *s.smoothing);
    for (size_t p = 0; p < c->members; p++)
        s.smoothing[p] = c->classes > 1 ? (float)(kind->smoothing / (double)(p + 1)) : 0;
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
    s.smoothing_buffer = test_upload(s.engine, s.smoothing, c->members);
    s.loss = (lam_loss_operands){.loss = kind->loss,
                                 .rows = c->rows,
                                 .classes = c->classes,
                                 .members = c->members,
                                 .limit = c->limit,
                                 .logits = s.logits_buffer,
                                 .labels = s.labels_buffer,
                                 .order = s.order_buffer,
                                 .smoothing = s.smoothing_buffer};
    s.loss.loss_sum = test_output(s.engine, (STEP + 1) * s.blocks * c->members);
    ck_assert_ok(lam_buffer_create(s.engine->device,
                                   (STEP + 1) * s.blocks * c->members * sizeof(int32_t), "hits",
                                   &s.loss.hit_count));
    s.ref = (ref_loss){.loss = kind->loss,
                       .rows = c->rows,
                       .classes = c->classes,
                       .members = c->members,
                       .counted = c->limit > STEP * c->rows ? c->limit - STEP * c->rows : 0,
                       .logits = s.logits,
                       .labels = s.labels,
                       .order = s.order + STEP * c->rows,
                       .smoothing = s.smoothing};
    return s;
}

static void tear_down(loss_setup *s)
{
    lam_plan_destroy(&s->plan);
    lam_buffer_destroy(&s->logits_buffer);
    lam_buffer_destroy(&s->labels_buffer);
    lam_buffer_destroy(&s->order_buffer);
    lam_buffer_destroy(&s->smoothing_buffer);
    lam_buffer_destroy(&s->loss.loss_sum);
    lam_buffer_destroy(&s->loss.hit_count);
    lam_buffer_destroy(&s->loss.dlogits);
    lam_engine_destroy(&s->engine);
    free(s->logits);
    free(s->smoothing);
    free(s->order);
    free(s->labels);
}

static void run(loss_setup *s)
{
    ck_assert_ok(lam_loss_add(s->engine, s->plan, &s->loss));
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

/* Doubles in every second case: they and numbers of classes make kernels of their own. */
START_TEST(loss_matches_double_reference)
{
    int number = _i / 2 / KIND_COUNT;
    const loss_case *c = &cases[number];
    const loss_kind *kind = &kinds[_i / 2 % KIND_COUNT];
    lam_real_type real = _i % 2 ? LAM_REAL_TYPE_F64 : LAM_REAL_TYPE_F32;
    if (real == LAM_REAL_TYPE_F64 &&
        (number % 2 == 0 || !lam_device_get_info(test_device())->has_fp64))
        return;
    loss_setup forward = set_up(c, kind, real);
    run(&forward);
    check_sums(&forward, c);
    tear_down(&forward);
    /* Every row that counts gets a gradient; the others are for evaluation alone. */
    if (c->limit < (STEP + 1) * c->rows)
        return;
    loss_setup both = set_up(c, kind, real);
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
    loss_setup s = set_up(&c, &kinds[_i], LAM_REAL_TYPE_F32);
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
        ck_assert_double_lt(fabs(numeric - gradient[i]), 1e-8);
    }
    free(gradient);
    tear_down(&s);
}
END_TEST

static double read_first_loss(const loss_setup *s)
{
    double loss = 0;
    ck_assert_ok(
        lam_engine_read_reals(s->engine, s->loss.loss_sum, STEP * s->blocks, &loss, 1));
    return loss;
}

/* At the label's logit, before it and behind it. */
START_TEST(not_a_number_shows_in_the_loss)
{
    const loss_case c = {1, 10, 1, 2, 1};
    const double not_a_number = NAN;
    for (size_t at = 0; at < c.classes; at++) {
        loss_setup s = set_up(&c, &kinds[_i], LAM_REAL_TYPE_F32);
        ck_assert_ok(lam_engine_write_reals(s.engine, s.logits_buffer, at, &not_a_number, 1));
        run(&s);
        ck_assert_msg(isnan(read_first_loss(&s)), "logit %zu", at);
        tear_down(&s);
    }
}
END_TEST

/* A class that is impossible costs nothing where it is not asked for. */
START_TEST(minus_infinity_is_a_logit)
{
    const loss_case c = {1, 10, 1, 2, 1};
    const double minus_infinity = -INFINITY;
    loss_setup s = set_up(&c, &kinds[_i], LAM_REAL_TYPE_F32);
    size_t other = (s.labels[s.order[STEP]] + 1) % c.classes;
    s.logits[other] = minus_infinity;
    ck_assert_ok(lam_engine_write_reals(s.engine, s.logits_buffer, other, &minus_infinity, 1));
    run(&s);
    if (kinds[_i].smoothing > 0) {
        ck_assert(isinf(read_first_loss(&s)));
    } else {
        s.logits[other] = -1e9;
        check_sums(&s, &c);
    }
    tear_down(&s);
}
END_TEST

/* Scores 1 below the label's lie on the hinge's kink, where its slope is 0. */
START_TEST(hinge_has_no_slope_on_its_kink)
{
    const loss_case c = {1, 3, 1, 2, 1};
    const loss_kind hinge = {LAM_LOSS_HINGE, 0};
    loss_setup s = set_up(&c, &hinge, LAM_REAL_TYPE_F32);
    size_t label = s.labels[s.order[STEP]], kink = (label + 1) % 3, above = (label + 2) % 3;
    const double scores[2] = {0.25, 1.25};
    double expected[3];
    expected[label] = -1;
    expected[kink] = 0;
    expected[above] = 1;
    for (size_t i = 0; i < 3; i++)
        ck_assert_ok(
            lam_engine_write_reals(s.engine, s.logits_buffer, i, &scores[i != kink], 1));
    s.loss.dlogits = test_output(s.engine, s.count);
    run(&s);
    test_compare(s.engine, s.loss.dlogits, expected, NULL, s.count, "dlogits");
    ck_assert_double_eq(read_first_loss(&s), 1);
    tear_down(&s);
}
END_TEST

/* What one launch leaves of one member, with its guard zone behind. */
typedef struct member_results {
    double losses[8], dlogits[512];
} member_results;

static void take_results(const loss_setup *s, size_t member, member_results *ret_results)
{
    size_t members = s->loss.members, classes = s->loss.classes;
    *ret_results = (member_results){0};
    for (size_t b = 0; b < s->blocks; b++)
        ck_assert_ok(lam_engine_read_reals(s->engine, s->loss.loss_sum,
                                           (STEP * s->blocks + b) * members + member,
                                           &ret_results->losses[b], 1));
    for (size_t i = 0; i < s->loss.rows; i++)
        ck_assert_ok(lam_engine_read_reals(s->engine, s->loss.dlogits,
                                           (i * members + member) * classes,
                                           &ret_results->dlogits[i * classes], classes));
}

START_TEST(member_has_same_bits_alone_and_in_crowd)
{
    const loss_case crowd_case = {43, 10, 5, 86, 3}, alone_case = {43, 10, 1, 86, 3};
    const size_t member = 3;
    member_results in_crowd, by_itself;
    loss_setup crowd = set_up(&crowd_case, &kinds[_i], LAM_REAL_TYPE_F32);
    loss_setup alone = set_up(&alone_case, &kinds[_i], LAM_REAL_TYPE_F32);
    for (size_t i = 0; i < 43; i++)
        ck_assert_ok(lam_engine_write_reals(alone.engine, alone.logits_buffer, i * 10,
                                            &crowd.logits[(i * 5 + member) * 10], 10));
    ck_assert_ok(lam_engine_write_reals(alone.engine, alone.smoothing_buffer, 0,
                                        &crowd.smoothing[member], 1));
    crowd.loss.dlogits = test_output(crowd.engine, crowd.count);
    alone.loss.dlogits = test_output(alone.engine, alone.count);
    run(&crowd);
    run(&alone);
    take_results(&crowd, member, &in_crowd);
    take_results(&alone, 0, &by_itself);
    ck_assert(memcmp(&in_crowd, &by_itself, sizeof in_crowd) == 0);
    tear_down(&crowd);
    tear_down(&alone);
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

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test, 0, count);
    suite_add_tcase(suite, tests);
}

static void add_tests(Suite *suite)
{
    add_loop(suite, "losses", loss_matches_double_reference, 2 * KIND_COUNT * CASE_COUNT);
    add_loop(suite, "reference", reference_gradient_matches_finite_differences, KIND_COUNT);
    add_loop(suite, "nan", not_a_number_shows_in_the_loss, KIND_COUNT);
    add_loop(suite, "infinity", minus_infinity_is_a_logit, KIND_COUNT);
    lam_add_test(suite, "kink", hinge_has_no_slope_on_its_kink, 60);
    add_loop(suite, "crowd", member_has_same_bits_alone_and_in_crowd, KIND_COUNT);
    add_loop(suite, "penalty", penalty_matches_double_reference, PENALTY_COUNT);
}

LAM_SUITE_MAIN("op_loss", add_tests)
