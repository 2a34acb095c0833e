/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "figure/page.h"
#include "lamina/version.h"
#include "report/reproduction_rows.h"
#include "report/verdict.h"

#define COLUMN(name, heading)                                                                  \
    {                                                                                          \
        LAM_REPRODUCTION_COLUMN_##name, heading, -1                                            \
    }

/* ---- tables besides that of published numbers ---- */

/* A word of the page, of a number of things. */
static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void format_seconds(double seconds, char *text, size_t bytes)
{
    snprintf(text, bytes, seconds < 10 ? "%.1f" : "%.0f", seconds);
}

static void set_seconds(lam_table *table, size_t column, double seconds)
{
    char text[32];
    if (!isfinite(seconds) || seconds <= 0)
        return;
    format_seconds(seconds, text, sizeof text);
    lam_table_set_text(table, column, text);
}

static void add_times(lam_page *page, const lam_reproduction *reproduction)
{
    enum { NAME, COUNT, SECONDS, TRAINING, PEER, RATIO };
    static const lam_page_column columns[] = {
        {NAME, "experiment", -1},        {COUNT, "networks or checks", 0},
        {SECONDS, "seconds in all", -1}, {TRAINING, "training alone", -1},
        {PEER, "NumPy, computed", -1},   {RATIO, "times as fast", 1}};
    static const lam_cell_kind kinds[] = {LAM_CELL_TEXT, LAM_CELL_NUMBER, LAM_CELL_TEXT,
                                          LAM_CELL_TEXT, LAM_CELL_TEXT,   LAM_CELL_NUMBER};
    lam_table table = {0};
    double seconds = 0, training = 0, peer = 0;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        (void)lam_table_add_column(&table, columns[i].heading, kinds[i]);
    for (size_t i = 0; i < reproduction->manifest->experiment_count; i++) {
        const lam_experiment_result *result = &reproduction->results[i];
        if (!result->is_done)
            continue;
        lam_table_add_row(&table);
        lam_table_set_text(&table, NAME, reproduction->manifest->experiments[i].name);
        lam_table_set_number(&table, COUNT, (double)result->count);
        set_seconds(&table, SECONDS, result->seconds);
        set_seconds(&table, TRAINING, result->training_seconds);
        set_seconds(&table, PEER, result->peer_seconds);
        seconds += result->seconds;
        if (!isfinite(result->peer_seconds) || result->training_seconds <= 0)
            continue;
        lam_table_set_number(&table, RATIO, result->peer_seconds / result->training_seconds);
        training += result->training_seconds;
        peer += result->peer_seconds;
    }
    lam_page_add_heading(page, 2, "Times");
    lam_page_add_paragraph(page, "%.0f seconds in all, training and measuring.", seconds);
    if (peer > 0)
        lam_page_add_paragraph(
            page,
            "NumPy's column is computed: each distinct network and batch was timed in "
            "NumPy on this machine between these trainings, for an epoch or a second, and "
            "multiplied by the steps and the networks. It trains one network after "
            "another, without measurements, mirrored images or other losses than "
            "softmax cross-entropy. Where both are known, it would take %.0f seconds "
            "to Lamina's %.0f: %.1f times as long.",
            peer, training, peer / training);
    else
        lam_page_add_paragraph(page, "NumPy was not timed: it needs python3 with numpy.");
    lam_page_add_table(page, NULL, &table, columns, sizeof columns / sizeof columns[0]);
    lam_table_free(&table);
}

