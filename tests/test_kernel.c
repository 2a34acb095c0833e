/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kernel/define_set.h"
#include "kernel/source.h"
#include "support/device_fixture.h"
#include "support/kernel_folder.h"
#include "support/suite.h"

START_TEST(define_set_keeps_order_and_values)
{
    lam_define_set set = {0};
    lam_strbuf options = {0};
    lam_define_set_format(&set, &options);
    ck_assert_str_eq(lam_strbuf_text(&options), "");
    lam_define_set_add(&set, "TILE", 16);
    lam_define_set_add(&set, "REAL_BITS", -32);
    lam_define_set_add(&set, "TILE_WORK", 0);
    ck_assert_int_eq(lam_define_set_get(&set, "TILE"), 16);
    ck_assert_int_eq(lam_define_set_get(&set, "REAL_BITS"), -32);
    ck_assert_int_eq(lam_define_set_get(&set, "TILE_WORK"), 0);
    lam_strbuf_append(&options, "-x");
    lam_define_set_format(&set, &options);
    ck_assert_str_eq(options.text, "-x -D TILE=16 -D REAL_BITS=-32 -D TILE_WORK=0");
    lam_strbuf_free(&options);
}
END_TEST

START_TEST(define_set_holds_its_limit)
{
    static char names[LAM_MAX_DEFINES][8]; /* outlive the set */
    lam_define_set set = {0};
    for (int i = 0; i < LAM_MAX_DEFINES; i++) {
        snprintf(names[i], sizeof names[i], "N%d", i);
        lam_define_set_add(&set, names[i], 100 + i);
    }
    for (int i = 0; i < LAM_MAX_DEFINES; i++)
        ck_assert_int_eq(lam_define_set_get(&set, names[i]), 100 + i);
}
END_TEST

static void expect_text(const char *name, const char *expected)
{
    char *text = NULL;
    ck_assert_ok(lam_source_load(test_context(), name, &text));
    ck_assert_str_eq(text, expected);
    free(text);
}

static void expect_missing(const char *name, const char *part)
{
    char *text = NULL;
    ck_assert_int_eq(lam_source_load(test_context(), name, &text), LAM_STATUS_BAD_KERNEL);
    ck_assert_ptr_null(text);
    ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), part));
}

START_TEST(embedded_sources_are_the_files_of_cl)
{
    int count = 0;
    for (const lam_embedded_source *source = lam_embedded_sources; source->name; source++) {
        char path[512];
        snprintf(path, sizeof path, LAM_SOURCE_ROOT "/cl/%s", source->name);
        char *expected = test_file_read(path, NULL);
        expect_text(source->name, expected);
        free(expected);
        count++;
    }
    ck_assert_int_gt(count, 5);
    expect_missing("nonsense.cl", "nonsense.cl");
    expect_missing("", "kernel file");
}
END_TEST

START_TEST(kernel_folder_replaces_embedded_sources)
{
    test_folder folder = test_folder_make();
    char *embedded = NULL;
    ck_assert_ok(lam_source_load(test_context(), "update.cl", &embedded));
    test_file_write_text(test_path(&folder, "update.cl"), "of the folder\n");
    test_file_write_text(test_path(&folder, "empty.cl"), "");
    ck_assert_int_eq(setenv("LAMINA_KERNEL_DIR", folder.path, 1), 0);
    expect_text("update.cl", "of the folder\n");
    expect_text("empty.cl", "");
    expect_missing("penalty.cl", test_path(&folder, "penalty.cl"));
    test_file_write_text(test_path(&folder, "update.cl"), "changed\n");
    expect_text("update.cl", "changed\n");
    ck_assert_int_eq(setenv("LAMINA_KERNEL_DIR", "", 1), 0);
    expect_text("update.cl", embedded);
    ck_assert_int_eq(unsetenv("LAMINA_KERNEL_DIR"), 0);
    expect_text("update.cl", embedded);
    ck_assert_int_eq(setenv("LAMINA_KERNEL_DIR", test_path(&folder, "nowhere"), 1), 0);
    expect_missing("update.cl", "nowhere/update.cl");
    test_folder_remove(&folder);
    free(embedded);
}
END_TEST

