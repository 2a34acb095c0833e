/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lamina/bench.h"
#include "support/device_fixture.h"
#include "support/suite.h"

/* Figures are not tested, for they are the machine's; what they are of is. */

#define MOMENT_SECONDS 0.005

/* 12-7-3 with ReLU between. */
static const lam_network small_network = {
    .layer_count = 3,
    .layers = {{.type = LAM_LAYER_TYPE_DENSE, .width = 7},
               {.type = LAM_LAYER_TYPE_RELU},
               {.type = LAM_LAYER_TYPE_DENSE, .width = 3}}};

static const lam_network_task small_task = {.network = &small_network,
                                            .inputs = 12,
                                            .batch = 5000,
                                            .members = 1,
                                            .gemm = LAM_GEMM_REGISTERS,
                                            .effort = {.seconds = MOMENT_SECONDS},
                                            .profiles = true};

static void expect_message(const char *part)
{
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
}

START_TEST(limits_are_positive_and_finite)
{
    lam_device_limits limits = {0};
    ck_assert_ok(lam_bench_limits(test_device(), &limits));
    const double values[] = {limits.fma_gflops, limits.copy_gbytes, limits.launch_us,
                             limits.round_trip_us};
    for (int i = 0; i < 4; i++)
        ck_assert_msg(values[i] > 0 && isfinite(values[i]), "limit %d is %g", i, values[i]);
}
END_TEST

START_TEST(products_are_timed_by_every_candidate)
{
    static const lam_gemm gemms[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};
    const lam_product_shape floats = {10, 10, 10, 1, false}, bytes = {100, 12, 5, 2, true};
    for (int product = 0; product < LAM_PRODUCT_COUNT; product++) {
        double seconds = 0;
        ck_assert_ok(lam_bench_product(test_device(), (lam_product)product, &floats, gemms[_i],
                                       MOMENT_SECONDS, &seconds));
        ck_assert(seconds > 0 && seconds < 60);
        if (product == LAM_PRODUCT_BACKWARD_INPUT)
            continue;
        seconds = 0;
        ck_assert_ok(lam_bench_product(test_device(), (lam_product)product, &bytes, gemms[_i],
                                       MOMENT_SECONDS, &seconds));
        ck_assert(seconds > 0 && seconds < 60);
    }
}
END_TEST

