/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax cross-entropy of integer labels: loss, hits and gradient.
 *
 * Formula, for each member p and row i with label y and logits s:
 *   loss = log(sum_c exp(s[c] - max s)) - (s[y] - max s)
 *   hit  = 1 if y is the first class of the greatest logit
 *   dlogits[c] = (softmax(s)[c] - (c == y)) / rows         (BACKWARD=1 only)
 *   loss_sum and hit_count add up the rows of one block, in ascending order.
 * Layout: logits and dlogits[rows, members*classes], labels u8[all rows], order[steps*rows];
 *   loss_sum and hit_count[steps*blocks, members] with blocks = ceil(rows / BLOCK_ROWS), row
 *   step*blocks + block.
 *   Rows with step*rows + i >= limit are left out of the sums and get no gradient.
 * Launch: global (members, blocks, 1), any local.
 * Defines: REAL_BITS, VEC (common.clh), BLOCK_ROWS >= 1, BACKWARD 0 or 1.
 * Outputs are overwritten. Reads up to a vector past the end of logits.
 */
#if BLOCK_ROWS < 1
#error "BLOCK_ROWS must be at least 1"
#endif
#if BACKWARD != 0 && BACKWARD != 1
#error "BACKWARD must be 0 or 1"
#endif

/* Lanes at and past `classes` take part as minus infinity. */
inline realv load_logits(global const real *s, int classes, int c)
{
    maskv lane;
    for (int i = 0; i < VEC; i++)
        ((MASK_SCALAR *)&lane)[i] = c + i;
    return lane < (maskv)(classes) ? LOAD_VECTOR(0, s + c) : (realv)(-INFINITY);
}

inline int find_greatest(global const real *s, int classes)
{
    int greatest = 0;
    for (int c = 1; c < classes; c++)
        greatest = s[c] > s[greatest] ? c : greatest;
    return greatest;
}

/* The sum of exp(s - maximum); BACKWARD keeps the terms in ds. */
inline real sum_exponentials(global real *ds, global const real *s, int classes, real maximum)
{
    real sum = 0;
    for (int c = 0; c < classes; c += VEC) {
        const realv p = exp(load_logits(s, classes, c) - (realv)(maximum));
        sum += sum_lanes(p);
#if BACKWARD
        store_lanes(ds + c, p, classes - c);
#endif
    }
    return sum;
}

kernel void softmax_cross_entropy(
#if BACKWARD
    global real *restrict dlogits,
#endif
    global real *restrict loss_sum, global int *restrict hit_count,
    global const real *restrict logits, global const uchar *restrict labels,
    global const int *restrict order, int rows, int classes, int limit, int step)
{
    const int member = get_global_id(0), members = get_global_size(0);
    const int block = get_global_id(1), blocks = get_global_size(1);
    const int end = min(min((block + 1) * BLOCK_ROWS, rows), limit - step * rows);
    real loss = 0;
    int hits = 0;
    for (int i = block * BLOCK_ROWS; i < end; i++) {
        const size_t at = ((size_t)i * members + member) * classes;
        global const real *s = logits + at;
        const int label = labels[order[(size_t)step * rows + i]];
        const int greatest = find_greatest(s, classes);
#if BACKWARD
        global real *ds = dlogits + at;
#else
        global real *ds = 0;
#endif
        const real sum = sum_exponentials(ds, s, classes, s[greatest]);
        loss += log(sum) - (s[label] - s[greatest]);
        hits += greatest == label;
#if BACKWARD
        const real share = (real)1 / rows;
        for (int c = 0; c < classes; c++)
            ds[c] *= share / sum;
        ds[label] -= share;
#endif
    }
    const size_t result = ((size_t)step * blocks + block) * members + member;
    loss_sum[result] = loss;
    hit_count[result] = hits;
}
