/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ref_update.h"

#include <math.h>
#include <stdlib.h>

double ref_update(lam_optimizer_type type, const double scalars[LAM_STEP_SCALAR_COUNT],
                  bool decays, double w, double g, double state[2])
{
    double rate = scalars[LAM_STEP_SCALAR_RATE], momentum = scalars[LAM_STEP_SCALAR_MOMENTUM],
           beta2 = scalars[LAM_STEP_SCALAR_BETA2];
    switch (type) {
    case LAM_OPTIMIZER_SGD:
        return w - rate * g;
    case LAM_OPTIMIZER_MOMENTUM:
        state[0] = momentum * state[0] + g;
        return w - rate * state[0];
    case LAM_OPTIMIZER_NESTEROV:
        state[0] = momentum * state[0] + g;
        return w - rate * (g + momentum * state[0]);
    case LAM_OPTIMIZER_ADAMW:
    case LAM_OPTIMIZER_ADAM:
        break;
    }
    if (type == LAM_OPTIMIZER_ADAMW && decays)
        w -= scalars[LAM_STEP_SCALAR_DECAY] * w;
    state[0] = momentum * state[0] + (1 - momentum) * g;
    state[1] = beta2 * state[1] + (1 - beta2) * g * g;
    return w - rate * state[0] /
                   (sqrt(state[1]) * scalars[LAM_STEP_SCALAR_CORRECTION] +
                    scalars[LAM_STEP_SCALAR_EPSILON]);
}

double *ref_make_table(const double *rates, size_t steps, size_t members)
{
    double *table = calloc(steps * LAM_STEP_SCALAR_COUNT * members, sizeof *table);
    for (size_t i = 0; i < steps * members && table; i++)
        table[lam_step_table_find(i / members, LAM_STEP_SCALAR_RATE, i % members, members)] =
            rates[i];
    return table;
}
