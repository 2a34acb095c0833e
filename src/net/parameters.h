/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Weights and biases of a population on the device.
 */
#ifndef LAM_NET_PARAMETERS_H
#define LAM_NET_PARAMETERS_H

#include <stdint.h>

#include "net/graph.h"
#include "net/memory_need.h"

typedef struct lam_parameters {
    const lam_engine *engine;
    lam_graph graph;
    size_t members;
    lam_buffer *w[LAM_MAX_LAYERS]; /* real[in, members*out], one for each unit */
    lam_buffer *b[LAM_MAX_LAYERS]; /* real[members*out] */
} lam_parameters;

/** All zero. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_parameters_create(const lam_engine *engine, const lam_graph *graph,
                                              size_t members, lam_parameters **ret_parameters);
/** What lam_parameters_create() would allocate. */
void lam_parameters_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                             lam_memory_need *need);
void lam_parameters_destroy(lam_parameters **parameters);

/** One unit's values of one member: w[in, out] and b[out], doubles on the host. */
LAM_MUST_USE lam_status lam_parameters_read(const lam_parameters *parameters, int unit,
                                            size_t member, double *ret_w, double *ret_b);
/** The same values for every member. */
LAM_MUST_USE lam_status lam_parameters_write_all(lam_parameters *parameters, int unit,
                                                 const double *w, const double *b);

/** Draws every member's initial weights from `seed` (the same for all members), in double, the
 * same on every device; biases 0. */
LAM_MUST_USE lam_status lam_parameters_initialize(lam_parameters *parameters, uint64_t seed);

#endif
