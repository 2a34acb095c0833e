/* SPDX-License-Identifier: Apache-2.0 */
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lamina/reproduce.h"
#include "report/manifest_site.h"

#define MAX_SETTINGS 16

/* ---- names ---- */

static const char *const kind_names[] = {
#define KIND_NAME(name, text) text,
    LAM_EXPERIMENT_KIND_LIST(KIND_NAME)
#undef KIND_NAME
};

static const struct {
    const char *name;
    lam_experiment_kind kind;
    lam_measure measure;
    lam_split split;
} quantities[] = {
#define QUANTITY_ROW(name, text, kind, measure, split)                                         \
    {text, LAM_EXPERIMENT_KIND_##kind, LAM_MEASURE_##measure, LAM_SPLIT_##split},
    LAM_QUANTITY_LIST(QUANTITY_ROW)
#undef QUANTITY_ROW
};

const char *lam_quantity_name(lam_quantity quantity)
{
    return quantities[quantity].name;
}

lam_measure lam_quantity_get_measure(lam_quantity quantity)
{
    return quantities[quantity].measure;
}

const char *lam_experiment_kind_name(lam_experiment_kind kind)
{
    return kind_names[kind];
}

/* ---- published numbers ---- */

/* Half of the last digit that the number is written with: 0.005 of "39.27", 5e-9 of "1.04e-6".
 */
static double find_rounding(const char *text)
{
    const char *point = strchr(text, '.'), *exponent = strpbrk(text, "eE");
    size_t digits = point ? strspn(point + 1, "0123456789") : 0;
    int power = exponent ? (int)strtol(exponent + 1, NULL, 10) : 0;
    return 0.5 * pow(10, power - (int)digits);
}

static lam_status read_value(const lam_site *at, lam_published *published)
{
    const lam_node *node = lam_node_find(at->node, "value");
    const lam_node *low = node, *high = node;
    if (node && node->kind == LAM_NODE_LIST) {
        low = node->child;
        high = low ? low->next : NULL;
    }
    if (!low || !high || !lam_node_parse_number(low, &published->low) ||
        !lam_node_parse_number(high, &published->high) || published->low > published->high ||
        (low != high && high->next))
        return lam_site_fail_value(at, node, "value", node ? "is neither" : "is missing",
                                   "a number, or [lowest, highest]");
    published->rounding = fmax(find_rounding(low->text), find_rounding(high->text));
    if (low == high)
        snprintf(published->text, sizeof published->text, "%s%.40s",
                 published->is_bound ? "\u2264 " : "", low->text);
    else
        snprintf(published->text, sizeof published->text, "%.20s to %.20s", low->text,
                 high->text);
    return lam_site_read_text(at, "text", false, published->text, sizeof published->text);
}

static lam_status read_quantity(const lam_site *at, lam_experiment_kind kind,
                                lam_quantity *quantity)
{
    char name[96] = "", legal[1024];
    size_t length = 0;
    LAM_TRY(lam_site_read_text(at, "what", true, name, sizeof name));
    for (int i = 0; i < LAM_QUANTITY_COUNT; i++) {
        if (quantities[i].kind != kind)
            continue;
        if (strcmp(name, quantities[i].name) == 0) {
            *quantity = (lam_quantity)i;
            return LAM_STATUS_OK;
        }
        length += (size_t)snprintf(legal + length, sizeof legal - length, "%s%s",
                                   length ? ", " : "", quantities[i].name);
    }
    return lam_site_fail_value(at, lam_node_find(at->node, "what"), "what",
                               "is nothing that such an experiment gives", legal);
}

static uint32_t count_rows(const lam_recipe *recipe, lam_split split)
{
    const lam_data_options *data = &recipe->data;
    if (split == LAM_SPLIT_TRAIN)
        return lam_recipe_get_train_rows(recipe);
    if (split == LAM_SPLIT_TEST)
        return lam_count_file_rows(1);
    return data->validation_count + lam_count_file_rows(data->validation_files);
}

static bool is_report(const lam_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->report_count; i++)
        if (strcmp(manifest->reports[i].name, name) == 0)
            return true;
    return false;
}

