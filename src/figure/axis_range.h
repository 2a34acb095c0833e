/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an axis spans, and where it has numbers.
 */
#ifndef LAM_FIGURE_AXIS_RANGE_H
#define LAM_FIGURE_AXIS_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#define LAM_MAX_TICKS 16

typedef struct lam_axis_range {
    double low, high; /* low > high: nothing was added yet */
    bool is_log;      /* both above 0 */
} lam_axis_range;

typedef struct lam_tick {
    double value;
    char label[48]; /* UTF-8 */
} lam_tick;

lam_axis_range lam_axis_range_make(bool is_log);

/** Whether an axis can show the value: finite, and above 0 where it is logarithmic. */
bool lam_axis_range_can_show(const lam_axis_range *range, double value);
/** Widens the range; values that cannot be shown are left out. */
void lam_axis_range_add(lam_axis_range *range, double value);

/** Makes the range fit to be drawn: `minimum` and `maximum` where they are different numbers,
 * air around the data elsewhere (which does not cross 0), and some width in any case. */
void lam_axis_range_finish(lam_axis_range *range, double minimum, double maximum, bool has_air);

/** Round numbers within the range, at most about `wanted` and LAM_MAX_TICKS; returns how many.
 */
size_t lam_axis_range_find_ticks(const lam_axis_range *range, size_t wanted,
                                 lam_tick ticks[LAM_MAX_TICKS]);

#endif
