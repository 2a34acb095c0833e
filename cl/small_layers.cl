/* SPDX-License-Identifier: Apache-2.0
 *
 * The last layers of a network, all narrow, in one kernel for each pass: their products take
 * less time than starting kernels of their own would.
 *
 * Formula, for each member and each of LAYERS layers n (x_0 the first layer's input, x_n+1 = y_n):
 *   small_layers_forward           y_n[i,j] = act_n(sum_k x_n[i,k] w_n[k,j] + b_n[j])
 *   small_layers_backward_input    dx_n[i,k] = (sum_j dy_n[i,j] w_n[k,j]) * act_n-1'(x_n[i,k]),
 *                                  from the last layer's dy to dx_0; dy_n-1 = dx_n
 *   small_layers_backward_weights  g = sum_i x_n[i,k] dy_n[i,j] + 2 l2 w_n[k,j], and sum_i dy_n[i,j]
 *                                  for b_n; UPDATE > 0: it updates w_n, else dw_n = g; likewise b_n
 * Layout: x_n, y_n and their gradients[rows, members*width], w_n[in, members*out],
 *   b_n[members*out], l2[members], table[steps, STEP_SCALARS, members],
 *   states_n[UPDATE_STATES, in, members*out], bias_states_n[UPDATE_STATES, members*out].
 * Launch: any local; global (members, ceil(rows / TILE_ROWS), 1), backward_weights
 *   (members, the sum over layers of ceil(IN_n / TILE_ROWS), 1).
 * Defines: REAL_BITS, VEC, UPDATE (common.clh); TILE_ROWS 1 .. 16; LAYERS 2 .. 8;
 *   IN_n, OUT_n >= 1 for each layer, IN_n+1 = OUT_n; ACTIVATION_n 0 .. 2 and INPUT_ACTIVATION for
 *   what made x_0 (as ACTIVATION in common.clh).
 * Outputs are overwritten. Sums run over k, j and i in ascending order.
 * Reads up to a vector past the end of w_n, b_n and dy_n: the lanes are discarded.
 */
#if TILE_ROWS < 1 || TILE_ROWS > 16
#error "TILE_ROWS must be 1 .. 16"
#endif

#define EACH_1(X) X(0)
#define EACH_2(X) EACH_1(X) X(1)
#define EACH_3(X) EACH_2(X) X(2)
#define EACH_4(X) EACH_3(X) X(3)
#define EACH_5(X) EACH_4(X) X(4)
#define EACH_6(X) EACH_5(X) X(5)
#define EACH_7(X) EACH_6(X) X(6)
#define EACH_8(X) EACH_7(X) X(7)

#define BACK_2(X) X(1, 0)
#define BACK_3(X) X(2, 1) BACK_2(X)
#define BACK_4(X) X(3, 2) BACK_3(X)
#define BACK_5(X) X(4, 3) BACK_4(X)
#define BACK_6(X) X(5, 4) BACK_5(X)
#define BACK_7(X) X(6, 5) BACK_6(X)
#define BACK_8(X) X(7, 6) BACK_7(X)

#if LAYERS == 2
#define EACH_LAYER EACH_2
#define BACK_LAYER BACK_2
#elif LAYERS == 3
#define EACH_LAYER EACH_3
#define BACK_LAYER BACK_3
#elif LAYERS == 4
#define EACH_LAYER EACH_4
#define BACK_LAYER BACK_4
#elif LAYERS == 5
#define EACH_LAYER EACH_5
#define BACK_LAYER BACK_5
#elif LAYERS == 6
#define EACH_LAYER EACH_6
#define BACK_LAYER BACK_6
#elif LAYERS == 7
#define EACH_LAYER EACH_7
#define BACK_LAYER BACK_7
#elif LAYERS == 8
#define EACH_LAYER EACH_8
#define BACK_LAYER BACK_8
#else
#error "LAYERS must be 2 .. 8"
#endif

/* A matrix of all members from one member's columns on: row i starts at data + i * stride. */
typedef struct columns {
    global const real *data;
    int stride;
} columns;

inline columns get_columns(global const real *data, int width)
{
    const int member = get_global_id(0), members = get_global_size(0);
    return (columns){data + member * width, members * width};
}

