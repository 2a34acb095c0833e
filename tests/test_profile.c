/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "op/plan.h"
#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"
#include "train/trace.h"

static lam_engine *engine;
static lam_plan *plan;
static test_folder folder;
static char warning[256];

static void keep_warning(void *user, lam_log_level level, const char *message)
{
    (void)user;
    if (level == LAM_LOG_LEVEL_WARNING)
        snprintf(warning, sizeof warning, "%s", message);
}

/* A plan of two launches of different names; what they compute does not matter. */
static void set_up(void)
{
    folder = test_folder_make();
    *warning = '\0';
    lam_context_set_log(test_context(), keep_warning, NULL);
    engine = test_engine(LAM_REAL_TYPE_F32, LAM_GEMM_REGISTERS);
    ck_assert_ok(lam_plan_create(engine, &plan));
    for (size_t i = 0; i < 2; i++) {
        const char *entry = i == 0 ? "limits_nothing" : "limits_fma";
        lam_define_set defines = lam_engine_start_defines(engine);
        lam_define_set_add(&defines, "VEC", 4);
        lam_define_set_add(&defines, "CHAINS", 1);
        lam_define_set_add(&defines, "ITERATIONS", 1);
        lam_buffer *out = NULL;
        ck_assert_ok(lam_buffer_create(engine->device, 4096, "a test", &out));
        ck_assert_ok(lam_plan_take_buffer(plan, out));
        lam_launch_builder launch = lam_launch_begin(engine, plan, "limits", entry, &defines);
        lam_launch_bind_buffer(&launch, out);
        ck_assert_ok(lam_plan_add_launch(&launch, (const size_t[3]){8, 1, 1}, lam_any_local));
    }
}

static void tear_down(void)
{
    lam_context_set_log(test_context(), NULL, NULL);
    lam_plan_destroy(&plan);
    lam_engine_destroy(&engine);
    test_folder_remove(&folder);
}

START_TEST(launches_have_names_and_times_on_the_hosts_clock)
{
    lam_profile profile = {0};
    uint64_t before = lam_clock_get_ns(), slack_ns = 2000000;
    ck_assert(!lam_device_is_profiling(test_device()));
    ck_assert_ok(lam_device_start_profile(test_device(), 10));
    ck_assert(lam_device_is_profiling(test_device()));
    ck_assert_ok(lam_plan_enqueue(plan, 0));
    ck_assert_ok(lam_device_stop_profile(test_device(), &profile));
    ck_assert(!lam_device_is_profiling(test_device()));
    ck_assert_uint_eq(profile.count, 2);
    ck_assert_uint_eq(profile.launches, 2);
    ck_assert_str_eq(profile.spans[0].name, "limits_nothing");
    ck_assert_str_eq(profile.spans[1].name, "limits_fma");
    ck_assert_uint_le(profile.spans[0].end_ns, profile.spans[1].start_ns);
    ck_assert_uint_gt(lam_profile_get_host_ns(&profile, profile.spans[0].start_ns) + slack_ns,
                      before);
    ck_assert_uint_lt(lam_profile_get_host_ns(&profile, profile.spans[1].end_ns),
                      lam_clock_get_ns() + slack_ns);
    lam_profile_free(&profile);
}
END_TEST

START_TEST(first_launches_fill_the_capacity_and_the_rest_are_counted)
{
    lam_profile profile = {0};
    ck_assert_ok(lam_device_start_profile(test_device(), 3));
    ck_assert_ok(lam_plan_enqueue(plan, 0));
    ck_assert_ok(lam_plan_enqueue(plan, 1));
    ck_assert_ok(lam_device_stop_profile(test_device(), &profile));
    ck_assert_uint_eq(profile.count, 3);
    ck_assert_uint_eq(profile.launches, 4);
    ck_assert_str_eq(profile.spans[2].name, "limits_nothing");
    lam_profile_free(&profile);
}
END_TEST

/* A device's clock that starts anywhere, runs 1 % slow, and is read before the first pair. */
START_TEST(clocks_are_tied_by_the_line_through_both_pairs)
{
    const lam_profile profile = {.first = {5000000000, 100000}, .latest = {5000101000, 200000}};
    ck_assert_uint_eq(lam_profile_get_host_ns(&profile, 100000), 5000000000);
    ck_assert_uint_eq(lam_profile_get_host_ns(&profile, 150000), 5000050500);
    ck_assert_uint_eq(lam_profile_get_host_ns(&profile, 0), 4999899000);
}
END_TEST

START_TEST(host_spans_past_the_limit_are_counted_and_told)
{
    lam_trace *trace = NULL;
    ck_assert_ok(lam_trace_create(test_context(), test_path(&folder, "t.json"), &trace));
    for (int i = 0; i < LAM_TRACE_HOST_SPAN_LIMIT; i++)
        lam_trace_end(trace, lam_trace_begin(trace, "span %d", i));
    ck_assert_uint_eq(lam_trace_begin(trace, "one too many"), 0);
    lam_trace_end(trace, 0);
    ck_assert_ok(lam_trace_write(trace));
    lam_trace_destroy(&trace);
    ck_assert_ptr_nonnull(strstr(warning, "first 10000 of the host's 10001 spans"));
    json_t *file = json_load_file(test_path(&folder, "t.json"), 0, NULL);
    const json_t *other = json_object_get(file, "otherData");
    ck_assert_int_eq(json_integer_value(json_object_get(other, "host_spans")), 10001);
    ck_assert_int_eq(json_integer_value(json_object_get(other, "host_spans_in_file")), 10000);
    json_decref(file);
}
END_TEST

START_TEST(no_trace_costs_nothing_and_does_nothing)
{
    ck_assert_uint_eq(lam_trace_begin(NULL, "span"), 0);
    lam_trace_end(NULL, 1);
    ck_assert_ok(lam_trace_start_device(NULL, test_device()));
    ck_assert(!lam_device_is_profiling(test_device()));
    ck_assert_ok(lam_trace_stop_device(NULL));
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 60), set_up, tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "names", launches_have_names_and_times_on_the_hosts_clock);
    add_test(suite, "capacity", first_launches_fill_the_capacity_and_the_rest_are_counted);
    add_test(suite, "clocks", clocks_are_tied_by_the_line_through_both_pairs);
    add_test(suite, "spans", host_spans_past_the_limit_are_counted_and_told);
    add_test(suite, "nothing", no_trace_costs_nothing_and_does_nothing);
}

LAM_SUITE_MAIN("profile", add_tests)
