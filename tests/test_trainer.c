/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "support/device_fixture.h"
#include "support/suite.h"
#include "train/trainer.h"

/* The number of steps, and the steps that are measured: both without a device. */

static lam_recipe recipe_of(int batch, lam_unit stop_unit, int64_t stop_count,
                            int64_t half_cycle)
{
    lam_recipe recipe = {.batch = batch, .stop = {stop_unit, stop_count}};
    recipe.measure = (lam_duration){LAM_UNIT_EPOCHS, 1};
    recipe.schedule.type = LAM_SCHEDULE_CONSTANT;
    if (half_cycle > 0) {
        recipe.schedule.type = LAM_SCHEDULE_TRIANGULAR;
        recipe.schedule.half_cycle_steps = half_cycle;
        recipe.schedule.cycle_growth = 1;
    }
    return recipe;
}

static void expect_counts(const lam_recipe *recipe, uint32_t rows, int64_t per_epoch,
                          int64_t total)
{
    lam_step_counts counts = {0, 0};
    ck_assert_ok(lam_step_counts_compute(test_context(), recipe, rows, &counts));
    ck_assert_int_eq(counts.per_epoch, per_epoch);
    ck_assert_int_eq(counts.total, total);
}

START_TEST(steps_follow_from_every_unit)
{
    lam_recipe steps = recipe_of(100, LAM_UNIT_STEPS, 7, 0);
    lam_recipe epochs = recipe_of(100, LAM_UNIT_EPOCHS, 40, 0);
    lam_recipe cycles = recipe_of(100, LAM_UNIT_CYCLES, 3, 800);
    expect_counts(&steps, 10000, 100, 7);
    expect_counts(&epochs, 10000, 100, 4000);
    expect_counts(&cycles, 10000, 100, 4800);
    /* The last rows that fill no batch are left out. */
    expect_counts(&epochs, 10099, 100, 4000);
    expect_counts(&epochs, 199, 1, 40);
    expect_counts(&epochs, 100, 1, 40);
    steps.stop.count = INT64_MAX;
    expect_counts(&steps, 10000, 100, INT64_MAX);
    /* An epoch's length does not depend on the schedule, nor a cycle's on the rows. */
    epochs.schedule = cycles.schedule;
    expect_counts(&epochs, 10000, 100, 4000);
    expect_counts(&cycles, 100, 1, 4800);
}
END_TEST

static void expect_no_counts(const lam_recipe *recipe, uint32_t rows, const char *part)
{
    lam_step_counts counts = {-5, -6};
    ck_assert_int_eq(lam_step_counts_compute(test_context(), recipe, rows, &counts),
                     LAM_STATUS_BAD_RECIPE);
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
    ck_assert_int_eq(counts.per_epoch, -5);
    ck_assert_int_eq(counts.total, -6);
}

START_TEST(impossible_counts_are_refused)
{
    lam_recipe recipe = recipe_of(101, LAM_UNIT_EPOCHS, 1, 0);
    expect_no_counts(&recipe, 100, "batch: 101");
    recipe.batch = 0;
    expect_no_counts(&recipe, 100, "batch: 0");
    recipe.batch = -100;
    expect_no_counts(&recipe, 100, "batch: -100");
    recipe = recipe_of(1, LAM_UNIT_EPOCHS, 1, 0);
    expect_no_counts(&recipe, 0, "batch: 1");
    recipe = recipe_of(10, LAM_UNIT_CYCLES, 1, 0);
    expect_no_counts(&recipe, 100, "stop");
    recipe = recipe_of(10, LAM_UNIT_EPOCHS, INT64_MAX / 10 + 1, 0);
    expect_no_counts(&recipe, 100, "stop");
    recipe = recipe_of(10, LAM_UNIT_CYCLES, (int64_t)1 << 33, (int64_t)1 << 29);
    expect_no_counts(&recipe, 100, "stop");
}
END_TEST

