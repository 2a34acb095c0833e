/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The images of a preview, before they become a picture.
 */
#ifndef LAM_TRAIN_PREVIEW_H
#define LAM_TRAIN_PREVIEW_H

#include "lamina/preview.h"

/** u8[rows, columns, 32, 32, 3], red, green and blue of each pixel; free() them. Errors: those
 * of lam_preview_augmentation() but BAD_OUTPUT. */
LAM_MUST_USE lam_status lam_preview_draw_images(lam_device *device, const lam_recipe *recipe,
                                                const lam_dataset *dataset,
                                                const lam_preview_options *options,
                                                uint8_t **ret_images);

#endif
