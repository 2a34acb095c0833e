/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "device/opencl.h"

struct lam_device_list {
    size_t count;
    lam_device_info *devices;
    lam_device_entry *entries;
    size_t skipped_count;
    char **skipped;
};

static const char *const device_type_names[] = {
#define LAM_DEVICE_TYPE_TEXT(name, text) text,
    LAM_DEVICE_TYPE_LIST(LAM_DEVICE_TYPE_TEXT)
#undef LAM_DEVICE_TYPE_TEXT
};

const char *lam_device_type_name(lam_device_type type)
{
    size_t count = sizeof device_type_names / sizeof device_type_names[0];
    return (size_t)type < count ? device_type_names[type] : "unknown";
}

/* Drivers pad names with blanks and some end them with a newline. */
static void trim(char *text)
{
    size_t skip = strspn(text, " \t\n");
    size_t length = strlen(text + skip);
    memmove(text, text + skip, length + 1);
    while (length > 0 && strchr(" \t\n", text[length - 1]))
        text[--length] = '\0';
}

static cl_int get_device_text(cl_device_id id, cl_device_info key, char *ret_text)
{
    size_t size = 0;
    cl_int status = clGetDeviceInfo(id, key, 0, NULL, &size);
    if (status != CL_SUCCESS)
        return status;
    char *whole = calloc(1, size + 1);
    if (!whole)
        return CL_OUT_OF_HOST_MEMORY;
    status = clGetDeviceInfo(id, key, size, whole, NULL);
    if (status == CL_SUCCESS) {
        trim(whole);
        snprintf(ret_text, LAM_DEVICE_TEXT_BYTES, "%s", whole);
    }
    free(whole);
    return status;
}

static void get_platform_text(cl_platform_id id, cl_platform_info key, const char *fallback,
                              char *ret_text)
{
    char text[4 * LAM_DEVICE_TEXT_BYTES] = "";
    if (clGetPlatformInfo(id, key, sizeof text - 1, text, NULL) != CL_SUCCESS)
        snprintf(text, sizeof text, "%s", fallback);
    trim(text);
    snprintf(ret_text, LAM_DEVICE_TEXT_BYTES, "%.*s", LAM_DEVICE_TEXT_BYTES - 1, text);
}

static lam_device_type translate_type(cl_device_type type)
{
    if (type & CL_DEVICE_TYPE_GPU)
        return LAM_DEVICE_TYPE_GPU;
    if (type & CL_DEVICE_TYPE_ACCELERATOR)
        return LAM_DEVICE_TYPE_ACCELERATOR;
    if (type & CL_DEVICE_TYPE_CPU)
        return LAM_DEVICE_TYPE_CPU;
    return LAM_DEVICE_TYPE_OTHER;
}

/* Drivers' answers as OpenCL types them. */
typedef struct device_answers {
    cl_device_type type;
    cl_uint compute_units, clock_mhz, float_lanes;
    cl_ulong global_memory, largest_allocation, local_memory;
    size_t largest_work_group;
    cl_device_local_mem_type local_memory_type;
    cl_bool unified_memory, available, compiler_available, little_endian;
    cl_device_fp_config fp64;
} device_answers;

static cl_int ask_numbers(cl_device_id id, device_answers *answers)
{
    const struct {
        cl_device_info key;
        void *value;
        size_t size;
    } questions[] = {
        {CL_DEVICE_TYPE, &answers->type, sizeof answers->type},
        {CL_DEVICE_MAX_COMPUTE_UNITS, &answers->compute_units, sizeof(cl_uint)},
        {CL_DEVICE_MAX_CLOCK_FREQUENCY, &answers->clock_mhz, sizeof(cl_uint)},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &answers->float_lanes, sizeof(cl_uint)},
        {CL_DEVICE_GLOBAL_MEM_SIZE, &answers->global_memory, sizeof(cl_ulong)},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, &answers->largest_allocation, sizeof(cl_ulong)},
        {CL_DEVICE_LOCAL_MEM_SIZE, &answers->local_memory, sizeof(cl_ulong)},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, &answers->largest_work_group, sizeof(size_t)},
        {CL_DEVICE_LOCAL_MEM_TYPE, &answers->local_memory_type,
         sizeof answers->local_memory_type},
        {CL_DEVICE_HOST_UNIFIED_MEMORY, &answers->unified_memory, sizeof(cl_bool)},
        {CL_DEVICE_AVAILABLE, &answers->available, sizeof(cl_bool)},
        {CL_DEVICE_COMPILER_AVAILABLE, &answers->compiler_available, sizeof(cl_bool)},
        {CL_DEVICE_ENDIAN_LITTLE, &answers->little_endian, sizeof(cl_bool)},
    };
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        cl_int status =
            clGetDeviceInfo(id, questions[i].key, questions[i].size, questions[i].value, NULL);
        if (status != CL_SUCCESS)
            return status;
    }
    /* An OpenCL 1.2 device without doubles may answer this one with CL_INVALID_VALUE. */
    if (clGetDeviceInfo(id, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof answers->fp64, &answers->fp64,
                        NULL) != CL_SUCCESS)
        answers->fp64 = 0;
    return CL_SUCCESS;
}

