/* SPDX-License-Identifier: Apache-2.0 */
#include "search/identity.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Field 22 of /proc/<pid>/stat; the second field is a name in parentheses that may hold any
 * character. */
int64_t lam_process_get_start(int64_t pid)
{
    char path[40], text[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    int64_t start = -1;
    const char *field = strrchr(text, ')');
    for (int number = 2; field && number < 22; number++)
        field = strchr(field + 1, ' ');
    return field && sscanf(field, "%" SCNd64, &start) == 1 ? start : -1;
}

static void read_boot_id(char text[40])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    text[0] = '\0';
    if (!file)
        return;
    if (fscanf(file, "%39s", text) != 1)
        text[0] = '\0';
    fclose(file);
}

static void read_host(char text[64])
{
    if (gethostname(text, 64) != 0)
        text[0] = '\0';
    text[63] = '\0';
}

lam_worker_identity lam_worker_identity_create(const char *device)
{
    static atomic_int count;
    lam_worker_identity worker = {.pid = getpid()};
    read_host(worker.host);
    read_boot_id(worker.boot_id);
    worker.process_start = lam_process_get_start(worker.pid);
    snprintf(worker.name, sizeof worker.name, "%.24s:%" PRId64 ":%" PRId64 ":%d", worker.host,
             worker.pid, worker.process_start, atomic_fetch_add(&count, 1));
    snprintf(worker.device, sizeof worker.device, "%s", device);
    return worker;
}

bool lam_worker_is_dead(const lam_worker_identity *worker)
{
    char host[64], boot_id[40];
    read_host(host);
    read_boot_id(boot_id);
    if (strcmp(host, worker->host) != 0)
        return false;
    return strcmp(boot_id, worker->boot_id) != 0 ||
           lam_process_get_start(worker->pid) != worker->process_start;
}
