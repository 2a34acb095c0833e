/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products of a dense layer, each work-item a register tile, without local memory or
 * barriers: for CPUs, where one work-item runs as straight vector code.
 *
 * Formula, for each group g (see common.clh):
 *   matmul_forward           y[i,j]  = act(sum_k x[i,k] w[k,j] + b[j])
 *   matmul_backward_input    dx[i,k] = (sum_j dy[i,j] w[k,j]) * act'(x[i,k])
 *   matmul_backward_weights  dw[k,j] = sum_i x[i,k] dy[i,j] + 2 l2 w[k,j], db[j] = sum_i dy[i,j];
 *                            UPDATE=1: w -= rate * dw, b -= rate * db instead of writing them
 * Layout: x[rows, groups*in], y and dy[rows, groups*out], w[in, groups*out], b[groups*out].
 * Launch: global (tiles over columns, tiles over rows, groups), local (1, 1, 1).
 *   forward: tiles of TILE_ROWS rows x TILE_VECTORS*VEC columns of y
 *   backward_input: TILE_ROWS rows x TILE_VECTORS columns of dx
 *   backward_weights: TILE_ROWS rows x TILE_VECTORS*VEC columns of w
 * Defines: REAL_BITS, VEC, ACTIVATION, GATHER (common.clh);
 *   TILE_ROWS 1 .. 16 (4 or 8 with GATHER), TILE_VECTORS 1 .. 8; UPDATE 0 or 1, default 0.
 * Outputs are overwritten. Sums run over k (or j in lanes, or i) in ascending order, whatever
 * the tile or the number of groups.
 * Reads up to a vector past the end of w, b, y and dy: the lanes are discarded.
 */
#if TILE_ROWS < 1 || TILE_ROWS > 16
#error "TILE_ROWS must be 1 .. 16"
#endif
#if TILE_VECTORS < 1 || TILE_VECTORS > 8
#error "TILE_VECTORS must be 1 .. 8"
#endif
#ifndef UPDATE
#define UPDATE 0
#endif

#define TILE_COLUMNS (TILE_VECTORS * VEC)

inline void clear_tile(realv sum[TILE_ROWS][TILE_VECTORS])
{
    for (int m = 0; m < TILE_ROWS; m++)
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[m][v] = (realv)(0);
}

/* sum[m][v] += a[m * a_stride] * b[v], the rank-1 update that all time is spent in. */
#define ADD_OUTER_PRODUCT(sum, a_of_m, b_row)                                                  \
    do {                                                                                       \
        realv b_vectors[TILE_VECTORS];                                                         \
        _Pragma("unroll") for (int v = 0; v < TILE_VECTORS; v++)                               \
            b_vectors[v] = LOAD_VECTOR(v, b_row);                                              \
        _Pragma("unroll") for (int m = 0; m < TILE_ROWS; m++)                                  \
        {                                                                                      \
            const realv a = (realv)(a_of_m);                                                   \
            _Pragma("unroll") for (int v = 0; v < TILE_VECTORS; v++)                           \
                sum[m][v] = fma(a, b_vectors[v], sum[m][v]);                                   \
        }                                                                                      \
    } while (0)

#if GATHER
/* Pixels converted at once per row: their vector conversion costs a few percent of the
 * products that follow, and the products then read them back as broadcasts. */
#define DEPTH 16

inline void convert_pixels(real *restrict destination, global const uchar *restrict source,
                           global const real *restrict scale,
                           global const real *restrict shift, int count)
{
    if (count == DEPTH) {
        const REAL_VECTOR(16) pixels = REAL_VECTOR_OF(convert_, REAL_VECTOR(16))(vload16(0, source));
        vstore16(fma(pixels, vload16(0, scale), vload16(0, shift)), 0, destination);
    } else {
        for (int k = 0; k < count; k++)
            destination[k] = fma((real)source[k], scale[k], shift[k]);
    }
}

