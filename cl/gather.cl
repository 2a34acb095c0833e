/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the data set as normalized reals, for products that cannot gather by themselves.
 *
 * Formula: x[i,k] = images[order[step*rows + i], k] * scale[k] + shift[k].
 * Layout: x[rows, in], images u8[all rows, in], order[steps*rows], scale and shift [in].
 * Launch: global (in, rows, 1), any local.
 * Defines: REAL_BITS; GATHER=1 (common.clh). x is overwritten.
 */
#if !GATHER
#error "gather.cl needs GATHER=1"
#endif

kernel void gather_forward(global real *restrict x, INPUT_PARAMETERS, int rows, int in, int step)
{
    const int k = get_global_id(0), i = get_global_id(1);
    const size_t row = order[(size_t)step * rows + i];
    x[(size_t)i * in + k] = fma((real)images[row * in + k], scale[k], shift[k]);
}
