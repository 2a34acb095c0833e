/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Reading the mappings of a manifest, with messages that name file, line, key and what is
 * legal. All that can fail fails with BAD_RECIPE.
 */
#ifndef LAM_REPORT_MANIFEST_SITE_H
#define LAM_REPORT_MANIFEST_SITE_H

#include <stdint.h>

#include "recipe/document.h"

#define LAM_SITE_PATH_BYTES 96

/** A place in the manifest: a mapping, and the path that messages call it by. */
typedef struct lam_site {
    lam_document *document;
    const lam_node *node;
    char path[LAM_SITE_PATH_BYTES];
} lam_site;

/** The item `index` of the list `name` in a mapping. */
lam_site lam_site_enter(const lam_site *at, const lam_node *node, const char *name,
                        size_t index);

/** Fails where `node` was written, NULL for the mapping; of a value, which is quoted, or of a
 * key.
 */
LAM_MUST_USE lam_status lam_site_fail(const lam_site *at, const lam_node *node, const char *key,
                                      const char *problem, const char *legal);
LAM_MUST_USE lam_status lam_site_fail_value(const lam_site *at, const lam_node *node,
                                            const char *key, const char *problem,
                                            const char *legal);

/** `keys` are "a, b, c": all that a mapping may hold. */
LAM_MUST_USE lam_status lam_site_check_keys(const lam_site *at, const char *keys);

/** These read a key's value; an absent one leaves what is there. */
LAM_MUST_USE lam_status lam_site_read_text(const lam_site *at, const char *key,
                                           bool is_required, char *text, size_t bytes);
LAM_MUST_USE lam_status lam_site_read_number(const lam_site *at, const char *key,
                                             double minimum, double maximum, double *value);
LAM_MUST_USE lam_status lam_site_read_count(const lam_site *at, const char *key,
                                            uint32_t maximum, uint32_t *count);
LAM_MUST_USE lam_status lam_site_read_flag(const lam_site *at, const char *key, bool *flag);

/** The list under a key, and how long it is; an absent one is NULL. */
LAM_MUST_USE lam_status lam_site_find_list(const lam_site *at, const char *key,
                                           const lam_node **ret_list, size_t *ret_count);

/** A finite number without quotes. */
bool lam_node_parse_number(const lam_node *node, double *ret_value);

#endif
