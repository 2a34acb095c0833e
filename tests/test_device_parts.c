/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/small_run.h"
#include "support/suite.h"

/* Parts of a device, and several devices at work in one process. */

/* The parts of the suite's device; where it cannot be split, the whole of it each time. */
static lam_device_choice choose_part(uint32_t part, uint32_t part_count)
{
    const lam_device_info *info = lam_device_get_info(test_device());
    lam_device_choice choice = {(size_t)info->index, part, part_count};
    if (part_count > info->part_limit)
        choice.part = 0, choice.part_count = 1;
    return choice;
}

START_TEST(parts_share_the_compute_units_and_the_memory)
{
    const lam_device_info *whole = lam_device_get_info(test_device());
    if (whole->part_limit < 2)
        return;
    uint32_t units = 0;
    for (uint32_t part = 0; part < whole->part_limit; part++) {
        const lam_device_choice choice = {(size_t)whole->index, part, whole->part_limit};
        lam_device *device = NULL;
        ck_assert_ok(lam_device_open_choice(test_context(), &choice, &device));
        const lam_device_info *info = lam_device_get_info(device);
        ck_assert_int_eq(info->index, whole->index);
        ck_assert_uint_eq(info->part, part);
        ck_assert_uint_eq(info->part_count, whole->part_limit);
        ck_assert_uint_ge(info->compute_units, 1);
        ck_assert_uint_eq(info->global_memory_bytes,
                          whole->global_memory_bytes / whole->part_limit);
        ck_assert_uint_le(info->largest_allocation_bytes, info->global_memory_bytes);
        units += info->compute_units;
        lam_device_close(&device);
    }
    ck_assert_uint_eq(units, whole->compute_units);
}
END_TEST

START_TEST(parts_that_do_not_exist_are_refused)
{
    const lam_device_info *whole = lam_device_get_info(test_device());
    const size_t position = (size_t)whole->index;
    const lam_device_choice wrong[] = {
        {position, 1, 1}, {position, 0, 0},
        {position, 2, 2}, {position, 0, whole->part_limit + 1},
        {1000, 0, 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        lam_device *device = NULL;
        ck_assert_int_eq(lam_device_open_choice(test_context(), &wrong[i], &device),
                         LAM_STATUS_NO_DEVICE);
        ck_assert_ptr_null(device);
    }
}
END_TEST

/* Trains the small recipe on a device of its own in a thread of its own. */
typedef struct trainee {
    lam_device_choice choice;
    lam_train_options options;
    lam_status status;
    char message[300];
} trainee;

static void *train(void *argument)
{
    trainee *self = argument;
    lam_context *context = NULL;
    lam_device *device = NULL;
    lam_run_summary summary;
    self->status = lam_context_create_child(test_context(), &context);
    if (self->status == LAM_STATUS_OK)
        self->status = lam_device_open_choice(context, &self->choice, &device);
    if (self->status == LAM_STATUS_OK)
        self->status =
            lam_train(device, &small_recipe, small_run_dataset(), &self->options, &summary);
    if (self->status != LAM_STATUS_OK)
        snprintf(self->message, sizeof self->message, "%s", lam_error_message(context));
    if (device)
        lam_device_close(&device);
    lam_context_destroy(&context);
    return NULL;
}

static trainee make_trainee(uint32_t part, lam_gemm gemm, const char *run)
{
    trainee made = {.choice = choose_part(part, 2), .options = small_run_options(run)};
    made.options.gemm = gemm;
    return made;
}

/* What comes of a part alone, and of both at once, `rounds` times. */
static void expect_same_bits(lam_gemm gemm, int rounds)
{
    char name[40];
    snprintf(name, sizeof name, "alone-%d", (int)gemm);
    const char *alone = small_run_path(name);
    trainee first = make_trainee(0, gemm, alone);
    train(&first);
    ck_assert_msg(first.status == LAM_STATUS_OK, "%s", first.message);
    for (int round = 0; round < rounds; round++) {
        trainee both[2];
        pthread_t threads[2];
        for (uint32_t i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "together-%d-%d-%u", (int)gemm, round, i);
            both[i] = make_trainee(i, gemm, small_run_path(name));
            ck_assert_int_eq(pthread_create(&threads[i], NULL, train, &both[i]), 0);
        }
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < 2; i++) {
            ck_assert_msg(both[i].status == LAM_STATUS_OK, "%s", both[i].message);
            small_run_expect_same_file(alone, both[i].options.output_directory,
                                       "model.safetensors");
        }
    }
}

START_TEST(two_devices_train_at_once_to_the_bits_of_one)
{
    expect_same_bits(LAM_GEMM_AUTO, 3);
}
END_TEST

START_TEST(two_devices_share_clblast)
{
    expect_same_bits(LAM_GEMM_CLBLAST, 1);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "shares", parts_share_the_compute_units_and_the_memory, 60);
    lam_add_test(suite, "refused", parts_that_do_not_exist_are_refused, 60);
    TCase *together =
        lam_add_test(suite, "together", two_devices_train_at_once_to_the_bits_of_one, 120);
    tcase_add_test(together, two_devices_share_clblast);
    tcase_add_checked_fixture(together, small_run_set_up, small_run_tear_down);
}

LAM_SUITE_MAIN("device_parts", add_tests)
