/* SPDX-License-Identifier: Apache-2.0 */
#include "search/space_values.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 1e-05 as 1e-5, and 1e+15 as 1e15: what people write. */
static void shorten_exponent(char *text)
{
    char *to = strchr(text, 'e');
    if (!to)
        return;
    const char *from = ++to;
    if (*from == '-')
        *to++ = *from++;
    from += strspn(from, "+0");
    memmove(to, from, strlen(from) + 1);
}

void lam_number_format(double value, char ret_text[LAM_PARAMETER_VALUE_BYTES])
{
    assert(isfinite(value));
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(ret_text, LAM_PARAMETER_VALUE_BYTES, "%.*g", digits, value);
        if (strtod(ret_text, NULL) == value)
            break;
    }
    shorten_exponent(ret_text);
}

int lam_parameter_find_value(const lam_parameter *parameter, const char *text)
{
    for (int i = 0; i < parameter->value_count; i++)
        if (strcmp(parameter->values[i], text) == 0)
            return i;
    return -1;
}

bool lam_parameter_is_real(const lam_parameter *parameter)
{
    return parameter->type == LAM_SPACE_LINEAR || parameter->type == LAM_SPACE_LOG;
}

/* Logarithms are those to base 10, which give round numbers where the exponent is one. */
double lam_parameter_interpolate(const lam_parameter *parameter, double share)
{
    double low = parameter->minimum, high = parameter->maximum, value = 0;
    if (parameter->type == LAM_SPACE_LOG)
        value = pow(10, log10(low) + share * (log10(high) - log10(low)));
    else
        value = low + share * (high - low);
    if (share <= 0)
        return low;
    return share >= 1 ? high : fmin(fmax(value, low), high);
}

int64_t lam_parameter_count_values(const lam_parameter *parameter)
{
    if (lam_parameter_is_real(parameter))
        return INT64_MAX;
    return parameter->values ? parameter->value_count
                             : (int64_t)(parameter->maximum - parameter->minimum) + 1;
}

static double get_zero_share(const lam_parameter *parameter)
{
    return parameter->has_zero ? LAM_ZERO_SHARE : 0;
}

int64_t lam_parameter_identify(const lam_parameter *parameter, double unit)
{
    int64_t identity = 0;
    assert(unit >= 0 && unit < 1);
    if (!lam_parameter_is_real(parameter)) {
        int64_t count = lam_parameter_count_values(parameter);
        identity = (int64_t)(unit * (double)count);
        return identity < count ? identity : count - 1;
    }
    /* The bits of a number above 0 are above 0 themselves. */
    if (unit >= get_zero_share(parameter))
        memcpy(&identity, &unit, sizeof identity);
    return identity;
}

void lam_parameter_format_value(const lam_parameter *parameter, double unit,
                                char ret_text[LAM_PARAMETER_VALUE_BYTES])
{
    int64_t place = lam_parameter_identify(parameter, unit);
    if (parameter->values) {
        strcpy(ret_text, parameter->values[place]);
        return;
    }
    double zero_share = get_zero_share(parameter), value = 0;
    if (parameter->type == LAM_SPACE_INT)
        value = parameter->minimum + (double)place;
    else if (unit >= zero_share)
        value = lam_parameter_interpolate(parameter, (unit - zero_share) / (1 - zero_share));
    lam_number_format(value, ret_text);
}

double lam_parameter_get_share(const lam_parameter *parameter, double value)
{
    double low = parameter->minimum, high = parameter->maximum;
    if (parameter->type == LAM_SPACE_LOG)
        return log(value / low) / log(high / low);
    return (value - low) / (high - low);
}

/* The middle of a value's share. */
static double get_middle(const lam_parameter *parameter, double place)
{
    return (place + 0.5) / (double)lam_parameter_count_values(parameter);
}

bool lam_parameter_find_unit(const lam_parameter *parameter, const char *text, double *ret_unit)
{
    const double below_one = 1 - 0x1p-53;
    double zero_share = get_zero_share(parameter);
    if (parameter->values) {
        int place = lam_parameter_find_value(parameter, text);
        *ret_unit = get_middle(parameter, place);
        return place >= 0;
    }
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0')
        return false;
    if (parameter->has_zero && value == 0) {
        *ret_unit = zero_share / 2;
        return true;
    }
    if (!(value >= parameter->minimum && value <= parameter->maximum))
        return false;
    double share = lam_parameter_get_share(parameter, value);
    *ret_unit = parameter->type == LAM_SPACE_INT
                    ? get_middle(parameter, value - parameter->minimum)
                    : fmin(zero_share + (1 - zero_share) * share, below_one);
    return true;
}

/* Grid values within the range. */
static int64_t count_in_range(const lam_parameter *parameter)
{
    if (parameter->grid_count > 0 || parameter->type != LAM_SPACE_INT)
        return parameter->grid_count;
    return lam_parameter_count_values(parameter);
}

int64_t lam_parameter_count_grid(const lam_parameter *parameter)
{
    if (parameter->values)
        return parameter->value_count;
    int64_t count = count_in_range(parameter);
    return count > 0 && parameter->has_zero ? count + 1 : count;
}

void lam_parameter_format_grid(const lam_parameter *parameter, int64_t index,
                               char ret_text[LAM_PARAMETER_VALUE_BYTES])
{
    assert(index >= 0 && index < lam_parameter_count_grid(parameter));
    if (parameter->values) {
        strcpy(ret_text, parameter->values[index]);
        return;
    }
    int64_t place = index - parameter->has_zero, count = count_in_range(parameter);
    double share = count > 1 ? (double)place / (double)(count - 1) : 0.5;
    double value = place < 0 ? 0 : lam_parameter_interpolate(parameter, share);
    lam_number_format(parameter->type == LAM_SPACE_INT ? round(value) : value, ret_text);
}
