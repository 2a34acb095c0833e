/* SPDX-License-Identifier: Apache-2.0 */
#include "search/pruning.h"

double lam_objective_evaluate(lam_objective objective, const lam_measurement *latest,
                              const lam_measurement *best)
{
    const double values[] = {latest->validation.accuracy, best->validation.accuracy,
                             latest->validation.loss, latest->validation.cost};
    return values[objective];
}
