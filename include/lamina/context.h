/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The context: error detail, log messages and the request to stop. It owns no device and
 * no memory but its own, and must outlive every object made with it. One thread at a time.
 */
#ifndef LAMINA_CONTEXT_H
#define LAMINA_CONTEXT_H

#include <stdbool.h>

#include "lamina/export.h"
#include "lamina/status.h"

LAM_BEGIN_DECLS

typedef struct lam_context lam_context;

typedef enum lam_log_level {
    LAM_LOG_LEVEL_DEBUG,
    LAM_LOG_LEVEL_INFO,
    LAM_LOG_LEVEL_WARNING,
} lam_log_level;

/** Receives one message without a trailing newline. `message` is borrowed for the call. */
typedef void lam_log_function(void *user, lam_log_level level, const char *message);

/** Makes a context. Errors: NO_MEMORY. The caller owns it. */
LAM_API LAM_MUST_USE lam_status lam_context_create(lam_context **ret_context);

/**
 * Makes a context for another thread: requests to stop `parent` reach it, too, and it starts
 * with the same log function, which then must be safe to call from several threads. `parent`
 * must outlive it. Errors: NO_MEMORY. The caller owns it.
 */
LAM_API LAM_MUST_USE lam_status lam_context_create_child(const lam_context *parent,
                                                         lam_context **ret_context);

/** Frees the context and sets the handle to NULL; accepts a pointer to NULL. */
LAM_API void lam_context_destroy(lam_context **context);

/** Sends log messages to `function`; NULL (the default) discards them. */
LAM_API void lam_context_set_log(lam_context *context, lam_log_function *function, void *user);

/**
 * The detail of the latest failure: what, where and what to do next; "" before the first.
 * Borrowed, valid until the next failing call with this context.
 */
LAM_API const char *lam_error_message(const lam_context *context);

/**
 * Asks long-running calls to stop at the next safe point and return INTERRUPTED.
 * The one function that another thread or a signal handler may call.
 */
LAM_API void lam_context_request_stop(lam_context *context);

/** Takes the context's own request back, so that later calls run: what was interrupted can go
 * on with the same device. */
LAM_API void lam_context_withdraw_stop(lam_context *context);

/** True once a stop was requested of the context or its parent. */
LAM_API bool lam_stop_requested(const lam_context *context);

LAM_END_DECLS

#endif
