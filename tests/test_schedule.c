/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lamina/schedule.h"
#include "recipe/plateau.h"
#include "support/suite.h"

static const lam_schedule triangular = {.type = LAM_SCHEDULE_TRIANGULAR,
                                        .minimum = 1e-5,
                                        .maximum = 1e-1,
                                        .half_cycle_steps = 500,
                                        .cycle_growth = 1,
                                        .maximum_decay = 1};
static const lam_schedule_span span = {.steps_per_epoch = 100, .total_steps = 1000};

START_TEST(constant_rate_never_changes)
{
    lam_schedule schedule = {.type = LAM_SCHEDULE_CONSTANT, .rate = 0.001};
    ck_assert_double_eq(lam_schedule_get_rate(&schedule, &span, 0), 0.001);
    ck_assert_double_eq(lam_schedule_get_rate(&schedule, &span, INT64_MAX), 0.001);
    ck_assert(!lam_schedule_has_cycles(&schedule));
}
END_TEST

START_TEST(triangular_rate_at_the_corners)
{
    ck_assert_int_eq(lam_schedule_get_cycle_end(&triangular, 0), 1000);
    for (int64_t cycle = 0; cycle < 5; cycle++) {
        int64_t start = 1000 * cycle;
        ck_assert_double_eq(lam_schedule_get_rate(&triangular, &span, start), 1e-5);
        ck_assert_double_eq_tol(lam_schedule_get_rate(&triangular, &span, start + 500), 1e-1,
                                1e-17);
        ck_assert_double_eq_tol(lam_schedule_get_rate(&triangular, &span, start + 1), 2.0998e-4,
                                1e-17);
        ck_assert_double_eq_tol(lam_schedule_get_rate(&triangular, &span, start + 250),
                                0.050005, 1e-17);
        ck_assert_double_eq_tol(lam_schedule_get_rate(&triangular, &span, start + 750),
                                0.050005, 1e-17);
        ck_assert_double_eq_tol(lam_schedule_get_rate(&triangular, &span, start + 999),
                                2.0998e-4, 2e-17);
    }
}
END_TEST

START_TEST(triangular_rate_rises_and_falls_evenly)
{
    double slope_size = (triangular.maximum - triangular.minimum) / 500;
    for (int64_t step = 0; step < 3000; step++) {
        double slope = lam_schedule_get_rate(&triangular, &span, step + 1) -
                       lam_schedule_get_rate(&triangular, &span, step);
        ck_assert_double_eq_tol(slope, step % 1000 < 500 ? slope_size : -slope_size, 1e-15);
    }
}
END_TEST

START_TEST(triangular_rate_of_extreme_cycles)
{
    lam_schedule shortest = triangular;
    shortest.half_cycle_steps = 1;
    ck_assert_double_eq(lam_schedule_get_rate(&shortest, &span, 0), 1e-5);
    ck_assert_double_eq_tol(lam_schedule_get_rate(&shortest, &span, 1), 1e-1, 1e-17);
    ck_assert_double_eq(lam_schedule_get_rate(&shortest, &span, 2), 1e-5);

    lam_schedule longest = triangular;
    longest.half_cycle_steps = 1000000000;
    ck_assert_int_eq(lam_schedule_get_cycle_end(&longest, 0), 2000000000);
    ck_assert_double_eq(lam_schedule_get_rate(&longest, &span, 2000000000), 1e-5);
    ck_assert_double_eq_tol(lam_schedule_get_rate(&longest, &span, 5000000000), 1e-1, 1e-17);

    lam_schedule flat = triangular;
    flat.minimum = flat.maximum;
    for (int64_t step = 0; step < 1001; step++)
        ck_assert_double_eq(lam_schedule_get_rate(&flat, &span, step), 1e-1);
}
END_TEST

/* The run of `span`: 10 epochs of 100 steps. */
static double rate_at(const lam_schedule *schedule, int64_t step)
{
    return lam_schedule_get_rate(schedule, &span, step);
}

static void expect_rate(const lam_schedule *schedule, int64_t step, double rate)
{
    ck_assert_double_eq_tol(rate_at(schedule, step), rate, 1e-15);
}

