/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How much device memory something will need, known before any of it is allocated.
 */
#ifndef LAM_NET_MEMORY_NEED_H
#define LAM_NET_MEMORY_NEED_H

#include "device/device.h"

/** In doubles, which do not overflow: what is asked for may be absurd. */
typedef struct lam_memory_need {
    double total_bytes;
    double largest_bytes; /* of a single buffer */
    const char *largest;  /* what that is for; static text */
} lam_memory_need;

/** Adds one buffer for `what` with its padding; none for 0 bytes. */
static inline void lam_memory_need_add(lam_memory_need *need, double bytes, const char *what)
{
    bytes += bytes > 0 ? LAM_BUFFER_PADDING_BYTES : 0;
    need->total_bytes += bytes;
    if (bytes <= need->largest_bytes)
        return;
    need->largest_bytes = bytes;
    need->largest = what;
}

#endif
