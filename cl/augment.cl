/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the data set as normalized reals, each image changed at random whenever it is drawn:
 * mirrored, then moved, then noise on top.
 *
 * Formula, for row i of step s, image = images[order[s*rows + i]] and place k = (c, v, u), its
 *   colour plane, row and column:
 *   pixel   = image[c, v - ty, u - tx], of a flipped image image[c, v - ty, 31 - (u - tx)]
 *   x[i, k] = pixel * scale[k] + shift[k], or 0 where the pixel lies outside the image (the mean
 *             image's value), plus noise[0] * normal
 *   With w = draw_random(0xffffffff, i, n, 6) of the run's step n = first_step[0] + s and the key
 *   data_seed: flipped where floor(w.x / 4) < flip_below, so with probability flip_below / 2^30;
 *   tx = floor(w.y * (2 TRANSLATION + 1) / 2^32) - TRANSLATION, and ty in this way from w.z.
 *   The four normals of w = draw_random(32 g + u, i, n, 6) go to the column u of the planes' rows
 *   4 g + (0 .. 3), the 96 rows of all planes counted through: r(w.x) * (cos, sin)(2 pi f(w.y)) and
 *   r(w.z) * (cos, sin)(2 pi f(w.w)), where r(word) = sqrt(-2 log f(word)) and f(word) =
 *   (floor(word / 512) + 1/2) / 2^23, exact in any real: Box and Muller, 1958.
 * Layout: x[rows, 3072], images u8[all rows, 3072] planar 3 x 32 x 32, order[steps*rows], scale
 *   and shift [3072], first_step[1], data_seed u32[2] low word first, noise[1].
 * Launch: any local; global (768 / (VEC * ITEM_VECTORS), rows, 1).
 * Defines: REAL_BITS, VEC, GATHER=1 (common.clh); FLIP, NOISE 0 or 1: whether there is any;
 *   TRANSLATION 0 .. 31; ITEM_VECTORS >= 1, a divisor of 768 / VEC: a work-item takes so many
 *   vectors of columns, of four rows each.
 * x is overwritten. What is drawn does not depend on how work is shared out.
 */
#if !GATHER
#error "augment.cl needs GATHER=1"
#endif
#if FLIP != 0 && FLIP != 1
#error "FLIP must be 0 or 1"
#endif
#if NOISE != 0 && NOISE != 1
#error "NOISE must be 0 or 1"
#endif
#if TRANSLATION < 0 || TRANSLATION > 31
#error "TRANSLATION must be 0 .. 31"
#endif
#if ITEM_VECTORS < 1
#error "ITEM_VECTORS must be at least 1"
#endif

#define SIDE 32
#define INPUTS (3 * SIDE * SIDE)
#define STREAM 6u /* LAM_RANDOM_STREAM_AUGMENTATION */
#define WORD_VECTOR REAL_VECTOR_OF(uint, VEC)

#if VEC == 16
#define REVERSED(v) (v).sfedcba9876543210
#elif VEC == 8
#define REVERSED(v) (v).s76543210
#else
#define REVERSED(v) (v).s3210
#endif

/* How an image is changed, and where its random numbers come from. */
typedef struct change {
    int flipped, tx, ty;
    uint row, step;
    uint2 key;
} change;

inline int draw_translation(uint word)
{
    return (int)mul_hi(word, 2u * TRANSLATION + 1u) - TRANSLATION;
}

inline change draw_change(uint row, uint step, uint2 key, int flip_below)
{
    change c = {0, 0, 0, row, step, key};
#if FLIP || TRANSLATION
    const uint4 words = draw_random((uint4)(0xffffffffu, row, step, STREAM), key);
    c.flipped = FLIP && (int)(words.x >> 2) < flip_below;
    c.tx = draw_translation(words.y);
    c.ty = draw_translation(words.z);
#endif
    return c;
}

/* Pixels from `start` on. Those before and behind the image are for the caller to discard. */
inline BYTE_VECTOR load_pixels(global const uchar *image, int start)
{
#if TRANSLATION
    if (start < 0 || start > INPUTS - VEC) {
        BYTE_VECTOR pixels;
        for (int lane = 0; lane < VEC; lane++)
            ((uchar *)&pixels)[lane] = image[clamp(start + lane, 0, INPUTS - 1)];
        return pixels;
    }
#endif
    return LOAD_VECTOR(0, image + start);
}

/* All ones in the lanes whose column lies inside, of VEC columns from `column` on. */
inline maskv find_inside(int column)
{
    const maskv columns = (maskv)(column) + (maskv)(LANES);
    return columns >= (maskv)(0) && columns < (maskv)(SIDE);
}

/* The normalized pixels that come to lie on the places from k on. */
inline realv move_pixels(global const uchar *image, global const real *scale,
                         global const real *shift, int k, const change *c)
{
    const int column = k % SIDE - c->tx;
    const int start = k - k % SIDE - c->ty * SIDE;
    BYTE_VECTOR pixels;
    if (c->flipped)
        pixels = REVERSED(load_pixels(image, start + SIDE - VEC - column));
    else
        pixels = load_pixels(image, start + column);
    const realv x =
        fma(CONVERT_VECTOR(pixels), LOAD_VECTOR(0, scale + k), LOAD_VECTOR(0, shift + k));
#if TRANSLATION
    const int row = k / SIDE % SIDE - c->ty;
    return row >= 0 && row < SIDE ? (find_inside(column) ? x : (realv)(0)) : (realv)(0);
#else
    return x;
#endif
}

#if NOISE
inline realv get_fraction(WORD_VECTOR words)
{
    return (CONVERT_VECTOR(words >> 9) + (realv)(0.5f)) * (realv)(0x1p-23f);
}

/* Of the draws from `first` on, one to a lane. */
inline void draw_normals(realv normals[4], int first, const change *c)
{
    WORD_VECTOR x = (WORD_VECTOR)(first) + (WORD_VECTOR)(LANES), y = (WORD_VECTOR)(c->row);
    WORD_VECTOR z = (WORD_VECTOR)(c->step), w = (WORD_VECTOR)(STREAM);
    DRAW_RANDOM_AS(VEC, x, y, z, w, c->key)
    const realv half_turns[2] = {2 * get_fraction(y), 2 * get_fraction(w)};
    const realv radius[2] = {sqrt(-2 * log(get_fraction(x))), sqrt(-2 * log(get_fraction(z)))};
    for (int pair = 0; pair < 2; pair++) {
        normals[2 * pair] = radius[pair] * cospi(half_turns[pair]);
        normals[2 * pair + 1] = radius[pair] * sinpi(half_turns[pair]);
    }
}
#endif

kernel void augment_forward(global real *restrict x, INPUT_PARAMETERS,
                            global const int *restrict first_step,
                            global const uint *restrict data_seed,
                            global const real *restrict noise, int rows, int flip_below,
                            int step)
{
    const int i = get_global_id(1), first = get_global_id(0) * ITEM_VECTORS * VEC;
    const uint2 key = (uint2)(data_seed[0], data_seed[1]);
    const change c = draw_change(i, first_step[0] + step, key, flip_below);
    global const uchar *image = images + (size_t)order[(size_t)step * rows + i] * INPUTS;
    for (int draw = first; draw < first + ITEM_VECTORS * VEC; draw += VEC) {
#if NOISE
        realv normals[4];
        draw_normals(normals, draw, &c);
#endif
        for (int n = 0; n < 4; n++) {
            const int k = (draw / SIDE * 4 + n) * SIDE + draw % SIDE;
            realv values = move_pixels(image, scale, shift, k, &c);
#if NOISE
            values = fma((realv)(noise[0]), normals[n], values);
#endif
            STORE_VECTOR(values, 0, x + (size_t)i * INPUTS + k);
        }
    }
}