/* Twelve lines; %s and the missing newline at the end are there to be mishandled. */
static const char twelve_lines[] = "one\ntwo\nthree %s\n\nfive\nsix\nseven\neight\nnine\nten\n"
                                   "eleven\ntwelve";

typedef struct explain_case {
    const char *log, *expected;
} explain_case;

static const explain_case explain_cases[] = {
    {"", ""},
    {"no place at all", "no place at all\n"},
    {"other.cl:5:1: error\n", "other.cl:5:1: error\n"},
    {"k.cl: error\nk.cl:zero\nk.cl:0: error\n", "k.cl: error\nk.cl:zero\nk.cl:0: error\n"},
    {"k.cl:5:1: error",
     "k.cl:5:1: error\n"
     "k.cl:\n    3 | three %s\n    4 | \n    5 | five\n    6 | six\n    7 | seven\n"},
    {"k.cl:1: error\n", "k.cl:1: error\nk.cl:\n    1 | one\n    2 | two\n    3 | three %s\n"},
    {"k.cl:12: error\n",
     "k.cl:12: error\nk.cl:\n   10 | ten\n   11 | eleven\n   12 | twelve\n"},
    {"k.cl:99: error\n", "k.cl:99: error\nk.cl:\n"},
    /* Two places far from each other. */
    {"k.cl:1:2: a\nk.cl:11:2: b\n",
     "k.cl:1:2: a\nk.cl:11:2: b\nk.cl:\n    1 | one\n    2 | two\n    3 | three %s\n"
     "k.cl:\n    9 | nine\n   10 | ten\n   11 | eleven\n   12 | twelve\n"},
    /* The second is shown with the first. */
    {"k.cl:1: a\nk.cl:3: b\n",
     "k.cl:1: a\nk.cl:3: b\nk.cl:\n    1 | one\n    2 | two\n    3 | three %s\n"},
};

START_TEST(build_log_is_explained_by_numbered_lines)
{
    const explain_case *c = &explain_cases[_i];
    char *explained = lam_source_explain_log("k.cl", twelve_lines, c->log);
    ck_assert_str_eq(explained ? explained : "", c->expected);
    free(explained);
}
END_TEST

/* Compilers say "note: declared here" of an earlier line than the error's. */
START_TEST(build_log_with_descending_lines_is_explained_in_full)
{
    char *explained =
        lam_source_explain_log("k.cl", twelve_lines, "k.cl:11:1: error\nk.cl:2:1: note\n");
    ck_assert_ptr_nonnull(strstr(explained, "   11 | eleven\n"));
    ck_assert_msg(strstr(explained, "    2 | two\n"), "line 2 is not shown:\n%s", explained);
    free(explained);
}
END_TEST

/* Logs are a driver's word: no number in them may do harm. */
START_TEST(build_log_with_impossible_lines_does_no_harm)
{
    static const char *const logs[] = {"k.cl:9223372036854775807: a\nk.cl:2: b",
                                       "k.cl:99999999999999999999999999: a",
                                       "k.cl:-9223372036854775808: a", "k.cl:", "k.cl"};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        char *explained = lam_source_explain_log("k.cl", twelve_lines, logs[i]);
        ck_assert_msg(strncmp(explained, logs[i], strlen(logs[i])) == 0, "%s", explained);
        free(explained);
    }
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "define set", define_set_keeps_order_and_values, 5);
    lam_add_test(suite, "define limit", define_set_holds_its_limit, 5);
    lam_add_test(suite, "embedded", embedded_sources_are_the_files_of_cl, 5);
    TCase *folder = lam_add_test(suite, "folder", kernel_folder_replaces_embedded_sources, 5);
    tcase_add_checked_fixture(folder, NULL, test_kernel_folder_leave);
    TCase *explain = tcase_create("explain");
    tcase_add_loop_test(explain, build_log_is_explained_by_numbered_lines, 0,
                        sizeof explain_cases / sizeof explain_cases[0]);
    tcase_add_test(explain, build_log_with_descending_lines_is_explained_in_full);
    tcase_add_test(explain, build_log_with_impossible_lines_does_no_harm);
    suite_add_tcase(suite, explain);
}

LAM_SUITE_MAIN("kernel", add_tests)
