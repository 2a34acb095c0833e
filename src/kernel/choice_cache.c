/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/choice_cache.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cache_folder.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "kernel/source.h"
#include "lamina/version.h"

/* Counts up when the file's layout changes. */
#define FORMAT 1

#define LARGEST_FILE_BYTES ((size_t)64 << 20)

/* Whoever holds the lock writes one small file. */
#define LOCK_SECONDS 5

struct lam_choice_cache {
    lam_context *context;
    char *folder;      /* NULL where the environment names none */
    lam_strbuf path;   /* of the file */
    json_t *origin;    /* what choices hold for */
    json_t *products;  /* key -> {"family": .., "members": {"1": record, ..}} */
    bool cannot_write; /* and has said so */
    bool has_warned;   /* of what is wrong with the file */
};

/* ---- what choices hold for ---- */

/* 64-bit FNV-1a (Fowler, Noll and Vo). */
static uint64_t add_to_hash(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    return hash * 0x100000001b3; /* a NUL, so that parts stay apart */
}

static const uint64_t empty_hash = 0xcbf29ce484222325;

/* Kernels that are being worked on must not live on choices that were made among others. */
static lam_status hash_kernels(lam_context *context, uint64_t *ret_hash)
{
    uint64_t hash = empty_hash;
    for (const lam_embedded_source *source = lam_embedded_sources; source->name; source++) {
        char *text = NULL;
        LAM_TRY(lam_source_load(context, source->name, &text));
        hash = add_to_hash(hash, text);
        free(text);
    }
    *ret_hash = hash;
    return LAM_STATUS_OK;
}

static lam_status describe_origin(lam_context *context, const lam_device_info *info,
                                  json_t **ret_origin)
{
    uint64_t hash = 0;
    char kernels[17];
    LAM_TRY(hash_kernels(context, &hash));
    snprintf(kernels, sizeof kernels, "%016llx", (unsigned long long)hash);
    json_t *origin =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "device", info->name, "platform",
                  info->platform, "platform_version", info->platform_version, "driver_version",
                  info->driver_version, "opencl_version", info->opencl_version, "compute_units",
                  (json_int_t)info->compute_units, "lamina", lam_version(), "kernels", kernels);
    if (!origin)
        return lam_fail_memory(context, "measured choices", sizeof kernels);
    *ret_origin = origin;
    return LAM_STATUS_OK;
}

/* A readable part and one that tells devices of the same name apart. */
static void append_file_name(const lam_device_info *info, lam_strbuf *path)
{
    char units[16];
    snprintf(units, sizeof units, "%u", info->compute_units);
    uint64_t hash = add_to_hash(add_to_hash(empty_hash, info->name), info->platform);
    lam_strbuf_append(path, "products-");
    for (const char *c = info->name; *c && c < info->name + 48; c++)
        lam_strbuf_append(path, "%c", isalnum((unsigned char)*c) ? *c : '-');
    lam_strbuf_append(path, "-%08x.json", (unsigned)(add_to_hash(hash, units) >> 32));
}

/* ---- the file ---- */

static void warn_of_file(lam_choice_cache *cache, const char *problem)
{
    if (!cache->has_warned)
        lam_log(cache->context, LAM_LOG_LEVEL_WARNING,
                "%s: %s; its choices are not used, and measured anew where that is allowed",
                lam_strbuf_text(&cache->path), problem);
    cache->has_warned = true;
}

static void warn_cannot_write(lam_choice_cache *cache, const char *place, const char *problem)
{
    if (!cache->cannot_write)
        lam_log(cache->context, LAM_LOG_LEVEL_WARNING,
                "%s: %s, so measured choices cannot be kept: where none is known, products are "
                "computed in the built-in way without measuring, and results repeat from run "
                "to run; set XDG_CACHE_HOME to another place, or --tune off",
                place, problem);
    cache->cannot_write = true;
}

