/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/internal.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value to be read: what the table says of it, the node, and its path for messages. */
typedef struct lam_site {
    lam_document *document;
    const lam_key *key;
    const lam_node *node;
    const char *path;
} lam_site;

/* A mapping to be read. */
typedef struct lam_group_site {
    lam_document *document;
    lam_key_group group;
    const lam_node *node;
    const char *path;
    int type; /* value of its key `type`; -1 without one */
} lam_group_site;

/* Numbers stand bare, all else in quotes. */
static void append_value(const lam_node *node, lam_strbuf *buffer)
{
    size_t numeric = strspn(node->text, "0123456789+-.eE");
    if (node->quoted || numeric < node->length || numeric > 30)
        lam_recipe_quote(buffer, node->text, node->length);
    else
        lam_strbuf_append(buffer, "%s", node->text);
    lam_strbuf_append(buffer, " ");
}

/* "<place>: <path>: <the value> <problem>; legal: <in words>". */
static lam_status fail_value(const lam_site *site, const char *problem)
{
    lam_strbuf detail = {0};
    if (site->node->kind == LAM_NODE_SCALAR && !lam_node_is_null(site->node)) {
        append_value(site->node, &detail);
    }
    lam_strbuf_append(&detail, "%s; legal: ", problem);
    lam_key_append_legal(site->key, &detail);
    lam_status status =
        lam_recipe_fail(site->document, site->node, site->path, "%s", lam_strbuf_text(&detail));
    lam_strbuf_free(&detail);
    return status;
}

static lam_status fail_kind(const lam_site *site)
{
    if (lam_node_is_null(site->node))
        return fail_value(site, "has no value");
    switch (site->node->kind) {
    case LAM_NODE_LIST:
        return fail_value(site, "cannot be a list");
    case LAM_NODE_MAPPING:
        return fail_value(site, "cannot be a mapping");
    case LAM_NODE_SCALAR:
        break;
    }
    return fail_value(site, "stands in the place of a list or mapping");
}

/* A scalar that is there; of a number or truth value also without quotes. */
static lam_status require_scalar(const lam_site *site, bool plain)
{
    if (site->node->kind != LAM_NODE_SCALAR || lam_node_is_null(site->node))
        return fail_kind(site);
    if (plain && site->node->quoted)
        return fail_value(site, "is text, as it stands in quotes");
    return LAM_STATUS_OK;
}

static void store_integer(const lam_key *key, void *field, int64_t value)
{
    int32_t narrow = (int32_t)value;
    if (key->size == sizeof value)
        memcpy(field, &value, sizeof value);
    else
        memcpy(field, &narrow, sizeof narrow);
}

/* Decimal digits with an optional sign, and no leading zeros, which YAML 1.1 takes for octal.
 */
static lam_status parse_integer(const lam_site *site, int64_t minimum, int64_t maximum,
                                int64_t *ret_value)
{
    LAM_TRY(require_scalar(site, true));
    const char *text = site->node->text;
    const char *digits = text + (*text == '-' || *text == '+');
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || (size_t)(digits - text) + count != site->node->length)
        return fail_value(site, "is not a whole number");
    if (*digits == '0' && count > 1)
        return fail_value(site, "has leading zeros");
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno == ERANGE || value < minimum || value > maximum)
        return fail_value(site, "is out of range");
    *ret_value = value;
    return LAM_STATUS_OK;
}

static lam_status read_integer(const lam_site *site, void *field)
{
    int64_t value = 0;
    LAM_TRY(parse_integer(site, site->key->minimum, site->key->maximum, &value));
    store_integer(site->key, field, value);
    return LAM_STATUS_OK;
}

static lam_status read_count(const lam_site *site, lam_duration *duration)
{
    int64_t value = 0;
    LAM_TRY(parse_integer(site, site->key->minimum, site->key->maximum, &value));
    duration->unit = site->key->unit;
    duration->count = value;
    return LAM_STATUS_OK;
}

/* The decimal point is a point in every locale. */
static double parse_double(const char *text, char **ret_end)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return strtod(text, ret_end);
    double value = strtod_l(text, ret_end, plain);
    freelocale(plain);
    return value;
}

static lam_status read_real(const lam_site *site, double *field)
{
    LAM_TRY(require_scalar(site, true));
    const lam_key *key = site->key;
    const lam_node *node = site->node;
    char *end = NULL;
    errno = 0;
    double value = parse_double(node->text, &end);
    bool lost = errno == ERANGE && value == 0;
    if (strspn(node->text, "0123456789+-.eE") != node->length ||
        (size_t)(end - node->text) != node->length)
        return fail_value(site, "is not a finite decimal number");
    if (lost)
        return fail_value(site, "is too close to 0 for a number of double precision");
    if (!isfinite(value) || value < key->real_minimum || value > key->real_maximum ||
        (key->above_minimum && value == key->real_minimum) ||
        (key->below_maximum && value == key->real_maximum))
        return fail_value(site, "is out of range");
    *field = value + 0.0; /* of the two zeros, the positive one */
    return LAM_STATUS_OK;
}

