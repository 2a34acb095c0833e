/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The z-score's statistics.
 */
#ifndef LAM_DATA_NORMALIZATION_H
#define LAM_DATA_NORMALIZATION_H

#include <stdint.h>

#include "lamina/data.h"

/** Mean and standard deviation (divided by n; 1 where it is 0) of pixels / 255 over `rows`
 * rows of u8[rows, 3072], f64[3072] each; 0 < rows <= 50,000. */
void lam_normalization_measure(const uint8_t *images, uint32_t rows, double *ret_mean,
                               double *ret_deviation);

#endif
