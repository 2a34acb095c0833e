/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The tensors of a population on the device: what is trained, and running statistics.
 */
#ifndef LAM_NET_PARAMETERS_H
#define LAM_NET_PARAMETERS_H

#include <stdint.h>

#include "net/graph.h"
#include "net/member_columns.h"
#include "net/memory_need.h"

typedef struct lam_parameters {
    const lam_engine *engine;
    lam_graph graph; /* the first member's, whose shape all have */
    size_t members;
    lam_graph *graphs; /* [members]: each one's own numbers (lam_parameters_create_each()) */
    /* Of each unit, real[rows, members*out] (net/graph.h); NULL where it has none. */
    lam_buffer *tensors[LAM_MAX_LAYERS][LAM_TENSOR_COUNT];
} lam_parameters;

/** All zero. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_parameters_create(const lam_engine *engine, const lam_graph *graph,
                                              size_t members, lam_parameters **ret_parameters);
/** The same with a graph for each member, graphs[members]: they differ in nothing but l2,
 * label_smoothing, and the units' initialization and dropout_rate. */
LAM_MUST_USE lam_status lam_parameters_create_each(const lam_engine *engine,
                                                   const lam_graph *graphs, size_t members,
                                                   lam_parameters **ret_parameters);
/** What lam_parameters_create() would allocate. */
void lam_parameters_add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                             lam_memory_need *need);
void lam_parameters_destroy(lam_parameters **parameters);

/** The same parameters with other buffers of statistics, real[2, members*out] for each unit
 * with batch normalization. A view: it borrows, and is not to be destroyed. */
lam_parameters lam_parameters_view(const lam_parameters *parameters,
                                   lam_buffer *const statistics[LAM_MAX_LAYERS]);

/** One member's values [rows, out] of a tensor that the unit has, doubles on the host. */
LAM_MUST_USE lam_status lam_parameters_read(const lam_parameters *parameters, int unit,
                                            lam_tensor tensor, size_t member,
                                            double *ret_values);
/** Writes one member's, or with LAM_ALL_MEMBERS the same values for every member. */
LAM_MUST_USE lam_status lam_parameters_write(lam_parameters *parameters, int unit,
                                             lam_tensor tensor, size_t member,
                                             const double *values);

/** Queues a copy of one member's tensors, running statistics included, on the device, to a
 * member of other parameters of the same shape. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_parameters_copy_member(lam_parameters *to, size_t to_member,
                                                   const lam_parameters *from,
                                                   size_t from_member);

/** The whole population as one member: its members are columns of wider tensors. Of use for
 * reading and writing alone. Borrows the tensors: not to be destroyed. */
lam_parameters lam_parameters_view_whole(const lam_parameters *parameters);

/** Draws a member's initial weights from `seed`, in double, the same on every device; gamma and
 * variances 1, all else 0. LAM_ALL_MEMBERS gives every member those of the first. */
LAM_MUST_USE lam_status lam_parameters_initialize(lam_parameters *parameters, size_t member,
                                                  uint64_t seed);

#endif