static lam_status read_report_name(const lam_site *at, const lam_manifest *manifest,
                                   char name[16])
{
    LAM_TRY(lam_site_read_text(at, "report", true, name, 16));
    if (!is_report(manifest, name))
        return lam_site_fail_value(at, lam_node_find(at->node, "report"), "report",
                                   "is unknown", "a name under `reports'");
    return LAM_STATUS_OK;
}

static lam_status read_published(const lam_site *at, const lam_manifest *manifest,
                                 const lam_experiment *experiment, lam_published *published)
{
    LAM_TRY(lam_site_check_keys(at, "report, what, value, text, bound, rows, slip, note"));
    LAM_TRY(read_report_name(at, manifest, published->report));
    LAM_TRY(read_quantity(at, experiment->kind, &published->quantity));
    LAM_TRY(lam_site_read_flag(at, "bound", &published->is_bound));
    LAM_TRY(lam_site_read_flag(at, "slip", &published->is_slip));
    LAM_TRY(read_value(at, published));
    published->rows = count_rows(&experiment->recipe, quantities[published->quantity].split);
    LAM_TRY(lam_site_read_count(at, "rows", 1000000, &published->rows));
    LAM_TRY(lam_site_read_text(at, "note", published->is_slip, published->note,
                               sizeof published->note));
    lam_measure measure = quantities[published->quantity].measure;
    bool is_percent = measure == LAM_MEASURE_ACCURACY || measure == LAM_MEASURE_CHANCE;
    if (is_percent && (published->low < 0 || published->high > 100))
        return lam_site_fail_value(at, lam_node_find(at->node, "value"), "value",
                                   "is no accuracy in percent", "0 to 100");
    return LAM_STATUS_OK;
}

static lam_status read_all_published(const lam_site *at, const lam_manifest *manifest,
                                     lam_experiment *experiment)
{
    const lam_node *list = NULL;
    size_t count = 0;
    LAM_TRY(lam_site_find_list(at, "published", &list, &count));
    experiment->published = calloc(count + 1, sizeof *experiment->published);
    if (!experiment->published)
        return lam_fail_memory(at->document->context, "published numbers", count);
    const lam_node *item = list ? list->child : NULL;
    for (; item; item = item->next) {
        const lam_site inner =
            lam_site_enter(at, item, "published", experiment->published_count);
        LAM_TRY(read_published(&inner, manifest, experiment,
                               &experiment->published[experiment->published_count]));
        experiment->published_count++;
    }
    return LAM_STATUS_OK;
}

/* ---- experiments ---- */

/* `path` as seen from the manifest's folder. */
static lam_status resolve(const lam_site *at, const lam_manifest *manifest, const char *path,
                          char resolved[PATH_MAX])
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", manifest->path);
    int length = *path == '/' ? snprintf(resolved, PATH_MAX, "%s", path)
                              : snprintf(resolved, PATH_MAX, "%s/%s", dirname(copy), path);
    if (length >= PATH_MAX)
        return lam_site_fail(at, NULL, path, "is too long", "a path");
    return LAM_STATUS_OK;
}

static lam_status load_recipe(const lam_site *at, const char *const *settings, size_t count,
                              lam_experiment *experiment)
{
    const lam_document *document = at->document;
    lam_status status = lam_recipe_load(document->context, experiment->recipe_path, settings,
                                        count, &experiment->recipe);
    char *message = strdup(lam_error_message(document->context));
    if (status == LAM_STATUS_BAD_RECIPE && message)
        status = lam_recipe_fail(document, lam_node_find(at->node, "recipe"), at->path, "%s",
                                 message);
    free(message);
    return status;
}

