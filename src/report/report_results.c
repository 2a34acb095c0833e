/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report_results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* NULL without memory. free() it. */
static lam_seed_result *collect(const lam_run_set *set)
{
    lam_seed_result *results = calloc(set->count, sizeof *results);
    for (size_t i = 0; results && i < set->count; i++)
        results[i] = (lam_seed_result){.seed = set->runs[i].seed,
                                       .diverged = !set->runs[i].is_finished,
                                       .run = set->runs[i].summary};
    return results;
}

static double to_percent(double share)
{
    return 100 * share;
}

/* ---- what a set says together ---- */

enum {
    RESULT_MODEL,
    RESULT_SPLIT,
    RESULT_ACCURACY,
    RESULT_ACCURACY_DEVIATION,
    RESULT_ACCURACY_HALF_WIDTH,
    RESULT_LOSS,
    RESULT_LOSS_DEVIATION,
    RESULT_LOSS_HALF_WIDTH,
    RESULT_COST,
    RESULT_COST_DEVIATION,
    RESULT_COST_HALF_WIDTH,
    RESULT_COLUMNS,
};

static const lam_page_column single_columns[] = {{RESULT_MODEL, "model", 0},
                                                 {RESULT_SPLIT, "split", 0},
                                                 {RESULT_ACCURACY, "accuracy (%)", 2},
                                                 {RESULT_LOSS, "loss", 4},
                                                 {RESULT_COST, "cost", 4}};

static const lam_page_column set_columns[] = {
    {RESULT_MODEL, "model", 0},
    {RESULT_SPLIT, "split", 0},
    {RESULT_ACCURACY, "accuracy (%)", 2},
    {RESULT_ACCURACY_DEVIATION, "deviation", 2},
    {RESULT_ACCURACY_HALF_WIDTH, "95 % interval ±", 2},
    {RESULT_LOSS, "loss", 4},
    {RESULT_LOSS_DEVIATION, "deviation", 4},
    {RESULT_LOSS_HALF_WIDTH, "95 % interval ±", 4},
    {RESULT_COST, "cost", 4},
    {RESULT_COST_DEVIATION, "deviation", 4},
    {RESULT_COST_HALF_WIDTH, "95 % interval ±", 4}};

static lam_table start_results(void)
{
    lam_table table = {0};
    for (size_t i = 0; i < RESULT_COLUMNS; i++)
        lam_table_add_column(&table, "result",
                             i <= RESULT_SPLIT ? LAM_CELL_TEXT : LAM_CELL_NUMBER);
    return table;
}

static void set_estimate(lam_table *table, size_t column, const lam_estimate *estimate,
                         double scale)
{
    lam_table_set_number(table, column, scale * estimate->mean);
    lam_table_set_number(table, column + 1, scale * estimate->deviation);
    lam_table_set_number(table, column + 2, scale * estimate->half_width);
}

static void start_row(lam_table *table, const char *model, lam_split split)
{
    lam_table_add_row(table);
    lam_table_set_text(table, RESULT_MODEL, model);
    lam_table_set_text(table, RESULT_SPLIT, lam_split_name(split));
}

static void add_estimates(lam_table *table, const char *model, const lam_seed_result *results,
                          size_t count, bool best)
{
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        lam_metrics_estimate estimate =
            lam_seed_results_estimate(results, count, (lam_split)split, best);
        if (estimate.accuracy.count == 0)
            continue;
        start_row(table, model, (lam_split)split);
        set_estimate(table, RESULT_ACCURACY, &estimate.accuracy, 100);
        set_estimate(table, RESULT_LOSS, &estimate.loss, 1);
        set_estimate(table, RESULT_COST, &estimate.cost, 1);
    }
}

static void add_metrics(lam_table *table, const char *model, lam_split split,
                        const lam_metrics *metrics)
{
    start_row(table, model, split);
    lam_table_set_number(table, RESULT_ACCURACY, to_percent(metrics->accuracy));
    lam_table_set_number(table, RESULT_LOSS, metrics->loss);
    lam_table_set_number(table, RESULT_COST, metrics->cost);
}

static void add_latest(lam_report_writer *writer, const lam_run_history *run)
{
    if (run->measurement_count == 0) {
        lam_page_add_paragraph(writer->page, "Nothing has been measured yet (%s).",
                               run->status);
        return;
    }
    const lam_measurement *latest = &run->measurements[run->measurement_count - 1];
    char model[64];
    lam_table table = start_results();
    snprintf(model, sizeof model, "at step %lld", (long long)latest->step);
    add_metrics(&table, model, LAM_SPLIT_TRAIN, &latest->train);
    if (latest->has_validation)
        add_metrics(&table, model, LAM_SPLIT_VALIDATION, &latest->validation);
    lam_page_add_table(writer->page, "The run is not finished: its latest measurement.", &table,
                       single_columns, sizeof single_columns / sizeof single_columns[0]);
    lam_table_free(&table);
}

