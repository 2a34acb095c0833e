/* SPDX-License-Identifier: Apache-2.0 */
#include "train/population.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "train/population_state.h"
#include "train/trace.h"
#include "train/trainer.h"

/* The members and what trains them: replaced as a whole when some of them leave. */
typedef struct crowd {
    size_t members;
    lam_recipe *recipes; /* [members], as all of these */
    uint64_t *seeds, *ids;
    lam_watch *watches;
    lam_measurement *measurements; /* room for the observer's */
    lam_parameters *parameters;
    lam_trainer *trainer;
} crowd;

struct lam_population {
    const lam_workshop *workshop;
    lam_population_observer observer;
    crowd crowd;
    /* Of crowds before this one. */
    double earlier_training_seconds, earlier_total_seconds;
};

static lam_context *get_context(const lam_population *population)
{
    return population->workshop->engine->context;
}

/* ---- what goes together ---- */

static lam_status format_common(lam_context *context, const lam_recipe *recipe, char **ret_text)
{
    const lam_recipe common = lam_recipe_get_common(recipe);
    return lam_recipe_format(context, &common, ret_text);
}

static lam_status check_recipes(lam_context *context, const lam_recipe *recipes, size_t members)
{
    char *first = NULL;
    lam_status status = format_common(context, &recipes[0], &first);
    for (size_t p = 1; p < members && status == LAM_STATUS_OK; p++) {
        char *other = NULL;
        if (memcmp(&recipes[p], &recipes[0], sizeof *recipes) == 0)
            continue;
        status = format_common(context, &recipes[p], &other);
        if (status == LAM_STATUS_OK && strcmp(first, other) != 0)
            status = lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                              "networks 0 and %zu of a population differ in more than numbers "
                              "of their own; train them apart",
                              p);
        free(other);
    }
    free(first);
    return status;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static lam_status check_ids(lam_context *context, const uint64_t *ids, size_t members)
{
    size_t bytes = members * sizeof *ids;
    uint64_t *sorted = malloc(bytes);
    if (!sorted)
        return lam_fail_memory(context, "ids", bytes);
    memcpy(sorted, ids, bytes);
    qsort(sorted, members, sizeof *ids, compare_ids);
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 1; i < members && status == LAM_STATUS_OK; i++)
        if (sorted[i] == sorted[i - 1])
            status = lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                              "two networks of a population have the id %" PRIu64
                              "; give each its own",
                              sorted[i]);
    free(sorted);
    return status;
}

/* ---- crowds ---- */

static void destroy_crowd(crowd *c)
{
    lam_trainer_destroy(&c->trainer);
    lam_parameters_destroy(&c->parameters);
    free(c->recipes);
    free(c->seeds);
    free(c->ids);
    free(c->watches);
    free(c->measurements);
    *c = (crowd){0};
}

static lam_status allocate_crowd(lam_context *context, size_t members, crowd *c)
{
    c->members = members;
    c->recipes = malloc(members * sizeof *c->recipes);
    c->seeds = malloc(members * sizeof *c->seeds);
    c->ids = malloc(members * sizeof *c->ids);
    c->watches = malloc(members * sizeof *c->watches);
    c->measurements = malloc(members * sizeof *c->measurements);
    return c->recipes && c->seeds && c->ids && c->watches && c->measurements
               ? LAM_STATUS_OK
               : lam_fail_memory(context, "a population", members * sizeof *c->recipes);
}

static lam_status create_parameters(const lam_workshop *workshop, crowd *c)
{
    lam_context *context = workshop->engine->context;
    lam_status status = LAM_STATUS_OK;
    lam_graph *graphs = malloc(c->members * sizeof *graphs);
    if (!graphs)
        return lam_fail_memory(context, "graphs", c->members * sizeof *graphs);
    for (size_t p = 0; p < c->members && status == LAM_STATUS_OK; p++)
        status = lam_graph_build(context, &c->recipes[p].network, LAM_IMAGE_INPUTS,
                                 LAM_CLASS_COUNT, &graphs[p]);
    if (status == LAM_STATUS_OK)
        status =
            lam_parameters_create_each(workshop->engine, graphs, c->members, &c->parameters);
    free(graphs);
    return status;
}

static lam_status create_trainer(const lam_workshop *workshop,
                                 const lam_trainer_observer *observer, crowd *c)
{
    const lam_trainer_setup setup = {.parameters = c->parameters,
                                     .data = workshop->data,
                                     .dataset = workshop->dataset,
                                     .recipes = c->recipes,
                                     .observer = observer,
                                     .seeds = c->seeds,
                                     .watches = c->watches};
    return lam_trainer_create(&setup, &c->trainer);
}

