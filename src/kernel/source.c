/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"

#define LARGEST_SOURCE_BYTES ((size_t)1 << 20)

static const char *find_embedded(const char *name)
{
    for (const lam_embedded_source *source = lam_embedded_sources; source->name; source++)
        if (strcmp(source->name, name) == 0)
            return source->text;
    return NULL;
}

static lam_status load_from_folder(lam_context *context, const char *folder, const char *name,
                                   char **ret_text)
{
    lam_strbuf path = {0};
    size_t length = 0;
    lam_strbuf_append(&path, "%s/%s", folder, name);
    lam_status status = lam_file_read(context, lam_strbuf_text(&path), LARGEST_SOURCE_BYTES,
                                      LAM_STATUS_BAD_KERNEL, ret_text, &length);
    lam_strbuf_free(&path);
    return status;
}

lam_status lam_source_load(lam_context *context, const char *name, char **ret_text)
{
    const char *folder = getenv("LAMINA_KERNEL_DIR");
    if (folder && *folder)
        return load_from_folder(context, folder, name, ret_text);
    const char *text = find_embedded(name);
    if (!text)
        return lam_fail(context, LAM_STATUS_BAD_KERNEL, "there is no kernel file %s", name);
    *ret_text = strdup(text);
    return *ret_text ? LAM_STATUS_OK : lam_fail_memory(context, name, strlen(text));
}

static void append_numbered_lines(lam_strbuf *out, const char *text, long first, long last)
{
    long number = 1;
    for (const char *line = text; *line && number <= last; number++) {
        size_t length = strcspn(line, "\n");
        if (number >= first)
            lam_strbuf_append(out, "%5ld | %.*s\n", number, (int)length, line);
        line += length + (line[length] == '\n');
    }
}

char *lam_source_explain_log(const char *name, const char *text, const char *log)
{
    enum { CONTEXT_LINES = 2 };
    lam_strbuf out = {0};
    long shown = -CONTEXT_LINES; /* the line in the middle of the latest excerpt */
    lam_strbuf_append(&out, "%s", log);
    if (out.length > 0 && out.text[out.length - 1] != '\n')
        lam_strbuf_append(&out, "\n");
    for (const char *at = strstr(log, name); at; at = strstr(at + 1, name)) {
        const char *after = at + strlen(name);
        long line = *after == ':' ? strtol(after + 1, NULL, 10) : 0;
        if (line < 1 || line > (long)LARGEST_SOURCE_BYTES ||
            labs(line - shown) <= CONTEXT_LINES)
            continue;
        lam_strbuf_append(&out, "%s:\n", name);
        append_numbered_lines(&out, text, line - CONTEXT_LINES, line + CONTEXT_LINES);
        shown = line;
    }
    return out.text;
}
