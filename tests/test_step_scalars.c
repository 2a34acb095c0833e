/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "support/suite.h"
#include "train/step_scalars.h"

enum { COUNT = LAM_STEP_SCALAR_COUNT, MEMBERS = 3 };

/* A member's column alone. */
static const double *fill(const lam_optimizer *optimizer, double rate, int64_t step)
{
    static double scalars[COUNT];
    lam_step_scalars_fill(scalars, 0, 1, optimizer, rate, step);
    return scalars;
}

static void expect(const double *scalars, lam_step_scalar which, double value)
{
    ck_assert_msg(fabs(scalars[which] - value) <= 1e-14 * fabs(value),
                  "scalar %d is %.17g, not %.17g", (int)which, scalars[which], value);
}

START_TEST(descent_takes_the_rate_alone)
{
    const lam_optimizer sgd = {.type = LAM_OPTIMIZER_SGD, .momentum = 0.9, .beta1 = 0.9};
    const double *scalars = fill(&sgd, 0.3, 7);
    ck_assert_double_eq(scalars[LAM_STEP_SCALAR_RATE], 0.3);
    for (int which = LAM_STEP_SCALAR_MOMENTUM; which <= LAM_STEP_SCALAR_DECAY; which++)
        ck_assert_double_eq(scalars[which], 0);
}
END_TEST

START_TEST(momentum_is_the_same_in_every_step)
{
    for (int64_t step = 0; step < 1000; step += 333) {
        const lam_optimizer momentum = {.type = LAM_OPTIMIZER_MOMENTUM, .momentum = 0.9};
        const lam_optimizer nesterov = {.type = LAM_OPTIMIZER_NESTEROV, .momentum = 0.95};
        expect(fill(&momentum, 0.1, step), LAM_STEP_SCALAR_RATE, 0.1);
        expect(fill(&momentum, 0.1, step), LAM_STEP_SCALAR_MOMENTUM, 0.9);
        expect(fill(&nesterov, 0.1, step), LAM_STEP_SCALAR_MOMENTUM, 0.95);
    }
}
END_TEST

/* Betas that floats hold; t is counted from 1, and by products instead of powers. */
START_TEST(adam_corrects_the_bias_of_its_moments)
{
    const lam_optimizer adam = {.type = LAM_OPTIMIZER_ADAM,
                                .beta1 = 0.875,
                                .beta2 = 0.9990234375,
                                .epsilon = 1e-7,
                                .weight_decay = 0.1};
    double power1 = 1, power2 = 1;
    for (int64_t step = 0; step < 300; step++) {
        const double *scalars = fill(&adam, 0.01, step);
        power1 *= adam.beta1;
        power2 *= adam.beta2;
        ck_assert_double_eq_tol(scalars[LAM_STEP_SCALAR_RATE], 0.01 / (1 - power1), 1e-13);
        ck_assert_double_eq_tol(scalars[LAM_STEP_SCALAR_CORRECTION], 1 / sqrt(1 - power2),
                                1e-9);
        expect(scalars, LAM_STEP_SCALAR_MOMENTUM, adam.beta1);
        expect(scalars, LAM_STEP_SCALAR_BETA2, adam.beta2);
        expect(scalars, LAM_STEP_SCALAR_EPSILON, 1e-7);
        ck_assert_double_eq(scalars[LAM_STEP_SCALAR_DECAY], 0);
    }
}
END_TEST

/* Long runs: both corrections come to nothing, and nothing becomes infinite. */
START_TEST(corrections_vanish)
{
    const lam_optimizer adam = {
        .type = LAM_OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    const double *scalars = fill(&adam, 0.25, 10000000000);
    ck_assert_double_eq(scalars[LAM_STEP_SCALAR_RATE], 0.25);
    ck_assert_double_eq(scalars[LAM_STEP_SCALAR_CORRECTION], 1);
    const lam_optimizer forgetful = {.type = LAM_OPTIMIZER_ADAM, .epsilon = 1e-8};
    scalars = fill(&forgetful, 0.25, 0);
    ck_assert_double_eq(scalars[LAM_STEP_SCALAR_RATE], 0.25);
    ck_assert_double_eq(scalars[LAM_STEP_SCALAR_CORRECTION], 1);
}
END_TEST

/* The decay goes with the schedule's rate, not with the corrected one. */
START_TEST(adamw_decays_by_the_rate)
{
    const lam_optimizer adamw = {.type = LAM_OPTIMIZER_ADAMW,
                                 .beta1 = 0.5,
                                 .beta2 = 0.5,
                                 .epsilon = 1e-8,
                                 .weight_decay = 0.1};
    const double *scalars = fill(&adamw, 0.25, 0);
    expect(scalars, LAM_STEP_SCALAR_DECAY, 0.025);
    expect(scalars, LAM_STEP_SCALAR_RATE, 0.5);
}
END_TEST

START_TEST(running_averages_start_with_the_first_batch)
{
    const lam_optimizer sgd = {.type = LAM_OPTIMIZER_SGD};
    ck_assert_double_eq(fill(&sgd, 0.1, 0)[LAM_STEP_SCALAR_STATISTICS], 2);
    ck_assert_double_eq(fill(&sgd, 0.1, 1)[LAM_STEP_SCALAR_STATISTICS], 1);
    ck_assert_double_eq(fill(&sgd, 0.1, 450)[LAM_STEP_SCALAR_STATISTICS], 1);
}
END_TEST

/* A member's numbers go into its column alone, and are those that it has alone. */
START_TEST(members_have_columns_of_their_own)
{
    double row[COUNT * MEMBERS];
    for (int i = 0; i < COUNT * MEMBERS; i++)
        row[i] = -5;
    const lam_optimizer adamw = {.type = LAM_OPTIMIZER_ADAMW,
                                 .beta1 = 0.9,
                                 .beta2 = 0.99,
                                 .epsilon = 1e-8,
                                 .weight_decay = 0.1};
    lam_step_scalars_fill(row, 1, MEMBERS, &adamw, 0.125, 3);
    const double *alone = fill(&adamw, 0.125, 3);
    for (int i = 0; i < COUNT * MEMBERS; i++)
        ck_assert_double_eq(row[i], i % MEMBERS == 1 ? alone[i / MEMBERS] : -5);
    ck_assert_uint_eq(lam_step_table_find(0, LAM_STEP_SCALAR_BETA2, 1, MEMBERS),
                      LAM_STEP_SCALAR_BETA2 * MEMBERS + 1);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "sgd", descent_takes_the_rate_alone, 10);
    lam_add_test(suite, "momentum", momentum_is_the_same_in_every_step, 10);
    lam_add_test(suite, "adam", adam_corrects_the_bias_of_its_moments, 10);
    lam_add_test(suite, "limits", corrections_vanish, 10);
    lam_add_test(suite, "adamw", adamw_decays_by_the_rate, 10);
    lam_add_test(suite, "statistics", running_averages_start_with_the_first_batch, 10);
    lam_add_test(suite, "members", members_have_columns_of_their_own, 10);
}

LAM_SUITE_MAIN("step_scalars", add_tests)
