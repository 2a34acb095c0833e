/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "device/device.h"

LAM_PRINTF(4, 5)
static lam_status fail_with_list(lam_context *context, const lam_device_info *devices,
                                 size_t count, const char *problem, ...)
{
    lam_strbuf text = {0};
    va_list arguments;
    va_start(arguments, problem);
    lam_strbuf_append_v(&text, problem, arguments);
    va_end(arguments);
    lam_strbuf_append(&text, "; choose one with --device INDEX, TYPE or part of a NAME:");
    for (size_t i = 0; i < count; i++)
        lam_strbuf_append(&text, "\n  %d: %s (%s, %s)%s%s", devices[i].index, devices[i].name,
                          lam_device_type_name(devices[i].type), devices[i].platform,
                          devices[i].usable ? "" : ", not usable: ", devices[i].reason);
    lam_status status = lam_fail(context, LAM_STATUS_NO_DEVICE, "%s", lam_strbuf_text(&text));
    lam_strbuf_free(&text);
    return status;
}

static int type_rank(lam_device_type type)
{
    switch (type) {
    case LAM_DEVICE_TYPE_GPU:
        return 3;
    case LAM_DEVICE_TYPE_ACCELERATOR:
        return 2;
    case LAM_DEVICE_TYPE_CPU:
        return 1;
    case LAM_DEVICE_TYPE_OTHER:
        break;
    }
    return 0;
}

static bool is_better(const lam_device_info *a, const lam_device_info *b)
{
    if (type_rank(a->type) != type_rank(b->type))
        return type_rank(a->type) > type_rank(b->type);
    uint64_t speed_a = (uint64_t)a->compute_units * a->clock_mhz;
    uint64_t speed_b = (uint64_t)b->compute_units * b->clock_mhz;
    if (speed_a != speed_b)
        return speed_a > speed_b;
    return a->global_memory_bytes > b->global_memory_bytes;
}

static lam_status select_best(lam_context *context, const lam_device_info *devices,
                              size_t count, size_t *ret_position)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (devices[i].usable && (best == count || is_better(&devices[i], &devices[best])))
            best = i;
    if (best == count)
        return fail_with_list(context, devices, count, "no OpenCL device is usable");
    *ret_position = best;
    return LAM_STATUS_OK;
}

static lam_status select_index(lam_context *context, const lam_device_info *devices,
                               size_t count, const char *selector, size_t *ret_position)
{
    /* More than nine digits cannot be an index and could overflow. */
    size_t index = 0;
    for (const char *digit = selector; *digit && digit < selector + 9; digit++)
        index = 10 * index + (size_t)(*digit - '0');
    if (strlen(selector) > 9 || index >= count)
        return fail_with_list(context, devices, count, "there is no device %s", selector);
    if (!devices[index].usable)
        return fail_with_list(context, devices, count, "device %s cannot be used: %s", selector,
                              devices[index].reason);
    *ret_position = index;
    return LAM_STATUS_OK;
}

static bool is_type_name(const char *selector)
{
    return strcasecmp(selector, "gpu") == 0 || strcasecmp(selector, "cpu") == 0 ||
           strcasecmp(selector, "accelerator") == 0;
}

static bool matches(const lam_device_info *device, const char *selector)
{
    if (!device->usable)
        return false;
    if (is_type_name(selector))
        return strcasecmp(selector, lam_device_type_name(device->type)) == 0;
    return strcasestr(device->name, selector) || strcasestr(device->platform, selector);
}

lam_status lam_device_select(lam_context *context, const lam_device_info *devices, size_t count,
                             const char *selector, size_t *ret_position)
{
    if (count == 0)
        return lam_fail(context, LAM_STATUS_NO_DEVICE,
                        "no OpenCL platform found; install a driver: `apt-get install "
                        "pocl-opencl-icd` for the CPU, or your GPU vendor's OpenCL package "
                        "(in a container, /etc/OpenCL/vendors must hold its .icd file)");
    if (!selector || *selector == '\0')
        return select_best(context, devices, count, ret_position);
    if (strspn(selector, "0123456789") == strlen(selector))
        return select_index(context, devices, count, selector, ret_position);
    size_t found = count, matching = 0;
    for (size_t i = 0; i < count; i++)
        if (matches(&devices[i], selector)) {
            matching++;
            found = i;
        }
    if (matching == 1) {
        *ret_position = found;
        return LAM_STATUS_OK;
    }
    if (matching > 1)
        return fail_with_list(context, devices, count, "several devices match '%s'", selector);
    return fail_with_list(context, devices, count, "no usable device matches '%s'", selector);
}

