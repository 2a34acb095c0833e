/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands between a dense layer's product z and its output y besides bias and activation:
 * batch normalization, a skip from an earlier layer, dropout.
 *
 * Formula, for each column with its member p and column j of that member, over rows i:
 *   epilogue_forward   NORM=0: y = factor * act(z + skip)
 *                      NORM=1: y = factor * act(norm(z) + skip)
 *                      NORM=2: y = factor * norm(act(z + skip))
 *     norm(x) = gamma s + beta, s = (x - mean) * inverse, inverse = 1 / sqrt(variance + epsilon);
 *       mean = sum_i x / rows and variance = sum_i (x - mean)^2 / rows, or both as given
 *     factor: DROPOUT=0: 1; else 0 if word < floor(2^32 rate[p]), else 1 / (1 - rate[p]), where
 *       word is number j % 4 of draw_random((j / 4, i, first_step + step, stream), seeds[p])
 *   epilogue_backward  g = factor * (dy + dskip_in), and then, in the reverse of y's order,
 *     of act:  g = g * act'
 *     of skip: dskip = g
 *     of norm: dgamma = sum_i g s, dbeta = sum_i g, which are written or update gamma and beta;
 *       g = gamma inverse (g - dbeta / rows - s dgamma / rows), with the old gamma
 *     to dz = g.
 * Layout: z, y, skip and their gradients[rows, members*width]; gamma, beta and their
 *   gradients[members*width], their states[UPDATE_STATES, members*width]; constants[2]:
 *   epsilon, momentum; batch[2, members*width]: mean, inverse; moments[2, members*width]: mean,
 *   variance; rate[members]; seeds[members, 2], low words first; first_step[1];
 *   table[steps, STEP_SCALARS, members]. What a variant does not use may be null.
 * Launch: strips = members * ceil(width / VEC) in dimension 0, none across two members.
 *   NORM with statistics of the batch: global (strips rounded up, ROW_ITEMS, 1), local
 *   (COLUMN_ITEMS, ROW_ITEMS, 1); a work-group has whole columns. Otherwise: global (strips or
 *   more, ceil(rows / BLOCK_ROWS), 1), any local.
 * Defines: REAL_BITS, VEC, ACTIVATION, UPDATE (common.clh); NORM 0 none, 1 before, 2 after the
 *   activation; STATISTICS of the normalization: 0 given by moments (forward alone), 1 the
 *   batch's, 2 the batch's, which also go into moments as STEP_STATISTICS says; SKIP 0 none, 1
 *   dskip is written, 2 added to what is there; SKIP_IN and DROPOUT 0 or 1; ROW_ITEMS 1, 2, 4 ..
 *   64; COLUMN_ITEMS 1 .. 16; BLOCK_ROWS a multiple of 4; LAST_LANES 1 .. VEC: columns of a
 *   member's last strip.
 * Outputs are overwritten, but for dskip with SKIP=2 and moments. The forward pass of NORM=2
 *   with statistics of the batch leaves the normalization's input in z. dz may be dy; y may be
 *   z without statistics of the batch.
 * Sums: each row item adds its rows, every ROW_ITEMS-th, in ascending order; halves of the items
 *   are added until one is left.
 */
#if NORM < 0 || NORM > 2
#error "NORM must be 0, 1 or 2"
#endif
#if STATISTICS < 0 || STATISTICS > 2
#error "STATISTICS must be 0, 1 or 2"
#endif
#if SKIP < 0 || SKIP > 2
#error "SKIP must be 0, 1 or 2"
#endif
#if DROPOUT != 0 && DROPOUT != 1
#error "DROPOUT must be 0 or 1"
#endif
#if SKIP_IN != 0 && SKIP_IN != 1
#error "SKIP_IN must be 0 or 1"
#endif
#if ROW_ITEMS < 1 || ROW_ITEMS > 64 || (ROW_ITEMS & (ROW_ITEMS - 1)) != 0
#error "ROW_ITEMS must be 1, 2, 4 .. 64"
#endif
#if COLUMN_ITEMS < 1 || COLUMN_ITEMS > 16
#error "COLUMN_ITEMS must be 1 .. 16"
#endif
#if LAST_LANES < 1 || LAST_LANES > VEC
#error "LAST_LANES must be 1 .. VEC"
#endif
#if BLOCK_ROWS < 4 || BLOCK_ROWS % 4 != 0
#error "BLOCK_ROWS must be a multiple of 4"
#endif

