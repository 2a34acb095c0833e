/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One member's values in a matrix of the whole population, real[rows, members*width].
 */
#ifndef LAM_NET_MEMBER_COLUMNS_H
#define LAM_NET_MEMBER_COLUMNS_H

#include <stdint.h>

#include "op/engine.h"

typedef struct lam_member_columns {
    size_t rows, width, members;
    size_t member; /* for writing also LAM_ALL_MEMBERS */
} lam_member_columns;

/** Every member gets the same values. */
#define LAM_ALL_MEMBERS SIZE_MAX

/** Where they are in the matrix. */
lam_columns lam_member_columns_locate(const lam_engine *engine,
                                      const lam_member_columns *columns);

/** Queues a copy of a member's values to a member of another population. Both have the same
 * rows and width. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_member_columns_copy(const lam_engine *engine, lam_buffer *to,
                                                const lam_member_columns *to_columns,
                                                const lam_buffer *from,
                                                const lam_member_columns *from_columns);

/** Copies between the member's columns and a matrix double[rows, width] of its own on the host.
 * Blocking. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_member_columns_read(const lam_engine *engine,
                                                const lam_buffer *buffer,
                                                const lam_member_columns *columns,
                                                double *ret_values);
LAM_MUST_USE lam_status lam_member_columns_write(const lam_engine *engine, lam_buffer *buffer,
                                                 const lam_member_columns *columns,
                                                 const double *values);

#endif
