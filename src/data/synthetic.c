/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ten classes of images that need no download and that a linear model cannot solve.
 *
 * Everything smooth lives on a grid of 8 x 8 cells per colour plane. A class has one weak
 * linear pattern and two strong modes; an image of the class is
 *
 *     grey + linear + (+/-) gain * mode + blur + noise
 *
 * with a random mode, sign and gain, a `blur` of fresh random cells, and `noise` per pixel. A
 * mode and its negative belong to the same class, as in XOR, so the modes leave no trace in
 * the class means: a linear model sees the weak pattern only.
 *
 * All of it is integer arithmetic on the words of the counter-based generator, so the bytes
 * are the same on every machine. Row r of file f is a pure function of (f, r).
 *
 * Measured with NumPy (float32, batches of 100), accuracy in % on validation / test rows:
 *     trained on file 1, validated on file 2
 *         linear, 40 epochs, rate 0.001, lambda 0, 0.01, 0.1, 1    40.8 to 42.8 / 41.0 to 42.0
 *         linear, 40 epochs, lambda 0, rate 0.01 and 0.1           39.4, 31.4 / 38.4, 31.1
 *         3072-50-10, He, lambda 0.01, rate 1e-5 .. 1e-1,
 *             n_s 800, 3 cycles, two seeds                         75.0, 75.3 / 75.6, 75.5
 *         the same with 100 units; with 50 and 50                  76.2, 74.8 / 76.0, 74.5
 *     trained on 45,000 rows, validated on 5,000
 *         linear, 20 epochs, rate 0.001, lambda 0, 0.1             45.1, 44.9 / 44.1, 44.6
 *         3072-50-10, lambda 0.005, n_s 2250, 2 cycles             82.1 / 81.7
 */
#include "data/source.h"

#include <stddef.h>

#include "base/random.h"

#define SEED 0x6c616d696e61u          /* "lamina" */
#define PATTERN_SUBSTREAM 0x80000000u /* images have the substreams from 0 on */

#define MODES 2
#define GRID 8
#define PLANES 3
#define GRID_ROWS (PLANES * GRID)
#define CELLS (GRID_ROWS * GRID)

/* Amplitudes: one unit is a standard deviation of 147.8 / 256 = 0.58 grey levels. */
#define LINEAR 11
#define MODE 24
#define BLUR 110
#define GAIN_MIN 96 /* in units of 1 / GAIN_UNIT; 64 values: 0.75 .. 1.24 */
#define GAIN_UNIT 128
#define NOISE 3 /* grey levels per step of the noise, whose standard deviation is 6.5 steps */

/* Cells hold a grey level + CELL_OFFSET in 10 bits, so that 64 times that, a weighted sum of
 * four cells, fits the 16-bit lanes of the inner loop. */
#define GREY 128
#define CELL_OFFSET 384
#define CELL_MAX 1023
#define CELL_SHIFT 15 /* log2(256 * GAIN_UNIT) */

typedef struct pattern_set {
    int16_t linear[LAM_CLASS_COUNT][CELLS];
    int16_t modes[LAM_CLASS_COUNT][MODES][CELLS];
} pattern_set;

/** Sum of four uniform bytes less its mean: bell-shaped, standard deviation 147.8. */
static int draw_bell(lam_random *random)
{
    uint32_t word = lam_random_u32(random);
    uint32_t sum = (word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24);
    return (int)sum - 510;
}

static void draw_pattern(uint32_t substream, int16_t *ret_cells)
{
    lam_random random = lam_random_start(SEED, LAM_RANDOM_STREAM_SYNTHETIC, substream);
    for (int i = 0; i < CELLS; i++)
        ret_cells[i] = (int16_t)draw_bell(&random);
}

static void draw_patterns(pattern_set *ret_patterns)
{
    uint32_t substream = PATTERN_SUBSTREAM;
    for (int label = 0; label < LAM_CLASS_COUNT; label++) {
        draw_pattern(substream++, ret_patterns->linear[label]);
        for (int mode = 0; mode < MODES; mode++)
            draw_pattern(substream++, ret_patterns->modes[label][mode]);
    }
}

static void draw_cells(const pattern_set *patterns, int label, lam_random *random,
                       uint16_t *ret_cells)
{
    uint32_t word = lam_random_u32(random);
    const int16_t *linear = patterns->linear[label];
    const int16_t *mode = patterns->modes[label][word % MODES];
    int gain = MODE * (GAIN_MIN + (int)(word >> 8 & 63));
    if (word >> 31)
        gain = -gain;
    for (int i = 0; i < CELLS; i++) {
        int smooth = GAIN_UNIT * (LINEAR * linear[i] + BLUR * draw_bell(random));
        int sum = gain * mode[i] + smooth + (GREY + CELL_OFFSET) * (1 << CELL_SHIFT);
        int cell = sum < 0 ? 0 : sum >> CELL_SHIFT;
        ret_cells[i] = (uint16_t)(cell > CELL_MAX ? CELL_MAX : cell);
    }
}

