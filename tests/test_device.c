/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"

#define GPU LAM_DEVICE_TYPE_GPU
#define CPU LAM_DEVICE_TYPE_CPU
#define ACCELERATOR LAM_DEVICE_TYPE_ACCELERATOR
#define OTHER LAM_DEVICE_TYPE_OTHER

static lam_device_info make(int index, const char *name, const char *platform,
                            lam_device_type type)
{
    lam_device_info info = {.index = index,
                            .type = type,
                            .compute_units = 10,
                            .clock_mhz = 1000,
                            .global_memory_bytes = 1 << 30,
                            .part_limit = 1,
                            .part_count = 1,
                            .usable = true};
    snprintf(info.name, sizeof info.name, "%s", name);
    snprintf(info.platform, sizeof info.platform, "%s", platform);
    return info;
}

static void make_unusable(lam_device_info *info, const char *reason)
{
    info->usable = false;
    snprintf(info->reason, sizeof info->reason, "%s", reason);
}

/* Two of a kind, one of a kind, and one that cannot be used. */
enum { MACHINE_COUNT = 5 };

static void make_machine(lam_device_info machine[MACHINE_COUNT])
{
    machine[0] = make(0, "Cortex 9", "Portable Computing Language", CPU);
    machine[1] = make(1, "Titan Black", "NVIDIA CUDA", GPU);
    machine[2] = make(2, "Radeon Gold", "AMD Accelerated Processing", GPU);
    machine[3] = make(3, "Stratix", "Intel FPGA", ACCELERATOR);
    machine[4] = make(4, "Titan White", "NVIDIA CUDA", GPU);
    machine[2].compute_units = 11;
    machine[4].compute_units = 1000;
    make_unusable(&machine[4], "its driver has no compiler");
}

static void expect(const lam_device_info *devices, size_t count, const char *selector,
                   size_t expected)
{
    size_t position = 99;
    ck_assert_ok(lam_device_select(test_context(), devices, count, selector, &position));
    ck_assert_msg(position == expected, "'%s' selects %zu, not %zu", selector, position,
                  expected);
}

/* Refused with `problem`, what to type instead and all devices; nothing is returned. */
static void expect_refused(const lam_device_info *devices, size_t count, const char *selector,
                           const char *problem)
{
    size_t position = 99;
    ck_assert_int_eq(lam_device_select(test_context(), devices, count, selector, &position),
                     LAM_STATUS_NO_DEVICE);
    const char *message = lam_error_message(test_context());
    ck_assert_uint_eq(position, 99);
    ck_assert_msg(strstr(message, problem), "no '%s' in: %s", problem, message);
    ck_assert_msg(strstr(message, "--device"), "no --device in: %s", message);
    for (size_t i = 0; i < count; i++) {
        char line[600];
        snprintf(line, sizeof line, "\n  %d: %s (%s, %s)", devices[i].index, devices[i].name,
                 lam_device_type_name(devices[i].type), devices[i].platform);
        ck_assert_msg(strstr(message, line), "no '%s' in: %s", line, message);
        if (!devices[i].usable)
            ck_assert_msg(strstr(message, devices[i].reason), "no reason in: %s", message);
    }
}

/* The list in every rotation: the choice never depends on the order. */
static void expect_best(const lam_device_info *devices, size_t count, const char *name)
{
    for (size_t shift = 0; shift < count; shift++) {
        lam_device_info rotated[8];
        size_t position = 99;
        for (size_t i = 0; i < count; i++)
            rotated[i] = devices[(i + shift) % count];
        ck_assert_ok(lam_device_select(test_context(), rotated, count, NULL, &position));
        ck_assert_str_eq(rotated[position].name, name);
        ck_assert_ok(lam_device_select(test_context(), rotated, count, "", &position));
        ck_assert_str_eq(rotated[position].name, name);
    }
}

START_TEST(default_takes_gpu_then_accelerator_then_cpu)
{
    lam_device_info devices[] = {make(0, "gpu", "p", GPU), make(1, "board", "p", ACCELERATOR),
                                 make(2, "cpu", "p", CPU), make(3, "other", "p", OTHER)};
    static const char *const best[] = {"gpu", "board", "cpu", "other"};
    /* The slower the better its type: the type goes first. */
    for (uint32_t i = 0; i < 4; i++)
        devices[i].compute_units = 1 + 100 * i;
    for (size_t first = 0; first < 4; first++)
        expect_best(devices + first, 4 - first, best[first]);
}
END_TEST

