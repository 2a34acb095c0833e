/* SPDX-License-Identifier: Apache-2.0 */
#include "data/normalization.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define PIXEL_MAX 255
#define ROW_LIMIT (LAM_TRAIN_FILE_COUNT * LAM_ROWS_PER_FILE)

/* 32 bits hold the sums of the largest training split, and vectorize twice as wide as 64. */
static_assert(ROW_LIMIT <= UINT32_MAX / (PIXEL_MAX * PIXEL_MAX), "a sum of squares overflows");

typedef struct pixel_sums {
    uint32_t pixels[LAM_IMAGE_INPUTS];
    uint32_t squares[LAM_IMAGE_INPUTS];
} pixel_sums;

static void add_row(const uint8_t *restrict image, pixel_sums *restrict sums)
{
    for (int i = 0; i < LAM_IMAGE_INPUTS; i++) {
        /* 16 bits: SSE2 multiplies those eight at a time, but has no 32-bit product. */
        uint16_t square = (uint16_t)(image[i] * image[i]);
        sums->pixels[i] += image[i];
        sums->squares[i] += square;
    }
}

void lam_normalization_measure(const uint8_t *images, uint32_t rows, double *ret_mean,
                               double *ret_deviation)
{
    assert(rows > 0 && rows <= ROW_LIMIT);
    pixel_sums sums = {0};
    for (uint32_t row = 0; row < rows; row++)
        add_row(images + (size_t)row * LAM_IMAGE_INPUTS, &sums);
    double scale = (double)rows * PIXEL_MAX;
    for (int i = 0; i < LAM_IMAGE_INPUTS; i++) {
        uint64_t sum = sums.pixels[i];
        /* n^2 times the variance, exact: no cancellation, and 0 means constant. */
        uint64_t spread = rows * (uint64_t)sums.squares[i] - sum * sum;
        ret_mean[i] = (double)sum / scale;
        ret_deviation[i] = spread ? sqrt((double)spread) / scale : 1;
    }
}
