/* SPDX-License-Identifier: Apache-2.0 */
#include "search/wave_training.h"

#include <glob.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "search/pruning.h"

#define CHECKPOINT_SECONDS 10.0
#define MAX_HALVINGS 64

/* What is known of one of the claim's tasks. */
typedef struct task_state {
    bool is_over; /* and the keeper knows */
    int measurements;
    double seconds; /* its share of the training */
} task_state;

typedef struct training {
    const lam_wave_work *work;
    const lam_study_plan *plan;
    lam_population *population;
    size_t *tasks; /* [members]: which task a member is */
    size_t members;
    task_state *states;          /* [claim->count] */
    lam_trial_outcome *outcomes; /* [claim->count]: to be told of */
    char (*messages)[96];        /* [claim->count] */
    size_t outcome_count;
    double report_time, checkpoint_time; /* of the latest */
    double seconds;                      /* of training, shared out so far */
    bool is_held;
} training;

/* ---- telling the keeper ---- */

static bool is_in_training(const training *t, size_t member)
{
    return !t->states[t->tasks[member]].is_over;
}

static size_t count_in_training(const training *t)
{
    size_t count = 0;
    for (size_t p = 0; p < t->members; p++)
        count += is_in_training(t, p);
    return count;
}

static lam_status report(training *t, const lam_wave_report *what)
{
    const lam_search_keeper *keeper = t->work->keeper;
    bool is_held = false;
    LAM_TRY(keeper->report(keeper->user, t->work->claim, what, &is_held));
    t->is_held = t->is_held && is_held;
    t->report_time = lam_clock_get_seconds();
    return LAM_STATUS_OK;
}

static lam_trial_outcome *add_outcome(training *t, size_t member, lam_trial_state state,
                                      int64_t step)
{
    size_t task = t->tasks[member];
    lam_trial_outcome *outcome = &t->outcomes[t->outcome_count++];
    t->states[task].is_over = true;
    *outcome = (lam_trial_outcome){.trial = t->work->claim->tasks[task].trial,
                                   .state = state,
                                   .step = step,
                                   .seconds = t->states[task].seconds};
    return outcome;
}

static lam_status tell_outcomes(training *t)
{
    const lam_search_keeper *keeper = t->work->keeper;
    bool is_held = false;
    if (t->outcome_count == 0 || !t->is_held)
        return LAM_STATUS_OK;
    LAM_TRY(
        keeper->finish(keeper->user, t->work->claim, t->outcomes, t->outcome_count, &is_held));
    t->outcome_count = 0;
    t->is_held = is_held;
    return LAM_STATUS_OK;
}

/* ---- checkpoints ---- */

/* A name of this attempt's own: a late writer never touches another's. */
static char *name_checkpoint(const training *t, int64_t step)
{
    lam_strbuf path = {0};
    lam_strbuf_append(&path, "%s/wave-%" PRId64 "-%d-%" PRId64 ".safetensors",
                      t->work->options->wave_directory, t->work->claim->wave,
                      t->work->claim->attempt, step);
    return path.text;
}

static lam_status save_checkpoint(training *t, lam_wave_report *what)
{
    int64_t step = lam_population_get_step(t->population);
    char *path = name_checkpoint(t, step);
    if (!path)
        return lam_fail_memory(t->work->context, "a path", 0);
    lam_status status = lam_population_save(t->population, path);
    what->checkpoint = path;
    what->checkpoint_step = step;
    if (status == LAM_STATUS_OK)
        status = report(t, what);
    if (!t->is_held)
        unlink(path); /* nobody else knows of it */
    free(path);
    t->checkpoint_time = lam_clock_get_seconds();
    return status;
}