/* What nothing was published of, and all accuracies of the rest. */
static void add_accuracies(lam_page *page, const lam_reproduction *reproduction)
{
    enum { NAME, TITLE, TRAIN, VALIDATION, TEST, DEVIATION, COUNT };
    static const lam_page_column columns[] = {
        {NAME, "experiment", -1}, {TITLE, "what it is", -1},
        {TRAIN, "train", 2},      {VALIDATION, "validation", 2},
        {TEST, "test", 2},        {DEVIATION, "deviation of test", 2},
        {COUNT, "n", 0}};
    lam_table table = {0};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        (void)lam_table_add_column(&table, columns[i].heading,
                                   i < TRAIN ? LAM_CELL_TEXT : LAM_CELL_NUMBER);
    for (size_t i = 0; i < reproduction->manifest->experiment_count; i++) {
        const lam_experiment *experiment = &reproduction->manifest->experiments[i];
        const lam_experiment_result *result = &reproduction->results[i];
        const lam_estimate *values = result->values;
        if (!result->is_done || experiment->kind != LAM_EXPERIMENT_KIND_TRAIN)
            continue;
        lam_table_add_row(&table);
        lam_table_set_text(&table, NAME, experiment->name);
        lam_table_set_text(&table, TITLE, experiment->title);
        lam_table_set_number(&table, COUNT, (double)result->count);
        for (size_t k = 0; k < 3; k++)
            if (values[LAM_QUANTITY_TRAIN_ACCURACY + k].count > 0)
                lam_table_set_number(&table, TRAIN + k,
                                     values[LAM_QUANTITY_TRAIN_ACCURACY + k].mean);
        if (result->count > 1)
            lam_table_set_number(&table, DEVIATION,
                                 values[LAM_QUANTITY_TEST_ACCURACY].deviation);
    }
    lam_page_add_heading(page, 2, "All networks");
    lam_page_add_paragraph(page, "Accuracies in percent, means over n networks that differ in "
                                 "their initial weights, at the end of training.");
    lam_page_add_table(page, NULL, &table, columns, sizeof columns / sizeof columns[0]);
    lam_table_free(&table);
}

static void format_command(const lam_experiment *experiment,
                           const lam_experiment_result *result, char *text, size_t bytes)
{
    static const char *const names[] = {"train", "check-gradients", "lambda-search"};
    char more[96] = "";
    size_t length = 0;
    if (experiment->kind == LAM_EXPERIMENT_KIND_TRAIN)
        snprintf(more, sizeof more, " --seeds 1..%zu", result->count + result->diverged);
    else if (experiment->kind == LAM_EXPERIMENT_KIND_SEARCH)
        snprintf(more, sizeof more, " --preset %s", experiment->preset);
    else
        length = (size_t)snprintf(more, sizeof more, " --entries %u", experiment->entries);
    if (experiment->step > 0)
        length += (size_t)snprintf(more + length, sizeof more - length, " --step %g",
                                   experiment->step);
    if (experiment->inputs > 0)
        snprintf(more + length, sizeof more - length, " --inputs %u", experiment->inputs);
    snprintf(text, bytes, "lamina %s %s%s%s", names[experiment->kind], experiment->recipe_name,
             experiment->settings, more);
}

static void add_commands(lam_page *page, const lam_reproduction *reproduction)
{
    enum { NAME, COMMAND };
    static const lam_page_column columns[] = {{NAME, "experiment", -1},
                                              {COMMAND, "by itself", -1}};
    lam_table table = {0};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        (void)lam_table_add_column(&table, columns[i].heading, LAM_CELL_TEXT);
    for (size_t i = 0; i < reproduction->manifest->experiment_count; i++) {
        const lam_experiment *experiment = &reproduction->manifest->experiments[i];
        const lam_experiment_result *result = &reproduction->results[i];
        char command[1024];
        if (!result->is_done)
            continue;
        format_command(experiment, result, command, sizeof command);
        lam_table_add_row(&table);
        lam_table_set_text(&table, NAME, experiment->name);
        lam_table_set_text(&table, COMMAND, command);
    }
    lam_page_add_heading(page, 2, "Each experiment by itself");
    lam_page_add_paragraph(page, "Paths are relative to the folder of %s.",
                           strrchr(reproduction->manifest->path, '/')
                               ? strrchr(reproduction->manifest->path, '/') + 1
                               : reproduction->manifest->path);
    lam_page_add_table(page, NULL, &table, columns, sizeof columns / sizeof columns[0]);
    lam_table_free(&table);
}

/* ---- the page ---- */

