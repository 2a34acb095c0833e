/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the recipe reader. A text becomes a tree of nodes that know where they were written;
 * overrides edit the tree; one table of keys says what may stand in it, and drives reading,
 * checking, formatting and the help text; a last pass checks what keys say about each other.
 */
#ifndef LAM_RECIPE_INTERNAL_H
#define LAM_RECIPE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lamina/recipe.h"
#include "recipe/document.h"

/** Room for a key's full path, "layers[63].initialization.sigma". */
#define LAM_RECIPE_PATH_BYTES 64

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
