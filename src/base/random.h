/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011) from Random123. A value is a pure function of
 * (seed, stream, substream, position), so any part of any stream can be drawn at any time,
 * in any order, on any machine, with the same result.
 */
#ifndef LAM_BASE_RANDOM_H
#define LAM_BASE_RANDOM_H

#include <stdint.h>

/** What the numbers are for: streams of one seed never overlap. Values are part of the
 * reproducibility promise and must not change. */
typedef enum lam_random_stream {
    LAM_RANDOM_STREAM_INITIALIZATION = 1, /* substream: parameter tensor */
    LAM_RANDOM_STREAM_ORDER = 2,          /* substream: epoch */
    LAM_RANDOM_STREAM_SAMPLING = 3,       /* substream: purpose of the sample */
    LAM_RANDOM_STREAM_SYNTHETIC = 4,      /* substream: image, or class prototype */
    /* Drawn on the device, in cl/common.clh: these words are the counter's last. */
    LAM_RANDOM_STREAM_DROPOUT = 5, /* counter: column / 4, row, step, stream + 256 * unit */
    LAM_RANDOM_STREAM_AUGMENTATION = 6, /* counter: see cl/augment.cl; row, step, stream */
    LAM_RANDOM_STREAM_SEARCH = 7,       /* substream: sampler; position: configuration */
} lam_random_stream;

/** A sequence within a stream; copyable. */
typedef struct lam_random {
    uint64_t seed;
    uint32_t stream;
    uint32_t substream;
    uint64_t position; /* index of the next 128-bit block */
    uint32_t block[4];
    int left; /* unused words in `block` */
} lam_random;

lam_random lam_random_start(uint64_t seed, lam_random_stream stream, uint32_t substream);

uint32_t lam_random_u32(lam_random *random);

/** Uniform in [0, bound), unbiased (Lemire, "Fast random integer generation in an
 * interval", 2019); bound > 0. */
uint32_t lam_random_below(lam_random *random, uint32_t bound);

/** Uniform in (0, 1), 32 bits of resolution. */
double lam_random_uniform(lam_random *random);

/** Standard normal (Box and Muller, 1958), computed in double precision. */
double lam_random_normal(lam_random *random);

/** Uniformly random permutation of 0 .. count-1 (Fisher and Yates). */
void lam_random_permutation(lam_random *random, int32_t *ret_order, uint32_t count);

#endif
