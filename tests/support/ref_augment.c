/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ref_augment.h"

#include <math.h>

#include "base/random.h"

#define IMAGE_BLOCK 0xffffffffu

static void draw_words(const ref_draw *draw, uint32_t block, uint32_t ret_words[4])
{
    lam_random random =
        lam_random_start(draw->seed, LAM_RANDOM_STREAM_AUGMENTATION, draw->step);
    random.position = (uint64_t)draw->row << 32 | block;
    for (int i = 0; i < 4; i++)
        ret_words[i] = lam_random_u32(&random);
}

static int draw_translation(uint32_t word, int translation)
{
    return (int)((uint64_t)word * (uint64_t)(2 * translation + 1) >> 32) - translation;
}

ref_change ref_draw_change(const lam_augmentation *augmentation, const ref_draw *draw)
{
    uint32_t words[4];
    draw_words(draw, IMAGE_BLOCK, words);
    return (ref_change){.flipped = words[0] / 4 < round(augmentation->flip * 0x1p30),
                        .tx = draw_translation(words[1], augmentation->translation),
                        .ty = draw_translation(words[2], augmentation->translation)};
}

void ref_draw_normals(const ref_draw *draw, double ret_normals[REF_INPUTS])
{
    const double turn = 6.283185307179586477;
    for (int block = 0; block < REF_INPUTS / 4; block++) {
        double *column = ret_normals + block / REF_SIDE * 4 * REF_SIDE + block % REF_SIDE;
        uint32_t words[4];
        draw_words(draw, (uint32_t)block, words);
        for (int pair = 0; pair < 4; pair += 2) {
            double radius = sqrt(-2 * log((words[pair] / 512 + 0.5) * 0x1p-23));
            double angle = turn * (words[pair + 1] / 512 + 0.5) * 0x1p-23;
            column[pair * REF_SIDE] = radius * cos(angle);
            column[(pair + 1) * REF_SIDE] = radius * sin(angle);
        }
    }
}

/* First the whole image is mirrored, then it is moved. */
static void move_image(const ref_change *change, const uint8_t image[REF_INPUTS],
                       const double scale[REF_INPUTS], const double shift[REF_INPUTS],
                       double ret_x[REF_INPUTS])
{
    uint8_t mirrored[REF_INPUTS];
    for (int k = 0; k < REF_INPUTS; k++)
        mirrored[k] =
            change->flipped ? image[k - k % REF_SIDE + REF_SIDE - 1 - k % REF_SIDE] : image[k];
    for (int k = 0; k < REF_INPUTS; k++) {
        int plane = k / (REF_SIDE * REF_SIDE);
        int row = k / REF_SIDE % REF_SIDE - change->ty, column = k % REF_SIDE - change->tx;
        bool is_inside = row >= 0 && row < REF_SIDE && column >= 0 && column < REF_SIDE;
        int from = (plane * REF_SIDE + row) * REF_SIDE + column;
        ret_x[k] = is_inside ? mirrored[from] * scale[k] + shift[k] : 0;
    }
}

void ref_augment(const lam_augmentation *augmentation, const ref_draw *draw,
                 const uint8_t image[REF_INPUTS], const double scale[REF_INPUTS],
                 const double shift[REF_INPUTS], double ret_x[REF_INPUTS])
{
    double normals[REF_INPUTS];
    const ref_change change = ref_draw_change(augmentation, draw);
    move_image(&change, image, scale, shift, ret_x);
    ref_draw_normals(draw, normals);
    for (int k = 0; k < REF_INPUTS; k++)
        ret_x[k] += augmentation->noise * normals[k];
}
