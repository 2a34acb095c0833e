/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/plateau.h"

#include <assert.h>
#include <math.h>

lam_plateau lam_plateau_start(void)
{
    return (lam_plateau){.best = INFINITY};
}

static bool is_at_minimum(const lam_plateau *plateau, const lam_schedule *schedule)
{
    return schedule->rate * pow(schedule->factor, plateau->reductions) <= schedule->minimum;
}

bool lam_plateau_observe(lam_plateau *plateau, const lam_schedule *schedule,
                         double validation_loss)
{
    assert(schedule->type == LAM_SCHEDULE_PLATEAU && schedule->patience > 0);
    if (validation_loss < plateau->best) {
        plateau->best = validation_loss;
        plateau->waited = 0;
        return false;
    }
    if (is_at_minimum(plateau, schedule) || ++plateau->waited < schedule->patience)
        return false;
    plateau->waited = 0;
    plateau->reductions++;
    return true;
}