static lam_status read_recipe(const lam_site *at, const lam_manifest *manifest,
                              lam_experiment *experiment)
{
    const char *settings[MAX_SETTINGS];
    const lam_node *list = NULL;
    size_t count = 0, used = 0, length = 0;
    LAM_TRY(lam_site_read_text(at, "recipe", true, experiment->recipe_name,
                               sizeof experiment->recipe_name));
    LAM_TRY(resolve(at, manifest, experiment->recipe_name, experiment->recipe_path));
    LAM_TRY(lam_site_find_list(at, "set", &list, &count));
    for (const lam_node *item = list ? list->child : NULL; item; item = item->next) {
        size_t room = sizeof experiment->settings - length;
        if (used == MAX_SETTINGS || item->kind != LAM_NODE_SCALAR || item->length + 10 > room)
            return lam_site_fail_value(at, item, "set", "cannot be all of that",
                                       "a list of up to 16 texts like l2=0.01");
        settings[used++] = item->text;
        bool is_plain = strcspn(item->text, " {}[]*") == item->length;
        length += (size_t)snprintf(experiment->settings + length, room,
                                   is_plain ? " --set %s" : " --set '%s'", item->text);
    }
    return load_recipe(at, settings, used, experiment);
}

static lam_status read_kind(const lam_site *at, lam_experiment_kind *kind)
{
    char name[16] = "train";
    LAM_TRY(lam_site_read_text(at, "kind", false, name, sizeof name));
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (strcmp(name, kind_names[i]) == 0) {
            *kind = (lam_experiment_kind)i;
            return LAM_STATUS_OK;
        }
    return lam_site_fail_value(at, lam_node_find(at->node, "kind"), "kind", "is unknown",
                               "train, gradients, search");
}

/* Names are those of folders. */
static lam_status read_name(const lam_site *at, const lam_manifest *manifest,
                            lam_experiment *experiment)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    const lam_node *node = lam_node_find(at->node, "name");
    LAM_TRY(lam_site_read_text(at, "name", true, experiment->name, sizeof experiment->name));
    if (strspn(experiment->name, letters) != strlen(experiment->name) ||
        *experiment->name == '.')
        return lam_site_fail_value(at, node, "name", "is no name of a folder",
                                   "letters, digits, '.', '_' and '-'");
    for (size_t i = 0; i < manifest->experiment_count; i++)
        if (strcmp(manifest->experiments[i].name, experiment->name) == 0)
            return lam_site_fail_value(at, node, "name", "is taken by another experiment",
                                       "a name of its own");
    return LAM_STATUS_OK;
}

static lam_status read_experiment(const lam_site *at, const lam_manifest *manifest,
                                  lam_experiment *experiment)
{
    bool is_default = true;
    uint32_t seeds = 0;
    LAM_TRY(lam_site_check_keys(
        at, "name, title, section, kind, recipe, set, seeds, step, inputs, entries, preset, "
            "default, published"));
    LAM_TRY(read_name(at, manifest, experiment));
    LAM_TRY(lam_site_read_text(at, "title", true, experiment->title, sizeof experiment->title));
    LAM_TRY(lam_site_read_text(at, "section", false, experiment->section,
                               sizeof experiment->section));
    LAM_TRY(read_kind(at, &experiment->kind));
    LAM_TRY(read_recipe(at, manifest, experiment));
    LAM_TRY(lam_site_read_count(at, "seeds", LAM_MAX_SEEDS, &seeds));
    experiment->seeds = seeds;
    LAM_TRY(lam_site_read_number(at, "step", 1e-12, 1, &experiment->step));
    LAM_TRY(lam_site_read_count(at, "inputs", LAM_IMAGE_INPUTS, &experiment->inputs));
    experiment->entries = 1000;
    LAM_TRY(lam_site_read_count(at, "entries", 1000000, &experiment->entries));
    LAM_TRY(lam_site_read_text(at, "preset", experiment->kind == LAM_EXPERIMENT_KIND_SEARCH,
                               experiment->preset, sizeof experiment->preset));
    LAM_TRY(lam_site_read_flag(at, "default", &is_default));
    experiment->is_extra = !is_default;
    return read_all_published(at, manifest, experiment);
}

/* ---- reports, slips and experiments ---- */

