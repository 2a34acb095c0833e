/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `extra` more bytes and the NUL. */
static bool reserve(lam_strbuf *buffer, size_t extra)
{
    if (buffer->failed)
        return false;
    if (extra < buffer->capacity - buffer->length)
        return true;
    size_t capacity = 2 * buffer->capacity + extra + 64;
    char *text = realloc(buffer->text, capacity);
    if (!text) {
        buffer->failed = true;
        return false;
    }
    buffer->text = text;
    buffer->capacity = capacity;
    return true;
}

void lam_strbuf_append_bytes(lam_strbuf *buffer, const void *bytes, size_t count)
{
    if (!reserve(buffer, count))
        return;
    if (count > 0)
        memcpy(buffer->text + buffer->length, bytes, count);
    buffer->length += count;
    buffer->text[buffer->length] = '\0';
}

void lam_strbuf_append_v(lam_strbuf *buffer, const char *format, va_list arguments)
{
    va_list measured;
    va_copy(measured, arguments);
    int length = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (length < 0 || !reserve(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    vsnprintf(buffer->text + buffer->length, (size_t)length + 1, format, arguments);
    buffer->length += (size_t)length;
}

void lam_strbuf_append(lam_strbuf *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lam_strbuf_append_v(buffer, format, arguments);
    va_end(arguments);
}

const char *lam_strbuf_text(const lam_strbuf *buffer)
{
    return buffer->text ? buffer->text : "";
}

void lam_strbuf_free(lam_strbuf *buffer)
{
    free(buffer->text);
    *buffer = (lam_strbuf){0};
}