START_TEST(default_breaks_ties_by_speed_then_memory_then_order)
{
    lam_device_info devices[] = {make(0, "a", "p", GPU), make(1, "b", "p", GPU),
                                 make(2, "c", "p", GPU)};
    expect(devices, 3, NULL, 0);
    devices[1].global_memory_bytes *= 2;
    expect_best(devices, 3, "b");
    devices[2].clock_mhz += 1;
    expect_best(devices, 3, "c");
    devices[0].compute_units = 20; /* 20 x 600 beats 10 x 1001 */
    devices[0].clock_mhz = 600;
    expect_best(devices, 3, "a");
    devices[1].compute_units = devices[1].clock_mhz = 100000; /* needs 34 bits */
    devices[2].compute_units = 2000000;
    expect_best(devices, 3, "b");
}
END_TEST

START_TEST(unusable_devices_are_never_taken_by_default_or_name)
{
    lam_device_info devices[MACHINE_COUNT];
    make_machine(devices);
    expect_best(devices, MACHINE_COUNT, "Radeon Gold");
    expect(devices, MACHINE_COUNT, "titan", 1);
    expect(devices, MACHINE_COUNT, "nvidia", 1);
    expect_refused(devices, MACHINE_COUNT, "Titan White", "no usable device");
    make_unusable(&devices[3], "it is big-endian");
    expect_refused(devices, MACHINE_COUNT, "accelerator", "no usable device");
    for (int i = 0; i < 3; i++)
        make_unusable(&devices[i], "it is older than OpenCL 1.2");
    expect_refused(devices, MACHINE_COUNT, NULL, "no OpenCL device is usable");
    expect_refused(devices, MACHINE_COUNT, "", "no OpenCL device is usable");
}
END_TEST

START_TEST(index_selects_in_range_only)
{
    static const char *const beyond[] = {"5",
                                         "10",
                                         "999999999",
                                         "1000000000",
                                         "0000000001",
                                         "4294967296",
                                         "4294967297",
                                         "18446744073709551616",
                                         "18446744073709551617",
                                         "99999999999999999999999999999999999999999999999999"};
    lam_device_info devices[MACHINE_COUNT];
    make_machine(devices);
    expect(devices, MACHINE_COUNT, "0", 0);
    expect(devices, MACHINE_COUNT, "1", 1);
    expect(devices, MACHINE_COUNT, "2", 2);
    expect(devices, MACHINE_COUNT, "3", 3);
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++)
        expect_refused(devices, MACHINE_COUNT, beyond[i], beyond[i]);
    expect_refused(devices, MACHINE_COUNT, "-1", "'-1'");
    expect_refused(devices, MACHINE_COUNT, "1x", "'1x'");
}
END_TEST

START_TEST(index_of_unusable_device_gives_its_reason)
{
    lam_device_info devices[MACHINE_COUNT];
    make_machine(devices);
    expect_refused(devices, MACHINE_COUNT, "4",
                   "device 4 cannot be used: its driver has no compiler");
}
END_TEST

START_TEST(type_selects_the_only_one_of_its_kind)
{
    lam_device_info devices[MACHINE_COUNT];
    make_machine(devices);
    expect(devices, MACHINE_COUNT, "cpu", 0);
    expect(devices, MACHINE_COUNT, "CPU", 0);
    expect(devices, MACHINE_COUNT, "Accelerator", 3);
    expect_refused(devices, MACHINE_COUNT, "gpu", "several devices match 'gpu'");
    expect_refused(devices, 1, "gpu", "no usable device matches 'gpu'");
    expect_refused(devices, 3, "accelerator", "no usable device matches 'accelerator'");
    expect(devices, 2, "gPu", 1);
    /* A type is no part of a name: neither helps the other. */
    snprintf(devices[0].name, sizeof devices[0].name, "gpu emulator");
    expect(devices, 2, "gpu", 1);
    expect_refused(devices, 1, "gpu", "no usable device matches 'gpu'");
    expect(devices, 2, "gpu e", 0);
}
END_TEST

START_TEST(part_of_name_or_platform_selects_whatever_its_case)
{
    lam_device_info devices[MACHINE_COUNT];
    make_machine(devices);
    expect(devices, MACHINE_COUNT, "RADEON", 2);
    expect(devices, MACHINE_COUNT, "x 9", 0);
    expect(devices, MACHINE_COUNT, "stratix", 3);
    expect(devices, MACHINE_COUNT, "portable comp", 0);
    expect(devices, MACHINE_COUNT, "fpga", 3);
    expect_refused(devices, MACHINE_COUNT, "A", "several devices match 'A'");
    expect_refused(devices, MACHINE_COUNT, "Voodoo", "no usable device matches 'Voodoo'");
    expect_refused(devices, MACHINE_COUNT, "%s%n", "'%s%n'");
    /* Name and platform of one device both match: still one device. */
    snprintf(devices[3].platform, sizeof devices[3].platform, "Stratix tools");
    expect(devices, MACHINE_COUNT, "STRATIX", 3);
}
END_TEST