static lam_status read_reports(const lam_site *at, lam_manifest *manifest)
{
    const lam_node *list = NULL;
    size_t count = 0;
    LAM_TRY(lam_site_find_list(at, "reports", &list, &count));
    manifest->reports = calloc(count + 1, sizeof *manifest->reports);
    if (!manifest->reports)
        return lam_fail_memory(at->document->context, "reports", count);
    for (const lam_node *item = list ? list->child : NULL; item; item = item->next) {
        lam_report_source *report = &manifest->reports[manifest->report_count];
        const lam_site inner = lam_site_enter(at, item, "reports", manifest->report_count);
        LAM_TRY(lam_site_check_keys(&inner, "name, file, title"));
        LAM_TRY(lam_site_read_text(&inner, "name", true, report->name, sizeof report->name));
        LAM_TRY(lam_site_read_text(&inner, "file", false, report->file, sizeof report->file));
        LAM_TRY(lam_site_read_text(&inner, "title", true, report->title, sizeof report->title));
        manifest->report_count++;
    }
    return LAM_STATUS_OK;
}

static lam_status read_slips(const lam_site *at, lam_manifest *manifest)
{
    const lam_node *list = NULL;
    size_t count = 0;
    LAM_TRY(lam_site_find_list(at, "slips", &list, &count));
    manifest->slips = calloc(count + 1, sizeof *manifest->slips);
    if (!manifest->slips)
        return lam_fail_memory(at->document->context, "slips", count);
    for (const lam_node *item = list ? list->child : NULL; item; item = item->next) {
        lam_report_slip *slip = &manifest->slips[manifest->slip_count];
        const lam_site inner = lam_site_enter(at, item, "slips", manifest->slip_count);
        LAM_TRY(lam_site_check_keys(&inner, "report, text"));
        LAM_TRY(read_report_name(&inner, manifest, slip->report));
        LAM_TRY(lam_site_read_text(&inner, "text", true, slip->text, sizeof slip->text));
        manifest->slip_count++;
    }
    return LAM_STATUS_OK;
}

static lam_status read_experiments(const lam_site *at, lam_manifest *manifest)
{
    const lam_node *list = NULL;
    size_t count = 0;
    LAM_TRY(lam_site_find_list(at, "experiments", &list, &count));
    if (count == 0)
        return lam_site_fail(at, list, "experiments", "has nothing in it",
                             "a list of experiments");
    manifest->experiments = calloc(count, sizeof *manifest->experiments);
    if (!manifest->experiments)
        return lam_fail_memory(at->document->context, "experiments", count);
    for (const lam_node *item = list->child; item; item = item->next) {
        lam_experiment *experiment = &manifest->experiments[manifest->experiment_count];
        const lam_site inner =
            lam_site_enter(at, item, "experiments", manifest->experiment_count);
        lam_status status = read_experiment(&inner, manifest, experiment);
        manifest->experiment_count++; /* also of what it holds already */
        LAM_TRY(status);
    }
    return LAM_STATUS_OK;
}

/* ---- figures ---- */

static const struct {
    const char *name;
    bool needs_device;
} plots[] = {
#define PLOT_ROW(name, text, source, needs_device, purpose) {text, needs_device},
    LAM_PLOT_KIND_LIST(PLOT_ROW)
#undef PLOT_ROW
};

static lam_status read_plot_kind(const lam_site *at, lam_plot_kind *kind)
{
    char name[32] = "";
    LAM_TRY(lam_site_read_text(at, "kind", true, name, sizeof name));
    for (int i = 0; i < LAM_PLOT_KIND_COUNT; i++)
        if (strcmp(name, plots[i].name) == 0 && !plots[i].needs_device) {
            *kind = (lam_plot_kind)i;
            return LAM_STATUS_OK;
        }
    return lam_site_fail_value(at, lam_node_find(at->node, "kind"), "kind", "is no such figure",
                               "kinds of `lamina plot' that need no device");
}

static lam_status find_experiment(const lam_site *at, const lam_manifest *manifest,
                                  const lam_node *name, size_t *index)
{
    for (size_t i = 0; i < manifest->experiment_count; i++)
        if (name->kind == LAM_NODE_SCALAR &&
            strcmp(manifest->experiments[i].name, name->text) == 0) {
            *index = i;
            return LAM_STATUS_OK;
        }
    return lam_site_fail_value(at, name, "of", "is no experiment",
                               "names of experiments above");
}

