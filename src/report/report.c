/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/report.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "report/report_writer.h"

/* Networks that are shown in pictures: more would make a page that nobody can load. */
#define MAX_NETWORKS 12

lam_status lam_report_open(lam_context *context, const char *const *paths, size_t count,
                           lam_report **ret_report)
{
    lam_report *report = calloc(1, sizeof *report);
    if (!report)
        return lam_fail_memory(context, "a report", sizeof *report);
    report->context = context;
    lam_status status = lam_report_find_items(report, paths, count);
    if (status == LAM_STATUS_OK)
        *ret_report = report;
    else
        lam_report_close(&report);
    return status;
}

void lam_report_close(lam_report **report)
{
    if (!*report)
        return;
    for (size_t i = 0; i < (*report)->count; i++)
        lam_report_item_free(&(*report)->items[i]);
    free((*report)->items);
    free(*report);
    *report = NULL;
}

bool lam_report_needs_device(const lam_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        for (size_t k = 0; k < report->items[i].set.count; k++)
            if (report->items[i].set.runs[k].is_finished)
                return true;
    return false;
}

/* ---- what sections share ---- */

void lam_report_announce(const lam_report_writer *writer, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (writer->options->progress)
        writer->options->progress(writer->options->progress_user, text);
}

static bool ends_report(lam_status status)
{
    return status == LAM_STATUS_BAD_OUTPUT || status == LAM_STATUS_NO_MEMORY ||
           status == LAM_STATUS_INTERRUPTED;
}

/* Once for all: what lacks its picture says so in its place. */
static void tell_of_renderer(lam_report_writer *writer)
{
    if (!writer->lacks_pictures)
        lam_page_add_paragraph(writer->page, "Figures could not be drawn: %s",
                               lam_error_message(writer->context));
    writer->lacks_pictures = true;
}

lam_status lam_report_take_figures(lam_report_writer *writer, lam_status outcome,
                                   const char *what)
{
    if (ends_report(outcome))
        return outcome;
    if (outcome == LAM_STATUS_NO_RENDERER)
        tell_of_renderer(writer);
    else if (outcome != LAM_STATUS_OK)
        lam_page_add_paragraph(writer->page, "%s: left out: %s", what,
                               lam_error_message(writer->context));
    for (; writer->shown < writer->figures->count; writer->shown++)
        LAM_TRY(lam_page_add_figure(writer->page, &writer->figures->figures[writer->shown]));
    return lam_stop_requested(writer->context)
               ? lam_fail(writer->context, LAM_STATUS_INTERRUPTED,
                          "%s: interrupted; no page was written", writer->options->output)
               : LAM_STATUS_OK;
}

/* ---- sections ---- */

static const char *get_name(const lam_report_item *item)
{
    const char *slash = strrchr(item->path, '/');
    if (item->source == LAM_PLOT_SOURCE_RUN)
        return item->set.name;
    return slash && slash[1] ? slash + 1 : item->path;
}

static bool is_name_shared(const lam_report *report, const lam_report_item *item)
{
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++)
        if (report->items[i].source == item->source)
            count += strcmp(get_name(&report->items[i]), get_name(item)) == 0;
    return count > 1;
}

void lam_report_name_item(const lam_report *report, const lam_report_item *item, char *name,
                          size_t bytes)
{
    if (is_name_shared(report, item))
        snprintf(name, bytes, "%s (%s)", get_name(item), item->path);
    else
        snprintf(name, bytes, "%s", get_name(item));
}

static lam_status add_range(lam_report_writer *writer, const lam_report_item *item,
                            const char *heading)
{
    lam_page_add_heading(writer->page, 2, heading);
    return lam_report_take_figures(writer,
                                   lam_plot_lr_range(writer->context, item->path,
                                                     &writer->figure_options, writer->figures),
                                   "The range test");
}

static lam_status add_bench(lam_report_writer *writer, const lam_report_item *item,
                            const char *heading)
{
    lam_page_add_heading(writer->page, 2, heading);
    return lam_report_take_figures(writer,
                                   lam_plot_bench(writer->context, item->path, LAM_PLOT_ALL,
                                                  &writer->figure_options, writer->figures),
                                   "The benchmark");
}

static size_t count_items(const lam_report *report, lam_plot_source source)
{
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++)
        count += report->items[i].source == source;
    return count;
}