/* A work-item's share: up to VEC columns of one member, and some of their rows. */
typedef struct strip {
    int member;
    int j;          /* the first column within the member */
    int column;     /* the same within all members */
    int count;      /* columns; 0 for a work-item without any */
    int columns;    /* of all members */
    int first, end; /* rows first, first + ROW_STEP, .. below end */
} strip;

#define WHOLE_COLUMNS (NORM != 0 && STATISTICS != 0)
#if WHOLE_COLUMNS
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

/* A strip's lanes. A number of them that is known when compiling keeps them in registers: a loop
 * of unknown length over lanes goes by way of memory, and takes longer than all of the sums. */
inline realv load_strip(strip own, global const real *source)
{
    realv v = (realv)(0);
    if (own.count >= VEC)
        return LOAD_VECTOR(0, source);
    if (own.count > 0) {
        #pragma unroll
        for (int lane = 0; lane < LAST_LANES; lane++)
            ((real *)&v)[lane] = source[lane];
    }
    return v;
}

inline void store_strip(strip own, global real *destination, realv values)
{
    const real *lanes = (const real *)&values;
    if (own.count >= VEC) {
        STORE_VECTOR(values, 0, destination);
    } else if (own.count > 0) {
        #pragma unroll
        for (int lane = 0; lane < LAST_LANES; lane++)
            destination[lane] = lanes[lane];
    }
}

inline realv load_row(strip own, global const real *matrix, int row)
{
    return load_strip(own, matrix + get_place(own, row));
}

inline void store_row(strip own, global real *matrix, int row, realv values)
{
    store_strip(own, matrix + get_place(own, row), values);
}

#define FOR_EACH_ROW(own, row) for (int row = (own).first; row < (own).end; row += ROW_STEP)

/* ---- dropout ---- */

/* Rows that go together: what one draw for all lanes makes. */
#define ROWS_AT_ONCE 4
#define FOR_ROWS_AT_ONCE(own, row)                                                             \
    for (int row = (own).first; row < (own).end; row += ROWS_AT_ONCE * ROW_STEP)

typedef struct dropout {
    real kept;  /* 1 - rate */
    uint below; /* words that drop */
    uint step, stream;
    uint2 key;
} dropout;

/* Not a function's value: Oclgrind 21.10 cannot run what clang then makes of it. */
inline void load_dropout(dropout *ret_drop, int member, global const real *rate,
                         global const int *seeds, global const int *first_step, int stream,
                         int step)
{
    ret_drop->kept = 1;
#if DROPOUT
    ret_drop->kept = 1 - rate[member];
    ret_drop->below = (uint)(rate[member] * (real)4294967296);
    ret_drop->step = (uint)first_step[0] + (uint)step;
    ret_drop->stream = stream;
    ret_drop->key = (uint2)(seeds[2 * member], seeds[2 * member + 1]);
#endif
}

#if DROPOUT
typedef REAL_VECTOR_OF(uint, VEC) uintv;
#if REAL_BITS == 64
#define CONVERT_TO_MASK REAL_VECTOR_OF(convert_long, VEC)
#else
#define CONVERT_TO_MASK REAL_VECTOR_OF(convert_int, VEC)
#endif

/* words[m]: those of the columns in lanes, for row + m * ROW_STEP. Lane l draws the four of
 * columns l % (VEC / 4) * 4 .. in row l / (VEC / 4) of these; a draw's words come next to each
 * other when the halves of all are interleaved twice. */
inline void draw_words(uintv words[ROWS_AT_ONCE], strip own, dropout drop, int row)
{
    const uintv lane = (uintv)(LANES);
    uintv x = (uint)own.j / 4 + lane % (VEC / 4), y = (uint)row + lane / (VEC / 4) * ROW_STEP;
    uintv z = (uintv)(drop.step), w = (uintv)(drop.stream);
    DRAW_RANDOM_AS(VEC, x, y, z, w, drop.key)
    words[0] = x;
    words[1] = y;
    words[2] = z;
    words[3] = w;
    for (int round = 0; round < 2; round++) {
        uintv next[4];
        for (int m = 0; m < 4; m++) {
            next[m].even = m % 2 ? words[m / 2].hi : words[m / 2].lo;
            next[m].odd = m % 2 ? words[m / 2 + 2].hi : words[m / 2 + 2].lo;
        }
        for (int m = 0; m < 4; m++)
            words[m] = next[m];
    }
}
#endif

