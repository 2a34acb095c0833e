/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Compiled programs kept as files, for drivers that do not keep their own.
 *
 * LAMINA_PROGRAM_CACHE says when: `off` never, `on` always, `auto` (the default) where the
 * driver took long to build a program and takes long again. Files are found in
 * $XDG_CACHE_HOME/lamina/programs, else ~/.cache/lamina/programs, by the hash of all that a
 * program depends on. Whatever is wrong with a file or the folder, the program is built anew.
 */
#ifndef LAM_KERNEL_PROGRAM_CACHE_H
#define LAM_KERNEL_PROGRAM_CACHE_H

#include "device/device.h"

typedef struct lam_program_cache lam_program_cache;

/** Errors: BAD_ARGUMENT (LAMINA_PROGRAM_CACHE has no legal value), NO_MEMORY. */
LAM_MUST_USE lam_status lam_program_cache_create(lam_device *device,
                                                 lam_program_cache **ret_cache);
void lam_program_cache_destroy(lam_program_cache **cache);

/** As lam_program_build(), which it calls unless it has the program. A folder that cannot be
 * used is one warning to a context. */
LAM_MUST_USE lam_status lam_program_cache_build(lam_program_cache *cache, const char *source,
                                                const char *options, lam_program **ret_program,
                                                char **ret_log);

#endif
