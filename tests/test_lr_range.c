/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lamina/lr_range.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/small_run.h"
#include "support/suite.h"

enum { STEPS = 25, COLUMNS = 4 };

static lam_lr_range_options options_of(const char *run)
{
    return (lam_lr_range_options){.minimum = 1e-4,
                                  .maximum = 0.1,
                                  .steps = STEPS,
                                  .output_directory = run,
                                  .gemm = LAM_GEMM_AUTO};
}

static lam_status try_range(const lam_lr_range_options *options,
                            lam_lr_range_summary *ret_summary)
{
    return lam_lr_range_run(test_device(), &small_recipe, small_run_dataset(), options,
                            ret_summary);
}

/* Reads the table; gives its rows. */
static int read_table(const char *run, double rows[][COLUMNS], int limit)
{
    int count = 0;
    char *text = test_file_read(small_run_file(run, LAM_LR_RANGE_FILE), NULL);
    ck_assert_int_eq(strncmp(text, "step,learning_rate,loss,smoothed_loss\n", 38), 0);
    for (char *at = text + 38; *at && count < limit; count++)
        for (int i = 0; i < COLUMNS; i++) {
            rows[count][i] = strtod(at, &at);
            ck_assert_int_eq(*at++, i + 1 < COLUMNS ? ',' : '\n');
        }
    free(text);
    return count;
}

/* A batch of all rows: a step's loss is what a run with the same rates measures before it. */
START_TEST(losses_are_those_of_training)
{
    static double rows[STEPS + 1][COLUMNS];
    static small_run_row measured[STEPS + 2];
    lam_lr_range_summary summary;
    lam_lr_range_options options = options_of(small_run_path("range"));
    options.linear = true;
    small_recipe.batch = SMALL_RUN_ROWS;
    ck_assert_ok(try_range(&options, &summary));
    ck_assert_int_eq(read_table(options.output_directory, rows, STEPS + 1), STEPS);
    ck_assert_int_eq(summary.steps, STEPS);

    small_recipe.schedule.minimum = 1e-4;
    small_recipe.schedule.maximum = 0.1;
    small_recipe.schedule.half_cycle_steps = STEPS - 1;
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, STEPS};
    small_recipe.measure = (lam_duration){LAM_UNIT_STEPS, 1};
    small_run_train(small_run_path("run"));
    small_run_read_metrics(small_run_path("run"), measured, STEPS + 1);
    for (int i = 0; i < STEPS; i++) {
        const double *values = measured[i].values;
        ck_assert_double_eq(rows[i][0], i);
        ck_assert_double_eq_tol(rows[i][1], values[SMALL_RUN_RATE], 1e-9);
        ck_assert_double_eq_tol(rows[i][2], values[SMALL_RUN_TRAIN_LOSS], 1e-5);
    }
    ck_assert_double_lt(rows[STEPS - 1][2], rows[0][2]);
}
END_TEST

/* Chunks and epochs of 10 steps leave no gaps, and the recipe's own end plays no part. */
START_TEST(rates_rise_by_a_factor_to_the_last_step)
{
    static double rows[STEPS + 1][COLUMNS];
    lam_lr_range_summary summary;
    const lam_lr_range_options options = options_of(small_run_path("range"));
    small_recipe.stop.count = 1;
    ck_assert_ok(try_range(&options, &summary));
    ck_assert_int_eq(read_table(options.output_directory, rows, STEPS + 1), STEPS);
    for (int i = 0; i < STEPS; i++) {
        ck_assert_double_eq(rows[i][0], i);
        ck_assert_double_eq_tol(rows[i][1] / (1e-4 * pow(1000, i / (STEPS - 1.0))), 1, 1e-8);
        ck_assert(isfinite(rows[i][2]) && isfinite(rows[i][3]));
    }
}
END_TEST

START_TEST(sweep_repeats_to_the_bit)
{
    const char *runs[] = {small_run_path("a"), small_run_path("b")};
    for (int i = 0; i < 2; i++) {
        lam_lr_range_summary summary;
        const lam_lr_range_options options = options_of(runs[i]);
        ck_assert_ok(try_range(&options, &summary));
    }
    small_run_expect_same_file(runs[0], runs[1], LAM_LR_RANGE_FILE);
}
END_TEST

