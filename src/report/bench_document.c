/* SPDX-License-Identifier: Apache-2.0 */
#include "report/bench_document.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/strbuf.h"

#define MAX_BYTES (64u << 20)

lam_status lam_bench_document_open(lam_context *context, const char *path,
                                   lam_bench_document *ret_document)
{
    lam_bench_document document = {.context = context, .path = path};
    char *text = NULL;
    size_t count = 0;
    json_error_t error;
    LAM_TRY(lam_file_read(context, path, MAX_BYTES, LAM_STATUS_BAD_DATA, &text, &count));
    document.json = json_loadb(text, count, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!document.json)
        return lam_fail(context, LAM_STATUS_BAD_DATA,
                        "%s:%d: no JSON: %s; measure again with: lamina bench --json", path,
                        error.line, error.text);
    lam_plot_find_title(path, document.name, sizeof document.name);
    lam_plot_find_stem(path, document.stem, sizeof document.stem);
    *ret_document = document;
    return LAM_STATUS_OK;
}

void lam_bench_document_close(lam_bench_document *document)
{
    json_decref(document->json);
    document->json = NULL;
}

const json_t *lam_bench_document_get_rows(const lam_bench_document *document, const char *key)
{
    const json_t *rows = json_object_get(document->json, key);
    return json_array_size(rows) > 0 ? rows : NULL;
}

lam_status lam_bench_document_reject(const lam_bench_document *document, const char *missing)
{
    return lam_fail(document->context, LAM_STATUS_BAD_DATA,
                    "%s: %s; files with figures come from: lamina bench --json, lamina search "
                    "bench RECIPE --json, or tools/bench-peers",
                    document->path, missing);
}

double lam_json_get_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *lam_json_get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void append_named(lam_strbuf *text, const json_t *json, const char *key,
                         const char *name)
{
    const char *value = lam_json_get_text(json, key);
    if (*value)
        lam_strbuf_append(text, "%s%s%s", text->length > 0 ? "; " : "", name, value);
}

void lam_bench_document_describe(const lam_bench_document *document, const lam_plotter *plotter,
                                 const char *kind, const char *what, const char *note,
                                 lam_figure *figure)
{
    const json_t *json = document->json;
    lam_strbuf text = {0};
    append_named(&text, json, "recipe", "recipe ");
    append_named(&text, json, "device", "device ");
    append_named(&text, json, "platform", "platform ");
    append_named(&text, json, "driver_version", "driver ");
    append_named(&text, json, "lamina", "Lamina ");
    append_named(&text, json, "date", "");
    append_named(&text, json, "command", "command: ");
    if (json_is_false(json_object_get(json, "complete")))
        lam_strbuf_append(&text, "; not all was measured");
    lam_plotter_name_figure(plotter, document->stem, kind, figure);
    lam_plot_write(figure->title, sizeof figure->title, "%s: %s", document->name, what);
    lam_plot_write(figure->caption, sizeof figure->caption, "%s Measured in %s%s%s.", note,
                   document->name, text.length > 0 ? ": " : "", lam_strbuf_text(&text));
    lam_plot_write(figure->alt, sizeof figure->alt, "%s, of the benchmark %s. %s", what,
                   document->name, note);
    lam_strbuf_free(&text);
}
