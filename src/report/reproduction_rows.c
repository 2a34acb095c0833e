/* SPDX-License-Identifier: Apache-2.0 */
#include "report/reproduction_rows.h"

#include <math.h>
#include <stdio.h>

#include "report/verdict.h"

static void format_number(lam_quantity quantity, double value, char *text, size_t bytes)
{
    switch (lam_quantity_get_measure(quantity)) {
    case LAM_MEASURE_ACCURACY:
    case LAM_MEASURE_CHANCE:
        snprintf(text, bytes, "%.2f", value);
        return;
    case LAM_MEASURE_LOSS:
        snprintf(text, bytes, fabs(value) < 1e-3 ? "%.4g" : "%.4f", value);
        return;
    case LAM_MEASURE_ERROR:
        snprintf(text, bytes, "%.2g", value);
        return;
    }
}

static void set_ours(lam_table *table, lam_quantity quantity, const lam_estimate *ours)
{
    char mean[32], low[32], high[32], interval[80];
    if (ours->count == 0)
        return;
    format_number(quantity, ours->mean, mean, sizeof mean);
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_OURS, mean);
    lam_table_set_number(table, LAM_REPRODUCTION_COLUMN_COUNT, (double)ours->count);
    lam_table_set_number(table, LAM_REPRODUCTION_COLUMN_MEAN, ours->mean);
    lam_table_set_number(table, LAM_REPRODUCTION_COLUMN_DEVIATION, ours->deviation);
    lam_table_set_number(table, LAM_REPRODUCTION_COLUMN_HALF_WIDTH, ours->half_width);
    if (!isfinite(ours->half_width))
        return;
    format_number(quantity, ours->mean - ours->half_width, low, sizeof low);
    format_number(quantity, ours->mean + ours->half_width, high, sizeof high);
    snprintf(interval, sizeof interval, "%s to %s", low, high);
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_INTERVAL, interval);
}

static void add_row(lam_table *table, const lam_experiment *experiment,
                    const lam_published *published, const lam_experiment_result *result)
{
    lam_verdict verdict = lam_published_judge(published, result);
    bool is_unexplained = verdict == LAM_VERDICT_DIFFERS && !*published->note;
    char quantity[128];
    bool is_percent = lam_quantity_get_measure(published->quantity) == LAM_MEASURE_ACCURACY ||
                      lam_quantity_get_measure(published->quantity) == LAM_MEASURE_CHANCE;
    snprintf(quantity, sizeof quantity, "%s%s", lam_quantity_name(published->quantity),
             is_percent ? " (%)" : "");
    lam_table_add_row(table);
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_EXPERIMENT, experiment->name);
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_QUANTITY, quantity);
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_REPORT, published->report);
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_PUBLISHED, published->text);
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_VERDICT, lam_verdict_name(verdict));
    lam_table_set_text(table, LAM_REPRODUCTION_COLUMN_NOTE,
                       is_unexplained ? "not explained" : published->note);
    lam_table_set_number(table, LAM_REPRODUCTION_COLUMN_PUBLISHED_LOW, published->low);
    lam_table_set_number(table, LAM_REPRODUCTION_COLUMN_PUBLISHED_HIGH, published->high);
    const lam_estimate *ours = &result->values[published->quantity];
    set_ours(table, published->quantity, ours);
    lam_table_set_number(table, LAM_REPRODUCTION_COLUMN_TOLERANCE,
                         lam_verdict_get_tolerance(published, ours));
}

static bool is_chosen(lam_reproduction_choice choice, const lam_published *published,
                      const lam_experiment_result *result)
{
    lam_verdict verdict = lam_published_judge(published, result);
    switch (choice) {
    case LAM_REPRODUCTION_DONE:
        return result->is_done;
    case LAM_REPRODUCTION_BEYOND:
        return verdict != LAM_VERDICT_NONE && verdict != LAM_VERDICT_AGREES;
    }
    return false;
}

lam_table lam_reproduction_tabulate(const lam_reproduction *reproduction,
                                    lam_reproduction_choice choice, size_t first, size_t end)
{
    static const struct {
        const char *heading;
        lam_cell_kind kind;
    } columns[] = {
#define COLUMN_ROW(name, heading, kind) {heading, LAM_CELL_##kind},
        LAM_REPRODUCTION_COLUMN_LIST(COLUMN_ROW)
#undef COLUMN_ROW
    };
    lam_table table = {0};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        (void)lam_table_add_column(&table, columns[i].heading, columns[i].kind);
    for (size_t i = first; i < end; i++) {
        const lam_experiment *experiment = &reproduction->manifest->experiments[i];
        const lam_experiment_result *result = &reproduction->results[i];
        for (size_t k = 0; k < experiment->published_count; k++)
            if (is_chosen(choice, &experiment->published[k], result))
                add_row(&table, experiment, &experiment->published[k], result);
    }
    return table;
}

lam_reproduction_tally lam_reproduction_count(const lam_reproduction *reproduction)
{
    lam_reproduction_tally tally = {0};
    for (size_t i = 0; i < reproduction->manifest->experiment_count; i++) {
        const lam_experiment *experiment = &reproduction->manifest->experiments[i];
        const lam_experiment_result *result = &reproduction->results[i];
        for (size_t k = 0; k < experiment->published_count; k++) {
            lam_verdict verdict = lam_published_judge(&experiment->published[k], result);
            tally.verdicts[verdict]++;
            tally.missing += !result->is_done;
            tally.judged += verdict != LAM_VERDICT_NONE;
        }
    }
    return tally;
}