/* Rows of a tile are clamped to the last: what is computed of them twice is the same. */
inline global const real *get_row(columns matrix, int first, int m, int rows)
{
    return matrix.data + (size_t)min(first + m, rows - 1) * matrix.stride;
}

/* ---- forward ---- */

inline void forward_layer(global real *y, columns x, columns w, global const real *b, int in,
                          int out, int activation, int rows)
{
    const int first = get_global_id(1) * TILE_ROWS;
    for (int j = 0; j < out; j += VEC) {
        realv sum[TILE_ROWS];
        for (int m = 0; m < TILE_ROWS; m++)
            sum[m] = (realv)(0);
        for (int k = 0; k < in; k++) {
            const realv weight = LOAD_VECTOR(0, w.data + k * w.stride + j);
            for (int m = 0; m < TILE_ROWS; m++)
                sum[m] = fma((realv)(get_row(x, first, m, rows)[k]), weight, sum[m]);
        }
        for (int m = 0; m < TILE_ROWS && first + m < rows; m++) {
            const realv z = sum[m] + LOAD_VECTOR(0, b + j);
            store_lanes(y + (size_t)(first + m) * w.stride + j, ACTIVATE_AS(activation, realv, z),
                        out - j);
        }
    }
}

#define FORWARD_PARAMETERS(n)                                                                  \
    global real *y_##n, global const real *w_##n, global const real *b_##n,
