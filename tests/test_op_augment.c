/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op/augment.h"
#include "support/device_fixture.h"
#include "support/ref_augment.h"
#include "support/suite.h"

enum { IMAGES = 5, STEPS = 3, FIRST_STEP = 1000 };
static const uint64_t data_seed = 0x123456789abcdef0;

typedef struct augment_case {
    lam_augmentation augmentation;
    size_t rows;
} augment_case;

/* Each of the changes alone and with others, at the ends of its range; a program for each set
 * of changes, each translation and, on some drivers, each number of rows. */
static const augment_case cases[] = {{{0, 0, 0}, 3},      {{1, 0, 0}, 1},     {{0.5, 0, 0}, 37},
                                     {{0, 1, 0}, 3},      {{0, 31, 0}, 3},    {{1, 16, 0}, 3},
                                     {{0.25, 16, 0}, 17}, {{0, 0, 0.125}, 3}, {{0, 0, 2}, 3},
                                     {{0.5, 4, 0.5}, 17}};
enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

/* Whole images to a work-item, and four places to each. */
static const lam_gemm shares[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES};
enum { SHARE_COUNT = sizeof shares / sizeof shares[0] };

/* All but the rows' number is the same in every setup. */
typedef struct augment_setup {
    lam_engine *engine;
    lam_plan *plan;
    size_t rows, count;
    uint8_t *images;
    int32_t *order;
    double *scale, *shift;
    lam_buffer *images_buffer, *order_buffer, *scale_buffer, *shift_buffer;
    lam_buffer *first_step, *data_seed, *x;
} augment_setup;

static augment_setup set_up(lam_real_type real, lam_gemm gemm,
                            const lam_augmentation *augmentation, size_t rows)
{
    const int32_t first_step = FIRST_STEP;
    augment_setup s = {.engine = test_engine(real, gemm),
                       .rows = rows,
                       .count = rows * REF_INPUTS,
                       .images = malloc(IMAGES * REF_INPUTS),
                       .order = malloc(STEPS * rows * sizeof(int32_t)),
                       .scale = test_uniform(REF_INPUTS, 41),
                       .shift = test_uniform(REF_INPUTS, 42)};
    for (size_t i = 0; i < IMAGES * REF_INPUTS; i++)
        s.images[i] = (uint8_t)(i * 37 + i / 251);
    for (size_t i = 0; i < STEPS * rows; i++)
        s.order[i] = (int32_t)(i * 3 % IMAGES);
    s.images_buffer = test_upload_bytes(s.engine, s.images, IMAGES * REF_INPUTS);
    s.order_buffer = test_upload_bytes(s.engine, s.order, STEPS * rows * sizeof(int32_t));
    s.scale_buffer = test_upload(s.engine, s.scale, REF_INPUTS);
    s.shift_buffer = test_upload(s.engine, s.shift, REF_INPUTS);
    s.first_step = test_upload_bytes(s.engine, &first_step, sizeof first_step);
    s.data_seed = test_upload_bytes(s.engine, &data_seed, sizeof data_seed);
    s.x = test_output(s.engine, s.count);
    const lam_step_inputs numbers = {.first_step = s.first_step, .data_seed = s.data_seed};
    const lam_augment augment = {
        .augmentation = *augmentation,
        .rows = rows,
        .data = {NULL, s.images_buffer, s.order_buffer, s.scale_buffer, s.shift_buffer},
        .numbers = &numbers,
        .x = s.x};
    ck_assert_ok(lam_plan_create(s.engine, &s.plan));
    ck_assert_ok(lam_augment_add(s.engine, s.plan, &augment));
    return s;
}

static void tear_down(augment_setup *s)
{
    lam_buffer **buffers[] = {&s->images_buffer,
                              &s->order_buffer,
                              &s->scale_buffer,
                              &s->shift_buffer,
                              &s->first_step,
                              &s->data_seed,
                              &s->x};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    lam_plan_destroy(&s->plan);
    lam_engine_destroy(&s->engine);
    free(s->images);
    free(s->order);
    free(s->scale);
    free(s->shift);
}

static double *run_step(augment_setup *s, int step)
{
    double *x = malloc(s->count * sizeof *x);
    ck_assert_ok(lam_plan_enqueue(s->plan, step));
    ck_assert_ok(lam_engine_read_reals(s->engine, s->x, 0, x, s->count));
    return x;
}

static ref_draw get_draw(int step, size_t row)
{
    return (ref_draw){data_seed, FIRST_STEP + (uint32_t)step, (uint32_t)row};
}

/* Noise comes with the errors of log, sqrt, cospi and sinpi; OpenCL allows the first 3 units,
 * and a radius near 0 is the root of a rounded logarithm. */
