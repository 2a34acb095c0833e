/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Pictures as PNG files.
 */
#ifndef LAM_FIGURE_PNG_H
#define LAM_FIGURE_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

/** Replaces `path` by a picture of u8[height, width, 3], red, green and blue from the top left
 * pixel on, borrowed. Errors: BAD_OUTPUT, NO_MEMORY; the old file survives. */
LAM_MUST_USE lam_status lam_png_write(lam_context *context, const char *path, uint32_t width,
                                      uint32_t height, const uint8_t *rgb);

/** Appends such a file's bytes to `png`. Errors: BAD_OUTPUT, NO_MEMORY. */
LAM_MUST_USE lam_status lam_png_append(lam_context *context, uint32_t width, uint32_t height,
                                       const uint8_t *rgb, lam_strbuf *png);

#endif