static bool measures(const lam_recipe *recipe, int64_t per_epoch, int64_t total, int64_t step)
{
    const lam_step_counts counts = {per_epoch, total};
    return lam_recipe_measures_at(recipe, &counts, step);
}

START_TEST(first_and_last_step_are_always_measured)
{
    lam_recipe recipe = recipe_of(10, LAM_UNIT_STEPS, 37, 50);
    static const lam_unit units[] = {LAM_UNIT_STEPS, LAM_UNIT_EPOCHS, LAM_UNIT_CYCLES};
    for (int i = 0; i < 3; i++) {
        recipe.measure = (lam_duration){units[i], units[i] == LAM_UNIT_CYCLES ? 1 : 1000};
        for (int64_t step = 0; step <= 37; step++)
            ck_assert_int_eq(measures(&recipe, 10, 37, step), step == 0 || step == 37);
    }
}
END_TEST

START_TEST(steps_and_epochs_measure_at_multiples)
{
    lam_recipe recipe = recipe_of(10, LAM_UNIT_STEPS, 1000, 0);
    for (int64_t step = 1; step < 1000; step++) {
        recipe.measure = (lam_duration){LAM_UNIT_STEPS, 7};
        ck_assert_int_eq(measures(&recipe, 13, 1000, step), step % 7 == 0);
        recipe.measure = (lam_duration){LAM_UNIT_EPOCHS, 1};
        ck_assert_int_eq(measures(&recipe, 13, 1000, step), step % 13 == 0);
        recipe.measure = (lam_duration){LAM_UNIT_EPOCHS, 3};
        ck_assert_int_eq(measures(&recipe, 13, 1000, step), step % 39 == 0);
        recipe.measure = (lam_duration){LAM_UNIT_EPOCHS, 1};
        ck_assert(measures(&recipe, 1, 1000, step));
    }
}
END_TEST

/* Exactly `count` measurements in each of three cycles, evenly spaced, the last at its end. */
static void check_cycles(int64_t half, int64_t count)
{
    int64_t cycle = 2 * half, previous = 0;
    lam_recipe recipe = recipe_of(10, LAM_UNIT_CYCLES, 4, half);
    recipe.measure = (lam_duration){LAM_UNIT_CYCLES, count};
    for (int64_t c = 0; c < 3; c++) {
        int64_t found = 0;
        for (int64_t step = c * cycle + 1; step <= (c + 1) * cycle; step++) {
            if (!measures(&recipe, 17, 4 * cycle, step))
                continue;
            int64_t gap = step - previous;
            ck_assert_msg(gap >= cycle / count && gap <= cycle / count + 1,
                          "%ld of %ld per cycle: a gap of %ld", (long)count, (long)cycle,
                          (long)gap);
            previous = step;
            found++;
        }
        ck_assert_msg(found == count, "%ld measurements, not %ld, in a cycle of %ld",
                      (long)found, (long)count, (long)cycle);
        ck_assert_int_eq(previous, (c + 1) * cycle);
    }
}

START_TEST(cycles_are_measured_exactly_as_often_as_asked)
{
    for (int64_t half = 1; half <= 25; half++)
        for (int64_t count = 1; count <= 2 * half; count++)
            check_cycles(half, count);
    check_cycles(800, 9);
    check_cycles(500, 10);
    check_cycles(2250, 7);
    check_cycles(900, 1800);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "counts", steps_follow_from_every_unit, 5);
    lam_add_test(suite, "impossible", impossible_counts_are_refused, 5);
    lam_add_test(suite, "ends", first_and_last_step_are_always_measured, 5);
    lam_add_test(suite, "multiples", steps_and_epochs_measure_at_multiples, 5);
    lam_add_test(suite, "cycles", cycles_are_measured_exactly_as_often_as_asked, 20);
}

LAM_SUITE_MAIN("trainer", add_tests)