START_TEST(impossible_products_are_rejected)
{
    static const struct {
        lam_product product;
        lam_product_shape shape;
        double seconds;
        const char *part;
    } cases[] = {
        {LAM_PRODUCT_FORWARD, {0, 1, 1, 1, false}, 1, "legal: at least 1"},
        {LAM_PRODUCT_FORWARD, {1, 0, 1, 1, false}, 1, "legal: at least 1"},
        {LAM_PRODUCT_FORWARD, {1, 1, 0, 1, false}, 1, "legal: at least 1"},
        {LAM_PRODUCT_FORWARD, {1, 1, 1, 0, false}, 1, "legal: at least 1"},
        {LAM_PRODUCT_BACKWARD_INPUT, {1, 1, 1, 1, true}, 1, "no gradient"},
        {LAM_PRODUCT_COUNT, {1, 1, 1, 1, false}, 1, "legal: 0 to 2"},
        {LAM_PRODUCT_FORWARD, {LAM_BENCH_ROWS + 1, 1, 1, 1, true}, 1, "legal: 1 to 45000"},
        {LAM_PRODUCT_FORWARD, {1, 1, 1, 1, false}, 0, "seconds above 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double seconds = -1;
        ck_assert_int_eq(lam_bench_product(test_device(), cases[i].product, &cases[i].shape,
                                           LAM_GEMM_AUTO, cases[i].seconds, &seconds),
                         LAM_STATUS_BAD_ARGUMENT);
        expect_message(cases[i].part);
        ck_assert(seconds == -1);
    }
}
END_TEST

static size_t count_products(const lam_network_time *time)
{
    size_t count = 0;
    for (size_t k = 0; k < time->kernel_count; k++)
        count += time->kernels[k].is_product;
    return count;
}

/* Three products for the second layer, two for the first, and the loss. */
START_TEST(step_is_six_launches_without_a_wait)
{
    static lam_network_time time;
    ck_assert_ok(lam_bench_network(test_device(), &small_task, &time));
    ck_assert_uint_eq(time.launches_per_step, 6);
    ck_assert_uint_eq(time.waits_per_step, 0);
    ck_assert_uint_eq(time.steps_per_epoch, 9);
    ck_assert_uint_eq(time.kernel_count, 6);
    ck_assert_uint_eq(count_products(&time), 5);
    ck_assert_str_eq(time.kernels[0].name, "matmul_forward 5000x12x7");
    ck_assert(time.seconds_per_step > 0 && isfinite(time.seconds_per_step));
}
END_TEST

/* One launch more for each pass, which is no product; gamma and beta go in and out. */
START_TEST(normalization_is_beyond_products)
{
    static const lam_network network = {
        .layer_count = 4,
        .layers = {{.type = LAM_LAYER_TYPE_DENSE, .width = 7},
                   {.type = LAM_LAYER_TYPE_BATCH_NORM, .epsilon = 1e-5, .momentum = 0.9},
                   {.type = LAM_LAYER_TYPE_RELU},
                   {.type = LAM_LAYER_TYPE_DENSE, .width = 3}}};
    static lam_network_time plain, time;
    lam_network_task task = small_task;
    task.network = &network;
    ck_assert_ok(lam_bench_network(test_device(), &small_task, &plain));
    ck_assert_ok(lam_bench_network(test_device(), &task, &time));
    ck_assert_uint_eq(time.launches_per_step, plain.launches_per_step + 2);
    ck_assert_uint_eq(time.waits_per_step, 0);
    ck_assert_uint_eq(count_products(&time), count_products(&plain));
    ck_assert_double_eq(time.operations_per_step, plain.operations_per_step);
    ck_assert_double_eq(time.bytes_per_step, plain.bytes_per_step + 4 * 2 * (2 * 7));
}
END_TEST

START_TEST(networks_with_dropout_are_timed)
{
    static const lam_network network = {
        .layer_count = 4,
        .layers = {{.type = LAM_LAYER_TYPE_DENSE, .width = 7},
                   {.type = LAM_LAYER_TYPE_RELU},
                   {.type = LAM_LAYER_TYPE_DROPOUT, .rate = 0.5},
                   {.type = LAM_LAYER_TYPE_DENSE, .width = 3}}};
    static lam_network_time time;
    lam_network_task task = small_task;
    task.network = &network;
    ck_assert_ok(lam_bench_network(test_device(), &task, &time));
    ck_assert_uint_eq(time.launches_per_step, 8);
}
END_TEST

START_TEST(profiled_step_is_its_products_and_what_is_beyond)
{
    static lam_network_time time;
    double products = 0;
    ck_assert_ok(lam_bench_network(test_device(), &small_task, &time));
    for (size_t k = 0; k < time.kernel_count; k++) {
        ck_assert(time.kernels[k].seconds >= 0);
        products += time.kernels[k].is_product ? time.kernels[k].seconds : 0;
    }
    ck_assert(products > 0);
    ck_assert(time.beyond_seconds >= 0);
    ck_assert_double_eq_tol(products + time.beyond_seconds, time.profiled_seconds, 1e-9);
}
END_TEST

START_TEST(work_is_counted_for_every_member)
{
    static lam_network_time time;
    lam_network_task task = small_task;
    task.members = _i + 1;
    ck_assert_ok(lam_bench_network(test_device(), &task, &time));
    double members = (double)task.members;
    /* 2 * rows * (2 * 12 * 7 + 3 * 7 * 3) */
    ck_assert_double_eq(time.operations_per_step, 2 * 5000.0 * 231 * members);
    /* bytes, then floats: 12*7+7 + 7*3+3 parameters in and out, 10 outputs in, out, and both
     * again for their gradients */
    ck_assert_double_eq(time.bytes_per_step,
                        5000.0 * 12 + 4 * members * (2 * 115 + 4 * 5000.0 * 10));
}
END_TEST

START_TEST(epochs_are_timed_and_a_profile_can_be_left_out)
{
    static lam_network_time time;
    lam_network_task task = small_task;
    task.effort = (lam_bench_effort){.epochs = 2};
    task.profiles = false;
    ck_assert_ok(lam_bench_network(test_device(), &task, &time));
    ck_assert(time.seconds_per_step > 0 && isfinite(time.seconds_per_step));
    ck_assert_uint_eq(time.kernel_count, 0);
    ck_assert(time.profiled_seconds == 0);
}
END_TEST

static void expect_no_time(const lam_network_task *task, lam_status status, const char *part)
{
    static lam_network_time time;
    time.steps_per_epoch = 77;
    ck_assert_int_eq(lam_bench_network(test_device(), task, &time), status);
    expect_message(part);
    ck_assert_uint_eq(time.steps_per_epoch, 77);
}

START_TEST(impossible_networks_are_rejected)
{
    lam_network network = small_network;
    lam_network_task task = small_task;
    task.batch = 0;
    expect_no_time(&task, LAM_STATUS_BAD_ARGUMENT, "legal: 1 to 45000");
    task.batch = LAM_BENCH_ROWS + 1;
    expect_no_time(&task, LAM_STATUS_BAD_ARGUMENT, "legal: 1 to 45000");
    task = small_task;
    task.members = 0;
    expect_no_time(&task, LAM_STATUS_BAD_ARGUMENT, "0 networks");
    task = small_task;
    task.effort = (lam_bench_effort){0};
    expect_no_time(&task, LAM_STATUS_BAD_ARGUMENT, "seconds above 0");
    task = small_task;
    task.network = &network;
    network.layer_count = 0;
    expect_no_time(&task, LAM_STATUS_BAD_ARGUMENT, "of 0 layers");
    network.layer_count = 2;
    expect_no_time(&task, LAM_STATUS_BAD_RECIPE, "layer");
}
END_TEST

START_TEST(request_to_stop_ends_a_measurement)
{
    static lam_network_time time;
    lam_context *context = NULL;
    lam_device *device = NULL;
    lam_network_task task = small_task;
    task.effort.seconds = 1000;
    ck_assert_ok(lam_context_create(&context));
    ck_assert_ok(lam_device_open(context, getenv("LAMINA_DEVICE"), &device));
    lam_context_request_stop(context);
    ck_assert_int_eq(lam_bench_network(device, &task, &time), LAM_STATUS_INTERRUPTED);
    lam_device_close(&device);
    lam_context_destroy(&context);
}
END_TEST

START_TEST(floor_is_the_larger_of_work_and_traffic_and_the_launches)
{
    lam_network_time time = {
        .operations_per_step = 3e6, .bytes_per_step = 4e6, .launches_per_step = 5};
    lam_device_limits limits = {.fma_gflops = 100, .copy_gbytes = 20, .launch_us = 2};
    lam_network_floor floor = lam_network_time_get_floor(&time, &limits);
    ck_assert_double_eq_tol(floor.operations_seconds, 30e-6, 1e-12);
    ck_assert_double_eq_tol(floor.bytes_seconds, 200e-6, 1e-12);
    ck_assert_double_eq_tol(floor.launches_seconds, 10e-6, 1e-12);
    ck_assert_double_eq_tol(floor.total_seconds, 210e-6, 1e-12);
    limits.copy_gbytes = 400;
    floor = lam_network_time_get_floor(&time, &limits);
    ck_assert_double_eq_tol(floor.total_seconds, 40e-6, 1e-12);
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 120);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_loop(suite, "limits", limits_are_positive_and_finite, 1);
    add_loop(suite, "products", products_are_timed_by_every_candidate, 3);
    add_loop(suite, "impossible products", impossible_products_are_rejected, 1);
    add_loop(suite, "launches", step_is_six_launches_without_a_wait, 1);
    add_loop(suite, "normalization", normalization_is_beyond_products, 1);
    add_loop(suite, "dropout", networks_with_dropout_are_timed, 1);
    add_loop(suite, "profile", profiled_step_is_its_products_and_what_is_beyond, 1);
    add_loop(suite, "work", work_is_counted_for_every_member, 2);
    add_loop(suite, "epochs", epochs_are_timed_and_a_profile_can_be_left_out, 1);
    add_loop(suite, "impossible networks", impossible_networks_are_rejected, 1);
    add_loop(suite, "interrupt", request_to_stop_ends_a_measurement, 1);
    add_loop(suite, "floor", floor_is_the_larger_of_work_and_traffic_and_the_launches, 1);
}

LAM_SUITE_MAIN("bench", add_tests)
