/* SPDX-License-Identifier: Apache-2.0 */
/* The tree-structured Parzen estimator: Bergstra, Bardenet, Bengio and Kegl, "Algorithms for
 * hyper-parameter optimization", NIPS 2011. With l the density of the good configurations'
 * coordinates and g that of all others, the next coordinate maximizes l / g. A parameter is
 * looked at in the configurations that vary it, which is what the tree is about. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "search/sampler_grid.h"
#include "search/sampler_internal.h"
#include "search/space_values.h"

#define STARTUP_POINTS 10
#define CANDIDATES 24

/* A tenth is good, and not sqrt(n) / 4, which would leave one to three until n = 144: a density
 * of that few is hardly one. */
#define GOOD_SHARE 0.1

/* Until a configuration that was not there before; a small space may have but few. */
#define MAX_TRIES 100

/* What is known of one configuration. */
typedef struct tpe_point {
    const lam_past_point *past;
    lam_point_identity identity;
    bool is_good;
} tpe_point;

typedef struct tpe_history {
    const lam_space *space;
    tpe_point *points; /* [count] */
    size_t count;
    lam_point_set set; /* of all points */
} tpe_history;

/* Equal weights of normal densities cut off at 0 and 1, and of the uniform one. */
typedef struct tpe_density {
    size_t count; /* without the uniform one */
    struct tpe_normal {
        double centre, width;
        double mass; /* within 0 .. 1, times sqrt(2 pi) width */
    } * normals;     /* ascending centres */
} tpe_density;

static int compare_centres(const void *a, const void *b)
{
    double x = ((const struct tpe_normal *)a)->centre;
    double y = ((const struct tpe_normal *)b)->centre;
    return (x > y) - (x < y);
}

/* As wide as the farther of the two neighbours is away, 0 and 1 being neighbours, too. */
static void set_widths(tpe_density *density)
{
    const double sqrt_half_pi = 1.2533141373155003, sqrt_half = 0.7071067811865476;
    double least = 1 / fmin(100, 1 + (double)density->count);
    for (size_t i = 0; i < density->count; i++) {
        struct tpe_normal *normal = &density->normals[i];
        double below = i > 0 ? normal[-1].centre : 0;
        double above = i + 1 < density->count ? normal[1].centre : 1;
        double width = fmax(normal->centre - below, above - normal->centre);
        normal->width = fmax(width, least);
        double scale = sqrt_half / normal->width;
        normal->mass = sqrt_half_pi * normal->width *
                       (erf((1 - normal->centre) * scale) + erf(normal->centre * scale));
    }
}

/* Of one parameter in the good configurations, or in the others; `density` has room for all. */
static void estimate(const tpe_history *history, size_t parameter, bool is_good,
                     tpe_density *density)
{
    density->count = 0;
    for (size_t i = 0; i < history->count; i++) {
        const tpe_point *point = &history->points[i];
        if (point->is_good == is_good && point->identity.values[parameter] != LAM_VALUE_NONE)
            density->normals[density->count++].centre = point->past->unit[parameter];
    }
    qsort(density->normals, density->count, sizeof *density->normals, compare_centres);
    set_widths(density);
}

static double get_density(const tpe_density *density, double unit)
{
    double sum = 1;
    for (size_t i = 0; i < density->count; i++) {
        const struct tpe_normal *normal = &density->normals[i];
        double z = (unit - normal->centre) / normal->width;
        sum += exp(-0.5 * z * z) / normal->mass;
    }
    return sum / ((double)density->count + 1);
}

static double draw_density(const tpe_density *density, lam_random *random)
{
    uint32_t chosen = lam_random_below(random, (uint32_t)density->count + 1);
    if (chosen == density->count)
        return lam_random_fine_uniform(random);
    /* Widths are at most 1 and centres within, so that a third of the draws are, too. */
    const struct tpe_normal *normal = &density->normals[chosen];
    double unit = -1;
    while (unit < 0 || unit >= 1)
        unit = normal->centre + normal->width * lam_random_normal(random);
    return unit;
}

/* `densities`: of the good configurations and of the others, with room for all. */
static double choose_coordinate(const tpe_history *history, size_t parameter,
                                tpe_density densities[2], lam_random *random)
{
    double best = 0, best_ratio = -1;
    estimate(history, parameter, true, &densities[0]);
    estimate(history, parameter, false, &densities[1]);
    for (int i = 0; i < CANDIDATES; i++) {
        double unit = draw_density(&densities[0], random);
        double ratio = get_density(&densities[0], unit) / get_density(&densities[1], unit);
        if (ratio > best_ratio) {
            best = unit;
            best_ratio = ratio;
        }
    }
    return best;
}

/* How often a CHOICE had each value, and once more for the uniform prior. Returns the sum. */
static uint32_t count_choices(const tpe_history *history, size_t parameter, bool is_good,
                              uint32_t counts[LAM_MAX_PARAMETER_VALUES])
{
    uint32_t sum = (uint32_t)history->space->parameters[parameter].value_count;
    for (uint32_t value = 0; value < sum; value++)
        counts[value] = 1;
    for (size_t i = 0; i < history->count; i++) {
        const tpe_point *point = &history->points[i];
        int64_t value = point->identity.values[parameter];
        if (point->is_good == is_good && value != LAM_VALUE_NONE) {
            counts[value]++;
            sum++;
        }
    }
    return sum;
}

