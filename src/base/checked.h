/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Integer arithmetic that reports overflow instead of wrapping.
 */
#ifndef LAM_BASE_CHECKED_H
#define LAM_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

/** Stores a * b; false when it does not fit. */
static inline bool lam_checked_multiply(size_t a, size_t b, size_t *ret_product)
{
    return !__builtin_mul_overflow(a, b, ret_product);
}

static inline size_t lam_divide_up(size_t numerator, size_t denominator)
{
    return numerator / denominator + (numerator % denominator != 0);
}

static inline size_t lam_round_up(size_t value, size_t multiple)
{
    return lam_divide_up(value, multiple) * multiple;
}

#endif