static lam_status read_bool(const lam_site *site, bool *field)
{
    LAM_TRY(require_scalar(site, true));
    bool is_true = strcmp(site->node->text, "true") == 0;
    if (!is_true && strcmp(site->node->text, "false") != 0)
        return fail_value(site, "is neither true nor false");
    *field = is_true;
    return LAM_STATUS_OK;
}

static lam_status fail_enum(const lam_site *site)
{
    const lam_key *key = site->key;
    const char *guess = lam_name_guess(key->names, key->name_count, site->node->text);
    lam_strbuf problem = {0};
    lam_strbuf_append(&problem, "is unknown");
    if (guess)
        lam_strbuf_append(&problem, " (did you mean '%s'?)", guess);
    lam_status status = fail_value(site, lam_strbuf_text(&problem));
    lam_strbuf_free(&problem);
    return status;
}

static lam_status read_enum(const lam_site *site, void *field)
{
    LAM_TRY(require_scalar(site, false));
    for (int i = 0; i < site->key->name_count; i++) {
        const char *name = site->key->names[i];
        if (strlen(name) != site->node->length || strcmp(site->node->text, name) != 0)
            continue;
        store_integer(site->key, field, i);
        return LAM_STATUS_OK;
    }
    return fail_enum(site);
}

static lam_status read_name(const lam_site *site, char *field)
{
    LAM_TRY(require_scalar(site, false));
    const char *text = site->node->text;
    size_t length = site->node->length;
    if (length < (size_t)site->key->minimum || length > (size_t)site->key->maximum)
        return fail_value(site, length == 0 ? "is empty" : "is too long");
    if (length > 0 && !isalnum((unsigned char)text[0]))
        return fail_value(site, "does not start with a letter or digit");
    for (size_t i = 0; i < length; i++)
        if (!isascii((unsigned char)text[i]) ||
            (!isalnum((unsigned char)text[i]) && !memchr("._-", text[i], 3)))
            return fail_value(site, "holds another character");
    memcpy(field, text, length);
    return LAM_STATUS_OK;
}

/* Characters of UTF-8 text that do not survive being written and read as one line of JSON or
 * YAML: controls but tab and newline, line separators, byte order marks, non-characters. */
static bool is_strange(const unsigned char *at, size_t left)
{
    if (at[0] < 0x20)
        return at[0] != '\t' && at[0] != '\n';
    if (at[0] == 0x7F)
        return true;
    if (left >= 2 && at[0] == 0xC2)
        return at[1] < 0xA0;
    if (left >= 3 && at[0] == 0xE2)
        return at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9);
    if (left >= 3 && at[0] == 0xEF)
        return (at[1] == 0xBB && at[2] == 0xBF) || (at[1] == 0xBF && at[2] >= 0xBE);
    return false;
}

static lam_status read_text(const lam_site *site, char *field)
{
    LAM_TRY(require_scalar(site, false));
    const unsigned char *text = (const unsigned char *)site->node->text;
    size_t length = site->node->length;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\n'))
        length--; /* block scalars end in a newline */
    if (length > (size_t)site->key->maximum)
        return fail_value(site, "is too long");
    for (size_t i = 0; i < length; i++)
        if (is_strange(text + i, length - i))
            return fail_value(site, "holds a control character");
    memcpy(field, text, length);
    return LAM_STATUS_OK;
}

static lam_status read_files(const lam_site *site, void *field)
{
    const lam_key *key = site->key;
    if (site->node->kind != LAM_NODE_LIST)
        return fail_kind(site);
    uint32_t files = 0;
    int64_t count = 0;
    for (const lam_node *item = site->node->child; item; item = item->next, count++) {
        lam_site item_site = {site->document, key, item, site->path};
        int64_t file = 0;
        LAM_TRY(parse_integer(&item_site, 1, key->maximum, &file));
        uint32_t bit = UINT32_C(1) << (file - 1);
        if (files & bit)
            return fail_value(&item_site, "is named twice");
        files |= bit;
    }
    if (count < key->minimum)
        return fail_value(site, "names no file");
    store_integer(key, field, files);
    return LAM_STATUS_OK;
}

static lam_status read_group(const lam_group_site *site, void *base);

