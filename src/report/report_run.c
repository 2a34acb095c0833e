/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_results.h"
#include "report/report_writer.h"

static const lam_run_history *find_finished(const lam_run_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->runs[i].is_finished)
            return &set->runs[i];
    return NULL;
}

/* ---- what was trained on what ---- */

static void add_states(lam_table *facts, const lam_run_set *set)
{
    size_t finished = 0, early = 0;
    for (size_t i = 0; i < set->count; i++) {
        finished += set->runs[i].is_finished;
        early += set->runs[i].is_finished && set->runs[i].summary.stopped_early;
    }
    if (!set->is_seed_set)
        lam_report_add_fact(facts, "state", "%s%s", set->runs[0].status,
                            early ? " early, by the recipe's patience" : "");
    else
        lam_report_add_fact(facts, "networks", "%zu, %zu of them finished%s", set->count,
                            finished, early ? ", some early, by the recipe's patience" : "");
}

static void add_data(lam_table *facts, const lam_run_history *run)
{
    static const char *const sources[] = {
#define SOURCE_TEXT(name, text) text,
        LAM_DATA_SOURCE_LIST(SOURCE_TEXT)
#undef SOURCE_TEXT
    };
    lam_report_add_fact(facts, "data", "%s%s%s", sources[run->recipe.data.source],
                        run->data_directory ? " in " : "",
                        run->data_directory ? run->data_directory : "");
    lam_report_add_fact(
        facts, "rows",
        "%" PRIu32 " for training, %" PRIu32 " for validation, %" PRIu32 " for the test",
        run->rows[LAM_SPLIT_TRAIN], run->rows[LAM_SPLIT_VALIDATION], run->rows[LAM_SPLIT_TEST]);
}

/* Networks of a set share the device: the time of one says little. */
static void add_time(lam_table *facts, const lam_run_set *set)
{
    const lam_run_history *run = &set->runs[0];
    if (set->is_seed_set || !run->is_finished)
        return;
    lam_report_add_fact(facts, "length", "%" PRId64 " steps", run->summary.steps);
    lam_report_add_fact(
        facts, "time",
        "%.3g s, of that %.3g s for each epoch (%.0f samples/s); the rest are measurements",
        run->summary.seconds_total, run->summary.seconds_per_epoch,
        run->summary.samples_per_second);
}

static void add_facts(lam_report_writer *writer, const lam_run_set *set)
{
    const lam_run_history *run = &set->runs[0];
    lam_table facts = lam_report_start_facts();
    lam_report_add_fact(&facts, "folder", "%s", set->path);
    add_states(&facts, set);
    add_data(&facts, run);
    add_time(&facts, set);
    lam_report_add_fact(&facts, "device", "%s", run->device);
    lam_report_add_fact(&facts, "matrix products by", "%s", run->gemm);
    lam_report_add_fact(&facts, "trained by", "Lamina %s", run->version);
    lam_report_end_facts(writer, &facts);
}

/* ---- pictures of one network ---- */

static bool is_same_data(const lam_report_writer *writer, const lam_data_options *options,
                         const char *directory)
{
    const lam_data_options *last = &writer->dataset_options;
    return writer->dataset && strcmp(writer->dataset_directory, directory) == 0 &&
           last->source == options->source && last->train_files == options->train_files &&
           last->validation_files == options->validation_files &&
           last->validation_count == options->validation_count &&
           last->train_first == options->train_first;
}

/* The run's data becomes the writer's; what is there already and the same stays. */
static lam_status load_data(lam_report_writer *writer, const lam_run_history *run)
{
    const lam_data_options *options = &run->recipe.data;
    const char *directory = writer->options->data_directory;
    if (!directory)
        directory = run->data_directory ? run->data_directory : "";
    if (is_same_data(writer, options, directory))
        return LAM_STATUS_OK;
    lam_dataset_destroy(&writer->dataset);
    free(writer->dataset_directory);
    writer->dataset_options = *options;
    writer->dataset_directory = strdup(directory);
    if (!writer->dataset_directory)
        return lam_fail_memory(writer->context, directory, strlen(directory));
    return lam_dataset_load(writer->context, options, directory, &writer->dataset);
}

static lam_status plot_predictions(lam_report_writer *writer, const lam_run_history *run)
{
    const lam_predict_options options = {.split = LAM_SPLIT_TEST};
    lam_predictions *predictions = NULL;
    LAM_TRY(load_data(writer, run));
    LAM_TRY(lam_predict(writer->options->device, &run->recipe, writer->dataset, run->folder,
                        &options, &predictions));
    const lam_plot_predictions plotted = {run->folder, &run->recipe, predictions};
    lam_status status = lam_plot_images(writer->context, &plotted, 1, writer->dataset,
                                        LAM_PLOT_ALL, &writer->figure_options, writer->figures);
    lam_predictions_destroy(&predictions);
    return status;
}

