/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands between a dense layer's product z and its output y besides bias and activation:
 * batch normalization, a skip from an earlier layer, dropout.
 *
 * Formula, for each column with its member p and column j of that member, over rows i:
 *   epilogue_forward   y = factor * act(z + skip)           NORM=0
 *                      y = factor * act(norm(z) + skip)     NORM=1
 *                      y = factor * norm(act(z + skip))     NORM=2
 *     norm(x) = gamma s + beta, s = (x - mean) * inverse, inverse = 1 / sqrt(variance + epsilon);
 *       mean = sum_i x / rows, variance = sum_i (x - mean)^2 / rows, or both as given
 *     factor = 0 if word < floor(2^32 rate[p]), else 1 / (1 - rate[p]); the word is number j % 4
 *       of draw_random((j / 4, i, first_step + step, stream), seeds[p]); DROPOUT=0: 1
 *   epilogue_backward  g = factor * (dy + dskip_in), and then, in the reverse of y's order,
 *     of act:  g = g * act'
 *     of skip: dskip = g
 *     of norm: dgamma = sum_i g s, dbeta = sum_i g, which are written or update gamma and beta;
 *       g = gamma inverse (g - dbeta / rows - s dgamma / rows) with the old gamma
 *     to dz = g.
 * Layout: z, y, skip and their gradients[rows, members*width]; gamma, beta and their
 *   gradients[members*width]; constants[2]: epsilon, momentum; batch[2, members*width]: mean,
 *   inverse; moments[2, members*width]: mean, variance; rate[members]; seeds[members, 2], low
 *   words first; first_step[1]; table: see STEP_SCALAR. What a variant does not use may be null.
 * Launch: strips = members * ceil(width / VEC) in dimension 0, none across two members.
 *   Statistics of the batch: global (strips rounded up, ROW_ITEMS, 1), local (COLUMN_ITEMS,
 *   ROW_ITEMS, 1); a work-group has whole columns. Otherwise: global (at least strips,
 *   ceil(rows / BLOCK_ROWS), 1), any local.
 * Defines: REAL_BITS, VEC, ACTIVATION, UPDATE (common.clh); NORM 0 none, 1 before, 2 after the
 *   activation; STATISTICS of the normalization: 0 given by moments (forward alone), 1 the batch's,
 *   2 the batch's, which also go into moments as STEP_STATISTICS says; SKIP, DROPOUT, SKIP_IN 0
 *   or 1; SKIP_OUT 0 no dskip, 1 written, 2 added to what is there; ROW_ITEMS 1, 2, 4 .. 64;
 *   COLUMN_ITEMS 1 .. 16; BLOCK_ROWS a multiple of 4.
 * Outputs are overwritten, but for dskip with SKIP_OUT=2 and moments. The forward pass of NORM=2
 *   with statistics of the batch leaves the normalization's input in z. dz may be dy; y may be z
 *   without statistics of the batch.
 * Sums: each row item adds its rows, every ROW_ITEMS-th, in ascending order; halves of the items
 *   are added until one is left.
 */
#if NORM < 0 || NORM > 2
#error "NORM must be 0, 1 or 2"
#endif
#if STATISTICS < 0 || STATISTICS > 2
#error "STATISTICS must be 0, 1 or 2"
#endif
#if SKIP != 0 && SKIP != 1
#error "SKIP must be 0 or 1"
#endif
#if DROPOUT != 0 && DROPOUT != 1
#error "DROPOUT must be 0 or 1"
#endif
#if SKIP_IN != 0 && SKIP_IN != 1
#error "SKIP_IN must be 0 or 1"
#endif
#if SKIP_OUT < 0 || SKIP_OUT > 2
#error "SKIP_OUT must be 0, 1 or 2"
#endif
#if ROW_ITEMS < 1 || ROW_ITEMS > 64 || (ROW_ITEMS & (ROW_ITEMS - 1)) != 0
#error "ROW_ITEMS must be 1, 2, 4 .. 64"
#endif
#if COLUMN_ITEMS < 1 || COLUMN_ITEMS > 16
#error "COLUMN_ITEMS must be 1 .. 16"
#endif
#if BLOCK_ROWS < 4 || BLOCK_ROWS % 4 != 0
#error "BLOCK_ROWS must be a multiple of 4"
#endif

