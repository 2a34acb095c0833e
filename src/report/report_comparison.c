/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "report/report_results.h"
#include "report/report_writer.h"

/* More curves than that in one figure cannot be told apart. */
#define MAX_OVERLAID 8

typedef struct path_list {
    const char **paths; /* borrowed */
    size_t count;
} path_list;

/* free() the paths. */
static lam_status collect_paths(lam_report_writer *writer, lam_plot_source source,
                                path_list *ret_list)
{
    const lam_report *report = writer->report;
    path_list list = {.paths = calloc(report->count, sizeof *list.paths)};
    if (!list.paths)
        return lam_fail_memory(writer->context, "paths", report->count * sizeof *list.paths);
    for (size_t i = 0; i < report->count; i++)
        if (report->items[i].source == source)
            list.paths[list.count++] = report->items[i].path;
    *ret_list = list;
    return LAM_STATUS_OK;
}

static lam_status compare_runs(lam_report_writer *writer, const path_list *list)
{
    if (list->count < 2)
        return LAM_STATUS_OK;
    lam_plot_kinds kinds = LAM_PLOT_BIT(LAM_PLOT_KIND_SENSITIVITY);
    if (list->count <= MAX_OVERLAID)
        kinds |= LAM_PLOT_BIT(LAM_PLOT_KIND_CURVES);
    lam_report_announce(writer, "comparison of %zu runs", list->count);
    lam_page_add_heading(writer->page, 2, "Runs compared");
    lam_report_add_run_table(writer);
    return lam_report_take_figures(writer,
                                   lam_plot_runs(writer->context, list->paths, list->count,
                                                 kinds, &writer->figure_options,
                                                 writer->figures),
                                   "Curves");
}

static lam_status compare_studies(lam_report_writer *writer, const path_list *list)
{
    if (list->count < 2)
        return LAM_STATUS_OK;
    lam_report_announce(writer, "comparison of %zu studies", list->count);
    lam_page_add_heading(writer->page, 2, "Studies together");
    return lam_report_take_figures(writer,
                                   lam_plot_studies(writer->context, list->paths, list->count,
                                                    LAM_PLOT_BIT(LAM_PLOT_KIND_SEARCH),
                                                    &writer->figure_options, writer->figures),
                                   "The search");
}

static lam_status compare(lam_report_writer *writer, lam_plot_source source,
                          lam_status (*compare_paths)(lam_report_writer *, const path_list *))
{
    path_list list = {0};
    LAM_TRY(collect_paths(writer, source, &list));
    lam_status status = compare_paths(writer, &list);
    free(list.paths);
    return status;
}

lam_status lam_report_add_comparison(lam_report_writer *writer)
{
    LAM_TRY(compare(writer, LAM_PLOT_SOURCE_STUDY, compare_studies));
    return compare(writer, LAM_PLOT_SOURCE_RUN, compare_runs);
}
