/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cache_folder.h"

#include <stdlib.h>

#include "base/strbuf.h"

/* The XDG Base Directory Specification ignores a relative XDG_CACHE_HOME. */
lam_status lam_cache_folder_find(lam_context *context, char **ret_folder)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    lam_strbuf folder = {0};
    if (cache && *cache == '/')
        lam_strbuf_append(&folder, "%s/lamina", cache);
    else if (home && *home)
        lam_strbuf_append(&folder, "%s/.cache/lamina", home);
    if (folder.failed)
        return lam_fail_memory(context, "the cache folder's name", folder.length);
    *ret_folder = folder.text;
    return LAM_STATUS_OK;
}
