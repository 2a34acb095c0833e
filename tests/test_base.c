/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/strbuf.h"
#include "support/folder.h"
#include "support/suite.h"

START_TEST(strbuf_appends_and_grows)
{
    lam_strbuf buffer = {0};
    ck_assert_str_eq(lam_strbuf_text(&buffer), "");
    for (int i = 0; i < 1000; i++)
        lam_strbuf_append(&buffer, "%d,", i % 10);
    ck_assert_uint_eq(buffer.length, 2000);
    ck_assert_str_eq(lam_strbuf_text(&buffer) + 1990, "5,6,7,8,9,");
    ck_assert(!buffer.failed);
    lam_strbuf_free(&buffer);
    ck_assert_ptr_null(buffer.text);
}
END_TEST

START_TEST(failure_detail_is_kept_and_may_quote_the_last_one)
{
    lam_context *context = NULL;
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);
    ck_assert_str_eq(lam_error_message(context), "");
    ck_assert_int_eq(lam_fail(context, LAM_STATUS_BAD_DATA, "row %d", 7), LAM_STATUS_BAD_DATA);
    ck_assert_int_eq(
        lam_fail(context, LAM_STATUS_BAD_MODEL, "a: %s", lam_error_message(context)),
        LAM_STATUS_BAD_MODEL);
    ck_assert_str_eq(lam_error_message(context), "a: row 7");
    ck_assert(!lam_stop_requested(context));
    lam_context_request_stop(context);
    ck_assert(lam_stop_requested(context));
    lam_context_withdraw_stop(context);
    ck_assert(!lam_stop_requested(context));
    lam_context_destroy(&context);
    ck_assert_ptr_null(context);
    lam_context_destroy(&context);
}
END_TEST

START_TEST(a_child_hears_its_parents_requests_to_stop)
{
    lam_context *parent = NULL, *child = NULL, *other = NULL;
    ck_assert_int_eq(lam_context_create(&parent), LAM_STATUS_OK);
    ck_assert_int_eq(lam_context_create_child(parent, &child), LAM_STATUS_OK);
    ck_assert_int_eq(lam_context_create_child(parent, &other), LAM_STATUS_OK);
    ck_assert_int_eq(lam_fail(child, LAM_STATUS_BAD_DATA, "its own"), LAM_STATUS_BAD_DATA);
    ck_assert_str_eq(lam_error_message(parent), "");
    lam_context_request_stop(child);
    ck_assert(lam_stop_requested(child) && !lam_stop_requested(parent));
    ck_assert(!lam_stop_requested(other));
    lam_context_request_stop(parent);
    lam_context_withdraw_stop(child);
    ck_assert(lam_stop_requested(other) && lam_stop_requested(child));
    lam_context_destroy(&other);
    lam_context_destroy(&child);
    lam_context_destroy(&parent);
}
END_TEST

START_TEST(status_codes_have_distinct_names_and_exit_codes)
{
    int seen[256] = {0};
    for (int status = LAM_STATUS_OK; status <= LAM_STATUS_INTERRUPTED; status++) {
        int code = lam_status_exit_code((lam_status)status);
        ck_assert_int_eq(seen[code]++, 0);
        ck_assert_str_ne(lam_status_name((lam_status)status), "UNKNOWN");
        ck_assert_str_ne(lam_status_text((lam_status)status), "");
    }
    ck_assert_str_eq(lam_status_name((lam_status)999), "UNKNOWN");
    ck_assert_int_ne(lam_status_exit_code((lam_status)999), 0);
}
END_TEST

/* The known answer of Random123's own test vectors for philox4x32-10: zero counter and key. */
START_TEST(random_is_philox)
{
    lam_random random = lam_random_start(0, (lam_random_stream)0, 0);
    ck_assert_uint_eq(lam_random_u32(&random), 0x6627e8d5u);
    ck_assert_uint_eq(lam_random_u32(&random), 0xe169c58du);
    ck_assert_uint_eq(lam_random_u32(&random), 0xbc57ac4cu);
    ck_assert_uint_eq(lam_random_u32(&random), 0x9b00dbd8u);
}
END_TEST

START_TEST(random_streams_differ_and_repeat)
{
    lam_random a = lam_random_start(1, LAM_RANDOM_STREAM_INITIALIZATION, 0);
    lam_random b = lam_random_start(1, LAM_RANDOM_STREAM_INITIALIZATION, 0);
    lam_random c = lam_random_start(1, LAM_RANDOM_STREAM_ORDER, 0);
    lam_random d = lam_random_start(2, LAM_RANDOM_STREAM_INITIALIZATION, 0);
    uint32_t first = lam_random_u32(&a);
    ck_assert_uint_eq(first, lam_random_u32(&b));
    ck_assert_uint_ne(first, lam_random_u32(&c));
    ck_assert_uint_ne(first, lam_random_u32(&d));
}
END_TEST

START_TEST(random_normal_has_unit_moments)
{
    enum { COUNT = 200000 };
    lam_random random = lam_random_start(5, LAM_RANDOM_STREAM_SAMPLING, 3);
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < COUNT; i++) {
        double x = lam_random_normal(&random);
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    ck_assert_double_lt(fabs(sum / COUNT), 0.01);
    ck_assert_double_lt(fabs(squares / COUNT - 1), 0.01);
    ck_assert_double_lt(fabs(fourth / COUNT - 3), 0.1);
}
END_TEST

