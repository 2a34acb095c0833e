/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/clock.h"
#include "op/plan.h"
#include "support/device_fixture.h"
#include "support/suite.h"

enum { LONG_MS = 200 };

static lam_device *device; /* of this suite's own: what a device learns of its driver stays */
static lam_engine *engine;
static lam_plan *plan;
static lam_buffer *out;

static void set_up(void)
{
    ck_assert_ok(lam_device_open(test_context(), getenv("LAMINA_DEVICE"), &device));
    ck_assert_ok(lam_engine_create(device, LAM_REAL_TYPE_F32, LAM_GEMM_AUTO, &engine));
    ck_assert_ok(lam_buffer_create(device, 1 << 16, "a test", &out));
    ck_assert_ok(lam_plan_create(engine, &plan));
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "VEC", 4);
    lam_define_set_add(&defines, "CHAINS", 4);
    lam_define_set_add(&defines, "ITERATIONS", 10000);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, "limits", "limits_fma", &defines);
    lam_launch_bind_buffer(&launch, out);
    ck_assert_ok(lam_plan_add_launch(&launch, (const size_t[3]){1024, 1, 1}, lam_any_local));
    ck_assert_ok(lam_plan_enqueue(plan, 0));
    ck_assert_ok(lam_device_finish(device));
}

static void tear_down(void)
{
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&out);
    lam_engine_destroy(&engine);
    lam_device_close(&device);
}

/* Queues work for at least LONG_MS. */
static void enqueue_long_work(void)
{
    int count = 1;
    for (uint64_t ms = 0; ms < 20;) {
        uint64_t start = lam_clock_get_ns();
        count *= 2;
        for (int i = 0; i < count; i++)
            ck_assert_ok(lam_plan_enqueue(plan, 0));
        ck_assert_ok(lam_device_finish(device));
        ms = (lam_clock_get_ns() - start) / 1000000;
    }
    for (int i = 0; i < count * LONG_MS / 20; i++)
        ck_assert_ok(lam_plan_enqueue(plan, 0));
}

static uint64_t get_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static void wait_for_all(void)
{
    ck_assert_ok(lam_device_finish(device));
}

static void wait_for_marker(void)
{
    lam_marker *marker = NULL;
    ck_assert_ok(lam_marker_create(device, &marker));
    ck_assert_ok(lam_marker_wait(marker));
    lam_marker_destroy(&marker);
}

static void wait_by_reading(void)
{
    char byte;
    ck_assert_ok(lam_buffer_read(out, 0, &byte, 1));
}

static void wait_by_writing(void)
{
    const char byte = 0;
    ck_assert_ok(lam_buffer_write(out, 0, &byte, 1));
}

static void (*const waits[])(void) = {wait_for_all, wait_for_marker, wait_by_reading,
                                      wait_by_writing};
enum { WAITS = sizeof waits / sizeof waits[0] };

static void expect_sleep(int kind)
{
    enqueue_long_work();
    uint64_t start = lam_clock_get_ns(), cpu = get_cpu_ns();
    waits[kind]();
    uint64_t waited = lam_clock_get_ns() - start;
    cpu = get_cpu_ns() - cpu;
    ck_assert_uint_gt(waited, 20000000);
    ck_assert_msg(cpu < waited / 10, "a wait of %.1f ms took %.1f ms of a core",
                  1e-6 * (double)waited, 1e-6 * (double)cpu);
}

START_TEST(waiting_for_the_device_sleeps)
{
    expect_sleep(_i);
}
END_TEST

START_TEST(waiting_by_naps_sleeps)
{
    lam_device_wait_by_naps(device);
    expect_sleep(_i);
}
END_TEST

START_TEST(naps_do_not_miss_the_end)
{
    enum { TRIPS = 50 };
    uint64_t ns[2] = {UINT64_MAX, UINT64_MAX};
    for (int naps = 0; naps < 2; naps++) {
        if (naps)
            lam_device_wait_by_naps(device);
        for (int i = 0; i < TRIPS; i++) {
            uint64_t start = lam_clock_get_ns();
            ck_assert_ok(lam_plan_enqueue(plan, 0));
            ck_assert_ok(lam_device_finish(device));
            uint64_t took = lam_clock_get_ns() - start;
            ns[naps] = took < ns[naps] ? took : ns[naps];
        }
    }
    /* An eighth, and the sleep's own latency. */
    ck_assert_msg(ns[1] < ns[0] + ns[0] / 4 + 500000, "%.3f ms by naps, %.3f ms without",
                  1e-6 * (double)ns[1], 1e-6 * (double)ns[0]);
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_set_timeout(test_case, 60);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_loop(suite, "sleeps", waiting_for_the_device_sleeps, WAITS);
    add_loop(suite, "naps", waiting_by_naps_sleeps, WAITS);
    add_loop(suite, "end", naps_do_not_miss_the_end, 1);
}

LAM_SUITE_MAIN("wait", add_tests)
