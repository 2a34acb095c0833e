/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Who a worker is, so that others can tell whether it is alive.
 */
#ifndef LAM_SEARCH_IDENTITY_H
#define LAM_SEARCH_IDENTITY_H

#include "lamina/search.h"

/** This process on this host, with a name that no other worker has or will have. */
lam_worker_identity lam_worker_identity_create(const char *device);

/** The clock ticks since boot at which a process of this host began; -1 where there is none. */
int64_t lam_process_get_start(int64_t pid);

/** True where the worker is a process of this host, since it was booted, that is gone. */
bool lam_worker_is_dead(const lam_worker_identity *worker);

#endif
