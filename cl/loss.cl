/* SPDX-License-Identifier: Apache-2.0
 *
 * Losses of integer labels: their sum, hits and gradient.
 *
 * Formula, for each member p and row i with label y and logits s of K = CLASSES:
 *   LOSS=0, softmax cross-entropy with targets t[y] = 1 - e and t[c] = e / (K - 1) elsewhere,
 *   where e = smoothing[p]:
 *     loss = log(sum_c exp(s[c] - max s)) - sum_c t[c] (s[c] - max s)
 *     dlogits[c] = (softmax(s)[c] - t[c]) / rows
 *   LOSS=1, binary cross-entropy of each class; x[c] = -s[c] for c = y, else s[c]:
 *     loss = 1/K sum_c log(1 + exp(x[c]))
 *     dlogits[c] = sigmoid(x[c]) / (K rows), negative for c = y
 *   LOSS=2, multi-class hinge:
 *     loss = sum over c != y of max(0, s[c] - s[y] + 1)
 *     dlogits[c] = (s[c] - s[y] + 1 > 0) / rows for c != y; dlogits[y] = -(their sum)
 *   hit  = 1 if y is the first class of the greatest logit
 *   dlogits is for BACKWARD=1 only.
 *   loss_sum and hit_count add up the rows of one block, in ascending order. A logit that is
 *   no number makes the loss none.
 * Layout: logits and dlogits[rows, members*K], labels u8[all rows], order[steps*rows],
 *   smoothing[members] (LOSS=0 only); loss_sum and hit_count[steps*blocks, members] with
 *   blocks = ceil(rows / BLOCK_ROWS), row step*blocks + block.
 *   Rows with step*rows + i >= limit are left out of the sums and get no gradient.
 * Launch: global (members, blocks, 1), any local.
 * Defines: REAL_BITS, VEC (common.clh), BLOCK_ROWS >= 1, LOSS 0, 1 or 2, BACKWARD 0 or 1,
 *   CLASSES >= 1: with a number that is known when compiling, a row stays in registers.
 * Outputs are overwritten. Reads up to a vector past the end of logits.
 */
#if BLOCK_ROWS < 1
#error "BLOCK_ROWS must be at least 1"
#endif
#if LOSS < 0 || LOSS > 2
#error "LOSS must be 0, 1 or 2"
#endif
#if BACKWARD != 0 && BACKWARD != 1
#error "BACKWARD must be 0 or 1"
#endif

#if CLASSES < 1
#error "CLASSES must be at least 1"
#endif

inline maskv number_lanes(int first)
{
    return (maskv)(LANES) + (maskv)(first);
}

/* Lanes at and past CLASSES take part as minus infinity: every loss takes that for 0. */
inline realv load_logits(global const real *s, int c)
{
    return number_lanes(c) < (maskv)(CLASSES) ? LOAD_VECTOR(0, s + c) : (realv)(-INFINITY);
}

inline int find_greatest(global const real *s)
{
    int greatest = 0;
    for (int c = 1; c < CLASSES; c++)
        greatest = s[c] > s[greatest] ? c : greatest;
    return greatest;
}

#define VECTORS ((CLASSES + VEC - 1) / VEC)

/* compute_row() returns a row's loss; BACKWARD leaves its gradient times `share` in ds. */
#if LOSS == 0
/* The sum of t (s - maximum). A target of 0 must not meet an infinite logit. */
inline real sum_targets(global const real *s, int label, real maximum, real own, real other)
{
    real sum = own * (s[label] - maximum);
    if (other > 0)
        for (int c = 0; c < CLASSES; c++)
            sum += c == label ? 0 : other * (s[c] - maximum);
    return sum;
}

