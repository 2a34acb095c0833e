/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure/table.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"

static test_folder folder;

static void set_up(void)
{
    folder = test_folder_make();
}

static void tear_down(void)
{
    test_folder_remove(&folder);
}

/* What the table's file holds; the caller frees it. */
static char *save_table(const lam_table *table)
{
    const char *path = test_path(&folder, "table.tsv");
    ck_assert_ok(lam_table_save(test_context(), table, path));
    return test_file_read(path, NULL);
}

START_TEST(table_is_saved_with_headings_and_none_as_nan)
{
    lam_table table = {0};
    size_t epoch = lam_table_add_column(&table, "epoch", LAM_CELL_NUMBER);
    size_t name = lam_table_add_column(&table, "run_name", LAM_CELL_TEXT);
    lam_table_add_row(&table);
    lam_table_add_row(&table);
    lam_table_set_number(&table, epoch, 2);
    lam_table_set_text(&table, name, "old");
    lam_table_set_text(&table, name, "a\tb\r\nc");
    char *text = save_table(&table);
    ck_assert_str_eq(text, "epoch\trun_name\nNaN\t\n2\ta b  c\n");
    ck_assert(isnan(lam_table_get_number(&table, 0, epoch)));
    ck_assert_str_eq(lam_table_get_text(&table, 0, name), "");
    ck_assert_str_eq(lam_table_get_text(&table, 1, name), "a\tb\r\nc");
    free(text);
    lam_table_free(&table);
    ck_assert_uint_eq(table.row_count, 0);
}
END_TEST

START_TEST(numbers_are_short_and_come_back_the_same)
{
    static const double numbers[] = {0.1,     1.0 / 3, 1e300,    5e-324, DBL_MAX,  -0.0,
                                     123456., 0.1f,    INFINITY, 100,    1e15 + 1, 2.5e-7};
    lam_table table = {0};
    size_t column = lam_table_add_column(&table, "x", LAM_CELL_NUMBER);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        lam_table_add_row(&table);
        lam_table_set_number(&table, column, numbers[i]);
    }
    char *text = save_table(&table);
    ck_assert_ptr_nonnull(strstr(text, "x\n0.1\n0.3333333333333333\n1e+300\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n123456\n0.10000000149011612\ninf\n100\n"));
    const char *at = strchr(text, '\n');
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *end;
        ck_assert_double_eq(strtod(at + 1, &end), numbers[i]);
        at = end;
    }
    free(text);
    lam_table_free(&table);
}
END_TEST

START_TEST(table_that_ran_out_of_memory_takes_calls_and_is_not_saved)
{
    lam_table table = {.failed = true};
    size_t column = lam_table_add_column(&table, "x", LAM_CELL_NUMBER);
    lam_table_add_row(&table);
    lam_table_set_number(&table, column, 1);
    ck_assert(isnan(lam_table_get_number(&table, 0, column)));
    ck_assert_int_eq(lam_table_save(test_context(), &table, test_path(&folder, "table.tsv")),
                     LAM_STATUS_NO_MEMORY);
    ck_assert_int_eq(test_folder_count(&folder), 0);
    lam_table_free(&table);
}
END_TEST

START_TEST(table_grows_to_many_rows_and_columns)
{
    lam_table table = {0};
    for (int c = 0; c < 40; c++) {
        char name[200];
        snprintf(name, sizeof name, "%0150d", c);
        ck_assert_uint_eq(lam_table_add_column(&table, name, LAM_CELL_NUMBER), (size_t)c);
    }
    for (int row = 0; row < 3000; row++) {
        lam_table_add_row(&table);
        lam_table_set_number(&table, (size_t)row % 40, row);
    }
    ck_assert(!table.failed);
    for (size_t row = 0; row < 3000; row++)
        ck_assert_double_eq(lam_table_get_number(&table, row, row % 40), (double)row);
    lam_table_free(&table);
}
END_TEST

static void add_tests(Suite *suite)
{
    const struct {
        const char *name;
        const TTest *test;
    } tests[] = {
        {"table_saved", table_is_saved_with_headings_and_none_as_nan},
        {"numbers", numbers_are_short_and_come_back_the_same},
        {"table_failed", table_that_ran_out_of_memory_takes_calls_and_is_not_saved},
        {"table_grows", table_grows_to_many_rows_and_columns},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_checked_fixture(lam_add_test(suite, tests[i].name, tests[i].test, 10), set_up,
                                  tear_down);
}

LAM_SUITE_MAIN("figure", add_tests)