static lam_status read_figure(const lam_site *at, const lam_manifest *manifest,
                              lam_reproduction_figure *figure)
{
    const lam_node *list = NULL;
    size_t count = 0;
    LAM_TRY(lam_site_check_keys(at, "kind, of"));
    LAM_TRY(read_plot_kind(at, &figure->kind));
    LAM_TRY(lam_site_find_list(at, "of", &list, &count));
    if (count < 1 || count > LAM_REPRODUCTION_FIGURE_RUNS)
        return lam_site_fail(at, list, "of", "names too few or too many",
                             "1 to 16 experiments");
    for (const lam_node *item = list->child; item; item = item->next)
        LAM_TRY(find_experiment(at, manifest, item, &figure->experiments[figure->count++]));
    return LAM_STATUS_OK;
}

static lam_status read_figures(const lam_site *at, lam_manifest *manifest)
{
    const lam_node *list = NULL;
    size_t count = 0;
    LAM_TRY(lam_site_find_list(at, "figures", &list, &count));
    manifest->figures = calloc(count + 1, sizeof *manifest->figures);
    if (!manifest->figures)
        return lam_fail_memory(at->document->context, "figures", count);
    for (const lam_node *item = list ? list->child : NULL; item; item = item->next) {
        const lam_site inner = lam_site_enter(at, item, "figures", manifest->figure_count);
        LAM_TRY(read_figure(&inner, manifest, &manifest->figures[manifest->figure_count++]));
    }
    return LAM_STATUS_OK;
}

/* ---- the whole ---- */

static lam_status read_manifest(lam_document *document, lam_manifest *manifest)
{
    char peer[1024] = "";
    const lam_site root = {.document = document, .node = document->root};
    LAM_TRY(lam_site_check_keys(&root, "peer, gallery, reports, slips, experiments, figures"));
    LAM_TRY(lam_site_read_text(&root, "peer", false, peer, sizeof peer));
    if (*peer)
        LAM_TRY(resolve(&root, manifest, peer, manifest->peer));
    LAM_TRY(lam_site_read_text(&root, "gallery", false, manifest->gallery,
                               sizeof manifest->gallery));
    LAM_TRY(read_reports(&root, manifest));
    LAM_TRY(read_slips(&root, manifest));
    LAM_TRY(read_experiments(&root, manifest));
    return read_figures(&root, manifest);
}

static lam_status load(lam_context *context, lam_manifest *manifest)
{
    lam_document document = {.context = context, .origin = manifest->path};
    char *text = NULL;
    size_t length = 0;
    LAM_TRY(lam_file_read(context, manifest->path, LAM_RECIPE_MAX_BYTES, LAM_STATUS_BAD_RECIPE,
                          &text, &length));
    lam_status status =
        lam_document_load(&document, text, length, LAM_SOURCE_TEXT, &document.root);
    if (status == LAM_STATUS_OK)
        status = read_manifest(&document, manifest);
    lam_document_free(&document);
    free(text);
    return status;
}

lam_status lam_manifest_load(lam_context *context, const char *path,
                             lam_manifest **ret_manifest)
{
    lam_manifest *manifest = calloc(1, sizeof *manifest);
    if (!manifest)
        return lam_fail_memory(context, path, sizeof *manifest);
    int length = snprintf(manifest->path, sizeof manifest->path, "%s", path);
    lam_status status =
        length < (int)sizeof manifest->path
            ? load(context, manifest)
            : lam_fail(context, LAM_STATUS_BAD_RECIPE, "%s: the path is too long", path);
    if (status == LAM_STATUS_OK)
        *ret_manifest = manifest;
    else
        lam_manifest_free(&manifest);
    return status;
}

void lam_manifest_free(lam_manifest **manifest)
{
    lam_manifest *old = *manifest;
    *manifest = NULL;
    if (!old)
        return;
    for (size_t i = 0; i < old->experiment_count; i++)
        free(old->experiments[i].published);
    free(old->experiments);
    free(old->figures);
    free(old->slips);
    free(old->reports);
    free(old);
}
