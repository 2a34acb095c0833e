/* SPDX-License-Identifier: Apache-2.0 */
#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

#define RECORD_BYTES (1 + LAM_IMAGE_INPUTS)
#define FILE_BYTES ((long long)LAM_ROWS_PER_FILE * RECORD_BYTES)
/* About 200 kB: stays in the cache between the read and the copies out of it. */
#define RECORDS_PER_READ 64

#define WHERE_TO_GET                                                                           \
    "point --data at the folder with data_batch_1.bin .. test_batch.bin, run "                 \
    "tools/fetch-cifar10, or use --data synthetic"
#define FETCH_AGAIN "fetch the file again with tools/fetch-cifar10"

/** An open file; `path` for messages. */
typedef struct record_file {
    lam_context *context;
    const char *path;
    int descriptor;
} record_file;

static lam_status check_file(const record_file *file)
{
    struct stat info;
    if (fstat(file->descriptor, &info) != 0)
        return lam_fail(file->context, LAM_STATUS_BAD_DATA, "%s: cannot read: %s", file->path,
                        strerror(errno));
    if (!S_ISREG(info.st_mode))
        return lam_fail(file->context, LAM_STATUS_BAD_DATA, "%s: %s; " WHERE_TO_GET, file->path,
                        S_ISDIR(info.st_mode) ? "is a folder, not a file"
                                              : "not a regular file");
    long long size = info.st_size;
    if (size == FILE_BYTES)
        return LAM_STATUS_OK;
    if (size == 0)
        return lam_fail(file->context, LAM_STATUS_BAD_DATA, "%s: empty; " FETCH_AGAIN,
                        file->path);
    return lam_fail(file->context, LAM_STATUS_BAD_DATA,
                    "%s: %s: %lld bytes instead of %lld; " FETCH_AGAIN, file->path,
                    size < FILE_BYTES ? "truncated" : "too long", size, FILE_BYTES);
}

/** Fills `bytes` from `offset` on; the size was checked, so a short file is being changed. */
static lam_status read_exactly(const record_file *file, uint8_t *bytes, size_t count,
                               off_t offset)
{
    while (count > 0) {
        ssize_t got = pread(file->descriptor, bytes, count, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return lam_fail(file->context, LAM_STATUS_BAD_DATA,
                            "%s: cannot read at byte %lld: %s; " FETCH_AGAIN, file->path,
                            (long long)offset, strerror(errno));
        if (got == 0)
            return lam_fail(file->context, LAM_STATUS_BAD_DATA,
                            "%s: ended at byte %lld of %lld while being read; " FETCH_AGAIN,
                            file->path, (long long)offset, FILE_BYTES);
        bytes += got;
        count -= (size_t)got;
        offset += got;
    }
    return LAM_STATUS_OK;
}

/** Takes records apart; `first` is the number of the first of them in the file. */
static lam_status unpack_records(const record_file *file, const uint8_t *records,
                                 uint32_t first, uint32_t count, uint8_t *images,
                                 uint8_t *labels)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *record = records + (size_t)i * RECORD_BYTES;
        if (record[0] >= LAM_CLASS_COUNT)
            return lam_fail(file->context, LAM_STATUS_BAD_DATA,
                            "%s: record %u (counted from 0) has label %d, above %d; the file "
                            "is damaged or not CIFAR-10's binary version: " FETCH_AGAIN,
                            file->path, first + i, record[0], LAM_CLASS_COUNT - 1);
        labels[i] = record[0];
        memcpy(images + (size_t)i * LAM_IMAGE_INPUTS, record + 1, LAM_IMAGE_INPUTS);
    }
    return LAM_STATUS_OK;
}

static lam_status read_stretch(const record_file *file, lam_stretch stretch, uint8_t *images,
                               uint8_t *labels)
{
    LAM_TRY(check_file(file));
    size_t buffer_bytes = (size_t)RECORDS_PER_READ * RECORD_BYTES;
    uint8_t *buffer = malloc(buffer_bytes);
    if (!buffer)
        return lam_fail_memory(file->context, file->path, buffer_bytes);
    lam_status status = LAM_STATUS_OK;
    for (uint32_t done = 0; done < stretch.count && status == LAM_STATUS_OK;) {
        uint32_t first = stretch.first + done;
        uint32_t left = stretch.count - done;
        uint32_t count = left < RECORDS_PER_READ ? left : RECORDS_PER_READ;
        status = read_exactly(file, buffer, (size_t)count * RECORD_BYTES,
                              (off_t)first * RECORD_BYTES);
        if (status == LAM_STATUS_OK)
            status = unpack_records(file, buffer, first, count,
                                    images + (size_t)done * LAM_IMAGE_INPUTS, labels + done);
        done += count;
    }
    free(buffer);
    return status;
}

static lam_status open_and_read(lam_context *context, const char *path, lam_stretch stretch,
                                uint8_t *images, uint8_t *labels)
{
    /* Without O_NONBLOCK, a pipe of that name would wait for a writer for ever. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return errno == ENOENT
                   ? lam_fail(context, LAM_STATUS_BAD_DATA, "%s: not found; " WHERE_TO_GET,
                              path)
                   : lam_fail(context, LAM_STATUS_BAD_DATA,
                              "%s: cannot open: %s; " WHERE_TO_GET, path, strerror(errno));
    record_file file = {context, path, descriptor};
    lam_status status = read_stretch(&file, stretch, images, labels);
    close(descriptor);
    return status;
}

lam_status lam_cifar10_read(lam_context *context, const char *directory, lam_stretch stretch,
                            uint8_t *ret_images, uint8_t *ret_labels)
{
    if (!directory || directory[0] == '\0')
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "no folder with CIFAR-10 was named; " WHERE_TO_GET);
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s%s", directory,
                      directory[strlen(directory) - 1] == '/' ? "" : "/");
    if (stretch.file == LAM_TEST_FILE)
        lam_strbuf_append(&path, "test_batch.bin");
    else
        lam_strbuf_append(&path, "data_batch_%d.bin", stretch.file + 1);
    lam_status status =
        path.failed ? lam_fail_memory(context, "a path", strlen(directory))
                    : open_and_read(context, path.text, stretch, ret_images, ret_labels);
    lam_strbuf_free(&path);
    return status;
}

const char *lam_cifar10_class_name(int class_index)
{
    static const char *const names[LAM_CLASS_COUNT] = {
        "airplane", "automobile", "bird",  "cat",  "deer",
        "dog",      "frog",       "horse", "ship", "truck",
    };
    return names[class_index];
}
