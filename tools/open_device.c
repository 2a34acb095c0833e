/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool.h"

/* One line that changes on a terminal, and one in all elsewhere. */
static void show_tuning(void *user, const lam_tune_progress *progress)
{
    (void)user;
    if (!isatty(STDERR_FILENO)) {
        if (progress->product && progress->index == 1)
            fprintf(stderr, "measuring matrix products for this device (once) ..\n");
        return;
    }
    char text[128] = "", budget[32] = "";
    if (progress->budget_seconds > 0)
        snprintf(budget, sizeof budget, " of %.0f", progress->budget_seconds);
    if (progress->product)
        snprintf(text, sizeof text, "measuring product %zu, %.1f%s s: %s", progress->index,
                 progress->seconds, budget, progress->product);
    fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, text);
}

lam_status start_tuning(lam_device *device, const common_options *options,
                        lam_tune_policy policy, double budget_seconds)
{
    const lam_tune_options settings = {.policy = policy,
                                       .budget_seconds = budget_seconds,
                                       .progress = options->quiet ? NULL : show_tuning};
    return lam_tune_start(device, &settings);
}

static lam_status choose_policy(lam_context *context, const common_options *options,
                                lam_tune_policy *ret_policy)
{
    if (options->tune && lam_tune_policy_parse(options->tune, ret_policy))
        return LAM_STATUS_OK;
    return lam_tune_get_default_policy(context, ret_policy);
}

/* Says which device it is, and starts its tuning. */
static lam_status prepare(lam_device *device, const common_options *options,
                          lam_tune_policy policy)
{
    const lam_device_info *info = lam_device_get_info(device);
    char part[64] = "";
    if (info->part_count > 1)
        snprintf(part, sizeof part, " (part %u of %u)", info->part + 1, info->part_count);
    fprintf(stderr, "device %d%s: %s (%s, %s, driver %s)\n", info->index, part, info->name,
            lam_device_type_name(info->type), info->platform, info->driver_version);
    return start_tuning(device, options, policy, LAM_TUNE_BUDGET_SECONDS);
}

lam_status open_device(lam_context *context, const common_options *options,
                       lam_device **ret_device)
{
    lam_tune_policy policy = LAM_TUNE_POLICY_OFF;
    lam_status status = choose_policy(context, options, &policy);
    if (status == LAM_STATUS_OK)
        status = lam_device_open(context, options->device, ret_device);
    if (status == LAM_STATUS_OK)
        status = prepare(*ret_device, options, policy);
    return status;
}

/* ---- several devices ---- */

/* Keeps every count-th device, and where processes outnumber devices one of them. */
static size_t keep_share(lam_device_choice *choices, size_t choice_count, process_share share)
{
    size_t kept = 0;
    for (size_t i = share.index % choice_count; i < choice_count; i += share.count)
        choices[kept++] = choices[i];
    return kept;
}

static void close_seat(device_seat *seat)
{
    if (seat->device)
        lam_device_close(&seat->device);
    if (seat->context)
        lam_context_destroy(&seat->context);
}

static lam_status open_seat(lam_context *context, const common_options *options,
                            lam_tune_policy policy, const lam_device_choice *choice,
                            device_seat *ret_seat)
{
    lam_status status = lam_context_create_child(context, &ret_seat->context);
    if (status == LAM_STATUS_OK)
        status = lam_device_open_choice(ret_seat->context, choice, &ret_seat->device);
    if (status == LAM_STATUS_OK)
        status = prepare(ret_seat->device, options, policy);
    return status;
}

/* Leaves out what cannot be opened, unless that is all. */
static lam_status open_seats(lam_context *context, const common_options *options,
                             const lam_device_choice *choices, size_t count, device_set *set)
{
    lam_tune_policy policy = LAM_TUNE_POLICY_OFF;
    lam_status status = choose_policy(context, options, &policy);
    if (status != LAM_STATUS_OK) {
        report_failure(context, status);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        device_seat *seat = &set->seats[set->count];
        lam_status outcome = open_seat(context, options, policy, &choices[i], seat);
        if (outcome == LAM_STATUS_OK) {
            set->count++;
            continue;
        }
        status = outcome;
        fprintf(stderr, "lamina: %sdevice %zu cannot be opened: %s\n",
                count > 1 ? "warning: " : "", choices[i].position,
                seat->context ? lam_error_message(seat->context) : lam_status_text(outcome));
        close_seat(seat);
    }
    return set->count > 0 ? LAM_STATUS_OK : status;
}

lam_status open_device_set(lam_context *context, const common_options *options,
                           process_share share, device_set *ret_set)
{
    lam_device_choice *choices = NULL;
    size_t count = 0;
    lam_status status = lam_device_choose(context, options->device, &choices, &count);
    if (status != LAM_STATUS_OK) {
        report_failure(context, status);
        return status;
    }
    count = keep_share(choices, count, share);
    device_set set = {.seats = calloc(count, sizeof *set.seats)};
    status = LAM_STATUS_NO_MEMORY;
    if (set.seats)
        status = open_seats(context, options, choices, count, &set);
    free(choices);
    if (status != LAM_STATUS_OK)
        device_set_close(&set);
    else
        *ret_set = set;
    return status;
}

void device_set_close(device_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        close_seat(&set->seats[i]);
    free(set->seats);
    *set = (device_set){NULL, 0};
}