static double choose_value(const tpe_history *history, size_t parameter, lam_random *random)
{
    uint32_t good[LAM_MAX_PARAMETER_VALUES], others[LAM_MAX_PARAMETER_VALUES], best = 0;
    uint32_t sum = count_choices(history, parameter, true, good);
    double best_ratio = -1;
    count_choices(history, parameter, false, others);
    for (int i = 0; i < CANDIDATES; i++) {
        uint32_t left = lam_random_below(random, sum), value = 0;
        for (; left >= good[value]; value++)
            left -= good[value];
        double ratio = (double)good[value] / others[value];
        if (ratio > best_ratio) {
            best = value;
            best_ratio = ratio;
        }
    }
    return (best + 0.5) / history->space->parameters[parameter].value_count;
}

/* What does not apply is drawn, too: nobody looks at it. */
static lam_point_identity choose_point(const tpe_history *history, tpe_density densities[2],
                                       lam_random *random, double unit[LAM_MAX_PARAMETERS])
{
    lam_point_identity identity = {{0}};
    for (size_t i = 0; i < history->space->count; i++) {
        const lam_parameter *parameter = &history->space->parameters[i];
        bool applies = lam_space_applies(history->space, i, identity.values);
        if (!applies)
            unit[i] = lam_random_fine_uniform(random);
        else if (parameter->type == LAM_SPACE_CHOICE)
            unit[i] = choose_value(history, i, random);
        else
            unit[i] = choose_coordinate(history, i, densities, random);
        identity.values[i] =
            applies ? lam_parameter_identify(parameter, unit[i]) : LAM_VALUE_NONE;
    }
    return identity;
}

/* The random sampler's first draw that is not in the history. */
static lam_status draw_new(lam_context *context, tpe_history *history, uint64_t seed,
                           double ret_unit[LAM_MAX_PARAMETERS])
{
    bool is_new = false;
    for (int64_t number = 0; !is_new; number++) {
        lam_random_draw_unit(history->space, seed, number, ret_unit);
        lam_point_identity identity = lam_space_identify(history->space, ret_unit);
        LAM_TRY(lam_point_set_add(context, &history->set, &identity, &is_new));
    }
    return LAM_STATUS_OK;
}

static lam_status choose_new(lam_context *context, tpe_history *history, uint64_t seed,
                             double ret_unit[LAM_MAX_PARAMETERS])
{
    lam_random random = lam_search_random(seed, LAM_SEARCH_TPE, (int64_t)history->count);
    size_t bytes = history->count * sizeof(struct tpe_normal);
    tpe_density densities[2] = {{.normals = malloc(bytes)}, {.normals = malloc(bytes)}};
    lam_status status = LAM_STATUS_OK;
    bool is_new = false;
    if (!densities[0].normals || !densities[1].normals)
        status = lam_fail_memory(context, "the densities of a search", bytes);
    for (int i = 0; i < MAX_TRIES && !is_new && status == LAM_STATUS_OK; i++) {
        lam_point_identity identity = choose_point(history, densities, &random, ret_unit);
        status = lam_point_set_add(context, &history->set, &identity, &is_new);
    }
    free(densities[0].normals);
    free(densities[1].normals);
    if (status == LAM_STATUS_OK && !is_new)
        status = draw_new(context, history, seed, ret_unit);
    return status;
}

static int compare_costs(const void *a, const void *b)
{
    const tpe_point *x = a, *y = b;
    if (x->past->is_over != y->past->is_over)
        return x->past->is_over ? -1 : 1;
    /* NaN would have no place in an order. */
    double cost_x = x->past->is_over && !isnan(x->past->cost) ? x->past->cost : INFINITY;
    double cost_y = y->past->is_over && !isnan(y->past->cost) ? y->past->cost : INFINITY;
    if (cost_x != cost_y)
        return cost_x < cost_y ? -1 : 1;
    return (x->past > y->past) - (x->past < y->past);
}

/* Those in training count among the others, as if they had turned out badly ("constant liar"):
 * so the configurations of a wave keep away from each other. Returns how many are over. */
static size_t split(tpe_history *history)
{
    size_t over = 0;
    qsort(history->points, history->count, sizeof *history->points, compare_costs);
    for (size_t i = 0; i < history->count; i++)
        over += history->points[i].past->is_over;
    size_t good = (size_t)ceil(GOOD_SHARE * (double)over);
    for (size_t i = 0; i < good; i++)
        history->points[i].is_good = isfinite(history->points[i].past->cost);
    return over;
}

static lam_status remember(lam_context *context, tpe_history *history,
                           const lam_past_point *past, size_t count)
{
    bool is_new = false;
    history->points = calloc(count + 1, sizeof *history->points);
    if (!history->points)
        return lam_fail_memory(context, "the configurations so far",
                               count * sizeof *history->points);
    for (; history->count < count; history->count++) {
        tpe_point *point = &history->points[history->count];
        point->past = &past[history->count];
        point->identity = lam_space_identify(history->space, point->past->unit);
        LAM_TRY(lam_point_set_add(context, &history->set, &point->identity, &is_new));
    }
    return LAM_STATUS_OK;
}

lam_status lam_tpe_draw(lam_context *context, const lam_space *space, uint64_t seed,
                        int64_t index, const lam_past_point *past,
                        double ret_unit[LAM_MAX_PARAMETERS])
{
    tpe_history history = {.space = space};
    lam_status status = remember(context, &history, past, (size_t)index);
    int64_t points = lam_space_count_points(space, lam_parameter_count_values);
    if (status == LAM_STATUS_OK && (int64_t)history.set.count >= points)
        lam_random_draw_unit(space, seed, index, ret_unit);
    else if (status == LAM_STATUS_OK)
        status = split(&history) < STARTUP_POINTS
                     ? draw_new(context, &history, seed, ret_unit)
                     : choose_new(context, &history, seed, ret_unit);
    free(history.points);
    lam_point_set_free(&history.set);
    return status;
}