START_TEST(cycles_may_double)
{
    lam_schedule schedule = triangular;
    schedule.cycle_growth = 2;
    /* 1000, 2000, 4000 steps */
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 0), 1000);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 1), 3000);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 2), 7000);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 9), 1023000);
    expect_rate(&schedule, 0, 1e-5);
    expect_rate(&schedule, 500, 1e-1);
    expect_rate(&schedule, 1000, 1e-5);
    expect_rate(&schedule, 1500, 0.050005);
    expect_rate(&schedule, 2000, 1e-1);
    expect_rate(&schedule, 2500, 0.050005);
    expect_rate(&schedule, 3000, 1e-5);
    expect_rate(&schedule, 5000, 1e-1);
    expect_rate(&schedule, 6999, 1e-5 + (1e-1 - 1e-5) / 2000);
    static const int64_t steps[] = {0, 999, 1000, 2999, 3000, 6999, 7000};
    static const int64_t cycles[] = {0, 0, 1, 1, 2, 2, 3};
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(lam_schedule_get_cycle(&schedule, steps[i]), cycles[i]);
}
END_TEST

/* 3 (1 + 1.5 + 2.25 + ..) = 3, 7.5, 14.25, 24.375: halves away from zero. */
START_TEST(cycles_of_odd_growth_end_at_whole_steps)
{
    lam_schedule schedule = triangular;
    schedule.half_cycle_steps = 3;
    schedule.cycle_growth = 1.5;
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 0), 6);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 1), 16);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 2), 28);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 3), 48);
    expect_rate(&schedule, 6, 1e-5);
    expect_rate(&schedule, 11, 1e-1);
    expect_rate(&schedule, 16, 1e-5);
    expect_rate(&schedule, 22, 1e-1);
}
END_TEST

/* Each step lies between its cycle's start and end, whatever the growth. */
START_TEST(cycles_partition_the_steps)
{
    static const double growths[] = {1, 1 + 1e-15, 1 + 1e-9, 1.001, 1.1, 1.5, 2, 3, 7.3, 100};
    static const int64_t halves[] = {1, 2, 3, 7, 500, 1000000000};
    for (int g = 0; g < 10; g++)
        for (int h = 0; h < 6; h++) {
            lam_schedule schedule = triangular;
            schedule.half_cycle_steps = halves[h];
            schedule.cycle_growth = growths[g];
            int64_t previous = 0;
            for (int64_t cycle = 0; cycle < 300 && previous < INT64_MAX; cycle++) {
                int64_t end = lam_schedule_get_cycle_end(&schedule, cycle);
                ck_assert_int_gt(end, previous);
                ck_assert_int_eq(lam_schedule_get_cycle(&schedule, previous), cycle);
                ck_assert_int_eq(lam_schedule_get_cycle(&schedule, end - 1), cycle);
                ck_assert_double_eq(rate_at(&schedule, previous), 1e-5);
                previous = end;
            }
        }
}
END_TEST

START_TEST(cycles_beyond_all_steps_end_at_the_last)
{
    lam_schedule schedule = triangular;
    schedule.half_cycle_steps = 1000000000;
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 999999999), 2000000000000000000);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, INT64_MAX - 1), INT64_MAX);
    schedule.cycle_growth = 2;
    int64_t end = lam_schedule_get_cycle_end(&schedule, 30); /* 2e9 (2^31 - 1) */
    ck_assert_double_eq_tol((double)end / 2e9, 2147483647, 1e-4);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, 31), INT64_MAX);
    ck_assert_int_eq(lam_schedule_get_cycle_end(&schedule, INT64_MAX - 1), INT64_MAX);
}
END_TEST

START_TEST(maximum_may_fall_from_cycle_to_cycle)
{
    lam_schedule schedule = triangular;
    schedule.minimum = 0.01;
    schedule.maximum = 0.08;
    schedule.maximum_decay = 0.5;
    expect_rate(&schedule, 500, 0.08);
    expect_rate(&schedule, 1500, 0.04);
    expect_rate(&schedule, 1250, 0.025);
    expect_rate(&schedule, 1750, 0.025);
    expect_rate(&schedule, 2500, 0.02);
    for (int64_t step = 3000; step < 6000; step += 7) /* it has met the minimum */
        ck_assert_double_eq(rate_at(&schedule, step), 0.01);
}
END_TEST

