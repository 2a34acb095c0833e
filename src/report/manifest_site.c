/* SPDX-License-Identifier: Apache-2.0 */
#include "report/manifest_site.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lam_status lam_site_fail(const lam_site *at, const lam_node *node, const char *key,
                         const char *problem, const char *legal)
{
    char path[2 * LAM_SITE_PATH_BYTES];
    snprintf(path, sizeof path, "%s%s%.90s", at->path, *at->path && *key ? "." : "", key);
    return lam_recipe_fail(at->document, node ? node : at->node, path, "%s; legal: %s", problem,
                           legal);
}

lam_status lam_site_fail_value(const lam_site *at, const lam_node *node, const char *key,
                               const char *problem, const char *legal)
{
    lam_strbuf text = {0};
    if (node && node->kind == LAM_NODE_SCALAR) {
        lam_recipe_quote(&text, node->text, node->length);
        lam_strbuf_append(&text, " ");
    }
    lam_strbuf_append(&text, "%s", problem);
    lam_status status = lam_site_fail(at, node, key, lam_strbuf_text(&text), legal);
    lam_strbuf_free(&text);
    return status;
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; length > 0 && (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

lam_status lam_site_check_keys(const lam_site *at, const char *keys)
{
    if (at->node->kind != LAM_NODE_MAPPING)
        return lam_site_fail(at, NULL, "", "must be a mapping of keys to values", keys);
    for (const lam_node *value = at->node->child; value; value = value->next)
        if (value->key->kind != LAM_NODE_SCALAR || !has_word(keys, value->key->text))
            return lam_site_fail(at, value, value->key->text, "is no key here", keys);
    return LAM_STATUS_OK;
}

lam_status lam_site_read_text(const lam_site *at, const char *key, bool is_required, char *text,
                              size_t bytes)
{
    const lam_node *node = lam_node_find(at->node, key);
    char legal[64];
    snprintf(legal, sizeof legal, "a text of at most %zu bytes", bytes - 1);
    if (!node && !is_required)
        return LAM_STATUS_OK;
    if (!node)
        return lam_site_fail(at, NULL, key, "is missing", legal);
    if (node->kind != LAM_NODE_SCALAR || lam_node_is_null(node) || node->length >= bytes)
        return lam_site_fail_value(at, node, key, "is no text, or too long", legal);
    memcpy(text, node->text, node->length + 1);
    return LAM_STATUS_OK;
}

bool lam_node_parse_number(const lam_node *node, double *ret_value)
{
    char *end = NULL;
    if (node->kind != LAM_NODE_SCALAR || node->quoted || node->length == 0)
        return false;
    *ret_value = strtod(node->text, &end);
    return *end == '\0' && isfinite(*ret_value);
}

lam_status lam_site_read_number(const lam_site *at, const char *key, double minimum,
                                double maximum, double *value)
{
    const lam_node *node = lam_node_find(at->node, key);
    char legal[64];
    double number = 0;
    snprintf(legal, sizeof legal, "a number from %g to %g", minimum, maximum);
    if (!node)
        return LAM_STATUS_OK;
    if (!lam_node_parse_number(node, &number) || number < minimum || number > maximum)
        return lam_site_fail_value(at, node, key, "is no such number", legal);
    *value = number;
    return LAM_STATUS_OK;
}

lam_status lam_site_read_count(const lam_site *at, const char *key, uint32_t maximum,
                               uint32_t *count)
{
    double number = *count;
    LAM_TRY(lam_site_read_number(at, key, 1, maximum, &number));
    if (number != floor(number))
        return lam_site_fail_value(at, lam_node_find(at->node, key), key, "is no whole number",
                                   "1, 2, 3 ..");
    *count = (uint32_t)number;
    return LAM_STATUS_OK;
}

lam_status lam_site_read_flag(const lam_site *at, const char *key, bool *flag)
{
    char text[8] = "";
    LAM_TRY(lam_site_read_text(at, key, false, text, sizeof text));
    if (*text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return lam_site_fail_value(at, lam_node_find(at->node, key), key, "is neither",
                                   "true, false");
    if (*text)
        *flag = strcmp(text, "true") == 0;
    return LAM_STATUS_OK;
}

lam_status lam_site_find_list(const lam_site *at, const char *key, const lam_node **ret_list,
                              size_t *ret_count)
{
    const lam_node *list = lam_node_find(at->node, key);
    *ret_list = list;
    *ret_count = 0;
    if (list && list->kind != LAM_NODE_LIST)
        return lam_site_fail_value(at, list, key, "is no list", "a list");
    for (const lam_node *item = list ? list->child : NULL; item; item = item->next)
        ++*ret_count;
    return LAM_STATUS_OK;
}

lam_site lam_site_enter(const lam_site *at, const lam_node *node, const char *name,
                        size_t index)
{
    lam_site inner = {.document = at->document, .node = node};
    snprintf(inner.path, sizeof inner.path, "%.60s%s%.16s[%zu]", at->path, *at->path ? "." : "",
             name, index);
    return inner;
}