START_TEST(a_loss_that_blows_up_ends_the_sweep_well)
{
    static double rows[500][COLUMNS];
    lam_lr_range_summary summary;
    lam_lr_range_options options = options_of(small_run_path("range"));
    options.steps = 0; /* 500, as an epoch has fewer */
    options.maximum = 1e30;
    ck_assert_ok(try_range(&options, &summary));
    ck_assert(summary.blew_up);
    ck_assert_int_lt(summary.steps, 200);
    ck_assert_int_eq(read_table(options.output_directory, rows, 500), summary.steps);
    for (int i = 0; i < summary.steps; i++)
        ck_assert(isfinite(rows[i][2]) && isfinite(rows[i][3]));
}
END_TEST

static int progress_calls;
static int64_t progress_step;

static void take_progress(void *user, int64_t step, int64_t total_steps, double learning_rate,
                          double smoothed_loss)
{
    ck_assert_ptr_eq(user, &progress_calls);
    ck_assert_int_gt(step, progress_step);
    ck_assert_int_eq(total_steps, STEPS);
    ck_assert_double_gt(learning_rate, 0);
    ck_assert_double_gt(smoothed_loss, 0);
    progress_step = step;
    progress_calls++;
}

START_TEST(progress_reaches_the_last_step)
{
    lam_lr_range_summary summary;
    lam_lr_range_options options = options_of(small_run_path("range"));
    options.progress = take_progress;
    options.progress_user = &progress_calls;
    progress_calls = 0;
    progress_step = 0;
    ck_assert_ok(try_range(&options, &summary));
    ck_assert_int_gt(progress_calls, 1);
    ck_assert_int_eq(progress_step, STEPS);
}
END_TEST

START_TEST(an_earlier_table_is_kept_unless_forced)
{
    lam_lr_range_summary summary;
    lam_lr_range_options options = options_of(small_run_path("range"));
    ck_assert_ok(try_range(&options, &summary));
    options.maximum = 0.2;
    ck_assert_int_eq(try_range(&options, &summary), LAM_STATUS_BAD_OUTPUT);
    small_run_expect_in_message("--force");
    options.force = true;
    ck_assert_ok(try_range(&options, &summary));
    double rows[STEPS][COLUMNS];
    read_table(options.output_directory, rows, STEPS);
    ck_assert_double_eq_tol(rows[STEPS - 1][1], 0.2, 1e-9);
}
END_TEST

START_TEST(impossible_sweeps_are_refused)
{
    static const struct {
        double minimum, maximum;
        int64_t steps;
        const char *part;
    } cases[] = {
        {0.1, 0.1, STEPS, "from learning rate 0.1 to 0.1"},
        {0.2, 0.1, STEPS, "from learning rate 0.2 to 0.1"},
        {0, 0.1, STEPS, "above 0"},
        {-1, 0.1, STEPS, "above 0"},
        {NAN, 0.1, STEPS, "from learning rate nan"},
        {0.1, NAN, STEPS, "to nan"},
        {0.1, INFINITY, STEPS, "to inf"},
        {0.1, 1, 1, "1 steps; legal: 10 to 1000000"},
        {0.1, 1, 9, "9 steps"},
        {0.1, 1, -5, "-5 steps"},
        {0.1, 1, 1000001, "1000001 steps"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lam_lr_range_summary summary;
        lam_lr_range_options options = options_of(small_run_path("range"));
        options.minimum = cases[i].minimum;
        options.maximum = cases[i].maximum;
        options.steps = cases[i].steps;
        ck_assert_int_eq(try_range(&options, &summary), LAM_STATUS_BAD_ARGUMENT);
        small_run_expect_in_message(cases[i].part);
        ck_assert(!test_file_exists(options.output_directory));
    }
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 120), small_run_set_up,
                              small_run_tear_down);
}

static void add_tests(Suite *suite)
{
    add(suite, "losses", losses_are_those_of_training);
    add(suite, "rates", rates_rise_by_a_factor_to_the_last_step);
    add(suite, "repeats", sweep_repeats_to_the_bit);
    add(suite, "blow-up", a_loss_that_blows_up_ends_the_sweep_well);
    add(suite, "progress", progress_reaches_the_last_step);
    add(suite, "earlier table", an_earlier_table_is_kept_unless_forced);
    add(suite, "impossible", impossible_sweeps_are_refused);
}

LAM_SUITE_MAIN("lr_range", add_tests)
