/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/png.h"

#include <png.h>
#include <stdlib.h>

#include "base/file.h"

lam_status lam_png_write(lam_context *context, const char *path, uint32_t width,
                         uint32_t height, const uint8_t *rgb)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = width,
                       .height = height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *file = malloc(bytes);
    if (!file)
        return lam_fail_memory(context, path, bytes);
    lam_status status;
    if (png_image_write_to_memory(&image, file, &bytes, 0, rgb, 0, NULL))
        status = lam_file_write(context, path, file, bytes);
    else
        status =
            lam_fail(context, LAM_STATUS_BAD_OUTPUT,
                     "%s: a picture of %u x %u pixels cannot be made: %s; make a smaller one",
                     path, width, height, image.message);
    free(file);
    return status;
}