static bool has_extension(cl_device_id id, const char *name)
{
    size_t size = 0;
    if (clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, 0, NULL, &size) != CL_SUCCESS)
        return false;
    char *extensions = calloc(1, size + 1);
    if (!extensions)
        return false;
    bool found = clGetDeviceInfo(id, CL_DEVICE_EXTENSIONS, size, extensions, NULL) == 0 &&
                 strstr(extensions, name) != NULL;
    free(extensions);
    return found;
}

static const char *find_obstacle(const lam_device_info *info, const device_answers *answers)
{
    int major = 0, minor = 0;
    if (!answers->available)
        return "the driver says it is not available";
    if (!answers->compiler_available)
        return "its driver has no compiler";
    if (sscanf(info->opencl_version, "OpenCL %d.%d", &major, &minor) != 2)
        return "its OpenCL version is unreadable";
    if (major * 10 + minor < 12)
        return "it is older than OpenCL 1.2";
    if (!answers->little_endian)
        return "it is big-endian";
    return NULL;
}

static void describe_device(cl_device_id id, lam_device_info *info)
{
    device_answers answers = {0};
    cl_int status = get_device_text(id, CL_DEVICE_NAME, info->name);
    if (status == CL_SUCCESS)
        status = get_device_text(id, CL_DEVICE_VENDOR, info->vendor);
    if (status == CL_SUCCESS)
        status = get_device_text(id, CL_DRIVER_VERSION, info->driver_version);
    if (status == CL_SUCCESS)
        status = get_device_text(id, CL_DEVICE_VERSION, info->opencl_version);
    if (status == CL_SUCCESS)
        status = ask_numbers(id, &answers);
    if (status != CL_SUCCESS) {
        snprintf(info->reason, sizeof info->reason, "it does not answer: %s",
                 lam_cl_status_name(status));
        return;
    }
    info->type = translate_type(answers.type);
    info->compute_units = answers.compute_units;
    info->clock_mhz = answers.clock_mhz;
    info->global_memory_bytes = answers.global_memory;
    info->largest_allocation_bytes = answers.largest_allocation;
    info->local_memory_bytes = answers.local_memory;
    info->largest_work_group = answers.largest_work_group;
    info->float_lanes = answers.float_lanes;
    info->has_dedicated_local_memory = answers.local_memory_type == CL_LOCAL;
    info->has_unified_memory = answers.unified_memory != CL_FALSE;
    info->has_fp64 = answers.fp64 != 0;
    info->has_fp16 = has_extension(id, "cl_khr_fp16");
    info->part_limit = lam_device_count_parts(id, answers.compute_units);
    const char *obstacle = find_obstacle(info, &answers);
    info->usable = obstacle == NULL;
    snprintf(info->reason, sizeof info->reason, "%s", obstacle ? obstacle : "");
}

static lam_status add_skipped(lam_context *context, lam_device_list *list, const char *platform,
                              cl_int status)
{
    lam_strbuf text = {0};
    lam_strbuf_append(&text, "%s: %s (%d)", platform, lam_cl_status_name(status), status);
    char **grown = realloc(list->skipped, (list->skipped_count + 1) * sizeof *grown);
    if (grown)
        list->skipped = grown;
    if (text.failed || !grown) {
        lam_strbuf_free(&text);
        return lam_fail_memory(context, "the device list", sizeof *grown);
    }
    list->skipped[list->skipped_count++] = text.text;
    return LAM_STATUS_OK;
}

