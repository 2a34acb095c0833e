/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Files whose text is part of the library, made by src/kernel/embed.py while it is built.
 */
#ifndef LAM_BASE_EMBEDDED_H
#define LAM_BASE_EMBEDDED_H

/** Lists of them end with a row of null pointers. */
typedef struct lam_embedded_source {
    const char *name; /* file name, e.g. "penalty.cl" */
    const char *text;
} lam_embedded_source;

#endif
