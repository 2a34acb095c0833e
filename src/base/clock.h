/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The host's clock.
 */
#ifndef LAM_BASE_CLOCK_H
#define LAM_BASE_CLOCK_H

#include <stdint.h>

/** Nanoseconds on CLOCK_MONOTONIC, which only goes forward. */
uint64_t lam_clock_get_ns(void);

/** The same in seconds. */
double lam_clock_get_seconds(void);

/** Seconds since 1970 by the system's clock, which may be set: for what others will read. */
double lam_clock_get_date(void);

#endif