static void add_summary(lam_page *page, const lam_reproduction *reproduction)
{
    const lam_reproduction_tally tally = lam_reproduction_count(reproduction);
    size_t agrees = tally.verdicts[LAM_VERDICT_AGREES];
    size_t sound = tally.judged - tally.verdicts[LAM_VERDICT_SLIP];
    lam_page_add_paragraph(page,
                           "Of %zu published number%s that are judged, %zu agree with ours "
                           "within noise, %zu differ "
                           "because of known slips in the reports, %zu are exceeded and %zu "
                           "differ. Without the slips "
                           "%.1f %% agree.",
                           tally.judged, plural(tally.judged), agrees,
                           tally.verdicts[LAM_VERDICT_SLIP], tally.verdicts[LAM_VERDICT_BETTER],
                           tally.verdicts[LAM_VERDICT_DIFFERS],
                           sound > 0 ? 100 * (double)agrees / (double)sound : 0.0);
    if (tally.missing > 0)
        lam_page_add_paragraph(page,
                               "%zu published number%s belong to experiments that were "
                               "not run this time.",
                               tally.missing, plural(tally.missing));
    lam_page_add_paragraph(page, "Lamina %s on %s. %s", lam_version(), reproduction->device,
                           reproduction->note ? reproduction->note : "");
    lam_page_add_code(page, reproduction->command);
}

static void add_rule(lam_page *page)
{
    lam_page_add_heading(page, 2, "How numbers are judged");
    lam_page_add_paragraph(
        page, "A published number is one training; ours is the mean of n with the sample "
              "deviation s. "
              "They agree when they are no further apart than noise explains, to the nearer "
              "end where a "
              "range was published, and half of the last published digit may be added.");
    lam_page_add_paragraph(
        page,
        "Accuracies: 1.96 sqrt(sigma² + s²/n + b²), where sigma is the larger of s and "
        "%.1f points, by which repeated trainings are known to spread, and b is the "
        "binomial standard error of the published accuracy on the rows that it was "
        "measured on.",
        LAM_VERDICT_SEED_DEVIATION);
    lam_page_add_paragraph(
        page,
        "Losses and costs: t sqrt(s² + s²/n), t of Student's distribution for 95 %% and n - 1 "
        "degrees. The networks of an experiment share their batches, so that s leaves out what "
        "another order of the rows would do: this is the stricter rule.");
    lam_page_add_paragraph(
        page,
        "Errors of gradients are rounding, of which only the order of magnitude "
        "repeats: they agree up to %d times what was published; ours is the largest of "
        "four checks. What was published as a bound is kept or not. What a search "
        "finds is luck in part and not judged.",
        LAM_VERDICT_ERROR_FACTOR);
    lam_page_add_paragraph(
        page,
        "Numbers beyond that are better (a higher accuracy, a lower loss), known slips of the "
        "reports, or differ, with what is known of the reason beside them.");
}

static void add_published(lam_page *page, const lam_reproduction *reproduction,
                          lam_reproduction_choice choice, size_t first, size_t end)
{
    static const lam_page_column columns[] = {COLUMN(EXPERIMENT, "experiment"),
                                              COLUMN(QUANTITY, "quantity"),
                                              COLUMN(REPORT, "report"),
                                              COLUMN(PUBLISHED, "published"),
                                              COLUMN(OURS, "ours"),
                                              COLUMN(INTERVAL, "95 % interval"),
                                              COLUMN(COUNT, "n"),
                                              COLUMN(VERDICT, "verdict"),
                                              COLUMN(NOTE, "note")};
    lam_table table = lam_reproduction_tabulate(reproduction, choice, first, end);
    if (table.row_count > 0)
        lam_page_add_table(page, NULL, &table, columns, sizeof columns / sizeof columns[0]);
    lam_table_free(&table);
}

static bool has_published(const lam_reproduction *reproduction, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (reproduction->results[i].is_done &&
            reproduction->manifest->experiments[i].published_count > 0)
            return true;
    return false;
}

