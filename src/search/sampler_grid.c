/* SPDX-License-Identifier: Apache-2.0 */
#include "search/sampler_grid.h"

#include <assert.h>
#include <string.h>

#include "search/space_points.h"
#include "search/space_values.h"

static int64_t multiply(int64_t a, int64_t b)
{
    int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* Whether a later parameter's condition is on parameter number `index`, and with a `value`
 * other than NULL on that one. */
static bool has_child(const lam_space *space, size_t index, const char *value)
{
    for (size_t i = index + 1; i < space->count; i++) {
        const lam_parameter *later = &space->parameters[i];
        if (strcmp(later->when_key, space->parameters[index].key) == 0 &&
            (!value || strcmp(later->when_value, value) == 0))
            return true;
    }
    return false;
}

/* Ways to go on from parameter number `index` where those before have `values`; later ones are
 * overwritten. Values that no condition is on are as good as none, and counted together. */
static int64_t count_rest(const lam_space *space, lam_value_counter *count_values, size_t index,
                          int64_t *values)
{
    if (index == space->count)
        return 1;
    const lam_parameter *parameter = &space->parameters[index];
    int64_t others = 1, sum = 0;
    bool applies = lam_space_applies(space, index, values);
    if (applies)
        others = count_values(parameter);
    for (int i = 0; applies && i < parameter->value_count; i++) {
        if (!has_child(space, index, parameter->values[i]))
            continue;
        values[index] = i;
        sum = add(sum, count_rest(space, count_values, index + 1, values));
        others--;
    }
    values[index] = LAM_VALUE_NONE;
    return add(sum, multiply(others, count_rest(space, count_values, index + 1, values)));
}

int64_t lam_space_count_points(const lam_space *space, lam_value_counter *count_values)
{
    int64_t values[LAM_MAX_PARAMETERS];
    return count_rest(space, count_values, 0, values);
}

/* The value of parameter number `index` in the `*rest`th of the ways to go on; what is left of
 * `*rest` counts the ways from there. */
static int64_t find_value(const lam_space *space, size_t index, int64_t *values, int64_t *rest)
{
    values[index] = LAM_VALUE_NONE;
    if (!lam_space_applies(space, index, values))
        return LAM_VALUE_NONE;
    if (!has_child(space, index, NULL)) {
        int64_t ways = count_rest(space, lam_parameter_count_grid, index + 1, values);
        int64_t value = *rest / ways;
        *rest %= ways;
        return value;
    }
    for (values[index] = 0;; values[index]++) {
        int64_t ways = count_rest(space, lam_parameter_count_grid, index + 1, values);
        if (*rest < ways)
            return values[index];
        *rest -= ways;
    }
}

void lam_grid_draw(const lam_space *space, int64_t index, lam_point *ret_point)
{
    int64_t values[LAM_MAX_PARAMETERS], rest = index;
    for (size_t i = 0; i < space->count; i++) {
        const lam_parameter *parameter = &space->parameters[i];
        char *text = ret_point->values[i];
        values[i] = find_value(space, i, values, &rest);
        ret_point->unit[i] = 0;
        text[0] = '\0';
        if (values[i] == LAM_VALUE_NONE)
            continue;
        lam_parameter_format_grid(parameter, values[i], text);
        bool is_value = lam_parameter_find_unit(parameter, text, &ret_point->unit[i]);
        assert(is_value);
        (void)is_value;
    }
}
