/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the data set as normalized reals, each image changed at random whenever it is drawn:
 * mirrored, then moved, then noise on top.
 *
 * Formula, for row i of step s, image = images[order[s*rows + i]] and place k = (c, v, u), its
 *   colour plane, row and column:
 *   pixel   = image[c, v - ty, u - tx], of a flipped image image[c, v - ty, 31 - (u - tx)]
 *   x[i, k] = pixel * scale[k] + shift[k], or 0 where the pixel lies outside the image (the mean
 *             image's value), plus noise[0] * normal[k]
 *   With w = draw_random(0xffffffff, i, n, 6) of the run's step n = first_step[0] + s and the key
 *   data_seed: flipped where floor(w.x / 4) < flip_below, so with probability flip_below / 2^30;
 *   tx = floor(w.y * (2 TRANSLATION + 1) / 2^32) - TRANSLATION, and ty in this way from w.z.
 *   With w = draw_random(k / 4, i, n, 6) and f(word) = (floor(word / 512) + 1/2) / 2^23: normal of
 *   the four places from k on is r(w.x) * (cos, sin)(2 pi f(w.y)), r(w.z) * (cos, sin)(2 pi f(w.w)),
 *   r(word) = sqrt(-2 log f(word)): Box and Muller, 1958; f is exact in any real.
 * Layout: x[rows, 3072], images u8[all rows, 3072] planar 3 x 32 x 32, order[steps*rows], scale
 *   and shift [3072], first_step[1], data_seed u32[2] low word first, noise[1].
 * Launch: any local; global (3072 / (VEC * ITEM_VECTORS), rows, 1).
 * Defines: REAL_BITS, VEC, GATHER=1 (common.clh); FLIP, NOISE 0 or 1: whether there is any;
 *   TRANSLATION 0 .. 31; ITEM_VECTORS >= 1, a divisor of 3072 / VEC: of one work-item.
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
#define HALF_VECTOR REAL_VECTOR(8)
#define REVERSED(v) (v).sfedcba9876543210
#elif VEC == 8
#define HALF_VECTOR REAL_VECTOR(4)
#define REVERSED(v) (v).s76543210
#else
#define HALF_VECTOR REAL_VECTOR(2)
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
    maskv columns;
    for (int lane = 0; lane < VEC; lane++)
        ((MASK_SCALAR *)&columns)[lane] = column + lane;
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
/* The words of the VEC / 4 blocks from place k on. */
inline WORD_VECTOR draw_words(int k, const change *c)
{
    WORD_VECTOR words;
    for (int block = 0; block < VEC / 4; block++)
        ((uint4 *)&words)[block] =
            draw_random((uint4)(k / 4 + block, c->row, c->step, STREAM), c->key);
    return words;
}

inline realv draw_normals(int k, const change *c)
{
    const realv fraction =
        (CONVERT_VECTOR(draw_words(k, c) >> 9) + (realv)(0.5f)) * (realv)(0x1p-23f);
    const HALF_VECTOR radius = sqrt((real)-2 * log(fraction.even));
    const HALF_VECTOR half_turns = (real)2 * fraction.odd;
    realv normals;
    normals.even = radius * cospi(half_turns);
    normals.odd = radius * sinpi(half_turns);
    return normals;
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
    for (int k = first; k < first + ITEM_VECTORS * VEC; k += VEC) {
        realv values = move_pixels(image, scale, shift, k, &c);
#if NOISE
        values = fma((realv)(noise[0]), draw_normals(k, &c), values);
#endif
        STORE_VECTOR(values, 0, x + (size_t)i * INPUTS + k);
    }
}
