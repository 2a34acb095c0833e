/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products of a dense layer through tiles in local memory: for GPUs.
 *
 * Formula, layout and entries: as in matmul_registers.cl.
 * Launch: local (TILE, TILE, 1), global (TILE * column blocks, TILE * row blocks, groups); a
 *   work-group makes a block of BLOCK x BLOCK results, BLOCK = TILE * TILE_WORK, each work-item
 *   TILE_WORK x TILE_WORK of them, TILE apart so that neighbours touch neighbours.
 * Defines: REAL_BITS, ACTIVATION, GATHER, UPDATE (common.clh);
 *   TILE 4 .. 32 work-items a side and elements of depth at a time, TILE_WORK 1 .. 8.
 * Outputs are overwritten. Every sum runs in ascending order of its index.
 */
#if TILE < 4 || TILE > 32
#error "TILE must be 4 .. 32"
#endif
#if TILE_WORK < 1 || TILE_WORK > 8
#error "TILE_WORK must be 1 .. 8"
#endif

#define BLOCK (TILE * TILE_WORK)

/* One column more than needed, so that a tile's column does not fall on one memory bank. */
#define DECLARE_TILES                                                                          \
    local real a_tile[TILE][BLOCK + 1];                                                        \
    local real b_tile[TILE][BLOCK + 1];                                                        \
    const int lx = get_local_id(0), ly = get_local_id(1);                                      \
    const int column0 = (get_global_id(0) - lx) * TILE_WORK;                                   \
    const int row0 = (get_global_id(1) - ly) * TILE_WORK; /* counts a launch's offset */       \
    const int group = get_global_id(2);                                                        \
    real sum[TILE_WORK][TILE_WORK];                                                            \
    for (int m = 0; m < TILE_WORK; m++)                                                        \
        for (int n = 0; n < TILE_WORK; n++)                                                    \
            sum[m][n] = 0;

/* Fills tile[d][r] = ELEMENT(first + r, d0 + d) for r < BLOCK. ALONG_DEPTH says which index
 * neighbouring work-items walk: the one that is contiguous in memory. */
#define FILL_TILE(tile, ELEMENT, first, d0, ALONG_DEPTH)                                       \
    for (int n = 0; n < TILE_WORK; n++) {                                                      \
        const int d = ALONG_DEPTH ? lx : ly, r = (ALONG_DEPTH ? ly : lx) + n * TILE;           \
        tile[d][r] = ELEMENT((first) + r, (d0) + d);                                           \
    }

/* sum[m][n] += sum over d of A(row, d) * B(column, d). */
#define MULTIPLY_TILES(depth, A, A_ALONG_DEPTH, B, B_ALONG_DEPTH)                              \
    for (int d0 = 0; d0 < (depth); d0 += TILE) {                                               \
        FILL_TILE(a_tile, A, row0, d0, A_ALONG_DEPTH)                                          \
        FILL_TILE(b_tile, B, column0, d0, B_ALONG_DEPTH)                                       \
        barrier(CLK_LOCAL_MEM_FENCE);                                                          \
        for (int d = 0; d < TILE; d++)                                                         \
            for (int m = 0; m < TILE_WORK; m++)                                                \
                for (int n = 0; n < TILE_WORK; n++)                                            \
                    sum[m][n] = fma(a_tile[d][ly + m * TILE], b_tile[d][lx + n * TILE],        \
                                    sum[m][n]);                                                \
        barrier(CLK_LOCAL_MEM_FENCE);                                                          \
    }

/* Element k of the layer's input row i; 0 outside. */
#if GATHER
#define INPUT_ELEMENT(i, k)                                                                    \
    ((i) < rows && (k) < in                                                                    \
         ? fma((real)images[(size_t)order[(size_t)step * rows + (i)] * in + (k)], scale[k],    \
               shift[k])                                                                       \
         : (real)0)
#else
#define INPUT_ELEMENT(i, k)                                                                    \
    ((i) < rows && (k) < in ? x[(size_t)(i) * groups * in + group * in + (k)] : (real)0)
#endif
#define WEIGHT_ELEMENT(j, k)                                                                   \
    ((j) < out && (k) < in ? w[(size_t)(k) * groups * out + group * out + (j)] : (real)0)
#define DY_ELEMENT(i, j)                                                                       \
    ((i) < rows && (j) < out ? dy[(size_t)(i) * groups * out + group * out + (j)] : (real)0)

kernel void matmul_forward(global real *restrict y, INPUT_PARAMETERS,
                           global const real *restrict w, global const real *restrict b,
                           int rows, int in, int out, int groups, int step)
{
    DECLARE_TILES
    MULTIPLY_TILES(in, INPUT_ELEMENT, true, WEIGHT_ELEMENT, false)
    for (int m = 0; m < TILE_WORK; m++)
        for (int n = 0; n < TILE_WORK; n++) {
            const int i = row0 + ly + m * TILE, j = column0 + lx + n * TILE;
            if (i < rows && j < out) {
                const real z = sum[m][n] + b[group * out + j];
                y[(size_t)i * groups * out + group * out + j] = ACTIVATE(real, z);
            }
        }
}

#if !GATHER
#define WEIGHT_ELEMENT_OF_INPUT(k, j) WEIGHT_ELEMENT(j, k)

kernel void matmul_backward_input(global real *restrict dx, global const real *restrict dy,
                                  global const real *restrict w, global const real *restrict x,
                                  int rows, int in, int out, int groups)
{
    DECLARE_TILES
    MULTIPLY_TILES(out, DY_ELEMENT, true, WEIGHT_ELEMENT_OF_INPUT, true)
    for (int m = 0; m < TILE_WORK; m++)
        for (int n = 0; n < TILE_WORK; n++) {
            const int i = row0 + ly + m * TILE, k = column0 + lx + n * TILE;
            if (i < rows && k < in) {
                const size_t at = (size_t)i * groups * in + group * in + k;
                dx[at] = ACTIVATION_BACKWARD(real, sum[m][n], x[at]);
            }
        }
}
#endif

#define INPUT_ELEMENT_OF_ROW(k, i) INPUT_ELEMENT(i, k)
#define DY_ELEMENT_OF_COLUMN(j, i) DY_ELEMENT(i, j)

kernel void matmul_backward_weights(GRADIENT_PARAMETERS, INPUT_PARAMETERS,
                                    global const real *restrict dy,
                                    global const real *restrict l2, int rows, int in, int out,
                                    int groups, int members, int step)
{
    DECLARE_TILES
    MULTIPLY_TILES(rows, INPUT_ELEMENT_OF_ROW, false, DY_ELEMENT_OF_COLUMN, false)
    const int member_width = groups * out / members;
    for (int n = 0; n < TILE_WORK; n++) {
        const int j = column0 + lx + n * TILE;
        if (j >= out)
            continue;
        const int column = group * out + j, member = column / member_width;
#if UPDATE
        const real rate = rates[(size_t)step * members + member];
#endif
        for (int m = 0; m < TILE_WORK; m++) {
            const int k = row0 + ly + m * TILE;
            if (k >= in)
                continue;
            const size_t at = (size_t)k * groups * out + column;
            const real gradient = fma(2 * l2[member], w[at], sum[m][n]);
#if UPDATE
            w[at] = fma(-rate, gradient, w[at]);
#else
            dw[at] = gradient;
#endif
        }
        if (row0 == 0 && ly == 0) {
            real gradient = 0;
            for (int i = 0; i < rows; i++)
                gradient += DY_ELEMENT(i, j);
#if UPDATE
            b[column] = fma(-rate, gradient, b[column]);
#else
            db[column] = gradient;
#endif
        }
    }
}
