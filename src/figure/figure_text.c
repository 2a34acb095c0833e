/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/figure_text.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

#define ELLIPSIS "\xe2\x80\xa6"
#define SQUARE 0x25a1 /* a white square: of what cannot be drawn */

/* What DejaVu Sans draws without a gap, control characters left out. */
static const struct {
    uint32_t first, last;
} drawable[] = {
    {0x20, 0x7e},     {0xa0, 0xac},     {0xae, 0x2e9},    {0x300, 0x34e},   {0x38e, 0x3a1},
    {0x3a3, 0x525},   {0x5d0, 0x5ea},   {0x621, 0x63a},   {0x1e00, 0x1efb}, {0x2010, 0x2027},
    {0x202f, 0x205f}, {0x2070, 0x2071}, {0x2074, 0x208e}, {0x20a0, 0x20b5}, {0x2116, 0x2116},
    {0x2122, 0x2122}, {0x2150, 0x2185}, {0x2190, 0x2311}, {0x2500, 0x269c},
};

static bool is_drawable(uint32_t character)
{
    for (size_t i = 0; i < sizeof drawable / sizeof *drawable; i++) {
        if (character >= drawable[i].first && character <= drawable[i].last)
            return true;
    }
    return false;
}

/* The character at `*text`, which moves behind it: as it is drawn, a blank for white space and
 * control characters. */
static uint32_t take_character(const char **text)
{
    const unsigned char *bytes = (const unsigned char *)*text;
    size_t count = lam_utf8_measure(*text);
    *text += count > 0 ? count : 1;
    if (count == 1)
        return *bytes < ' ' || *bytes == 0x7f ? ' ' : *bytes;
    uint32_t character = count > 0 ? *bytes & (0x7f >> count) : 0;
    for (size_t i = 1; i < count; i++)
        character = character << 6 | (bytes[i] & 0x3f);
    return is_drawable(character) ? character : SQUARE;
}

static void append_character(lam_strbuf *text, uint32_t character)
{
    unsigned char bytes[3];
    size_t count = 0;
    if (character < 0x80) {
        bytes[count++] = (unsigned char)character;
    } else if (character < 0x800) {
        bytes[count++] = (unsigned char)(0xc0 | character >> 6);
        bytes[count++] = (unsigned char)(0x80 | (character & 0x3f));
    } else {
        bytes[count++] = (unsigned char)(0xe0 | character >> 12);
        bytes[count++] = (unsigned char)(0x80 | (character >> 6 & 0x3f));
        bytes[count++] = (unsigned char)(0x80 | (character & 0x3f));
    }
    lam_strbuf_append_bytes(text, bytes, count);
}

static double measure_character(uint32_t character)
{
    if (character >= 0x80)
        return character >= 0x300 && character <= 0x34e ? 0 : character >= 0x2190 ? 0.9 : 0.68;
    if (strchr("iIjl.,:;'|!()[] -/\\`", (int)character))
        return 0.36;
    if (strchr("ftr\"", (int)character))
        return 0.43;
    if (strchr("mwMW@%+=<>&#~", (int)character))
        return 0.98;
    if (strchr("ckszvxy_?*", (int)character))
        return 0.58;
    return character >= 'A' && character <= 'Z' ? 0.72 : 0.64;
}

double lam_figure_text_measure(const char *text)
{
    double ems = 0;
    while (*text)
        ems += measure_character(take_character(&text));
    return ems;
}

void lam_figure_text_shorten(const char *text, double ems, lam_strbuf *line)
{
    bool fits = lam_figure_text_measure(text) <= ems;
    double room = fits ? ems : ems - 1;
    while (*text) {
        uint32_t character = take_character(&text);
        room -= measure_character(character);
        if (room < 0 && !fits)
            break;
        append_character(line, character);
    }
    if (!fits)
        lam_strbuf_append(line, ELLIPSIS);
}

bool lam_figure_text_wrap(const char **text, double ems, lam_strbuf *line)
{
    while (**text == ' ')
        ++*text;
    if (**text == '\0')
        return false;
    const char *end = *text, *last_blank = NULL;
    double width = 0;
    while (*end) {
        const char *next = end;
        uint32_t character = take_character(&next);
        width += measure_character(character);
        if (character == ' ')
            last_blank = end;
        else if (width > ems && end > *text)
            break;
        end = next;
    }
    if (*end && last_blank)
        end = last_blank;
    lam_strbuf_append_bytes(line, *text, (size_t)(end - *text));
    *text = end;
    return true;
}

void lam_figure_text_quote(lam_strbuf *script, const char *text)
{
    bool has_apostrophe = strchr(text, '\'') != NULL;
    const char *quote = has_apostrophe ? "\"" : "'";
    lam_strbuf_append(script, "%s", quote);
    while (*text) {
        uint32_t character = take_character(&text);
        if (has_apostrophe && character < 0x80 && strchr("\"\\`@", (int)character))
            lam_strbuf_append(script, "\\%03o", (unsigned)character);
        else
            append_character(script, character);
    }
    lam_strbuf_append(script, "%s", quote);
}
