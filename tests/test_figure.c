/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "figure/axis_range.h"
#include "figure/chart.h"
#include "figure/figure_text.h"
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

/* What a function of figure_text.h appended, in a static place. */
static const char *take_text(lam_strbuf *buffer)
{
    static char text[512];
    snprintf(text, sizeof text, "%s", lam_strbuf_text(buffer));
    lam_strbuf_free(buffer);
    return text;
}

START_TEST(quoted_text_means_nothing_to_gnuplot)
{
    lam_strbuf text = {0};
    lam_figure_text_quote(&text, "its `x` \"y\" \\n @z\n\t\x01 % ü");
    ck_assert_str_eq(take_text(&text), "'its `x` \"y\" \\n @z    % ü'");
    lam_figure_text_quote(&text, "'it's' `x` \"y\" \\n @z");
    ck_assert_str_eq(take_text(&text), "\"'it's' \\140x\\140 \\042y\\042 \\134n \\100z\"");
}
END_TEST

START_TEST(what_cannot_be_drawn_becomes_a_square)
{
    static const char *const undrawable[] = {
        "\xff",         "\xc3",         "\xe4\xb8\x89",     /* no UTF-8, cut, Chinese */
        "\xed\xa0\x80", "\xe2\x80\xae", "\xf0\x9f\x98\x80", /* surrogate, direction, emoji */
        "\xc2\x85",
    };
    for (size_t i = 0; i < sizeof undrawable / sizeof *undrawable; i++) {
        lam_strbuf text = {0};
        lam_figure_text_quote(&text, undrawable[i]);
        const char *quoted = take_text(&text);
        ck_assert_msg(strncmp(quoted, "'□", 4) == 0, "%zu: %s", i, quoted);
    }
}
END_TEST

START_TEST(long_text_is_cut_with_an_ellipsis)
{
    lam_strbuf text = {0};
    lam_figure_text_shorten("learning rate", 100, &text);
    ck_assert_str_eq(take_text(&text), "learning rate");
    lam_figure_text_shorten("llllllllllüüüüüüüüüü", 6, &text);
    const char *cut = take_text(&text);
    ck_assert_double_le(lam_figure_text_measure(cut), 6.5);
    ck_assert_str_eq(cut + strlen(cut) - 5, "ü…");
}
END_TEST

START_TEST(text_is_wrapped_at_blanks_and_long_words_are_cut)
{
    const char *rest = "  one two  threeeeeeeeeeeeeeeeeeeeee 4 ";
    const char *const lines[] = {"one two ", "threeeeeee", "eeeeeeeeee", "eeee 4 "};
    for (int i = 0; i < 4; i++) {
        lam_strbuf line = {0};
        ck_assert(lam_figure_text_wrap(&rest, 6.4, &line));
        const char *text = take_text(&line);
        ck_assert_msg(strncmp(text, lines[i], 4) == 0, "%d: '%s'", i, text);
        ck_assert_double_le(lam_figure_text_measure(text), 6.8);
    }
    lam_strbuf line = {0};
    ck_assert(!lam_figure_text_wrap(&rest, 6, &line));
}
END_TEST

