/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/internal.h"

#include <stdlib.h>
#include <string.h>

/* One override on its way down the tree. */
typedef struct override_walk {
    lam_document *document;
    int index;           /* of the override */
    const char *rest;    /* of the key's path, not walked yet */
    const char *end;     /* of the path: the '=' */
    lam_key_group group; /* of `node`, as far as the table knows it */
    const lam_key *list; /* the key whose list `node` is */
    lam_node **node;     /* the place reached */
} override_walk;

LAM_PRINTF(2, 3)
static lam_status fail_override(const override_walk *walk, const char *format, ...)
{
    lam_node here = {.kind = LAM_NODE_SCALAR, .source = walk->index};
    va_list list;
    va_start(list, format);
    lam_status status = lam_recipe_fail_v(walk->document, &here, "", format, list);
    va_end(list);
    return status;
}

static lam_status create_node(const override_walk *walk, lam_node_kind kind, const char *text,
                              size_t length, lam_node **ret_node)
{
    return lam_node_create(walk->document, kind, walk->index, 1, text, length, ret_node);
}

static void remove_child(lam_node *parent, const lam_node *child)
{
    lam_node **link = &parent->child;
    while (*link != child)
        link = &(*link)->next;
    *link = child->next;
}

/* A key that is not there gets an empty value to go into; a short form ("he") is written out
 * ({type: he}), so that its mapping can take more keys. */
static lam_status open_mapping(const override_walk *walk)
{
    lam_node *old = *walk->node, *mapping = NULL;
    if (old->kind == LAM_NODE_MAPPING)
        return LAM_STATUS_OK;
    if (old->kind == LAM_NODE_LIST)
        return fail_override(walk, "a key is looked for in a list; name one of the list's "
                                   "items by its number, as in layers[0]");
    bool is_short_form = !lam_node_is_null(old);
    if (is_short_form && !lam_key_find(walk->group, "type"))
        return fail_override(walk, "a key is looked for in what is no mapping");
    LAM_TRY(create_node(walk, LAM_NODE_MAPPING, NULL, 0, &mapping));
    mapping->source = old->source;
    mapping->line = old->line;
    mapping->key = old->key;
    mapping->next = old->next;
    if (is_short_form) {
        LAM_TRY(create_node(walk, LAM_NODE_SCALAR, "type", 4, &old->key));
        old->key->source = old->source;
        old->key->line = old->line;
        old->next = NULL;
        mapping->child = old;
    }
    *walk->node = mapping;
    return LAM_STATUS_OK;
}

/* Into the mapping's value of the key that starts the rest of the path. */
static lam_status enter_key(override_walk *walk, size_t length)
{
    LAM_TRY(open_mapping(walk));
    lam_node *key = NULL, *mapping = *walk->node;
    LAM_TRY(create_node(walk, LAM_NODE_SCALAR, walk->rest, length, &key));
    lam_node **link = &mapping->child;
    lam_node *found = lam_node_find(mapping, key->text);
    while (*link != found)
        link = &(*link)->next;
    if (!found) {
        LAM_TRY(create_node(walk, LAM_NODE_SCALAR, NULL, 0, link));
        (*link)->key = key;
    }
    const lam_key *known = lam_key_find(walk->group, key->text);
    walk->group = known && known->kind == LAM_KEY_GROUP ? known->child : LAM_KEY_GROUP_NONE;
    walk->list = known && known->kind == LAM_KEY_LAYERS ? known : NULL;
    walk->node = link;
    walk->rest += length;
    return LAM_STATUS_OK;
}

/* Into the list's item whose number, "[n]", starts the rest of the path. */
static lam_status enter_item(override_walk *walk)
{
    lam_node *list = *walk->node;
    size_t digits = strspn(walk->rest + 1, "0123456789");
    if (digits == 0 || digits > 6 || walk->rest[1 + digits] != ']')
        return fail_override(walk, "after '[' comes the number of an item and ']', as in "
                                   "layers[0]");
    if (list->kind != LAM_NODE_LIST)
        return fail_override(walk, "an item is asked for, but there is no list here");
    int wanted = atoi(walk->rest + 1), count = 0;
    lam_node **link = &list->child;
    for (const lam_node *item = list->child; item; item = item->next)
        count++;
    if (wanted >= count)
        return fail_override(walk, "there is no item %d; the list has %d, counted from 0",
                             wanted, count);
    for (int i = 0; i < wanted; i++)
        link = &(*link)->next;
    walk->group = walk->list ? walk->list->child : LAM_KEY_GROUP_NONE;
    walk->list = NULL;
    walk->node = link;
    walk->rest += digits + 2;
    return LAM_STATUS_OK;
}

