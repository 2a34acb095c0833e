/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How many networks side by side train fastest on a device.
 */
#ifndef LAM_SEARCH_POPULATION_SIZE_H
#define LAM_SEARCH_POPULATION_SIZE_H

#include "lamina/search.h"
#include "train/population.h"

#define LAM_MAX_POPULATION_SIZES 12

/** What was measured, and the knee: the fewest members that come within 3 % of the most
 * models per second. */
typedef struct lam_population_sizes {
    lam_population_speed speeds[LAM_MAX_POPULATION_SIZES]; /* members 1, 2, 4, .. */
    size_t count;
    size_t knee;
    bool all;                            /* not only until it is known */
    lam_population_speed_function *tell; /* of each as it is measured; may be NULL */
    void *user;
} lam_population_sizes;

/** Errors: NO_MEMORY where so many networks do not fit side by side. */
LAM_MUST_USE lam_status lam_population_check_memory(const lam_workshop *workshop,
                                                    const lam_recipe *recipe, size_t members);

/**
 * Doubles the members, up to `most`, until memory is exhausted or two sizes in a row were no
 * faster than a smaller one. Blocking, under a second a size besides compiling. Errors: those
 * of a population of one; INTERRUPTED.
 */
LAM_MUST_USE lam_status lam_population_size_measure(const lam_workshop *workshop,
                                                    const lam_recipe *recipe, size_t most,
                                                    lam_population_sizes *sizes);

#endif