static size_t count_finished(const lam_run_set *set)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += set->runs[i].is_finished;
    return count;
}

static void add_finished(lam_report_writer *writer, const lam_run_set *set)
{
    lam_seed_result *results = collect(set);
    lam_table table = start_results();
    table.failed |= !results;
    if (results) {
        add_estimates(&table, "trained", results, set->count, false);
        add_estimates(&table, "best", results, set->count, true);
    }
    char caption[256];
    if (set->is_seed_set)
        snprintf(caption, sizeof caption,
                 "Means over %zu networks that differ in their seeds, with the standard "
                 "deviation and the 95 %% interval of the mean by Student's t; best: those of "
                 "the best validation accuracy.",
                 count_finished(set));
    else if (results && results->run.has_best)
        snprintf(caption, sizeof caption,
                 "The trained network, and the one of the best validation accuracy on the way "
                 "(step %lld, epoch %.4g).",
                 (long long)results->run.best_step, results->run.best_epoch);
    else
        snprintf(caption, sizeof caption, "The trained network.");
    if (set->is_seed_set)
        lam_page_add_table(writer->page, caption, &table, set_columns,
                           sizeof set_columns / sizeof set_columns[0]);
    else
        lam_page_add_table(writer->page, caption, &table, single_columns,
                           sizeof single_columns / sizeof single_columns[0]);
    lam_table_free(&table);
    free(results);
}

void lam_report_add_results(lam_report_writer *writer, const lam_run_set *set)
{
    if (count_finished(set) > 0)
        add_finished(writer, set);
    else if (set->is_seed_set)
        lam_page_add_paragraph(writer->page, "None of the networks is finished.");
    else
        add_latest(writer, &set->runs[0]);
}

/* ---- each network of a set ---- */

enum {
    SEED_SEED,
    SEED_STATE,
    SEED_STEPS,
    SEED_TRAIN,
    SEED_VALIDATION,
    SEED_TEST,
    SEED_TEST_LOSS,
    SEED_BEST_VALIDATION,
    SEED_BEST_TEST,
    SEED_BEST_STEP,
    SEED_COLUMNS,
};

static const lam_page_column seed_columns[] = {{SEED_SEED, "seed", 0},
                                               {SEED_STATE, "state", 0},
                                               {SEED_STEPS, "steps", 0},
                                               {SEED_TRAIN, "train (%)", 2},
                                               {SEED_VALIDATION, "validation (%)", 2},
                                               {SEED_TEST, "test (%)", 2},
                                               {SEED_TEST_LOSS, "test loss", 4},
                                               {SEED_BEST_VALIDATION, "best validation (%)", 2},
                                               {SEED_BEST_TEST, "its test (%)", 2},
                                               {SEED_BEST_STEP, "at step", 0}};

static void set_accuracy(lam_table *table, size_t column, const lam_run_summary *summary,
                         const lam_metrics *metrics, lam_split split)
{
    if (summary->has_split[split])
        lam_table_set_number(table, column, to_percent(metrics[split].accuracy));
}

static void set_summary(lam_table *table, const lam_run_summary *run)
{
    lam_table_set_number(table, SEED_STEPS, (double)run->steps);
    set_accuracy(table, SEED_TRAIN, run, run->final, LAM_SPLIT_TRAIN);
    set_accuracy(table, SEED_VALIDATION, run, run->final, LAM_SPLIT_VALIDATION);
    set_accuracy(table, SEED_TEST, run, run->final, LAM_SPLIT_TEST);
    if (run->has_split[LAM_SPLIT_TEST])
        lam_table_set_number(table, SEED_TEST_LOSS, run->final[LAM_SPLIT_TEST].loss);
    if (!run->has_best)
        return;
    set_accuracy(table, SEED_BEST_VALIDATION, run, run->best, LAM_SPLIT_VALIDATION);
    set_accuracy(table, SEED_BEST_TEST, run, run->best, LAM_SPLIT_TEST);
    lam_table_set_number(table, SEED_BEST_STEP, (double)run->best_step);
}

