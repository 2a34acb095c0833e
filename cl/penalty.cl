/* SPDX-License-Identifier: Apache-2.0
 *
 * Sum of squares of a weight matrix for each member, in partial sums.
 *
 * Formula: squares[first + block,p] = sum over the block's rows k and member p's columns j of
 *   w[k,j]^2.
 * Layout: w[in, members*width], squares[.., members], of which ceil(in / BLOCK_ROWS) rows from
 *   `first` on.
 * Launch: global (members, ceil(in / BLOCK_ROWS), 1), any local.
 * Defines: REAL_BITS (common.clh), BLOCK_ROWS >= 1 rows a work-item sums, in ascending order.
 * These rows of squares are overwritten.
 */
#if BLOCK_ROWS < 1
#error "BLOCK_ROWS must be at least 1"
#endif

kernel void penalty_forward(global real *restrict squares, global const real *restrict w, int in,
                            int width, int first)
{
    const int member = get_global_id(0), members = get_global_size(0);
    const int block = get_global_id(1);
    const int end = min((block + 1) * BLOCK_ROWS, in);
    real sum = 0;
    for (int k = block * BLOCK_ROWS; k < end; k++) {
        global const real *row = w + ((size_t)k * members + member) * width;
        real row_sum = 0;
        for (int j = 0; j < width; j++)
            row_sum = fma(row[j], row[j], row_sum);
        sum += row_sum;
    }
    squares[(size_t)(first + block) * members + member] = sum;
}
