/* SPDX-License-Identifier: Apache-2.0
 *
 * Updates from finished gradients: for products that do not fuse them, and for gradients that are
 * clipped first.
 *
 * Formula, p the member of a column:
 *   update_weights  g = dw + 2 l2[p] w;  UPDATE > 0: w is updated by g, else dw = g
 *   update_bias     g[j] = sum_i dy[i,j]; UPDATE > 0: b is updated by g, else db = g
 *   update_clipped  values are updated by scale[p] * gradients; UPDATE > 0
 *   clip_scale      norm = sqrt(sum_i squares[i,p]), scale[p] = min(1, clip_norm[p] / norm); a
 *                   norm that is no finite number makes it NaN, so that a diverged run shows
 * Layout: w and dw[in, members*width], b and db[members*width], dy[rows, members*width], values
 *   and gradients[rows, members*width], l2, scale and clip_norm[members],
 *   squares[blocks, members], table[steps, STEP_SCALARS, members], states[UPDATE_STATES, ..] of
 *   the tensor that is updated.
 * Launch: update_weights global (members*width, in, 1), update_bias (members*width, 1, 1),
 *   update_clipped (members*width, rows, 1), clip_scale (members, 1, 1), any local.
 * Defines: REAL_BITS, UPDATE (common.clh).
 * Outputs are overwritten. Sums run in ascending order.
 */
kernel void update_weights(global real *restrict w, global real *restrict states,
                           global real *restrict dw, global const real *restrict table,
                           global const real *restrict l2, int width, int members, int step)
{
    const int column = get_global_id(0), member = column / width;
    const size_t row_size = (size_t)members * width, at = get_global_id(1) * row_size + column;
    const gradient_target target = {UPDATE ? w : dw, states, get_global_size(1) * row_size};
    const real gradient = fma(2 * l2[member], w[at], dw[at]);
    real scalar[STEP_SCALARS];
    load_step_scalars(scalar, table, step, member, members);
    put_gradient(move_target(target, at), DECAY_WEIGHT(w[at], scalar), gradient, scalar);
}

kernel void update_bias(global real *restrict b, global real *restrict states,
                        global real *restrict db, global const real *restrict table,
                        global const real *restrict dy, int rows, int width, int members,
                        int step)
{
    const int column = get_global_id(0);
    const gradient_target target = {UPDATE ? b : db, states, (size_t)members * width};
    real gradient = 0;
    for (int i = 0; i < rows; i++)
        gradient += dy[(size_t)i * members * width + column];
    real scalar[STEP_SCALARS];
    load_step_scalars(scalar, table, step, column / width, members);
    put_gradient(move_target(target, column), b[column], gradient, scalar);
}

/* `decays`: whether AdamW's decay is for these values. */
kernel void update_clipped(global real *restrict values, global real *restrict states,
                           global const real *restrict gradients,
                           global const real *restrict table, global const real *restrict scale,
                           int width, int members, int decays, int step)
{
    const int column = get_global_id(0), member = column / width;
    const size_t row_size = (size_t)members * width, at = get_global_id(1) * row_size + column;
    const gradient_target target = {values, states, get_global_size(1) * row_size};
    real scalar[STEP_SCALARS];
    load_step_scalars(scalar, table, step, member, members);
    put_gradient(move_target(target, at),
                 decays ? DECAY_WEIGHT(values[at], scalar) : values[at],
                 scale[member] * gradients[at], scalar);
}

kernel void clip_scale(global real *restrict scale, global const real *restrict squares,
                       global const real *restrict clip_norm, int blocks)
{
    const int member = get_global_id(0), members = get_global_size(0);
    real sum = 0;
    for (int i = 0; i < blocks; i++)
        sum += squares[(size_t)i * members + member];
    const real norm = sqrt(sum), clip = clip_norm[member];
    scale[member] = norm <= clip ? (real)1 : clip / norm + (norm - norm);
}
