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
 *   With GATHER=1 all groups share the gathered rows.
 * Launch: global (tiles over columns, tiles over rows, groups), local (1, 1, 1).
 *   forward: tiles of TILE_ROWS rows x TILE_COLUMNS columns of y
 *   backward_input: ITEM_TILES tiles of TILE_ROWS rows x TILE_VECTORS*VEC columns of dx
 *   backward_weights: TILE_ROWS rows x TILE_COLUMNS columns of w
 * Defines: REAL_BITS, VEC, ACTIVATION, GATHER, UPDATE (common.clh);
 *   TILE_ROWS 1 .. 16, TILE_VECTORS 1 .. 8;
 *   TAIL 0 (default), 2 or 4: up to so many columns follow TILE_VECTORS full vectors, and there
 *   is one tile over columns. A vector of their own would be nearly empty, so forward sums
 *   them with k in lanes, and backward_weights packs VEC/TAIL rows (TILE_ROWS must be that)
 *   into one vector.
 *   ITEM_TILES >= 1, default 1.
 * Outputs are overwritten. Sums run over k, i and j in ascending order (over k of tail columns
 * in lanes), whatever the number of groups.
 * Reads up to a vector past the end of w, b, y and dy: the lanes are discarded.
 */
#if TILE_ROWS < 1 || TILE_ROWS > 16
#error "TILE_ROWS must be 1 .. 16"
#endif
#if TILE_VECTORS < 1 || TILE_VECTORS > 8
#error "TILE_VECTORS must be 1 .. 8"
#endif
#ifndef TAIL
#define TAIL 0
#elif TAIL != 0 && TAIL != 2 && TAIL != 4
#error "TAIL must be 0, 2 or 4"
#endif
#ifndef ITEM_TILES
#define ITEM_TILES 1
#elif ITEM_TILES < 1
#error "ITEM_TILES must be at least 1"
#endif

#define VECTOR_COLUMNS (TILE_VECTORS * VEC)
#define TILE_COLUMNS (VECTOR_COLUMNS + TAIL)

#if TAIL
/* For backward_weights, lane m*TAIL + c stands for row m and tail column c. */
#if VEC != 16
#error "TAIL needs VEC 16"
#elif TAIL == 2
#define SPREAD_ROWS(v) (v).s0011223344556677
#define REPEAT_TAIL(t) ((realv)(t, t, t, t, t, t, t, t))
#else
#define SPREAD_ROWS(v) (v).s0000111122223333
#define REPEAT_TAIL(t) ((realv)(t, t, t, t))
#endif
#if TAIL == 2
#define LOAD_ROWS vload8
#else
#define LOAD_ROWS vload4
#endif
#define LOAD_TAIL REAL_VECTOR_OF(vload, TAIL)
#endif

inline void clear_tile(realv sum[TILE_ROWS][TILE_VECTORS])
{
    for (int m = 0; m < TILE_ROWS; m++)
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[m][v] = (realv)(0);
}

/* sum[m][v] += A(m) * b[v], v in vectors: the rank-1 update that all time is spent in. A(m) is
 * best in memory, staged or not: from there a compiler broadcasts each element in the
 * multiplication itself, where from a register it would shuffle. A macro, since OpenCL C 1.2
 * has no pointers to any address space. */
#define ADD_OUTER_PRODUCT(sum, A, b)                                                           \
    do {                                                                                       \
        realv b_vectors[TILE_VECTORS];                                                         \
        _Pragma("unroll") for (int v = 0; v < TILE_VECTORS; v++)                               \
            b_vectors[v] = LOAD_VECTOR(v, b);                                                  \
        _Pragma("unroll") for (int m = 0; m < TILE_ROWS; m++)                                  \
        {                                                                                      \
            const realv a = (realv)(A(m));                                                     \
            _Pragma("unroll") for (int v = 0; v < TILE_VECTORS; v++)                           \
                sum[m][v] = fma(a, b_vectors[v], sum[m][v]);                                   \
        }                                                                                      \
    } while (0)

/* ---- the layer's input ---- */

#if GATHER
typedef uchar stored;
#define INPUT_VIEW {images, order + (size_t)step * rows, scale, shift, in} /* for all groups */
#else
typedef real stored;
#define INPUT_VIEW {x + group * in, 0, 0, 0, groups * in}
#endif

/* The rows that a group reads, wherever they are stored. */
typedef struct input_view {
    global const stored *x;
    global const int *order;          /* GATHER: which row of x is row i */
    global const real *scale, *shift; /* GATHER */
    size_t stride;                    /* between rows of x */
} input_view;

inline global const stored *find_row(const input_view *view, int i)
{
    return view->x + (size_t)(GATHER ? view->order[i] : i) * view->stride;
}

inline real get_element(const input_view *view, global const stored *row, int k)
{
    return GATHER ? fma((real)row[k], view->scale[k], view->shift[k]) : (real)row[k];
}

