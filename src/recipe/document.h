/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A YAML text as a tree of nodes that know where they were written.
 */
#ifndef LAM_RECIPE_DOCUMENT_H
#define LAM_RECIPE_DOCUMENT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

/* Far above any legal recipe; they bound the time and memory that a hostile one can take. */
#define LAM_RECIPE_MAX_BYTES (1u << 20)
#define LAM_RECIPE_MAX_VALUES 5000
#define LAM_RECIPE_MAX_DEPTH 16

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

#endif