static void check_step(augment_setup *s, const lam_augmentation *augmentation, int step)
{
    double *expected = malloc(s->count * sizeof *expected);
    double *bound = malloc(s->count * sizeof *bound);
    for (size_t i = 0; i < s->rows; i++) {
        const ref_draw draw = get_draw(step, i);
        size_t image = (size_t)s->order[(size_t)step * s->rows + i];
        ref_augment(augmentation, &draw, s->images + image * REF_INPUTS, s->scale, s->shift,
                    expected + i * REF_INPUTS);
    }
    for (size_t i = 0; i < s->count; i++)
        bound[i] = test_epsilon(s->engine) * (256 + 64 * augmentation->noise);
    ck_assert_ok(lam_plan_enqueue(s->plan, step));
    test_compare(s->engine, s->x, expected, bound, s->count, "x");
    free(expected);
    free(bound);
}

/* One of the shares in each precision. */
START_TEST(rows_match_double_reference)
{
    int number = _i / SHARE_COUNT, share = _i % SHARE_COUNT;
    const augment_case *c = &cases[number];
    bool is_double = lam_device_get_info(test_device())->has_fp64 && (number + share) % 2 > 0;
    augment_setup s = set_up(is_double ? LAM_REAL_TYPE_F64 : LAM_REAL_TYPE_F32, shares[share],
                             &c->augmentation, c->rows);
    for (int step = 0; step < STEPS; step++)
        check_step(&s, &c->augmentation, step);
    tear_down(&s);
}
END_TEST

/* The cases above show nothing unless both outcomes and both ends of the range come up. */
START_TEST(reference_draws_every_change)
{
    const lam_augmentation augmentation = {.flip = 0.5, .translation = 3};
    int flipped = 0, columns[7] = {0}, rows[7] = {0};
    enum { DRAWS = 7000 };
    for (uint32_t i = 0; i < DRAWS; i++) {
        const ref_draw draw = {data_seed, i / 100, i % 100};
        const ref_change change = ref_draw_change(&augmentation, &draw);
        flipped += change.flipped;
        ck_assert(abs(change.tx) <= 3 && abs(change.ty) <= 3);
        columns[change.tx + 3]++;
        rows[change.ty + 3]++;
    }
    ck_assert_int_lt(abs(flipped - DRAWS / 2), 210); /* 5 standard deviations */
    for (int i = 0; i < 7; i++) {
        ck_assert_int_lt(abs(columns[i] - DRAWS / 7), 150);
        ck_assert_int_lt(abs(rows[i] - DRAWS / 7), 150);
    }
}
END_TEST

/* Rows and steps draw apart from each other, and a step twice the same. */
START_TEST(draws_are_a_function_of_step_and_row)
{
    const lam_augmentation augmentation = {.noise = 1};
    augment_setup s = set_up(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO, &augmentation, 2);
    double *first = run_step(&s, 0), *second = run_step(&s, 1), *again = run_step(&s, 0);
    ck_assert_int_eq(memcmp(first, again, s.count * sizeof *first), 0);
    int same = 0;
    for (size_t k = 0; k < REF_INPUTS; k++) {
        same += first[k] == second[k];
        same += first[k] == first[REF_INPUTS + k];
    }
    ck_assert_int_lt(same, 10);
    free(first);
    free(second);
    free(again);
    tear_down(&s);
}
END_TEST

/* On a black image of shift 0: the first four moments of N(0, 1), within 5 of their own
 * standard deviations. Accesses are those of the table, so not in a slow simulator. */
START_TEST(noise_has_the_moments_of_a_normal)
{
    if (getenv("LAM_TEST_QUICK"))
        return;
    const lam_augmentation augmentation = {.noise = 1};
    augment_setup s = set_up(LAM_REAL_TYPE_F32, LAM_GEMM_AUTO, &augmentation, 100);
    double *black = calloc(REF_INPUTS, sizeof *black), sums[4] = {0};
    ck_assert_ok(lam_engine_write_reals(s.engine, s.scale_buffer, 0, black, REF_INPUTS));
    ck_assert_ok(lam_engine_write_reals(s.engine, s.shift_buffer, 0, black, REF_INPUTS));
    double *x = run_step(&s, 0);
    for (size_t i = 0; i < s.count; i++)
        for (int n = 0; n < 4; n++)
            sums[n] += pow(x[i], n + 1);
    static const double moments[4] = {0, 1, 0, 3}, variances[4] = {1, 2, 15, 96};
    for (int n = 0; n < 4; n++)
        ck_assert_msg(fabs(sums[n] / (double)s.count - moments[n]) <
                          5 * sqrt(variances[n] / (double)s.count),
                      "moment %d is %g", n + 1, sums[n] / (double)s.count);
    free(black);
    free(x);
    tear_down(&s);
}
END_TEST

static void add_tests(Suite *suite)
{
    TCase *table = tcase_create("table");
    tcase_set_timeout(table, 240);
    tcase_add_loop_test(table, rows_match_double_reference, 0, CASE_COUNT * SHARE_COUNT);
    suite_add_tcase(suite, table);
    lam_add_test(suite, "changes", reference_draws_every_change, 60);
    lam_add_test(suite, "function", draws_are_a_function_of_step_and_row, 120);
    lam_add_test(suite, "moments", noise_has_the_moments_of_a_normal, 120);
}

LAM_SUITE_MAIN("op_augment", add_tests)
