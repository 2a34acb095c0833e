/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which configuration comes next.
 */
#ifndef LAM_SEARCH_SAMPLER_H
#define LAM_SEARCH_SAMPLER_H

#include "lamina/space.h"

/** A configuration: a coordinate in [0, 1) and its text as YAML for each parameter. A parameter
 * whose condition does not hold has a coordinate, too, and an empty text. */
typedef struct lam_point {
    double unit[LAM_MAX_PARAMETERS];
    char values[LAM_MAX_PARAMETERS][LAM_PARAMETER_VALUE_BYTES];
} lam_point;

/** A configuration made before, by index, and what came of it. */
typedef struct lam_past_point {
    double unit[LAM_MAX_PARAMETERS]; /* as drawn, to the bit */
    double cost;  /* mean over its trials, less is better; infinite where all failed or
                     diverged; meaningless unless is_over */
    bool is_over; /* all its trials are */
} lam_past_point;

/** Errors: BAD_ARGUMENT where the sampler cannot serve the space (GRID: a range without number
 * of values; CMAES: choices, conditions; SOBOL: too many parameters). */
LAM_MUST_USE lam_status lam_sampler_check(lam_context *context, const lam_space *space,
                                          lam_sampler sampler);

/** True for samplers whose points are functions of (space, seed, index) alone. */
bool lam_sampler_is_pure(lam_sampler sampler);

/**
 * The configuration number `index`. Pure samplers look at no history (`past` may be NULL);
 * others are functions of (space, seed, index) and past[0 .. index-1]. ret_is_ready is false
 * where the sampler wants to see more of those come to their end first: CMAES, a generation of
 * 4 + floor(3 ln(parameters)). No texts are repeated but by TPE when the space is used up, and
 * by CMAES where INT or a zero is varied; where a space is so small that this takes looking
 * back, the time grows with `index`. Errors: BAD_ARGUMENT (a pure sampler past the end of the
 * grid or of all different configurations), NO_MEMORY.
 */
LAM_MUST_USE lam_status lam_sampler_draw(lam_context *context, const lam_space *space,
                                         lam_sampler sampler, uint64_t seed, int64_t index,
                                         const lam_past_point *past, bool *ret_is_ready,
                                         lam_point *ret_point);

#endif
