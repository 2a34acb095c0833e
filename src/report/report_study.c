/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_writer.h"

#define MAX_RANKS 20
#define MAX_FAILURES 20
#define MANY_TRIALS 2000

/* ---- what was searched, and how ---- */

static void append_pruning(lam_strbuf *text, const lam_pruning *pruning)
{
    lam_strbuf_append(text, "%s", lam_pruning_name(pruning->type));
    if (pruning->type == LAM_PRUNING_HALVING)
        lam_strbuf_append(text, ":%g", pruning->factor);
    if (pruning->type == LAM_PRUNING_MEDIAN)
        lam_strbuf_append(text, ":%d", pruning->min_trials);
}

static void add_counts(lam_table *facts, const lam_study_view *view)
{
    lam_strbuf counts = {0};
    lam_strbuf_append(&counts, "%" PRId64 " in all", view->total);
    for (int state = 0; state < LAM_TRIAL_STATE_COUNT; state++)
        if (view->counts[state] > 0)
            lam_strbuf_append(&counts, ", %" PRId64 " %s", view->counts[state],
                              lam_trial_state_name((lam_trial_state)state));
    facts->failed |= counts.failed;
    lam_report_add_fact(facts, "trials", "%s", lam_strbuf_text(&counts));
    lam_strbuf_free(&counts);
}

static double sum_seconds(const lam_study_view *view)
{
    double seconds = 0;
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++)
            seconds += view->configurations[c].trials[s].seconds;
    return seconds;
}

static void add_facts(lam_report_writer *writer, const lam_study_view *view)
{
    const lam_study_plan *plan = &view->plan;
    lam_table facts = lam_report_start_facts();
    lam_strbuf pruning = {0};
    append_pruning(&pruning, &plan->pruning);
    facts.failed |= pruning.failed;
    lam_report_add_fact(&facts, "file", "%s", view->path);
    lam_report_add_fact(&facts, "recipe", "%s", plan->recipe.name);
    lam_report_add_fact(&facts, "ranked by", "%s, on %" PRIu32 " validation rows",
                        lam_objective_name(plan->objective), view->validation_rows);
    lam_report_add_fact(&facts, "sampler", "%s, seed %" PRIu64, lam_sampler_name(plan->sampler),
                        plan->seed);
    lam_report_add_fact(&facts, "configurations", "%zu of %" PRId64 ", each with %d seed%s",
                        view->configuration_count, plan->configuration_count, plan->seed_count,
                        plan->seed_count == 1 ? "" : "s");
    lam_report_add_fact(&facts, "pruning", "%s", lam_strbuf_text(&pruning));
    add_counts(&facts, view);
    lam_report_add_fact(&facts, "training time", "%.4g s", sum_seconds(view));
    if (!view->is_over)
        lam_report_add_fact(&facts, "state", "not over, %" PRId64 " at work", view->workers);
    lam_report_end_facts(writer, &facts);
    lam_strbuf_free(&pruning);
}

/* "key" and "space" of "key=space". */
static lam_status add_parameter(lam_context *context, lam_table *facts,
                                const lam_parameter *parameter)
{
    char *text = NULL;
    LAM_TRY(lam_parameter_format(context, parameter, &text));
    const char *equals = strchr(text, '=');
    lam_report_add_fact(facts, parameter->key, "%s", equals ? equals + 1 : text);
    free(text);
    return LAM_STATUS_OK;
}

static lam_status add_space(lam_report_writer *writer, const lam_space *space)
{
    static const lam_page_column columns[] = {{0, "key", 0}, {1, "values", 0}};
    lam_table table = lam_report_start_facts();
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < space->count && status == LAM_STATUS_OK; i++)
        status = add_parameter(writer->context, &table, &space->parameters[i]);
    if (status == LAM_STATUS_OK)
        lam_page_add_table(writer->page, "What was searched.", &table, columns, 2);
    lam_table_free(&table);
    return status;
}

/* ---- what it found ---- */

