/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The user's folder for what can be made anew at any time.
 */
#ifndef LAM_BASE_CACHE_FOLDER_H
#define LAM_BASE_CACHE_FOLDER_H

#include "base/error.h"

/** $XDG_CACHE_HOME/lamina, else ~/.cache/lamina; NULL where the environment names neither. The
 * folder need not exist. The caller frees the text. Errors: NO_MEMORY. */
LAM_MUST_USE lam_status lam_cache_folder_find(lam_context *context, char **ret_folder);

#endif
