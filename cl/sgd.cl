/* SPDX-License-Identifier: Apache-2.0
 *
 * Penalty and stochastic gradient descent on their own, for products that do not fuse them.
 *
 * Formula, p the member of a column:
 *   sgd_weights  g = dw + 2 l2[p] w;  UPDATE=1: w -= rates[step,p] * g, else dw = g
 *   sgd_bias     g[j] = sum_i dy[i,j]; UPDATE=1: b -= rates[step,p] * g, else db = g
 * Layout: w and dw[in, members*width], b and db[members*width], dy[rows, members*width],
 *   l2[members], rates[steps, members].
 * Launch: sgd_weights global (members*width, in, 1), sgd_bias (members*width, 1, 1), any local.
 * Defines: REAL_BITS, UPDATE (common.clh).
 */
kernel void sgd_weights(global real *restrict w, global real *restrict dw,
                        global const real *restrict rates, global const real *restrict l2,
                        int width, int members, int step)
{
    const int column = get_global_id(0), member = column / width;
    const size_t at = (size_t)get_global_id(1) * members * width + column;
    const real gradient = fma(2 * l2[member], w[at], dw[at]);
#if UPDATE
    w[at] = fma(-rates[(size_t)step * members + member], gradient, w[at]);
#else
    dw[at] = gradient;
#endif
}

kernel void sgd_bias(global real *restrict b, global real *restrict db,
                     global const real *restrict rates, global const real *restrict dy, int rows,
                     int width, int members, int step)
{
    const int column = get_global_id(0);
    real gradient = 0;
    for (int i = 0; i < rows; i++)
        gradient += dy[(size_t)i * members * width + column];
#if UPDATE
    const real rate = rates[(size_t)step * members + column / width];
    b[column] = fma(-rate, gradient, b[column]);
#else
    db[column] = gradient;
#endif
}
