/* SPDX-License-Identifier: Apache-2.0 */
#include "op/augment.h"

#include <math.h>

/* What an image's word, less its last two bits, is below when the image is mirrored: exact for
 * 0, 1 and halves, and small enough for a kernel's integer. */
static int get_flip_bound(double flip)
{
    return (int)round(flip * 0x1p30);
}

bool lam_augmentation_changes_rows(const lam_augmentation *augmentation)
{
    return augmentation &&
           (augmentation->flip > 0 || augmentation->translation > 0 || augmentation->noise > 0);
}

/* Where a work-item runs on a core of its own, it takes a whole image, in the vectors of the
 * device; elsewhere neighbours take neighbouring columns, as few as the kernel can. */
static bool takes_whole_images(const lam_engine *engine)
{
    return engine->gemm == LAM_GEMM_REGISTERS;
}

static lam_define_set choose_defines(const lam_engine *engine,
                                     const lam_augmentation *augmentation)
{
    int lanes = takes_whole_images(engine) ? engine->vector_lanes : 4;
    lam_define_set defines = lam_engine_start_defines(engine);
    lam_define_set_add(&defines, "VEC", lanes);
    lam_define_set_add(&defines, "GATHER", 1);
    lam_define_set_add(&defines, "FLIP", get_flip_bound(augmentation->flip) > 0);
    lam_define_set_add(&defines, "TRANSLATION", augmentation->translation);
    lam_define_set_add(&defines, "NOISE", augmentation->noise > 0);
    lam_define_set_add(&defines, "ITEM_VECTORS",
                       takes_whole_images(engine) ? LAM_AUGMENT_INPUTS / 4 / lanes : 1);
    return defines;
}

static lam_status create_noise(const lam_engine *engine, lam_plan *plan, double noise,
                               lam_buffer **ret_noise)
{
    lam_buffer *buffer = NULL;
    LAM_TRY(lam_engine_create_reals(engine, 1, "noise", &buffer));
    LAM_TRY(lam_plan_take_buffer(plan, buffer));
    LAM_TRY(lam_engine_write_reals(engine, buffer, 0, &noise, 1));
    *ret_noise = buffer;
    return LAM_STATUS_OK;
}

lam_status lam_augment_add(const lam_engine *engine, lam_plan *plan, const lam_augment *augment)
{
    const lam_augmentation *augmentation = &augment->augmentation;
    static const size_t alone[3] = {1, 1, 1};
    lam_buffer *noise = NULL;
    LAM_TRY(create_noise(engine, plan, augmentation->noise, &noise));
    const lam_define_set defines = choose_defines(engine, augmentation);
    lam_launch_builder launch =
        lam_launch_begin(engine, plan, "augment", "augment_forward", &defines);
    lam_launch_bind_buffer(&launch, augment->x);
    lam_input_bind(&launch, &augment->data);
    lam_launch_bind_buffer(&launch, augment->numbers->first_step);
    lam_launch_bind_buffer(&launch, augment->numbers->data_seed);
    lam_launch_bind_buffer(&launch, noise);
    lam_launch_bind_int(&launch, augment->rows);
    lam_launch_bind_int(&launch, (size_t)get_flip_bound(augmentation->flip));
    lam_launch_bind_step(&launch);
    int item_columns =
        lam_define_set_get(&defines, "VEC") * lam_define_set_get(&defines, "ITEM_VECTORS");
    const size_t items[3] = {LAM_AUGMENT_INPUTS / 4 / (size_t)item_columns, augment->rows, 1};
    return lam_plan_add_launch(&launch, items,
                               takes_whole_images(engine) ? alone : lam_any_local);
}
