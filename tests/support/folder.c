/* SPDX-License-Identifier: Apache-2.0 */
#include "support/folder.h"

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

test_folder test_folder_make(void)
{
    test_folder folder;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder.path, sizeof folder.path, "%s/lamina-test-XXXXXX",
             temporary ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

void test_folder_remove(const test_folder *folder)
{
    ck_assert_int_eq(nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *test_path(const test_folder *folder, const char *name)
{
    static char places[8][512];
    static int next;
    char *place = places[next++ % 8];
    snprintf(place, sizeof places[0], "%s/%s", folder->path, name);
    return place;
}

bool test_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int test_folder_count(const test_folder *folder)
{
    int count = 0;
    DIR *stream = opendir(folder->path);
    ck_assert_ptr_nonnull(stream);
    for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

void test_file_write(const char *path, const void *bytes, size_t count)
{
    FILE *stream = fopen(path, "wb");
    ck_assert_msg(stream != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, count, stream), count);
    ck_assert_int_eq(fclose(stream), 0);
}

void test_file_write_text(const char *path, const char *text)
{
    test_file_write(path, text, strlen(text));
}

char *test_file_read(const char *path, size_t *ret_count)
{
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "cannot read %s", path);
    ck_assert_int_eq(fseek(stream, 0, SEEK_END), 0);
    size_t count = (size_t)ftell(stream);
    rewind(stream);
    char *bytes = malloc(count + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, count, stream), count);
    bytes[count] = '\0';
    fclose(stream);
    if (ret_count)
        *ret_count = count;
    return bytes;
}
