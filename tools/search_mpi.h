/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A study worked off by the processes that mpirun started, on any number of machines. Rank 0
 * keeps the study's file and answers for it; the others ask by messages. Any thread of theirs
 * may ask, and they take turns.
 */
#ifndef LAM_TOOLS_SEARCH_MPI_H
#define LAM_TOOLS_SEARCH_MPI_H

#include "tool.h"

/** This process among all, and among those of its machine. */
typedef struct search_ranks {
    int rank, size;
    process_share share;
} search_ranks;

bool search_mpi_is_built(void);

/** Once in a process, before it opens any device. What failed has been reported on stderr when
 * this returns; then search_mpi_end() is not to be called. */
LAM_MUST_USE lam_status search_mpi_start(search_ranks *ret_ranks);

/** On rank 0: answers by the functions of `keeper`, whose errors are in `context`, until all
 * other ranks have ended or are lost, and calls `tick` (NULL: nothing) about once a second.
 * On other ranks, with one rank and without MPI it returns at once. Once `context` is asked to
 * stop, other ranks are, too. */
void search_mpi_serve(lam_context *context, const lam_search_keeper *keeper,
                      void (*tick)(void *user), void *user);

/** On other ranks: the way to rank 0, for lam_remote_keeper_create(). Its user is NULL. */
char *search_mpi_exchange(void *user, const char *request, char (*ret_problem)[256]);

/** Every rank's last call, whatever went wrong: tells rank 0, and waits for the others, since
 * mpirun ends them all when one leaves with a status other than 0. For the same reason files
 * should be closed, and results written out, before it: where MPI does not come to its end
 * within seconds, the process ends here with `exit_status`. */
void search_mpi_end(int exit_status);

#endif