/* A key that excludes others takes their place. */
static void remove_alternatives(lam_node *mapping, lam_key_group group, const char *name)
{
    const lam_key *chosen = lam_key_find(group, name), *key = NULL;
    if (!chosen || chosen->choice == LAM_KEY_CHOICE_FREE)
        return;
    while ((key = lam_key_next(group, key))) {
        lam_node *other = lam_node_find(mapping, key->name);
        if (other && key != chosen && key->choice != LAM_KEY_CHOICE_FREE)
            remove_child(mapping, other);
    }
}

/* A new type drops what the text says about the old one; keys of other overrides stay, so
 * that one which does not belong is reported and not ignored. */
static void remove_foreign(lam_node *mapping, lam_key_group group, const lam_node *type)
{
    const lam_key *type_key = lam_key_find(group, "type"), *key = NULL;
    if (!type_key || type->kind != LAM_NODE_SCALAR)
        return;
    int value = 0;
    while (value < type_key->name_count && strcmp(type_key->names[value], type->text) != 0)
        value++;
    if (value == type_key->name_count)
        return; /* reported when the type is read */
    while ((key = lam_key_next(group, key))) {
        lam_node *other = lam_node_find(mapping, key->name);
        if (other && other->source == LAM_SOURCE_TEXT && !lam_key_belongs(key, value))
            remove_child(mapping, other);
    }
}

static lam_status walk_path(override_walk *walk, lam_node **ret_parent,
                            lam_key_group *ret_group)
{
    const char *start = walk->rest;
    while (walk->rest < walk->end) {
        *ret_parent = NULL;
        *ret_group = LAM_KEY_GROUP_NONE;
        if (*walk->rest == '[') {
            LAM_TRY(enter_item(walk));
        } else {
            if (walk->rest > start && *walk->rest++ != '.')
                return fail_override(walk, "after ']' comes '.', '[' or '='");
            size_t length = strcspn(walk->rest, ".[=");
            if (length == 0)
                return fail_override(walk, "a key is missing before '='");
            *ret_group = walk->group;
            lam_node **mapping = walk->node;
            LAM_TRY(enter_key(walk, length));
            *ret_parent = *mapping;
        }
    }
    return LAM_STATUS_OK;
}

lam_status lam_document_override(lam_document *document, int index)
{
    const char *text = document->overrides[index];
    override_walk walk = {.document = document,
                          .index = index,
                          .rest = text,
                          .end = strchr(text, '='),
                          .group = LAM_KEY_GROUP_ROOT,
                          .node = &document->root};
    if (!walk.end || walk.end == text || *text == '[' || *text == '.')
        return fail_override(&walk, "not of the form key=value, as in schedule.maximum=0.05");
    lam_node *value = NULL, *parent = NULL;
    lam_key_group group = LAM_KEY_GROUP_NONE;
    /* Nothing behind the '=' is the null value, as it is behind a colon in the file. */
    const char *new_text = walk.end[1] != '\0' ? walk.end + 1 : "~";
    LAM_TRY(lam_document_load(document, new_text, strlen(new_text), index, &value));
    LAM_TRY(walk_path(&walk, &parent, &group));

    lam_node *old = *walk.node;
    value->next = old->next;
    if (parent) { /* the value of a key, and not an item of a list */
        LAM_TRY(
            create_node(&walk, LAM_NODE_SCALAR, old->key->text, old->key->length, &value->key));
    }
    *walk.node = value;
    if (parent) {
        remove_alternatives(parent, group, value->key->text);
        if (strcmp(value->key->text, "type") == 0)
            remove_foreign(parent, group, value);
    }
    return LAM_STATUS_OK;
}
