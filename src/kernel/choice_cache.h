/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Measured choices among kernel variants, kept as one JSON file for each device in the cache
 * folder. A choice holds for one device, driver, library version and set of kernels; with any
 * other it counts for nothing.
 *
 * A key names a piece of work. Its results are held to one family of variants, whose bits are
 * the same; under it there is one record for each number of members.
 *
 * Whatever is wrong with the file is one warning and no error.
 */
#ifndef LAM_KERNEL_CHOICE_CACHE_H
#define LAM_KERNEL_CHOICE_CACHE_H

#include <jansson.h>

#include "base/error.h"
#include "lamina/device.h"

typedef struct lam_choice_cache lam_choice_cache;

/** Reads the device's file, if there is one. Errors: NO_MEMORY, BAD_KERNEL (kernel sources
 * cannot be read). */
LAM_MUST_USE lam_status lam_choice_cache_open(lam_context *context, const lam_device_info *info,
                                              lam_choice_cache **ret_cache);
void lam_choice_cache_close(lam_choice_cache **cache);

/** Where choices are kept; "" where the environment names no folder. */
const char *lam_choice_cache_get_path(const lam_choice_cache *cache);

/** False once keeping a choice has failed or could not but fail. */
bool lam_choice_cache_is_writable(const lam_choice_cache *cache);

/** The family that results of `key` are held to; NULL when nothing is known. Borrowed. */
const char *lam_choice_cache_get_family(const lam_choice_cache *cache, const char *key);

/** The record of `key` for so many members; NULL when there is none. Borrowed until the next
 * change. */
const json_t *lam_choice_cache_get(const lam_choice_cache *cache, const char *key,
                                   size_t members);

/** All of it, as an array of records. The caller releases it. */
json_t *lam_choice_cache_list(const lam_choice_cache *cache);

/** What the choices hold for: device, driver, versions. Borrowed. */
const json_t *lam_choice_cache_get_origin(const lam_choice_cache *cache);

/** A choice to be kept. Its record is any JSON object. */
typedef struct lam_kept_choice {
    const char *key, *family;
    size_t members;
    json_t *record; /* borrowed */
} lam_kept_choice;

/**
 * Adds a record to the file and to what other processes have written there meanwhile, and then
 * knows the file's state. What is there stays, so that processes agree, unless `replaces`:
 * another family then drops the key's records of the old one. False when it cannot be kept;
 * nothing has changed then.
 */
bool lam_choice_cache_put(lam_choice_cache *cache, const lam_kept_choice *choice,
                          bool replaces);

/** Forgets everything and removes the file. Errors: BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_choice_cache_clear(lam_choice_cache *cache);

#endif