/** Where a pixel's centre lies between the centres of two cells, and the weight of the second
 * in eighths; beyond the outer centres both cells are the outer one. */
typedef struct between {
    int low;
    int high;
    uint16_t weight;
} between;

static between locate_pixel(int pixel)
{
    /* In eighths of a cell, one cell further on to stay positive. */
    int centre = 2 * pixel + 1 - LAM_IMAGE_SIDE / GRID + 8;
    int low = centre / 8 - 1;
    return (between){low < 0 ? 0 : low, low + 1 < GRID ? low + 1 : GRID - 1,
                     (uint16_t)(centre % 8)};
}

/** Interpolates each row of cells to 32 pixels, in eighths. */
static void widen_cells(const uint16_t *cells, uint16_t ret_rows[GRID_ROWS][LAM_IMAGE_SIDE])
{
    for (int x = 0; x < LAM_IMAGE_SIDE; x++) {
        between place = locate_pixel(x);
        for (int row = 0; row < GRID_ROWS; row++) {
            int low = cells[row * GRID + place.low];
            int high = cells[row * GRID + place.high];
            ret_rows[row][x] = (uint16_t)(low * (8 - place.weight) + high * place.weight);
        }
    }
}

/** Interpolates between two rows of cells, adds noise and clips; noise is a random byte per
 * pixel, whose two halves add up to a triangular distribution. All in 16 bits. */
static void finish_row(const uint16_t *low, const uint16_t *high, uint16_t weight,
                       const uint8_t *noise, uint8_t *ret_pixels)
{
    uint16_t other = (uint16_t)(8 - weight);
    for (int x = 0; x < LAM_IMAGE_SIDE; x++) {
        uint16_t smooth = (uint16_t)((uint16_t)(low[x] * other) + (uint16_t)(high[x] * weight));
        int16_t steps = (int16_t)((noise[x] & 15) + (noise[x] >> 4) - 15);
        int16_t level = (int16_t)((smooth >> 6) - CELL_OFFSET + NOISE * steps);
        level = level < 0 ? 0 : level;
        ret_pixels[x] = (uint8_t)(level > 255 ? 255 : level);
    }
}

static void draw_noise(lam_random *random, uint8_t *ret_noise)
{
    for (int i = 0; i < LAM_IMAGE_INPUTS; i += 4) {
        uint32_t word = lam_random_u32(random);
        for (int j = 0; j < 4; j++)
            ret_noise[i + j] = (uint8_t)(word >> 8 * j);
    }
}

static void draw_image(const pattern_set *patterns, uint32_t substream, uint8_t *ret_image,
                       uint8_t *ret_label)
{
    lam_random random = lam_random_start(SEED, LAM_RANDOM_STREAM_SYNTHETIC, substream);
    uint16_t cells[CELLS];
    uint16_t rows[GRID_ROWS][LAM_IMAGE_SIDE];
    uint8_t noise[LAM_IMAGE_INPUTS];
    int label = (int)lam_random_below(&random, LAM_CLASS_COUNT);
    draw_cells(patterns, label, &random, cells);
    widen_cells(cells, rows);
    draw_noise(&random, noise);
    for (int y = 0; y < LAM_IMAGE_SIDE; y++) {
        between place = locate_pixel(y);
        for (int plane = 0; plane < PLANES; plane++) {
            int start = (plane * LAM_IMAGE_SIDE + y) * LAM_IMAGE_SIDE;
            finish_row(rows[plane * GRID + place.low], rows[plane * GRID + place.high],
                       place.weight, noise + start, ret_image + start);
        }
    }
    *ret_label = (uint8_t)label;
}

void lam_synthetic_draw(lam_stretch stretch, uint8_t *ret_images, uint8_t *ret_labels)
{
    pattern_set patterns;
    draw_patterns(&patterns);
    uint32_t row = (uint32_t)stretch.file * LAM_ROWS_PER_FILE + stretch.first;
    for (uint32_t i = 0; i < stretch.count; i++)
        draw_image(&patterns, row + i, ret_images + (size_t)i * LAM_IMAGE_INPUTS,
                   ret_labels + i);
}

const char *lam_synthetic_class_name(int class_index)
{
    static const char *const names[LAM_CLASS_COUNT] = {
        "class 0", "class 1", "class 2", "class 3", "class 4",
        "class 5", "class 6", "class 7", "class 8", "class 9",
    };
    return names[class_index];
}
