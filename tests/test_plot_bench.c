/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of benchmarks: what their tables hold, and what is refused. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lamina/plot.h"
#include "support/folder.h"
#include "support/suite.h"
#include "support/tsv.h"

static test_folder folder;
static lam_context *context;
static lam_figure_list list;

static void set_up(void)
{
    folder = test_folder_make();
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);
}

static void tear_down(void)
{
    lam_figure_list_free(&list);
    lam_context_destroy(&context);
    test_folder_remove(&folder);
}

static lam_status try_plot(const char *json, lam_plot_kinds kinds)
{
    const lam_figure_options options = {.directory = test_path(&folder, "figures")};
    const char *path = test_path(&folder, "some.json");
    test_file_write_text(path, json);
    return lam_plot_bench(context, path, kinds, &options, &list);
}

static test_tsv plot(const char *json, const char *figure)
{
    char name[128];
    ck_assert_msg(try_plot(json, LAM_PLOT_ALL) == LAM_STATUS_OK, "%s",
                  lam_error_message(context));
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.figures[0].name, figure);
    snprintf(name, sizeof name, "figures/%s.tsv", figure);
    return test_tsv_load(test_path(&folder, name));
}

START_TEST(throughput_is_relative_to_one)
{
    test_tsv table =
        plot("{\"device\": \"a device\", \"knee\": 4, \"sizes\": ["
             "{\"members\": 1, \"models_per_second\": 10, \"ratio_to_one\": 1},"
             "{\"members\": 4, \"models_per_second\": 17.5, \"ratio_to_one\": 1.75}"
             "]}",
             "some-throughput");
    ck_assert_uint_eq(table.row_count, 2);
    ck_assert_double_eq(test_tsv_number(&table, 1, "log2_members"), 2);
    ck_assert_double_eq(test_tsv_number(&table, 1, "models_per_second"), 17.5);
    ck_assert_str_eq(test_tsv_text(&table, 1, "label"), "1.75×");
    ck_assert_ptr_nonnull(strstr(list.figures[0].caption, "a device"));
    test_tsv_free(&table);
}
END_TEST

START_TEST(products_are_shares_of_the_peak)
{
    test_tsv table =
        plot("{\"limits\": {\"fma_gflops\": 200}, \"networks\": [], \"products_gflops\": ["
             "{\"product\": \"backward_weights\", \"rows\": 100, \"in\": 3072, \"out\": 50,"
             " \"gathers\": true, \"registers\": 100, \"tiles\": null, \"clblast\": 5},"
             "{\"product\": \"forward\", \"rows\": 10, \"in\": 20, \"out\": 30,"
             " \"gathers\": false, \"registers\": 50, \"tiles\": 20, \"clblast\": null}]}",
             "some-shapes");
    ck_assert_uint_eq(table.row_count, 4);
    ck_assert_str_eq(test_tsv_text(&table, 0, "product"), "dW 100 × 3072 × 50 bytes");
    ck_assert_str_eq(test_tsv_text(&table, 0, "candidate"), "registers");
    ck_assert_double_eq(test_tsv_number(&table, 0, "percent_of_fma_peak"), 50);
    ck_assert_str_eq(test_tsv_text(&table, 1, "product"), "forward 10 × 20 × 30");
    ck_assert_double_eq(test_tsv_number(&table, 1, "percent_of_fma_peak"), 25);
    test_tsv_free(&table);
}
END_TEST

START_TEST(networks_are_shares_of_the_peak)
{
    test_tsv table =
        plot("{\"limits\": {\"fma_gflops\": 200}, \"networks\": [{\"net\": "
             "\"3072-50-10\", \"batch_norm\": true, \"batch\": 100, \"members\": 8,"
             " \"gflops\": 120}]}",
             "some-networks");
    ck_assert_str_eq(test_tsv_text(&table, 0, "network"), "3072-50-10:bn");
    ck_assert_str_eq(test_tsv_text(&table, 0, "batch"), "batch 100, 8 at once");
    ck_assert_double_eq(test_tsv_number(&table, 0, "percent_of_fma_peak"), 60);
    test_tsv_free(&table);
}
END_TEST

START_TEST(scaling_is_a_share_of_the_floor)
{
    test_tsv table =
        plot("{\"scaling\": [{\"width\": 64, \"batch\": 32, \"ratio\": 2.5}]}", "some-scaling");
    ck_assert_str_eq(test_tsv_text(&table, 0, "network"), "3072-64-10");
    ck_assert_double_eq(test_tsv_number(&table, 0, "percent_of_possible_speed"), 40);
    test_tsv_free(&table);
}
END_TEST

