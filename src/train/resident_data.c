/* SPDX-License-Identifier: Apache-2.0 */
#include "train/resident_data.h"

#include <stdlib.h>

static lam_status upload_z_score(lam_resident_data *data, const lam_host_rows *rows)
{
    double scale[LAM_IMAGE_INPUTS], shift[LAM_IMAGE_INPUTS];
    for (size_t k = 0; k < rows->inputs; k++) {
        scale[k] = 1 / (255 * rows->deviation[k]);
        shift[k] = -rows->mean[k] / rows->deviation[k];
    }
    const lam_engine *engine = data->engine;
    LAM_TRY(lam_engine_create_reals(engine, rows->inputs, "the z-score", &data->scale));
    LAM_TRY(lam_engine_create_reals(engine, rows->inputs, "the z-score", &data->shift));
    LAM_TRY(lam_engine_write_reals(engine, data->scale, 0, scale, rows->inputs));
    return lam_engine_write_reals(engine, data->shift, 0, shift, rows->inputs);
}

lam_status lam_resident_data_create(const lam_engine *engine, const lam_host_rows *rows,
                                    lam_resident_data **ret_data)
{
    lam_status status = LAM_STATUS_OK;
    lam_resident_data *data = calloc(1, sizeof *data);
    if (!data)
        return lam_fail_memory(engine->context, "the device's data set", sizeof *data);
    data->engine = engine;
    LAM_TRY_GOTO(status, lam_buffer_create_from_host(engine->device, rows->images,
                                                     rows->count * rows->inputs, "the images",
                                                     &data->images));
    LAM_TRY_GOTO(status, lam_buffer_create_from_host(engine->device, rows->labels, rows->count,
                                                     "the labels", &data->labels));
    LAM_TRY_GOTO(status, upload_z_score(data, rows));
    *ret_data = data;
    return LAM_STATUS_OK;
fail:
    lam_resident_data_destroy(&data);
    return status;
}

void lam_resident_data_destroy(lam_resident_data **data)
{
    if (!*data)
        return;
    lam_buffer_destroy(&(*data)->images);
    lam_buffer_destroy(&(*data)->labels);
    lam_buffer_destroy(&(*data)->scale);
    lam_buffer_destroy(&(*data)->shift);
    free(*data);
    *data = NULL;
}

lam_input lam_resident_data_get_input(const lam_resident_data *data, const lam_buffer *order)
{
    return (lam_input){
        .images = data->images, .order = order, .scale = data->scale, .shift = data->shift};
}