/* Before step 0, with weights still to come. On failure nothing is left to destroy. */
static lam_status create_crowd(const lam_population_setup *setup,
                               const lam_trainer_observer *observer, crowd *ret_crowd)
{
    lam_status status = LAM_STATUS_OK;
    size_t members = setup->members;
    *ret_crowd = (crowd){0};
    LAM_TRY_GOTO(status, allocate_crowd(setup->workshop->engine->context, members, ret_crowd));
    memcpy(ret_crowd->recipes, setup->recipes, members * sizeof *setup->recipes);
    memcpy(ret_crowd->seeds, setup->seeds, members * sizeof *setup->seeds);
    memcpy(ret_crowd->ids, setup->ids, members * sizeof *setup->ids);
    for (size_t p = 0; p < members; p++)
        ret_crowd->watches[p] = lam_watch_start();
    LAM_TRY_GOTO(status, create_parameters(setup->workshop, ret_crowd));
    LAM_TRY_GOTO(status, create_trainer(setup->workshop, observer, ret_crowd));
    return LAM_STATUS_OK;
fail:
    destroy_crowd(ret_crowd);
    return status;
}

static lam_status initialize_crowd(crowd *c)
{
    for (size_t p = 0; p < c->members; p++)
        LAM_TRY(lam_parameters_initialize(c->parameters, p, c->seeds[p]));
    return LAM_STATUS_OK;
}

/* ---- a population ---- */

static lam_status pass_measurements(void *user, int64_t step)
{
    lam_population *population = user;
    const lam_population_observer *observer = &population->observer;
    const crowd *c = &population->crowd;
    for (size_t p = 0; p < c->members; p++)
        c->measurements[p] = c->watches[p].latest;
    return observer->measure(observer->user, step, c->measurements);
}

static lam_status pass_snapshot(void *user, int cycle)
{
    const lam_population *population = user;
    return population->observer.snapshot(population->observer.user, cycle);
}

static lam_status pass_progress(void *user, const lam_progress *progress)
{
    const lam_population *population = user;
    return population->observer.progress(population->observer.user, progress);
}

static lam_trainer_observer get_trainer_observer(lam_population *population)
{
    const lam_population_observer *observer = &population->observer;
    return (lam_trainer_observer){.measure = observer->measure ? pass_measurements : NULL,
                                  .snapshot = observer->snapshot ? pass_snapshot : NULL,
                                  .progress = observer->progress ? pass_progress : NULL,
                                  .user = population,
                                  .trace = observer->trace};
}

static lam_status check_setup(const lam_population_setup *setup)
{
    lam_context *context = setup->workshop->engine->context;
    if (setup->members == 0)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a population of 0 networks; legal: 1 and more");
    LAM_TRY(check_recipes(context, setup->recipes, setup->members));
    return check_ids(context, setup->ids, setup->members);
}

lam_status lam_population_create(const lam_population_setup *setup,
                                 lam_population **ret_population)
{
    LAM_TRY(check_setup(setup));
    lam_population *population = calloc(1, sizeof *population);
    if (!population)
        return lam_fail_memory(setup->workshop->engine->context, "a population",
                               sizeof *population);
    population->workshop = setup->workshop;
    population->observer = setup->observer;
    const lam_trainer_observer observer = get_trainer_observer(population);
    lam_status status = create_crowd(setup, &observer, &population->crowd);
    if (status == LAM_STATUS_OK)
        status = initialize_crowd(&population->crowd);
    if (status == LAM_STATUS_OK)
        *ret_population = population;
    else
        lam_population_destroy(&population);
    return status;
}

void lam_population_destroy(lam_population **population)
{
    if (!*population)
        return;
    destroy_crowd(&(*population)->crowd);
    free(*population);
    *population = NULL;
}

lam_status lam_population_run(lam_population *population, int64_t until_step)
{
    return lam_trainer_run(population->crowd.trainer, until_step);
}

bool lam_population_is_over(const lam_population *population)
{
    const crowd *c = &population->crowd;
    if (lam_trainer_get_step(c->trainer) >= lam_trainer_get_counts(c->trainer).total)
        return true;
    for (size_t p = 0; p < c->members; p++)
        if (!lam_watch_is_over(&c->watches[p]))
            return false;
    return true;
}

lam_status lam_population_check(const lam_population *population)
{
    return lam_trainer_check(population->crowd.trainer);
}

void lam_population_rest(lam_population *population, size_t member)
{
    assert(member < population->crowd.members);
    lam_trainer_rest(population->crowd.trainer, member);
}

/* ---- fewer members ---- */