START_TEST(empty_list_names_the_package)
{
    static const char *const selectors[] = {NULL, "", "0", "gpu", "anything"};
    for (size_t i = 0; i < sizeof selectors / sizeof selectors[0]; i++) {
        size_t position = 99;
        ck_assert_int_eq(lam_device_select(test_context(), NULL, 0, selectors[i], &position),
                         LAM_STATUS_NO_DEVICE);
        ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), "pocl-opencl-icd"));
        ck_assert_uint_eq(position, 99);
    }
}
END_TEST

START_TEST(types_have_names)
{
    ck_assert_str_eq(lam_device_type_name(GPU), "gpu");
    ck_assert_str_eq(lam_device_type_name(CPU), "cpu");
    ck_assert_str_eq(lam_device_type_name(ACCELERATOR), "accelerator");
    ck_assert_str_eq(lam_device_type_name(OTHER), "other");
    ck_assert_str_eq(lam_device_type_name((lam_device_type)(OTHER + 1)), "unknown");
    ck_assert_str_eq(lam_device_type_name((lam_device_type)-1), "unknown");
}
END_TEST

/* ---- several devices ---- */

/* "position:part/of" of each choice, with blanks between them. */
static void expect_several(const lam_device_info *devices, size_t count, const char *selectors,
                           const char *expected)
{
    lam_device_choice *choices = NULL;
    size_t choice_count = 0;
    char chosen[200] = "";
    ck_assert_ok(lam_device_select_several(test_context(), devices, count, selectors, &choices,
                                           &choice_count));
    for (size_t i = 0; i < choice_count; i++)
        snprintf(chosen + strlen(chosen), sizeof chosen - strlen(chosen), "%s%zu:%u/%u",
                 i ? " " : "", choices[i].position, choices[i].part, choices[i].part_count);
    ck_assert_str_eq(chosen, expected);
    free(choices);
}

static void expect_several_refused(const lam_device_info *devices, size_t count,
                                   const char *selectors, const char *problem)
{
    lam_device_choice *choices = NULL;
    size_t choice_count = 99;
    ck_assert_int_eq(lam_device_select_several(test_context(), devices, count, selectors,
                                               &choices, &choice_count),
                     LAM_STATUS_NO_DEVICE);
    ck_assert_msg(strstr(lam_error_message(test_context()), problem), "'%s': no '%s' in: %s",
                  selectors, problem, lam_error_message(test_context()));
    ck_assert_ptr_null(choices);
    ck_assert_uint_eq(choice_count, 99);
}

START_TEST(several_are_selected_in_the_order_of_their_names)
{
    lam_device_info devices[MACHINE_COUNT];
    make_machine(devices);
    expect_several(devices, MACHINE_COUNT, NULL, "2:0/1");
    expect_several(devices, MACHINE_COUNT, "", "2:0/1");
    expect_several(devices, MACHINE_COUNT, "cpu", "0:0/1");
    expect_several(devices, MACHINE_COUNT, "all", "0:0/1 1:0/1 2:0/1 3:0/1");
    expect_several(devices, MACHINE_COUNT, "ALL", "0:0/1 1:0/1 2:0/1 3:0/1");
    expect_several(devices, MACHINE_COUNT, "2,0", "2:0/1 0:0/1");
    expect_several(devices, MACHINE_COUNT, "stratix,titan,0", "3:0/1 1:0/1 0:0/1");
    expect_several_refused(devices, MACHINE_COUNT, "0,5", "there is no device 5");
    expect_several_refused(devices, MACHINE_COUNT, "0,4", "device 4 cannot be used");
    expect_several_refused(devices, MACHINE_COUNT, "0,gpu", "several devices match 'gpu'");
    expect_several_refused(devices, MACHINE_COUNT, "0,x 9", "device 0 is named twice");
    expect_several_refused(devices, MACHINE_COUNT, "all,1", "device 1 is named twice");
    expect_several_refused(devices, MACHINE_COUNT, "0,", "beside a comma");
    expect_several_refused(devices, MACHINE_COUNT, ",0", "beside a comma");
    expect_several_refused(devices, MACHINE_COUNT, "0,,1", "beside a comma");
    expect_several_refused(&devices[4], 1, "all", "no OpenCL device is usable");
    expect_several_refused(NULL, 0, "all", "pocl-opencl-icd");
    expect_several_refused(NULL, 0, "0,1", "pocl-opencl-icd");
}
END_TEST

