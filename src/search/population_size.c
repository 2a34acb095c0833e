/* SPDX-License-Identifier: Apache-2.0 */
#include "search/population_size.h"

#include <stdlib.h>

#include "train/memory_check.h"

#define MEASURED_SECONDS 0.2
#define KNEE 0.97

lam_status lam_population_check_memory(const lam_workshop *workshop, const lam_recipe *recipe,
                                       size_t members)
{
    const lam_engine *engine = workshop->engine;
    size_t fitting = 0;
    LAM_TRY(lam_memory_check(engine->device, recipe, workshop->dataset, engine->gemm, members,
                             &fitting));
    return fitting == members
               ? LAM_STATUS_OK
               : lam_fail(engine->context, LAM_STATUS_NO_MEMORY,
                          "%zu networks do not fit into the device's memory side by side",
                          members);
}

static lam_status measure(const lam_workshop *workshop, const lam_recipe *recipe,
                          size_t members, double *ret_models_per_second)
{
    lam_recipe *recipes = malloc(members * sizeof *recipes);
    uint64_t *seeds = malloc(members * sizeof *seeds);
    lam_status status = LAM_STATUS_OK;
    for (size_t p = 0; p < members && recipes && seeds; p++) {
        recipes[p] = *recipe;
        seeds[p] = p;
    }
    if (recipes && seeds)
        status = lam_population_measure_speed(workshop, recipes, seeds, members,
                                              MEASURED_SECONDS, ret_models_per_second);
    else
        status =
            lam_fail_memory(workshop->engine->context, "recipes", members * sizeof *recipes);
    free(seeds);
    free(recipes);
    return status;
}

static const lam_population_speed *find_fastest(const lam_population_sizes *sizes)
{
    const lam_population_speed *fastest = &sizes->speeds[0];
    for (size_t i = 1; i < sizes->count; i++)
        if (sizes->speeds[i].models_per_second > fastest->models_per_second)
            fastest = &sizes->speeds[i];
    return fastest;
}

static size_t find_knee(const lam_population_sizes *sizes)
{
    double enough = KNEE * find_fastest(sizes)->models_per_second;
    size_t i = 0;
    while (sizes->speeds[i].models_per_second < enough)
        i++;
    return sizes->speeds[i].members;
}

lam_status lam_population_size_measure(const lam_workshop *workshop, const lam_recipe *recipe,
                                       size_t most, lam_population_sizes *sizes)
{
    sizes->count = 0;
    for (size_t members = 1; members <= most && sizes->count < LAM_MAX_POPULATION_SIZES;
         members *= 2) {
        lam_population_speed *speed = &sizes->speeds[sizes->count];
        speed->members = members;
        lam_status status = lam_population_check_memory(workshop, recipe, members);
        if (status == LAM_STATUS_OK)
            status = measure(workshop, recipe, members, &speed->models_per_second);
        if (status == LAM_STATUS_NO_MEMORY && members > 1)
            break;
        if (status != LAM_STATUS_OK)
            return status;
        sizes->count++;
        if (sizes->tell)
            sizes->tell(sizes->user, speed);
        bool is_known = find_fastest(sizes) + 2 <= speed;
        if (is_known && !sizes->all)
            break;
    }
    sizes->knee = find_knee(sizes);
    return LAM_STATUS_OK;
}

lam_status lam_search_measure_speeds(lam_device *device, const lam_recipe *recipe,
                                     const lam_dataset *dataset, lam_gemm gemm, size_t most,
                                     lam_population_speed_function *tell, void *user,
                                     size_t *ret_knee)
{
    lam_population_sizes sizes = {.all = true, .tell = tell, .user = user};
    lam_workshop *workshop = NULL;
    LAM_TRY(lam_workshop_create(device, dataset, gemm, NULL, &workshop));
    lam_status status = lam_population_size_measure(workshop, recipe, most, &sizes);
    lam_workshop_destroy(&workshop);
    if (status == LAM_STATUS_OK)
        *ret_knee = sizes.knee;
    return status;
}
