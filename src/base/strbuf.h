/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A growing string. `lam_strbuf s = {0};` is an empty one. When memory runs out the text
 * stays as it was and `failed` is set, so that a chain of appends is checked once at its end.
 */
#ifndef LAM_BASE_STRBUF_H
#define LAM_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "lamina/export.h"

typedef struct lam_strbuf {
    char *text;    /* NUL-terminated; NULL while empty */
    size_t length; /* bytes without the NUL */
    size_t capacity;
    bool failed;
} lam_strbuf;

void lam_strbuf_append(lam_strbuf *buffer, const char *format, ...) LAM_PRINTF(2, 3);
void lam_strbuf_append_v(lam_strbuf *buffer, const char *format, va_list arguments);
void lam_strbuf_append_bytes(lam_strbuf *buffer, const void *bytes, size_t count);

/** The text, "" when empty; borrowed until the next change. */
const char *lam_strbuf_text(const lam_strbuf *buffer);

/** Frees the text and makes the buffer empty again. */
void lam_strbuf_free(lam_strbuf *buffer);

#endif
