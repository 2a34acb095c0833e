/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* TensorBoard takes every file for one of events that has "tfevents" in its name, and reads
 * those of a folder in the order of names. */
#define PREFIX "events.out.tfevents."
#define SUFFIX ".lamina" /* and what a temporary name adds, where a process was killed */

static bool is_ours(const char *name)
{
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && strstr(name, SUFFIX) != NULL;
}

static void remove_others(const char *directory, const char *kept)
{
    DIR *folder = opendir(directory);
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        if (is_ours(entry->d_name) && strcmp(entry->d_name, kept) != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
}

lam_status lam_event_file_write(lam_context *context, const char *directory,
                                const lam_strbuf *content, char **ret_path)
{
    char *path = NULL;
    if (content->failed ||
        asprintf(&path, "%s/" PREFIX "%017.6f" SUFFIX, directory, lam_clock_get_date()) < 0)
        return lam_fail_memory(context, directory, content->length);
    lam_status status = lam_directory_create(context, directory);
    if (status == LAM_STATUS_OK)
        status = lam_file_write(context, path, content->text, content->length);
    if (status == LAM_STATUS_OK)
        remove_others(directory, strrchr(path, '/') + 1);
    if (status == LAM_STATUS_OK && ret_path)
        *ret_path = path;
    else
        free(path);
    return status;
}
