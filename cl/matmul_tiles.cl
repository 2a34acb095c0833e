/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products of a dense layer through tiles in local memory: for GPUs.
 *
 * Formula, layout and entries: as in matmul_registers.cl. With PART, y and dx are partial sums
 *   real[parts, rows, width], part p over the terms PART * p .., and a second launch finishes:
 *   matmul_forward_sum         y[i,j]  = act(sum_p partial[p,i,j] + b[j])
 *   matmul_backward_input_sum  dx[i,k] = (sum_p partial[p,i,k]) * act'(x[i,k])
 * Launch: local (GROUP_COLUMNS, GROUP_ROWS, 1), global (GROUP_COLUMNS * column blocks * parts,
 *   GROUP_ROWS * row blocks, groups); a work-group makes a block of BLOCK_ROWS x BLOCK_COLUMNS
 *   results, BLOCK_x = GROUP_x * WORK_x. The sums: global >= rows * width, any local.
 * Defines: REAL_BITS, ACTIVATION, GATHER, UPDATE (common.clh);
 *   GROUP_ROWS, GROUP_COLUMNS 4, 8 or 16: work-items of a work-group, down and across;
 *   WORK_ROWS, WORK_COLUMNS 2, 4 or 8: results of a work-item;
 *   DEPTH 8, 16 or 32: terms of the sums that are in local memory at once;
 *   IN_LOAD, OUT_LOAD 1, 2 or 4: elements of a row of x, and of w and dy, that are loaded
 *     together; they divide `in` and `out`, so that loads are aligned and never straddle a
 *     matrix's end;
 *   PART 0 (default) or a multiple of 32: terms of a partial sum; 0: one sum over all. Not for
 *     backward_weights.
 * Outputs are overwritten. Every sum runs in ascending order of its index, partial sums in
 * ascending order of theirs: PART alone decides the bits.
 */
#if GROUP_ROWS != 4 && GROUP_ROWS != 8 && GROUP_ROWS != 16
#error "GROUP_ROWS must be 4, 8 or 16"
#endif
#if GROUP_COLUMNS != 4 && GROUP_COLUMNS != 8 && GROUP_COLUMNS != 16
#error "GROUP_COLUMNS must be 4, 8 or 16"
#endif
#if WORK_ROWS != 2 && WORK_ROWS != 4 && WORK_ROWS != 8
#error "WORK_ROWS must be 2, 4 or 8"
#endif
#if WORK_COLUMNS != 2 && WORK_COLUMNS != 4 && WORK_COLUMNS != 8
#error "WORK_COLUMNS must be 2, 4 or 8"
#endif
#if DEPTH != 8 && DEPTH != 16 && DEPTH != 32
#error "DEPTH must be 8, 16 or 32"
#endif
#if IN_LOAD != 1 && IN_LOAD != 2 && IN_LOAD != 4
#error "IN_LOAD must be 1, 2 or 4"
#endif
#if OUT_LOAD != 1 && OUT_LOAD != 2 && OUT_LOAD != 4
#error "OUT_LOAD must be 1, 2 or 4"
#endif
#ifndef PART
#define PART 0
#elif PART < 0 || PART % 32 != 0
#error "PART must be 0 or a multiple of 32"
#endif

#define GROUP_ITEMS (GROUP_ROWS * GROUP_COLUMNS)
#define BLOCK_ROWS (GROUP_ROWS * WORK_ROWS)
#define BLOCK_COLUMNS (GROUP_COLUMNS * WORK_COLUMNS)

#if BLOCK_ROWS * DEPTH % (4 * GROUP_ITEMS) != 0 || BLOCK_COLUMNS * DEPTH % (4 * GROUP_ITEMS) != 0
#error "DEPTH is too small: every work-item must load a multiple of 4 elements of each tile"
#endif

#define LANES(count) LANES_OF(count)
#define LANES_OF(count) LANES_##count
#define LANES_1 real
#define LANES_2 REAL_VECTOR(2)
#define LANES_4 REAL_VECTOR(4)
typedef LANES(IN_LOAD) in_lanes;
typedef LANES(OUT_LOAD) out_lanes;

/* Results of a work-item come in runs of neighbours that it reads from local memory together:
 * a read of 4 costs as many cycles as it moves 128 bytes, so that 4 x 4 results take 2 reads for
 * 16 multiplications instead of 8. Runs of one work-item are a run of every other apart, so that
 * neighbouring work-items read neighbouring runs, from different banks. */
