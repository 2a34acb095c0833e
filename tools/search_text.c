/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

double scale_objective(lam_objective objective, double value)
{
    return lam_objective_is_accuracy(objective) ? 100 * value : value;
}

/* The part of a key that tells it apart where there is no doubt: "rate" of "schedule.rate". */
static const char *shorten_key(const lam_space *space, const char *key)
{
    const char *dot = strrchr(key, '.'), *name = dot ? dot + 1 : key;
    for (size_t i = 0; i < space->count; i++) {
        const char *other = space->parameters[i].key, *end = strrchr(other, '.');
        if (strcmp(other, key) != 0 && strcmp(end ? end + 1 : other, name) == 0)
            return key;
    }
    return name;
}

/* A value as it is, or a long number's first digits. */
static void shorten_value(const char *value, char text[LAM_PARAMETER_VALUE_BYTES])
{
    char *end = NULL;
    double number = strtod(value, &end);
    if (*value && *end == '\0')
        snprintf(text, LAM_PARAMETER_VALUE_BYTES, "%.6g", number);
    else
        snprintf(text, LAM_PARAMETER_VALUE_BYTES, "%s", value);
}

void format_values(const lam_study_view *view, const lam_configuration *configuration,
                   char *text, size_t bytes)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < view->plan.space.count && length < bytes; i++) {
        const char *key = shorten_key(&view->plan.space, view->plan.space.parameters[i].key);
        char value[LAM_PARAMETER_VALUE_BYTES];
        shorten_value(configuration->values[i], value);
        if (*value)
            length += (size_t)snprintf(text + length, bytes - length, "%s%s=%s",
                                       length > 0 ? " " : "", key, value);
    }
}

json_t *values_to_json(const lam_study_view *view, const lam_configuration *configuration)
{
    json_t *values = json_object();
    for (size_t i = 0; i < view->plan.space.count; i++)
        if (*configuration->values[i])
            json_object_set_new(values, view->plan.space.parameters[i].key,
                                json_string(configuration->values[i]));
    return values;
}

/* ---- a line for the whole ---- */

typedef struct best_trial {
    const lam_configuration *configuration;
    const lam_trial *trial;
} best_trial;

static best_trial find_best(const lam_study_view *view)
{
    best_trial best = {0};
    bool more_is_better = lam_objective_get_sign(view->plan.objective) > 0;
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            const lam_trial *trial = &view->configurations[c].trials[s];
            if (trial->state != LAM_TRIAL_STATE_DONE)
                continue;
            bool is_better =
                !best.trial || (more_is_better ? trial->objective > best.trial->objective
                                               : trial->objective < best.trial->objective);
            if (is_better)
                best = (best_trial){&view->configurations[c], trial};
        }
    return best;
}

static size_t append_counts(const lam_study_view *view, char *text, size_t bytes)
{
    static const lam_trial_state shown[] = {LAM_TRIAL_STATE_RUNNING, LAM_TRIAL_STATE_PRUNED,
                                            LAM_TRIAL_STATE_DIVERGED, LAM_TRIAL_STATE_FAILED};
    size_t length = (size_t)snprintf(text, bytes, "trials %" PRId64 "/%" PRId64,
                                     view->counts[LAM_TRIAL_STATE_DONE], view->total);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0] && length < bytes; i++)
        if (view->counts[shown[i]] > 0)
            length += (size_t)snprintf(text + length, bytes - length, ", %" PRId64 " %s",
                                       view->counts[shown[i]], lam_trial_state_name(shown[i]));
    return length;
}

void format_study(const lam_study_view *view, char *text, size_t bytes)
{
    char remaining[32], values[128];
    best_trial best = find_best(view);
    size_t length = append_counts(view, text, bytes);
    if (best.trial && length < bytes) {
        format_values(view, best.configuration, values, sizeof values);
        length += (size_t)snprintf(text + length, bytes - length, ", best %s %.4g (%s)",
                                   lam_objective_name(view->plan.objective),
                                   scale_objective(view->plan.objective, best.trial->objective),
                                   values);
    }
    format_duration(view->remaining_seconds, remaining);
    if (!view->is_over && length < bytes)
        snprintf(text + length, bytes - length, ", %.3g models/s, ETA %s",
                 view->models_per_second, remaining);
}

json_t *study_to_json(const lam_study_view *view)
{
    json_t *counts = json_object();
    for (int state = 0; state < LAM_TRIAL_STATE_COUNT; state++)
        json_object_set_new(counts, lam_trial_state_name((lam_trial_state)state),
                            json_integer((json_int_t)view->counts[state]));
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:o, s:I, s:f, s:f, s:I, s:b}", "study",
                     view->path, "recipe", view->plan.recipe.name, "sampler",
                     lam_sampler_name(view->plan.sampler), "objective",
                     lam_objective_name(view->plan.objective), "seeds", view->plan.seed_count,
                     "configurations", (json_int_t)view->plan.configuration_count, "trials",
                     counts, "total", (json_int_t)view->total, "models_per_second",
                     view->models_per_second, "remaining_seconds", view->remaining_seconds,
                     "workers", (json_int_t)view->workers, "over", view->is_over);
}