static lam_status add_item(lam_report_writer *writer, const lam_report_item *item,
                           size_t *networks)
{
    bool is_overlaid = count_items(writer->report, LAM_PLOT_SOURCE_STUDY) > 1;
    char heading[4400];
    lam_report_name_item(writer->report, item, heading, sizeof heading);
    lam_report_announce(writer, "%s", heading);
    switch (item->source) {
    case LAM_PLOT_SOURCE_RUN:
        return lam_report_add_run(writer, item, heading, ++*networks <= MAX_NETWORKS);
    case LAM_PLOT_SOURCE_STUDY:
        return lam_report_add_study(
            writer, item, heading,
            is_overlaid ? LAM_PLOT_ALL & ~LAM_PLOT_BIT(LAM_PLOT_KIND_SEARCH) : LAM_PLOT_ALL);
    case LAM_PLOT_SOURCE_RANGE:
        return add_range(writer, item, heading);
    case LAM_PLOT_SOURCE_BENCH:
        return add_bench(writer, item, heading);
    }
    return LAM_STATUS_OK;
}

static lam_status add_sections(lam_report_writer *writer)
{
    size_t networks = 0;
    LAM_TRY(lam_report_add_comparison(writer));
    for (size_t i = 0; i < writer->report->count; i++)
        LAM_TRY(add_item(writer, &writer->report->items[i], &networks));
    return LAM_STATUS_OK;
}

/* ---- the whole ---- */

static void make_title(const lam_report *report, char *title, size_t bytes)
{
    size_t length = 0;
    for (size_t i = 0; i < report->count && length < bytes; i++) {
        const char *name = get_name(&report->items[i]);
        if (i == 3 && report->count > 4) {
            snprintf(title + length, bytes - length, " and %zu others", report->count - i);
            return;
        }
        const char *join = i == 0 ? "" : i + 1 == report->count ? " and " : ", ";
        length += (size_t)snprintf(title + length, bytes - length, "%s%s", join, name);
    }
}

static lam_status write_page(lam_report_writer *writer)
{
    const lam_report_options *options = writer->options;
    char title[1024];
    make_title(writer->report, title, sizeof title);
    LAM_TRY(lam_page_create(writer->context, options->format, options->output,
                            options->title ? options->title : title,
                            writer->figure_options.directory, &writer->page));
    lam_status status = add_sections(writer);
    if (status == LAM_STATUS_OK)
        status = lam_page_save(writer->page);
    lam_page_destroy(&writer->page);
    LAM_TRY(status);
    return writer->lacks_pictures
               ? lam_fail(writer->context, LAM_STATUS_NO_RENDERER,
                          "%s lacks pictures: gnuplot is missing or failed; their data and "
                          "scripts are in %s: install gnuplot-nox and write the page again",
                          options->output, writer->figure_options.directory)
               : LAM_STATUS_OK;
}

/* <output without its suffix>-figures; free() it. */
static lam_status name_directory(lam_context *context, const char *output, char **ret_directory)
{
    const char *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    bool has_suffix = dot && dot > (slash ? slash + 1 : output);
    size_t length = has_suffix ? (size_t)(dot - output) : strlen(output);
    lam_strbuf directory = {0};
    lam_strbuf_append(&directory, "%.*s-figures", (int)length, output);
    if (directory.failed)
        return lam_fail_memory(context, output, length);
    *ret_directory = directory.text;
    return LAM_STATUS_OK;
}

static bool is_there(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0;
}

/* It was made for this page and holds nothing but its figures. */
static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    rmdir(path);
}

static bool stays(const lam_report_options *options, lam_status status)
{
    bool is_kept = options->keeps_figures || options->format == LAM_PAGE_FORMAT_MARKDOWN;
    return status == LAM_STATUS_NO_RENDERER || (status == LAM_STATUS_OK && is_kept);
}

lam_status lam_report_write(lam_report *report, const lam_report_options *options,
                            lam_figure_list *figures)
{
    char *directory = NULL;
    LAM_TRY(lam_file_check_place(report->context, options->output));
    LAM_TRY(name_directory(report->context, options->output, &directory));
    lam_report_writer writer = {.context = report->context,
                                .report = report,
                                .options = options,
                                .figure_options = {.directory = directory,
                                                   .formats = LAM_FIGURE_FORMAT_SVG,
                                                   .theme = options->theme,
                                                   .is_bare = true},
                                .figures = figures,
                                .shown = figures->count};
    bool was_there = is_there(directory);
    lam_status status = lam_directory_create(report->context, directory);
    if (status == LAM_STATUS_OK)
        status = write_page(&writer);
    if (!was_there && !stays(options, status))
        remove_directory(directory);
    lam_dataset_destroy(&writer.dataset);
    free(writer.dataset_directory);
    free(directory);
    return status;
}
