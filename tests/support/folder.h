/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Temporary folders and the files in them.
 */
#ifndef LAM_TESTS_SUPPORT_FOLDER_H
#define LAM_TESTS_SUPPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct test_folder {
    char path[256];
} test_folder;

/* An empty folder under TMPDIR. */
test_folder test_folder_make(void);
/* Removes it with all it holds; one whose test failed stays, for a look at it. */
void test_folder_remove(const test_folder *folder);

/* "folder/name", in one of eight static places that take turns. */
const char *test_path(const test_folder *folder, const char *name);

bool test_file_exists(const char *path);
/* How many entries the folder holds, "." and ".." left out. */
int test_folder_count(const test_folder *folder);

void test_file_write(const char *path, const void *bytes, size_t count);
void test_file_write_text(const char *path, const char *text);
/* The whole file, NUL-terminated; the caller frees it. `ret_count` may be NULL. */
char *test_file_read(const char *path, size_t *ret_count);

#endif
