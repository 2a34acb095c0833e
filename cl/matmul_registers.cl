/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products of a dense layer, each work-item some register tiles, without local memory or
 * barriers: for CPUs, where one work-item runs as straight vector code.
 *
 * Formula, for each group g (see common.clh):
 *   matmul_forward           y[i,j]  = act(sum_k x[i,k] w[k,j] + b[j])
 *   matmul_backward_input    dx[i,k] = (sum_j dy[i,j] w[k,j]) * act'(x[i,k])
 *   matmul_backward_weights  dw[k,j] = sum_i x[i,k] dy[i,j] + 2 l2 w[k,j], db[j] = sum_i dy[i,j];
 *                            UPDATE > 0: they update w and b instead of being written
 * Layout: x[rows, groups*in] or with SHARED=1 [rows, in] for all groups, y and dy[rows,
 *   groups*out], w[in, groups*out], b[groups*out].
 *   table[steps, STEP_SCALARS, members], w_states[UPDATE_STATES, in, groups*out], b_states in
 *   the same manner.
 *   With GATHER=1 all groups share the gathered rows.
 * Launch: global (1, LEAD + strips * items * groups, 1), local (1, 1, 1), with strips of
 *   TILE_COLUMNS columns and items over rows; neighbours have neighbouring strips. A work-item
 *   makes ITEM_TILES tiles of TILE_ROWS rows x TILE_COLUMNS columns of y, of dx (columns without
 *   a tail) or of w.
 * Defines: REAL_BITS, VEC, ACTIVATION, GATHER, UPDATE (common.clh);
 *   TILE_ROWS 1 .. 16, TILE_VECTORS 1 .. 8, ITEM_TILES >= 1 (default 1);
 *     backward_weights is there if TILE_ROWS divides PANEL (common.clh) and that ITEM_TILES *
 *     TILE_ROWS.
 *   TAIL 0 (default), 2 or 4: up to so many columns follow TILE_VECTORS full vectors, and there
 *     is one tile over columns. A vector of their own would be nearly empty: forward sums them
 *     with k in lanes, backward_weights with rows of w in lanes. TAIL needs VEC 16.
 *   PACK 0 (default) or 1: forward and backward_weights copy their columns of w or dy, a block
 *     at a time, into private memory. Pays where rows are far apart and tiles many.
 *   SHARED 0 (default) or 1: with GATHER=0, all groups read the same x; not for backward_input.
 *   PANELS 0 (default) or 1: with GATHER=0, x is real[ceil(in / PANEL), rows rounded up to PANEL,
 *     PANEL] for all groups and up to PANEL rows more, as gather_panels makes it; not for
 *     backward_input. Pays where many work-items would convert the same rows.
 *   LEAD 0 (default) or 1: so many work-groups in front do nothing.
 *     PoCL hands a thread 1 + groups / threads of them at first: half and one of an even number.
 * Outputs are overwritten. Sums run over k, i and j in ascending order (over k of forward's tail
 * columns in lanes), whatever the tiles and the number of groups.
 * Reads up to a vector past the end of x (reals), w, b, y and dy: the lanes are discarded.
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
#if TAIL && VEC != 16
#error "TAIL needs VEC 16"
#endif
#ifndef ITEM_TILES
#define ITEM_TILES 1
#elif ITEM_TILES < 1
#error "ITEM_TILES must be at least 1"
#endif
#ifndef PACK
#define PACK 0
#elif PACK != 0 && PACK != 1
#error "PACK must be 0 or 1"
#endif

#ifndef SHARED
#define SHARED 0
#elif SHARED != 0 && SHARED != 1
#error "SHARED must be 0 or 1"
#endif

#ifndef PANELS
#define PANELS 0
#elif PANELS != 0 && PANELS != 1
#error "PANELS must be 0 or 1"
#endif

#ifndef LEAD
#define LEAD 0
#elif LEAD != 0 && LEAD != 1
#error "LEAD must be 0 or 1"
#endif

#define VECTOR_COLUMNS (TILE_VECTORS * VEC)
#define TILE_COLUMNS (VECTOR_COLUMNS + TAIL)
#define ITEM_ROWS (ITEM_TILES * TILE_ROWS)

