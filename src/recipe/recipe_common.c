/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lamina/recipe.h"

static lam_optimizer get_common_optimizer(const lam_optimizer *optimizer)
{
    /* Whether gradients are clipped decides which kernels run, and not only what they read. */
    return (lam_optimizer){.type = optimizer->type,
                           .epsilon = optimizer->epsilon > 0 ? 1 : 0,
                           .clip_norm = optimizer->clip_norm > 0 ? 1 : 0};
}

static bool counts_cycles(const lam_recipe *recipe)
{
    return recipe->stop.unit == LAM_UNIT_CYCLES || recipe->measure.unit == LAM_UNIT_CYCLES ||
           recipe->snapshots;
}

static lam_schedule get_common_schedule(const lam_recipe *recipe)
{
    if (!counts_cycles(recipe) || !lam_schedule_has_cycles(&recipe->schedule))
        return (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = 1};
    return (lam_schedule){.type = recipe->schedule.type,
                          .maximum = 1,
                          .half_cycle_steps = recipe->schedule.half_cycle_steps,
                          .cycle_growth = recipe->schedule.cycle_growth,
                          .maximum_decay = 1};
}

static void make_layer_common(lam_layer *layer)
{
    layer->initialization = (lam_initialization){.type = LAM_INITIALIZATION_HE};
    layer->rate = 0;
}

lam_recipe lam_recipe_get_common(const lam_recipe *recipe)
{
    lam_recipe common = *recipe;
    memset(common.description, 0, sizeof common.description);
    memset(common.name, 0, sizeof common.name);
    strcpy(common.name, "common");
    common.network.l2 = common.network.label_smoothing = 0;
    for (int i = 0; i < common.network.layer_count; i++)
        make_layer_common(&common.network.layers[i]);
    common.optimizer = get_common_optimizer(&recipe->optimizer);
    common.schedule = get_common_schedule(recipe);
    return common;
}
