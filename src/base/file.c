/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "lamina/output.h"

static lam_status fail_output(lam_context *context, const char *path, int error)
{
    return lam_fail(
        context, LAM_STATUS_BAD_OUTPUT,
        "%s: cannot write: %s; choose another place (-o, --profile, --save) or free some space",
        path, strerror(error));
}

static int write_all(int descriptor, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

/* The rename itself must reach the disk too; a file system that cannot sync a folder
 * (EINVAL) has nothing more to offer. */
static int sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return ENOMEM;
    int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (descriptor < 0)
        return errno;
    int error = fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;
    close(descriptor);
    return error;
}

static int write_and_rename(int descriptor, const char *temporary, const char *path,
                            const void *bytes, size_t count)
{
    int error = write_all(descriptor, bytes, count);
    if (error == 0 && fchmod(descriptor, 0644) != 0)
        error = errno;
    if (error == 0 && fsync(descriptor) != 0)
        error = errno;
    if (close(descriptor) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error != 0) {
        unlink(temporary);
        return error;
    }
    return sync_folder_of(path);
}

/* An open file beside `path`; its name is the caller's to free, also after a failure. */
static lam_status open_temporary(lam_context *context, const char *path, lam_strbuf *temporary,
                                 int *ret_descriptor)
{
    lam_strbuf_append(temporary, "%s.XXXXXX", path);
    if (temporary->failed)
        return lam_fail_memory(context, path, strlen(path));
    int descriptor = mkostemp(temporary->text, O_CLOEXEC);
    if (descriptor < 0)
        return fail_output(context, path, errno);
    *ret_descriptor = descriptor;
    return LAM_STATUS_OK;
}

lam_status lam_file_write(lam_context *context, const char *path, const void *bytes,
                          size_t count)
{
    lam_strbuf temporary = {0};
    int descriptor = -1;
    lam_status status = open_temporary(context, path, &temporary, &descriptor);
    if (status == LAM_STATUS_OK) {
        int error = write_and_rename(descriptor, temporary.text, path, bytes, count);
        if (error != 0)
            status = fail_output(context, path, error);
    }
    lam_strbuf_free(&temporary);
    return status;
}

lam_status lam_output_save(lam_context *context, const char *path, const void *bytes,
                           size_t count)
{
    return lam_file_write(context, path, bytes, count);
}

static int sync_file(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    int error = fsync(descriptor) != 0 ? errno : 0;
    close(descriptor);
    return error;
}

lam_status lam_file_publish(lam_context *context, const char *temporary, const char *path)
{
    int error = sync_file(temporary);
    if (error == 0 && link(temporary, path) != 0 && errno != EEXIST)
        error = errno;
    if (error == 0)
        error = sync_folder_of(path);
    return error == 0 ? LAM_STATUS_OK : fail_output(context, path, error);
}

lam_status lam_file_replace(lam_context *context, const char *temporary, const char *path)
{
    int error = sync_file(temporary);
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error != 0)
        unlink(temporary);
    else
        error = sync_folder_of(path);
    return error == 0 ? LAM_STATUS_OK : fail_output(context, path, error);
}

lam_status lam_file_check_place(lam_context *context, const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return fail_output(context, path, S_ISDIR(info.st_mode) ? EISDIR : EEXIST);
    lam_strbuf temporary = {0};
    int descriptor = -1;
    lam_status status = open_temporary(context, path, &temporary, &descriptor);
    if (status == LAM_STATUS_OK) {
        close(descriptor);
        unlink(temporary.text);
    }
    lam_strbuf_free(&temporary);
    return status;
}

static lam_status read_open_file(lam_context *context, const char *path, int descriptor,
                                 size_t limit_bytes, lam_status failure_status,
                                 char **ret_bytes, size_t *ret_count)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return lam_fail(context, failure_status, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return lam_fail(context, failure_status, "%s: not a regular file; check the path",
                        path);
    if ((unsigned long long)info.st_size > limit_bytes)
        return lam_fail(context, failure_status,
                        "%s: %lld bytes, more than the %zu expected; check the path", path,
                        (long long)info.st_size, limit_bytes);
    size_t size = (size_t)info.st_size;
    char *bytes = malloc(size + 1);
    if (!bytes)
        return lam_fail_memory(context, path, size);
    size_t count = 0;
    while (count < size) {
        ssize_t got = read(descriptor, bytes + count, size - count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        count += (size_t)got;
    }
    if (count < size) {
        free(bytes);
        return lam_fail(context, failure_status, "%s: read stopped after %zu of %zu bytes",
                        path, count, size);
    }
    bytes[count] = '\0';
    *ret_bytes = bytes;
    *ret_count = count;
    return LAM_STATUS_OK;
}

lam_status lam_file_read(lam_context *context, const char *path, size_t limit_bytes,
                         lam_status failure_status, char **ret_bytes, size_t *ret_count)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return lam_fail(context, failure_status, "%s: cannot open: %s; check the path", path,
                        strerror(errno));
    lam_status status = read_open_file(context, path, descriptor, limit_bytes, failure_status,
                                       ret_bytes, ret_count);
    close(descriptor);
    return status;
}

static int create_each_parent(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0755) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed)
            return errno;
    }
    if (mkdir(path, 0755) == 0)
        return 0;
    if (errno != EEXIST)
        return errno;
    struct stat info;
    if (stat(path, &info) != 0)
        return errno;
    return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

lam_status lam_directory_create(lam_context *context, const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return lam_fail_memory(context, path, strlen(path));
    int error = *copy == '\0' ? ENOENT : create_each_parent(copy);
    free(copy);
    return error == 0 ? LAM_STATUS_OK : fail_output(context, path, error);
}