/* Terms of a sum that are staged at once: with PACK the columns of w or dy for so many fit the
 * first-level cache, and without it a tile is saved and loaded rarely. */
#define DEPTH 128

typedef realv tile[TILE_ROWS][TILE_VECTORS];

/* Where a work-item's results begin. */
typedef struct place {
    int row, column, group;
} place;

#define IS_IDLE ((int)get_global_id(1) < LEAD)

inline place find_place(int rows, int columns, int strip_columns)
{
    const int at = (int)get_global_id(1) - LEAD;
    const int strips = (columns + strip_columns - 1) / strip_columns;
    const int items = (rows + ITEM_ROWS - 1) / ITEM_ROWS;
    return (place){at / strips % items * ITEM_ROWS, at % strips * strip_columns,
                   at / strips / items};
}

inline void clear_vectors(realv *vectors, int count)
{
    for (int i = 0; i < count; i++)
        vectors[i] = (realv)(0);
}

/* Between two blocks of DEPTH terms a tile is in memory: volatile, since a compiler that keeps
 * 30 vectors in registers across the staging of the next block shuffles them around in the
 * innermost loop (LLVM 14: 60 moves beside 30 multiplications). */
inline void load_tile(tile sum, const volatile realv *saved)
{
    for (int m = 0; m < TILE_ROWS; m++)
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[m][v] = saved[m * TILE_VECTORS + v];
}

inline void save_tile(volatile realv *saved, tile sum)
{
    for (int m = 0; m < TILE_ROWS; m++)
        for (int v = 0; v < TILE_VECTORS; v++)
            saved[m * TILE_VECTORS + v] = sum[m][v];
}

/* sum[m][v] += A(m) * b[v], v in vectors: the rank-1 update that all time is spent in. A(m) is
 * best in memory, staged or not: from there a broadcast is a load, where from a register it
 * would be a shuffle. A macro, since OpenCL C 1.2 has no pointers to any address space. */
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

/* Asks for the `part`-th of `parts` shares of rows first .. end-1 of a tile's columns, between
 * the multiplications: 7 to 14 % of wide layers' products, and another 5 % for not asking for all
 * at once, which the multiplications' own loads would wait behind. OpenCL's prefetch() does
 * nothing in PoCL 3.1; the compilers of GPUs get nothing either. */
#if defined(__x86_64__) || defined(__aarch64__)
#define PREFETCH(address) __builtin_prefetch((const void *)(size_t)(address))
#else
#define PREFETCH(address) (void)(address)
#endif
inline void prefetch_rows(global const real *matrix, int stride, int first, int end, int part,
                          int parts)
{
    const int share = (end - first + parts - 1) / parts;
    for (int i = first + part * share; i < min(first + (part + 1) * share, end); i++)
        for (int v = 0; v < TILE_VECTORS; v++)
            PREFETCH(matrix + (size_t)i * stride + v * VEC);
}

#if PACK
/* The full vectors of `count` rows of a matrix, made contiguous. */
inline void pack_rows(realv packed[DEPTH][TILE_VECTORS], global const real *restrict matrix,
                      int stride, int count)
{
    for (int i = 0; i < count; i++)
        for (int v = 0; v < TILE_VECTORS; v++)
            packed[i][v] = LOAD_VECTOR(v, matrix + (size_t)i * stride);
}
#endif

/* ---- the layer's input ---- */

#if GATHER
typedef uchar stored;
/* Not vload: PoCL 3.1 makes that of bytes from eight loads of two. */
typedef struct __attribute__((packed)) stored_vector {
    BYTE_VECTOR lanes;
} stored_vector;
#define LOAD_STORED(v, source)                                                                 \
    CONVERT_VECTOR(((global const stored_vector *)((source) + (v) * VEC))->lanes)
/* For all groups. */
#define INPUT_VIEW(group) {images, order + (size_t)step * rows, scale, shift, in}
#else
typedef real stored;
#define LOAD_STORED(v, source) LOAD_VECTOR(v, source)
#if SHARED
#define INPUT_VIEW(group) {x, 0, 0, 0, in}
#else
#define INPUT_VIEW(group) {x + (group) * in, 0, 0, 0, groups * in}
#endif
#endif

