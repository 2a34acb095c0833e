/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tool.h"

static json_t *device_to_json(const lam_device_info *d)
{
    json_t *json = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "index", d->index, "name", d->name,
        "vendor", d->vendor, "platform", d->platform, "type", lam_device_type_name(d->type),
        "driver_version", d->driver_version, "opencl_version", d->opencl_version,
        "compute_units", (int)d->compute_units, "clock_mhz", (int)d->clock_mhz);
    json_t *more =
        json_pack("{s:i, s:I, s:I, s:I, s:b, s:b, s:b, s:s}", "part_limit", (int)d->part_limit,
                  "global_memory_bytes", (json_int_t)d->global_memory_bytes,
                  "largest_allocation_bytes", (json_int_t)d->largest_allocation_bytes,
                  "local_memory_bytes", (json_int_t)d->local_memory_bytes, "fp64", d->has_fp64,
                  "fp16", d->has_fp16, "usable", d->usable, "reason", d->reason);
    json_object_update(json, more);
    json_decref(more);
    return json;
}

static int print_list_as_json(const lam_device_list *list)
{
    json_t *devices = json_array(), *skipped = json_array();
    for (size_t i = 0; i < lam_device_list_get_count(list); i++)
        json_array_append_new(devices, device_to_json(lam_device_list_get(list, i)));
    const char *platform = NULL;
    for (size_t i = 0; (platform = lam_device_list_get_skipped(list, i)); i++)
        json_array_append_new(skipped, json_string(platform));
    return print_json(
        json_pack("{s:o, s:o}", "devices", devices, "skipped_platforms", skipped));
}

static void print_device(const lam_device_info *d)
{
    const double gib = 1 << 30;
    printf("%d: %s\n", d->index, d->name);
    printf("   vendor    %s\n", d->vendor);
    printf("   type      %s, %u compute units at %u MHz\n", lam_device_type_name(d->type),
           d->compute_units, d->clock_mhz);
    printf("   platform  %s, driver %s, %s\n", d->platform, d->driver_version,
           d->opencl_version);
    printf("   memory    %.1f GiB, largest allocation %.1f GiB\n",
           (double)d->global_memory_bytes / gib, (double)d->largest_allocation_bytes / gib);
    printf("   reals     fp64 %s, fp16 %s\n", d->has_fp64 ? "yes" : "no",
           d->has_fp16 ? "yes" : "no");
    if (d->part_limit > 1)
        printf("   parts     up to %u (e.g. --device %d/%u)\n", d->part_limit, d->index,
               d->part_limit);
    if (d->usable)
        printf("   usable    yes\n");
    else
        printf("   usable    no: %s\n", d->reason);
}

static void print_list(const lam_device_list *list)
{
    for (size_t i = 0; i < lam_device_list_get_count(list); i++)
        print_device(lam_device_list_get(list, i));
    const char *platform = NULL;
    for (size_t i = 0; (platform = lam_device_list_get_skipped(list, i)); i++)
        printf("skipped platform %s\n", platform);
}

int cmd_devices(lam_context *context, int argc, char **argv)
{
    common_options options = common_options_start();
    const struct argp_child children[] = {{&json_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .doc = "List every OpenCL device of every platform, and whether Lamina can use it.\v"
               "Examples:\n  lamina devices\n  lamina devices --json",
        .children = children};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    lam_device_list *list = NULL;
    lam_status status = lam_device_list_create(context, &list);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    int exit_status = 0;
    if (options.json)
        exit_status = print_list_as_json(list);
    else
        print_list(list);
    if (lam_device_list_get_count(list) == 0) {
        size_t none = 0;
        exit_status = report_failure(context, lam_device_select(context, NULL, 0, NULL, &none));
    }
    lam_device_list_destroy(&list);
    return exit_status;
}