/* The columns before and behind those of the parameters. */
enum { RANK_CONFIGURATION, RANK_PARAMETERS };
enum {
    RANK_OBJECTIVE,
    RANK_ERROR,
    RANK_TRIALS,
    RANK_DIFFERENCE,
    RANK_HALF_WIDTH,
    RANK_IS_BEST,
    RANK_LAST_COLUMNS,
};

typedef struct rank_table {
    lam_table table;
    lam_page_column columns[RANK_PARAMETERS + LAM_MAX_PARAMETERS + RANK_LAST_COLUMNS];
    char objective[64];
    size_t parameters; /* of the space */
    double scale;      /* of the objective */
    int decimals;
} rank_table;

static void add_column(rank_table *ranks, const char *heading, lam_cell_kind kind, int decimals)
{
    size_t index = lam_table_add_column(&ranks->table, heading, kind);
    if (!ranks->table.failed)
        ranks->columns[index] = (lam_page_column){index, heading, decimals};
}

/* Where all values are numbers they are shown, and sorted, as such. */
static bool is_numeric(const lam_study_view *view, size_t parameter)
{
    for (size_t c = 0; c < view->configuration_count; c++) {
        const char *value = view->configurations[c].values[parameter];
        char *end = NULL;
        (void)strtod(value, &end);
        if (*end)
            return false;
    }
    return true;
}

static void start_ranks(rank_table *ranks, const lam_study_view *view)
{
    const lam_study_plan *plan = &view->plan;
    bool is_share = lam_objective_is_accuracy(plan->objective);
    *ranks = (rank_table){.parameters = plan->space.count,
                          .scale = is_share ? 100 : 1,
                          .decimals = is_share ? 2 : 4};
    snprintf(ranks->objective, sizeof ranks->objective, "%s%s",
             lam_objective_name(plan->objective), is_share ? " (%)" : "");
    add_column(ranks, "configuration", LAM_CELL_NUMBER, 0);
    for (size_t i = 0; i < plan->space.count; i++)
        add_column(ranks, plan->space.parameters[i].key,
                   is_numeric(view, i) ? LAM_CELL_NUMBER : LAM_CELL_TEXT, -1);
    add_column(ranks, ranks->objective, LAM_CELL_NUMBER, ranks->decimals);
    add_column(ranks, "standard error", LAM_CELL_NUMBER, ranks->decimals);
    add_column(ranks, "trials", LAM_CELL_NUMBER, 0);
    add_column(ranks, "less the first", LAM_CELL_NUMBER, ranks->decimals);
    add_column(ranks, "95 % interval ±", LAM_CELL_NUMBER, ranks->decimals);
    add_column(ranks, "among the best", LAM_CELL_TEXT, 0);
}

/* The first digits of a number; the study's file has all of them. */
static double shorten(double number)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", number);
    return strtod(text, NULL);
}

static void set_value(rank_table *ranks, size_t column, const char *value)
{
    if (ranks->table.failed)
        return;
    if (ranks->table.columns[column].kind == LAM_CELL_TEXT)
        lam_table_set_text(&ranks->table, column, value);
    else if (*value)
        lam_table_set_number(&ranks->table, column, shorten(strtod(value, NULL)));
}

static void add_rank(rank_table *ranks, const lam_study_view *view, const lam_rank *rank)
{
    lam_table *table = &ranks->table;
    size_t last = RANK_PARAMETERS + ranks->parameters;
    lam_table_add_row(table);
    lam_table_set_number(table, RANK_CONFIGURATION, (double)rank->configuration + 1);
    for (size_t i = 0; i < ranks->parameters; i++)
        set_value(ranks, RANK_PARAMETERS + i,
                  view->configurations[rank->configuration].values[i]);
    lam_table_set_number(table, last + RANK_OBJECTIVE, ranks->scale * rank->objective.mean);
    lam_table_set_number(table, last + RANK_ERROR, ranks->scale * rank->standard_error);
    lam_table_set_number(table, last + RANK_TRIALS, (double)rank->objective.count);
    if (!rank->is_pick && rank->difference.count > 0) {
        lam_table_set_number(table, last + RANK_DIFFERENCE,
                             ranks->scale * rank->difference.mean);
        lam_table_set_number(table, last + RANK_HALF_WIDTH,
                             ranks->scale * rank->difference.half_width);
    }
    lam_table_set_text(table, last + RANK_IS_BEST,
                       rank->is_pick   ? "the first"
                       : rank->is_best ? "yes"
                                       : "no");
}