static lam_status grow_list(lam_context *context, lam_device_list *list, size_t extra)
{
    size_t count = list->count + extra;
    lam_device_info *devices = realloc(list->devices, count * sizeof *devices);
    if (devices)
        list->devices = devices;
    lam_device_entry *entries = realloc(list->entries, count * sizeof *entries);
    if (entries)
        list->entries = entries;
    if (!devices || !entries)
        return lam_fail_memory(context, "the device list", count * sizeof *devices);
    return LAM_STATUS_OK;
}

static lam_status add_platform(lam_context *context, lam_device_list *list,
                               cl_platform_id platform)
{
    char name[LAM_DEVICE_TEXT_BYTES], version[LAM_DEVICE_TEXT_BYTES];
    get_platform_text(platform, CL_PLATFORM_NAME, "unnamed platform", name);
    get_platform_text(platform, CL_PLATFORM_VERSION, "unknown version", version);
    cl_uint count = 0;
    cl_int status = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (status != CL_SUCCESS || count == 0)
        return add_skipped(context, list, name, status ? status : CL_DEVICE_NOT_FOUND);
    cl_device_id *ids = calloc(count, sizeof *ids);
    if (!ids)
        return lam_fail_memory(context, "the device list", count * sizeof *ids);
    status = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL);
    lam_status result = status == CL_SUCCESS ? grow_list(context, list, count)
                                             : add_skipped(context, list, name, status);
    for (cl_uint i = 0; i < count && status == CL_SUCCESS && result == LAM_STATUS_OK; i++) {
        lam_device_info info = {.index = (int)list->count,
                                .type = LAM_DEVICE_TYPE_OTHER,
                                .part_limit = 1,
                                .part_count = 1};
        memcpy(info.platform, name, sizeof name);
        memcpy(info.platform_version, version, sizeof version);
        describe_device(ids[i], &info);
        list->devices[list->count] = info;
        list->entries[list->count++] = (lam_device_entry){platform, ids[i]};
    }
    free(ids);
    return result;
}

lam_status lam_device_list_create(lam_context *context, lam_device_list **ret_list)
{
    lam_status status = LAM_STATUS_OK;
    lam_device_list *list = calloc(1, sizeof *list);
    cl_platform_id *platforms = NULL;
    if (!list)
        return lam_fail_memory(context, "the device list", sizeof *list);
    cl_uint count = 0;
    cl_int answer = clGetPlatformIDs(0, NULL, &count);
    if (answer == CL_SUCCESS && count > 0) {
        platforms = calloc(count, sizeof *platforms);
        if (!platforms)
            LAM_TRY_GOTO(status, lam_fail_memory(context, "the device list", count));
        answer = clGetPlatformIDs(count, platforms, NULL);
    }
    for (cl_uint i = 0; answer == CL_SUCCESS && i < count; i++)
        LAM_TRY_GOTO(status, add_platform(context, list, platforms[i]));
    free(platforms);
    *ret_list = list;
    return LAM_STATUS_OK;
fail:
    free(platforms);
    lam_device_list_destroy(&list);
    return status;
}

void lam_device_list_destroy(lam_device_list **list)
{
    if (!*list)
        return;
    for (size_t i = 0; i < (*list)->skipped_count; i++)
        free((*list)->skipped[i]);
    free((*list)->skipped);
    free((*list)->devices);
    free((*list)->entries);
    free(*list);
    *list = NULL;
}

size_t lam_device_list_get_count(const lam_device_list *list)
{
    return list->count;
}

const lam_device_info *lam_device_list_get(const lam_device_list *list, size_t position)
{
    return position < list->count ? &list->devices[position] : NULL;
}

const char *lam_device_list_get_skipped(const lam_device_list *list, size_t position)
{
    return position < list->skipped_count ? list->skipped[position] : NULL;
}

const lam_device_entry *lam_device_list_get_entry(const lam_device_list *list, size_t position)
{
    return &list->entries[position];
}

const lam_device_info *lam_device_list_get_all(const lam_device_list *list)
{
    return list->devices;
}