#if WORK_ROWS == 2
#define ROW_RUN 2
#else
#define ROW_RUN 4
#endif
#if WORK_COLUMNS == 2
#define COLUMN_RUN 2
#else
#define COLUMN_RUN 4
#endif
#define RESULT(n, RUN, items, item) (((n) / RUN * (items) + (item)) * RUN + (n) % RUN)
#define RESULT_ROW(m) (row0 + RESULT(m, ROW_RUN, GROUP_ROWS, ly))
#define RESULT_COLUMN(n) (column0 + RESULT(n, COLUMN_RUN, GROUP_COLUMNS, lx))

/* Four elements more than needed keep vectors aligned and the rows of a tile, which transposing
 * writes walk down, off each other's banks: two of 32 work-items meet on one (DEPTH 32: four). */
typedef real row_tile[DEPTH][BLOCK_ROWS + 4];
typedef real column_tile[DEPTH][BLOCK_COLUMNS + 4];

/* ---- a block's sums ----
 * Loops over private arrays are unrolled: what is indexed by a variable cannot be a register. */

#define COUNT_PARTS(terms) (PART ? ((terms) + PART - 1) / (PART ? PART : 1) : 1)

/* Rows come from global ids: a launch may go in slices, and group ids do not count its offset. */
#define DECLARE_BLOCK(terms)                                                                   \
    local row_tile a_tile __attribute__((aligned(64)));                                        \
    local column_tile b_tile __attribute__((aligned(64)));                                     \
    const int lx = get_local_id(0), ly = get_local_id(1), item = ly * GROUP_COLUMNS + lx;      \
    const int part = get_group_id(0) % COUNT_PARTS(terms);                                     \
    const int column0 = get_group_id(0) / COUNT_PARTS(terms) * BLOCK_COLUMNS;                  \
    const int row0 = (get_global_id(1) - ly) * WORK_ROWS;                                      \
    const int group = get_global_id(2);                                                        \
    real sum[WORK_ROWS][WORK_COLUMNS] = {{0}};

/* A tile is loaded into registers while the one before it is multiplied, each work-item its
 * share, neighbours walking along the matrix's rows: those are along the sums (`across` 0), with
 * the results in rows of the matrix, or across them (1), with the results in columns. */
#define UNROLL _Pragma("unroll")
#define SHARE(side, load) ((side) * DEPTH / GROUP_ITEMS / (load))

#define LOAD_SHARE(next, LANES_AT, load, across, side, first, d0)                              \
    UNROLL for (int s = 0; s < SHARE(side, load); s++) {                                       \
        const int at = (item + s * GROUP_ITEMS) * (load), length = across ? (side) : DEPTH;    \
        next[s] = LANES_AT((across ? (d0) : (first)) + at / length,                            \
                           (across ? (first) : (d0)) + at % length);                           \
    }

/* tile[d][r], r counting rows or columns of results. */
#define STORE_SHARE(tile, next, load, across, side)                                            \
    UNROLL for (int s = 0; s < SHARE(side, load); s++) {                                       \
        const int at = (item + s * GROUP_ITEMS) * (load);                                      \
        if (across)                                                                            \
            *(local LANES(load) *)&tile[at / (side)][at % (side)] = next[s];                   \
        else                                                                                   \
            UNROLL for (int lane = 0; lane < (load); lane++)                                   \
                tile[at % DEPTH + lane][at / DEPTH] = ((const real *)&next[s])[lane];          \
    }

#define READ_RUNS(values, work, RUN, tile_row, items, item)                                    \
    UNROLL for (int n = 0; n < (work); n += RUN)                                               \
        REAL_VECTOR_OF(vstore, RUN)                                                            \
        (*(local const LANES(RUN) *)&tile_row[RESULT(n, RUN, items, item)], 0, values + n);

inline void multiply_tiles(real sum[WORK_ROWS][WORK_COLUMNS], const local row_tile a_tile,
                           const local column_tile b_tile, int lx, int ly)
{
    for (int d = 0; d < DEPTH; d++) {
        real a[WORK_ROWS], b[WORK_COLUMNS];
        READ_RUNS(a, WORK_ROWS, ROW_RUN, a_tile[d], GROUP_ROWS, ly)
        READ_RUNS(b, WORK_COLUMNS, COLUMN_RUN, b_tile[d], GROUP_COLUMNS, lx)
        #pragma unroll
        for (int m = 0; m < WORK_ROWS; m++)
            #pragma unroll
            for (int n = 0; n < WORK_COLUMNS; n++)
                sum[m][n] = fma(a[m], b[n], sum[m][n]);
    }
}

