/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/program_cache.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cache_folder.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "lamina/version.h"

/* A program that builds in less is not worth a file. PoCL 3.1 finds its own again in 50 ms. */
#define SLOW_BUILD_NS 100000000

#define LARGEST_PROGRAM_BYTES ((size_t)256 << 20)

/* X(name, text in LAMINA_PROGRAM_CACHE) */
#define POLICY_LIST(X)                                                                         \
    X(AUTO, "auto")                                                                            \
    X(ON, "on")                                                                                \
    X(OFF, "off")

typedef enum cache_policy {
#define POLICY_ENUM(name, text) CACHE_POLICY_##name,
    POLICY_LIST(POLICY_ENUM)
#undef POLICY_ENUM
} cache_policy;

static const char *const policy_texts[] = {
#define POLICY_TEXT(name, text) text,
    POLICY_LIST(POLICY_TEXT)
#undef POLICY_TEXT
};

/* In front of the driver's bytes. */
typedef struct file_header {
    char magic[8];
    uint8_t key[SHA256_DIGEST_SIZE];      /* so that a file under another's name is noticed */
    uint8_t checksum[SHA256_DIGEST_SIZE]; /* of the driver's bytes */
    uint64_t length; /* of them; little-endian, as is every usable device */
} file_header;

static const char file_magic[8] = "LAMPROG1";

struct lam_program_cache {
    lam_device *device;
    cache_policy policy;
    char *folder;          /* NULL where the environment names none */
    bool driver_was_tried; /* then the next is known */
    bool driver_keeps_own;
};

static lam_status read_policy(lam_context *context, cache_policy *ret_policy)
{
    const char *text = getenv("LAMINA_PROGRAM_CACHE");
    *ret_policy = CACHE_POLICY_AUTO;
    if (!text || !*text)
        return LAM_STATUS_OK;
    for (size_t i = 0; i < sizeof policy_texts / sizeof policy_texts[0]; i++)
        if (strcmp(text, policy_texts[i]) == 0) {
            *ret_policy = (cache_policy)i;
            return LAM_STATUS_OK;
        }
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "LAMINA_PROGRAM_CACHE=%s is unknown; legal: auto, on, off", text);
}

static lam_status find_folder(lam_context *context, char **ret_folder)
{
    char *parent = NULL;
    lam_strbuf folder = {0};
    LAM_TRY(lam_cache_folder_find(context, &parent));
    if (parent)
        lam_strbuf_append(&folder, "%s/programs", parent);
    free(parent);
    if (folder.failed)
        return lam_fail_memory(context, "the program cache", folder.length);
    *ret_folder = folder.text;
    return LAM_STATUS_OK;
}

lam_status lam_program_cache_create(lam_device *device, lam_program_cache **ret_cache)
{
    lam_context *context = lam_device_get_context(device);
    lam_program_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return lam_fail_memory(context, "the program cache", sizeof *cache);
    cache->device = device;
    lam_status status = read_policy(context, &cache->policy);
    if (status == LAM_STATUS_OK)
        status = find_folder(context, &cache->folder);
    if (status != LAM_STATUS_OK) {
        lam_program_cache_destroy(&cache);
        return status;
    }
    if (cache->policy == CACHE_POLICY_ON && !cache->folder)
        lam_warn_once(context,
                      "compiled programs are not kept: neither XDG_CACHE_HOME nor HOME "
                      "names a folder; set one, or LAMINA_PROGRAM_CACHE=off");
    *ret_cache = cache;
    return LAM_STATUS_OK;
}

void lam_program_cache_destroy(lam_program_cache **cache)
{
    if (!*cache)
        return;
    free((*cache)->folder);
    free(*cache);
    *cache = NULL;
}

/* ---- files ---- */

static void compute_key(const lam_device *device, const char *source, const char *options,
                        uint8_t ret_key[SHA256_DIGEST_SIZE])
{
    const lam_device_info *info = lam_device_get_info(device);
    const char *const parts[] = {lam_version(),
                                 info->platform,
                                 info->platform_version,
                                 info->name,
                                 info->opencl_version,
                                 info->driver_version,
                                 options,
                                 source};
    struct sha256_ctx hash;
    sha256_init(&hash);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) /* NULs keep parts apart */
        sha256_update(&hash, strlen(parts[i]) + 1, (const uint8_t *)parts[i]);
    sha256_digest(&hash, SHA256_DIGEST_SIZE, ret_key);
}

static void append_path(const lam_program_cache *cache, const uint8_t key[SHA256_DIGEST_SIZE],
                        lam_strbuf *path)
{
    lam_strbuf_append(path, "%s/", cache->folder);
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
        lam_strbuf_append(path, "%02x", key[i]);
}

static file_header make_header(const uint8_t key[SHA256_DIGEST_SIZE], const void *bytes,
                               size_t count)
{
    file_header header = {.length = count};
    struct sha256_ctx hash;
    memcpy(header.magic, file_magic, sizeof header.magic);
    memcpy(header.key, key, sizeof header.key);
    sha256_init(&hash);
    sha256_update(&hash, count, bytes);
    sha256_digest(&hash, sizeof header.checksum, header.checksum);
    return header;
}

