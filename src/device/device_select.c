/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "device/device.h"

static lam_status fail_with_list(lam_context *context, const lam_device_info *devices,
                                 size_t count, const char *problem)
{
    lam_strbuf text = {0};
    lam_strbuf_append(&text,
                      "%s; choose one with --device INDEX, TYPE or part of a NAME:", problem);
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
    lam_strbuf problem = {0};
    if (strlen(selector) > 9 || index >= count)
        lam_strbuf_append(&problem, "there is no device %s", selector);
    else if (!devices[index].usable)
        lam_strbuf_append(&problem, "device %s cannot be used: %s", selector,
                          devices[index].reason);
    if (problem.length > 0) {
        lam_status status = fail_with_list(context, devices, count, problem.text);
        lam_strbuf_free(&problem);
        return status;
    }
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
    lam_strbuf problem = {0};
    lam_strbuf_append(&problem,
                      matching == 0 ? "no usable device matches '%s'"
                                    : "several devices match '%s'",
                      selector);
    lam_status status = fail_with_list(context, devices, count, lam_strbuf_text(&problem));
    lam_strbuf_free(&problem);
    return status;
}