static lam_status copy_member(crowd *to, size_t to_member, const crowd *from,
                              size_t from_member)
{
    to->watches[to_member] = from->watches[from_member];
    LAM_TRY(
        lam_parameters_copy_member(to->parameters, to_member, from->parameters, from_member));
    return lam_optimizer_state_copy_member(
        lam_trainer_get_optimizer_state(to->trainer), to_member,
        lam_trainer_get_optimizer_state(from->trainer), from_member);
}

static lam_status copy_members(const lam_population *population, crowd *to,
                               const size_t *members)
{
    const crowd *from = &population->crowd;
    for (size_t p = 0; p < to->members; p++)
        LAM_TRY(copy_member(to, p, from, members[p]));
    lam_trainer_start_at(to->trainer, lam_trainer_get_step(from->trainer));
    return lam_device_finish(population->workshop->engine->device);
}

/* A crowd of these members, before step 0 and without weights. */
static lam_status create_smaller_crowd(lam_population *population, const size_t *members,
                                       size_t count, crowd *ret_crowd)
{
    const crowd *from = &population->crowd;
    const lam_trainer_observer observer = get_trainer_observer(population);
    crowd chosen = {0};
    lam_status status = allocate_crowd(get_context(population), count, &chosen);
    for (size_t p = 0; p < count && status == LAM_STATUS_OK; p++) {
        assert(members[p] < from->members);
        chosen.recipes[p] = from->recipes[members[p]];
        chosen.seeds[p] = from->seeds[members[p]];
        chosen.ids[p] = from->ids[members[p]];
    }
    const lam_population_setup setup = {.workshop = population->workshop,
                                        .members = count,
                                        .recipes = chosen.recipes,
                                        .seeds = chosen.seeds,
                                        .ids = chosen.ids};
    if (status == LAM_STATUS_OK)
        status = create_crowd(&setup, &observer, ret_crowd);
    destroy_crowd(&chosen);
    return status;
}

lam_status lam_population_keep(lam_population *population, const size_t *members, size_t count)
{
    crowd kept;
    assert(count > 0);
    LAM_TRY(create_smaller_crowd(population, members, count, &kept));
    lam_status status = copy_members(population, &kept, members);
    if (status != LAM_STATUS_OK) {
        destroy_crowd(&kept);
        return status;
    }
    population->earlier_training_seconds = lam_population_get_training_seconds(population);
    population->earlier_total_seconds = lam_population_get_total_seconds(population);
    destroy_crowd(&population->crowd);
    population->crowd = kept;
    return LAM_STATUS_OK;
}

/* ---- checkpoints ---- */

lam_status lam_population_save(const lam_population *population, const char *path)
{
    const crowd *c = &population->crowd;
    char *state = lam_population_state_format(c->ids, c->watches, c->members);
    if (!state)
        return lam_fail_memory(get_context(population), path, 0);
    lam_status status = lam_checkpoint_save(
        c->parameters, lam_trainer_get_optimizer_state(c->trainer),
        &population->workshop->normalization, lam_trainer_get_step(c->trainer), state, path);
    free(state);
    return status;
}

static lam_status load_tensors(lam_population *population, const char *path,
                               const lam_checkpoint_members *members, int64_t *ret_step)
{
    crowd *c = &population->crowd;
    int64_t step = 0, total = lam_trainer_get_counts(c->trainer).total;
    LAM_TRY(lam_checkpoint_load(c->parameters, lam_trainer_get_optimizer_state(c->trainer),
                                members, path, &step));
    if (step > total)
        return lam_fail(get_context(population), LAM_STATUS_BAD_MODEL,
                        "%s: step %lld is none of the run's %lld; replace the run (--force)",
                        path, (long long)step, (long long)total);
    *ret_step = step;
    return LAM_STATUS_OK;
}

lam_status lam_population_load(lam_population *population, const char *path)
{
    crowd *c = &population->crowd;
    lam_status status = LAM_STATUS_OK;
    lam_context *context = get_context(population);
    lam_checkpoint_members members = {0};
    int64_t step = 0;
    size_t *places = malloc(c->members * sizeof *places);
    lam_watch *watches = malloc(c->members * sizeof *watches);
    if (!places || !watches)
        LAM_TRY_GOTO(status, lam_fail_memory(context, path, c->members * sizeof *watches));
    members.places = places;
    LAM_TRY_GOTO(status, lam_population_state_load(context, path, c->ids, c->members, watches,
                                                   places, &members.count));
    LAM_TRY_GOTO(status, load_tensors(population, path, &members, &step));
    lam_trainer_start_at(c->trainer, step);
    if (step > 0) /* else it is measured again */
        memcpy(c->watches, watches, c->members * sizeof *watches);
fail:
    free(places);
    free(watches);
    return status;
}