static lam_status read_layers(const lam_site *site, lam_recipe_draft *draft)
{
    lam_network *network = &draft->recipe.network;
    if (site->node->kind != LAM_NODE_LIST)
        return fail_kind(site);
    if (!site->node->child)
        return fail_value(site, "is an empty list");
    int count = 0;
    for (const lam_node *item = site->node->child; item; item = item->next, count++) {
        if (count == site->key->maximum) {
            lam_site item_site = {site->document, site->key, item, site->path};
            return fail_value(&item_site, "holds too many layers");
        }
        char path[LAM_RECIPE_PATH_BYTES];
        snprintf(path, sizeof path, "%s[%d]", site->path, count);
        lam_layer *layer = &network->layers[count];
        layer->initialization = draft->initialization;
        lam_group_site group = {site->document, site->key->child, item, path, -1};
        LAM_TRY(read_group(&group, layer));
        if (layer->type != LAM_LAYER_TYPE_DENSE)
            layer->initialization = (lam_initialization){0};
    }
    network->layer_count = count;
    return LAM_STATUS_OK;
}

static lam_status read_child(const lam_site *site, void *field)
{
    memset(field, 0, site->key->size);
    lam_group_site group = {site->document, site->key->child, site->node, site->path, -1};
    return read_group(&group, field);
}

/* `base` is the struct of the group that holds the key. */
static lam_status read_value(const lam_site *site, void *base)
{
    void *field = (char *)base + site->key->offset;
    switch (site->key->kind) {
    case LAM_KEY_NAME:
        return read_name(site, field);
    case LAM_KEY_TEXT:
        return read_text(site, field);
    case LAM_KEY_ENUM:
        return read_enum(site, field);
    case LAM_KEY_INTEGER:
        return read_integer(site, field);
    case LAM_KEY_REAL:
        return read_real(site, field);
    case LAM_KEY_BOOL:
        return read_bool(site, field);
    case LAM_KEY_FILES:
        return read_files(site, field);
    case LAM_KEY_COUNT:
        return read_count(site, field);
    case LAM_KEY_GROUP:
        return read_child(site, field);
    case LAM_KEY_LAYERS:
        return read_layers(site, base);
    }
    return LAM_STATUS_OK;
}

/* "<problem>; legal keys: ..." about a key of a mapping. */
LAM_PRINTF(3, 4)
static lam_status fail_keys(const lam_group_site *site, const lam_node *node,
                            const char *format, ...)
{
    lam_strbuf detail = {0};
    va_list list;
    va_start(list, format);
    lam_strbuf_append_v(&detail, format, list);
    va_end(list);
    lam_strbuf_append(&detail, "; legal keys: ");
    lam_key_append_names(site->group, site->type, &detail);
    lam_status status =
        lam_recipe_fail(site->document, node, site->path, "%s", lam_strbuf_text(&detail));
    lam_strbuf_free(&detail);
    return status;
}

static lam_status check_key(const lam_group_site *site, const lam_node *value)
{
    const lam_node *key = value->key;
    if (key->kind != LAM_NODE_SCALAR)
        return fail_keys(site, key, "a %s cannot be a key",
                         key->kind == LAM_NODE_LIST ? "list" : "mapping");
    if (!lam_key_find(site->group, key->text) || strlen(key->text) != key->length) {
        const char *guess = lam_key_guess(site->group, key->text);
        lam_strbuf quoted = {0};
        lam_recipe_quote(&quoted, key->text, key->length);
        lam_status status =
            fail_keys(site, key, "unknown key %s%s%s%s", lam_strbuf_text(&quoted),
                      guess ? " (did you mean '" : "", guess ? guess : "", guess ? "'?)" : "");
        lam_strbuf_free(&quoted);
        return status;
    }
    const lam_node *first = lam_node_find(site->node, key->text);
    if (first != value)
        return lam_recipe_fail(site->document, key, site->path,
                               "the key '%s' stands here twice, first in line %d", key->text,
                               first->key->line);
    return LAM_STATUS_OK;
}

/* A scalar in the place of a mapping is short for the mapping's `type`. */
static const lam_node *find_member(const lam_group_site *site, const lam_key *key)
{
    if (site->node->kind == LAM_NODE_SCALAR)
        return strcmp(key->name, "type") == 0 ? site->node : NULL;
    return lam_node_find(site->node, key->name);
}

static void join_path(const lam_group_site *site, const lam_key *key, char *path)
{
    snprintf(path, LAM_RECIPE_PATH_BYTES, "%s%s%s", site->path, *site->path ? "." : "",
             key->name);
}

