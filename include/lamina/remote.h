/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A study that another process keeps: its keeper's functions as messages. What carries them is
 * the caller's; `lamina search run --mpi` does it by MPI.
 */
#ifndef LAMINA_REMOTE_H
#define LAMINA_REMOTE_H

#include "lamina/search.h"

LAM_BEGIN_DECLS

/**
 * Carries a request to the process that keeps the study and brings the answer: JSON texts,
 * both. Blocking, and not to be given up when the program is asked to stop, since that is when
 * trials are given back. The answer is the caller's to free() and NULL after a failure, whose
 * text is in ret_problem.
 */
typedef char *lam_remote_exchange_function(void *user, const char *request,
                                           char (*ret_problem)[256]);

typedef struct lam_remote_keeper lam_remote_keeper;

/**
 * Asks for the study's plan. Errors: BAD_STUDY (nobody answers, not so that it can be read, or
 * in another version's words) and what the other process met with. The caller owns the result,
 * which is for one thread, the context's.
 */
LAM_API LAM_MUST_USE lam_status lam_remote_keeper_create(lam_context *context,
                                                         lam_remote_exchange_function *exchange,
                                                         void *user,
                                                         lam_remote_keeper **ret_remote);
LAM_API void lam_remote_keeper_destroy(lam_remote_keeper **remote);

/** Its functions fail as the other process's do, with the same texts; when that one is asked to
 * stop, so is the context. Borrows `remote`. */
LAM_API lam_search_keeper lam_remote_keeper_get_keeper(lam_remote_keeper *remote);

/**
 * Answers a request by the functions of `keeper`, whose errors are in `context`. Those go into
 * the answer, and so does what is wrong with the request, and that `context` was asked to stop.
 * The caller frees it with free(). Errors: NO_MEMORY.
 */
LAM_API LAM_MUST_USE lam_status lam_remote_answer(lam_context *context,
                                                  const lam_search_keeper *keeper,
                                                  const char *request, char **ret_answer);

LAM_END_DECLS

#endif