static void add_all_published(lam_page *page, const lam_reproduction *reproduction)
{
    const lam_experiment *experiments = reproduction->manifest->experiments;
    size_t count = reproduction->manifest->experiment_count;
    lam_page_add_heading(page, 2, "Every published number");
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && !*experiments[end].section; end++)
            continue;
        if (!has_published(reproduction, first, end))
            continue;
        if (*experiments[first].section)
            lam_page_add_heading(page, 3, experiments[first].section);
        add_published(page, reproduction, LAM_REPRODUCTION_DONE, first, end);
    }
}

static void add_reports(lam_page *page, const lam_manifest *manifest)
{
    lam_page_add_heading(page, 2, "Slips in the reports");
    lam_page_add_paragraph(page, "The experiments are run as they were meant; these slips "
                                 "are not repeated.");
    for (size_t i = 0; i < manifest->slip_count; i++)
        lam_page_add_paragraph(page, "%s: %s", manifest->slips[i].report,
                               manifest->slips[i].text);
    lam_page_add_heading(page, 2, "Reports");
    for (size_t i = 0; i < manifest->report_count; i++) {
        const lam_report_source *report = &manifest->reports[i];
        lam_page_add_paragraph(page, "%s%s%s: %s", report->name, *report->file ? ", " : "",
                               report->file, report->title);
    }
}

static lam_status add_figures(lam_page *page, const lam_reproduction *reproduction)
{
    const lam_figure_list *figures = reproduction->figures;
    if (!figures || figures->count == 0)
        return LAM_STATUS_OK;
    lam_page_add_heading(page, 2, "Figures");
    for (size_t i = 0; i < figures->count; i++)
        LAM_TRY(lam_page_add_figure(page, &figures->figures[i]));
    return LAM_STATUS_OK;
}

/* Only a page that stands beside the manifest has the gallery beside it. */
static void add_gallery(lam_page *page, const lam_reproduction *reproduction,
                        const char *directory)
{
    const char *gallery = reproduction->manifest->gallery;
    char path[4096 + 256];
    snprintf(path, sizeof path, "%s/%s", directory, gallery);
    if (!*gallery || access(path, F_OK) != 0)
        return;
    lam_page_add_heading(page, 2, "Gallery");
    lam_page_add_link(page, "One figure of each kind that lamina plot draws", gallery);
}

static lam_status write_page(lam_page *page, const lam_reproduction *reproduction,
                             const char *directory)
{
    add_summary(page, reproduction);
    lam_page_add_heading(page, 2, "What does not agree");
    add_published(page, reproduction, LAM_REPRODUCTION_BEYOND, 0,
                  reproduction->manifest->experiment_count);
    add_all_published(page, reproduction);
    LAM_TRY(add_figures(page, reproduction));
    add_gallery(page, reproduction, directory);
    add_rule(page);
    add_reports(page, reproduction->manifest);
    add_accuracies(page, reproduction);
    add_times(page, reproduction);
    add_commands(page, reproduction);
    return lam_page_save(page);
}

static lam_status save_rows(lam_context *context, const lam_reproduction *reproduction,
                            const char *directory)
{
    char path[4096 + 16];
    snprintf(path, sizeof path, "%s/results.tsv", directory);
    lam_table rows = lam_reproduction_tabulate(reproduction, LAM_REPRODUCTION_DONE, 0,
                                               reproduction->manifest->experiment_count);
    lam_status status = lam_table_save(context, &rows, path);
    lam_table_free(&rows);
    return status;
}

lam_status lam_reproduction_save(lam_context *context, const lam_reproduction *reproduction,
                                 const char *directory)
{
    char path[4096 + 16];
    lam_page *page = NULL;
    LAM_TRY(lam_directory_create(context, directory));
    LAM_TRY(save_rows(context, reproduction, directory));
    snprintf(path, sizeof path, "%s/README.md", directory);
    LAM_TRY(lam_page_create(
        context, LAM_PAGE_FORMAT_MARKDOWN, path, "Published against ours",
        reproduction->figure_directory ? reproduction->figure_directory : directory, &page));
    lam_status status = write_page(page, reproduction, directory);
    lam_page_destroy(&page);
    return status;
}
