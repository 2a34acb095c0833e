/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Images as pictures have them: red, green and blue of a pixel side by side.
 */
#ifndef LAM_DATA_PIXELS_H
#define LAM_DATA_PIXELS_H

#include "lamina/data.h"

/** u8[3, 32, 32] becomes u8[32, 32, 3]. */
void lam_pixels_interleave(const uint8_t *planar, uint8_t *ret_rgb);

#endif
