/* SPDX-License-Identifier: Apache-2.0 */
#include "search/sampler_sobol.h"

#include <assert.h>

#define BITS 32
#define MAX_DEGREE 6

/* The first rows of new-joe-kuo-6.21201: S. Joe and F. Y. Kuo, "Constructing Sobol sequences
 * with better two-dimensional projections", SIAM J. Sci. Comput. 30, 2635-2654 (2008). Of the
 * primitive polynomial x^s + a_1 x^(s-1) + .. + a_(s-1) x + 1 the degree s and the bits
 * a = a_1 .. a_(s-1), and the initial m_1 .. m_s. The first dimension has no row there: all of
 * its m are 1. */
static const struct {
    uint32_t degree, coefficients, initial[MAX_DEGREE];
} rows[LAM_MAX_PARAMETERS] = {
    {0, 0, {0}},                    /* 1 */
    {1, 0, {1}},                    /* 2 */
    {2, 1, {1, 3}},                 /* 3 */
    {3, 1, {1, 3, 1}},              /* 4 */
    {3, 2, {1, 1, 1}},              /* 5 */
    {4, 1, {1, 1, 3, 3}},           /* 6 */
    {4, 4, {1, 3, 5, 13}},          /* 7 */
    {5, 2, {1, 1, 5, 5, 17}},       /* 8 */
    {5, 4, {1, 1, 5, 5, 5}},        /* 9 */
    {5, 7, {1, 1, 7, 11, 19}},      /* 10 */
    {5, 11, {1, 1, 5, 1, 1}},       /* 11 */
    {5, 13, {1, 1, 1, 3, 11}},      /* 12 */
    {5, 14, {1, 3, 5, 5, 31}},      /* 13 */
    {6, 1, {1, 3, 3, 9, 7, 49}},    /* 14 */
    {6, 13, {1, 1, 1, 15, 21, 21}}, /* 15 */
    {6, 16, {1, 3, 1, 13, 27, 49}}, /* 16 */
};

/* v_k = m_k / 2^k, times 2^32, for k = 1 .. 32: equation (3) of the paper, with both sides
 * divided by 2^k. */
static void compute_directions(size_t dimension, uint32_t ret_directions[BITS])
{
    uint32_t degree = rows[dimension].degree;
    for (uint32_t k = 0; k < BITS; k++) {
        if (degree == 0 || k < degree) {
            uint32_t m = degree == 0 ? 1 : rows[dimension].initial[k];
            ret_directions[k] = m << (BITS - 1 - k);
            continue;
        }
        uint32_t earlier = ret_directions[k - degree], v = earlier ^ earlier >> degree;
        for (uint32_t i = 1; i < degree; i++)
            if (rows[dimension].coefficients >> (degree - 1 - i) & 1)
                v ^= ret_directions[k - i];
        ret_directions[k] = v;
    }
}

uint32_t lam_sobol_get(size_t dimension, uint32_t index)
{
    uint32_t directions[BITS], gray = index ^ index >> 1, x = 0;
    assert(dimension < LAM_MAX_PARAMETERS);
    compute_directions(dimension, directions);
    for (uint32_t k = 0; k < BITS; k++)
        if (gray >> k & 1)
            x ^= directions[k];
    return x;
}
