/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Whether the process behind a worker's identity still lives (lamina/search.h).
 */
#ifndef LAM_SEARCH_PROCESS_H
#define LAM_SEARCH_PROCESS_H

#include "lamina/search.h"

/** True where it ran on this host since its start, and no longer does. False where this process
 * cannot tell. */
bool lam_worker_identity_is_dead(const lam_worker_identity *identity);

#endif