void lam_report_add_seeds(lam_report_writer *writer, const lam_run_set *set)
{
    lam_table table = {0};
    for (size_t i = 0; i < SEED_COLUMNS; i++)
        lam_table_add_column(&table, "seed", i == SEED_STATE ? LAM_CELL_TEXT : LAM_CELL_NUMBER);
    for (size_t i = 0; i < set->count; i++) {
        lam_table_add_row(&table);
        lam_table_set_number(&table, SEED_SEED, (double)set->runs[i].seed);
        lam_table_set_text(&table, SEED_STATE, set->runs[i].status);
        if (set->runs[i].is_finished)
            set_summary(&table, &set->runs[i].summary);
    }
    lam_page_add_table(writer->page, "Accuracies of each network, trained and best.", &table,
                       seed_columns, SEED_COLUMNS);
    lam_table_free(&table);
}

/* ---- several sets ---- */

enum {
    SET_NAME,
    SET_COUNT,
    SET_TRAIN,
    SET_VALIDATION,
    SET_TEST,
    SET_TEST_DEVIATION,
    SET_TEST_HALF_WIDTH,
    SET_TEST_LOSS,
    SET_BEST_VALIDATION,
    SET_BEST_TEST,
    SET_COLUMNS,
};

static const lam_page_column run_columns[] = {{SET_NAME, "run", 0},
                                              {SET_COUNT, "networks", 0},
                                              {SET_TRAIN, "train (%)", 2},
                                              {SET_VALIDATION, "validation (%)", 2},
                                              {SET_TEST, "test (%)", 2},
                                              {SET_TEST_DEVIATION, "test deviation", 2},
                                              {SET_TEST_HALF_WIDTH, "test 95 % interval ±", 2},
                                              {SET_TEST_LOSS, "test loss", 4},
                                              {SET_BEST_VALIDATION, "best validation (%)", 2},
                                              {SET_BEST_TEST, "its test (%)", 2}};

static double estimate_accuracy(const lam_seed_result *results, size_t count, lam_split split,
                                bool best)
{
    return to_percent(lam_seed_results_estimate(results, count, split, best).accuracy.mean);
}

static void set_set(lam_table *table, const lam_seed_result *results, size_t count)
{
    lam_metrics_estimate test =
        lam_seed_results_estimate(results, count, LAM_SPLIT_TEST, false);
    lam_table_set_number(table, SET_TRAIN,
                         estimate_accuracy(results, count, LAM_SPLIT_TRAIN, false));
    lam_table_set_number(table, SET_VALIDATION,
                         estimate_accuracy(results, count, LAM_SPLIT_VALIDATION, false));
    lam_table_set_number(table, SET_TEST, to_percent(test.accuracy.mean));
    lam_table_set_number(table, SET_TEST_DEVIATION, to_percent(test.accuracy.deviation));
    lam_table_set_number(table, SET_TEST_HALF_WIDTH, to_percent(test.accuracy.half_width));
    lam_table_set_number(table, SET_TEST_LOSS, test.loss.mean);
    lam_table_set_number(table, SET_BEST_VALIDATION,
                         estimate_accuracy(results, count, LAM_SPLIT_VALIDATION, true));
    lam_table_set_number(table, SET_BEST_TEST,
                         estimate_accuracy(results, count, LAM_SPLIT_TEST, true));
}

static void add_set(lam_report_writer *writer, lam_table *table, const lam_report_item *item)
{
    char name[4400];
    lam_seed_result *results = collect(&item->set);
    lam_report_name_item(writer->report, item, name, sizeof name);
    lam_table_add_row(table);
    lam_table_set_text(table, SET_NAME, name);
    lam_table_set_number(table, SET_COUNT, (double)count_finished(&item->set));
    table->failed |= !results;
    if (results)
        set_set(table, results, item->set.count);
    free(results);
}

void lam_report_add_run_table(lam_report_writer *writer)
{
    lam_table table = {0};
    for (size_t i = 0; i < SET_COLUMNS; i++)
        lam_table_add_column(&table, "set", i == SET_NAME ? LAM_CELL_TEXT : LAM_CELL_NUMBER);
    for (size_t i = 0; i < writer->report->count; i++)
        if (writer->report->items[i].source == LAM_PLOT_SOURCE_RUN)
            add_set(writer, &table, &writer->report->items[i]);
    lam_page_add_table(writer->page,
                       "Accuracies of the trained networks, means where there are several "
                       "seeds, and of those of the best validation accuracy.",
                       &table, run_columns, SET_COLUMNS);
    lam_table_free(&table);
}