static lam_status plot_augmentation(lam_report_writer *writer, const lam_run_history *run)
{
    LAM_TRY(load_data(writer, run));
    return lam_plot_augmentation(writer->context, writer->options->device, &run->recipe,
                                 writer->dataset, run->folder, &writer->figure_options,
                                 writer->figures);
}

static lam_status add_predictions(lam_report_writer *writer, const lam_run_history *run)
{
    if (!writer->options->device) {
        lam_page_add_paragraph(
            writer->page, "What the network says of the test images is not shown: %s.",
            writer->options->no_device_note ? writer->options->no_device_note
                                            : "there is no device to ask it on");
        return LAM_STATUS_OK;
    }
    LAM_TRY(lam_report_take_figures(writer, plot_predictions(writer, run),
                                    "What the network says of the test images"));
    return lam_report_take_figures(writer, plot_augmentation(writer, run),
                                   "Images as training sees them");
}

static lam_status add_network(lam_report_writer *writer, const lam_run_set *set)
{
    const lam_run_history *run = find_finished(set);
    if (!run) {
        lam_page_add_paragraph(writer->page,
                               "There are no pictures of the network: none is finished.");
        return LAM_STATUS_OK;
    }
    lam_page_add_heading(writer->page, 3, "What the network looks for and says");
    if (set->is_seed_set)
        lam_page_add_paragraph(writer->page, "Of the network of seed %" PRIu64 ".", run->seed);
    LAM_TRY(lam_report_take_figures(writer,
                                    lam_plot_weights(writer->context, run->folder, NULL,
                                                     &writer->figure_options, writer->figures),
                                    "Weights"));
    return add_predictions(writer, run);
}

/* ---- how to do it again ---- */

static void append_seeds(lam_strbuf *command, const lam_run_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        size_t last = i;
        while (last + 1 < set->count && set->runs[last + 1].seed == set->runs[last].seed + 1)
            last++;
        lam_strbuf_append(command, "%s%" PRIu64, i == 0 ? " --seeds " : ",", set->runs[i].seed);
        if (last > i)
            lam_strbuf_append(command, "..%" PRIu64, set->runs[last].seed);
        i = last;
    }
}

/* Each seed is the recipe's, too: they differ in the order of rows as well. */
static bool varies_order(const lam_run_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->runs[i].recipe.seed != set->runs[i].seed)
            return false;
    return set->is_seed_set && set->count > 1;
}

static lam_status add_recipe(lam_report_writer *writer, const lam_run_set *set)
{
    const lam_run_history *run = &set->runs[0];
    lam_strbuf command = {0};
    char file[LAM_RECIPE_NAME_BYTES + 8];
    snprintf(file, sizeof file, "%s.json", run->recipe.name);
    lam_strbuf_append(&command, "lamina train");
    lam_report_append_word(&command, file);
    if (run->data_directory) {
        lam_strbuf_append(&command, " --data");
        lam_report_append_word(&command, run->data_directory);
    }
    if (set->is_seed_set || run->seed != run->recipe.seed)
        append_seeds(&command, set);
    if (varies_order(set))
        lam_strbuf_append(&command, " --vary order");
    lam_status status =
        command.failed
            ? lam_fail_memory(writer->context, "a command", command.length)
            : lam_report_add_recipe(writer, &run->recipe, file, lam_strbuf_text(&command));
    lam_strbuf_free(&command);
    return status;
}

/* ---- the section ---- */

lam_status lam_report_add_run(lam_report_writer *writer, const lam_report_item *item,
                              const char *heading, bool shows_network)
{
    const lam_run_set *set = &item->set;
    const lam_recipe *recipe = &set->runs[0].recipe;
    const char *path = item->path;
    char summary[512];
    lam_recipe_summarize(recipe, summary, sizeof summary);
    lam_page_add_heading(writer->page, 2, heading);
    if (*recipe->description)
        lam_page_add_paragraph(writer->page, "%s", recipe->description);
    lam_page_add_paragraph(writer->page, "%s.", summary);
    lam_page_add_heading(writer->page, 3, "Results");
    lam_report_add_results(writer, set);
    if (set->is_seed_set)
        lam_report_add_seeds(writer, set);
    LAM_TRY(lam_report_take_figures(writer,
                                    lam_plot_runs(writer->context, &path, 1,
                                                  LAM_PLOT_BIT(LAM_PLOT_KIND_CURVES),
                                                  &writer->figure_options, writer->figures),
                                    "Curves"));
    if (shows_network)
        LAM_TRY(add_network(writer, set));
    else
        lam_page_add_paragraph(writer->page,
                               "There are no pictures of this network: the page "
                               "has enough of others. A page of its own has them.");
    lam_page_add_heading(writer->page, 3, "What was trained where");
    add_facts(writer, set);
    return add_recipe(writer, set);
}
