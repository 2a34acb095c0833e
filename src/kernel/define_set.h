/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The one description of a kernel variant: names with integers. The same set makes the -D
 * text, the key of the program store and the launch geometry.
 */
#ifndef LAM_KERNEL_DEFINE_SET_H
#define LAM_KERNEL_DEFINE_SET_H

#include "base/strbuf.h"

#define LAM_MAX_DEFINES 32

typedef struct lam_define {
    const char *name; /* static text */
    int value;
} lam_define;

typedef struct lam_define_set {
    lam_define items[LAM_MAX_DEFINES];
    int count;
} lam_define_set;

/** Adds a define that is not in the set yet. */
void lam_define_set_add(lam_define_set *set, const char *name, int value);

/** The value of a define that is in the set. */
int lam_define_set_get(const lam_define_set *set, const char *name);

/** Appends "-D NAME=VALUE" for each, in order. */
void lam_define_set_format(const lam_define_set *set, lam_strbuf *options);

#endif