#define FORWARD_LAYER(n)                                                                       \
    forward_layer(y_##n + member * OUT_##n, x, get_columns(w_##n, OUT_##n),                    \
                  b_##n + member * OUT_##n, IN_##n, OUT_##n, ACTIVATION_##n, rows);            \
    x = get_columns(y_##n, OUT_##n);

kernel void small_layers_forward(EACH_LAYER(FORWARD_PARAMETERS) global const real *x_0, int rows)
{
    const int member = get_global_id(0);
    columns x = get_columns(x_0, IN_0);
    EACH_LAYER(FORWARD_LAYER)
}

/* ---- backward_input ---- */

/* block[l] = column j + l of w, rows k .. of it in lanes, clamped to the last. */
inline void load_columns(realv block[VEC], columns w, int k, int in, int j)
{
    for (int i = 0; i < VEC; i++)
        block[i] = LOAD_VECTOR(0, w.data + min(k + i, in - 1) * w.stride + j);
    transpose_block(block);
}

inline void backward_layer(global real *dx, columns x, columns dy, columns w, int in, int out,
                           int input_activation, int rows)
{
    const int first = get_global_id(1) * TILE_ROWS;
    global const real *dy_row[TILE_ROWS];
    for (int m = 0; m < TILE_ROWS; m++)
        dy_row[m] = get_row(dy, first, m, rows);
    for (int k = 0; k < in; k += VEC) {
        realv sum[TILE_ROWS];
        for (int m = 0; m < TILE_ROWS; m++)
            sum[m] = (realv)(0);
        for (int j = 0; j < out; j += VEC) {
            realv block[VEC];
            load_columns(block, w, k, in, j);
            for (int l = 0; l < VEC && j + l < out; l++)
                for (int m = 0; m < TILE_ROWS; m++)
                    sum[m] = fma((realv)(dy_row[m][j + l]), block[l], sum[m]);
        }
        for (int m = 0; m < TILE_ROWS && first + m < rows; m++) {
            const realv value = load_lanes(get_row(x, first, m, rows) + k, in - k);
            store_lanes(dx + (size_t)(first + m) * x.stride + k,
                        ACTIVATION_BACKWARD_AS(input_activation, realv, sum[m], value), in - k);
        }
    }
}

#define BACKWARD_PARAMETERS(n)                                                                 \
    global real *dy_##n, global const real *y_##n, global const real *w_##n,
#define BACKWARD_LAYER(n, before)                                                              \
    backward_layer(dy_##before + member * IN_##n, get_columns(y_##before, IN_##n),             \
                   get_columns(dy_##n, OUT_##n), get_columns(w_##n, OUT_##n), IN_##n, OUT_##n, \
                   ACTIVATION_##before, rows);

kernel void small_layers_backward_input(global real *dx_0,
                                        EACH_LAYER(BACKWARD_PARAMETERS) global const real *x_0,
                                        int rows)
{
    const int member = get_global_id(0);
    BACK_LAYER(BACKWARD_LAYER)
    backward_layer(dx_0 + member * IN_0, get_columns(x_0, IN_0), get_columns(dy_0, OUT_0),
                   get_columns(w_0, OUT_0), IN_0, OUT_0, INPUT_ACTIVATION, rows);
}

/* ---- backward_weights ---- */

/* TILE_ROWS rows of the weights from row k on; with the first of them the biases. */
inline void weights_layer(gradient_target weights, gradient_target biases, columns w, columns x,
                          columns dy, int k, int in, int out, real penalty,
                          const realv *scalar, int rows)
{
    for (int j = 0; j < out; j += VEC) {
        realv sum[TILE_ROWS], bias = (realv)(0);
        for (int m = 0; m < TILE_ROWS; m++)
            sum[m] = (realv)(0);
        for (int i = 0; i < rows; i++) {
            const realv gradient = LOAD_VECTOR(0, dy.data + (size_t)i * dy.stride + j);
            global const real *row = x.data + (size_t)i * x.stride;
            bias += gradient;
            for (int m = 0; m < TILE_ROWS; m++)
                sum[m] = fma((realv)(row[min(k + m, in - 1)]), gradient, sum[m]);
        }
        for (int m = 0; m < TILE_ROWS && k + m < in; m++) {
            const size_t at = (size_t)(k + m) * w.stride + j;
            const realv weight = load_lanes(w.data + at, out - j);
            const realv gradient = fma((realv)(2 * penalty), weight, sum[m]);
            put_gradient_lanes(move_target(weights, at), DECAY_WEIGHT(weight, scalar), gradient,
                               scalar, out - j);
        }
        if (k == 0) {
            const gradient_target target = move_target(biases, j);
            put_gradient_lanes(target,
                               UPDATE ? load_lanes(target.result, out - j) : (realv)(0), bias,
                               scalar, out - j);
        }
    }
}

/* A tensor of all members from one member's columns on. */
inline gradient_target get_target(global real *result, global real *states, int rows, int width)
{
    const int member = get_global_id(0), members = get_global_size(0);
    const gradient_target target = {result, states, (size_t)rows * members * width};
    return move_target(target, member * width);
}

#define WEIGHTS_PARAMETERS(n)                                                                  \
    global real *result_##n, global real *bias_result_##n, global real *states_##n,            \
        global real *bias_states_##n, global const real *w_##n, global const real *x_##n,      \
        global const real *dy_##n,
#define WEIGHTS_LAYER(n)                                                                       \
    if (tile < (IN_##n + TILE_ROWS - 1) / TILE_ROWS) {                                         \
        weights_layer(get_target(result_##n, states_##n, IN_##n, OUT_##n),                     \
                      get_target(bias_result_##n, bias_states_##n, 1, OUT_##n),                \
                      get_columns(w_##n, OUT_##n), get_columns(x_##n, IN_##n),                 \
                      get_columns(dy_##n, OUT_##n), tile *TILE_ROWS, IN_##n, OUT_##n, penalty, \
                      scalar, rows);                                                           \
        return;                                                                                \
    }                                                                                          \
    tile -= (IN_##n + TILE_ROWS - 1) / TILE_ROWS;

kernel void small_layers_backward_weights(EACH_LAYER(WEIGHTS_PARAMETERS)
                                              global const real *restrict l2,
                                          global const real *restrict table, int rows, int step)
{
    const int member = get_global_id(0);
    int tile = get_global_id(1);
    const real penalty = l2[member];
    real member_scalar[STEP_SCALARS];
    realv scalar[STEP_SCALARS];
    load_step_scalars(member_scalar, table, step, member, get_global_size(0));
    for (int which = 0; which < UPDATE_SCALARS; which++)
        scalar[which] = (realv)(member_scalar[which]);
    EACH_LAYER(WEIGHTS_LAYER)
}
