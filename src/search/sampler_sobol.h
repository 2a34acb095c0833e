/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sobol's sequence, with direction numbers by Joe and Kuo.
 */
#ifndef LAM_SEARCH_SAMPLER_SOBOL_H
#define LAM_SEARCH_SAMPLER_SOBOL_H

#include <stddef.h>
#include <stdint.h>

#include "lamina/space.h"

/** Points that there are. */
#define LAM_SOBOL_POINTS ((int64_t)1 << 32)

/**
 * Coordinate `dimension` = 0 .. LAM_MAX_PARAMETERS-1 of point number `index`, times 2^32, in
 * the order of the Gray code: Antonov and Saleev, 1979. The first 2^k points are those of the
 * plain order, for every k. Point 0 is the origin.
 */
uint32_t lam_sobol_get(size_t dimension, uint32_t index);

#endif