/* factors[m] for row + m * ROW_STEP. */
inline void draw_factors(realv factors[ROWS_AT_ONCE], strip own, dropout drop, int row)
{
#if DROPOUT
    uintv words[ROWS_AT_ONCE];
    draw_words(words, own, drop, row);
    const realv scale = (realv)(1 / drop.kept);
    for (int m = 0; m < ROWS_AT_ONCE; m++)
        factors[m] = CONVERT_TO_MASK(words[m] < drop.below) ? (realv)(0) : scale;
#else
    for (int m = 0; m < ROWS_AT_ONCE; m++)
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

/* The sum of all row items' sums, for each of them. What they read in global memory before, one
 * may write to behind it: gamma, beta, and the first row. */
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
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
#endif
    return sum;
}

/* ---- forward ---- */

inline realv activate_with_skip(strip own, realv x, global const real *skip, int row)
{
#if SKIP
    x += load_row(own, skip, row);
#endif
    return ACTIVATE(realv, x);
}

/* The first stage's input: the activation comes in front of it with NORM=2. */
inline realv load_input(strip own, global const real *z, global const real *skip, int row)
{
    const realv x = load_row(own, z, row);
    return NORM == 2 ? activate_with_skip(own, x, skip, row) : x;
}

/* The mean and the variance. Deviations from the first row keep sums short where the mean is
 * large, and are exactly 0 where all rows are equal. */
inline realv measure_batch(strip own, global const real *z, global const real *skip,
                           local realv *sums, int rows, realv *ret_mean)
{
    const realv origin = load_input(own, z, skip, 0);
    realv sum = (realv)(0);
    FOR_EACH_ROW(own, row)
        sum += load_input(own, z, skip, row) - origin;
    const realv mean = origin + sum_items(sums, sum) / (real)rows;
    sum = (realv)(0);
    FOR_EACH_ROW(own, row) {
        const realv deviation = load_input(own, z, skip, row) - mean;
        sum = fma(deviation, deviation, sum);
    }
    *ret_mean = mean;
    return sum_items(sums, sum) / (real)rows;
}

/* `move`, from the step table: 0 keeps the moment, 1 moves it towards the batch's, 2 replaces. */
inline void move_moment(strip own, global real *moment, realv of_batch, real move,
                        real momentum)
{
    const realv old = load_strip(own, moment);
    const realv moved = fma((realv)(momentum), old, (1 - momentum) * of_batch);
    store_strip(own, moment, move == 0 ? old : move == 2 ? of_batch : moved);
}

kernel void epilogue_forward(global real *y, global real *z, global const real *restrict skip,
                             global const real *restrict gamma, global const real *restrict beta,
                             global const real *restrict constants, global real *restrict batch,
                             global real *restrict moments, global const real *restrict rate,
                             global const int *restrict seeds,
                             global const int *restrict first_step,
                             global const real *restrict table, int rows, int width, int members,
                             int stream, int step)
{
    const strip own = get_strip(rows, width, members);
    dropout drop;
    load_dropout(&drop, own.member, rate, seeds, first_step, stream, step);
#if NORM
    norm n;
    n.gamma = load_strip(own, gamma + own.column);
    n.beta = load_strip(own, beta + own.column);
#if WHOLE_COLUMNS
    local realv sums[ROW_ITEMS * COLUMN_ITEMS];
    const realv variance = measure_batch(own, z, skip, sums, rows, &n.mean);
#else
    n.mean = load_strip(own, moments + own.column);
    const realv variance = load_strip(own, moments + own.columns + own.column);
#endif
    n.inverse = 1 / sqrt(variance + constants[0]);
#if WHOLE_COLUMNS
    if (own.first == 0) {
        store_strip(own, batch + own.column, n.mean);
        store_strip(own, batch + own.columns + own.column, n.inverse);
    }
#endif
#if STATISTICS == 2
    if (own.first == 0) {
        const real move = STEP_SCALAR(table, step, STEP_STATISTICS, own.member, members);
        global real *means = moments + own.column, *variances = means + own.columns;
        move_moment(own, means, n.mean, move, constants[1]);
        move_moment(own, variances, variance, move, constants[1]);
    }
#endif
#endif
    FOR_ROWS_AT_ONCE(own, first) {
        realv factors[ROWS_AT_ONCE];
        draw_factors(factors, own, drop, first);
        #pragma unroll
        for (int m = 0; m < ROWS_AT_ONCE; m++) {
            const int row = first + m * ROW_STEP;
            if (row >= own.end)
                break;
            realv x = load_input(own, z, skip, row);
#if NORM == 2 && WHOLE_COLUMNS
            store_row(own, z, row, x);
#endif
#if NORM
            x = fma(n.gamma, standardize(n, x), n.beta);
#endif
            if (NORM != 2)
                x = activate_with_skip(own, x, skip, row);
            store_row(own, y, row, x * factors[m]);
        }
    }
}