/* sum[m][n] += sum over the part's d of A(row, d) * B(column, d); WITH_TILES is done with each
 * pair of tiles, too. */
#define MULTIPLY(terms, A, a_load, a_across, B, b_load, b_across, WITH_TILES)                  \
    LANES(a_load) a_next[SHARE(BLOCK_ROWS, a_load)];                                           \
    LANES(b_load) b_next[SHARE(BLOCK_COLUMNS, b_load)];                                        \
    const int begin = part * PART, end = PART ? min(begin + PART, terms) : (terms);            \
    for (int d0 = begin - DEPTH; d0 < end; d0 += DEPTH) {                                      \
        if (d0 + DEPTH < end) {                                                                \
            LOAD_SHARE(a_next, A, a_load, a_across, BLOCK_ROWS, row0, d0 + DEPTH)              \
            LOAD_SHARE(b_next, B, b_load, b_across, BLOCK_COLUMNS, column0, d0 + DEPTH)        \
        }                                                                                      \
        if (d0 >= begin) {                                                                     \
            multiply_tiles(sum, a_tile, b_tile, lx, ly);                                       \
            WITH_TILES                                                                         \
        }                                                                                      \
        barrier(CLK_LOCAL_MEM_FENCE);                                                          \
        STORE_SHARE(a_tile, a_next, a_load, a_across, BLOCK_ROWS)                              \
        STORE_SHARE(b_tile, b_next, b_load, b_across, BLOCK_COLUMNS)                           \
        barrier(CLK_LOCAL_MEM_FENCE);                                                          \
    }

/* ---- lanes of the operands, row and first column given; 0 outside ---- */

#if GATHER
#if IN_LOAD == 1
typedef uchar in_bytes;
#define CONVERT_BYTES(bytes) ((real)(bytes))
#else
typedef REAL_VECTOR_OF(uchar, IN_LOAD) in_bytes;
#define CONVERT_BYTES(bytes) CONVERT_LANES(IN_LOAD)(bytes)
#endif

inline in_lanes load_pixels(global const uchar *restrict image, global const real *restrict scale,
                            global const real *restrict shift, int k)
{
    return fma(CONVERT_BYTES(*(global const in_bytes *)(image + k)),
               *(global const in_lanes *)(scale + k), *(global const in_lanes *)(shift + k));
}

#define INPUT_LANES(i, k)                                                                      \
    ((i) < rows && (k) < in                                                                    \
         ? load_pixels(images + (size_t)order[(size_t)step * rows + (i)] * in, scale, shift,   \
                       k)                                                                      \
         : (in_lanes)(0))
#else
#define INPUT_LANES(i, k)                                                                      \
    ((i) < rows && (k) < in                                                                    \
         ? *(global const in_lanes *)(x + (size_t)(i) * groups * in + group * in + (k))        \
         : (in_lanes)(0))
#endif
#define WEIGHT_LANES(k, j)                                                                     \
    ((k) < in && (j) < out                                                                     \
         ? *(global const out_lanes *)(w + (size_t)(k) * groups * out + group * out + (j))     \
         : (out_lanes)(0))
#define DY_LANES(i, j)                                                                         \
    ((i) < rows && (j) < out                                                                   \
         ? *(global const out_lanes *)(dy + (size_t)(i) * groups * out + group * out + (j))    \
         : (out_lanes)(0))

/* ---- the products ---- */

kernel void matmul_forward(global real *restrict y, INPUT_PARAMETERS,
                           global const real *restrict w, global const real *restrict b,
                           int rows, int in, int out, int groups, int step)
{
    DECLARE_BLOCK(in)
    MULTIPLY(in, INPUT_LANES, IN_LOAD, 0, WEIGHT_LANES, OUT_LOAD, 1, )
    y += (size_t)part * rows * groups * out;
    #pragma unroll
    for (int m = 0; m < WORK_ROWS; m++)
        #pragma unroll
        for (int n = 0; n < WORK_COLUMNS; n++) {
            const int i = RESULT_ROW(m), j = RESULT_COLUMN(n);
            if (i < rows && j < out) {
                const real z = PART ? sum[m][n] : sum[m][n] + b[group * out + j];
                y[(size_t)i * groups * out + group * out + j] = PART ? z : ACTIVATE(real, z);
            }
        }
}

