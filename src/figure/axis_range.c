/* SPDX-License-Identifier: Apache-2.0 */
#include "figure/axis_range.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define AIR 0.04      /* of the range, on each side */
#define LARGEST 1e300 /* differences of larger numbers are infinite */

lam_axis_range lam_axis_range_make(bool is_log)
{
    return (lam_axis_range){.low = INFINITY, .high = -INFINITY, .is_log = is_log};
}

bool lam_axis_range_can_show(const lam_axis_range *range, double value)
{
    return fabs(value) <= LARGEST && (!range->is_log || value > 0);
}

void lam_axis_range_add(lam_axis_range *range, double value)
{
    if (!lam_axis_range_can_show(range, value))
        return;
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

/* The width of what is all one number. */
static void widen(lam_axis_range *range)
{
    if (range->is_log) {
        range->low /= 2;
        range->high *= 2;
        return;
    }
    double width = range->low == 0 ? 1 : 0.1 * fabs(range->low);
    range->low -= width;
    range->high += width;
}

static void add_air(lam_axis_range *range)
{
    if (range->is_log) {
        double factor = pow(range->high / range->low, AIR);
        range->low /= factor;
        range->high *= factor;
        return;
    }
    double air = AIR * (range->high - range->low);
    range->low = range->low >= 0 && range->low < air ? 0 : range->low - air;
    range->high = range->high <= 0 && -range->high < air ? 0 : range->high + air;
}

void lam_axis_range_finish(lam_axis_range *range, double minimum, double maximum, bool has_air)
{
    if (range->low > range->high) {
        range->low = range->is_log ? 0.1 : 0;
        range->high = 1;
        has_air = false;
    }
    /* Less than the digits of a tick can tell apart. */
    if (range->high - range->low <= 1e-9 * fmax(fabs(range->low), fabs(range->high))) {
        widen(range);
        has_air = false;
    }
    if (has_air)
        add_air(range);
    bool has_minimum = minimum != maximum && lam_axis_range_can_show(range, minimum);
    bool has_maximum = minimum != maximum && lam_axis_range_can_show(range, maximum);
    range->low = has_minimum ? minimum : range->low;
    range->high = has_maximum ? maximum : range->high;
    if (range->low < range->high)
        return;
    /* One end is given, beyond all of the data. */
    double end = has_minimum ? minimum : maximum;
    range->low = range->high = end;
    widen(range);
    range->low = has_minimum ? end : range->low;
    range->high = has_minimum ? range->high : end;
}

static void append_superscript(char *label, size_t bytes, int exponent)
{
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char plain[16];
    snprintf(plain, sizeof plain, "%d", exponent);
    for (const char *c = plain; *c; c++) {
        size_t length = strlen(label);
        snprintf(label + length, bytes - length, "%s", *c == '-' ? "⁻" : digits[*c - '0']);
    }
}

/* 2·10⁻⁵ */
static void format_power(lam_tick *tick)
{
    if (tick->value == 0) {
        snprintf(tick->label, sizeof tick->label, "0");
        return;
    }
    int exponent = (int)floor(log10(fabs(tick->value)) + 1e-9);
    char mantissa[24];
    snprintf(mantissa, sizeof mantissa, "%.3g", tick->value / pow(10, exponent));
    if (strcmp(mantissa, "1") == 0)
        snprintf(tick->label, sizeof tick->label, "10");
    else if (strcmp(mantissa, "-1") == 0)
        snprintf(tick->label, sizeof tick->label, "-10");
    else
        snprintf(tick->label, sizeof tick->label, "%s·10", mantissa);
    append_superscript(tick->label, sizeof tick->label, exponent);
}

static double choose_step(double span, size_t wanted)
{
    double raw = span / (double)wanted;
    double power = pow(10, floor(log10(raw)));
    double fraction = raw / power;
    return power * (fraction < 1.4 ? 1 : fraction < 3 ? 2 : fraction < 7 ? 5 : 10);
}

static size_t find_linear_ticks(const lam_axis_range *range, size_t wanted,
                                lam_tick ticks[LAM_MAX_TICKS])
{
    double step = choose_step(range->high - range->low, wanted);
    double largest = fmax(fabs(range->low), fabs(range->high));
    int decimals = (int)fmax(0, -floor(log10(step) + 1e-9));
    bool as_power = largest < 1e-4 || (largest >= 1e6 && step >= 1e4);
    size_t count = 0;
    double first = ceil(range->low / step - 1e-6);
    for (double i = first; i * step <= range->high + 1e-6 * step && count < LAM_MAX_TICKS;
         i++) {
        lam_tick *tick = &ticks[count++];
        tick->value = i == 0 ? 0 : i * step;
        if (as_power)
            format_power(tick);
        else
            snprintf(tick->label, sizeof tick->label, "%.*f", decimals, tick->value);
    }
    return count;
}

/* Powers of ten and, where `mantissas` is "125", their multiples by 2 and 5. */
static size_t find_log_ticks(const lam_axis_range *range, int stride, const char *mantissas,
                             lam_tick ticks[LAM_MAX_TICKS])
{
    size_t count = 0;
    int first = (int)floor(log10(range->low) + 1e-9), last = (int)floor(log10(range->high));
    for (int exponent = first; exponent <= last; exponent++) {
        if (exponent % stride != 0)
            continue;
        for (const char *m = mantissas; *m; m++) {
            double value = (*m - '0') * pow(10, exponent);
            if (value >= range->low * (1 - 1e-9) && value <= range->high * (1 + 1e-9) &&
                count < LAM_MAX_TICKS)
                ticks[count++].value = value;
        }
    }
    return count;
}

static void format_log_ticks(lam_tick *ticks, size_t count)
{
    bool as_power = ticks[0].value < 0.9e-4 || ticks[count - 1].value > 1.1e5;
    for (size_t i = 0; i < count; i++) {
        if (as_power)
            format_power(&ticks[i]);
        else
            snprintf(ticks[i].label, sizeof ticks[i].label, "%.10g", ticks[i].value);
    }
}

size_t lam_axis_range_find_ticks(const lam_axis_range *range, size_t wanted,
                                 lam_tick ticks[LAM_MAX_TICKS])
{
    wanted = wanted < 2 ? 2 : wanted > LAM_MAX_TICKS - 4 ? LAM_MAX_TICKS - 4 : wanted;
    double decades = range->is_log ? log10(range->high / range->low) : 0;
    if (decades < 1)
        return find_linear_ticks(range, wanted, ticks);
    /* Powers of ten all look alike, and may stand closer. */
    bool is_short = 2 * decades <= (double)wanted;
    int stride = (int)ceil(decades / (1.6 * (double)wanted));
    size_t count = find_log_ticks(range, stride, is_short ? "125" : "1", ticks);
    if (count < 2)
        count = find_log_ticks(range, 1, "125", ticks);
    format_log_ticks(ticks, count);
    return count;
}