/* ---- several devices ---- */

/* What selects, on its way. */
typedef struct selection {
    lam_context *context;
    const lam_device_info *devices;
    size_t count;
    lam_device_choice *choices;
    size_t choice_count;
} selection;

static lam_status check_parts(const selection *selected, size_t position, uint32_t part_count)
{
    const lam_device_info *device = &selected->devices[position];
    if (part_count > 1 && device->part_limit <= 1)
        return fail_with_list(selected->context, selected->devices, selected->count,
                              "device %d cannot be split", device->index);
    if (part_count > 1 && part_count > device->part_limit)
        return fail_with_list(selected->context, selected->devices, selected->count,
                              "device %d can be split into %u parts at most", device->index,
                              device->part_limit);
    for (size_t i = 0; i < selected->choice_count; i++)
        if (selected->choices[i].position == position)
            return fail_with_list(selected->context, selected->devices, selected->count,
                                  "device %d is named twice", device->index);
    return LAM_STATUS_OK;
}

static lam_status add_parts(selection *selected, size_t position, uint32_t part_count)
{
    LAM_TRY(check_parts(selected, position, part_count));
    size_t bytes = (selected->choice_count + part_count) * sizeof *selected->choices;
    lam_device_choice *grown = realloc(selected->choices, bytes);
    if (!grown)
        return lam_fail_memory(selected->context, "the choice of devices", bytes);
    selected->choices = grown;
    for (uint32_t part = 0; part < part_count; part++)
        grown[selected->choice_count++] = (lam_device_choice){position, part, part_count};
    return LAM_STATUS_OK;
}

static lam_status add_all(selection *selected, uint32_t part_count)
{
    size_t before = selected->choice_count;
    for (size_t i = 0; i < selected->count; i++)
        if (selected->devices[i].usable)
            LAM_TRY(add_parts(selected, i, part_count));
    if (selected->choice_count == before)
        return fail_with_list(selected->context, selected->devices, selected->count,
                              "no OpenCL device is usable");
    return LAM_STATUS_OK;
}

/* Cuts "/N" off the end of a selector: names may hold a slash, too. */
static lam_status cut_part_count(selection *selected, char *selector, uint32_t *ret_part_count)
{
    char *slash = strrchr(selector, '/');
    *ret_part_count = 1;
    if (!slash || slash[1] == '\0' || slash[1 + strspn(slash + 1, "0123456789")] != '\0')
        return LAM_STATUS_OK;
    errno = 0;
    unsigned long value = strtoul(slash + 1, NULL, 10);
    if (errno != 0 || value < 1 || value > UINT32_MAX)
        return lam_fail(
            selected->context, LAM_STATUS_NO_DEVICE,
            "'%s': %s is no number of parts; write e.g. cpu/2 (lamina devices shows "
            "how many a device can be split into)",
            selector, slash + 1);
    *slash = '\0';
    *ret_part_count = (uint32_t)value;
    return LAM_STATUS_OK;
}

static lam_status add_selector(selection *selected, char *selector)
{
    uint32_t part_count = 1;
    size_t position = 0;
    LAM_TRY(cut_part_count(selected, selector, &part_count));
    if (selected->count > 0 && strcasecmp(selector, "all") == 0)
        return add_all(selected, part_count);
    LAM_TRY(lam_device_select(selected->context, selected->devices, selected->count, selector,
                              &position));
    return add_parts(selected, position, part_count);
}

static lam_status add_selectors(selection *selected, char *selectors)
{
    if (*selectors == '\0')
        return add_selector(selected, selectors);
    for (char *rest = selectors; rest;) {
        char *selector = strsep(&rest, ",");
        if (*selector == '\0')
            return lam_fail(selected->context, LAM_STATUS_NO_DEVICE,
                            "a device is missing beside a comma; write e.g. --device 0,2");
        LAM_TRY(add_selector(selected, selector));
    }
    return LAM_STATUS_OK;
}

lam_status lam_device_select_several(lam_context *context, const lam_device_info *devices,
                                     size_t count, const char *selectors,
                                     lam_device_choice **ret_choices, size_t *ret_count)
{
    selection selected = {context, devices, count, NULL, 0};
    char *copy = strdup(selectors ? selectors : "");
    if (!copy)
        return lam_fail_memory(context, "the choice of devices", strlen(selectors));
    lam_status status = add_selectors(&selected, copy);
    free(copy);
    if (status != LAM_STATUS_OK) {
        free(selected.choices);
        return status;
    }
    *ret_choices = selected.choices;
    *ret_count = selected.choice_count;
    return LAM_STATUS_OK;
}
