/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/search.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "" where the file cannot be read. */
static void read_line(const char *path, char *text, int bytes)
{
    FILE *stream = fopen(path, "re");
    text[0] = '\0';
    if (stream && !fgets(text, bytes, stream))
        text[0] = '\0';
    if (stream)
        fclose(stream);
    text[strcspn(text, "\n")] = '\0';
}

/* When the process began, in clock ticks since the host did; -1 where there is none. One that
 * was killed stays a zombie until its parent looks. */
static int64_t find_start(int64_t pid)
{
    char path[64], line[1024], state = '\0';
    unsigned long long start = 0;
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    read_line(path, line, sizeof line);
    const char *name_end = strrchr(line, ')'); /* the name may hold anything */
    /* Fields 3 (state) and 22 (start) of proc(5). */
    int got =
        !name_end
            ? 0
            : sscanf(name_end + 1,
                     " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                     "%*s %*s %llu",
                     &state, &start);
    return got == 2 && state != 'Z' && state != 'X' ? (int64_t)start : -1;
}

static int64_t find_pid_namespace(void)
{
    struct stat info;
    return stat("/proc/self/ns/pid", &info) == 0 ? (int64_t)info.st_ino : 0;
}

static void fill_host(lam_worker_identity *identity)
{
    if (gethostname(identity->host, sizeof identity->host) != 0)
        identity->host[0] = '\0';
    identity->host[sizeof identity->host - 1] = '\0';
    read_line("/proc/sys/kernel/random/boot_id", identity->boot_id, sizeof identity->boot_id);
}

void lam_worker_identity_fill(lam_worker_identity *identity)
{
    fill_host(identity);
    identity->pid = getpid();
    identity->process_start = find_start(identity->pid);
    identity->pid_namespace = find_pid_namespace();
}

/* Host names alone may be shared ("localhost"); the kernel's boot id is not. */
static bool is_of_here(const lam_worker_identity *identity)
{
    lam_worker_identity here = {0};
    fill_host(&here);
    return *here.boot_id && strcmp(here.boot_id, identity->boot_id) == 0 &&
           strcmp(here.host, identity->host) == 0 &&
           find_pid_namespace() == identity->pid_namespace;
}

/* Of another user, /proc may show nothing, but the kernel still says whether there is one. */
static bool is_hidden(int64_t pid)
{
    return find_start(pid) < 0 && kill((pid_t)pid, 0) != 0 && errno == EPERM;
}

lam_worker_life lam_worker_identity_find_life(const lam_worker_identity *identity)
{
    if (!is_of_here(identity) || is_hidden(identity->pid))
        return LAM_WORKER_LIFE_UNKNOWN;
    return find_start(identity->pid) == identity->process_start ? LAM_WORKER_LIFE_ALIVE
                                                                : LAM_WORKER_LIFE_DEAD;
}