/* The products of a file's text; NULL, with a warning, when they count for nothing. */
static json_t *parse_products(lam_choice_cache *cache, const char *text, size_t length)
{
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    json_t *products = json_object_get(root, "products"), *good = NULL;
    if (!json_is_object(products))
        warn_of_file(cache, "damaged");
    else if (json_integer_value(json_object_get(root, "format")) != FORMAT ||
             !json_equal(json_object_get(root, "origin"), cache->origin))
        warn_of_file(cache, "made with another driver, version or set of kernels");
    else
        good = json_incref(products);
    json_decref(root);
    return good;
}

/* What the file holds now; an empty object without a usable one, NULL without memory. */
static json_t *load_products(lam_choice_cache *cache)
{
    char *text = NULL;
    size_t length = 0;
    if (!cache->folder || access(cache->path.text, F_OK) != 0)
        return json_object();
    json_t *products = NULL;
    if (lam_file_read(cache->context, cache->path.text, LARGEST_FILE_BYTES, LAM_STATUS_BAD_DATA,
                      &text, &length) == LAM_STATUS_OK)
        products = parse_products(cache, text, length);
    else
        warn_of_file(cache, "unreadable");
    free(text);
    return products ? products : json_object();
}

static bool save_products(const lam_choice_cache *cache, json_t *products)
{
    json_t *root = json_pack("{s:i, s:O, s:O}", "format", FORMAT, "origin", cache->origin,
                             "products", products);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    bool is_saved = text && lam_file_write(cache->context, cache->path.text, text,
                                           strlen(text)) == LAM_STATUS_OK;
    free(text);
    return is_saved;
}

/* ---- the lock: a file beside it, since the file itself is replaced ---- */

static bool wait_for_lock(int descriptor)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    for (int i = 0; i < LOCK_SECONDS * 100; i++) {
        if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        nanosleep(&nap, NULL);
    }
    errno = ETIMEDOUT;
    return false;
}

/* The lock's descriptor, which close() gives back; -1, with a warning, without it. */
static int lock(lam_choice_cache *cache)
{
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s.lock", lam_strbuf_text(&cache->path));
    int descriptor = open(lam_strbuf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor >= 0 && !wait_for_lock(descriptor)) {
        int error = errno;
        close(descriptor);
        descriptor = -1;
        errno = error;
    }
    if (descriptor < 0)
        warn_cannot_write(cache, lam_strbuf_text(&path), strerror(errno));
    lam_strbuf_free(&path);
    return descriptor;
}

/* ---- opening and closing ---- */

/* Learns early whether measuring is of any use. */
static void try_lock(lam_choice_cache *cache)
{
    if (!cache->folder) {
        warn_cannot_write(cache, "the cache folder", "neither XDG_CACHE_HOME nor HOME is set");
        return;
    }
    if (lam_directory_create(cache->context, cache->folder) != LAM_STATUS_OK) {
        warn_cannot_write(cache, cache->folder, "cannot be made");
        return;
    }
    int descriptor = lock(cache);
    if (descriptor >= 0)
        close(descriptor);
}

static lam_status fill_cache(lam_choice_cache *cache, const lam_device_info *info)
{
    LAM_TRY(describe_origin(cache->context, info, &cache->origin));
    LAM_TRY(lam_cache_folder_find(cache->context, &cache->folder));
    if (cache->folder) {
        lam_strbuf_append(&cache->path, "%s/", cache->folder);
        append_file_name(info, &cache->path);
    }
    try_lock(cache);
    cache->products = load_products(cache);
    if (!cache->products || cache->path.failed)
        return lam_fail_memory(cache->context, "measured choices", sizeof *cache);
    return LAM_STATUS_OK;
}

lam_status lam_choice_cache_open(lam_context *context, const lam_device_info *info,
                                 lam_choice_cache **ret_cache)
{
    lam_choice_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return lam_fail_memory(context, "measured choices", sizeof *cache);
    cache->context = context;
    lam_status status = fill_cache(cache, info);
    if (status == LAM_STATUS_OK)
        *ret_cache = cache;
    else
        lam_choice_cache_close(&cache);
    return status;
}