START_TEST(names_of_figures_are_safe_file_names)
{
    static const struct {
        const char *text, *name;
    } cases[] = {{"a2-fig4", "a2-fig4"},
                 {"a b/c", "a-b-c"},
                 {"../run", "_.-run"},
                 {"-e", "_e"},
                 {"", "figure"},
                 {"ü", "_-"},
                 {"01234567890123456", "01234567890"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[12];
        lam_figure_make_name(cases[i].text, name, sizeof name);
        ck_assert_str_eq(name, cases[i].name);
    }
}
END_TEST

static lam_axis_range make_range(bool is_log, double low, double high)
{
    lam_axis_range range = lam_axis_range_make(is_log);
    lam_axis_range_add(&range, low);
    lam_axis_range_add(&range, high);
    return range;
}

START_TEST(ranges_have_air_and_some_width)
{
    lam_axis_range range = make_range(false, 0, 100);
    lam_axis_range_finish(&range, NAN, NAN, true);
    ck_assert_double_eq(range.low, 0);
    ck_assert_double_eq(range.high, 104);
    range = make_range(false, 5, 5);
    lam_axis_range_finish(&range, 0, 0, true);
    ck_assert(range.low < 5 && range.high > 5);
    range = make_range(true, -1, 0);
    lam_axis_range_finish(&range, NAN, NAN, true);
    ck_assert(range.low > 0 && range.high > range.low);
    range = make_range(false, 0, 1);
    lam_axis_range_finish(&range, 3, NAN, true);
    ck_assert(range.low == 3 && range.high > 3);
    range = make_range(false, -DBL_MAX, INFINITY);
    lam_axis_range_finish(&range, NAN, NAN, true);
    ck_assert(isfinite(range.high - range.low));
}
END_TEST

START_TEST(ticks_are_round_and_few)
{
    static const struct {
        bool is_log;
        double low, high;
        const char *labels;
    } cases[] = {
        {false, 0, 4056, "0 1000 2000 3000 4000 "},
        {false, -0.02, 0.021, "-0.02 -0.01 0.00 0.01 0.02 "},
        {false, 0, 2e7, "0 5·10⁶ 10⁷ 1.5·10⁷ 2·10⁷ "},
        {true, 1e-5, 0.1, "10⁻⁵ 10⁻⁴ 10⁻³ 10⁻² 10⁻¹ "},
        {true, 0.001, 0.1, "0.001 0.002 0.005 0.01 0.02 0.05 0.1 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lam_axis_range range = make_range(cases[i].is_log, cases[i].low, cases[i].high);
        lam_tick ticks[LAM_MAX_TICKS];
        size_t count = lam_axis_range_find_ticks(&range, 4, ticks);
        char labels[256] = "";
        for (size_t t = 0; t < count; t++)
            strcat(strcat(labels, ticks[t].label), " ");
        ck_assert_str_eq(labels, cases[i].labels);
    }
}
END_TEST

START_TEST(no_range_has_too_many_ticks)
{
    for (int exponent = -290; exponent < 290; exponent += 7) {
        for (int log = 0; log <= 1; log++) {
            lam_axis_range range =
                make_range(log, pow(10, exponent), pow(10, exponent) * (1 + exponent % 5));
            lam_axis_range_finish(&range, NAN, NAN, true);
            lam_tick ticks[LAM_MAX_TICKS];
            size_t count = lam_axis_range_find_ticks(&range, 99, ticks);
            ck_assert(count >= 1 && count <= LAM_MAX_TICKS);
            ck_assert(ticks[0].value >= range.low * 0.999);
        }
    }
}
END_TEST

static void add_tests(Suite *suite)
{
    const lam_named_test tests[] = {
        {"table_saved", table_is_saved_with_headings_and_none_as_nan},
        {"numbers", numbers_are_short_and_come_back_the_same},
        {"table_failed", table_that_ran_out_of_memory_takes_calls_and_is_not_saved},
        {"table_grows", table_grows_to_many_rows_and_columns},
        {"quoted", quoted_text_means_nothing_to_gnuplot},
        {"squares", what_cannot_be_drawn_becomes_a_square},
        {"shortened", long_text_is_cut_with_an_ellipsis},
        {"wrapped", text_is_wrapped_at_blanks_and_long_words_are_cut},
        {"names", names_of_figures_are_safe_file_names},
        {"ranges", ranges_have_air_and_some_width},
        {"ticks", ticks_are_round_and_few},
        {"all_ticks", no_range_has_too_many_ticks},
    };
    lam_add_tests(suite, tests, sizeof tests / sizeof *tests, 30, set_up, tear_down);
}

LAM_SUITE_MAIN("figure", add_tests)
