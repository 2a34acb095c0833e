/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/schedule.h"
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

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "constant", constant_rate_never_changes, 5);
    lam_add_test(suite, "corners", triangular_rate_at_the_corners, 5);
    lam_add_test(suite, "slopes", triangular_rate_rises_and_falls_evenly, 5);
    lam_add_test(suite, "extremes", triangular_rate_of_extreme_cycles, 5);
}

LAM_SUITE_MAIN("schedule", add_tests)