static void add_ranks(lam_report_writer *writer, const lam_study_view *view,
                      const lam_ranking *ranking)
{
    rank_table ranks;
    char caption[400];
    size_t best = 0, shown = ranking->count < MAX_RANKS ? ranking->count : MAX_RANKS;
    start_ranks(&ranks, view);
    for (size_t i = 0; i < ranking->count; i++)
        best += ranking->ranks[i].is_best;
    for (size_t i = 0; i < shown; i++)
        add_rank(&ranks, view, &ranking->ranks[i]);
    snprintf(
        caption, sizeof caption,
        "The best %zu of %zu configurations whose trials are over; %zu within one standard "
        "error of the first, which this search cannot tell apart from it. Differences are "
        "between trials of the same seeds.",
        shown, ranking->count, best);
    lam_page_add_table(writer->page, caption, &ranks.table, ranks.columns,
                       ranks.table.column_count);
    lam_table_free(&ranks.table);
}

static lam_status add_ranking(lam_report_writer *writer, const lam_study_view *view)
{
    lam_ranking ranking;
    LAM_TRY(lam_study_rank(writer->context, view, &ranking));
    if (ranking.count > 0)
        add_ranks(writer, view, &ranking);
    else
        lam_page_add_paragraph(writer->page,
                               "No configuration has been trained to its end yet.");
    lam_ranking_free(&ranking);
    return LAM_STATUS_OK;
}

/* ---- what went wrong ---- */

enum { FAILURE_CONFIGURATION, FAILURE_SEED, FAILURE_STATE, FAILURE_STEP, FAILURE_MESSAGE };

static const lam_page_column failure_columns[] = {{FAILURE_CONFIGURATION, "configuration", 0},
                                                  {FAILURE_SEED, "seed", 0},
                                                  {FAILURE_STATE, "state", 0},
                                                  {FAILURE_STEP, "step", 0},
                                                  {FAILURE_MESSAGE, "message", 0}};

static void add_failure(lam_table *table, int64_t configuration, const lam_trial *trial)
{
    lam_table_add_row(table);
    lam_table_set_number(table, FAILURE_CONFIGURATION, (double)configuration + 1);
    lam_table_set_number(table, FAILURE_SEED, (double)trial->seed);
    lam_table_set_text(table, FAILURE_STATE, lam_trial_state_name(trial->state));
    lam_table_set_number(table, FAILURE_STEP, trial->step < 0 ? NAN : (double)trial->step);
    lam_table_set_text(table, FAILURE_MESSAGE, trial->message);
}

static void add_failures(lam_report_writer *writer, const lam_study_view *view)
{
    char caption[128];
    int64_t count =
        view->counts[LAM_TRIAL_STATE_FAILED] + view->counts[LAM_TRIAL_STATE_DIVERGED];
    lam_table table = {0};
    lam_table_add_column(&table, "configuration", LAM_CELL_NUMBER);
    lam_table_add_column(&table, "seed", LAM_CELL_NUMBER);
    lam_table_add_column(&table, "state", LAM_CELL_TEXT);
    lam_table_add_column(&table, "step", LAM_CELL_NUMBER);
    lam_table_add_column(&table, "message", LAM_CELL_TEXT);
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count && table.row_count < MAX_FAILURES; s++) {
            const lam_trial *trial = &view->configurations[c].trials[s];
            if (trial->state == LAM_TRIAL_STATE_FAILED ||
                trial->state == LAM_TRIAL_STATE_DIVERGED)
                add_failure(&table, view->configurations[c].index, trial);
        }
    snprintf(caption, sizeof caption, "Trials that failed or diverged: %zu of %" PRId64 ".",
             table.row_count, count);
    if (count > 0)
        lam_page_add_table(writer->page, caption, &table, failure_columns,
                           sizeof failure_columns / sizeof failure_columns[0]);
    lam_table_free(&table);
}

