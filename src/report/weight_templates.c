/* SPDX-License-Identifier: Apache-2.0 */
#include "report/weight_templates.h"

#include <math.h>
#include <stdlib.h>

#include "data/pixels.h"
#include "train/safetensors.h"

static lam_status check_finite(lam_context *context, const lam_first_layer *layer,
                               const char *model_path)
{
    for (size_t i = 0; i < LAM_IMAGE_INPUTS * layer->units; i++)
        if (!isfinite(layer->weights[i]))
            return lam_fail(context, LAM_STATUS_BAD_MODEL,
                            "%s: layer1.weight holds a number that is not finite; train again "
                            "or restore the file from a copy",
                            model_path);
    return LAM_STATUS_OK;
}

lam_status lam_first_layer_load(lam_context *context, const lam_recipe *recipe,
                                const char *model_path, lam_first_layer *ret_layer)
{
    /* The first layer of a network is dense. */
    lam_first_layer layer = {.units = (size_t)recipe->network.layers[0].width};
    const size_t shape[2] = {LAM_IMAGE_INPUTS, layer.units};
    size_t bytes = LAM_IMAGE_INPUTS * layer.units * sizeof *layer.weights;
    lam_safetensors_file *file = NULL;
    LAM_TRY(lam_safetensors_file_open(context, model_path, &file));
    layer.weights = malloc(bytes);
    lam_status status = layer.weights ? lam_safetensors_file_read(file, "layer1.weight", shape,
                                                                  2, layer.weights)
                                      : lam_fail_memory(context, model_path, bytes);
    lam_safetensors_file_close(&file);
    if (status == LAM_STATUS_OK)
        status = check_finite(context, &layer, model_path);
    if (status == LAM_STATUS_OK)
        *ret_layer = layer;
    else
        lam_first_layer_free(&layer);
    return status;
}

void lam_first_layer_free(lam_first_layer *layer)
{
    free(layer->weights);
    *layer = (lam_first_layer){0};
}

lam_weight_range lam_first_layer_measure(const lam_first_layer *layer, size_t unit)
{
    lam_weight_range range = {.minimum = INFINITY, .maximum = -INFINITY};
    double squares = 0;
    for (size_t input = 0; input < LAM_IMAGE_INPUTS; input++) {
        double weight = layer->weights[input * layer->units + unit];
        range.minimum = fmin(range.minimum, weight);
        range.maximum = fmax(range.maximum, weight);
        squares += weight * weight;
    }
    range.norm = sqrt(squares);
    return range;
}

void lam_first_layer_paint(const lam_first_layer *layer, size_t unit, double minimum,
                           double maximum, uint8_t *ret_rgb)
{
    uint8_t planar[LAM_IMAGE_INPUTS];
    for (size_t input = 0; input < LAM_IMAGE_INPUTS; input++) {
        double weight = layer->weights[input * layer->units + unit];
        double share = maximum > minimum ? (weight - minimum) / (maximum - minimum) : 0.5;
        planar[input] = (uint8_t)lround(UINT8_MAX * share);
    }
    lam_pixels_interleave(planar, ret_rgb);
}
