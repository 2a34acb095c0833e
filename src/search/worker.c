/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "search/population_size.h"
#include "search/wave_training.h"

#define DEFAULT_LEASE_SECONDS 60.0
#define DEFAULT_MAX_FAILURES 10
#define NAP_NS 200000000

typedef struct worker {
    lam_context *context;
    lam_device *device;
    const lam_search_keeper *keeper;
    const lam_dataset *dataset;
    const lam_search_options *options;
    const lam_study_plan *plan;
    char *recipe; /* the plan's, as text that settings are put on */
    lam_worker_identity identity;
    lam_workshop *workshop;
    int failures; /* in a row */
    struct {
        int64_t group; /* 0 before the first */
        size_t members;
    } ceiling; /* larger waves of the latest group that failed together would fail again */
} worker;

/* ---- recipes ---- */

static lam_status make_recipe(const worker *w, const lam_trial_task *task,
                              lam_recipe *ret_recipe)
{
    return lam_recipe_parse(w->context, w->recipe, strlen(w->recipe), w->plan->recipe.name,
                            (const char *const *)task->settings, task->setting_count,
                            ret_recipe);
}

/* `count` recipes: one for each task, or all of the same. */
static lam_status make_recipes(const worker *w, const lam_trial_task *tasks, size_t count,
                               lam_recipe **ret_recipes)
{
    lam_recipe *recipes = malloc(count * sizeof *recipes);
    if (!recipes)
        return lam_fail_memory(w->context, "recipes", count * sizeof *recipes);
    for (size_t i = 0; i < count; i++) {
        lam_status status = make_recipe(w, &tasks[i], &recipes[i]);
        if (status != LAM_STATUS_OK) {
            free(recipes);
            return status;
        }
    }
    *ret_recipes = recipes;
    return LAM_STATUS_OK;
}

/* ---- how many side by side ---- */

static void pass_speed(void *user, const lam_population_speed *speed)
{
    const worker *w = user;
    const lam_search_progress progress = {.speed = speed};
    if (w->options->progress)
        w->options->progress(w->options->progress_user, &progress);
}

static lam_status measure_population(worker *w, const lam_search_look *look,
                                     size_t *ret_population)
{
    lam_recipe recipe;
    lam_population_sizes sizes = {.tell = pass_speed, .user = w};
    LAM_TRY(make_recipe(w, &look->example, &recipe));
    LAM_TRY(lam_population_size_measure(w->workshop, &recipe, look->waiting, &sizes));
    *ret_population = sizes.knee;
    return w->keeper->set_population(w->keeper->user, &w->identity, look->group, sizes.knee,
                                     sizes.speeds, sizes.count);
}

/* What keeps this worker from going on, whatever the trial. */
static bool ends_worker(lam_status status)
{
    return status == LAM_STATUS_INTERRUPTED || status == LAM_STATUS_BAD_STUDY ||
           status == LAM_STATUS_BAD_OUTPUT;
}

static lam_status choose_population(worker *w, const lam_search_look *look,
                                    size_t *ret_population)
{
    size_t population = 1;
    lam_status status = LAM_STATUS_OK;
    if (w->options->population > 0)
        population = w->options->population;
    else if (look->population > 0)
        population = look->population;
    else if (look->waiting > 1)
        status = measure_population(w, look, &population);
    if (ends_worker(status))
        return status;
    /* What cannot even be measured fails by itself, and says why. */
    if (status != LAM_STATUS_OK)
        population = 1;
    bool has_ceiling = w->ceiling.group == look->group && population > w->ceiling.members;
    *ret_population = has_ceiling ? w->ceiling.members : population;
    return LAM_STATUS_OK;
}

/* As few waves as there must be, and all of about one size. */
static size_t share_evenly(size_t waiting, size_t population)
{
    size_t waves = (waiting + population - 1) / population;
    return waves > 0 ? (waiting + waves - 1) / waves : population;
}

/* ---- one wave ---- */

/* A wave of several says nothing about any of them: they are tried again in smaller ones. That
 * memory does not hold more is worth knowing for all workers of this device. */
static lam_status split_wave(worker *w, const lam_search_look *look,
                             const lam_wave_claim *claim, lam_status reason)
{
    size_t half = (claim->count + 1) / 2;
    lam_log(w->context, LAM_LOG_LEVEL_WARNING, "%s; trying with %zu side by side",
            lam_error_message(w->context), half);
    w->ceiling.group = look->group;
    w->ceiling.members = half;
    LAM_TRY(w->keeper->release(w->keeper->user, claim, true));
    return reason == LAM_STATUS_NO_MEMORY
               ? w->keeper->set_population(w->keeper->user, &w->identity, look->group, half,
                                           NULL, 0)
               : LAM_STATUS_OK;
}

static lam_status give_up_after_failures(const worker *w)
{
    int limit = w->options->max_consecutive_failures > 0 ? w->options->max_consecutive_failures
                                                         : DEFAULT_MAX_FAILURES;
    if (!w->options->fail_fast && w->failures < limit)
        return LAM_STATUS_OK;
    char *reason = strdup(lam_error_message(w->context));
    lam_status status = lam_fail(
        w->context, LAM_STATUS_TRIALS_FAILED,
        "%d trial%s in a row failed, the last one: %s; see: lamina search status; when it is "
        "mended: lamina search retry",
        w->failures, w->failures == 1 ? "" : "s", reason ? reason : "?");
    free(reason);
    return status;
}

