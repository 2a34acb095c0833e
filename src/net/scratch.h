/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The buffers between a plan's launches: as few as the lives of what they hold allow.
 */
#ifndef LAM_NET_SCRATCH_H
#define LAM_NET_SCRATCH_H

#include "net/graph.h"
#include "net/memory_need.h"

typedef struct lam_scratch_shape {
    const lam_graph *graph;
    size_t rows, members;
    int tail;        /* the first of the units that are computed at once; unit_count if none */
    bool backward;   /* a backward pass follows the forward one */
    bool uses_batch; /* batch normalization takes the statistics of the rows at hand */
} lam_scratch_shape;

/** Of each unit, real[rows, members*out]. Units may share a buffer. */
typedef struct lam_scratch {
    lam_buffer *values[LAM_MAX_LAYERS];    /* outputs */
    lam_buffer *products[LAM_MAX_LAYERS];  /* x W + b before an epilogue; may be the value */
    lam_buffer *gradients[LAM_MAX_LAYERS]; /* of the values; NULL without a backward pass */
    lam_buffer *skips[LAM_MAX_LAYERS];     /* gradients of the values from additions in later
                                              units; NULL where there are none */
} lam_scratch;

/** The plan owns the buffers. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_scratch_create(const lam_engine *engine, lam_plan *plan,
                                           const lam_scratch_shape *shape,
                                           lam_scratch *ret_scratch);

/** What lam_scratch_create() would allocate. */
void lam_scratch_add_need(const lam_engine *engine, const lam_scratch_shape *shape,
                          lam_memory_need *need);

#endif
