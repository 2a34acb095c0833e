/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kernel_store.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/program_cache.h"
#include "kernel/source.h"

/* Goes in front of every family's file. */
#define COMMON_FILE "common.clh"

typedef struct store_entry {
    char *key; /* family and defines */
    lam_program *program;
} store_entry;

struct lam_kernel_store {
    lam_device *device;
    lam_program_cache *cache;
    store_entry *entries;
    size_t count;
};

lam_status lam_kernel_store_create(lam_device *device, lam_kernel_store **ret_store)
{
    lam_kernel_store *store = calloc(1, sizeof *store);
    if (!store)
        return lam_fail_memory(lam_device_get_context(device), "the kernel store",
                               sizeof *store);
    store->device = device;
    lam_status status = lam_program_cache_create(device, &store->cache);
    if (status != LAM_STATUS_OK) {
        lam_kernel_store_destroy(&store);
        return status;
    }
    *ret_store = store;
    return LAM_STATUS_OK;
}

void lam_kernel_store_destroy(lam_kernel_store **store)
{
    if (!*store)
        return;
    for (size_t i = 0; i < (*store)->count; i++) {
        free((*store)->entries[i].key);
        lam_program_destroy(&(*store)->entries[i].program);
    }
    lam_program_cache_destroy(&(*store)->cache);
    free((*store)->entries);
    free(*store);
    *store = NULL;
}

lam_device *lam_kernel_store_get_device(const lam_kernel_store *store)
{
    return store->device;
}

/* The two parts of a program's text. */
typedef struct family_source {
    char *common;
    char *text;
} family_source;

static lam_status fail_build(lam_device *device, const char *file, const family_source *source,
                             const char *options, const char *log)
{
    const lam_device_info *info = lam_device_get_info(device);
    char *begun = lam_source_explain_log(COMMON_FILE, source->common,
                                         log ? log : "(the driver gave no log)");
    char *explained = lam_source_explain_log(file, source->text, begun ? begun : "");
    free(begun);
    lam_status status =
        lam_fail(lam_device_get_context(device), LAM_STATUS_BAD_KERNEL,
                 "cl/%s did not build on device %d (%s, driver %s) with %s; try another device "
                 "with --device and report this:\n%s",
                 file, info->index, info->name, info->driver_version, options,
                 explained ? explained : "");
    free(explained);
    return status;
}

/* The common part and the family's file, each under its own name in the compiler's messages. */
static lam_status build_family(lam_kernel_store *store, const char *file, const char *options,
                               lam_program **ret_program)
{
    lam_context *context = lam_device_get_context(store->device);
    lam_status status = LAM_STATUS_OK;
    char *log = NULL;
    family_source source = {0};
    lam_strbuf whole = {0};
    LAM_TRY_GOTO(status, lam_source_load(context, COMMON_FILE, &source.common));
    LAM_TRY_GOTO(status, lam_source_load(context, file, &source.text));
    lam_strbuf_append(&whole, "#line 1 \"" COMMON_FILE "\"\n%s\n#line 1 \"%s\"\n%s\n",
                      source.common, file, source.text);
    if (whole.failed)
        LAM_TRY_GOTO(status, lam_fail_memory(context, file, strlen(source.text)));
    status = lam_program_cache_build(store->cache, whole.text, options, ret_program, &log);
    if (status == LAM_STATUS_BAD_KERNEL)
        status = fail_build(store->device, file, &source, options, log);
fail:
    free(source.common);
    free(source.text);
    free(log);
    lam_strbuf_free(&whole);
    return status;
}

static lam_status add_entry(lam_kernel_store *store, const char *family, const char *options,
                            const char *key, lam_program **ret_program)
{
    lam_context *context = lam_device_get_context(store->device);
    if (lam_stop_requested(context)) /* building takes long on some drivers */
        return lam_fail(context, LAM_STATUS_INTERRUPTED,
                        "interrupted while kernels were built");
    lam_status status = LAM_STATUS_OK;
    lam_strbuf file = {0};
    store_entry entry = {.key = strdup(key)};
    store_entry *grown = realloc(store->entries, (store->count + 1) * sizeof *grown);
    if (grown)
        store->entries = grown;
    if (!grown || !entry.key)
        LAM_TRY_GOTO(status, lam_fail_memory(context, "the kernel store", sizeof entry));
    lam_strbuf_append(&file, "%s.cl", family);
    LAM_TRY_GOTO(status, build_family(store, lam_strbuf_text(&file), options, &entry.program));
    lam_strbuf_free(&file);
    store->entries[store->count++] = entry;
    *ret_program = entry.program;
    return LAM_STATUS_OK;
fail:
    lam_strbuf_free(&file);
    free(entry.key);
    return status;
}

static lam_program *find_program(const lam_kernel_store *store, const char *key)
{
    for (size_t i = 0; i < store->count; i++)
        if (strcmp(store->entries[i].key, key) == 0)
            return store->entries[i].program;
    return NULL;
}

lam_status lam_kernel_store_get(lam_kernel_store *store, const char *family, const char *entry,
                                const lam_define_set *defines, lam_kernel **ret_kernel)
{
    lam_strbuf options = {0}, key = {0};
    lam_status status = LAM_STATUS_OK;
    lam_strbuf_append(&options, "-cl-std=CL1.2");
    lam_define_set_format(defines, &options);
    lam_strbuf_append(&key, "%s %s", family, lam_strbuf_text(&options));
    if (options.failed || key.failed)
        LAM_TRY_GOTO(status, lam_fail_memory(lam_device_get_context(store->device),
                                             "a kernel's options", options.length));
    lam_program *program = find_program(store, key.text);
    if (!program)
        LAM_TRY_GOTO(status, add_entry(store, family, options.text, key.text, &program));
    status = lam_kernel_create(program, entry, ret_kernel);
fail:
    lam_strbuf_free(&options);
    lam_strbuf_free(&key);
    return status;
}