static lam_status record_failure(worker *w, const lam_wave_claim *claim)
{
    bool is_held = false;
    const lam_trial_outcome outcome = {.trial = claim->tasks[0].trial,
                                       .state = LAM_TRIAL_STATE_FAILED,
                                       .message = lam_error_message(w->context)};
    w->failures++;
    lam_log(w->context, LAM_LOG_LEVEL_WARNING, "trial %" PRId64 " failed: %s", outcome.trial,
            outcome.message);
    LAM_TRY(w->keeper->finish(w->keeper->user, claim, &outcome, 1, &is_held));
    return give_up_after_failures(w);
}

/* Trials go back even where the reason to end is told. */
static lam_status give_back(worker *w, const lam_wave_claim *claim, lam_status reason)
{
    char *text = strdup(lam_error_message(w->context));
    if (w->keeper->release(w->keeper->user, claim, false) != LAM_STATUS_OK)
        lam_log(w->context, LAM_LOG_LEVEL_WARNING,
                "%s; others take the trials over when their lease has run out",
                lam_error_message(w->context));
    if (text)
        reason = lam_fail(w->context, reason, "%s", text);
    free(text);
    return reason;
}

static lam_status train_claim(worker *w, const lam_search_look *look,
                              const lam_wave_claim *claim)
{
    bool is_held = true;
    lam_recipe *recipes = NULL;
    lam_status status = make_recipes(w, claim->tasks, claim->count, &recipes);
    const lam_wave_work work = {.context = w->context,
                                .workshop = w->workshop,
                                .keeper = w->keeper,
                                .options = w->options,
                                .claim = claim,
                                .recipes = recipes};
    if (status == LAM_STATUS_OK)
        status = lam_population_check_memory(w->workshop, recipes, claim->count);
    if (status == LAM_STATUS_OK)
        status = lam_wave_work_train(&work, &is_held);
    free(recipes);
    if (status == LAM_STATUS_OK) {
        w->failures = is_held ? 0 : w->failures;
        if (!is_held)
            lam_log(w->context, LAM_LOG_LEVEL_WARNING,
                    "wave %" PRId64 ": its lease ran out and another worker took it over; "
                    "nothing is lost",
                    claim->wave);
        return LAM_STATUS_OK;
    }
    if (ends_worker(status))
        return give_back(w, claim, status);
    return claim->count > 1 ? split_wave(w, look, claim, status) : record_failure(w, claim);
}

static lam_status work_once(worker *w, const lam_search_look *look)
{
    size_t population = 0;
    lam_wave_claim *claim = NULL;
    LAM_TRY(choose_population(w, look, &population));
    LAM_TRY(w->keeper->claim(w->keeper->user, &w->identity, look->group,
                             share_evenly(look->waiting, population), &claim));
    lam_status status = claim ? train_claim(w, look, claim) : LAM_STATUS_OK;
    lam_wave_claim_free(&claim);
    return status;
}

/* ---- the whole ---- */

static lam_status take_turn(worker *w, bool *ret_is_over)
{
    lam_search_look look;
    const struct timespec nap = {.tv_nsec = NAP_NS};
    if (lam_stop_requested(w->context))
        return lam_fail(w->context, LAM_STATUS_INTERRUPTED, "interrupted");
    LAM_TRY(w->keeper->look(w->keeper->user, &w->identity, &look));
    lam_status status = LAM_STATUS_OK;
    *ret_is_over = look.outlook == LAM_OUTLOOK_OVER;
    if (look.outlook == LAM_OUTLOOK_WORK)
        status = work_once(w, &look);
    else if (look.outlook == LAM_OUTLOOK_WAIT)
        nanosleep(&nap, NULL);
    lam_search_look_free(&look);
    return status;
}

/* A name that no other worker has or will have: of this host, process and thread. */
static void introduce(worker *w)
{
    static atomic_int count;
    const lam_device_info *info = lam_device_get_info(w->device);
    lam_worker_identity *identity = &w->identity;
    lam_worker_identity_fill(identity);
    snprintf(identity->name, sizeof identity->name, "%.24s:%" PRId64 ":%" PRId64 ":%d",
             identity->host, identity->pid, identity->process_start,
             atomic_fetch_add(&count, 1));
    snprintf(identity->device, sizeof identity->device, "%.90s, %.50s, driver %.40s",
             info->name, info->platform, info->driver_version);
    identity->lease_seconds =
        w->options->lease_seconds > 0 ? w->options->lease_seconds : DEFAULT_LEASE_SECONDS;
}

static lam_status start(worker *w)
{
    introduce(w);
    LAM_TRY(lam_recipe_format(w->context, &w->plan->recipe, &w->recipe));
    LAM_TRY(lam_directory_create(w->context, w->options->wave_directory));
    LAM_TRY(lam_self_test(w->device, w->options->gemm));
    return lam_workshop_create(w->device, w->dataset, w->options->gemm, NULL, &w->workshop);
}

lam_status lam_search_work(lam_device *device, const lam_search_keeper *keeper,
                           const lam_dataset *dataset, const lam_search_options *options)
{
    worker w = {.context = lam_device_get_context(device),
                .device = device,
                .keeper = keeper,
                .dataset = dataset,
                .options = options,
                .plan = keeper->get_plan(keeper->user)};
    bool is_over = false;
    lam_status status = start(&w);
    while (status == LAM_STATUS_OK && !is_over)
        status = take_turn(&w, &is_over);
    if (status == LAM_STATUS_INTERRUPTED)
        status = lam_fail(w.context, status,
                          "interrupted: trials in training were given back, and go on from "
                          "their checkpoints with: lamina search resume");
    lam_workshop_destroy(&w.workshop);
    free(w.recipe);
    return status;
}