/* Up to VEC columns of one member, and the rows first, first + ROW_STEP, .. below end of them. */
typedef struct strip {
    int member;
    int j;      /* the first column within the member */
    int column; /* the same within all members */
    int count;  /* columns; 0 for a work-item without any */
    int columns; /* of all members */
    int first, end;
} strip;

#if NORM != 0 && STATISTICS != 0
#define ROW_STEP ROW_ITEMS
#define FIRST_ROW ((int)get_local_id(1))
#define END_ROW(rows) (rows)
#else
#define ROW_STEP 1
#define FIRST_ROW ((int)get_global_id(1) * BLOCK_ROWS)
#define END_ROW(rows) min(FIRST_ROW + BLOCK_ROWS, rows)
#endif

inline strip get_strip(int rows, int width, int members)
{
    const int strips = (width + VEC - 1) / VEC, at = get_global_id(0);
    strip own;
    own.member = min(at / strips, members - 1);
    own.j = at % strips * VEC;
    own.column = own.member * width + own.j;
    own.count = at < members * strips ? min(width - own.j, VEC) : 0;
    own.columns = members * width;
    own.first = FIRST_ROW;
    own.end = END_ROW(rows);
    return own;
}

inline size_t get_place(strip own, int row)
{
    return (size_t)row * own.columns + own.column;
}

/* Rows go by four, for that many are drawn at once. */
#define FOR_FOUR_ROWS(own, row) for (int row = (own).first; row < (own).end; row += 4 * ROW_STEP)
#define FOR_EACH_ROW(own, row) for (int row = (own).first; row < (own).end; row += ROW_STEP)

/* ---- dropout ---- */

typedef struct dropout {
    real kept;  /* 1 - rate */
    uint below; /* words that drop */
    uint step, stream;
    uint2 key;
} dropout;

inline dropout get_dropout(strip own, global const real *rate, global const int *seeds,
                           global const int *first_step, int stream, int step)
{
    dropout drop = {1, 0, 0, 0, (uint2)(0)};
#if DROPOUT
    drop.kept = 1 - rate[own.member];
    drop.below = (uint)(rate[own.member] * (real)4294967296);
    drop.step = (uint)first_step[0] + (uint)step;
    drop.stream = stream;
    drop.key = (uint2)(seeds[2 * own.member], seeds[2 * own.member + 1]);
#endif
    return drop;
}

/* factors[m] for row + m * ROW_STEP. */
inline void draw_factors(realv factors[4], strip own, dropout drop, int row)
{
#if DROPOUT
    /* Lane l draws for four columns from l % (VEC / 4) * 4 on in row l / (VEC / 4). */
    typedef REAL_VECTOR_OF(uint, VEC) uintv;
    uintv lane;
    for (int l = 0; l < VEC; l++)
        ((uint *)&lane)[l] = l;
    uintv x = (uint)own.j / 4 + lane % (VEC / 4), y = (uint)row + lane / (VEC / 4) * ROW_STEP;
    uintv z = (uintv)(drop.step), w = (uintv)(drop.stream);
    DRAW_RANDOM_AS(uintv, x, y, z, w, drop.key)
    /* A draw's four words come next to each other when the halves of all are interleaved twice. */
    uintv words[4] = {x, y, z, w};
    for (int round = 0; round < 2; round++) {
        uintv next[4];
        for (int m = 0; m < 4; m += 2) {
            next[m].even = words[m / 2].lo;
            next[m].odd = words[m / 2 + 2].lo;
            next[m + 1].even = words[m / 2].hi;
            next[m + 1].odd = words[m / 2 + 2].hi;
        }
        for (int m = 0; m < 4; m++)
            words[m] = next[m];
    }
    for (int m = 0; m < 4; m++)
        factors[m] = CONVERT_VECTOR((words[m] >= drop.below) & 1) / (realv)(drop.kept);
#else
    for (int m = 0; m < 4; m++)
        factors[m] = (realv)(1);
#endif
}

/* ---- batch normalization ---- */

typedef struct norm {
    realv mean, inverse, gamma, beta;
} norm;

inline realv standardize(norm n, realv x)
{
    return (x - n.mean) * n.inverse;
}

