/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the samplers share.
 */
#ifndef LAM_SEARCH_SAMPLER_INTERNAL_H
#define LAM_SEARCH_SAMPLER_INTERNAL_H

#include "base/random.h"
#include "search/sampler.h"
#include "search/space_points.h"

/** Substreams of LAM_RANDOM_STREAM_SEARCH; their values must not change. */
enum {
    LAM_SEARCH_RANDOM = 0, /* position: number of the draw */
    LAM_SEARCH_SOBOL = 1,  /* the digital shift */
    LAM_SEARCH_TPE = 2,    /* position: configuration, see lam_search_random() */
    LAM_SEARCH_CMAES = 3,  /* the same */
};

/** What a sampler draws from for configuration number `index`. */
lam_random lam_search_random(uint64_t seed, uint32_t substream, int64_t index);

/** Uniform in (0, 1), 52 bits of resolution. */
double lam_random_fine_uniform(lam_random *random);

/** Draw number `number` of the random sampler, which may repeat an earlier one. */
void lam_random_draw_unit(const lam_space *space, uint64_t seed, int64_t number,
                          double ret_unit[LAM_MAX_PARAMETERS]);

/** None of past[0 .. index-1] is repeated, unless the space has no more points than those. */
LAM_MUST_USE lam_status lam_tpe_draw(lam_context *context, const lam_space *space,
                                     uint64_t seed, int64_t index, const lam_past_point *past,
                                     double ret_unit[LAM_MAX_PARAMETERS]);

/** Points may repeat where whole numbers are varied: the evolution needs all of its sample.
 * False where the generation before is not over. */
bool lam_cmaes_draw(const lam_space *space, uint64_t seed, int64_t index,
                    const lam_past_point *past, double ret_unit[LAM_MAX_PARAMETERS]);

#endif
