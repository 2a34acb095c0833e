/* SPDX-License-Identifier: Apache-2.0 */
#include "train/step_scalars.h"

#include <math.h>

/* Adam's moments start at 0, and its corrections take out what that does to them: Kingma and
 * Ba, algorithm 1. Kernels work out 1 - beta from what they are given, so the betas are what a
 * float holds: there 0.999f differs from 0.999 by 5e-5 of 1 - 0.999. */
static void correct_bias(double scalars[LAM_STEP_SCALAR_COUNT], const lam_optimizer *optimizer,
                         int64_t step)
{
    double beta1 = (float)optimizer->beta1, beta2 = (float)optimizer->beta2,
           t = (double)step + 1;
    scalars[LAM_STEP_SCALAR_RATE] /= 1 - pow(beta1, t);
    scalars[LAM_STEP_SCALAR_MOMENTUM] = beta1;
    scalars[LAM_STEP_SCALAR_BETA2] = beta2;
    scalars[LAM_STEP_SCALAR_CORRECTION] = 1 / sqrt(1 - pow(beta2, t));
    scalars[LAM_STEP_SCALAR_EPSILON] = optimizer->epsilon;
}

void lam_step_scalars_fill(double *row, size_t member, size_t members,
                           const lam_optimizer *optimizer, double learning_rate, int64_t step)
{
    double scalars[LAM_STEP_SCALAR_COUNT] = {[LAM_STEP_SCALAR_RATE] = learning_rate,
                                             [LAM_STEP_SCALAR_STATISTICS] = step == 0 ? 2 : 1};
    switch (optimizer->type) {
    case LAM_OPTIMIZER_SGD:
        break;
    case LAM_OPTIMIZER_MOMENTUM:
    case LAM_OPTIMIZER_NESTEROV:
        scalars[LAM_STEP_SCALAR_MOMENTUM] = optimizer->momentum;
        break;
    case LAM_OPTIMIZER_ADAMW:
        scalars[LAM_STEP_SCALAR_DECAY] = learning_rate * optimizer->weight_decay;
        correct_bias(scalars, optimizer, step);
        break;
    case LAM_OPTIMIZER_ADAM:
        correct_bias(scalars, optimizer, step);
        break;
    }
    for (size_t which = 0; which < LAM_STEP_SCALAR_COUNT; which++)
        row[which * members + member] = scalars[which];
}
