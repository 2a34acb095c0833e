/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "recipe/internal.h"

static void append_default(const lam_key *key, lam_strbuf *text)
{
    if (key->fallback)
        lam_strbuf_append(text, "; default: %s", key->fallback);
    else if (key->absent)
        lam_strbuf_append(text, "; default: %s", key->absent);
    else if (lam_key_is_required(key))
        lam_strbuf_append(text, "; required");
}

static void append_only(const lam_key *key, lam_strbuf *text)
{
    const lam_key *type = lam_key_find(key->group, "type");
    const char *separator = "; only for type ";
    for (int i = 0; key->only != 0 && i < type->name_count; i++) {
        if (!lam_key_belongs(key, i))
            continue;
        lam_strbuf_append(text, "%s%s", separator, type->names[i]);
        separator = " or ";
    }
}

/* `shown` has a bit for each group that is described already. */
static void append_keys(lam_key_group group, const char *prefix, unsigned *shown,
                        lam_strbuf *text)
{
    *shown |= 1u << group;
    const lam_key *key = NULL;
    while ((key = lam_key_next(group, key))) {
        lam_strbuf_append(text, "%s%s\n    ", prefix, key->name);
        lam_key_append_legal(key, text);
        append_only(key, text);
        append_default(key, text);
        lam_strbuf_append(text, "\n    %s\n", key->meaning);
        if (key->child == LAM_KEY_GROUP_NONE || (*shown >> key->child & 1) != 0)
            continue;
        char path[LAM_RECIPE_PATH_BYTES];
        snprintf(path, sizeof path, "%s%s%s.", prefix, key->name,
                 key->kind == LAM_KEY_LAYERS ? "[]" : "");
        append_keys(key->child, path, shown, text);
    }
}

lam_status lam_recipe_describe(lam_context *context, char **ret_text)
{
    lam_strbuf text = {0};
    unsigned shown = 0;
    append_keys(LAM_KEY_GROUP_ROOT, "", &shown, &text);
    if (text.failed) {
        lam_strbuf_free(&text);
        return lam_fail_memory(context, "the list of a recipe's keys", 0);
    }
    *ret_text = text.text;
    return LAM_STATUS_OK;
}