/* Blocks of x are read in panels, of which a row is a line of the cache: those that all
 * work-items share, or a work-item's own. */
#define PANEL_VECTORS (PANEL / VEC)
#if PANELS
typedef global const real *panels;
#else
typedef const real *panels;
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

#if !PANELS
/* Elements first .. of each row, zeros from the count-th on up to a full vector. Row i begins at
 * staged + i * row_step, and its panels are panel_step apart. */
inline void stage_rows(realv *staged, int row_step, int panel_step, const input_view *view,
                       global const stored *const *source, int rows, int first, int count)
{
    const int vectors = count / VEC;
    for (int v = 0; v < vectors; v++) {
#if GATHER
        const realv scale = LOAD_VECTOR(v, view->scale + first);
        const realv shift = LOAD_VECTOR(v, view->shift + first);
#endif
        for (int i = 0; i < rows; i++) {
            realv x = LOAD_STORED(v, source[i] + first);
#if GATHER
            x = fma(x, scale, shift);
#endif
            staged[i * row_step + v / PANEL_VECTORS * panel_step + v % PANEL_VECTORS] = x;
        }
    }
    if (count % VEC == 0)
        return;
    const int at = vectors / PANEL_VECTORS * panel_step + vectors % PANEL_VECTORS;
#if GATHER
    for (int i = 0; i < rows; i++)
        for (int k = vectors * VEC; k < (vectors + 1) * VEC; k++)
            ((real *)(staged + i * row_step + at))[k % VEC] =
                k < count ? fma((real)source[i][first + k], view->scale[first + k],
                                view->shift[first + k])
                          : (real)0;
#else
    const maskv taken = (maskv)(LANES) < (maskv)(count % VEC);
    for (int i = 0; i < rows; i++)
        staged[i * row_step + at] = taken ? LOAD_VECTOR(vectors, source[i] + first) : (realv)(0);
#endif
}
#endif

/* ---- forward ---- */

/* Reals are broadcast from where they are. */
#define STAGES_FORWARD (!PANELS && (GATHER || TAIL))
/* Terms of a sum in one innermost loop. Not more loops than needed: with 30 sums LLVM 14 moves
 * them about in the inner of two. */
#if PACK || PANELS
#define RUN PANEL
#define RUN_END(begin, count) min((begin) + RUN, count)
#else
#define RUN DEPTH
#define RUN_END(begin, count) count
#endif

#if TAIL
/* Column c of VEC rows of w_tail, rows in lanes. */
#if TAIL == 2
#define PICK(v, c) ((c) == 0 ? (v).even : (v).odd)
#define TAIL_COLUMN(w_tail, c)                                                                 \
    ((realv)(PICK(LOAD_VECTOR(0, w_tail), c), PICK(LOAD_VECTOR(1, w_tail), c)))
#else
#define PICK(v, c)                                                                             \
    ((c) == 0 ? (v).s048c : (c) == 1 ? (v).s159d : (c) == 2 ? (v).s26ae : (v).s37bf)
#define TAIL_COLUMN(w_tail, c)                                                                 \
    ((realv)(PICK(LOAD_VECTOR(0, w_tail), c), PICK(LOAD_VECTOR(1, w_tail), c),                 \
             PICK(LOAD_VECTOR(2, w_tail), c), PICK(LOAD_VECTOR(3, w_tail), c)))
#endif

/* column[v][c] = column c of rows v*VEC .. of w_tail. Clears the rest of w_tail up to a full
 * vector. */
inline void get_tail_columns(realv column[DEPTH / VEC][TAIL], real w_tail[DEPTH][TAIL], int count)
{
    const int vectors = (count + VEC - 1) / VEC;
    for (int k = count; k < vectors * VEC; k++)
        for (int c = 0; c < TAIL; c++)
            w_tail[k][c] = 0;
    for (int v = 0; v < vectors; v++) {
        #pragma unroll
        for (int c = 0; c < TAIL; c++)
            column[v][c] = TAIL_COLUMN(w_tail[v * VEC], c);
    }
}

