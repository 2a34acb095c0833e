/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/recipe.h"

#include <ctype.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "recipe/internal.h"

/* A legal name out of any text: what is not legal in it becomes '-'. */
static void make_name(const char *text, size_t length, char *name)
{
    while (length > 0 && (!isascii((unsigned char)*text) || !isalnum((unsigned char)*text))) {
        text++;
        length--;
    }
    if (length == 0) {
        strcpy(name, "recipe");
        return;
    }
    for (size_t i = 0; i < length && i < LAM_RECIPE_NAME_BYTES - 1; i++) {
        unsigned char c = (unsigned char)text[i];
        name[i] = isascii(c) && (isalnum(c) || memchr("._-", c, 3)) ? (char)c : '-';
    }
}

/* "results/a2-fig4/recipe.yaml" is a2-fig4, "tries/wide.yaml" is wide. */
static void name_after_file(const char *path, char *name)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    if (slash && strcmp(file, "recipe.yaml") == 0) {
        const char *end = slash;
        while (end > path && end[-1] == '/')
            end--;
        const char *folder = end;
        while (folder > path && folder[-1] != '/')
            folder--;
        make_name(folder, (size_t)(end - folder), name);
        return;
    }
    const char *ending = strrchr(file, '.');
    make_name(file, ending && ending > file ? (size_t)(ending - file) : strlen(file), name);
}

static lam_status read_document(lam_document *document, const char *text, size_t length,
                                size_t override_count, lam_recipe_draft *draft)
{
    LAM_TRY(lam_document_load(document, text, length, LAM_SOURCE_TEXT, &document->root));
    if (document->root->kind != LAM_NODE_MAPPING)
        return lam_recipe_fail(document, document->root, "",
                               "a recipe is a mapping of keys to values, as in \"batch: 100\"");
    for (size_t i = 0; i < override_count; i++)
        LAM_TRY(lam_document_override(document, (int)i));
    LAM_TRY(lam_recipe_read(document, draft));
    return lam_recipe_check(document, &draft->recipe);
}

/* `named_after` is the path that an unnamed recipe takes its name from. */
static lam_status parse(lam_document *document, const char *text, size_t length,
                        size_t override_count, const char *named_after, lam_recipe *ret_recipe)
{
    lam_recipe_draft draft;
    if (length > LAM_RECIPE_MAX_BYTES)
        return lam_recipe_fail(document, NULL, "", "%zu bytes are more than a recipe's %u",
                               length, LAM_RECIPE_MAX_BYTES);
    if (override_count > INT_MAX)
        return lam_recipe_fail(document, NULL, "", "%zu overrides are too many",
                               override_count);
    lam_status status = read_document(document, text, length, override_count, &draft);
    lam_document_free(document);
    LAM_TRY(status);
    if (!*draft.recipe.name)
        name_after_file(named_after, draft.recipe.name);
    memcpy(ret_recipe, &draft.recipe, sizeof draft.recipe);
    return LAM_STATUS_OK;
}

lam_status lam_recipe_parse(lam_context *context, const char *text, size_t length,
                            const char *origin, const char *const *overrides,
                            size_t override_count, lam_recipe *ret_recipe)
{
    lam_document document = {.context = context, .origin = origin, .overrides = overrides};
    return parse(&document, text, length, override_count, origin, ret_recipe);
}

/* The full path, so that "recipe.yaml" in the working folder has a folder too; the path as it
 * is when that fails. The caller frees it; NULL when memory is short. */
static char *full_path(const char *path)
{
    char *full = NULL, *copy = strdup(path);
    char *folder = copy ? realpath(dirname(copy), NULL) : NULL;
    const char *slash = strrchr(path, '/');
    if (!folder || asprintf(&full, "%s/%s", folder, slash ? slash + 1 : path) < 0)
        full = strdup(path);
    free(folder);
    free(copy);
    return full;
}

lam_status lam_recipe_load(lam_context *context, const char *path, const char *const *overrides,
                           size_t override_count, lam_recipe *ret_recipe)
{
    lam_document document = {.context = context, .origin = path, .overrides = overrides};
    char *text = NULL;
    size_t length = 0;
    LAM_TRY(lam_file_read(context, path, LAM_RECIPE_MAX_BYTES, LAM_STATUS_BAD_RECIPE, &text,
                          &length));
    char *full = full_path(path);
    lam_status status = full ? parse(&document, text, length, override_count, full, ret_recipe)
                             : lam_fail_memory(context, path, strlen(path));
    free(full);
    free(text);
    return status;
}
