/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "kernel/kernel_store.h"
#include "support/device_fixture.h"
#include "support/kernel_folder.h"
#include "support/suite.h"

/* A family of two entries and one option; `scale_forward` writes FACTOR * 3. */
static const char family_text[] = "kernel void scale_forward(global int *y)\n"
                                  "{\n"
                                  "    y[0] = FACTOR * helper();\n"
                                  "}\n"
                                  "kernel void scale_backward_x(global int *dx)\n"
                                  "{\n"
                                  "    dx[0] = -FACTOR;\n"
                                  "}\n";

static test_folder folder;
static lam_kernel_store *store;

static void set_up(void)
{
    folder = test_folder_make();
    test_file_write_text(test_path(&folder, "common.clh"), "int helper(void)\n"
                                                           "{\n"
                                                           "    return 3;\n"
                                                           "}\n");
    test_file_write_text(test_path(&folder, "scale.cl"), family_text);
    ck_assert_int_eq(setenv("LAMINA_KERNEL_DIR", folder.path, 1), 0);
    ck_assert_ok(lam_kernel_store_create(test_device(), &store));
}

static void tear_down(void)
{
    lam_kernel_store_destroy(&store);
    test_kernel_folder_leave();
    test_folder_remove(&folder);
}

static lam_define_set factor(int value)
{
    lam_define_set defines = {0};
    lam_define_set_add(&defines, "UNUSED", 5);
    lam_define_set_add(&defines, "FACTOR", value);
    return defines;
}

static lam_status get(const char *family, const char *entry, int value, lam_kernel **ret_kernel)
{
    lam_define_set defines = factor(value);
    return lam_kernel_store_get(store, family, entry, &defines, ret_kernel);
}

/* Runs a kernel that writes one integer, and destroys it. */
static int32_t run(lam_kernel **kernel)
{
    int32_t result = 0;
    lam_buffer *buffer = NULL;
    ck_assert_ok(lam_buffer_create(test_device(), sizeof result, "a test", &buffer));
    ck_assert_ok(lam_kernel_set_buffer(*kernel, 0, buffer));
    ck_assert_ok(lam_kernel_enqueue(*kernel, &(lam_range){.global = {1, 1, 1}}));
    ck_assert_ok(lam_buffer_read(buffer, 0, &result, sizeof result));
    lam_buffer_destroy(&buffer);
    lam_kernel_destroy(kernel);
    return result;
}

static void expect_bad_kernel(const char *family, const char *entry, int value)
{
    lam_kernel *kernel = NULL;
    ck_assert_int_eq(get(family, entry, value, &kernel), LAM_STATUS_BAD_KERNEL);
    ck_assert_ptr_null(kernel);
}

static void expect_in_message(const char *part)
{
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
}

START_TEST(variant_is_built_once_for_all_its_kernels)
{
    lam_kernel *kernels[4] = {NULL};
    ck_assert_ptr_eq(lam_kernel_store_get_device(store), test_device());
    ck_assert_ok(get("scale", "scale_forward", 7, &kernels[0]));
    ck_assert_int_eq(remove(test_path(&folder, "scale.cl")), 0);
    /* With the source gone, only what was built can still be had. */
    ck_assert_ok(get("scale", "scale_backward_x", 7, &kernels[1]));
    ck_assert_ok(get("scale", "scale_forward", 7, &kernels[2]));
    expect_bad_kernel("scale", "scale_forward", 8);
    expect_in_message(test_path(&folder, "scale.cl"));
    ck_assert_ptr_ne(kernels[0], kernels[2]);
    ck_assert_int_eq(run(&kernels[0]), 21);
    ck_assert_int_eq(run(&kernels[1]), -7);
    ck_assert_int_eq(run(&kernels[2]), 21);
}
END_TEST

START_TEST(variants_of_one_family_live_side_by_side)
{
    lam_kernel *seven = NULL, *eight = NULL;
    ck_assert_ok(get("scale", "scale_forward", 7, &seven));
    ck_assert_ok(get("scale", "scale_forward", 8, &eight));
    ck_assert_int_eq(run(&seven), 21);
    ck_assert_int_eq(run(&eight), 24);
}
END_TEST