/* A kill between a checkpoint and its report leaves a file that the keeper knows nothing of. */
static void remove_leftovers(const training *t)
{
    lam_strbuf pattern = {0};
    glob_t found = {0};
    lam_strbuf_append(&pattern, "%s/wave-%" PRId64 "-*.safetensors*",
                      t->work->options->wave_directory, t->work->claim->wave);
    if (!pattern.failed && glob(pattern.text, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)unlink(found.gl_pathv[i]);
    globfree(&found);
    lam_strbuf_free(&pattern);
}

static bool wants_checkpoint(const training *t)
{
    double interval = t->work->options->checkpoint_seconds;
    return lam_clock_get_seconds() - t->checkpoint_time >=
           (interval > 0 ? interval : CHECKPOINT_SECONDS);
}

/* ---- measurements ---- */

/* Time since the last measurement belongs to all that were in training. */
static void share_time(training *t)
{
    double seconds = lam_population_get_training_seconds(t->population);
    size_t count = count_in_training(t);
    for (size_t p = 0; p < t->members; p++)
        if (is_in_training(t, p))
            t->states[t->tasks[p]].seconds += (seconds - t->seconds) / (double)count;
    t->seconds = seconds;
}

static double evaluate(const training *t, size_t member)
{
    const lam_watch *watch = lam_population_get_watch(t->population, member);
    return lam_objective_evaluate(t->plan->objective, &watch->latest, &watch->best);
}

static lam_status report_measurements(training *t, int64_t step,
                                      const lam_measurement *measurements)
{
    const lam_wave_claim *claim = t->work->claim;
    lam_trial_measurement *rows = malloc(t->members * sizeof *rows);
    lam_wave_report what = {.measurements = rows};
    if (!rows)
        return lam_fail_memory(t->work->context, "a report", t->members * sizeof *rows);
    for (size_t p = 0; p < t->members; p++) {
        const size_t task = t->tasks[p];
        if (!is_in_training(t, p) || measurements[p].step != step)
            continue;
        rows[what.count++] = (lam_trial_measurement){claim->tasks[task].trial, measurements[p]};
        t->states[task].measurements++;
    }
    lam_status status =
        wants_checkpoint(t) && step > 0 ? save_checkpoint(t, &what) : report(t, &what);
    free(rows);
    return status;
}

static void note_divergence(training *t)
{
    for (size_t p = 0; p < t->members; p++) {
        int64_t step = lam_population_get_watch(t->population, p)->diverged_step;
        if (is_in_training(t, p) && step >= 0)
            add_outcome(t, p, LAM_TRIAL_STATE_DIVERGED, step);
    }
}

static void prune(training *t, size_t member, int64_t step, const char *rule, double value)
{
    lam_population_rest(t->population, member);
    char *message = t->messages[t->outcome_count];
    snprintf(message, sizeof t->messages[0], "%s at step %" PRId64 ", with %.6g", rule, step,
             value);
    add_outcome(t, member, LAM_TRIAL_STATE_PRUNED, step)->message = message;
}

static lam_status prune_below_median(training *t, int64_t step)
{
    const lam_search_keeper *keeper = t->work->keeper;
    double median = NAN;
    if (t->plan->pruning.type != LAM_PRUNING_MEDIAN || step == 0 ||
        step <= t->work->claim->pruned_step ||
        step == lam_population_get_counts(t->population).total)
        return LAM_STATUS_OK;
    LAM_TRY(keeper->get_median(keeper->user, t->work->claim, step, &median));
    for (size_t p = 0; p < t->members && isfinite(median); p++) {
        if (!is_in_training(t, p) ||
            t->states[t->tasks[p]].measurements < t->plan->pruning.min_measurements)
            continue;
        double value = evaluate(t, p);
        if (lam_objective_is_better(t->plan->objective, median, value))
            prune(t, p, step, "below the median", value);
    }
    return LAM_STATUS_OK;
}

static lam_status lose_claim(const training *t)
{
    return lam_fail(t->work->context, LAM_STATUS_INTERRUPTED,
                    "wave %" PRId64 ": its lease ran out, and another worker has it",
                    t->work->claim->wave);
}

static lam_status take_measurement(void *user, int64_t step,
                                   const lam_measurement *measurements)
{
    training *t = user;
    share_time(t);
    note_divergence(t);
    LAM_TRY(report_measurements(t, step, measurements));
    if (t->is_held)
        LAM_TRY(prune_below_median(t, step));
    LAM_TRY(tell_outcomes(t));
    return t->is_held ? LAM_STATUS_OK : lose_claim(t);
}

/* Between measurements the lease is kept up by reports of nothing. */
static lam_status pass_progress(void *user, const lam_progress *progress)
{
    training *t = user;
    const lam_search_options *options = t->work->options;
    const lam_search_progress whole = {.claim = t->work->claim, .training = *progress};
    if (options->progress)
        options->progress(options->progress_user, &whole);
    if (lam_clock_get_seconds() - t->report_time > t->work->claim->lease_seconds / 3)
        LAM_TRY(report(t, &(lam_wave_report){0}));
    return t->is_held ? LAM_STATUS_OK : lose_claim(t);
}

/* ---- halving ---- */

/* Those that go on have the device for themselves, where there is room to move them; else the
 * others rest beside them. */
static lam_status compact(training *t)
{
    size_t count = 0, *kept = malloc(t->members * sizeof *kept);
    if (!kept)
        return lam_fail_memory(t->work->context, "members", t->members * sizeof *kept);
    for (size_t p = 0; p < t->members; p++)
        if (is_in_training(t, p))
            kept[count++] = p;
    lam_status status = lam_population_keep(t->population, kept, count);
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++)
        t->tasks[i] = t->tasks[kept[i]];
    if (status == LAM_STATUS_OK)
        t->members = count;
    free(kept);
    return status == LAM_STATUS_NO_MEMORY ? LAM_STATUS_OK : status;
}