inline void multiply_forward(realv sum[TILE_ROWS][TILE_VECTORS],
                             global const uchar *restrict images,
                             global const int *restrict order,
                             global const real *restrict scale,
                             global const real *restrict shift, global const real *restrict w,
                             int row, int last_row, int in, int w_stride)
{
    global const uchar *source[TILE_ROWS];
    real block[TILE_ROWS][DEPTH];
    for (int m = 0; m < TILE_ROWS; m++)
        source[m] = images + (size_t)order[min(row + m, last_row)] * in;
    for (int first = 0; first < in; first += DEPTH) {
        const int count = min(DEPTH, in - first);
        for (int m = 0; m < TILE_ROWS; m++)
            convert_pixels(block[m], source[m] + first, scale + first, shift + first, count);
        #pragma unroll 1
        for (int k = 0; k < count; k++)
            ADD_OUTER_PRODUCT(sum, block[m][k], w + (size_t)(first + k) * w_stride);
    }
}
#else
inline void multiply_forward(realv sum[TILE_ROWS][TILE_VECTORS], global const real *restrict x,
                             global const real *restrict w, int row, int last_row, int in,
                             int x_stride, int w_stride)
{
    global const real *source[TILE_ROWS];
    for (int m = 0; m < TILE_ROWS; m++)
        source[m] = x + (size_t)min(row + m, last_row) * x_stride;
    for (int k = 0; k < in; k++)
        ADD_OUTER_PRODUCT(sum, source[m][k], w + (size_t)k * w_stride);
}
#endif

kernel void matmul_forward(global real *restrict y, INPUT_PARAMETERS,
                           global const real *restrict w, global const real *restrict b,
                           int rows, int in, int out, int groups, int step)
{
    const int column = get_global_id(0) * TILE_COLUMNS;
    const int row = get_global_id(1) * TILE_ROWS;
    const int group = get_global_id(2);
    const int y_stride = groups * out;
    const int y_column = group * out + column;
    realv sum[TILE_ROWS][TILE_VECTORS];
    clear_tile(sum);
#if GATHER
    multiply_forward(sum, images, order + (size_t)step * rows, scale, shift, w + y_column, row,
                     rows - 1, in, y_stride);
#else
    multiply_forward(sum, x + group * in, w + y_column, row, rows - 1, in, groups * in,
                     y_stride);
#endif
    for (int m = 0; m < TILE_ROWS && row + m < rows; m++) {
        global real *destination = y + (size_t)(row + m) * y_stride + y_column;
        for (int v = 0; v < TILE_VECTORS; v++) {
            const realv z = sum[m][v] + LOAD_VECTOR(v, b + y_column);
            store_lanes(destination + v * VEC, ACTIVATE(realv, z), out - column - v * VEC);
        }
    }
}

#if !GATHER
/* Dot products along j in lanes; lanes at and past `out` count as 0. */
kernel void matmul_backward_input(global real *restrict dx, global const real *restrict dy,
                                  global const real *restrict w, global const real *restrict x,
                                  int rows, int in, int out, int groups)
{
    const int column = get_global_id(0) * TILE_VECTORS;
    const int row = get_global_id(1) * TILE_ROWS;
    const int group = get_global_id(2);
    const int y_stride = groups * out;
    const int x_stride = groups * in;
    realv sum[TILE_ROWS][TILE_VECTORS];
    clear_tile(sum);
    global const real *dy_row[TILE_ROWS], *w_row[TILE_VECTORS];
    for (int m = 0; m < TILE_ROWS; m++)
        dy_row[m] = dy + (size_t)min(row + m, rows - 1) * y_stride + group * out;
    for (int c = 0; c < TILE_VECTORS; c++)
        w_row[c] = w + (size_t)min(column + c, in - 1) * y_stride + group * out;
    maskv lane;
    for (int i = 0; i < VEC; i++)
        ((MASK_SCALAR *)&lane)[i] = i;
    for (int j = 0; j < out; j += VEC) {
        const maskv inside = lane < (maskv)(out - j);
        realv w_vectors[TILE_VECTORS];
        for (int c = 0; c < TILE_VECTORS; c++)
            w_vectors[c] = inside ? LOAD_VECTOR(0, w_row[c] + j) : (realv)(0);
        for (int m = 0; m < TILE_ROWS; m++) {
            const realv g = inside ? LOAD_VECTOR(0, dy_row[m] + j) : (realv)(0);
            for (int c = 0; c < TILE_VECTORS; c++)
                sum[m][c] = fma(g, w_vectors[c], sum[m][c]);
        }
    }
    for (int m = 0; m < TILE_ROWS && row + m < rows; m++)
        for (int c = 0; c < TILE_VECTORS && column + c < in; c++) {
            const size_t at = (size_t)(row + m) * x_stride + group * in + column + c;
            dx[at] = ACTIVATION_BACKWARD(real, sum_lanes(sum[m][c]), x[at]);
        }
}
#endif

#if UPDATE
#define GRADIENT_PARAMETERS                                                                    \
    global real *restrict w, global real *restrict b, global const real *restrict rates
