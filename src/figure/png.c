/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/png.h"

#include <png.h>
#include <stdlib.h>

#include "base/file.h"

lam_status lam_png_append(lam_context *context, uint32_t width, uint32_t height,
                          const uint8_t *rgb, lam_strbuf *png)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = width,
                       .height = height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *file = malloc(bytes);
    if (!file)
        return lam_fail_memory(context, "a picture", bytes);
    int is_made = png_image_write_to_memory(&image, file, &bytes, 0, rgb, 0, NULL);
    if (is_made)
        lam_strbuf_append_bytes(png, file, bytes);
    free(file);
    if (!is_made)
        return lam_fail(context, LAM_STATUS_BAD_OUTPUT,
                        "a picture of %u x %u pixels cannot be made: %s; make a smaller one",
                        width, height, image.message);
    return png->failed ? lam_fail_memory(context, "a picture", bytes) : LAM_STATUS_OK;
}

lam_status lam_png_write(lam_context *context, const char *path, uint32_t width,
                         uint32_t height, const uint8_t *rgb)
{
    lam_strbuf png = {0};
    lam_status status = lam_png_append(context, width, height, rgb, &png);
    if (status == LAM_STATUS_OK)
        status = lam_file_write(context, path, png.text, png.length);
    lam_strbuf_free(&png);
    return status;
}