static lam_status read_type(lam_group_site *site, void *base)
{
    const lam_key *key = lam_key_find(site->group, "type");
    const lam_node *node = key ? find_member(site, key) : NULL;
    if (!node)
        return LAM_STATUS_OK; /* a missing one is reported with the other keys */
    char path[LAM_RECIPE_PATH_BYTES];
    join_path(site, key, path);
    lam_site value = {site->document, key, node, path};
    LAM_TRY(read_value(&value, base));
    uint32_t type = 0;
    memcpy(&type, (char *)base + key->offset, sizeof type);
    site->type = (int)type;
    return LAM_STATUS_OK;
}

static lam_status read_fallback(const lam_site *site, void *base)
{
    lam_node *node = NULL;
    LAM_TRY(lam_document_load(site->document, site->key->fallback, strlen(site->key->fallback),
                              LAM_SOURCE_DEFAULT, &node));
    lam_site fallback = {site->document, site->key, node, site->path};
    return read_value(&fallback, base);
}

static lam_status read_member(const lam_group_site *site, const lam_key *key, void *base)
{
    const lam_node *node = find_member(site, key);
    char path[LAM_RECIPE_PATH_BYTES];
    join_path(site, key, path);
    lam_site value = {site->document, key, node, path};
    const lam_key *type = lam_key_find(site->group, "type");
    if (!lam_key_belongs(key, site->type)) {
        if (!node)
            return LAM_STATUS_OK;
        return fail_keys(site, node, "'%s' does not belong to the type %s", key->name,
                         type->names[site->type]);
    }
    if (node)
        return read_value(&value, base);
    if (key->fallback)
        return read_fallback(&value, base);
    if (!lam_key_is_required(key))
        return LAM_STATUS_OK;
    const lam_node *cause = key->only ? find_member(site, type) : site->node;
    value.node = cause ? cause : site->node;
    lam_strbuf legal = {0};
    lam_key_append_legal(key, &legal);
    lam_status status = lam_recipe_fail(site->document, value.node, path, "missing; legal: %s",
                                        lam_strbuf_text(&legal));
    lam_strbuf_free(&legal);
    return status;
}

/* None of the keys was given of which one is needed. */
static lam_status fail_choice(const lam_group_site *site)
{
    lam_strbuf names = {0};
    const lam_key *key = NULL;
    while ((key = lam_key_next(site->group, key)))
        if (key->choice == LAM_KEY_CHOICE_EXACTLY_ONE)
            lam_strbuf_append(&names, "%s%s", names.length > 0 ? ", " : "", key->name);
    lam_status status =
        lam_recipe_fail(site->document, site->node, site->path,
                        "exactly one of these keys is needed: %s", lam_strbuf_text(&names));
    lam_strbuf_free(&names);
    return status;
}

static lam_status check_choice(const lam_group_site *site)
{
    const lam_key *key = NULL;
    const lam_key *first = NULL;
    bool needed = false;
    while ((key = lam_key_next(site->group, key))) {
        needed |= key->choice == LAM_KEY_CHOICE_EXACTLY_ONE && lam_key_belongs(key, site->type);
        if (key->choice == LAM_KEY_CHOICE_FREE || !find_member(site, key))
            continue;
        if (first)
            return lam_recipe_fail(site->document, find_member(site, key), site->path,
                                   "'%s' and '%s' exclude each other; give one of them",
                                   first->name, key->name);
        first = key;
    }
    if (needed && !first)
        return fail_choice(site);
    return LAM_STATUS_OK;
}

static lam_status fail_group_kind(const lam_group_site *site)
{
    static const char *const found[] = {"a single value", "a list", "a mapping"};
    const char *what = lam_node_is_null(site->node) ? "no value" : found[site->node->kind];
    return fail_keys(site, site->node, "a mapping of keys to values is needed, but here is %s",
                     what);
}

static lam_status read_group(const lam_group_site *unread, void *base)
{
    lam_group_site site = *unread;
    bool short_form = site.node->kind == LAM_NODE_SCALAR && !lam_node_is_null(site.node) &&
                      lam_key_find(site.group, "type");
    if (site.node->kind != LAM_NODE_MAPPING && !short_form)
        return fail_group_kind(&site);
    LAM_TRY(read_type(&site, base));
    for (const lam_node *value = site.node->child; value; value = value->next)
        LAM_TRY(check_key(&site, value));
    const lam_key *key = NULL;
    while ((key = lam_key_next(site.group, key)))
        LAM_TRY(read_member(&site, key, base));
    return check_choice(&site);
}

lam_status lam_recipe_read(lam_document *document, lam_recipe_draft *draft)
{
    memset(draft, 0, sizeof *draft);
    lam_group_site root = {document, LAM_KEY_GROUP_ROOT, document->root, "", -1};
    return read_group(&root, draft);
}