/* tail[m][c] += sum over k < count of x[m][k] w[k,c] with k in lanes, for two columns at a time:
 * so many sums stay in registers. */
inline void add_tail(realv tail[TILE_ROWS][TAIL], panels x, int row_step, int panel_step,
                     realv column[DEPTH / VEC][TAIL], int count)
{
    #pragma unroll 1
    for (int c = 0; c < TAIL; c += 2) {
        realv sum[TILE_ROWS][2];
        #pragma unroll
        for (int m = 0; m < TILE_ROWS; m++) {
            sum[m][0] = tail[m][c];
            sum[m][1] = tail[m][c + 1];
        }
        #pragma unroll 1
        for (int v = 0; v * VEC < count; v++) {
            const realv left = column[v][c], right = column[v][c + 1];
            #pragma unroll
            for (int m = 0; m < TILE_ROWS; m++) {
                const realv terms = LOAD_VECTOR(0, x + m * row_step + v * panel_step);
                sum[m][0] = fma(terms, left, sum[m][0]);
                sum[m][1] = fma(terms, right, sum[m][1]);
            }
        }
        #pragma unroll
        for (int m = 0; m < TILE_ROWS; m++) {
            tail[m][c] = sum[m][0];
            tail[m][c + 1] = sum[m][1];
        }
    }
}

#define STORE_TAIL REAL_VECTOR_OF(vstore, TAIL)
#define LOAD_TAIL REAL_VECTOR_OF(vload, TAIL)
#define KEEP_TAIL(k, row) STORE_TAIL(LOAD_TAIL(0, (row) + VECTOR_COLUMNS), k, w_tail[0])
#else
#define KEEP_TAIL(k, row) (void)0
#endif