START_TEST(random_below_is_uniform_and_in_range)
{
    int counts[7] = {0};
    lam_random random = lam_random_start(9, LAM_RANDOM_STREAM_SAMPLING, 0);
    for (int i = 0; i < 70000; i++)
        counts[lam_random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++)
        ck_assert_int_lt(abs(counts[i] - 10000), 400);
    ck_assert_uint_eq(lam_random_below(&random, 1), 0);
}
END_TEST

START_TEST(permutation_holds_every_index_once)
{
    static int32_t order[1001];
    static char seen[1001];
    lam_random random = lam_random_start(3, LAM_RANDOM_STREAM_ORDER, 4);
    lam_random_permutation(&random, order, 1001);
    int moved = 0;
    for (int i = 0; i < 1001; i++) {
        ck_assert_int_eq(seen[order[i]]++, 0);
        moved += order[i] != i;
    }
    ck_assert_int_gt(moved, 900);
}
END_TEST

START_TEST(checked_arithmetic_reports_overflow)
{
    size_t product = 0;
    ck_assert(lam_checked_multiply(6, 7, &product));
    ck_assert_uint_eq(product, 42);
    ck_assert(!lam_checked_multiply(SIZE_MAX / 2, 3, &product));
    ck_assert_uint_eq(lam_divide_up(10, 4), 3);
    ck_assert_uint_eq(lam_divide_up(SIZE_MAX, 2), SIZE_MAX / 2 + 1);
    ck_assert_uint_eq(lam_round_up(17, 16), 32);
}
END_TEST

START_TEST(file_is_replaced_whole_or_not_at_all)
{
    char folder[] = "/tmp/lamina-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char deep[128], path[160];
    snprintf(deep, sizeof deep, "%s/a/b", folder);
    snprintf(path, sizeof path, "%s/text", deep);
    lam_context *context = NULL;
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);

    ck_assert_int_eq(lam_file_write(context, path, "x", 1), LAM_STATUS_BAD_OUTPUT);
    ck_assert_ptr_nonnull(strstr(lam_error_message(context), path));
    ck_assert_int_eq(lam_directory_create(context, deep), LAM_STATUS_OK);
    ck_assert_int_eq(lam_directory_create(context, deep), LAM_STATUS_OK);
    ck_assert_int_eq(lam_file_write(context, path, "first", 5), LAM_STATUS_OK);
    ck_assert_int_eq(lam_file_write(context, path, "second", 6), LAM_STATUS_OK);

    char *bytes = NULL;
    size_t count = 0;
    ck_assert_int_eq(lam_file_read(context, path, 100, LAM_STATUS_BAD_MODEL, &bytes, &count),
                     LAM_STATUS_OK);
    ck_assert_uint_eq(count, 6);
    ck_assert_str_eq(bytes, "second");
    free(bytes);
    ck_assert_int_eq(lam_file_read(context, path, 5, LAM_STATUS_BAD_MODEL, &bytes, &count),
                     LAM_STATUS_BAD_MODEL);
    ck_assert_int_eq(lam_file_read(context, deep, 100, LAM_STATUS_BAD_DATA, &bytes, &count),
                     LAM_STATUS_BAD_DATA);
    ck_assert_int_eq(lam_directory_create(context, path), LAM_STATUS_BAD_OUTPUT);
    lam_context_destroy(&context);
}
END_TEST

START_TEST(place_of_a_file_is_checked_without_a_trace)
{
    test_folder folder = test_folder_make();
    lam_context *context = NULL;
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);
    ck_assert_int_eq(lam_file_check_place(context, test_path(&folder, "new")), LAM_STATUS_OK);
    ck_assert_int_eq(test_folder_count(&folder), 0);
    test_file_write_text(test_path(&folder, "old"), "kept");
    ck_assert_int_eq(lam_file_check_place(context, test_path(&folder, "old")), LAM_STATUS_OK);
    char *text = test_file_read(test_path(&folder, "old"), NULL);
    ck_assert_str_eq(text, "kept");
    free(text);
    static const char *const bad[] = {"old/new", "missing/new", "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *path = test_path(&folder, bad[i]);
        ck_assert_int_eq(lam_file_check_place(context, path), LAM_STATUS_BAD_OUTPUT);
        ck_assert_ptr_nonnull(strstr(lam_error_message(context), path));
    }
    ck_assert_int_eq(test_folder_count(&folder), 1);
    lam_context_destroy(&context);
    test_folder_remove(&folder);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "strbuf", strbuf_appends_and_grows, 5);
    lam_add_test(suite, "error", failure_detail_is_kept_and_may_quote_the_last_one, 5);
    lam_add_test(suite, "child", a_child_hears_its_parents_requests_to_stop, 5);
    lam_add_test(suite, "status", status_codes_have_distinct_names_and_exit_codes, 5);
    lam_add_test(suite, "philox", random_is_philox, 5);
    lam_add_test(suite, "streams", random_streams_differ_and_repeat, 5);
    lam_add_test(suite, "normal", random_normal_has_unit_moments, 30);
    lam_add_test(suite, "below", random_below_is_uniform_and_in_range, 30);
    lam_add_test(suite, "permutation", permutation_holds_every_index_once, 5);
    lam_add_test(suite, "checked", checked_arithmetic_reports_overflow, 5);
    lam_add_test(suite, "file", file_is_replaced_whole_or_not_at_all, 5);
    lam_add_test(suite, "place", place_of_a_file_is_checked_without_a_trace, 5);
}

LAM_SUITE_MAIN("base", add_tests)