/* The sum of all row items' sums, for each of them. */
inline realv sum_items(local realv *sums, realv sum)
{
#if ROW_ITEMS > 1
    const int row = get_local_id(1), item = row * COLUMN_ITEMS + (int)get_local_id(0);
    sums[item] = sum;
    for (int span = ROW_ITEMS / 2; span > 0; span /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (row < span)
            sums[item] += sums[item + span * COLUMN_ITEMS];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = sums[get_local_id(0)];
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    return sum;
}

/* ---- forward ---- */

inline realv activate_with_skip(strip own, realv x, global const real *skip, int row)
{
#if SKIP
    x += load_lanes(skip + get_place(own, row), own.count);
#endif
    return ACTIVATE(realv, x);
}

/* The first stage's input: the activation comes in front of it with NORM=2. */
inline realv load_input(strip own, global const real *z, global const real *skip, int row)
{
    const realv x = load_lanes(z + get_place(own, row), own.count);
    return NORM == 2 ? activate_with_skip(own, x, skip, row) : x;
}

/* Deviations from the first row keep sums short where the mean is large, and make them exactly
 * 0 where all rows are equal. */
inline void measure_batch(strip own, global const real *z, global const real *skip,
                          local realv *sums, int rows, realv *ret_mean, realv *ret_variance)
{
    const realv origin = load_input(own, z, skip, 0);
    realv sum = (realv)(0);
    FOR_EACH_ROW(own, row)
        sum += load_input(own, z, skip, row) - origin;
    const realv mean = origin + sum_items(sums, sum) / (real)rows;
    sum = (realv)(0);
    FOR_EACH_ROW(own, row)
    {
        const realv deviation = load_input(own, z, skip, row) - mean;
        sum = fma(deviation, deviation, sum);
    }
    *ret_mean = mean;
    *ret_variance = sum_items(sums, sum) / (real)rows;
}

/* move 1: towards the batch's statistic; 2: it is replaced. */
inline void move_moment(global real *moment, realv of_batch, real move, real momentum, int count)
{
    const realv moved =
        fma((realv)(momentum), load_lanes(moment, count), (1 - momentum) * of_batch);
    store_lanes(moment, move == 2 ? of_batch : moved, count);
}

kernel void epilogue_forward(global real *y, global real *z, global const real *restrict skip,
                             global const real *restrict gamma,
                             global const real *restrict beta,
                             global const real *restrict constants,
                             global real *restrict batch, global real *restrict moments,
                             global const real *restrict rate,
                             global const int *restrict seeds,
                             global const int *restrict first_step,
                             global const real *restrict table, int rows, int width,
                             int members, int stream, int step)
{
    const strip own = get_strip(rows, width, members);
#if NORM
    norm n;
    realv variance;
    n.gamma = load_lanes(gamma + own.column, own.count);
    n.beta = load_lanes(beta + own.column, own.count);
#if STATISTICS
    local realv sums[ROW_ITEMS * COLUMN_ITEMS];
    measure_batch(own, z, skip, sums, rows, &n.mean, &variance);
#else
    n.mean = load_lanes(moments + own.column, own.count);
    variance = load_lanes(moments + own.columns + own.column, own.count);
#endif
    n.inverse = 1 / sqrt(variance + constants[0]);
#endif
#if NORM && STATISTICS
    if (own.first == 0) {
        store_lanes(batch + own.column, n.mean, own.count);
        store_lanes(batch + own.columns + own.column, n.inverse, own.count);
#if STATISTICS == 2
        const real move = STEP_SCALAR(table, step, STEP_STATISTICS, own.member, members);
        if (move != 0) {
            move_moment(moments + own.column, n.mean, move, constants[1], own.count);
            move_moment(moments + own.columns + own.column, variance, move, constants[1],
                        own.count);
        }
#endif
    }
#endif
    const dropout drop = get_dropout(own, rate, seeds, first_step, stream, step);
    FOR_FOUR_ROWS(own, four)
    {
        realv factors[4];
        draw_factors(factors, own, drop, four);
        #pragma unroll
        for (int m = 0; m < 4; m++) {
            const int row = four + m * ROW_STEP;
            if (row >= own.end)
                break;
            realv x = load_input(own, z, skip, row);
#if NORM == 2 && STATISTICS
            store_lanes(z + get_place(own, row), x, own.count);
#endif
#if NORM
            x = fma(n.gamma, standardize(n, x), n.beta);
#endif
            if (NORM != 2)
                x = activate_with_skip(own, x, skip, row);
            store_lanes(y + get_place(own, row), x * factors[m], own.count);
        }
    }
}

/* ---- backward ---- */

/* Through the activation, whose output is `a`, and to the skip. */
inline realv pass_activation(strip own, realv g, realv a, global real *dskip, int row)
{
    g = ACTIVATION_BACKWARD(realv, g, a);
#if SKIP_OUT == 1
    store_lanes(dskip + get_place(own, row), g, own.count);
#elif SKIP_OUT == 2
    dskip += get_place(own, row);
    store_lanes(dskip, load_lanes(dskip, own.count) + g, own.count);
#endif
    return g;
}

kernel void epilogue_backward(global real *dz, global real *restrict dskip,
                              global real *restrict gamma, global real *restrict beta,
                              global real *restrict dgamma, global real *restrict dbeta,
                              global const real *dy, global const real *restrict dskip_in,
                              global const real *restrict z, global const real *restrict y,
                              global const real *restrict batch,
                              global const real *restrict rate,
                              global const int *restrict seeds,
                              global const int *restrict first_step,
                              global const real *restrict table, int rows, int width,
                              int members, int stream, int step)
{
    const strip own = get_strip(rows, width, members);
    const dropout drop = get_dropout(own, rate, seeds, first_step, stream, step);
#if NORM
    norm n;
    n.mean = load_lanes(batch + own.column, own.count);
    n.inverse = load_lanes(batch + own.columns + own.column, own.count);
    n.gamma = load_lanes(gamma + own.column, own.count);
    n.beta = load_lanes(beta + own.column, own.count);
    realv gamma_sum = (realv)(0), beta_sum = (realv)(0);
#endif
    FOR_FOUR_ROWS(own, four)
    {
        realv factors[4];
        draw_factors(factors, own, drop, four);
        #pragma unroll
        for (int m = 0; m < 4; m++) {
            const int row = four + m * ROW_STEP;
            if (row >= own.end)
                break;
            const size_t at = get_place(own, row);
            realv g = load_lanes(dy + at, own.count);
#if SKIP_IN
            g += load_lanes(dskip_in + at, own.count);
#endif
            g *= factors[m];
            if (NORM != 2)
                g = pass_activation(own, g, load_lanes(y + at, own.count) * drop.kept, dskip, row);
#if NORM
            beta_sum += g;
            gamma_sum = fma(g, standardize(n, load_lanes(z + at, own.count)), gamma_sum);
#endif
            store_lanes(dz + at, g, own.count);
        }
    }
#if NORM
    local realv sums[ROW_ITEMS * COLUMN_ITEMS];
    beta_sum = sum_items(sums, beta_sum);
    gamma_sum = sum_items(sums, gamma_sum);
    const realv beta_mean = beta_sum / (real)rows, gamma_mean = gamma_sum / (real)rows;
    const realv scale = n.gamma * n.inverse;
    FOR_EACH_ROW(own, row)
    {
        const size_t at = get_place(own, row);
        const realv x = load_lanes(z + at, own.count);
        const realv g = load_lanes(dz + at, own.count) - beta_mean;
        realv dx = scale * fma(-standardize(n, x), gamma_mean, g);
        if (NORM == 2)
            dx = pass_activation(own, dx, x, dskip, row);
        store_lanes(dz + at, dx, own.count);
    }
    if (own.first > 0)
        return;
#if UPDATE
    const realv learning_rate =
        (realv)(STEP_SCALAR(table, step, STEP_RATE, own.member, members));
    store_lanes(gamma + own.column, fma(-learning_rate, gamma_sum, n.gamma), own.count);
    store_lanes(beta + own.column, fma(-learning_rate, beta_sum, n.beta), own.count);
#else
    store_lanes(dgamma + own.column, gamma_sum, own.count);
    store_lanes(dbeta + own.column, beta_sum, own.count);
#endif
#endif
}
