/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an optimizer remembers of each parameter: nothing, a velocity, or Adam's two moments.
 */
#ifndef LAM_NET_OPTIMIZER_STATE_H
#define LAM_NET_OPTIMIZER_STATE_H

#include "net/graph.h"
#include "net/member_columns.h"
#include "net/memory_need.h"

typedef struct lam_optimizer_state {
    const lam_engine *engine;
    lam_graph graph;
    size_t members;
    lam_optimizer_type type;
    size_t count; /* of states: 0 to LAM_MAX_OPTIMIZER_STATES */
    /* Of each unit's tensors real[count, rows, members*out]; NULL where there are none. */
    lam_buffer *tensors[LAM_MAX_LAYERS][LAM_TRAINED_TENSOR_COUNT];
} lam_optimizer_state;

/** All zero. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_optimizer_state_create(const lam_engine *engine,
                                                   const lam_graph *graph, size_t members,
                                                   lam_optimizer_type type,
                                                   lam_optimizer_state **ret_state);
/** What lam_optimizer_state_create() would allocate. */
void lam_optimizer_state_add_need(const lam_engine *engine, const lam_graph *graph,
                                  size_t members, lam_optimizer_type type,
                                  lam_memory_need *need);
void lam_optimizer_state_destroy(lam_optimizer_state **state);

/** As it was created. Blocking. */
LAM_MUST_USE lam_status lam_optimizer_state_reset(lam_optimizer_state *state);

/** One member's states of a tensor that the unit has, [count, rows, out], doubles on the host.
 * Blocking. */
LAM_MUST_USE lam_status lam_optimizer_state_read(const lam_optimizer_state *state, int unit,
                                                 lam_tensor tensor, size_t member,
                                                 double *ret_values);
/** LAM_ALL_MEMBERS writes the same for every member. */
LAM_MUST_USE lam_status lam_optimizer_state_write(lam_optimizer_state *state, int unit,
                                                  lam_tensor tensor, size_t member,
                                                  const double *values);

/** Queues a copy of one member's states on the device to a member of another population of the
 * same shape and optimizer. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_optimizer_state_copy_member(lam_optimizer_state *to,
                                                        size_t to_member,
                                                        const lam_optimizer_state *from,
                                                        size_t from_member);

/** The whole population's as one member's: lam_parameters_view_whole(). */
lam_optimizer_state lam_optimizer_state_view_whole(const lam_optimizer_state *state);

#endif