START_TEST(peers_have_medians_and_ranges)
{
    test_tsv table =
        plot("{\"rows\": [{\"net\": \"3072-50-10\", \"batch\": 100, \"batch_norm\": false,"
             " \"ratios\": {\"numpy f32\": {\"median\": 2.5, \"minimum\": 2, \"maximum\": 3},"
             "              \"torch cpu\": {\"median\": 8, \"minimum\": 8, \"maximum\": 8}}},"
             "{\"net\": \"3072-10\", \"batch\": 10, \"batch_norm\": false, \"ratios\": {}}]}",
             "some-peers");
    /* Two dots, one range of three rows, and the line at 1. */
    ck_assert_uint_eq(table.row_count, 2 + 3 + 2);
    ck_assert_str_eq(test_tsv_text(&table, 0, "peer"), "numpy f32");
    ck_assert_double_eq(test_tsv_number(&table, 0, "times_as_fast"), 2.5);
    ck_assert_double_eq(test_tsv_number(&table, 0, "maximum"), 3);
    ck_assert_double_eq(test_tsv_number(&table, 2, "line"), 2);
    ck_assert_double_eq(test_tsv_number(&table, 3, "line"), 3);
    ck_assert_double_eq(test_tsv_number(&table, 6, "line"), 1);
    test_tsv_free(&table);
}
END_TEST

START_TEST(kinds_that_are_not_wanted_are_left_out)
{
    ck_assert_int_eq(try_plot("{\"sizes\": [{\"members\": 1, \"models_per_second\": 1}]}",
                              LAM_PLOT_BIT(LAM_PLOT_KIND_PEERS)),
                     LAM_STATUS_OK);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(other_files_are_refused_with_what_makes_them)
{
    static const struct {
        const char *json, *missing;
    } cases[] = {
        {"{\"sizes\": [", "no JSON"},
        {"[1, 2]", "products_gflops"},
        {"{\"sizes\": []}", "products_gflops"},
        {"{\"sizes\": [{\"members\": 1}]}", "models_per_second"},
        {"{\"sizes\": [{\"members\": 0, \"models_per_second\": 1}]}", "members from 1"},
        {"{\"products_gflops\": [{\"registers\": 1}]}", "fma_gflops"},
        {"{\"limits\": {\"fma_gflops\": 9}, \"networks\": [{}]}", "networks lacks gflops"},
        {"{\"scaling\": [{\"width\": 1}]}", "scaling lacks ratio"},
        {"{\"rows\": [{\"net\": \"3072-10\"}]}", "rows lacks ratios"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(try_plot(cases[i].json, LAM_PLOT_ALL), LAM_STATUS_BAD_DATA);
        const char *message = lam_error_message(context);
        ck_assert_msg(strstr(message, cases[i].missing) && strstr(message, "some.json") &&
                          strstr(message, "lamina bench --json") && !strchr(message, '\n'),
                      "%s", message);
    }
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(file_that_is_missing_is_named)
{
    const lam_figure_options options = {.directory = folder.path};
    ck_assert_int_eq(lam_plot_bench(context, "/no/such.json", LAM_PLOT_ALL, &options, &list),
                     LAM_STATUS_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(lam_error_message(context), "/no/such.json"));
}
END_TEST

START_TEST(too_many_rows_are_refused)
{
    static char json[64 * 1024];
    size_t length = (size_t)sprintf(json, "{\"scaling\": [");
    for (int i = 0; i < 65; i++)
        length +=
            (size_t)sprintf(json + length, "%s{\"width\": %d, \"batch\": 1, \"ratio\": 2}",
                            i == 0 ? "" : ",", i);
    strcpy(json + length, "]}");
    ck_assert_int_eq(try_plot(json, LAM_PLOT_ALL), LAM_STATUS_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(lam_error_message(context), "room"));
}
END_TEST

static void add_tests(Suite *suite)
{
#define ADD(name)                                                                              \
    tcase_add_checked_fixture(lam_add_test(suite, #name, name, 60), set_up, tear_down)
    ADD(throughput_is_relative_to_one);
    ADD(products_are_shares_of_the_peak);
    ADD(networks_are_shares_of_the_peak);
    ADD(scaling_is_a_share_of_the_floor);
    ADD(peers_have_medians_and_ranges);
    ADD(kinds_that_are_not_wanted_are_left_out);
    ADD(other_files_are_refused_with_what_makes_them);
    ADD(file_that_is_missing_is_named);
    ADD(too_many_rows_are_refused);
#undef ADD
}

LAM_SUITE_MAIN("plot_bench", add_tests)
