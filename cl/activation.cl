/* SPDX-License-Identifier: Apache-2.0
 *
 * Bias and activation on their own, for products that do not fuse them.
 *
 * Formula: activation_forward   y[i,j] = act(y[i,j] + b[j])
 *          activation_backward  dy[i,j] = dy[i,j] * act'(y[i,j]), y the activation's output
 * Layout: y and dy[rows, width], b[width].
 * Launch: global (width, rows, 1), any local.
 * Defines: REAL_BITS, ACTIVATION (common.clh). Both work in place.
 */
kernel void activation_forward(global real *restrict y, global const real *restrict b, int width)
{
    const int j = get_global_id(0);
    const size_t at = (size_t)get_global_id(1) * width + j;
    const real z = y[at] + b[j];
    y[at] = ACTIVATE(real, z);
}

kernel void activation_backward(global real *restrict dy, global const real *restrict y,
                                int width)
{
    const size_t at = (size_t)get_global_id(1) * width + get_global_id(0);
    dy[at] = ACTIVATION_BACKWARD(real, dy[at], y[at]);
}
