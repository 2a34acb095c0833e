/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Points of a space: which values they have, and telling them apart.
 */
#ifndef LAM_SEARCH_SPACE_POINTS_H
#define LAM_SEARCH_SPACE_POINTS_H

#include "search/sampler.h"

/** Which value each parameter has: of CHOICE and GRID its place; LAM_VALUE_NONE where the
 * parameter's condition does not hold. Points with the same texts have the same ones. */
typedef struct lam_point_identity {
    int64_t values[LAM_MAX_PARAMETERS];
} lam_point_identity;

#define LAM_VALUE_NONE (-1)

/** Whether parameter number `index` is varied where those before it have these values. */
bool lam_space_applies(const lam_space *space, size_t index, const int64_t *values);

lam_point_identity lam_space_identify(const lam_space *space,
                                      const double unit[LAM_MAX_PARAMETERS]);

/** The texts that go with the point's coordinates. */
void lam_point_fill_values(const lam_space *space, lam_point *point);

/** A set of points, to find those that were there before. {0} is an empty one. */
typedef struct lam_point_set {
    size_t count, capacity;
    lam_point_identity *slots; /* [capacity], a power of 2: a hash table */
    bool *taken;               /* [capacity] */
} lam_point_set;

/** `ret_is_new` is false where the point was there already. Errors: NO_MEMORY. */
LAM_MUST_USE lam_status lam_point_set_add(lam_context *context, lam_point_set *set,
                                          const lam_point_identity *point, bool *ret_is_new);
void lam_point_set_free(lam_point_set *set);

#endif