kernel void matmul_forward(global real *restrict y, INPUT_PARAMETERS,
                           global const real *restrict w, global const real *restrict b,
                           int rows, int in, int out, int groups, int step)
{
    if (IS_IDLE)
        return;
    const place own = find_place(rows, out, TILE_COLUMNS);
    const int y_stride = groups * out;
    const int y_column = own.group * out + own.column;
    const int item_rows = min(ITEM_ROWS, rows - own.row);
#if !PANELS
    const input_view view = INPUT_VIEW(own.group);
    global const stored *source[ITEM_ROWS];
    for (int m = 0; m < ITEM_ROWS; m++)
        source[m] = find_row(&view, own.row + min(m, item_rows - 1));
#endif
    realv saved[ITEM_ROWS][TILE_VECTORS];
#if TAIL
    realv tail[ITEM_ROWS][TAIL];
    clear_vectors(tail[0], ITEM_ROWS * TAIL);
    real w_tail[DEPTH][TAIL];
    realv tail_column[DEPTH / VEC][TAIL];
#endif
    #pragma unroll 1
    for (int first = 0; first < in; first += DEPTH) {
        const int count = min(DEPTH, in - first);
        global const real *w_block = w + (size_t)first * y_stride + y_column;
#if PACK
        realv packed[DEPTH][TILE_VECTORS];
        pack_rows(packed, w_block, y_stride, count);
#if TAIL
        for (int k = 0; k < count; k++)
            KEEP_TAIL(k, w_block + (size_t)k * y_stride);
        get_tail_columns(tail_column, w_tail, count);
#endif
#endif
        #pragma unroll 1
        for (int t = 0; t < item_rows; t += TILE_ROWS) {
#if PANELS
            const int row_step = PANEL, panel_step = PANEL_ROWS(rows) * PANEL;
            panels x_tile = x + (size_t)(first / PANEL) * panel_step + (own.row + t) * PANEL;
#elif STAGES_FORWARD
            const int row_step = DEPTH, panel_step = PANEL;
            realv staged[TILE_ROWS][DEPTH / VEC];
            stage_rows(staged[0], DEPTH / VEC, PANEL_VECTORS, &view, source + t, TILE_ROWS, first,
                       count);
            panels x_tile = (panels)staged;
#endif
            tile sum;
            if (first == 0)
                clear_vectors(sum[0], TILE_ROWS * TILE_VECTORS);
            else
                load_tile(sum, saved[t]);
            #pragma unroll 1
            for (int begin = 0; begin < DEPTH; begin += RUN) {
#if PANELS || STAGES_FORWARD
                panels x_run = x_tile + begin / PANEL * panel_step - begin;
#define X_ELEMENT(m) (x_run + k)[(m) * row_step]
#else
#define X_ELEMENT(m) source[t + m][first + k]
#endif
#if PACK
                prefetch_rows(w_block, y_stride, min(DEPTH + t * DEPTH / ITEM_ROWS, in - first),
                              min(DEPTH + (t + TILE_ROWS) * DEPTH / ITEM_ROWS, in - first),
                              begin / RUN, DEPTH / RUN);
#endif
                #pragma unroll 1
                for (int k = begin; k < RUN_END(begin, count); k++) {
#if PACK
                    ADD_OUTER_PRODUCT(sum, X_ELEMENT, (const real *)packed[k]);
#else
                    global const real *w_row = w_block + (size_t)k * y_stride;
                    ADD_OUTER_PRODUCT(sum, X_ELEMENT, w_row);
                    KEEP_TAIL(k, w_row);
#endif
                }
            }
            save_tile(saved[t], sum);
#if TAIL
#if !PACK
            get_tail_columns(tail_column, w_tail, count);
#endif
            add_tail(tail + t, x_tile, row_step, panel_step, tail_column, count);
#endif
        }
    }
    for (int m = 0; m < item_rows; m++) {
        global real *destination = y + (size_t)(own.row + m) * y_stride + y_column;
        for (int v = 0; v < TILE_VECTORS; v++) {
            const realv z = saved[m][v] + LOAD_VECTOR(v, b + y_column);
            store_lanes(destination + v * VEC, ACTIVATE(realv, z), out - own.column - v * VEC);
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

#if !GATHER && !PANELS
/* Columns of w that are transposed at once. */
#define WIDTH 64

/* transposed[j][k] = w[column + k, first + j] for j < count; zeros past `in`. */
inline void transpose_weights(realv transposed[WIDTH][TILE_VECTORS],
                              global const real *restrict w, int w_stride, int column,
                              int first, int count, int in)
{
    for (int v = 0; v < TILE_VECTORS; v++)
        for (int j = 0; j < count; j += VEC) {
            realv block[VEC];
            for (int i = 0; i < VEC; i++) {
                const int k = column + v * VEC + i;
                block[i] = k < in ? LOAD_VECTOR(0, w + (size_t)k * w_stride + first + j)
                                  : (realv)(0);
            }
            transpose_block(block);
            for (int i = 0; i < VEC; i++)
                transposed[j + i][v] = block[i];
        }
}

/* One tile of dx. The first block of columns of w starts the sums, the others go on from dx,
 * and the last one puts the activation's slope on them. */
inline void add_input_tile(global real *restrict dx, global const real *restrict x,
                           global const real *restrict dy, int y_stride, int x_stride, int rows,
                           int columns, realv transposed[WIDTH][TILE_VECTORS], int count,
                           bool is_first, bool is_last)
{
    tile sum;
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
        ADD_OUTER_PRODUCT(sum, DY_ELEMENT, (const real *)transposed[j]);
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
    if (IS_IDLE)
        return;
    const place own = find_place(rows, in, VECTOR_COLUMNS);
    const int end_row = min(own.row + ITEM_ROWS, rows);
    const int y_stride = groups * out;
    const int x_stride = groups * in;
    for (int first = 0; first < out; first += WIDTH) {
        const int count = min(WIDTH, out - first);
        realv transposed[WIDTH][TILE_VECTORS];
        transpose_weights(transposed, w + own.group * out, y_stride, own.column, first, count,
                          in);
        for (int row = own.row; row < end_row; row += TILE_ROWS) {
            const size_t at = (size_t)row * x_stride + own.group * in + own.column;
            add_input_tile(dx + at, x + at, dy + (size_t)row * y_stride + own.group * out + first,
                           y_stride, x_stride, end_row - row, in - own.column, transposed, count,
                           first == 0, first + count == out);
        }
    }
}
#endif

/* ---- backward_weights ---- */

#if PANEL % TILE_ROWS == 0 && ITEM_ROWS % PANEL == 0

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

/* The numbers of a step in lanes, of those columns. */
typedef realv tile_scalars[TILE_VECTORS][STEP_SCALARS];

inline void load_tile_scalars(tile_scalars scalar, global const real *restrict table, int step,
                              int column, int count, int member_width, int members)
{
    for (int which = 0; which < UPDATE_SCALARS; which++) {
        realv values[TILE_VECTORS];
        load_member_values(values, &STEP_SCALAR(table, step, which, 0, members), column, count,
                           member_width, members);
        for (int v = 0; v < TILE_VECTORS; v++)
            scalar[v][which] = values[v];
    }
}

inline void finish_vector(gradient_target target, global const real *restrict w, realv sum,
                          realv penalty, const realv *scalar, int count)
{
    const realv weight = load_lanes(w, count);
    const realv gradient = fma(2 * penalty, weight, sum);
    put_gradient_lanes(target, DECAY_WEIGHT(weight, scalar), gradient, scalar, count);
}

/* Takes `rows` x `columns` weights whose products with the loss are in `sum`: nearly always a
 * whole tile, whose numbers are known when compiling. */
inline void finish_tile(gradient_target target, global const real *restrict w, int stride,
                        int rows, int columns, tile sum, const realv penalty[TILE_VECTORS],
                        tile_scalars scalar)
{
    if (rows >= TILE_ROWS && columns >= VECTOR_COLUMNS) {
        #pragma unroll
        for (int m = 0; m < TILE_ROWS; m++) {
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) {
                const size_t at = (size_t)m * stride + v * VEC;
                finish_vector(move_target(target, at), w + at, sum[m][v], penalty[v], scalar[v],
                              VEC);
            }
        }
        return;
    }
    for (int m = 0; m < TILE_ROWS && m < rows; m++)
        for (int v = 0; v < TILE_VECTORS; v++) {
            const size_t at = (size_t)m * stride + v * VEC;
            finish_vector(move_target(target, at), w + at, sum[m][v], penalty[v], scalar[v],
                          columns - v * VEC);
        }
}

#if TAIL
/* The same for the tail's columns, rows of w in lanes. */
inline void finish_tail(gradient_target target, global const real *restrict w, int stride,
                        int rows, int columns, const realv tail[TAIL][ITEM_ROWS / VEC],
                        real penalty, const real *scalar)
{
    for (int c = 0; c < TAIL && c < columns; c++) {
        const real *sum = (const real *)tail[c];
        for (int m = 0; m < rows; m++) {
            const size_t at = (size_t)m * stride + c;
            const real gradient = fma(2 * penalty, w[at], sum[m]);
            put_gradient(move_target(target, at), DECAY_WEIGHT(w[at], scalar), gradient,
                         scalar);
        }
    }
}
#endif

kernel void matmul_backward_weights(GRADIENT_PARAMETERS, INPUT_PARAMETERS,
                                    global const real *restrict dy,
                                    global const real *restrict l2, int rows, int in, int out,
                                    int groups, int members, int step)
{
    if (IS_IDLE)
        return;
    const place own = find_place(in, out, TILE_COLUMNS);
    const int input = own.row, column = own.column;
    const int w_stride = groups * out;
    const int w_column = own.group * out + column;
    const int inputs = min(ITEM_ROWS, in - input);
    const int member_width = groups * out / members;
    const gradient_target weights = WEIGHT_TARGET((size_t)in * w_stride);
    const gradient_target biases = BIAS_TARGET(w_stride);
    realv penalty[TILE_VECTORS];
    tile_scalars scalar;
    load_member_values(penalty, l2, w_column, out - column, member_width, members);
    load_tile_scalars(scalar, STEP_TABLE, step, w_column, out - column, member_width, members);
    realv saved[ITEM_ROWS][TILE_VECTORS];
#if TAIL
    realv tail[TAIL][ITEM_ROWS / VEC];
    clear_vectors(tail[0], TAIL * (ITEM_ROWS / VEC));
#endif
    #pragma unroll 1
    for (int first = 0; first < rows; first += DEPTH) {
        const int count = min(DEPTH, rows - first);
        global const real *dy_block = dy + (size_t)first * w_stride + w_column;
#if PANELS
        const int panel_step = PANEL_ROWS(rows) * PANEL;
        panels x_block = x + (size_t)(input / PANEL) * panel_step + first * PANEL;
#else
        const int panel_step = DEPTH * PANEL;
        const input_view view = INPUT_VIEW(own.group);
        global const stored *source[DEPTH];
        for (int i = 0; i < count; i++)
            source[i] = find_row(&view, first + i);
        realv staged[ITEM_ROWS / PANEL][DEPTH][PANEL_VECTORS];
        stage_rows(staged[0][0], PANEL_VECTORS, DEPTH * PANEL_VECTORS, &view, source, count,
                   input, inputs);
        panels x_block = (panels)staged;
#endif
#if PACK
        realv packed[DEPTH][TILE_VECTORS];
        pack_rows(packed, dy_block, w_stride, count);
#endif
        #pragma unroll 1
        for (int t = 0; t < inputs; t += TILE_ROWS) {
            global const real *w_tile = w + (size_t)(input + t) * w_stride + w_column;
            panels x_tile = x_block + t / PANEL * panel_step + t % PANEL;
            tile sum;
            if (first == 0)
                clear_vectors(sum[0], TILE_ROWS * TILE_VECTORS);
            else
                load_tile(sum, saved[t]);
            #pragma unroll 1
            for (int p = 0; p * PANEL < count; p++) {
                prefetch_rows(w_tile, w_stride, 0, min(TILE_ROWS, inputs - t), p,
                              (count + PANEL - 1) / PANEL);
#define INPUT_ELEMENT(m) (x_tile + i * PANEL)[m]
                #pragma unroll 1
                for (int i = p * PANEL; i < min((p + 1) * PANEL, count); i++) {
#if PACK
                    ADD_OUTER_PRODUCT(sum, INPUT_ELEMENT, (const real *)packed[i]);
#else
                    ADD_OUTER_PRODUCT(sum, INPUT_ELEMENT, dy_block + (size_t)i * w_stride);
#endif
                }
            }
            if (first + count < rows)
                save_tile(saved[t], sum);
            else
                finish_tile(move_target(weights, w_tile - w), w_tile, w_stride, inputs - t,
                            out - column, sum, penalty, scalar);
        }
#if TAIL
        for (int i = 0; i < count; i++) {
            global const real *dy_tail = dy_block + (size_t)i * w_stride + VECTOR_COLUMNS;
            #pragma unroll
            for (int v = 0; v < ITEM_ROWS / VEC; v++) {
                #pragma unroll
                for (int c = 0; c < TAIL; c++)
                    tail[c][v] = fma(LOAD_VECTOR(i, x_block + v * panel_step),
                                     (realv)(dy_tail[c]), tail[c][v]);
            }
        }
#endif
    }
#if TAIL
    const size_t first_tail = (size_t)input * w_stride + w_column + VECTOR_COLUMNS;
    real tail_scalar[STEP_SCALARS];
    load_step_scalars(tail_scalar, STEP_TABLE, step, w_column / member_width, members);
    finish_tail(move_target(weights, first_tail), w + first_tail, w_stride, inputs,
                out - VECTOR_COLUMNS, tail, penalty[0].s0, tail_scalar);
#endif
    if (input == 0)
        for (int v = 0; v < TILE_VECTORS + (TAIL > 0); v++) {
            const int count = out - column - v * VEC;
            const int at = w_column + v * VEC;
            realv gradient = (realv)(0);
            for (int i = 0; i < rows; i++)
                gradient += LOAD_VECTOR(0, dy + (size_t)i * w_stride + at);
            const realv bias = UPDATE ? load_lanes(biases.result + at, count) : (realv)(0);
            put_gradient_lanes(move_target(biases, at), bias, gradient,
                               scalar[min(v, TILE_VECTORS - 1)], count);
        }
}
#endif