START_TEST(parts_are_selected_where_a_device_can_be_split)
{
    lam_device_info devices[MACHINE_COUNT];
    make_machine(devices);
    devices[0].part_limit = 3;
    devices[2].part_limit = 11;
    snprintf(devices[3].name, sizeof devices[3].name, "Arria 10/GX");
    expect_several(devices, MACHINE_COUNT, "cpu/2", "0:0/2 0:1/2");
    expect_several(devices, MACHINE_COUNT, "/3", "2:0/3 2:1/3 2:2/3");
    expect_several(devices, MACHINE_COUNT, "1,0/3", "1:0/1 0:0/3 0:1/3 0:2/3");
    expect_several(devices, 1, "all/2", "0:0/2 0:1/2");
    expect_several(devices, MACHINE_COUNT, "1/1", "1:0/1");
    expect_several(devices, MACHINE_COUNT, "10/GX", "3:0/1"); /* of a name */
    expect_several_refused(devices, MACHINE_COUNT, "cpu/4",
                           "device 0 can be split into 3 parts at most");
    expect_several_refused(devices, MACHINE_COUNT, "1/2", "device 1 cannot be split");
    expect_several_refused(devices, MACHINE_COUNT, "all/2", "device 1 cannot be split");
    expect_several_refused(devices, MACHINE_COUNT, "0/2,0", "device 0 is named twice");
    expect_several_refused(devices, MACHINE_COUNT, "cpu/0", "no number of parts");
    expect_several_refused(devices, MACHINE_COUNT, "cpu/4294967297", "no number of parts");
    expect_several_refused(devices, MACHINE_COUNT, "cpu/99999999999999999999999",
                           "no number of parts");
    expect_several_refused(devices, MACHINE_COUNT, "cpu/x", "no usable device matches 'cpu/x'");
    expect_several_refused(devices, MACHINE_COUNT, "cpu/", "no usable device matches 'cpu/'");
}
END_TEST

/* The one test here that calls OpenCL: the loader reads the variable at the first call. */
START_TEST(machine_without_platforms_is_listed_and_explained)
{
    test_folder folder = test_folder_make();
    lam_device_list *list = NULL;
    lam_device *device = NULL;
    ck_assert_int_eq(setenv("OCL_ICD_VENDORS", folder.path, 1), 0);
    ck_assert_ok(lam_device_list_create(test_context(), &list));
    ck_assert_uint_eq(lam_device_list_get_count(list), 0);
    ck_assert_ptr_null(lam_device_list_get(list, 0));
    ck_assert_ptr_null(lam_device_list_get_skipped(list, 0));
    lam_device_list_destroy(&list);
    ck_assert_ptr_null(list);
    lam_device_list_destroy(&list);
    ck_assert_int_eq(lam_device_open(test_context(), NULL, &device), LAM_STATUS_NO_DEVICE);
    ck_assert_ptr_nonnull(strstr(lam_error_message(test_context()), "pocl-opencl-icd"));
    ck_assert_ptr_null(device);
    lam_device_close(&device);
    test_folder_remove(&folder);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "default", default_takes_gpu_then_accelerator_then_cpu, 5);
    lam_add_test(suite, "ties", default_breaks_ties_by_speed_then_memory_then_order, 5);
    lam_add_test(suite, "unusable", unusable_devices_are_never_taken_by_default_or_name, 5);
    lam_add_test(suite, "index", index_selects_in_range_only, 5);
    lam_add_test(suite, "reason", index_of_unusable_device_gives_its_reason, 5);
    lam_add_test(suite, "type", type_selects_the_only_one_of_its_kind, 5);
    lam_add_test(suite, "name", part_of_name_or_platform_selects_whatever_its_case, 5);
    lam_add_test(suite, "empty", empty_list_names_the_package, 5);
    lam_add_test(suite, "type names", types_have_names, 5);
    lam_add_test(suite, "several", several_are_selected_in_the_order_of_their_names, 5);
    lam_add_test(suite, "parts", parts_are_selected_where_a_device_can_be_split, 5);
    lam_add_test(suite, "no platform", machine_without_platforms_is_listed_and_explained, 20);
}

LAM_SUITE_MAIN("device", add_tests)
