/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Kernels that are wrong on purpose: a copy of cl/ with text put in front of one file, in use
 * through LAMINA_KERNEL_DIR.
 */
#ifndef LAM_TESTS_SUPPORT_KERNEL_FOLDER_H
#define LAM_TESTS_SUPPORT_KERNEL_FOLDER_H

#include "support/folder.h"

/* Fills `folder` with all kernel files, `prefix` in front of `file`, and makes it the place
 * that kernels come from. */
void test_kernel_folder_use(const test_folder *folder, const char *file, const char *prefix);

/* Back to the embedded kernels: a checked teardown for every test that uses the above. */
void test_kernel_folder_leave(void);

#endif
