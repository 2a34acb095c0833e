/* SPDX-License-Identifier: Apache-2.0 */
#include "support/kernel_folder.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "kernel/source.h"

void test_kernel_folder_use(const test_folder *folder, const char *file, const char *prefix)
{
    bool found = false;
    for (const lam_embedded_source *source = lam_embedded_sources; source->name; source++) {
        bool is_file = strcmp(source->name, file) == 0;
        lam_strbuf text = {0};
        lam_strbuf_append(&text, "%s%s", is_file ? prefix : "", source->text);
        test_file_write_text(test_path(folder, source->name), text.text);
        lam_strbuf_free(&text);
        found |= is_file;
    }
    ck_assert_msg(found, "there is no kernel file %s", file);
    ck_assert_int_eq(setenv("LAMINA_KERNEL_DIR", folder->path, 1), 0);
}

void test_kernel_folder_leave(void)
{
    unsetenv("LAMINA_KERNEL_DIR");
}
