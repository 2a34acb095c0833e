/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lamina/train.h"
#include "support/device_fixture.h"
#include "support/suite.h"

START_TEST(self_test_passes)
{
    static const lam_gemm variants[] = {LAM_GEMM_AUTO, LAM_GEMM_REGISTERS, LAM_GEMM_TILES,
                                        LAM_GEMM_CLBLAST};
    ck_assert_ok(lam_self_test(test_device(), variants[_i]));
}
END_TEST

/* What is wrong with which file, and the first result that shows it. */
typedef struct fault {
    lam_gemm gemm;
    const char *file, *prefix, *what;
} fault;

#define LARGE_SUM "#define sum_lanes(v) (sum_lanes(v) * (real)1.1)\n"
#define LARGE_ACTIVATION "#undef ACTIVATE\n#define ACTIVATE(type, x) ((x) * (type)1.01)\n"
#define NO_SLOPE "#undef ACTIVATION_BACKWARD\n#define ACTIVATION_BACKWARD(type, g, y) (g)\n"
#define LOST_LANES "#define store_lanes(to, v, count) store_lanes(to, v, (count) - 1)\n"

static const fault faults[] = {
    {LAM_GEMM_REGISTERS, "loss.cl", LARGE_SUM, "loss"},
    {LAM_GEMM_REGISTERS, "loss.cl", LOST_LANES, "layer"},
    {LAM_GEMM_TILES, "matmul_tiles.cl", LARGE_ACTIVATION, "loss"},
    {LAM_GEMM_REGISTERS, "matmul_registers.cl", NO_SLOPE, "layer1.weight"},
    {LAM_GEMM_CLBLAST, "activation.cl", NO_SLOPE, "layer1.weight"},
};
enum { FAULT_COUNT = sizeof faults / sizeof faults[0] };

static lam_status run_with_fault(const fault *f)
{
    test_folder folder = test_folder_make();
    test_kernels_use(&folder, f->file, f->prefix);
    lam_status status = lam_self_test(test_device(), f->gemm);
    test_kernels_leave();
    test_folder_remove(&folder);
    return status;
}

START_TEST(self_test_finds_wrong_kernels)
{
    const fault *f = &faults[_i];
    char expected[64];
    snprintf(expected, sizeof expected, "computes wrongly: %s", f->what);
    ck_assert_int_eq(run_with_fault(f), LAM_STATUS_BAD_DEVICE);
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, expected), "no '%s' in: %s", expected, message);
    ck_assert_ptr_nonnull(strstr(message, lam_device_get_info(test_device())->name));
    ck_assert_ptr_nonnull(strstr(message, "--device"));
}
END_TEST

/* The copy of the kernels is not itself the fault. */
START_TEST(self_test_passes_with_right_kernels_from_a_folder)
{
    static const fault none = {LAM_GEMM_REGISTERS, "loss.cl", "\n", ""};
    ck_assert_ok(run_with_fault(&none));
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 240);
    tcase_add_checked_fixture(test_case, NULL, test_kernels_leave);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_loop(suite, "passes", self_test_passes, 4);
    add_loop(suite, "fails", self_test_finds_wrong_kernels, FAULT_COUNT);
    add_loop(suite, "folder", self_test_passes_with_right_kernels_from_a_folder, 1);
}

LAM_SUITE_MAIN("self_test", add_tests)
