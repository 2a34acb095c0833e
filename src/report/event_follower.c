/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "lamina/event_log.h"
#include "report/event_file.h"
#include "report/event_run.h"
#include "train/run_directory.h"

struct lam_event_follower {
    lam_context *context;
    char *run_directory, *event_directory, *group;
    char *metrics_path;
    char *event_path; /* NULL before the file is begun */
    ino_t metrics;    /* a run that begins again or goes on has a new metrics.csv */
    off_t offset;     /* what of it was taken over */
    lam_event_clock clock;
};

lam_status lam_event_follower_create(lam_context *context, const char *run_directory,
                                     const char *event_directory, const char *group,
                                     lam_event_follower **ret_follower)
{
    lam_event_follower *follower = calloc(1, sizeof *follower);
    if (follower) {
        *follower = (lam_event_follower){.context = context,
                                         .run_directory = strdup(run_directory),
                                         .event_directory = strdup(event_directory),
                                         .group = strdup(group ? group : "")};
        if (follower->run_directory && follower->event_directory && follower->group &&
            asprintf(&follower->metrics_path, "%s/" LAM_RUN_METRICS, run_directory) >= 0) {
            *ret_follower = follower;
            return LAM_STATUS_OK;
        }
        follower->metrics_path = NULL;
    }
    lam_event_follower_destroy(&follower);
    return lam_fail_memory(context, event_directory, sizeof *follower);
}

void lam_event_follower_destroy(lam_event_follower **follower)
{
    if (!*follower)
        return;
    free((*follower)->run_directory);
    free((*follower)->event_directory);
    free((*follower)->group);
    free((*follower)->metrics_path);
    free((*follower)->event_path);
    free(*follower);
    *follower = NULL;
}

/* ---- reading on ---- */

static lam_status fail_file(const lam_event_follower *follower, lam_status status,
                            const char *path, const char *act)
{
    return lam_fail(follower->context, status,
                    "%s: cannot %s: %s; see to it, then write the events again with lamina "
                    "export --tensorboard",
                    path, act, strerror(errno));
}

/* What metrics.csv holds behind `offset`, up to the end of its last whole line. */
static lam_status read_lines(lam_event_follower *follower, int descriptor, size_t bytes,
                             char **ret_text)
{
    char *text = malloc(bytes + 1);
    if (!text)
        return lam_fail_memory(follower->context, follower->metrics_path, bytes);
    ssize_t count = pread(descriptor, text, bytes, follower->offset);
    if (count < 0) {
        free(text);
        return fail_file(follower, LAM_STATUS_BAD_MODEL, follower->metrics_path, "read");
    }
    while (count > 0 && text[count - 1] != '\n')
        count--;
    text[count] = '\0';
    follower->offset += count;
    *ret_text = text;
    return LAM_STATUS_OK;
}

static void append_rows(lam_event_follower *follower, const char *text, lam_strbuf *file)
{
    lam_measurement m;
    follower->clock.last_time = lam_clock_get_date();
    for (; *text; text = strchr(text, '\n') + 1) {
        if (!lam_run_metrics_parse(text, &m))
            continue; /* the headings */
        follower->clock.last_step = m.step;
        lam_event_append_measurement(file, follower->clock.last_time, &m);
    }
}

/* ---- writing on ---- */

static lam_status load_run(const lam_event_follower *follower, lam_run_set *ret_set)
{
    return lam_run_set_load(follower->context, follower->run_directory, ret_set);
}

static lam_status begin_file(lam_event_follower *follower, const lam_strbuf *rows)
{
    lam_run_set set;
    lam_strbuf file = {0};
    LAM_TRY(load_run(follower, &set));
    lam_event_append_start(follower->context, set.runs, follower->group,
                           follower->clock.last_time, &file);
    lam_run_set_free(&set);
    lam_strbuf_append_bytes(&file, lam_strbuf_text(rows), rows->length);
    file.failed |= rows->failed;
    free(follower->event_path);
    follower->event_path = NULL;
    lam_status status = lam_event_file_write(follower->context, follower->event_directory,
                                             &file, &follower->event_path);
    lam_strbuf_free(&file);
    return status;
}

/* In one write: whoever reads the file meets whole records. */
static lam_status append_to_file(const lam_event_follower *follower, const lam_strbuf *records)
{
    if (records->failed)
        return lam_fail_memory(follower->context, follower->event_path, records->length);
    int descriptor = open(follower->event_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (descriptor < 0)
        return fail_file(follower, LAM_STATUS_BAD_OUTPUT, follower->event_path, "write");
    errno = ENOSPC; /* unless the call says something else */
    ssize_t written = write(descriptor, lam_strbuf_text(records), records->length);
    int error = errno;
    close(descriptor);
    errno = error;
    return written == (ssize_t)records->length
               ? LAM_STATUS_OK
               : fail_file(follower, LAM_STATUS_BAD_OUTPUT, follower->event_path, "write");
}

static lam_status take_over(lam_event_follower *follower, int descriptor)
{
    struct stat info;
    char *text = NULL;
    if (fstat(descriptor, &info) != 0)
        return fail_file(follower, LAM_STATUS_BAD_MODEL, follower->metrics_path, "read");
    bool begins = !follower->event_path || info.st_ino != follower->metrics ||
                  info.st_size < follower->offset;
    if (begins) {
        follower->metrics = info.st_ino;
        follower->offset = 0;
    }
    if (info.st_size == follower->offset)
        return LAM_STATUS_OK;
    LAM_TRY(read_lines(follower, descriptor, (size_t)(info.st_size - follower->offset), &text));
    lam_strbuf rows = {0};
    append_rows(follower, text, &rows);
    lam_status status = begins ? begin_file(follower, &rows) : append_to_file(follower, &rows);
    lam_strbuf_free(&rows);
    free(text);
    return status;
}

lam_status lam_event_follower_update(lam_event_follower *follower)
{
    int descriptor = open(follower->metrics_path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ENOENT
                   ? LAM_STATUS_OK
                   : fail_file(follower, LAM_STATUS_BAD_MODEL, follower->metrics_path, "read");
    lam_status status = take_over(follower, descriptor);
    close(descriptor);
    return status;
}

lam_status lam_event_follower_finish(lam_event_follower *follower)
{
    lam_run_set set;
    lam_strbuf records = {0};
    LAM_TRY(lam_event_follower_update(follower));
    if (!follower->event_path)
        return LAM_STATUS_OK;
    LAM_TRY(load_run(follower, &set));
    lam_status status = LAM_STATUS_OK;
    if (strcmp(set.runs->status, "running") != 0)
        status = lam_event_append_end(follower->context, set.runs, &follower->clock, &records);
    if (status == LAM_STATUS_OK)
        status = append_to_file(follower, &records);
    lam_strbuf_free(&records);
    lam_run_set_free(&set);
    return status;
}
