/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct event_logs {
    lam_context *context;
    size_t count;
    bool has_failed; /* which was said, and training goes on without them */
    lam_event_follower *followers[];
};

/* The last part of a path, with whatever slashes end it. */
static const char *get_base(const char *path)
{
    const char *base = path + strlen(path);
    while (base > path && base[-1] == '/')
        base--;
    while (base > path && base[-1] != '/')
        base--;
    return base;
}

static void settle_home(const training_request *request, char home[PATH_MAX])
{
    if (*request->event_directory)
        snprintf(home, PATH_MAX, "%s/%s", request->event_directory,
                 get_base(request->directory));
    else
        snprintf(home, PATH_MAX, "%s/tensorboard", request->directory);
}

static lam_status add_follower(event_logs *logs, const training_request *request,
                               const char *home)
{
    const seed_list *seeds = &request->seeds;
    char run[PATH_MAX + 32], events[PATH_MAX + 32], member[32] = "";
    if (seeds->count > 0)
        snprintf(member, sizeof member, "/seed-%" PRIu64, seeds->seeds[logs->count]);
    snprintf(run, sizeof run, "%s%s", request->directory, member);
    snprintf(events, sizeof events, "%s%s", home, member);
    lam_status status = lam_event_follower_create(
        logs->context, run, events, seeds->count > 0 ? get_base(request->directory) : NULL,
        &logs->followers[logs->count]);
    logs->count += status == LAM_STATUS_OK;
    return status;
}

static void check(event_logs *logs, lam_status status)
{
    if (status == LAM_STATUS_OK)
        return;
    logs->has_failed = true;
    fprintf(stderr, "lamina: warning: %s; training goes on without event files\n",
            lam_error_message(logs->context));
}

event_logs *event_logs_open(lam_context *context, const training_request *request)
{
    char home[PATH_MAX];
    size_t count = request->seeds.count > 0 ? request->seeds.count : 1;
    event_logs *logs = NULL;
    if (request->event_directory)
        logs = calloc(1, sizeof *logs + count * sizeof(lam_event_follower *));
    if (!logs)
        return NULL;
    logs->context = context;
    settle_home(request, home);
    for (size_t i = 0; i < count && !logs->has_failed; i++)
        check(logs, add_follower(logs, request, home));
    return logs;
}

void event_logs_update(event_logs *logs)
{
    for (size_t i = 0; logs && i < logs->count && !logs->has_failed; i++)
        check(logs, lam_event_follower_update(logs->followers[i]));
}

void event_logs_close(event_logs **logs, bool has_trained)
{
    if (!*logs)
        return;
    for (size_t i = 0; i < (*logs)->count; i++) {
        if (has_trained && !(*logs)->has_failed)
            check(*logs, lam_event_follower_finish((*logs)->followers[i]));
        lam_event_follower_destroy(&(*logs)->followers[i]);
    }
    free(*logs);
    *logs = NULL;
}