/* Whoever came to rest by the recipe's patience is trained to its end, and takes no part. */
static lam_status halve(training *t, int64_t step)
{
    size_t count = 0, *members = malloc(t->members * sizeof *members);
    double *values = malloc(t->members * sizeof *values);
    bool *ends = calloc(t->members, sizeof *ends);
    lam_status status = members && values && ends
                            ? LAM_STATUS_OK
                            : lam_fail_memory(t->work->context, "a halving", t->members);
    for (size_t p = 0; p < t->members && status == LAM_STATUS_OK; p++)
        if (is_in_training(t, p) &&
            !lam_watch_is_over(lam_population_get_watch(t->population, p))) {
            values[count] = evaluate(t, p);
            members[count++] = p;
        }
    if (status == LAM_STATUS_OK && count > 1) {
        lam_halving_choose(t->plan->objective, t->plan->pruning.factor, values, count, ends);
        for (size_t i = 0; i < count; i++)
            if (ends[i])
                prune(t, members[i], step, "halved away", values[i]);
        status = tell_outcomes(t);
    }
    free(ends);
    free(values);
    free(members);
    size_t left = count_in_training(t);
    return status == LAM_STATUS_OK && t->is_held && left > 0 && left < t->members ? compact(t)
                                                                                  : status;
}

/* In parts of an epoch, behind which checkpoints are taken where no measurement comes for long.
 */
static lam_status run_until(training *t, int64_t step)
{
    int64_t per_epoch = lam_population_get_counts(t->population).per_epoch, end = 0;
    do {
        end = (lam_population_get_step(t->population) / per_epoch + 1) * per_epoch;
        LAM_TRY(lam_population_run(t->population, end < step ? end : step));
        if (wants_checkpoint(t) && !lam_population_is_over(t->population))
            LAM_TRY(save_checkpoint(t, &(lam_wave_report){0}));
        if (!t->is_held)
            return lose_claim(t);
    } while (end < step && !lam_population_is_over(t->population));
    return LAM_STATUS_OK;
}

static lam_status run_halvings(training *t)
{
    int64_t steps[MAX_HALVINGS];
    const lam_step_counts counts = lam_population_get_counts(t->population);
    size_t count = 0;
    if (t->plan->pruning.type == LAM_PRUNING_HALVING)
        count = lam_halving_find_steps(&t->work->recipes[0], &counts, steps, MAX_HALVINGS);
    for (size_t i = 0; i < count && count_in_training(t) > 0; i++) {
        if (steps[i] <= t->work->claim->pruned_step)
            continue;
        LAM_TRY(run_until(t, steps[i]));
        if (lam_population_is_over(t->population))
            break; /* all have come to their own end */
        LAM_TRY(halve(t, steps[i]));
    }
    return LAM_STATUS_OK;
}

/* ---- the whole ---- */

static lam_status create_population(training *t)
{
    const lam_wave_claim *claim = t->work->claim;
    const lam_population_observer observer = {
        .measure = take_measurement, .progress = pass_progress, .user = t};
    uint64_t *numbers = malloc(2 * claim->count * sizeof *numbers);
    if (!numbers)
        return lam_fail_memory(t->work->context, "seeds", 2 * claim->count * sizeof *numbers);
    for (size_t i = 0; i < claim->count; i++) {
        numbers[i] = claim->tasks[i].seed;
        numbers[claim->count + i] = (uint64_t)claim->tasks[i].trial;
    }
    const lam_population_setup setup = {.workshop = t->work->workshop,
                                        .recipes = t->work->recipes,
                                        .seeds = numbers,
                                        .ids = numbers + claim->count,
                                        .members = claim->count,
                                        .observer = observer};
    lam_status status = lam_population_create(&setup, &t->population);
    free(numbers);
    return status;
}