START_TEST(step_rate_falls_at_once)
{
    lam_schedule schedule = {
        .type = LAM_SCHEDULE_STEP, .rate = 0.1, .factor = 0.5, .every = {LAM_UNIT_STEPS, 3}};
    static const double rates[] = {0.1,  0.1,   0.1,   0.05,  0.05,
                                   0.05, 0.025, 0.025, 0.025, 0.0125};
    for (int step = 0; step < 10; step++)
        expect_rate(&schedule, step, rates[step]);
    schedule.every = (lam_duration){LAM_UNIT_EPOCHS, 3};
    expect_rate(&schedule, 299, 0.1);
    expect_rate(&schedule, 300, 0.05);
    expect_rate(&schedule, 599, 0.05);
    expect_rate(&schedule, 600, 0.025);
    schedule.every = (lam_duration){LAM_UNIT_EPOCHS, 1000000000};
    expect_rate(&schedule, 1000, 0.1);
}
END_TEST

START_TEST(exponential_rate_falls_smoothly)
{
    lam_schedule schedule = {.type = LAM_SCHEDULE_EXPONENTIAL,
                             .rate = 0.1,
                             .factor = 0.25,
                             .every = {LAM_UNIT_STEPS, 100}};
    expect_rate(&schedule, 0, 0.1);
    expect_rate(&schedule, 50, 0.05);
    expect_rate(&schedule, 100, 0.025);
    expect_rate(&schedule, 1, 0.1 * 0.98623270449335920); /* 0.25^0.01 */
    schedule.every = (lam_duration){LAM_UNIT_EPOCHS, 2};
    expect_rate(&schedule, 100, 0.05);
    expect_rate(&schedule, 1000, 0.1 / 1024);
}
END_TEST

START_TEST(linear_rate_ends_at_the_minimum)
{
    lam_schedule schedule = {.type = LAM_SCHEDULE_LINEAR, .rate = 0.1, .minimum = 0.02};
    expect_rate(&schedule, 0, 0.1);
    expect_rate(&schedule, 1, 0.1 - 0.00008);
    expect_rate(&schedule, 500, 0.06);
    expect_rate(&schedule, 1000, 0.02);
    expect_rate(&schedule, INT64_MAX, 0.02);
}
END_TEST

START_TEST(cosine_rate_ends_at_the_minimum)
{
    lam_schedule schedule = {.type = LAM_SCHEDULE_COSINE, .rate = 0.1, .minimum = 0.02};
    expect_rate(&schedule, 0, 0.1);
    expect_rate(&schedule, 250, 0.02 + 0.08 * 0.85355339059327376); /* (1 + sqrt(1/2)) / 2 */
    expect_rate(&schedule, 500, 0.06);
    expect_rate(&schedule, 750, 0.02 + 0.08 * 0.14644660940672624);
    expect_rate(&schedule, 1000, 0.02);
    schedule.minimum = 0;
    ck_assert_double_ge(rate_at(&schedule, 1000), 0);
    ck_assert_double_lt(rate_at(&schedule, 1000), 1e-18);
}
END_TEST

START_TEST(plateau_rate_depends_on_reductions)
{
    const lam_schedule schedule = {
        .type = LAM_SCHEDULE_PLATEAU, .rate = 0.1, .factor = 0.5, .minimum = 0.03};
    static const double rates[] = {0.1, 0.05, 0.03, 0.03};
    for (int reductions = 0; reductions < 4; reductions++) {
        lam_schedule_span reduced = span;
        reduced.plateau_reductions = reductions;
        ck_assert_double_eq(lam_schedule_get_rate(&schedule, &reduced, 7), rates[reductions]);
    }
}
END_TEST

START_TEST(warm_up_climbs_to_the_rate)
{
    lam_schedule schedule = {.type = LAM_SCHEDULE_CONSTANT, .rate = 0.1, .warm_up_steps = 4};
    static const double rates[] = {0.02, 0.04, 0.06, 0.08, 0.1, 0.1};
    for (int step = 0; step < 6; step++)
        expect_rate(&schedule, step, rates[step]);
    schedule.warm_up_steps = 1;
    expect_rate(&schedule, 0, 0.05);
    expect_rate(&schedule, 1, 0.1);

    lam_schedule cosine = {.type = LAM_SCHEDULE_COSINE, .rate = 0.1};
    double without = rate_at(&cosine, 250);
    cosine.warm_up_steps = 999;
    expect_rate(&cosine, 250, without * 0.251);
}
END_TEST

