/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/suite.h"
#include "train/lr_curve.h"

/* The first keeps 0.95 of its average in a step. */
enum { MANY_STEPS = 500, STEPS = 200 };

static lam_lr_curve start(int64_t steps)
{
    lam_lr_curve curve;
    ck_assert_ok(lam_lr_curve_create(test_context(), steps, &curve));
    return curve;
}

START_TEST(smoothing_is_corrected_for_its_start)
{
    lam_lr_curve curve = start(MANY_STEPS);
    static const double losses[] = {2, 4, 3};
    for (int i = 0; i < 3; i++)
        ck_assert(lam_lr_curve_append(&curve, 0.1 * i, losses[i]));
    /* weights 0.95^2, 0.95, 1 over their sum */
    ck_assert_double_eq_tol(curve.points[0].smoothed, 2, 1e-14);
    ck_assert_double_eq_tol(curve.points[1].smoothed, (0.95 * 2 + 4) / 1.95, 1e-14);
    ck_assert_double_eq_tol(curve.points[2].smoothed, (0.9025 * 2 + 0.95 * 4 + 3) / 2.8525,
                            1e-14);
    ck_assert_double_eq(curve.points[1].loss, 4);
    ck_assert_double_eq(curve.points[1].rate, 0.1);
    ck_assert_int_eq(curve.lowest, 0);
    lam_lr_curve_free(&curve);
}
END_TEST

START_TEST(short_sweeps_are_smoothed_less)
{
    lam_lr_curve curve = start(50);
    ck_assert(lam_lr_curve_append(&curve, 1, 2));
    ck_assert(lam_lr_curve_append(&curve, 2, 4));
    ck_assert_double_eq_tol(curve.points[1].smoothed, (0.5 * 2 + 4) / 1.5, 1e-14);
    lam_lr_curve_free(&curve);

    curve = start(20);
    ck_assert(lam_lr_curve_append(&curve, 1, 2));
    ck_assert(lam_lr_curve_append(&curve, 2, 4));
    ck_assert_double_eq(curve.points[1].smoothed, 4);
    lam_lr_curve_free(&curve);
}
END_TEST

START_TEST(the_curve_ends_at_four_times_its_lowest)
{
    lam_lr_curve curve = start(MANY_STEPS);
    for (int i = 0; i < 50; i++)
        ck_assert(lam_lr_curve_append(&curve, i, 1));
    int more = 0;
    while (lam_lr_curve_append(&curve, 50 + more, 21))
        more++;
    /* 1 + 20 (1 - 0.95^k) (roughly, for the correction) comes to 4 at k = 4. */
    ck_assert_int_eq(more, 2);
    ck_assert(curve.blew_up);
    ck_assert_int_eq(curve.count, 53); /* with the step that blew up */
    ck_assert_double_gt(curve.points[52].smoothed, 4);
    ck_assert_double_le(curve.points[51].smoothed, 4);
    ck_assert(!lam_lr_curve_append(&curve, 99, 1));
    ck_assert_int_eq(curve.count, 53);
    ck_assert(lam_lr_curve_summarize(&curve).blew_up);
    lam_lr_curve_free(&curve);
}
END_TEST

START_TEST(losses_that_are_not_finite_end_the_curve_before_them)
{
    static const double ends[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        lam_lr_curve curve = start(STEPS);
        ck_assert(lam_lr_curve_append(&curve, 1, 2));
        ck_assert(!lam_lr_curve_append(&curve, 2, ends[i]));
        ck_assert(curve.blew_up);
        ck_assert_int_eq(curve.count, 1);
        lam_lr_curve_free(&curve);

        curve = start(STEPS);
        ck_assert(!lam_lr_curve_append(&curve, 1, ends[i]));
        lam_lr_range_summary summary = lam_lr_curve_summarize(&curve);
        ck_assert_int_eq(summary.steps, 0);
        ck_assert(summary.blew_up && !summary.has_suggestion);
        lam_lr_curve_free(&curve);
    }
}
END_TEST

START_TEST(a_full_curve_takes_no_more)
{
    lam_lr_curve curve = start(STEPS);
    for (int i = 0; i < STEPS; i++)
        ck_assert(lam_lr_curve_append(&curve, i, 1));
    ck_assert(!lam_lr_curve_append(&curve, STEPS, 1));
    ck_assert(!curve.blew_up);
    ck_assert_int_eq(curve.count, STEPS);
    lam_lr_curve_free(&curve);
}
END_TEST