/* ---- looking at it ---- */

size_t lam_population_get_members(const lam_population *population)
{
    return population->crowd.members;
}

uint64_t lam_population_get_id(const lam_population *population, size_t member)
{
    return population->crowd.ids[member];
}

const lam_watch *lam_population_get_watch(const lam_population *population, size_t member)
{
    return &population->crowd.watches[member];
}

int64_t lam_population_get_step(const lam_population *population)
{
    return lam_trainer_get_step(population->crowd.trainer);
}

lam_step_counts lam_population_get_counts(const lam_population *population)
{
    return lam_trainer_get_counts(population->crowd.trainer);
}

double lam_population_get_training_seconds(const lam_population *population)
{
    return population->earlier_training_seconds +
           lam_trainer_get_training_seconds(population->crowd.trainer);
}

double lam_population_get_total_seconds(const lam_population *population)
{
    return population->earlier_total_seconds +
           lam_trainer_get_total_seconds(population->crowd.trainer);
}

lam_parameters *lam_population_get_parameters(const lam_population *population)
{
    return population->crowd.parameters;
}

const lam_parameters *lam_population_get_model(const lam_population *population)
{
    return lam_trainer_get_model(population->crowd.trainer);
}

lam_status lam_population_evaluate(const lam_population *population, unsigned splits,
                                   lam_metrics *const ret_metrics[LAM_SPLIT_COUNT])
{
    const crowd *c = &population->crowd;
    return lam_workshop_evaluate(population->workshop, c->parameters, c->recipes, splits,
                                 ret_metrics);
}

/* ---- speed ---- */

typedef struct stopwatch {
    double seconds; /* to take steps for */
    double start, end;
    int64_t first_step, end_step; /* that were timed; first_step is -1 before the first */
} stopwatch;

/* The first call comes when the first steps are done. Ends training with a status that is none
 * of the caller's. */
static lam_status time_steps(void *user, int64_t first_step, int64_t count,
                             const double *losses)
{
    (void)losses;
    stopwatch *watch = user;
    watch->end = lam_clock_get_seconds();
    watch->end_step = first_step + count;
    if (watch->first_step < 0) {
        watch->start = watch->end;
        watch->first_step = watch->end_step;
    }
    return watch->end_step > watch->first_step && watch->end - watch->start >= watch->seconds
               ? LAM_STATUS_CHECK_FAILED
               : LAM_STATUS_OK;
}

static lam_status run_against_time(const lam_population_setup *setup, stopwatch *watch)
{
    const lam_trainer_observer observer = {.losses = time_steps, .user = watch};
    crowd c;
    LAM_TRY(create_crowd(setup, &observer, &c));
    lam_status status = initialize_crowd(&c);
    if (status == LAM_STATUS_OK)
        status = lam_trainer_run(c.trainer, INT64_MAX);
    destroy_crowd(&c);
    return status == LAM_STATUS_CHECK_FAILED ? LAM_STATUS_OK : status;
}

/* The recipes as they go on for longer than anybody waits. */
static lam_recipe *copy_without_end(const lam_recipe *recipes, size_t members)
{
    lam_recipe *copies = malloc(members * sizeof *copies);
    for (size_t p = 0; p < members && copies; p++) {
        copies[p] = recipes[p];
        copies[p].stop = (lam_duration){LAM_UNIT_STEPS, INT64_C(1000000000)};
    }
    return copies;
}

lam_status lam_population_measure_speed(const lam_workshop *workshop, const lam_recipe *recipes,
                                        const uint64_t *seeds, size_t members, double seconds,
                                        double *ret_models_per_second)
{
    stopwatch watch = {.seconds = seconds, .first_step = -1};
    lam_step_counts counts;
    lam_context *context = workshop->engine->context;
    uint32_t train_rows = lam_dataset_get_split(workshop->dataset, LAM_SPLIT_TRAIN).count;
    LAM_TRY(check_recipes(context, recipes, members));
    LAM_TRY(lam_step_counts_compute(context, recipes, train_rows, &counts));
    lam_recipe *copies = copy_without_end(recipes, members);
    if (!copies)
        return lam_fail_memory(context, "recipes", members * sizeof *copies);
    const lam_population_setup setup = {.workshop = workshop,
                                        .members = members,
                                        .recipes = copies,
                                        .seeds = seeds,
                                        .ids = seeds};
    lam_status status = run_against_time(&setup, &watch);
    free(copies);
    LAM_TRY(status);
    double steps = (double)(watch.end_step - watch.first_step);
    *ret_models_per_second =
        steps / (watch.end - watch.start) * (double)members / (double)counts.total;
    return LAM_STATUS_OK;
}