static const lam_schedule plateau_schedule = {
    .type = LAM_SCHEDULE_PLATEAU, .rate = 0.8, .factor = 0.5, .patience = 2};

/* Observes losses; the i-th letter says whether the i-th lowers the rate: '-' no, 'R' yes. */
static void expect_reductions(const lam_schedule *schedule, const double *losses,
                              const char *expected)
{
    lam_plateau plateau = lam_plateau_start();
    int reductions = 0;
    for (int i = 0; expected[i]; i++) {
        bool reduced = lam_plateau_observe(&plateau, schedule, losses[i]);
        ck_assert_msg(reduced == (expected[i] == 'R'), "loss %d of %s", i, expected);
        reductions += reduced;
        ck_assert_int_eq(plateau.reductions, reductions);
    }
}

START_TEST(plateau_waits_for_its_patience)
{
    static const double falling[] = {5, 4, 3, 2, 1, 0, -1};
    static const double flat[] = {5, 5, 5, 5, 5, 5, 5};
    static const double saved[] = {5, 6, 4, 4, 3, 7, 2.9};
    static const double after[] = {5, 6, 7, 4, 5, 6, 3};
    static const double nans[] = {NAN, 5, NAN, NAN, 4, NAN, NAN};
    static const double infinite[] = {INFINITY, INFINITY, 1, INFINITY, INFINITY, 0.5, 1};
    expect_reductions(&plateau_schedule, falling, "-------");
    expect_reductions(&plateau_schedule, flat, "--R-R-R");
    expect_reductions(&plateau_schedule, saved, "-------");
    expect_reductions(&plateau_schedule, after, "--R--R-");
    expect_reductions(&plateau_schedule, nans, "---R--R");
    expect_reductions(&plateau_schedule, infinite, "-R--R--");
    lam_schedule hasty = plateau_schedule;
    hasty.patience = 1;
    expect_reductions(&hasty, flat, "-RRRRRR");
}
END_TEST

START_TEST(plateau_ends_at_the_minimum)
{
    static const double flat[] = {5, 5, 5, 5, 5, 5, 5, 5};
    lam_schedule schedule = plateau_schedule;
    schedule.minimum = 0.2; /* 0.8, 0.4, 0.2 */
    expect_reductions(&schedule, flat, "--R-R---");
    schedule.minimum = 0.3; /* 0.8, 0.4, 0.3 */
    expect_reductions(&schedule, flat, "--R-R---");
    schedule.minimum = 0.8;
    expect_reductions(&schedule, flat, "--------");
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "constant", constant_rate_never_changes, 5);
    lam_add_test(suite, "corners", triangular_rate_at_the_corners, 5);
    lam_add_test(suite, "slopes", triangular_rate_rises_and_falls_evenly, 5);
    lam_add_test(suite, "extremes", triangular_rate_of_extreme_cycles, 5);
    lam_add_test(suite, "doubling", cycles_may_double, 5);
    lam_add_test(suite, "odd growth", cycles_of_odd_growth_end_at_whole_steps, 5);
    lam_add_test(suite, "partition", cycles_partition_the_steps, 20);
    lam_add_test(suite, "far cycles", cycles_beyond_all_steps_end_at_the_last, 5);
    lam_add_test(suite, "falling maximum", maximum_may_fall_from_cycle_to_cycle, 5);
    lam_add_test(suite, "step", step_rate_falls_at_once, 5);
    lam_add_test(suite, "exponential", exponential_rate_falls_smoothly, 5);
    lam_add_test(suite, "linear", linear_rate_ends_at_the_minimum, 5);
    lam_add_test(suite, "cosine", cosine_rate_ends_at_the_minimum, 5);
    lam_add_test(suite, "plateau", plateau_rate_depends_on_reductions, 5);
    lam_add_test(suite, "warm-up", warm_up_climbs_to_the_rate, 5);
    lam_add_test(suite, "patience", plateau_waits_for_its_patience, 5);
    lam_add_test(suite, "lowest rate", plateau_ends_at_the_minimum, 5);
}

LAM_SUITE_MAIN("schedule", add_tests)