inline real compute_row(global real *ds, global const real *s, int label, int greatest,
                        real smoothing, real share)
{
    realv p[VECTORS];
    real sum = 0;
    for (int v = 0; v < VECTORS; v++) {
        p[v] = exp(load_logits(s, v * VEC) - (realv)(s[greatest]));
        sum += sum_lanes(p[v]);
    }
    const real own = 1 - smoothing, other = smoothing > 0 ? smoothing / (CLASSES - 1) : 0;
#if BACKWARD
    for (int v = 0; v < VECTORS; v++) {
        const maskv is_label = number_lanes(v * VEC) == (maskv)(label);
        const realv target = is_label ? (realv)(own) : (realv)(other);
        store_lanes(ds + v * VEC, p[v] * (share / sum) - share * target, CLASSES - v * VEC);
    }
#endif
    return log(sum) - sum_targets(s, label, s[greatest], own, other);
}

#elif LOSS == 1
/* With the sign in x, neither large logits nor probabilities near 1 lose their digits. */
inline real compute_row(global real *ds, global const real *s, int label, int greatest,
                        real smoothing, real share)
{
    real sum = 0;
    for (int c = 0; c < CLASSES; c += VEC) {
        const maskv is_label = number_lanes(c) == (maskv)(label);
        const realv logits = load_logits(s, c);
        const realv x = is_label ? -logits : logits;
        const realv small = exp(-fabs(x));
        sum += sum_lanes((x > (realv)(0) ? x : (realv)(0)) + log1p(small));
#if BACKWARD
        const realv p = (x > (realv)(0) ? (realv)(1) : small) / ((realv)(1) + small);
        store_lanes(ds + c, (is_label ? -p : p) * (realv)(share / CLASSES), CLASSES - c);
#endif
    }
    return sum / CLASSES;
}

#else
/* The label's own lane is s[y] - s[y] + 0: nothing, unless it is no number. */
inline real compute_row(global real *ds, global const real *s, int label, int greatest,
                        real smoothing, real share)
{
    real sum = 0;
#if BACKWARD
    real violations = 0;
#endif
    for (int c = 0; c < CLASSES; c += VEC) {
        const maskv is_label = number_lanes(c) == (maskv)(label);
        const realv margin = load_logits(s, c) - (realv)(s[label]) +
                             (is_label ? (realv)(0) : (realv)(1));
        sum += sum_lanes(margin <= (realv)(0) ? (realv)(0) : margin);
#if BACKWARD
        const realv slope = margin > (realv)(0) ? (realv)(1) : (realv)(0);
        violations += sum_lanes(slope);
        store_lanes(ds + c, slope * (realv)(share), CLASSES - c);
#endif
    }
#if BACKWARD
    ds[label] = -share * violations;
#endif
    return sum;
}
#endif

kernel void loss(
#if BACKWARD
    global real *restrict dlogits,
#endif
    global real *restrict loss_sum, global int *restrict hit_count,
    global const real *restrict logits, global const uchar *restrict labels,
    global const int *restrict order,
#if LOSS == 0
    global const real *restrict smoothing,
#endif
    int rows, int limit, int step)
{
    const int member = get_global_id(0), members = get_global_size(0);
    const int block = get_global_id(1), blocks = get_global_size(1);
    const int end = min(min((block + 1) * BLOCK_ROWS, rows), limit - step * rows);
    real sum = 0;
    int hits = 0;
    for (int i = block * BLOCK_ROWS; i < end; i++) {
        const size_t at = ((size_t)i * members + member) * CLASSES;
        global const real *s = logits + at;
        const int label = labels[order[(size_t)step * rows + i]];
        const int greatest = find_greatest(s);
#if BACKWARD
        global real *ds = dlogits + at;
#else
        global real *ds = 0;
#endif
#if LOSS == 0
        const real e = smoothing[member];
#else
        const real e = 0;
#endif
        sum += compute_row(ds, s, label, greatest, e, (real)1 / rows);
        hits += greatest == label;
    }
    const size_t result = ((size_t)step * blocks + block) * members + member;
    loss_sum[result] = sum;
    hit_count[result] = hits;
}
