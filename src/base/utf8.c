/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdbool.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* By the first byte; 0 for one that begins no character. */
static size_t get_length(unsigned char first)
{
    if (first < 0x80)
        return first != 0;
    if (first < 0xC2) /* continuations, and what would fit into one byte */
        return 0;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

/* Of three and four bytes: those that a shorter form has, surrogates, and beyond U+10FFFF. */
static bool is_forbidden(unsigned char first, unsigned char second)
{
    return (first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0) ||
           (first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90);
}

size_t lam_utf8_measure(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = get_length(at[0]);
    for (size_t i = 1; i < length; i++)
        if (!is_continuation(at[i]))
            return 0;
    return length > 1 && is_forbidden(at[0], at[1]) ? 0 : length;
}

/* Control characters of ASCII and Latin-1, and U+FFFE and U+FFFF. */
static bool can_show(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    if (length == 1)
        return (at[0] >= ' ' && at[0] != 0x7F) || at[0] == '\t' || at[0] == '\n';
    if (length == 2)
        return at[0] != 0xC2 || at[1] >= 0xA0;
    return length != 3 || at[0] != 0xEF || at[1] != 0xBF || at[2] < 0xBE;
}

size_t lam_utf8_cut(const char *text, size_t bytes)
{
    while (bytes > 0 && is_continuation((unsigned char)text[bytes]))
        bytes--;
    return bytes;
}

size_t lam_utf8_take(const char **text, const char **ret_bytes)
{
    if (**text == '\0')
        return 0;
    size_t length = lam_utf8_measure(*text);
    bool is_fit = length > 0 && can_show(*text, length);
    *ret_bytes = is_fit ? *text : LAM_UTF8_REPLACEMENT;
    *text += length > 0 ? length : 1;
    return is_fit ? length : sizeof LAM_UTF8_REPLACEMENT - 1;
}