/* A loss of 2 that falls from step 60 on, is lowest at step 140, and then rises. */
START_TEST(bounds_lie_within_the_fall)
{
    lam_lr_curve curve = start(STEPS);
    for (int i = 0; i < STEPS; i++) {
        double loss = i < 60 ? 2 : i < 140 ? 2 - (i - 60) / 80.0 : 1 + (i - 140) / 20.0;
        ck_assert(lam_lr_curve_append(&curve, 1e-6 * pow(10, 6.0 * i / (STEPS - 1)), loss));
    }
    lam_lr_range_summary summary = lam_lr_curve_summarize(&curve);
    ck_assert_int_eq(summary.steps, STEPS);
    ck_assert(summary.has_suggestion && !summary.blew_up);
    ck_assert_double_eq(summary.lowest_rate, curve.points[curve.lowest].rate);
    ck_assert_double_eq(summary.lowest_loss, curve.points[curve.lowest].smoothed);
    for (int i = 0; i < STEPS; i++)
        ck_assert_double_ge(curve.points[i].smoothed, summary.lowest_loss);
    ck_assert_double_eq(summary.maximum, summary.lowest_rate / 2);
    int first = 0; /* of the falling ones */
    while (curve.points[first].smoothed >= 2 - 0.1 * (2 - summary.lowest_loss))
        first++;
    ck_assert_int_gt(first, 60);
    ck_assert_int_lt(first, 90);
    ck_assert_double_eq(summary.minimum, curve.points[first].rate);
    lam_lr_curve_free(&curve);
}
END_TEST

START_TEST(a_late_fall_leaves_a_factor_of_ten)
{
    lam_lr_curve curve = start(STEPS);
    for (int i = 0; i < STEPS; i++)
        ck_assert(lam_lr_curve_append(&curve, 1 + i, i < 190 ? 2 : 1));
    lam_lr_range_summary summary = lam_lr_curve_summarize(&curve);
    ck_assert_double_eq(summary.maximum, 100);
    ck_assert_double_eq(summary.minimum, 10);
    lam_lr_curve_free(&curve);
}
END_TEST

START_TEST(a_loss_that_never_falls_suggests_nothing)
{
    lam_lr_curve curve = start(STEPS);
    for (int i = 0; i < STEPS; i++)
        ck_assert(lam_lr_curve_append(&curve, 1 + i, 2 - 1e-4 * i)); /* by 0.01 after all */
    ck_assert(!lam_lr_curve_summarize(&curve).has_suggestion);
    lam_lr_curve_free(&curve);
}
END_TEST

START_TEST(table_gives_the_curve_again)
{
    test_folder folder = test_folder_make();
    const char *path = test_path(&folder, LAM_LR_RANGE_FILE);
    lam_lr_curve curve = start(STEPS), loaded;
    for (int i = 0; lam_lr_curve_append(&curve, 0.5 * (i + 1), i < 90 ? 10 - 0.1 * i : 100);
         i++)
        ck_assert_int_lt(i, STEPS);
    const lam_lr_range_summary expected = lam_lr_curve_summarize(&curve);
    ck_assert_ok(lam_lr_curve_save(test_context(), &curve, path));
    ck_assert_ok(lam_lr_curve_load(test_context(), path, &loaded));
    const lam_lr_range_summary summary = lam_lr_curve_summarize(&loaded);
    ck_assert_int_eq(loaded.count, curve.count);
    ck_assert_int_eq(loaded.lowest, curve.lowest);
    ck_assert(loaded.blew_up && curve.blew_up);
    ck_assert_double_eq_tol(summary.minimum, expected.minimum, 1e-8);
    ck_assert_double_eq_tol(summary.maximum, expected.maximum, 1e-8);
    lam_lr_curve_free(&loaded);
    lam_lr_curve_free(&curve);
    test_folder_remove(&folder);
}
END_TEST

START_TEST(other_tables_are_refused)
{
    static const char *const texts[][2] = {
        {"", ":1:"},
        {"step,loss\n0,1\n", ":1:"},
        {"step,learning_rate,loss,smoothed_loss\n", ":1:"},
        {"step,learning_rate,loss,smoothed_loss\n0,1,2,3\n1,2\n", ":3:"},
        {"step,learning_rate,loss,smoothed_loss\n0,1,2,x\n", ":2:"},
        {"step,learning_rate,loss,smoothed_loss\n0,1,2,3", ":2:"},
    };
    test_folder folder = test_folder_make();
    const char *path = test_path(&folder, LAM_LR_RANGE_FILE);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        lam_lr_curve curve;
        test_file_write_text(path, texts[i][0]);
        ck_assert_int_eq(lam_lr_curve_load(test_context(), path, &curve), LAM_STATUS_BAD_MODEL);
        ck_assert_msg(strstr(lam_error_message(test_context()), texts[i][1]) != NULL, "%s",
                      lam_error_message(test_context()));
    }
    test_folder_remove(&folder);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "smoothing", smoothing_is_corrected_for_its_start, 5);
    lam_add_test(suite, "short sweeps", short_sweeps_are_smoothed_less, 5);
    lam_add_test(suite, "blow-up", the_curve_ends_at_four_times_its_lowest, 5);
    lam_add_test(suite, "not finite", losses_that_are_not_finite_end_the_curve_before_them, 5);
    lam_add_test(suite, "full", a_full_curve_takes_no_more, 5);
    lam_add_test(suite, "bounds", bounds_lie_within_the_fall, 5);
    lam_add_test(suite, "late fall", a_late_fall_leaves_a_factor_of_ten, 5);
    lam_add_test(suite, "no fall", a_loss_that_never_falls_suggests_nothing, 5);
    lam_add_test(suite, "table", table_gives_the_curve_again, 5);
    lam_add_test(suite, "other tables", other_tables_are_refused, 5);
}

LAM_SUITE_MAIN("lr_curve", add_tests)
