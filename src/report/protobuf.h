/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Messages of Protocol Buffers, written field by field into a string buffer: the wire format of
 * https://protobuf.dev/programming-guides/encoding. Fields are written as given, also when they
 * hold their default.
 */
#ifndef LAM_REPORT_PROTOBUF_H
#define LAM_REPORT_PROTOBUF_H

#include <stdint.h>

#include "base/strbuf.h"

/** int32 and int64 that are not negative, bool and enums. */
void lam_protobuf_add_integer(lam_strbuf *message, uint32_t field, uint64_t value);
void lam_protobuf_add_double(lam_strbuf *message, uint32_t field, double value);
void lam_protobuf_add_float(lam_strbuf *message, uint32_t field, float value);
/** repeated double, packed. */
void lam_protobuf_add_doubles(lam_strbuf *message, uint32_t field, const double *values,
                              size_t count);
void lam_protobuf_add_bytes(lam_strbuf *message, uint32_t field, const void *bytes,
                            size_t count);
/** `text` is UTF-8. */
void lam_protobuf_add_text(lam_strbuf *message, uint32_t field, const char *text);
/** Frees `inner`. */
void lam_protobuf_add_message(lam_strbuf *message, uint32_t field, lam_strbuf *inner);

#endif
