/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * TensorFlow's record files, which hold a message each: u64 length, u32 masked CRC of the
 * length, the message, u32 masked CRC of it; little-endian. (tensorflow/core/lib/io/
 * record_writer.h)
 */
#ifndef LAM_REPORT_EVENT_RECORD_H
#define LAM_REPORT_EVENT_RECORD_H

#include <stdint.h>

#include "base/strbuf.h"

/** CRC-32C: the reflected polynomial 0x82f63b78, begun and ended with all bits turned
 * (Castagnoli et al., IEEE Transactions on Communications 41, 1993; RFC 3720, B.4). */
uint32_t lam_crc32c(const void *bytes, size_t count);

/** Turned and shifted, so that the CRC of bytes that hold CRCs is a good one, too. */
uint32_t lam_crc32c_mask(uint32_t crc);

/** Appends `message` as a record and frees it. */
void lam_event_record_append(lam_strbuf *file, lam_strbuf *message);

#endif
