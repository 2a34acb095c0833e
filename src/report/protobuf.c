/* SPDX-License-Identifier: Apache-2.0 */
#include "report/protobuf.h"

#include <endian.h>
#include <string.h>

/* How a field's bytes are read. */
enum { WIRE_VARINT = 0, WIRE_64_BITS = 1, WIRE_LENGTH = 2, WIRE_32_BITS = 5 };

/* Seven bits a byte, the lowest first; the top bit says that more follow. */
static void append_varint(lam_strbuf *message, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[count++] = (uint8_t)(value | 0x80);
    bytes[count++] = (uint8_t)value;
    lam_strbuf_append_bytes(message, bytes, count);
}

static void append_key(lam_strbuf *message, uint32_t field, uint32_t wire)
{
    append_varint(message, (uint64_t)field << 3 | wire);
}

static void append_double(lam_strbuf *message, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htole64(bits);
    lam_strbuf_append_bytes(message, &bits, sizeof bits);
}

void lam_protobuf_add_integer(lam_strbuf *message, uint32_t field, uint64_t value)
{
    append_key(message, field, WIRE_VARINT);
    append_varint(message, value);
}

void lam_protobuf_add_double(lam_strbuf *message, uint32_t field, double value)
{
    append_key(message, field, WIRE_64_BITS);
    append_double(message, value);
}

void lam_protobuf_add_float(lam_strbuf *message, uint32_t field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htole32(bits);
    append_key(message, field, WIRE_32_BITS);
    lam_strbuf_append_bytes(message, &bits, sizeof bits);
}

void lam_protobuf_add_doubles(lam_strbuf *message, uint32_t field, const double *values,
                              size_t count)
{
    append_key(message, field, WIRE_LENGTH);
    append_varint(message, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        append_double(message, values[i]);
}

void lam_protobuf_add_bytes(lam_strbuf *message, uint32_t field, const void *bytes,
                            size_t count)
{
    append_key(message, field, WIRE_LENGTH);
    append_varint(message, count);
    lam_strbuf_append_bytes(message, bytes, count);
}

void lam_protobuf_add_text(lam_strbuf *message, uint32_t field, const char *text)
{
    lam_protobuf_add_bytes(message, field, text, strlen(text));
}

void lam_protobuf_add_message(lam_strbuf *message, uint32_t field, lam_strbuf *inner)
{
    lam_protobuf_add_bytes(message, field, lam_strbuf_text(inner), inner->length);
    message->failed |= inner->failed;
    lam_strbuf_free(inner);
}