void lam_choice_cache_close(lam_choice_cache **cache)
{
    if (!*cache)
        return;
    json_decref((*cache)->origin);
    json_decref((*cache)->products);
    lam_strbuf_free(&(*cache)->path);
    free((*cache)->folder);
    free(*cache);
    *cache = NULL;
}

/* ---- choices ---- */

const char *lam_choice_cache_get_path(const lam_choice_cache *cache)
{
    return lam_strbuf_text(&cache->path);
}

bool lam_choice_cache_is_writable(const lam_choice_cache *cache)
{
    return !cache->cannot_write;
}

const json_t *lam_choice_cache_get_origin(const lam_choice_cache *cache)
{
    return cache->origin;
}

const char *lam_choice_cache_get_family(const lam_choice_cache *cache, const char *key)
{
    const json_t *entry = json_object_get(cache->products, key);
    return json_string_value(json_object_get(entry, "family"));
}

static void name_members(size_t members, char name[24])
{
    snprintf(name, 24, "%zu", members);
}

static json_t *find_record(const json_t *products, const char *key, size_t members)
{
    char name[24];
    name_members(members, name);
    const json_t *entry = json_object_get(products, key);
    json_t *record = json_object_get(json_object_get(entry, "members"), name);
    return json_is_object(record) ? record : NULL;
}

const json_t *lam_choice_cache_get(const lam_choice_cache *cache, const char *key,
                                   size_t members)
{
    return find_record(cache->products, key, members);
}

json_t *lam_choice_cache_list(const lam_choice_cache *cache)
{
    json_t *list = json_array(), *entry = NULL, *record = NULL;
    const char *key = NULL, *members = NULL;
    json_object_foreach(cache->products, key, entry)
        json_object_foreach(json_object_get(entry, "members"), members, record)
            json_array_append(list, record);
    return list;
}

/* Puts the choice into `products`; what is there stays unless it is to be replaced or is of no
 * use. */
static bool merge(json_t *products, const lam_kept_choice *choice, bool replaces)
{
    char name[24];
    name_members(choice->members, name);
    json_t *entry = json_object_get(products, choice->key);
    const char *family = json_string_value(json_object_get(entry, "family"));
    bool is_usable = family && json_is_object(json_object_get(entry, "members"));
    bool is_same = is_usable && strcmp(family, choice->family) == 0;
    if (is_usable && !replaces &&
        (!is_same || find_record(products, choice->key, choice->members)))
        return true;
    if (is_same)
        return json_object_set(json_object_get(entry, "members"), name, choice->record) == 0;
    json_t *fresh =
        json_pack("{s:s, s:{s:O}}", "family", choice->family, "members", name, choice->record);
    return fresh && json_object_set_new(products, choice->key, fresh) == 0;
}

bool lam_choice_cache_put(lam_choice_cache *cache, const lam_kept_choice *choice, bool replaces)
{
    if (cache->cannot_write)
        return false;
    int descriptor = lock(cache);
    if (descriptor < 0)
        return false;
    json_t *products = load_products(cache);
    bool is_kept =
        products && merge(products, choice, replaces) && save_products(cache, products);
    close(descriptor);
    if (is_kept) {
        json_decref(cache->products);
        cache->products = products;
    } else {
        json_decref(products);
        warn_cannot_write(cache, cache->path.text, "cannot be written");
    }
    return is_kept;
}

lam_status lam_choice_cache_clear(lam_choice_cache *cache)
{
    json_object_clear(cache->products);
    if (!cache->folder || unlink(cache->path.text) == 0 || errno == ENOENT)
        return LAM_STATUS_OK;
    return lam_fail(cache->context, LAM_STATUS_BAD_OUTPUT, "%s: cannot remove: %s",
                    cache->path.text, strerror(errno));
}
