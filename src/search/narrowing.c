/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lamina/study.h"
#include "search/space_values.h"

/* Of the old range, where too little would be left. */
#define LEAST_SHARE 0.1

/* One parameter in all ranked configurations. */
typedef struct narrowing_scope {
    const lam_narrowing *narrowing;
    const lam_study_view *view;
    const lam_ranking *ranking;
    size_t parameter;
} narrowing_scope;

static bool is_in_set(const narrowing_scope *scope, size_t rank)
{
    switch (scope->narrowing->type) {
    case LAM_NARROWING_ONE_SE:
        return scope->ranking->ranks[rank].is_best;
    case LAM_NARROWING_TOP:
        return rank < (size_t)scope->narrowing->count;
    case LAM_NARROWING_BEST_TWO:
        break;
    }
    return rank < 2;
}

/* "" where the parameter was not varied. */
static const char *get_text(const narrowing_scope *scope, size_t rank)
{
    int64_t configuration = scope->ranking->ranks[rank].configuration;
    return scope->view->configurations[configuration].values[scope->parameter];
}

/* False for a configuration without a value in the range. */
static bool get_value(const narrowing_scope *scope, const lam_parameter *old, size_t rank,
                      double *ret_value)
{
    double unit = 0;
    if (!lam_parameter_find_unit(old, get_text(scope, rank), &unit))
        return false;
    *ret_value = strtod(get_text(scope, rank), NULL);
    return !old->has_zero || *ret_value != 0;
}

/* The zero besides a range. */
static bool has_zero(const narrowing_scope *scope, const lam_parameter *old)
{
    for (size_t i = 0; old->has_zero && i < scope->ranking->count; i++) {
        const char *text = get_text(scope, i);
        if (is_in_set(scope, i) && text[0] != '\0' && strtod(text, NULL) == 0)
            return true;
    }
    return false;
}

typedef struct value_range {
    double low, high;
} value_range;

/* Of the set; empty, with low above high, where it has no values in the range. */
static value_range find_range(const narrowing_scope *scope, const lam_parameter *old)
{
    value_range range = {INFINITY, -INFINITY};
    double value = 0;
    for (size_t i = 0; i < scope->ranking->count; i++) {
        if (is_in_set(scope, i) && get_value(scope, old, i, &value)) {
            range.low = fmin(range.low, value);
            range.high = fmax(range.high, value);
        }
    }
    return range;
}

static double get_middle(const lam_parameter *old, double a, double b)
{
    double shares = lam_parameter_get_share(old, a) + lam_parameter_get_share(old, b);
    return lam_parameter_interpolate(old, shares / 2);
}

/* Halfway to the nearest values outside, or to the ends where nothing was tried. */
static value_range include_halves(const narrowing_scope *scope, const lam_parameter *old,
                                  value_range range)
{
    double below = -INFINITY, above = INFINITY, value = 0;
    for (size_t i = 0; i < scope->ranking->count; i++) {
        if (!get_value(scope, old, i, &value))
            continue;
        if (value < range.low)
            below = fmax(below, value);
        if (value > range.high)
            above = fmin(above, value);
    }
    return (value_range){isfinite(below) ? get_middle(old, below, range.low) : old->minimum,
                         isfinite(above) ? get_middle(old, range.high, above) : old->maximum};
}

/* At least LEAST_SHARE, about the same middle as far as the ends allow. */
static value_range widen(const lam_parameter *old, value_range range)
{
    double low = lam_parameter_get_share(old, range.low);
    double high = lam_parameter_get_share(old, range.high);
    if (high - low >= LEAST_SHARE)
        return range;
    low = fmin(fmax((low + high - LEAST_SHARE) / 2, 0), 1 - LEAST_SHARE);
    return (value_range){lam_parameter_interpolate(old, low),
                         lam_parameter_interpolate(old, low + LEAST_SHARE)};
}

static value_range clip(const lam_parameter *old, value_range range)
{
    return (value_range){fmax(range.low, old->minimum), fmin(range.high, old->maximum)};
}