/* ---- backward ---- */

/* Through the activation, whose output is `a`, and on to the skip. */
inline realv pass_activation(strip own, realv g, realv a, global real *dskip, int row)
{
    g = ACTIVATION_BACKWARD(realv, g, a);
#if SKIP
    store_row(own, dskip, row, SKIP == 2 ? load_row(own, dskip, row) + g : g);
#endif
    return g;
}

/* gamma's gradient, or beta's, of the columns; w is the parameter. */
inline void put_column_gradients(strip own, gradient_target target, realv w, realv gradient,
                                 global const real *table, int step, int members)
{
    real scalar[STEP_SCALARS];
    realv scalars[STEP_SCALARS];
    load_step_scalars(scalar, table, step, own.member, members);
    for (int which = 0; which < UPDATE_SCALARS; which++)
        scalars[which] = (realv)(scalar[which]);
    put_gradient_lanes(move_target(target, own.column), w, gradient, scalars, own.count);
}

kernel void epilogue_backward(global real *dz, global real *restrict dskip,
                              global real *gamma, global real *beta,
                              global real *restrict gamma_states,
                              global real *restrict beta_states, global real *restrict dgamma,
                              global real *restrict dbeta, global const real *dy,
                              global const real *restrict dskip_in,
                              global const real *restrict z, global const real *restrict y,
                              global const real *restrict batch,
                              global const real *restrict rate,
                              global const int *restrict seeds,
                              global const int *restrict first_step,
                              global const real *restrict table, int rows, int width,
                              int members, int stream, int step)
{
    const strip own = get_strip(rows, width, members);
    dropout drop;
    load_dropout(&drop, own.member, rate, seeds, first_step, stream, step);
#if NORM
    norm n;
    n.mean = load_strip(own, batch + own.column);
    n.inverse = load_strip(own, batch + own.columns + own.column);
    n.gamma = load_strip(own, gamma + own.column);
    n.beta = load_strip(own, beta + own.column);
    realv gamma_sum = (realv)(0), beta_sum = (realv)(0);
#endif
    FOR_ROWS_AT_ONCE(own, first) {
        realv factors[ROWS_AT_ONCE];
        draw_factors(factors, own, drop, first);
        #pragma unroll
        for (int m = 0; m < ROWS_AT_ONCE; m++) {
            const int row = first + m * ROW_STEP;
            if (row >= own.end)
                break;
            realv g = load_row(own, dy, row);
#if SKIP_IN
            g += load_row(own, dskip_in, row);
#endif
            g *= factors[m];
            if (NORM != 2)
                g = pass_activation(own, g, load_row(own, y, row) * drop.kept, dskip, row);
#if NORM
            beta_sum += g;
            gamma_sum = fma(g, standardize(n, load_row(own, z, row)), gamma_sum);
#endif
            store_row(own, dz, row, g);
        }
    }
#if NORM
    local realv sums[ROW_ITEMS * COLUMN_ITEMS];
    beta_sum = sum_items(sums, beta_sum);
    gamma_sum = sum_items(sums, gamma_sum);
    const realv beta_mean = beta_sum / (real)rows, gamma_mean = gamma_sum / (real)rows;
    FOR_EACH_ROW(own, row) {
        const realv x = load_row(own, z, row), g = load_row(own, dz, row) - beta_mean;
        realv dx = n.gamma * n.inverse * fma(-standardize(n, x), gamma_mean, g);
        if (NORM == 2)
            dx = pass_activation(own, dx, x, dskip, row);
        store_row(own, dz, row, dx);
    }
    if (own.first == 0) {
        const gradient_target of_gamma = {UPDATE ? gamma : dgamma, gamma_states, own.columns};
        const gradient_target of_beta = {UPDATE ? beta : dbeta, beta_states, own.columns};
        put_column_gradients(own, of_gamma, n.gamma, gamma_sum, table, step, members);
        put_column_gradients(own, of_beta, n.beta, beta_sum, table, step, members);
    }
#endif
}
