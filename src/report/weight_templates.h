/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The weights of a first layer as pictures: those of one unit belong each to a pixel's red,
 * green or blue, and make a picture of 32 x 32 pixels.
 */
#ifndef LAM_REPORT_WEIGHT_TEMPLATES_H
#define LAM_REPORT_WEIGHT_TEMPLATES_H

#include "base/error.h"
#include "lamina/data.h"
#include "lamina/recipe.h"

typedef struct lam_first_layer {
    size_t units;
    double *weights; /* f64[3072, units], of normalized inputs in the order of images */
} lam_first_layer;

/** Reads layer1.weight of a model file of `recipe`. lam_first_layer_free() it.
 * Errors: BAD_MODEL (also where a weight is not finite), NO_MEMORY. */
LAM_MUST_USE lam_status lam_first_layer_load(lam_context *context, const lam_recipe *recipe,
                                             const char *model_path,
                                             lam_first_layer *ret_layer);
void lam_first_layer_free(lam_first_layer *layer);

/** What is known of one unit's weights. */
typedef struct lam_weight_range {
    double minimum, maximum;
    double norm; /* the root of the sum of squares */
} lam_weight_range;

lam_weight_range lam_first_layer_measure(const lam_first_layer *layer, size_t unit);

/** u8[32, 32, 3] of one unit: `minimum` becomes 0 and `maximum` 255, in all three colours. One
 * grey where they are equal. */
void lam_first_layer_paint(const lam_first_layer *layer, size_t unit, double minimum,
                           double maximum, uint8_t *ret_rgb);

#endif
