/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

struct lam_context {
    const lam_context *parent; /* whose stop requests count here, too; NULL for none */
    lam_strbuf message;
    lam_log_function *log;
    void *log_user;
    lam_strbuf warned; /* texts of lam_warn_once(), one a line */
    atomic_bool stop_requested;
};

static const struct {
    const char *name;
    int exit_code;
    const char *text;
} status_table[] = {
#define LAM_STATUS_ROW(name, exit_status, text) {#name, exit_status, text},
    LAM_STATUS_LIST(LAM_STATUS_ROW)
#undef LAM_STATUS_ROW
};

static bool status_is_known(lam_status status)
{
    return (size_t)status < sizeof status_table / sizeof status_table[0];
}

const char *lam_status_name(lam_status status)
{
    return status_is_known(status) ? status_table[status].name : "UNKNOWN";
}

const char *lam_status_text(lam_status status)
{
    return status_is_known(status) ? status_table[status].text : "unknown status";
}

int lam_status_exit_code(lam_status status)
{
    return status_is_known(status) ? status_table[status].exit_code : 1;
}

lam_status lam_context_create(lam_context **ret_context)
{
    lam_context *context = calloc(1, sizeof *context);
    if (!context)
        return LAM_STATUS_NO_MEMORY;
    *ret_context = context;
    return LAM_STATUS_OK;
}

lam_status lam_context_create_child(const lam_context *parent, lam_context **ret_context)
{
    lam_context *context = NULL;
    LAM_TRY(lam_context_create(&context));
    context->parent = parent;
    lam_context_set_log(context, parent->log, parent->log_user);
    *ret_context = context;
    return LAM_STATUS_OK;
}

void lam_context_destroy(lam_context **context)
{
    if (!*context)
        return;
    lam_strbuf_free(&(*context)->message);
    lam_strbuf_free(&(*context)->warned);
    free(*context);
    *context = NULL;
}

void lam_context_set_log(lam_context *context, lam_log_function *function, void *user)
{
    context->log = function;
    context->log_user = user;
}

const char *lam_error_message(const lam_context *context)
{
    return lam_strbuf_text(&context->message);
}

void lam_context_request_stop(lam_context *context)
{
    atomic_store(&context->stop_requested, true);
}

void lam_context_withdraw_stop(lam_context *context)
{
    atomic_store(&context->stop_requested, false);
}

bool lam_stop_requested(const lam_context *context)
{
    return atomic_load(&context->stop_requested) ||
           (context->parent && lam_stop_requested(context->parent));
}

lam_status lam_fail(lam_context *context, lam_status status, const char *format, ...)
{
    /* Built aside first: the arguments may quote the message being replaced. */
    lam_strbuf message = {0};
    va_list arguments;
    va_start(arguments, format);
    lam_strbuf_append_v(&message, format, arguments);
    va_end(arguments);
    lam_strbuf_free(&context->message);
    context->message = message;
    return status;
}

lam_status lam_fail_memory(lam_context *context, const char *what, unsigned long long bytes)
{
    return lam_fail(context, LAM_STATUS_NO_MEMORY,
                    "cannot allocate %llu bytes of host memory for %s; close other programs "
                    "or use a smaller data set, batch or network",
                    bytes, what);
}

void lam_log(lam_context *context, lam_log_level level, const char *format, ...)
{
    if (!context->log)
        return;
    lam_strbuf message = {0};
    va_list arguments;
    va_start(arguments, format);
    lam_strbuf_append_v(&message, format, arguments);
    va_end(arguments);
    context->log(context->log_user, level, lam_strbuf_text(&message));
    lam_strbuf_free(&message);
}

void lam_warn_once(lam_context *context, const char *format, ...)
{
    lam_strbuf message = {0};
    va_list arguments;
    va_start(arguments, format);
    lam_strbuf_append_v(&message, format, arguments);
    va_end(arguments);
    if (!strstr(lam_strbuf_text(&context->warned), lam_strbuf_text(&message))) {
        lam_log(context, LAM_LOG_LEVEL_WARNING, "%s", lam_strbuf_text(&message));
        lam_strbuf_append(&context->warned, "%s\n", lam_strbuf_text(&message));
    }
    lam_strbuf_free(&message);
}
