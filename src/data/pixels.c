/* SPDX-License-Identifier: Apache-2.0 */
#include "data/pixels.h"

#define CHANNELS 3
#define PLANE (LAM_IMAGE_SIDE * LAM_IMAGE_SIDE)

void lam_pixels_interleave(const uint8_t *planar, uint8_t *ret_rgb)
{
    for (int pixel = 0; pixel < PLANE; pixel++)
        for (int channel = 0; channel < CHANNELS; channel++)
            *ret_rgb++ = planar[channel * PLANE + pixel];
}
