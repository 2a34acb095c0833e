/* SPDX-License-Identifier: Apache-2.0 */
#include "search/space_points.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "search/space_values.h"

bool lam_space_applies(const lam_space *space, size_t index, const int64_t *values)
{
    const lam_parameter *parameter = &space->parameters[index];
    if (parameter->when_key[0] == '\0')
        return true;
    size_t parent = 0;
    while (strcmp(space->parameters[parent].key, parameter->when_key) != 0)
        parent++;
    assert(parent < index);
    return values[parent] ==
           lam_parameter_find_value(&space->parameters[parent], parameter->when_value);
}

lam_point_identity lam_space_identify(const lam_space *space,
                                      const double unit[LAM_MAX_PARAMETERS])
{
    lam_point_identity point = {{0}};
    for (size_t i = 0; i < space->count; i++)
        point.values[i] = lam_space_applies(space, i, point.values)
                              ? lam_parameter_identify(&space->parameters[i], unit[i])
                              : LAM_VALUE_NONE;
    return point;
}

void lam_point_fill_values(const lam_space *space, lam_point *point)
{
    lam_point_identity identity = lam_space_identify(space, point->unit);
    for (size_t i = 0; i < space->count; i++) {
        if (identity.values[i] == LAM_VALUE_NONE)
            point->values[i][0] = '\0';
        else
            lam_parameter_format_value(&space->parameters[i], point->unit[i], point->values[i]);
    }
}

/* Fowler, Noll and Vo's FNV-1a over whole words, and the high bits folded down. */
static size_t hash(const lam_point_identity *point)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < LAM_MAX_PARAMETERS; i++) {
        hash = (hash ^ (uint64_t)point->values[i]) * 1099511628211u;
        hash ^= hash >> 32;
    }
    return (size_t)hash;
}

/* Where the point is, or would be put. */
static size_t find_slot(const lam_point_set *set, const lam_point_identity *point)
{
    size_t slot = hash(point) & (set->capacity - 1);
    while (set->taken[slot] && memcmp(&set->slots[slot], point, sizeof *point) != 0)
        slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

static lam_status grow(lam_context *context, lam_point_set *set)
{
    lam_point_set larger = {.count = set->count,
                            .capacity = set->capacity > 0 ? 2 * set->capacity : 64};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    larger.taken = calloc(larger.capacity, sizeof *larger.taken);
    if (!larger.slots || !larger.taken) {
        lam_point_set_free(&larger);
        return lam_fail_memory(context, "the configurations so far",
                               larger.capacity * sizeof *larger.slots);
    }
    for (size_t i = 0; i < set->capacity; i++) {
        if (!set->taken[i])
            continue;
        size_t slot = find_slot(&larger, &set->slots[i]);
        larger.slots[slot] = set->slots[i];
        larger.taken[slot] = true;
    }
    lam_point_set_free(set);
    *set = larger;
    return LAM_STATUS_OK;
}

lam_status lam_point_set_add(lam_context *context, lam_point_set *set,
                             const lam_point_identity *point, bool *ret_is_new)
{
    if (2 * set->count >= set->capacity)
        LAM_TRY(grow(context, set));
    size_t slot = find_slot(set, point);
    *ret_is_new = !set->taken[slot];
    set->count += *ret_is_new;
    set->slots[slot] = *point;
    set->taken[slot] = true;
    return LAM_STATUS_OK;
}

void lam_point_set_free(lam_point_set *set)
{
    free(set->slots);
    free(set->taken);
    *set = (lam_point_set){0};
}