/* Two kernels of one program have arguments of their own. */
START_TEST(kernels_do_not_share_arguments)
{
    lam_kernel *kernels[2] = {NULL};
    lam_buffer *buffers[2] = {NULL};
    int32_t results[2] = {0};
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(get("scale", "scale_forward", 7, &kernels[i]));
        ck_assert_ok(lam_buffer_create(test_device(), 4, "a test", &buffers[i]));
        ck_assert_ok(lam_kernel_set_buffer(kernels[i], 0, buffers[i]));
    }
    ck_assert_ok(lam_kernel_enqueue(kernels[0], &(lam_range){.global = {1, 1, 1}}));
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(lam_buffer_read(buffers[i], 0, &results[i], sizeof results[i]));
        lam_buffer_destroy(&buffers[i]);
        lam_kernel_destroy(&kernels[i]);
    }
    ck_assert_int_eq(results[0], 21);
    ck_assert_int_eq(results[1], 0);
}
END_TEST

static void expect_device_and_defines(void)
{
    expect_in_message(lam_device_get_info(test_device())->name);
    expect_in_message(lam_device_get_info(test_device())->driver_version);
    expect_in_message(" -cl-std=CL1.2 -D UNUSED=5 -D FACTOR=7");
    expect_in_message("--device");
}

START_TEST(broken_source_is_reported_with_device_defines_and_lines)
{
    test_file_write_text(test_path(&folder, "broken.cl"), "/* first */\n"
                                                          "kernel void f(global int *y)\n"
                                                          "{\n"
                                                          "    y[0] = undeclared_name;\n"
                                                          "    y[1] = 100 %% 7;\n"
                                                          "}\n");
    expect_bad_kernel("broken", "f", 7);
    expect_device_and_defines();
    expect_in_message("cl/broken.cl");
    expect_in_message("\n    2 | kernel void f(global int *y)\n");
    expect_in_message("\n    4 |     y[0] = undeclared_name;\n");
    expect_in_message("\n    5 |     y[1] = 100 %% 7;\n");
    /* A failed build leaves nothing behind. */
    test_file_write_text(test_path(&folder, "broken.cl"), family_text);
    lam_kernel *kernel = NULL;
    ck_assert_ok(get("broken", "scale_forward", 7, &kernel));
    ck_assert_int_eq(run(&kernel), 21);
}
END_TEST

/* The common part is built in front of every family, so its lines count too. */
START_TEST(broken_common_part_is_reported_with_its_lines)
{
    test_file_write_text(test_path(&folder, "common.clh"), "int helper(void)\n"
                                                           "{\n"
                                                           "    return undeclared_name;\n"
                                                           "}\n");
    expect_bad_kernel("scale", "scale_forward", 7);
    expect_device_and_defines();
    expect_in_message("\n    3 |     return undeclared_name;\n");
}
END_TEST

START_TEST(unknown_names_are_reported)
{
    expect_bad_kernel("scale", "scale_sideways", 7);
    expect_in_message("scale_sideways");
    expect_bad_kernel("nonsense", "scale_forward", 7);
    expect_in_message("nonsense.cl");
    test_kernel_folder_leave();
    expect_bad_kernel("nonsense", "scale_forward", 7);
    expect_in_message("nonsense.cl");
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 30), set_up, tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "once", variant_is_built_once_for_all_its_kernels);
    add_test(suite, "variants", variants_of_one_family_live_side_by_side);
    add_test(suite, "arguments", kernels_do_not_share_arguments);
    add_test(suite, "broken", broken_source_is_reported_with_device_defines_and_lines);
    add_test(suite, "common", broken_common_part_is_reported_with_its_lines);
    add_test(suite, "unknown", unknown_names_are_reported);
}

LAM_SUITE_MAIN("kernel_store", add_tests)