#else
#define GRADIENT_PARAMETERS                                                                    \
    global real *restrict dw, global real *restrict db, global const real *restrict w
#endif

/* A per-member value for each of the tile's `count` columns; `column` is the first of them,
 * counted over all groups. A tile inside one member, the usual case, needs one division. */
inline void load_member_values(realv values[TILE_VECTORS], global const real *restrict table,
                               int column, int count, int member_width, int members)
{
    const int first = column / member_width;
    if (column + min(count, TILE_COLUMNS) <= (first + 1) * member_width) {
        for (int v = 0; v < TILE_VECTORS; v++)
            values[v] = (realv)(table[first]);
        return;
    }
    for (int v = 0; v < TILE_VECTORS; v++)
        for (int lane = 0; lane < VEC; lane++)
            ((real *)&values[v])[lane] =
                table[min((column + v * VEC + lane) / member_width, members - 1)];
}

kernel void matmul_backward_weights(GRADIENT_PARAMETERS, INPUT_PARAMETERS,
                                    global const real *restrict dy,
                                    global const real *restrict l2, int rows, int in, int out,
                                    int groups, int members, int step)
{
    const int column = get_global_id(0) * TILE_COLUMNS;
    const int input = get_global_id(1) * TILE_ROWS;
    const int group = get_global_id(2);
    const int w_stride = groups * out;
    const int w_column = group * out + column;
    const int inputs = min(TILE_ROWS, in - input);
    global const real *dy_tile = dy + w_column;
    realv sum[TILE_ROWS][TILE_VECTORS];
    clear_tile(sum);
#if GATHER
    typedef REAL_VECTOR(TILE_ROWS) column_vector;
    column_vector row_scale = (column_vector)(0), row_shift = (column_vector)(0);
    for (int m = 0; m < inputs; m++) {
        ((real *)&row_scale)[m] = scale[input + m];
        ((real *)&row_shift)[m] = shift[input + m];
    }
    for (int i = 0; i < rows; i++) {
        global const uchar *source = images + (size_t)order[step * rows + i] * in + input;
        real pixels[TILE_ROWS];
        if (inputs == TILE_ROWS)
            REAL_VECTOR_OF(vstore, TILE_ROWS)(
                fma(REAL_VECTOR_OF(convert_, REAL_VECTOR(TILE_ROWS))(
                        REAL_VECTOR_OF(vload, TILE_ROWS)(0, source)),
                    row_scale, row_shift),
                0, pixels);
        else
            for (int m = 0; m < TILE_ROWS; m++)
                pixels[m] = m < inputs ? fma((real)source[m], ((real *)&row_scale)[m],
                                             ((real *)&row_shift)[m])
                                       : (real)(0);
        ADD_OUTER_PRODUCT(sum, pixels[m], dy_tile + (size_t)i * w_stride);
    }
#else
    global const real *source = x + group * in + input;
    for (int i = 0; i < rows; i++) {
        global const real *x_row = source + (size_t)i * groups * in;
        ADD_OUTER_PRODUCT(sum, x_row[min(m, inputs - 1)], dy_tile + (size_t)i * w_stride);
    }
#endif
    const int member_width = groups * out / members;
    realv penalty[TILE_VECTORS];
    load_member_values(penalty, l2, w_column, out - column, member_width, members);
#if UPDATE
    realv rate[TILE_VECTORS];
    load_member_values(rate, rates + (size_t)step * members, w_column, out - column,
                       member_width, members);
#endif
    for (int m = 0; m < inputs; m++)
        for (int v = 0; v < TILE_VECTORS; v++) {
            const size_t at = (size_t)(input + m) * w_stride + w_column + v * VEC;
            const int count = out - column - v * VEC;
            const realv weight = load_lanes(w + at, count);
            const realv gradient = fma(2 * penalty[v], weight, sum[m][v]);
#if UPDATE
            store_lanes(w + at, fma(-rate[v], gradient, weight), count);
#else
            store_lanes(dw + at, gradient, count);
#endif
        }
    if (input == 0)
        for (int v = 0; v < TILE_VECTORS; v++) {
            const int count = out - column - v * VEC;
            realv gradient = (realv)(0);
            for (int i = 0; i < rows; i++)
                gradient += LOAD_VECTOR(v, dy_tile + (size_t)i * w_stride);
#if UPDATE
            global real *bias = b + w_column + v * VEC;
            store_lanes(bias, fma(-rate[v], gradient, load_lanes(bias, count)), count);
#else
            store_lanes(db + w_column + v * VEC, gradient, count);
#endif
        }
}