/* Elements first .. first+capacity-1 of a row, zeros from the count-th on. */
inline void stage_elements(real *destination, const input_view *view,
                           global const stored *row, int first, int count, int capacity)
{
    if (count >= capacity) {
        for (int k = 0; k < capacity; k++)
            destination[k] = get_element(view, row, first + k);
    } else {
        for (int k = 0; k < capacity; k++)
            destination[k] = k < count ? get_element(view, row, first + k) : (real)0;
    }
}

/* ---- forward ---- */

/* Elements of x that are staged at once in each row. */
#define DEPTH (4 * VEC)

#if TAIL
/* tail[m][c] += sum over k of x[m][k] w[k,c] with k in lanes, over one staged block. */
inline void add_tail(realv tail[TILE_ROWS][TAIL], real x[TILE_ROWS][DEPTH],
                     global const real *restrict w, int w_stride, int count)
{
    real columns[TAIL][DEPTH];
    for (int k = 0; k < DEPTH; k++)
        for (int c = 0; c < TAIL; c++)
            columns[c][k] = k < count ? w[(size_t)k * w_stride + c] : (real)0;
    for (int k = 0; k < DEPTH; k += VEC)
        for (int c = 0; c < TAIL; c++) {
            const realv column = LOAD_VECTOR(0, columns[c] + k);
            for (int m = 0; m < TILE_ROWS; m++)
                tail[m][c] = fma(LOAD_VECTOR(0, x[m] + k), column, tail[m][c]);
        }
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
    const input_view view = INPUT_VIEW;
    global const stored *source[TILE_ROWS];
    for (int m = 0; m < TILE_ROWS; m++)
        source[m] = find_row(&view, min(row + m, rows - 1));
    realv sum[TILE_ROWS][TILE_VECTORS];
    clear_tile(sum);
#if TAIL
    realv tail[TILE_ROWS][TAIL];
    for (int m = 0; m < TILE_ROWS; m++)
        for (int c = 0; c < TAIL; c++)
            tail[m][c] = (realv)(0);
#endif
    for (int first = 0; first < in; first += DEPTH) {
        const int count = min(DEPTH, in - first);
        global const real *w_block = w + (size_t)first * y_stride + y_column;
        real staged[TILE_ROWS][DEPTH];
        for (int m = 0; m < TILE_ROWS; m++)
            stage_elements(staged[m], &view, source[m], first, count, DEPTH);
#define STAGED_X(m) staged[m][k]
        #pragma unroll 1
        for (int k = 0; k < count; k++)
            ADD_OUTER_PRODUCT(sum, STAGED_X, w_block + (size_t)k * y_stride);
#if TAIL
        add_tail(tail, staged, w_block + VECTOR_COLUMNS, y_stride, count);
#endif
    }
    for (int m = 0; m < TILE_ROWS && row + m < rows; m++) {
        global real *destination = y + (size_t)(row + m) * y_stride + y_column;
        for (int v = 0; v < TILE_VECTORS; v++) {
            const realv z = sum[m][v] + LOAD_VECTOR(v, b + y_column);
            store_lanes(destination + v * VEC, ACTIVATE(realv, z), out - column - v * VEC);
        }
#if TAIL
        for (int c = 0; c < TAIL && VECTOR_COLUMNS + c < out; c++) {
            const real z = sum_lanes(tail[m][c]) + b[y_column + VECTOR_COLUMNS + c];
            destination[VECTOR_COLUMNS + c] = ACTIVATE(real, z);
        }
#endif
    }
}

/* ---- backward_input ---- */

#if !GATHER
/* Columns of w that are transposed at once. */
#define WIDTH 64

/* transposed[j][k] = w[column + k, first + j] for j < count; zeros past `in`. */
inline void transpose_weights(real transposed[WIDTH][VECTOR_COLUMNS],
                              global const real *restrict w, int w_stride, int column,
                              int first, int count, int in)
{
    for (int j = 0; j < count; j++)
        for (int k = 0; k < VECTOR_COLUMNS; k++)
            transposed[j][k] =
                column + k < in ? w[(size_t)(column + k) * w_stride + first + j] : (real)0;
}

/* One tile of dx. The first block of columns of w starts the sums, the others go on from dx,
 * and the last one puts the activation's slope on them. */
inline void add_input_tile(global real *restrict dx, global const real *restrict x,
                           global const real *restrict dy, int y_stride, int x_stride, int rows,
                           int columns, real transposed[WIDTH][VECTOR_COLUMNS], int count,
                           bool is_first, bool is_last)
{
    realv sum[TILE_ROWS][TILE_VECTORS];
    for (int m = 0; m < TILE_ROWS; m++)
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[m][v] = is_first || m >= rows
                            ? (realv)(0)
                            : load_lanes(dx + (size_t)m * x_stride + v * VEC, columns - v * VEC);
    global const real *dy_row[TILE_ROWS];
    for (int m = 0; m < TILE_ROWS; m++)
        dy_row[m] = dy + (size_t)min(m, rows - 1) * y_stride;
#define DY_ELEMENT(m) dy_row[m][j]
    #pragma unroll 1
    for (int j = 0; j < count; j++)
        ADD_OUTER_PRODUCT(sum, DY_ELEMENT, transposed[j]);
    for (int m = 0; m < TILE_ROWS && m < rows; m++)
        for (int v = 0; v < TILE_VECTORS; v++) {
            const size_t at = (size_t)m * x_stride + v * VEC;
            const realv y = load_lanes(x + at, columns - v * VEC);
            store_lanes(dx + at, is_last ? ACTIVATION_BACKWARD(realv, sum[m][v], y) : sum[m][v],
                        columns - v * VEC);
        }
}

