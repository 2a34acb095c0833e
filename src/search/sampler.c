/* SPDX-License-Identifier: Apache-2.0 */
#include "search/sampler.h"

#include <assert.h>

#include "base/error.h"
#include "search/sampler_grid.h"
#include "search/sampler_internal.h"
#include "search/sampler_sobol.h"
#include "search/space_values.h"

/* Blocks of random numbers in a draw of the random sampler: two words for each parameter there
 * can be, so that more parameters leave the others' values as they are. */
#define BLOCKS_PER_DRAW (2 * LAM_MAX_PARAMETERS / 4)

/* The same for samplers that draw until they are content. */
#define BLOCKS_PER_INDEX ((uint64_t)1 << 24)

lam_random lam_search_random(uint64_t seed, uint32_t substream, int64_t index)
{
    lam_random random = lam_random_start(seed, LAM_RANDOM_STREAM_SEARCH, substream);
    random.position = (uint64_t)index * BLOCKS_PER_INDEX;
    return random;
}

double lam_random_fine_uniform(lam_random *random)
{
    uint64_t high = lam_random_u32(random), low = lam_random_u32(random);
    return ((double)((high << 32 | low) >> 12) + 0.5) * 0x1p-52;
}

void lam_random_draw_unit(const lam_space *space, uint64_t seed, int64_t number,
                          double ret_unit[LAM_MAX_PARAMETERS])
{
    lam_random random = lam_random_start(seed, LAM_RANDOM_STREAM_SEARCH, LAM_SEARCH_RANDOM);
    random.position = (uint64_t)number * BLOCKS_PER_DRAW;
    for (size_t i = 0; i < space->count; i++)
        ret_unit[i] = lam_random_fine_uniform(&random);
}

static void draw_sobol_unit(const lam_space *space, uint64_t seed, int64_t number,
                            double ret_unit[LAM_MAX_PARAMETERS])
{
    lam_random shift = lam_random_start(seed, LAM_RANDOM_STREAM_SEARCH, LAM_SEARCH_SOBOL);
    for (size_t i = 0; i < space->count; i++) {
        uint32_t x = lam_sobol_get(i, (uint32_t)number) ^ lam_random_u32(&shift);
        ret_unit[i] = ((double)x + 0.5) * 0x1p-32;
    }
}

typedef void unit_function(const lam_space *space, uint64_t seed, int64_t number,
                           double ret_unit[LAM_MAX_PARAMETERS]);

/* Whether no two draws have the same texts, since some range of real numbers always applies. */
static bool never_repeats(const lam_space *space)
{
    for (size_t i = 0; i < space->count; i++) {
        const lam_parameter *parameter = &space->parameters[i];
        if (lam_parameter_is_real(parameter) && !parameter->has_zero &&
            parameter->when_key[0] == '\0')
            return true;
    }
    return false;
}

/* The draw with `index` different ones before it. */
static lam_status draw_distinct(lam_context *context, const lam_space *space,
                                unit_function *draw, uint64_t seed, int64_t index,
                                double ret_unit[LAM_MAX_PARAMETERS])
{
    lam_point_set set = {0};
    lam_status status = LAM_STATUS_OK;
    int64_t number = never_repeats(space) ? index : 0;
    int64_t found = number;
    for (; found <= index && status == LAM_STATUS_OK; number++) {
        bool is_new = false;
        if (number >= LAM_SOBOL_POINTS) {
            status = lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                              "configuration %lld is beyond the sampler's 2^32 draws; ask for "
                              "fewer",
                              (long long)index);
            break;
        }
        draw(space, seed, number, ret_unit);
        lam_point_identity identity = lam_space_identify(space, ret_unit);
        status = lam_point_set_add(context, &set, &identity, &is_new);
        found += is_new;
    }
    lam_point_set_free(&set);
    return status;
}

int64_t lam_sampler_count_points(const lam_space *space, lam_sampler sampler)
{
    return sampler == LAM_SAMPLER_GRID ? lam_space_count_points(space, lam_parameter_count_grid)
                                       : 0;
}

static lam_status check_grid(lam_context *context, const lam_parameter *parameter)
{
    if (lam_parameter_count_grid(parameter) > 0)
        return LAM_STATUS_OK;
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "%s has a range without a number of values, which the grid sampler needs; "
                    "write it behind the range, as in log:1e-5..1e-1/9, or take the random "
                    "sampler",
                    parameter->key);
}

static lam_status check_cmaes(lam_context *context, const lam_parameter *parameter)
{
    const char *problem = NULL;
    if (parameter->values)
        problem = "has values without a distance between them";
    else if (parameter->when_key[0] != '\0')
        problem = "is varied on a condition";
    if (!problem)
        return LAM_STATUS_OK;
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "%s %s, and the cmaes sampler needs ranges that always apply; take the tpe "
                    "sampler",
                    parameter->key, problem);
}

lam_status lam_sampler_check(lam_context *context, const lam_space *space, lam_sampler sampler)
{
    if (sampler == LAM_SAMPLER_CMAES && space->count == 0)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "the cmaes sampler needs a parameter to vary; name one, as in "
                        "l2=log:1e-5..1e-1");
    for (size_t i = 0; i < space->count; i++) {
        if (sampler == LAM_SAMPLER_GRID)
            LAM_TRY(check_grid(context, &space->parameters[i]));
        if (sampler == LAM_SAMPLER_CMAES)
            LAM_TRY(check_cmaes(context, &space->parameters[i]));
    }
    return LAM_STATUS_OK;
}

bool lam_sampler_is_pure(lam_sampler sampler)
{
    return sampler != LAM_SAMPLER_TPE && sampler != LAM_SAMPLER_CMAES;
}

static lam_status check_index(lam_context *context, const lam_space *space, lam_sampler sampler,
                              int64_t index)
{
    bool is_grid = sampler == LAM_SAMPLER_GRID;
    assert(index >= 0);
    if (!lam_sampler_is_pure(sampler))
        return LAM_STATUS_OK;
    int64_t count = lam_space_count_points(space, is_grid ? lam_parameter_count_grid
                                                          : lam_parameter_count_values);
    if (index < count)
        return LAM_STATUS_OK;
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "the %s has %lld different configurations and no more; ask for at most so "
                    "many, or widen a parameter's space",
                    is_grid ? "grid" : "space", (long long)count);
}

lam_status lam_sampler_draw(lam_context *context, const lam_space *space, lam_sampler sampler,
                            uint64_t seed, int64_t index, const lam_past_point *past,
                            bool *ret_is_ready, lam_point *ret_point)
{
    lam_point point = {.unit = {0}};
    bool is_ready = true;
    LAM_TRY(check_index(context, space, sampler, index));
    switch (sampler) {
    case LAM_SAMPLER_GRID:
        lam_grid_draw(space, index, &point);
        break;
    case LAM_SAMPLER_RANDOM:
        LAM_TRY(draw_distinct(context, space, lam_random_draw_unit, seed, index, point.unit));
        break;
    case LAM_SAMPLER_SOBOL:
        LAM_TRY(draw_distinct(context, space, draw_sobol_unit, seed, index, point.unit));
        break;
    case LAM_SAMPLER_TPE:
        LAM_TRY(lam_tpe_draw(context, space, seed, index, past, point.unit));
        break;
    case LAM_SAMPLER_CMAES:
        is_ready = lam_cmaes_draw(space, seed, index, past, point.unit);
        break;
    }
    if (sampler != LAM_SAMPLER_GRID && is_ready)
        lam_point_fill_values(space, &point);
    *ret_is_ready = is_ready;
    if (is_ready)
        *ret_point = point;
    return LAM_STATUS_OK;
}
