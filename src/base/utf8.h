/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Texts that somebody else wrote, character by character.
 */
#ifndef LAM_BASE_UTF8_H
#define LAM_BASE_UTF8_H

#include <stddef.h>

/** What stands for bytes that are no character: U+FFFD. */
#define LAM_UTF8_REPLACEMENT "\xEF\xBF\xBD"

/** Bytes of the character that `text` begins with: 1 to 4, or 0 where it begins with none (at
 * its end, or because the bytes are no UTF-8 as RFC 3629 has it). */
size_t lam_utf8_measure(const char *text);

/** How much of `text` to keep where `bytes` of it are room: `bytes`, or the few less that end
 * with a whole character. `text` is longer than that. */
size_t lam_utf8_cut(const char *text, size_t bytes);

/** Takes one character off the front of `*text`, as it can be shown: bytes that are no UTF-8,
 * and control characters but tab and line end, become the replacement. `*ret_bytes` borrows it;
 * gives its bytes, 0 at the end of the text. */
size_t lam_utf8_take(const char **text, const char **ret_bytes);

#endif
