/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parameter_axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plotter.h"
#include "search/space_values.h"

#define MAX_NAME_CHARACTERS 14
#define MAX_NAMES_SHOWN 16
#define MAX_GRID_VALUES 16
/* Of the range: how far the zero stands from it, and what is left free at both ends. */
#define ZERO_SHARE 0.12
#define AIR 0.04

static bool read_number(const char *text, double *ret_value)
{
    char *end = NULL;
    *ret_value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*ret_value);
}

/* The range of a grid's numbers, and whether all are numbers. */
static bool find_range(const lam_parameter *parameter, bool skip_zero, double *ret_low,
                       double *ret_high)
{
    *ret_low = INFINITY;
    *ret_high = -INFINITY;
    for (int i = 0; i < parameter->value_count; i++) {
        double value = 0;
        if (!read_number(parameter->values[i], &value))
            return false;
        if (skip_zero && value == 0)
            continue;
        *ret_low = fmin(*ret_low, value);
        *ret_high = fmax(*ret_high, value);
    }
    return *ret_low <= *ret_high;
}

static bool take_numbers(const lam_parameter *parameter, lam_parameter_axis *axis)
{
    if (!parameter->values) {
        axis->is_log = parameter->type == LAM_SPACE_LOG;
        axis->has_zero = parameter->has_zero;
        axis->low = parameter->minimum;
        axis->high = parameter->maximum;
        return true;
    }
    if (parameter->type == LAM_SPACE_CHOICE)
        return false;
    double low = 0, high = 0;
    if (!find_range(parameter, false, &axis->low, &axis->high))
        return false;
    axis->is_log = find_range(parameter, true, &low, &high) && low > 0 && high >= 10 * low;
    axis->has_zero = axis->is_log && axis->low == 0;
    axis->low = axis->is_log ? low : axis->low;
    return true;
}

/* Of many names only some are shown, at even distances. */
static void take_name(lam_parameter_axis *axis, size_t index, size_t count, const char *name)
{
    const size_t every = (count + MAX_NAMES_SHOWN - 1) / MAX_NAMES_SHOWN;
    axis->texts[index][0] = '\0';
    if (index % every == 0)
        lam_plot_shorten(name, MAX_NAME_CHARACTERS, axis->texts[index],
                         sizeof axis->texts[index]);
}

static void set_names(lam_parameter_axis *axis, size_t count)
{
    axis->name_count = count;
    axis->low = 0;
    axis->high = (double)count - 1;
}

void lam_parameter_axis_make(const lam_parameter *parameter, lam_parameter_axis *ret_axis)
{
    *ret_axis = (lam_parameter_axis){.parameter = parameter};
    if (take_numbers(parameter, ret_axis))
        return;
    set_names(ret_axis, (size_t)parameter->value_count);
    for (size_t i = 0; i < ret_axis->name_count; i++)
        take_name(ret_axis, i, ret_axis->name_count, parameter->values[i]);
}

bool lam_parameter_axis_make_grid(const lam_parameter *parameter, lam_parameter_axis *ret_axis)
{
    const int64_t count = lam_parameter_count_grid(parameter);
    if (count < 1 || count > MAX_GRID_VALUES)
        return false;
    *ret_axis = (lam_parameter_axis){.parameter = parameter};
    set_names(ret_axis, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        char text[LAM_PARAMETER_VALUE_BYTES];
        double value = 0;
        lam_parameter_format_grid(parameter, i, text);
        if (!parameter->values && read_number(text, &value))
            lam_plot_write_number(value, text);
        take_name(ret_axis, (size_t)i, (size_t)count, text);
    }
    return true;
}

bool lam_parameter_axis_extend(lam_parameter_axis *axis, const lam_parameter *parameter)
{
    lam_parameter_axis other = {.parameter = parameter};
    const bool has_numbers = take_numbers(parameter, &other);
    if (axis->name_count > 0 || !has_numbers)
        return false;
    if (axis->is_log && other.low <= 0)
        return false;
    axis->has_zero |= other.has_zero && axis->is_log;
    axis->low = fmin(axis->low, other.low);
    axis->high = fmax(axis->high, other.high);
    return true;
}

/* Equal ends give a range of their own. */
static double get_span(const lam_parameter_axis *axis)
{
    if (axis->is_log)
        return axis->high > axis->low ? log(axis->high / axis->low) : log(10);
    if (axis->name_count > 0)
        return axis->high > 0 ? axis->high : 1;
    return axis->high > axis->low ? axis->high - axis->low : fmax(fabs(axis->low), 1);
}

static double get_zero_place(const lam_parameter_axis *axis)
{
    return axis->low * exp(-ZERO_SHARE * get_span(axis));
}

static double find_grid_place(const lam_parameter *parameter, const char *value)
{
    for (int64_t i = 0; i < lam_parameter_count_grid(parameter); i++) {
        char text[LAM_PARAMETER_VALUE_BYTES];
        lam_parameter_format_grid(parameter, i, text);
        if (strcmp(text, value) == 0)
            return (double)i;
    }
    return NAN;
}

double lam_parameter_axis_place(const lam_parameter_axis *axis, const char *value)
{
    double number = 0;
    if (axis->name_count > 0)
        return find_grid_place(axis->parameter, value);
    if (!read_number(value, &number))
        return NAN;
    if (axis->is_log && number <= 0)
        return axis->has_zero && number == 0 ? get_zero_place(axis) : NAN;
    return number;
}

double lam_parameter_axis_share(const lam_parameter_axis *axis, const char *value)
{
    const double place = lam_parameter_axis_place(axis, value);
    const double low = axis->has_zero ? get_zero_place(axis) : axis->low;
    if (axis->high <= low)
        return isnan(place) ? NAN : 0.5;
    return axis->is_log ? log(place / low) / log(axis->high / low)
                        : (place - low) / (axis->high - low);
}

lam_axis lam_parameter_axis_get(lam_parameter_axis *axis)
{
    for (size_t i = 0; i < axis->name_count; i++)
        axis->names[i] = axis->texts[i];
    lam_axis drawn = {.label = axis->parameter->key,
                      .is_log = axis->is_log,
                      .names = axis->names,
                      .name_count = axis->name_count};
    const double air = axis->name_count > 0 ? 0.5 : AIR * get_span(axis);
    if (axis->is_log) {
        drawn.minimum = (axis->has_zero ? get_zero_place(axis) : axis->low) * exp(-air);
        drawn.maximum = axis->high * exp(air);
        drawn.zero_place = axis->has_zero ? get_zero_place(axis) : 0;
    } else {
        drawn.minimum = axis->low - air;
        drawn.maximum = axis->high + air;
    }
    return drawn;
}
