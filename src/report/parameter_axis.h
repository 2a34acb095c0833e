/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where the values of a study's parameter stand on an axis: numbers on the scale they were
 * searched on, choices side by side. A zero besides a logarithmic range stands left of it.
 */
#ifndef LAM_REPORT_PARAMETER_AXIS_H
#define LAM_REPORT_PARAMETER_AXIS_H

#include "figure/chart.h"
#include "lamina/space.h"

typedef struct lam_parameter_axis {
    const lam_parameter *parameter; /* borrowed */
    bool is_log;
    bool has_zero;     /* besides a logarithmic range */
    double low, high;  /* of the values; of names their first and last place */
    size_t name_count; /* 0: numbers */
    char texts[LAM_MAX_PARAMETER_VALUES][64];
    const char *names[LAM_MAX_PARAMETER_VALUES]; /* set by lam_parameter_axis_get() */
} lam_parameter_axis;

/** Choices, and grids of other things than numbers, have names. A grid of numbers above 0 that
 * span a decade or more is taken for a logarithmic one. */
void lam_parameter_axis_make(const lam_parameter *parameter, lam_parameter_axis *ret_axis);

/** The parameter's grid with a name for each value. False where there is none, or one of too
 * many values for cells of a size to see. */
bool lam_parameter_axis_make_grid(const lam_parameter *parameter, lam_parameter_axis *ret_axis);

/** Takes the values of another study's parameter in, too. False where they do not go onto one
 * axis. */
bool lam_parameter_axis_extend(lam_parameter_axis *axis, const lam_parameter *parameter);

/** The place of a value; NaN for none. */
double lam_parameter_axis_place(const lam_parameter_axis *axis, const char *value);

/** The same as a share of the axis, 0 .. 1 from its first value to its last. */
double lam_parameter_axis_share(const lam_parameter_axis *axis, const char *value);

/** Borrows `axis`. */
lam_axis lam_parameter_axis_get(lam_parameter_axis *axis);

#endif