/* Partial sums of one result lie `count` apart. */
inline real sum_parts(global const real *restrict partial, size_t count, int parts)
{
    real sum = partial[0];
    for (int p = 1; p < parts; p++)
        sum += partial[p * count];
    return sum;
}

kernel void matmul_forward_sum(global real *restrict y, global const real *restrict partial,
                               global const real *restrict b, int rows, int width, int parts)
{
    const size_t at = get_global_id(0), count = (size_t)rows * width;
    if (at < count) {
        const real z = sum_parts(partial + at, count, parts) + b[at % width];
        y[at] = ACTIVATE(real, z);
    }
}

#if !GATHER
kernel void matmul_backward_input(global real *restrict dx, global const real *restrict dy,
                                  global const real *restrict w, global const real *restrict x,
                                  int rows, int in, int out, int groups)
{
    DECLARE_BLOCK(out)
    MULTIPLY(out, DY_LANES, OUT_LOAD, 0, WEIGHT_LANES, OUT_LOAD, 0, )
    dx += (size_t)part * rows * groups * in;
    #pragma unroll
    for (int m = 0; m < WORK_ROWS; m++)
        #pragma unroll
        for (int n = 0; n < WORK_COLUMNS; n++) {
            const int i = RESULT_ROW(m), k = RESULT_COLUMN(n);
            if (i < rows && k < in) {
                const size_t at = (size_t)i * groups * in + group * in + k;
                dx[at] = PART ? sum[m][n] : ACTIVATION_BACKWARD(real, sum[m][n], x[at]);
            }
        }
}

kernel void matmul_backward_input_sum(global real *restrict dx,
                                      global const real *restrict partial,
                                      global const real *restrict x, int rows, int width,
                                      int parts)
{
    const size_t at = get_global_id(0), count = (size_t)rows * width;
    if (at < count)
        dx[at] = ACTIVATION_BACKWARD(real, sum_parts(partial + at, count, parts), x[at]);
}
#endif

/* bias[n] += the tile's terms of a column: dy has passed through local memory anyway. */
inline void add_columns(real bias[WORK_COLUMNS], const local column_tile tile, int lx)
{
    for (int d = 0; d < DEPTH; d++)
        #pragma unroll
        for (int n = 0; n < WORK_COLUMNS; n++)
            bias[n] += tile[d][RESULT(n, COLUMN_RUN, GROUP_COLUMNS, lx)];
}

#if !PART
kernel void matmul_backward_weights(GRADIENT_PARAMETERS, INPUT_PARAMETERS,
                                    global const real *restrict dy,
                                    global const real *restrict l2, int rows, int in, int out,
                                    int groups, int members, int step)
{
    DECLARE_BLOCK(rows)
    const bool has_bias = row0 == 0 && ly == 0;
    real bias[WORK_COLUMNS] = {0};
    MULTIPLY(rows, INPUT_LANES, IN_LOAD, 1, DY_LANES, OUT_LOAD, 1,
             if (has_bias) add_columns(bias, b_tile, lx);)
    const int member_width = groups * out / members;
    const gradient_target weights = WEIGHT_TARGET((size_t)in * groups * out);
    const gradient_target biases = BIAS_TARGET((size_t)groups * out);
    #pragma unroll
    for (int n = 0; n < WORK_COLUMNS; n++) {
        const int j = RESULT_COLUMN(n);
        if (j >= out)
            continue;
        const int column = group * out + j, member = column / member_width;
        real scalar[STEP_SCALARS];
        load_step_scalars(scalar, STEP_TABLE, step, member, members);
        #pragma unroll
        for (int m = 0; m < WORK_ROWS; m++) {
            const int k = RESULT_ROW(m);
            if (k >= in)
                continue;
            const size_t at = (size_t)k * groups * out + column;
            const real weight = w[at], gradient = fma(2 * l2[member], weight, sum[m][n]);
            put_gradient(move_target(weights, at), DECAY_WEIGHT(weight, scalar), gradient,
                         scalar);
        }
        if (has_bias) {
            const gradient_target target = move_target(biases, column);
            put_gradient(target, UPDATE ? *target.result : (real)0, bias[n], scalar);
        }
    }
}
#endif
