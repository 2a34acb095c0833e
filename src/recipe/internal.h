/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the recipe reader. A text becomes a tree of nodes that know where they were written;
 * overrides edit the tree; one table of keys says what may stand in it, and drives reading,
 * checking, formatting and the help text; a last pass checks what keys say about each other.
 */
#ifndef LAM_RECIPE_INTERNAL_H
#define LAM_RECIPE_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "lamina/recipe.h"

/* Far above any legal recipe; they bound the time and memory that a hostile one can take. */
#define LAM_RECIPE_MAX_BYTES (1u << 20)
#define LAM_RECIPE_MAX_VALUES 5000
#define LAM_RECIPE_MAX_DEPTH 16

/** Room for a key's full path, "layers[63].initialization.sigma". */
#define LAM_RECIPE_PATH_BYTES 64

/* ---- The tree: recipe_document.c, recipe_override.c ---- */

typedef enum lam_node_kind {
    LAM_NODE_SCALAR,
    LAM_NODE_LIST,
    LAM_NODE_MAPPING,
} lam_node_kind;

/** Where a node was written: an override by its index, or one of these. */
enum { LAM_SOURCE_TEXT = -1, LAM_SOURCE_DEFAULT = -2 };

typedef struct lam_node {
    lam_node_kind kind;
    bool quoted; /* a scalar in quotes, or a block of text: never a number */
    int source;
    int line;                   /* from 1 */
    struct lam_node *key;       /* of a mapping's value */
    struct lam_node *child;     /* first item of a list, first value of a mapping */
    struct lam_node *next;      /* in the same list or mapping */
    struct lam_node *allocated; /* in the document's list of all nodes */
    size_t length;
    char text[]; /* of a scalar, NUL-terminated */
} lam_node;

typedef struct lam_document {
    lam_context *context;
    const char *origin; /* names the text in messages */
    const char *const *overrides;
    lam_node *root;
    lam_node *allocated;
    int node_count;
} lam_document;

/** Reads one YAML document into nodes that the document owns. */
LAM_MUST_USE lam_status lam_document_load(lam_document *document, const char *text,
                                          size_t length, int source, lam_node **ret_root);

/** Applies document->overrides[index] to the tree. */
LAM_MUST_USE lam_status lam_document_override(lam_document *document, int index);

void lam_document_free(lam_document *document);

LAM_MUST_USE lam_status lam_node_create(lam_document *document, lam_node_kind kind, int source,
                                        int line, const char *text, size_t length,
                                        lam_node **ret_node);

/** Value of a mapping's key; NULL when there is none or `mapping` is no mapping. */
lam_node *lam_node_find(const lam_node *mapping, const char *key);

/** An unquoted scalar that YAML takes for "no value". */
bool lam_node_is_null(const lam_node *node);

/** Fails with BAD_RECIPE: "<where `node` was written>: <path>: <detail>". `node` may be NULL,
 * `path` may be empty. */
LAM_MUST_USE lam_status lam_recipe_fail(const lam_document *document, const lam_node *node,
                                        const char *path, const char *format, ...)
    LAM_PRINTF(4, 5);
LAM_MUST_USE lam_status lam_recipe_fail_v(const lam_document *document, const lam_node *node,
                                          const char *path, const char *format, va_list list);

/** Appends text of unknown content in quotes, shortened and fit for one line. */
void lam_recipe_quote(lam_strbuf *buffer, const char *text, size_t length);

/* ---- The table of keys: recipe_table.c, recipe_describe.c ---- */

/** What the table's offsets point into. */
typedef struct lam_recipe_draft {
    lam_recipe recipe;
    lam_initialization initialization; /* of dense layers that name none */
} lam_recipe_draft;

/** Mappings that a recipe is made of. */
typedef enum lam_key_group {
    LAM_KEY_GROUP_NONE,
    LAM_KEY_GROUP_ROOT,
    LAM_KEY_GROUP_DATA,
    LAM_KEY_GROUP_LAYER,
    LAM_KEY_GROUP_INITIALIZATION,
    LAM_KEY_GROUP_OPTIMIZER,
    LAM_KEY_GROUP_SCHEDULE,
    LAM_KEY_GROUP_AUGMENTATION,
    LAM_KEY_GROUP_STATISTICS,
    LAM_KEY_GROUP_STOP,
    LAM_KEY_GROUP_MEASURE,
} lam_key_group;

typedef enum lam_key_kind {
    LAM_KEY_NAME,    /* char[maximum + 1] fit for a file name; with minimum 0 it may be empty */
    LAM_KEY_TEXT,    /* char[maximum + 1] */
    LAM_KEY_ENUM,    /* an enum; names[value] */
    LAM_KEY_INTEGER, /* 32 or 64 bits, minimum .. maximum */
    LAM_KEY_REAL,    /* double, real_minimum .. real_maximum */
    LAM_KEY_BOOL,    /* bool */
    LAM_KEY_FILES,   /* uint32_t, bit n-1 for file n; at least `minimum` files */
    LAM_KEY_GROUP,   /* a mapping, laid out as `child` */
    LAM_KEY_LAYERS,  /* lam_network's layers, minimum .. maximum of them, each a `child` */
    LAM_KEY_COUNT,   /* a lam_duration in `unit`, minimum .. maximum */
} lam_key_kind;

/** How many of a group's keys with a choice, that belong to its `type`, may be given. */
typedef enum lam_key_choice {
    LAM_KEY_CHOICE_FREE, /* says nothing about other keys */
    LAM_KEY_CHOICE_AT_MOST_ONE,
    LAM_KEY_CHOICE_EXACTLY_ONE,
} lam_key_choice;

typedef struct lam_key {
    lam_key_group group;
    const char *name;
    lam_key_kind kind;
    size_t offset; /* in the group's struct */
    size_t size;   /* of the field */
    const char *const *names;
    int name_count;
    int64_t minimum, maximum;
    double real_minimum, real_maximum;
    bool above_minimum, below_maximum; /* the limit itself is not legal */
    lam_key_group child;
    lam_unit unit;
    lam_key_choice choice;
    unsigned only;        /* bits of the group's `type` that have this key; 0: all */
    bool input_only;      /* a shorthand that the resolved recipe does not hold */
    const char *fallback; /* default, in YAML */
    const char *absent;   /* in words, what stands in for an absent key without fallback */
    const char *meaning;
} lam_key;

/** Walks the keys of a group in the table's order: pass NULL first; NULL at the end. */
const lam_key *lam_key_next(lam_key_group group, const lam_key *previous);
const lam_key *lam_key_find(lam_key_group group, const char *name);

/** Whether a mapping whose `type` has this value may hold the key. */
bool lam_key_belongs(const lam_key *key, int type);

/** A key that must be given. */
bool lam_key_is_required(const lam_key *key);

/** Appends the legal values in words. */
void lam_key_append_legal(const lam_key *key, lam_strbuf *buffer);

/** Appends "a, b, c": the keys of a group that belong to `type` (-1: all of them). */
void lam_key_append_names(lam_key_group group, int type, lam_strbuf *buffer);

/** The name closest to `text` if it looks like a misspelling of it, else NULL. */
const char *lam_key_guess(lam_key_group group, const char *text);
const char *lam_name_guess(const char *const *names, int count, const char *text);

/* ---- Reading and checking: recipe_read.c, recipe_check.c ---- */

LAM_MUST_USE lam_status lam_recipe_read(lam_document *document, lam_recipe_draft *draft);

/** What keys say about each other; every single value is legal already. */
LAM_MUST_USE lam_status lam_recipe_check(const lam_document *document,
                                         const lam_recipe *recipe);

#endif
