/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report/report_writer.h"

#define MAX_DEPTH 3

static bool is_directory(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);
    return length >= end && strcmp(name + length - end, suffix) == 0;
}

/* ---- one path ---- */

static lam_status load_item(lam_context *context, lam_plot_source source, const char *path,
                            lam_report_item *item)
{
    *item = (lam_report_item){.source = source, .path = strdup(path)};
    if (!item->path)
        return lam_fail_memory(context, path, strlen(path));
    lam_status status = LAM_STATUS_OK;
    if (source == LAM_PLOT_SOURCE_RUN)
        status = lam_run_set_load(context, path, &item->set);
    else if (source == LAM_PLOT_SOURCE_STUDY)
        status = lam_study_load_view(context, path, &item->view);
    if (status != LAM_STATUS_OK)
        free(item->path);
    return status;
}

static lam_status add_item(lam_report *report, lam_plot_source source, const char *path)
{
    lam_report_item item;
    LAM_TRY(load_item(report->context, source, path, &item));
    lam_report_item *items =
        reallocarray(report->items, report->count + 1, sizeof *report->items);
    if (!items) {
        lam_report_item_free(&item);
        return lam_fail_memory(report->context, path, sizeof item);
    }
    report->items = items;
    report->items[report->count++] = item;
    return LAM_STATUS_OK;
}

/* ---- folders that hold such ---- */

/* Models, figures and the like are no sources; other files are told by their names, so that not
 * every file of a large folder is opened. */
static int may_hold_something(const struct dirent *entry)
{
    const char *name = entry->d_name;
    if (name[0] == '.' || has_suffix(name, ".waves") || has_suffix(name, "-figures"))
        return 0;
    return entry->d_type != DT_REG || has_suffix(name, ".db");
}

static lam_status look_into(lam_report *report, const char *path, int depth);

/* What is damaged costs the others nothing. */
static lam_status add_child(lam_report *report, const char *path, int depth)
{
    lam_context *context = report->context;
    lam_plot_source source;
    if (lam_plot_find_source(context, path, &source) != LAM_STATUS_OK)
        return is_directory(path) ? look_into(report, path, depth + 1) : LAM_STATUS_OK;
    lam_status status = add_item(report, source, path);
    if (status != LAM_STATUS_BAD_MODEL && status != LAM_STATUS_BAD_STUDY)
        return status;
    lam_log(context, LAM_LOG_LEVEL_WARNING, "left out: %s", lam_error_message(context));
    return LAM_STATUS_OK;
}

static lam_status look_into(lam_report *report, const char *path, int depth)
{
    struct dirent **entries = NULL;
    int count =
        depth < MAX_DEPTH ? scandir(path, &entries, may_hold_something, versionsort) : 0;
    lam_status status = LAM_STATUS_OK;
    for (int i = 0; i < count; i++) {
        lam_strbuf child = {0};
        lam_strbuf_append(&child, "%s/%s", path, entries[i]->d_name);
        if (status == LAM_STATUS_OK)
            status = child.failed ? lam_fail_memory(report->context, path, child.length)
                                  : add_child(report, child.text, depth);
        lam_strbuf_free(&child);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static lam_status add_path(lam_report *report, const char *path)
{
    lam_plot_source source;
    size_t before = report->count;
    lam_status status = lam_plot_find_source(report->context, path, &source);
    if (status == LAM_STATUS_OK)
        return add_item(report, source, path);
    if (!is_directory(path))
        return status;
    LAM_TRY(look_into(report, path, 0));
    return report->count > before
               ? LAM_STATUS_OK
               : lam_fail(
                     report->context, LAM_STATUS_BAD_ARGUMENT,
                     "%s: there is no run folder (run.json), set of seeds, study (*.db) or "
                     "range test in it; name a folder or file that lamina train, search "
                     "or lr-range wrote to",
                     path);
}

/* ---- all ---- */

static int rank_source(lam_plot_source source)
{
    static const int ranks[] = {[LAM_PLOT_SOURCE_STUDY] = 0,
                                [LAM_PLOT_SOURCE_RUN] = 1,
                                [LAM_PLOT_SOURCE_RANGE] = 2,
                                [LAM_PLOT_SOURCE_BENCH] = 3};
    return ranks[source];
}

/* Stable: as they were named, or in the order of their folder. */
static void sort_items(lam_report *report)
{
    for (size_t i = 1; i < report->count; i++) {
        lam_report_item item = report->items[i];
        size_t k = i;
        for (; k > 0 && rank_source(report->items[k - 1].source) > rank_source(item.source);
             k--)
            report->items[k] = report->items[k - 1];
        report->items[k] = item;
    }
}

lam_status lam_report_find_items(lam_report *report, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        LAM_TRY(add_path(report, paths[i]));
    sort_items(report);
    return LAM_STATUS_OK;
}

void lam_report_item_free(lam_report_item *item)
{
    lam_run_set_free(&item->set);
    lam_study_view_free(&item->view);
    free(item->path);
}
