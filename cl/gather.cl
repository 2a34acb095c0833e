/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the data set as normalized reals, for products that cannot gather by themselves, or
 * that would convert the same rows many times.
 *
 * Formula: x[i,k] = images[order[step*rows + i], k] * scale[k] + shift[k].
 * Layout: x[rows, in], of gather_panels in panels (common.clh); images u8[all rows, in],
 *   order[steps*rows], scale and shift [in].
 * Launch: any local; global (in, rows, 1), of gather_panels (1, ceil(in / (4 PANEL)), 1).
 * Defines: REAL_BITS; GATHER=1 (common.clh).
 * x is overwritten, but for what panels have beyond rows and columns.
 */
#if !GATHER
#error "gather.cl needs GATHER=1"
#endif

kernel void gather_forward(global real *restrict x, INPUT_PARAMETERS, int rows, int in, int step)
{
    const int k = get_global_id(0), i = get_global_id(1);
    const size_t row = order[(size_t)step * rows + i];
    x[(size_t)i * in + k] = fma((real)images[row * in + k], scale[k], shift[k]);
}

/* Not vload: PoCL 3.1 makes that of bytes from eight loads of two. */
typedef struct __attribute__((packed)) pixels {
    REAL_VECTOR_OF(uchar, PANEL) lanes;
} pixels;

#define LOAD_PANEL REAL_VECTOR_OF(vload, PANEL)
#define STORE_PANEL REAL_VECTOR_OF(vstore, PANEL)

/* Four panels to a work-item: of a row's bytes they are a line of the cache. */
kernel void gather_panels(global real *restrict x, INPUT_PARAMETERS, int rows, int in, int step)
{
    const int panel_size = PANEL_ROWS(rows) * PANEL;
    const int first = (int)get_global_id(1) * 4 * PANEL, end = min(first + 4 * PANEL, in);
    for (int i = 0; i < rows; i++) {
        global const uchar *row = images + (size_t)order[(size_t)step * rows + i] * in;
        for (int k = first; k < end; k += PANEL) {
            global real *line = x + (size_t)(k / PANEL) * panel_size + i * PANEL;
            if (k + PANEL <= in) {
                const REAL_VECTOR(PANEL) pixel =
                    CONVERT_LANES(PANEL)(((global const pixels *)(row + k))->lanes);
                STORE_PANEL(fma(pixel, LOAD_PANEL(0, scale + k), LOAD_PANEL(0, shift + k)), 0,
                            line);
            } else {
                for (int lane = 0; k + lane < in; lane++)
                    line[lane] = fma((real)row[k + lane], scale[k + lane], shift[k + lane]);
            }
        }
    }
}
