/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <math.h>

#include <Random123/philox.h>

lam_random lam_random_start(uint64_t seed, lam_random_stream stream, uint32_t substream)
{
    return (lam_random){.seed = seed, .stream = (uint32_t)stream, .substream = substream};
}

static void refill(lam_random *random)
{
    philox4x32_ctr_t counter = {{(uint32_t)random->position, (uint32_t)(random->position >> 32),
                                 random->substream, random->stream}};
    philox4x32_key_t key = {{(uint32_t)random->seed, (uint32_t)(random->seed >> 32)}};
    philox4x32_ctr_t block = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        random->block[i] = block.v[i];
    random->position++;
    random->left = 4;
}

uint32_t lam_random_u32(lam_random *random)
{
    if (random->left == 0)
        refill(random);
    return random->block[4 - random->left--];
}

uint32_t lam_random_below(lam_random *random, uint32_t bound)
{
    uint64_t product = (uint64_t)lam_random_u32(random) * bound;
    uint32_t rejected_below = (uint32_t)-bound % bound;
    while ((uint32_t)product < rejected_below)
        product = (uint64_t)lam_random_u32(random) * bound;
    return (uint32_t)(product >> 32);
}

double lam_random_uniform(lam_random *random)
{
    return (lam_random_u32(random) + 0.5) * 0x1p-32;
}

double lam_random_normal(lam_random *random)
{
    double radius = sqrt(-2.0 * log(lam_random_uniform(random)));
    return radius * cos(6.283185307179586477 * lam_random_uniform(random));
}

void lam_random_permutation(lam_random *random, int32_t *ret_order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ret_order[i] = (int32_t)i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = lam_random_below(random, i);
        int32_t moved = ret_order[i - 1];
        ret_order[i - 1] = ret_order[j];
        ret_order[j] = moved;
    }
}
