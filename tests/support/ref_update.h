/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Optimizers in plain double-precision C, written as their papers do, and tables for them.
 */
#ifndef LAM_TESTS_SUPPORT_REF_UPDATE_H
#define LAM_TESTS_SUPPORT_REF_UPDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lamina/recipe.h"
#include "op/step_table.h"

/* One step of a parameter: its new value from the gradient g. `scalars` are a member's numbers
 * for the step; `decays` is for weights. The states change. */
double ref_update(lam_optimizer_type type, const double scalars[LAM_STEP_SCALAR_COUNT],
                  bool decays, double w, double g, double state[2]);

/* A table of plain descent from rates[steps, members]; free() it. */
double *ref_make_table(const double *rates, size_t steps, size_t members);

#endif