kernel void matmul_backward_input(global real *restrict dx, global const real *restrict dy,
                                  global const real *restrict w, global const real *restrict x,
                                  int rows, int in, int out, int groups)
{
    const int column = get_global_id(0) * VECTOR_COLUMNS;
    const int first_row = get_global_id(1) * (ITEM_TILES * TILE_ROWS);
    const int end_row = min(first_row + ITEM_TILES * TILE_ROWS, rows);
    const int group = get_global_id(2);
    const int y_stride = groups * out;
    const int x_stride = groups * in;
    for (int first = 0; first < out; first += WIDTH) {
        const int count = min(WIDTH, out - first);
        real transposed[WIDTH][VECTOR_COLUMNS];
        transpose_weights(transposed, w + group * out, y_stride, column, first, count, in);
        for (int row = first_row; row < end_row; row += TILE_ROWS) {
            const size_t at = (size_t)row * x_stride + group * in + column;
            add_input_tile(dx + at, x + at, dy + (size_t)row * y_stride + group * out + first,
                           y_stride, x_stride, end_row - row, in - column, transposed, count,
                           first == 0, first + count == out);
        }
    }
}
#endif

/* ---- backward_weights ---- */

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

/* Rows of the batch that are staged at once. */
#define STAGED_ROWS 16

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
    const input_view view = INPUT_VIEW;
    global const real *dy_tile = dy + w_column;
    realv sum[TILE_ROWS][TILE_VECTORS];
    clear_tile(sum);
#if TAIL
    realv tail = (realv)(0);
#endif
    for (int first = 0; first < rows; first += STAGED_ROWS) {
        const int count = min(STAGED_ROWS, rows - first);
        real staged[STAGED_ROWS][TILE_ROWS];
        for (int i = 0; i < count; i++)
            stage_elements(staged[i], &view, find_row(&view, first + i), input, inputs,
                           TILE_ROWS);
#define STAGED_INPUT(m) staged[i][m]
        #pragma unroll 1
        for (int i = 0; i < count; i++) {
            global const real *dy_row = dy_tile + (size_t)(first + i) * w_stride;
            ADD_OUTER_PRODUCT(sum, STAGED_INPUT, dy_row);
#if TAIL
            const REAL_VECTOR(TAIL) dy_tail = LOAD_TAIL(0, dy_row + VECTOR_COLUMNS);
            tail = fma(SPREAD_ROWS(LOAD_ROWS(0, staged[i])), REPEAT_TAIL(dy_tail), tail);
#endif
        }
    }
    const int member_width = groups * out / members;
    realv penalty[TILE_VECTORS];
    load_member_values(penalty, l2, w_column, out - column, member_width, members);
#if UPDATE
    realv rate[TILE_VECTORS];
    load_member_values(rate, rates + (size_t)step * members, w_column, out - column,
                       member_width, members);
#endif
    for (int m = 0; m < inputs; m++) {
        const size_t w_row = (size_t)(input + m) * w_stride + w_column;
        for (int v = 0; v < TILE_VECTORS; v++) {
            const size_t at = w_row + v * VEC;
            const int count = out - column - v * VEC;
            const realv weight = load_lanes(w + at, count);
            const realv gradient = fma(2 * penalty[v], weight, sum[m][v]);
#if UPDATE
            store_lanes(w + at, fma(-rate[v], gradient, weight), count);
#else
            store_lanes(dw + at, gradient, count);
#endif
        }
#if TAIL
        for (int c = 0; c < TAIL && VECTOR_COLUMNS + c < out; c++) {
            const size_t at = w_row + VECTOR_COLUMNS + c;
            const real gradient =
                fma(2 * l2[group], w[at], ((const real *)&tail)[m * TAIL + c]);
#if UPDATE
            w[at] = fma(-rates[(size_t)step * members + group], gradient, w[at]);
#else
            dw[at] = gradient;
#endif
        }
#endif
    }
    if (input == 0)
        for (int v = 0; v < TILE_VECTORS + (TAIL > 0); v++) {
            const int count = out - column - v * VEC;
            realv gradient = (realv)(0);
            for (int i = 0; i < rows; i++)
                gradient += LOAD_VECTOR(v, dy_tile + (size_t)i * w_stride);
#if UPDATE
            global real *bias = b + w_column + v * VEC;
            store_lanes(bias, fma(-rate[min(v, TILE_VECTORS - 1)], gradient, load_lanes(bias, count)), count);
#else
            store_lanes(db + w_column + v * VEC, gradient, count);
#endif
        }
}
