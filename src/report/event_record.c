/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_record.h"

#include <endian.h>

#define POLYNOMIAL 0x82f63b78u
#define MASK_DELTA 0xa282ead8u

/* Four bits at a time: pictures and histograms are kilobytes, and a table of 16 is no state. */
static const uint32_t nibbles[16] = {
#define SHIFT(crc) ((crc) >> 1 ^ ((crc)&1 ? POLYNOMIAL : 0))
#define NIBBLE(n) SHIFT(SHIFT(SHIFT(SHIFT((uint32_t)(n)))))
    NIBBLE(0),  NIBBLE(1),  NIBBLE(2),  NIBBLE(3), NIBBLE(4),  NIBBLE(5),
    NIBBLE(6),  NIBBLE(7),  NIBBLE(8),  NIBBLE(9), NIBBLE(10), NIBBLE(11),
    NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15)
#undef NIBBLE
#undef SHIFT
};

uint32_t lam_crc32c(const void *bytes, size_t count)
{
    const uint8_t *next = bytes;
    uint32_t crc = ~0u;
    for (; count > 0; count--) {
        crc ^= *next++;
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

uint32_t lam_crc32c_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + MASK_DELTA;
}

static void append_crc(lam_strbuf *file, const void *bytes, size_t count)
{
    uint32_t crc = htole32(lam_crc32c_mask(lam_crc32c(bytes, count)));
    lam_strbuf_append_bytes(file, &crc, sizeof crc);
}

void lam_event_record_append(lam_strbuf *file, lam_strbuf *message)
{
    uint64_t length = htole64(message->length);
    lam_strbuf_append_bytes(file, &length, sizeof length);
    append_crc(file, &length, sizeof length);
    lam_strbuf_append_bytes(file, lam_strbuf_text(message), message->length);
    append_crc(file, lam_strbuf_text(message), message->length);
    file->failed |= message->failed;
    lam_strbuf_free(message);
}