/* ---- how to do it again ---- */

static lam_status append_parameters(lam_context *context, const lam_space *space,
                                    lam_strbuf *command)
{
    for (size_t i = 0; i < space->count; i++) {
        char *text = NULL;
        LAM_TRY(lam_parameter_format(context, &space->parameters[i], &text));
        lam_strbuf_append(command, " \\\n    -P");
        lam_report_append_word(command, text);
        free(text);
    }
    return LAM_STATUS_OK;
}

static lam_status append_command(lam_context *context, const lam_study_plan *plan,
                                 const char *recipe, lam_strbuf *command)
{
    lam_strbuf_append(command, "lamina search new study.db");
    lam_report_append_word(command, recipe);
    lam_strbuf_append(command,
                      " --sampler %s --sampler-seed %" PRIu64 " --trials %" PRId64
                      " --seeds %d --objective %s",
                      lam_sampler_name(plan->sampler), plan->seed, plan->configuration_count,
                      plan->seed_count, lam_objective_name(plan->objective));
    if (plan->pruning.type != LAM_PRUNING_NONE) {
        lam_strbuf_append(command, " --prune ");
        append_pruning(command, &plan->pruning);
    }
    if (plan->patience > 0)
        lam_strbuf_append(command, " --patience %d", plan->patience);
    LAM_TRY(append_parameters(context, &plan->space, command));
    lam_strbuf_append(command, "\nlamina search run study.db%s\n",
                      plan->recipe.data.source == LAM_DATA_SOURCE_CIFAR10 ? " --data DIR" : "");
    return command->failed ? lam_fail_memory(context, "a command", command->length)
                           : LAM_STATUS_OK;
}

static lam_status add_recipe(lam_report_writer *writer, const lam_study_plan *plan)
{
    lam_strbuf command = {0};
    char file[LAM_RECIPE_NAME_BYTES + 8];
    snprintf(file, sizeof file, "%s.json", plan->recipe.name);
    lam_status status = append_command(writer->context, plan, file, &command);
    if (status == LAM_STATUS_OK)
        status = lam_report_add_recipe(writer, &plan->recipe, file, command.text);
    lam_strbuf_free(&command);
    return status;
}

/* ---- the section ---- */

lam_status lam_report_add_study(lam_report_writer *writer, const lam_report_item *item,
                                const char *heading, lam_plot_kinds kinds)
{
    const lam_study_view *view = item->view;
    const char *path = item->path;
    char summary[512];
    /* Drawings of so many points are large, and the page takes their pixels. */
    lam_figure_options figure_options = writer->figure_options;
    if (view->total > MANY_TRIALS)
        figure_options.formats |= LAM_FIGURE_FORMAT_PNG;
    lam_recipe_summarize(&view->plan.recipe, summary, sizeof summary);
    lam_page_add_heading(writer->page, 2, heading);
    lam_page_add_paragraph(writer->page, "%s; the keys below were varied.", summary);
    LAM_TRY(add_space(writer, &view->plan.space));
    LAM_TRY(add_ranking(writer, view));
    add_failures(writer, view);
    LAM_TRY(lam_report_take_figures(
        writer,
        lam_plot_studies(writer->context, &path, 1, kinds, &figure_options, writer->figures),
        "Figures of the study"));
    lam_page_add_heading(writer->page, 3, "How it was searched");
    add_facts(writer, view);
    return add_recipe(writer, &view->plan);
}