static void narrow_range(const narrowing_scope *scope, const lam_parameter *old,
                         lam_parameter *narrowed)
{
    value_range range = find_range(scope, old);
    narrowed->has_zero = has_zero(scope, old);
    if (range.low > range.high && !narrowed->has_zero) {
        *narrowed = *old;
        return;
    }
    if (old->minimum == old->maximum)
        return;
    /* A set of zeros alone lies at the lower end. */
    if (range.low > range.high)
        range.low = range.high = old->minimum;
    if (scope->narrowing->type == LAM_NARROWING_ONE_SE)
        range = widen(old, include_halves(scope, old, range));
    if (scope->narrowing->type == LAM_NARROWING_BEST_TWO)
        range = clip(old, (value_range){range.low - scope->narrowing->margin,
                                        range.high + scope->narrowing->margin});
    if (range.low >= range.high)
        range = widen(old, range);
    if (old->type == LAM_SPACE_INT) {
        range = clip(old, (value_range){floor(range.low), ceil(range.high)});
        narrowed->grid_count = (int)fmin(old->grid_count, range.high - range.low + 1);
    }
    narrowed->minimum = range.low;
    narrowed->maximum = range.high;
}

static bool is_parent(const lam_space *space, size_t parameter)
{
    for (size_t i = parameter + 1; i < space->count; i++)
        if (strcmp(space->parameters[i].when_key, space->parameters[parameter].key) == 0)
            return true;
    return false;
}

static void narrow_grid(const narrowing_scope *scope, lam_parameter *grid)
{
    int first = grid->value_count, last = -1;
    for (size_t i = 0; i < scope->ranking->count; i++) {
        int place = lam_parameter_find_value(grid, get_text(scope, i));
        if (!is_in_set(scope, i) || place < 0)
            continue;
        first = place < first ? place : first;
        last = place > last ? place : last;
    }
    if (first > last)
        return;
    grid->value_count = last - first + 1;
    memmove(grid->values, grid->values[first],
            (size_t)grid->value_count * sizeof *grid->values);
}

static void narrow_parameter(const narrowing_scope *scope, lam_space *space)
{
    lam_parameter *parameter = &space->parameters[scope->parameter];
    if (!parameter->values)
        narrow_range(scope, &scope->view->plan.space.parameters[scope->parameter], parameter);
    else if (parameter->type == LAM_SPACE_GRID && !is_parent(space, scope->parameter))
        narrow_grid(scope, parameter);
}

static lam_status check_narrowing(lam_context *context, const lam_narrowing *narrowing)
{
    if (narrowing->type == LAM_NARROWING_TOP && narrowing->count < 1)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "the best %d configurations have no range; legal: 1 and more",
                        narrowing->count);
    if (narrowing->type == LAM_NARROWING_BEST_TWO &&
        !(narrowing->margin >= 0 && isfinite(narrowing->margin)))
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a margin of %g is out of range; legal: 0 and more, finite",
                        narrowing->margin);
    return LAM_STATUS_OK;
}

lam_status lam_study_narrow(lam_context *context, const lam_study_view *view,
                            const lam_narrowing *narrowing, lam_space *ret_space)
{
    lam_ranking ranking;
    LAM_TRY(check_narrowing(context, narrowing));
    LAM_TRY(lam_study_rank(context, view, &ranking));
    lam_status status = LAM_STATUS_OK;
    if (ranking.count == 0)
        status = lam_fail(context, LAM_STATUS_BAD_STUDY,
                          "%s: no configuration is done, so there is nothing to narrow its "
                          "space by; let a worker finish some trials first",
                          view->path);
    if (status == LAM_STATUS_OK)
        status = lam_space_copy(context, &view->plan.space, ret_space);
    for (size_t i = 0; status == LAM_STATUS_OK && i < view->plan.space.count; i++) {
        const narrowing_scope scope = {narrowing, view, &ranking, i};
        narrow_parameter(&scope, ret_space);
    }
    lam_ranking_free(&ranking);
    return status;
}
