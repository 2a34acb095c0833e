/* SPDX-License-Identifier: Apache-2.0 */
#include "report/plotted_study.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "lamina/run_history.h"
#include "search/study.h"

/* Losses whose largest is so many times their smallest are read on a logarithmic scale. */
#define LOG_RATIO 30
/* Of an axis: what is left free at both ends. */
#define AIR 0.04

/* Without a share they stand behind. */
static bool is_more_important(double a, double b)
{
    return !isnan(a) && !(a <= b);
}

static void sort_by_importance(lam_plotted_study *study)
{
    for (size_t i = 0; i < study->view->plan.space.count; i++) {
        size_t place = i, *order = study->by_importance;
        for (; place > 0 &&
               is_more_important(study->importance[i], study->importance[order[place - 1]]);
             place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
}

static lam_status make_axes(lam_context *context, lam_plotted_study *study)
{
    const lam_space *space = &study->view->plan.space;
    study->axes = calloc(space->count + 1, sizeof *study->axes);
    if (!study->axes)
        return lam_fail_memory(context, "axes", space->count * sizeof *study->axes);
    for (size_t i = 0; i < space->count; i++)
        lam_parameter_axis_make(&space->parameters[i], &study->axes[i]);
    return LAM_STATUS_OK;
}

lam_status lam_plotted_study_open(lam_context *context, const char *path,
                                  lam_plotted_study *ret_study)
{
    lam_plotted_study study = {0};
    lam_status status = lam_study_open(context, path, &study.study);
    if (status == LAM_STATUS_OK)
        status = lam_study_read(study.study, &study.view);
    if (status == LAM_STATUS_OK)
        status = lam_study_rank(context, study.view, &study.ranking);
    if (status == LAM_STATUS_OK)
        status = lam_study_compute_importance(context, study.view, study.importance);
    if (status == LAM_STATUS_OK)
        status = make_axes(context, &study);
    lam_plot_find_title(path, study.name, sizeof study.name);
    lam_plot_find_stem(path, study.stem, sizeof study.stem);
    if (status != LAM_STATUS_OK) {
        lam_plotted_study_close(&study);
        return status;
    }
    sort_by_importance(&study);
    *ret_study = study;
    return LAM_STATUS_OK;
}

void lam_plotted_study_close(lam_plotted_study *study)
{
    free(study->axes);
    lam_ranking_free(&study->ranking);
    lam_study_view_free(&study->view);
    lam_study_close(&study->study);
}

static const struct {
    const char *name, *label;
} objectives[] = {
    [LAM_OBJECTIVE_ACCURACY] = {"validation accuracy", "validation accuracy (%)"},
    [LAM_OBJECTIVE_BEST_ACCURACY] = {"best validation accuracy",
                                     "best validation accuracy (%)"},
    [LAM_OBJECTIVE_LOSS] = {"validation loss", "validation loss"},
    [LAM_OBJECTIVE_COST] = {"validation cost", "validation cost"},
};

const char *lam_plotted_study_get_name(const lam_plotted_study *study)
{
    return objectives[study->view->plan.objective].name;
}

const char *lam_plotted_study_get_label(const lam_plotted_study *study)
{
    return objectives[study->view->plan.objective].label;
}

bool lam_plotted_study_has_accuracy(const lam_plotted_study *study)
{
    return lam_objective_is_accuracy(study->view->plan.objective);
}

double lam_plotted_study_show(const lam_plotted_study *study, double objective)
{
    return lam_plotted_study_has_accuracy(study) ? 100 * objective : objective;
}

const char *lam_plotted_study_get_value(const lam_plotted_study *study, const lam_rank *rank,
                                        size_t parameter)
{
    return study->view->configurations[rank->configuration].values[parameter];
}

/* The ends of what trials that are done came to. */
static void find_done(const lam_study_view *view, double *ret_low, double *ret_high)
{
    *ret_low = INFINITY;
    *ret_high = -INFINITY;
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            const lam_trial *trial = &view->configurations[c].trials[s];
            if (trial->state != LAM_TRIAL_STATE_DONE || !isfinite(trial->objective))
                continue;
            *ret_low = fmin(*ret_low, trial->objective);
            *ret_high = fmax(*ret_high, trial->objective);
        }
}

double lam_plotted_study_find_ceiling(const lam_plotted_study *study)
{
    double low = 0, high = 0;
    find_done(study->view, &low, &high);
    if (lam_plotted_study_has_accuracy(study) || low > high)
        return INFINITY;
    return low + fmax(1.5 * (high - low), fabs(low) / 2);
}

lam_axis lam_plotted_study_make_axis(const lam_plotted_study *study, const lam_table *table,
                                     size_t column)
{
    const double ceiling = lam_plotted_study_find_ceiling(study);
    double low = INFINITY, high = -INFINITY;
    for (size_t row = 0; row < table->row_count; row++) {
        const double value = lam_table_get_number(table, row, column);
        low = fmin(low, value);
        high = fmax(high, value);
    }
    high = fmin(high, ceiling);
    lam_axis axis = {.label = lam_plotted_study_get_label(study),
                     .is_log = !lam_plotted_study_has_accuracy(study) && low > 0 &&
                               high > LOG_RATIO * low};
    const double air = axis.is_log ? pow(high / low, AIR) : AIR * (high - low);
    axis.minimum = axis.is_log ? low / air : low - air;
    axis.maximum = axis.is_log ? high * air : high + air;
    return axis;
}

/* ---- words ---- */

/* Four digits say enough of a range that another study's results narrowed down to. */
static double round_off(double value)
{
    char text[LAM_PLOT_NUMBER_BYTES];
    lam_plot_write_number(value, text);
    return strtod(text, NULL);
}

static void append_space(lam_strbuf *text, lam_context *context, const lam_space *space)
{
    for (size_t i = 0; i < space->count; i++) {
        lam_parameter parameter = space->parameters[i]; /* its values stay the space's */
        char *definition = NULL;
        parameter.minimum = round_off(parameter.minimum);
        parameter.maximum = round_off(parameter.maximum);
        if (lam_parameter_format(context, &parameter, &definition) == LAM_STATUS_OK)
            lam_strbuf_append(text, "%s %s", i == 0 ? "" : ",", definition);
        free(definition);
    }
}

static void append_states(lam_strbuf *text, const lam_study_view *view)
{
    const char *link = " ";
    for (int state = 0; state < LAM_TRIAL_STATE_COUNT; state++) {
        if (view->counts[state] == 0)
            continue;
        lam_strbuf_append(text, "%s%" PRId64 " %s", link, view->counts[state],
                          lam_trial_state_name((lam_trial_state)state));
        link = ", ";
    }
}

void lam_plotted_study_append_plan(const lam_plotted_study *study, lam_strbuf *text)
{
    const lam_study_view *view = study->view;
    const lam_pruning_type pruning = view->plan.pruning.type;
    lam_strbuf_append(text, " Study %s: %zu configuration%s by %s over", study->name,
                      view->configuration_count, view->configuration_count == 1 ? "" : "s",
                      lam_sampler_name(view->plan.sampler));
    append_space(text, study->study->context, &view->plan.space);
    lam_strbuf_append(text, "; %d seed%s each", view->plan.seed_count,
                      view->plan.seed_count == 1 ? "" : "s");
    if (pruning != LAM_PRUNING_NONE)
        lam_strbuf_append(text, ", pruned by %s", lam_pruning_name(pruning));
    lam_strbuf_append(text, "; trials");
    append_states(text, view);
    lam_strbuf_append(text, ".");
}

void lam_plotted_study_append_recipe(const lam_plotted_study *study, lam_strbuf *text)
{
    char recipe[512];
    lam_recipe_summarize(&study->view->plan.recipe, recipe, sizeof recipe);
    lam_strbuf_append(text, " Recipe: %s.", recipe);
}

/* Long numbers by their first digits. */
static void append_value(lam_strbuf *text, const char *key, const char *value)
{
    char *end = NULL, digits[LAM_PLOT_NUMBER_BYTES];
    lam_plot_write_number(strtod(value, &end), digits);
    lam_strbuf_append(text, "%s = %s", key, end != value && *end == '\0' ? digits : value);
}

void lam_plotted_study_append_best(const lam_plotted_study *study, lam_strbuf *text)
{
    const lam_space *space = &study->view->plan.space;
    const lam_rank *pick = study->ranking.ranks;
    const char *link = " with ";
    if (study->ranking.count == 0)
        return;
    lam_strbuf_append(text, " Best of %zu in %s: %.4g%s", study->ranking.count, study->name,
                      lam_plotted_study_show(study, pick->objective.mean),
                      lam_plotted_study_has_accuracy(study) ? " %" : "");
    for (size_t i = 0; i < space->count; i++) {
        const char *value = lam_plotted_study_get_value(study, pick, i);
        if (!*value)
            continue;
        lam_strbuf_append(text, "%s", link);
        append_value(text, space->parameters[i].key, value);
        link = ", ";
    }
    lam_strbuf_append(text, ".");
}

void lam_plotted_study_describe(const lam_plotted_study *study, const lam_plotter *plotter,
                                const char *kind, const char *what, const char *note,
                                lam_figure *figure)
{
    lam_strbuf caption = {0}, alt = {0};
    lam_strbuf_append(&caption, "%s", note);
    lam_plotted_study_append_best(study, &caption);
    lam_plotted_study_append_recipe(study, &caption);
    lam_plotted_study_append_plan(study, &caption);
    lam_strbuf_append(&alt, "%s, of the study %s.", what, study->name);
    lam_plotted_study_append_best(study, &alt);
    lam_plotter_name_figure(plotter, study->stem, kind, figure);
    lam_plot_write(figure->title, sizeof figure->title, "%s: %s", study->name, what);
    lam_plot_write(figure->caption, sizeof figure->caption, "%s", lam_strbuf_text(&caption));
    lam_plot_write(figure->alt, sizeof figure->alt, "%s", lam_strbuf_text(&alt));
    lam_strbuf_free(&caption);
    lam_strbuf_free(&alt);
}
