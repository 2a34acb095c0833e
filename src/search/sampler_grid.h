/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Every combination of values, in order and counted.
 */
#ifndef LAM_SEARCH_SAMPLER_GRID_H
#define LAM_SEARCH_SAMPLER_GRID_H

#include "search/sampler.h"

/** How many values a parameter has. */
typedef int64_t lam_value_counter(const lam_parameter *parameter);

/** Different points, a parameter whose condition does not hold counting for nothing; INT64_MAX
 * for as many and more. */
int64_t lam_space_count_points(const lam_space *space, lam_value_counter *count_values);

/** Grid point number `index`, below the number of points. */
void lam_grid_draw(const lam_space *space, int64_t index, lam_point *ret_point);

#endif