/* A file is as good as the header that its bytes would get now. */
static bool is_intact(const uint8_t key[SHA256_DIGEST_SIZE], const char *file, size_t count)
{
    if (count < sizeof(file_header))
        return false;
    file_header expected = make_header(key, file + sizeof expected, count - sizeof expected);
    return memcmp(file, &expected, sizeof expected) == 0;
}

static bool load(const lam_program_cache *cache, const char *path,
                 const uint8_t key[SHA256_DIGEST_SIZE], const char *options,
                 lam_program **ret_program)
{
    lam_context *context = lam_device_get_context(cache->device);
    char *file = NULL;
    size_t count = 0;
    lam_status status = lam_file_read(context, path, LARGEST_PROGRAM_BYTES,
                                      LAM_STATUS_BAD_KERNEL, &file, &count);
    bool intact = status == LAM_STATUS_OK && is_intact(key, file, count);
    if (intact)
        status = lam_program_build_binary(cache->device, file + sizeof(file_header),
                                          count - sizeof(file_header), options, ret_program);
    free(file);
    if (intact && status == LAM_STATUS_OK)
        return true;
    lam_log(context, LAM_LOG_LEVEL_INFO, "%s: %s; the program is built anew", path,
            intact ? "the driver refuses it" : "unreadable or damaged");
    return false;
}

static lam_status write_program(const lam_program_cache *cache, const char *path,
                                const uint8_t key[SHA256_DIGEST_SIZE],
                                const lam_program *program)
{
    lam_context *context = lam_device_get_context(cache->device);
    void *bytes = NULL;
    size_t count = 0;
    lam_strbuf file = {0};
    LAM_TRY(lam_directory_create(context, cache->folder));
    LAM_TRY(lam_program_get_binary(program, &bytes, &count));
    const file_header header = make_header(key, bytes, count);
    lam_strbuf_append_bytes(&file, &header, sizeof header);
    lam_strbuf_append_bytes(&file, bytes, count);
    free(bytes);
    lam_status status = file.failed ? lam_fail_memory(context, path, count)
                                    : lam_file_write(context, path, file.text, file.length);
    lam_strbuf_free(&file);
    return status;
}

/* What cannot be kept is no reason not to train. */
static void store(const lam_program_cache *cache, const char *path,
                  const uint8_t key[SHA256_DIGEST_SIZE], const lam_program *program)
{
    lam_context *context = lam_device_get_context(cache->device);
    if (write_program(cache, path, key, program) != LAM_STATUS_OK)
        lam_warn_once(context,
                      "%s: compiled programs cannot be kept there, so every start compiles "
                      "them; set XDG_CACHE_HOME to another place, or LAMINA_PROGRAM_CACHE=off",
                      cache->folder);
}

/* ---- when to keep ---- */

/* No query says whether a driver keeps programs itself, and names and vendors tell nothing of
 * versions and settings. So a program that was slow to build is built once more: a driver that
 * keeps them has it at hand now. */
static bool driver_keeps_own(lam_program_cache *cache, const char *source, const char *options,
                             uint64_t first_ns)
{
    if (cache->driver_was_tried)
        return cache->driver_keeps_own;
    lam_program *again = NULL;
    char *log = NULL;
    if (lam_program_build(cache->device, source, options, &again, &log) == LAM_STATUS_OK)
        cache->driver_keeps_own = lam_program_get_build_ns(again) < first_ns / 2;
    cache->driver_was_tried = true;
    lam_program_destroy(&again);
    free(log);
    return cache->driver_keeps_own;
}

static bool is_worth_keeping(lam_program_cache *cache, const char *source, const char *options,
                             const lam_program *program)
{
    if (cache->policy == CACHE_POLICY_ON)
        return true;
    uint64_t ns = lam_program_get_build_ns(program);
    return ns >= SLOW_BUILD_NS && !driver_keeps_own(cache, source, options, ns);
}

static lam_status build_through_file(lam_program_cache *cache, const char *source,
                                     const char *options, lam_program **ret_program,
                                     char **ret_log)
{
    uint8_t key[SHA256_DIGEST_SIZE];
    lam_strbuf path = {0};
    lam_status status = LAM_STATUS_OK;
    compute_key(cache->device, source, options, key);
    append_path(cache, key, &path);
    bool exists = !path.failed && access(path.text, F_OK) == 0;
    if (!exists || !load(cache, path.text, key, options, ret_program)) {
        status = lam_program_build(cache->device, source, options, ret_program, ret_log);
        if (status == LAM_STATUS_OK && !path.failed &&
            (exists || is_worth_keeping(cache, source, options, *ret_program)))
            store(cache, path.text, key, *ret_program);
    }
    lam_strbuf_free(&path);
    return status;
}

lam_status lam_program_cache_build(lam_program_cache *cache, const char *source,
                                   const char *options, lam_program **ret_program,
                                   char **ret_log)
{
    *ret_log = NULL;
    if (cache->policy == CACHE_POLICY_OFF || !cache->folder)
        return lam_program_build(cache->device, source, options, ret_program, ret_log);
    return build_through_file(cache, source, options, ret_program, ret_log);
}