/* A measurement that could not be reported may have made it into the checkpoint. */
static lam_status report_again(training *t)
{
    for (size_t p = 0; p < t->members; p++) {
        const lam_trial_measurement latest = {
            .trial = t->work->claim->tasks[t->tasks[p]].trial,
            .measured = lam_population_get_watch(t->population, p)->latest};
        if (latest.measured.step >= 0)
            LAM_TRY(report(t, &(lam_wave_report){.measurements = &latest, .count = 1}));
    }
    return LAM_STATUS_OK;
}

/* As many as an uninterrupted wave would have made. */
static void count_measurements(training *t)
{
    const lam_step_counts counts = lam_population_get_counts(t->population);
    int measured = 0;
    for (int64_t step = 0; step <= lam_population_get_step(t->population); step++)
        measured += lam_recipe_measures_at(t->work->recipes, &counts, step);
    for (size_t p = 0; p < t->members; p++)
        t->states[t->tasks[p]].measurements = measured;
}

/* What an earlier attempt left; where it cannot be read, the wave begins again, to the same
 * bits. */
static lam_status load_checkpoint(training *t)
{
    const char *path = t->work->claim->checkpoint;
    lam_status status = path ? lam_population_load(t->population, path) : LAM_STATUS_OK;
    if (status == LAM_STATUS_OK && path) {
        count_measurements(t);
        return report_again(t);
    }
    if (status != LAM_STATUS_BAD_MODEL)
        return status;
    lam_log(t->work->context, LAM_LOG_LEVEL_WARNING, "%s; the wave begins again",
            lam_error_message(t->work->context));
    lam_population_destroy(&t->population);
    return create_population(t);
}

static lam_status run(training *t)
{
    LAM_TRY(create_population(t));
    LAM_TRY(load_checkpoint(t));
    LAM_TRY(run_halvings(t));
    if (count_in_training(t) > 0)
        LAM_TRY(run_until(t, lam_population_get_counts(t->population).total));
    share_time(t);
    note_divergence(t);
    for (size_t p = 0; p < t->members; p++)
        if (is_in_training(t, p))
            add_outcome(t, p, LAM_TRIAL_STATE_DONE,
                        lam_population_get_watch(t->population, p)->latest.step);
    return tell_outcomes(t);
}

static lam_status allocate(training *t)
{
    size_t count = t->members;
    t->tasks = malloc(count * sizeof *t->tasks);
    t->states = calloc(count, sizeof *t->states);
    t->outcomes = calloc(count, sizeof *t->outcomes);
    t->messages = calloc(count, sizeof *t->messages);
    for (size_t p = 0; p < count && t->tasks; p++)
        t->tasks[p] = p;
    return t->tasks && t->states && t->outcomes && t->messages
               ? LAM_STATUS_OK
               : lam_fail_memory(t->work->context, "a wave", count * sizeof *t->outcomes);
}

lam_status lam_wave_work_train(const lam_wave_work *work, bool *ret_is_held)
{
    training t = {.work = work,
                  .plan = work->keeper->get_plan(work->keeper->user),
                  .members = work->claim->count,
                  .report_time = lam_clock_get_seconds(),
                  .checkpoint_time = lam_clock_get_seconds(),
                  .is_held = true};
    lam_status status = allocate(&t);
    if (status == LAM_STATUS_OK)
        status = run(&t);
    if (status == LAM_STATUS_INTERRUPTED && t.is_held && t.population &&
        lam_population_get_step(t.population) > 0 &&
        save_checkpoint(&t, &(lam_wave_report){0}) != LAM_STATUS_OK)
        lam_log(work->context, LAM_LOG_LEVEL_WARNING, "%s; the wave will begin again",
                lam_error_message(work->context));
    if (!t.is_held)
        status = LAM_STATUS_OK;
    else if (status == LAM_STATUS_OK)
        remove_leftovers(&t);
    lam_population_destroy(&t.population);
    free(t.tasks);
    free(t.states);
    free(t.outcomes);
    free(t.messages);
    if (status == LAM_STATUS_OK)
        *ret_is_held = t.is_held;
    return status;
}