/* ---- tables ---- */

static int compare_trials(const void *a, const void *b, void *user)
{
    const lam_study_view *view = user;
    const best_trial *x = a, *y = b;
    double sign = lam_objective_get_sign(view->plan.objective);
    double u = sign * x->trial->objective, v = sign * y->trial->objective;
    if (u != v)
        return u > v ? -1 : 1;
    return x->trial->id < y->trial->id ? -1 : x->trial->id > y->trial->id;
}

/* Trials that are done; the caller frees them. */
static best_trial *collect_done(const lam_study_view *view, size_t *ret_count)
{
    size_t count = 0;
    best_trial *done = malloc(((size_t)view->counts[LAM_TRIAL_STATE_DONE] + 1) * sizeof *done);
    for (size_t c = 0; c < view->configuration_count && done; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            const lam_trial *trial = &view->configurations[c].trials[s];
            if (trial->state == LAM_TRIAL_STATE_DONE)
                done[count++] = (best_trial){&view->configurations[c], trial};
        }
    *ret_count = done ? count : 0;
    return done;
}

static void print_table_head(const lam_study_view *view, const char *title)
{
    printf("%s\n%9s", title, "iteration");
    if (view->plan.seed_count > 1)
        printf(" %6s", "seed");
    for (size_t i = 0; i < view->plan.space.count; i++)
        printf(" %14s", shorten_key(&view->plan.space, view->plan.space.parameters[i].key));
    printf(" %16s %12s\n", "train accuracy", "validation");
}

void print_trials(const lam_study_view *view, const char *title)
{
    size_t count = 0;
    best_trial *done = collect_done(view, &count);
    print_table_head(view, title);
    if (count > 0)
        qsort_r(done, count, sizeof *done, compare_trials, (void *)view);
    for (size_t i = 0; i < count; i++) {
        const lam_measurement *m = &done[i].trial->latest;
        printf("%9" PRId64, done[i].configuration->index + 1);
        if (view->plan.seed_count > 1)
            printf(" %6" PRIu64, done[i].trial->seed);
        for (size_t k = 0; k < view->plan.space.count; k++) {
            char value[LAM_PARAMETER_VALUE_BYTES];
            shorten_value(done[i].configuration->values[k], value);
            printf(" %14s", *value ? value : "-");
        }
        printf(" %14.2f %% %10.2f %%\n", 100 * m->train.accuracy, 100 * m->validation.accuracy);
    }
    free(done);
}

static json_t *estimate_to_json(const lam_estimate *e)
{
    return json_pack("{s:I, s:o, s:o, s:o}", "n", (json_int_t)e->count, "mean",
                     number_to_json(e->mean), "deviation", number_to_json(e->deviation),
                     "half_width", number_to_json(e->half_width));
}

json_t *ranking_to_json(const lam_study_view *view, const lam_ranking *ranking, size_t limit)
{
    size_t count = limit > 0 && limit < ranking->count ? limit : ranking->count;
    json_t *ranks = json_array();
    for (size_t i = 0; i < count; i++) {
        const lam_rank *rank = &ranking->ranks[i];
        json_array_append_new(
            ranks,
            json_pack("{s:I, s:o, s:o, s:o, s:b, s:b}", "configuration",
                      (json_int_t)rank->configuration, "values",
                      values_to_json(view, &view->configurations[rank->configuration]),
                      "objective", estimate_to_json(&rank->objective), "difference_to_pick",
                      estimate_to_json(&rank->difference), "within_one_standard_error",
                      rank->is_best, "pick", rank->is_pick));
    }
    return ranks;
}

static void print_number(double value)
{
    if (isfinite(value))
        printf(" %10.4g", value);
    else
        printf(" %10s", "-");
}

void print_ranking(const lam_study_view *view, const lam_ranking *ranking, size_t limit)
{
    lam_objective objective = view->plan.objective;
    size_t count = limit > 0 && limit < ranking->count ? limit : ranking->count;
    printf("%4s %9s %4s %10s %10s %10s %10s  %s\n", "rank", "iteration", "n", "mean",
           "deviation", "95 % +-", "to pick", "values (* within one standard error)");
    for (size_t i = 0; i < count; i++) {
        const lam_rank *rank = &ranking->ranks[i];
        char values[512];
        format_values(view, &view->configurations[rank->configuration], values, sizeof values);
        printf("%4zu %9" PRId64 " %4zu", i + 1, rank->configuration + 1, rank->objective.count);
        print_number(scale_objective(objective, rank->objective.mean));
        print_number(scale_objective(objective, rank->objective.deviation));
        print_number(scale_objective(objective, rank->objective.half_width));
        print_number(rank->is_pick ? NAN : scale_objective(objective, rank->difference.mean));
        printf("  %s %s\n", rank->is_best ? "*" : " ", values);
    }
}
