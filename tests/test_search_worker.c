/* SPDX-License-Identifier: Apache-2.0 */
/* Workers on small studies: whatever happens on the way, trials end with the same numbers. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lamina/search.h"
#include "support/device_fixture.h"
#include "support/small_run.h"
#include "support/suite.h"

/* ---- a study ---- */

typedef struct small_study {
    const char *path;
    lam_study_plan plan;
} small_study;

static small_study describe_study(const char *name, const char *const *spaces, size_t count)
{
    small_study study = {
        .path = small_run_path(name),
        .plan = {.recipe = small_recipe,
                 .sampler = LAM_SAMPLER_SOBOL,
                 .seed = 1,
                 .configuration_count = 6,
                 .seed_count = 1,
                 .pruning = {.factor = 2, .min_trials = 2, .min_measurements = 1}}};
    ck_assert_ok(lam_space_parse(test_context(), spaces, count, &study.plan.space));
    return study;
}

static small_study describe_usual_study(const char *name)
{
    const char *const spaces[] = {"l2=log:1e-5..1e-1", "schedule.maximum=linear:0.01..0.2"};
    return describe_study(name, spaces, 2);
}

static lam_study *create_study(const small_study *description)
{
    lam_study *study = NULL;
    ck_assert_ok(
        lam_study_create(test_context(), description->path, &description->plan, &study));
    return study;
}

/* A checkpoint with each measurement. */
static lam_status work(const small_study *description, const lam_search_keeper *keeper,
                       size_t population)
{
    static char waves[4096];
    snprintf(waves, sizeof waves, "%s.waves", description->path);
    const lam_search_options options = {.wave_directory = waves,
                                        .population = population,
                                        .checkpoint_seconds = 1e-9,
                                        .max_consecutive_failures = 3};
    return lam_search_work(test_device(), keeper, small_run_dataset(), &options);
}

static void expect_no_checkpoints(const small_study *description)
{
    char waves[4096];
    snprintf(waves, sizeof waves, "%s.waves", description->path);
    ck_assert_msg(rmdir(waves) == 0, "%s: %s", waves, strerror(errno));
}

static lam_study_view *read_study(lam_study *study)
{
    lam_study_view *view = NULL;
    ck_assert_ok(lam_study_read(study, &view));
    return view;
}

/* Works a new study off and gives what it holds then. */
static lam_study_view *finish(const small_study *description, size_t population)
{
    lam_study *study = create_study(description);
    const lam_search_keeper keeper = lam_study_get_keeper(study);
    ck_assert_ok(work(description, &keeper, population));
    lam_study_view *view = read_study(study);
    lam_study_close(&study);
    ck_assert(view->is_over);
    return view;
}

static void expect_same_metrics(const lam_metrics *a, const lam_metrics *b)
{
    ck_assert_mem_eq(a, b, sizeof *a);
}

static void expect_same_trial(const lam_trial *a, const lam_trial *b)
{
    ck_assert_int_eq(a->state, b->state);
    ck_assert_int_eq(a->latest.step, b->latest.step);
    expect_same_metrics(&a->latest.train, &b->latest.train);
    expect_same_metrics(&a->latest.validation, &b->latest.validation);
    ck_assert_int_eq(a->best.step, b->best.step);
}

static void expect_same_results(const lam_study_view *a, const lam_study_view *b)
{
    ck_assert_uint_eq(a->configuration_count, b->configuration_count);
    for (size_t c = 0; c < a->configuration_count; c++)
        for (int s = 0; s < a->plan.seed_count; s++)
            expect_same_trial(&a->configurations[c].trials[s], &b->configurations[c].trials[s]);
}

static size_t count_state(const lam_study_view *view, lam_trial_state state)
{
    return (size_t)view->counts[state];
}

/* ---- a keeper that something happens to ---- */

typedef struct troubled_keeper {
    lam_search_keeper inner;
    int reports, trouble_at; /* the report that trouble comes with, from 1 */
    bool loses_claim;        /* else fails as an interrupted worker does */
    int late_finishes;       /* after the claim was lost, of the wave that was */
    int64_t lost_wave;
    int lost_attempt;
} troubled_keeper;

static const lam_study_plan *get_plan(void *user)
{
    troubled_keeper *keeper = user;
    return keeper->inner.get_plan(keeper->inner.user);
}

static lam_status look(void *user, const lam_worker_identity *worker, lam_search_look *ret_look)
{
    troubled_keeper *keeper = user;
    return keeper->inner.look(keeper->inner.user, worker, ret_look);
}

static lam_status claim(void *user, const lam_worker_identity *worker, int64_t group,
                        size_t limit, lam_wave_claim **ret_claim)
{
    troubled_keeper *keeper = user;
    return keeper->inner.claim(keeper->inner.user, worker, group, limit, ret_claim);
}

static lam_status report(void *user, const lam_wave_claim *held, const lam_wave_report *what,
                         bool *ret_is_held)
{
    troubled_keeper *keeper = user;
    if (++keeper->reports != keeper->trouble_at)
        return keeper->inner.report(keeper->inner.user, held, what, ret_is_held);
    keeper->lost_wave = held->wave;
    keeper->lost_attempt = held->attempt;
    *ret_is_held = false;
    if (!keeper->loses_claim)
        return LAM_STATUS_INTERRUPTED;
    /* Somebody else's hands: released and claimed anew by whoever looks next. */
    return keeper->inner.release(keeper->inner.user, held, false);
}

static lam_status finish_trials(void *user, const lam_wave_claim *held,
                                const lam_trial_outcome *outcomes, size_t count,
                                bool *ret_is_held)
{
    troubled_keeper *keeper = user;
    keeper->late_finishes +=
        held->wave == keeper->lost_wave && held->attempt == keeper->lost_attempt;
    return keeper->inner.finish(keeper->inner.user, held, outcomes, count, ret_is_held);
}

static lam_status release(void *user, const lam_wave_claim *held, bool split)
{
    troubled_keeper *keeper = user;
    return keeper->inner.release(keeper->inner.user, held, split);
}

static lam_status set_population(void *user, const lam_worker_identity *worker, int64_t group,
                                 size_t population, const lam_population_speed *speeds,
                                 size_t speed_count)
{
    troubled_keeper *keeper = user;
    return keeper->inner.set_population(keeper->inner.user, worker, group, population, speeds,
                                        speed_count);
}

static lam_status get_median(void *user, const lam_wave_claim *held, int64_t step,
                             double *ret_median)
{
    troubled_keeper *keeper = user;
    return keeper->inner.get_median(keeper->inner.user, held, step, ret_median);
}

static lam_search_keeper make_troubled(troubled_keeper *keeper)
{
    keeper->lost_wave = -1;
    return (lam_search_keeper){keeper,        get_plan, look,           claim,     report,
                               finish_trials, release,  set_population, get_median};
}

/* ---- tests ---- */

START_TEST(results_do_not_depend_on_who_trains_beside)
{
    small_study one = describe_usual_study("one.db"), four = describe_usual_study("four.db");
    one.plan.seed_count = four.plan.seed_count = 2;
    lam_study_view *a = finish(&one, 1), *b = finish(&four, 4);
    ck_assert_uint_eq(count_state(a, LAM_TRIAL_STATE_DONE), 12);
    expect_same_results(a, b);
    ck_assert_double_ne(a->configurations[0].trials[0].latest.validation.loss,
                        a->configurations[0].trials[1].latest.validation.loss);
    lam_study_view_free(&a);
    lam_study_view_free(&b);
    lam_space_free(&one.plan.space);
    lam_space_free(&four.plan.space);
}
END_TEST

START_TEST(a_population_is_measured_where_none_is_given)
{
    small_study description = describe_usual_study("measured.db");
    lam_study_view *view = finish(&description, 0);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_DONE), 6);
    lam_study_view_free(&view);
    lam_space_free(&description.plan.space);
}
END_TEST

/* Cut off at each of the first reports in turn: going on gives the undisturbed results. */
START_TEST(a_cut_off_wave_goes_on_to_the_same_bits)
{
    small_study calm = describe_usual_study("calm.db"), cut = describe_usual_study("cut.db");
    lam_study_view *expected = finish(&calm, 3);
    lam_study *study = create_study(&cut);
    troubled_keeper troubled = {.inner = lam_study_get_keeper(study), .trouble_at = 1 + _i * 5};
    const lam_search_keeper keeper = make_troubled(&troubled);
    ck_assert_int_eq(work(&cut, &keeper, 3), LAM_STATUS_INTERRUPTED);
    ck_assert_ok(work(&cut, &keeper, 3));
    lam_study_view *view = read_study(study);
    expect_same_results(expected, view);
    expect_no_checkpoints(&cut);
    lam_study_close(&study);
    lam_study_view_free(&view);
    lam_study_view_free(&expected);
    lam_space_free(&calm.plan.space);
    lam_space_free(&cut.plan.space);
}
END_TEST

START_TEST(a_lost_claim_ends_a_wave_without_a_word)
{
    small_study description = describe_usual_study("lost.db");
    lam_study *study = create_study(&description);
    troubled_keeper troubled = {
        .inner = lam_study_get_keeper(study), .trouble_at = 4, .loses_claim = true};
    const lam_search_keeper keeper = make_troubled(&troubled);
    ck_assert_ok(work(&description, &keeper, 6));
    ck_assert_int_eq(troubled.late_finishes, 0);
    expect_no_checkpoints(&description);
    lam_study_view *view = read_study(study);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_DONE), 6);
    lam_study_close(&study);
    lam_study_view_free(&view);
    lam_space_free(&description.plan.space);
}
END_TEST

START_TEST(one_that_diverges_disturbs_nobody)
{
    const char *const all[] = {"schedule.maximum=grid:0.05,1e6,0.1"};
    const char *const good[] = {"schedule.maximum=grid:0.05,0.1"};
    small_study both = describe_study("both.db", all, 1),
                fine = describe_study("ok.db", good, 1);
    both.plan.sampler = fine.plan.sampler = LAM_SAMPLER_GRID;
    both.plan.configuration_count = 3;
    fine.plan.configuration_count = 2;
    lam_study_view *a = finish(&both, 3), *b = finish(&fine, 2);
    ck_assert_int_eq(a->configurations[1].trials[0].state, LAM_TRIAL_STATE_DIVERGED);
    expect_same_trial(&a->configurations[0].trials[0], &b->configurations[0].trials[0]);
    expect_same_trial(&a->configurations[2].trials[0], &b->configurations[1].trials[0]);
    lam_study_view_free(&a);
    lam_study_view_free(&b);
    lam_space_free(&both.plan.space);
    lam_space_free(&fine.plan.space);
}
END_TEST

/* They diverge before the halving, within which there is nobody left to compare. */
START_TEST(what_diverged_is_not_halved_away)
{
    const char *const rates[] = {"schedule.maximum=grid:7e5,8e5,9e5,1e6"};
    small_study description = describe_study("all.db", rates, 1);
    description.plan.sampler = LAM_SAMPLER_GRID;
    description.plan.configuration_count = 4;
    description.plan.pruning.type = LAM_PRUNING_HALVING;
    lam_study_view *view = finish(&description, 4);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_DIVERGED), 4);
    lam_study_view_free(&view);
    lam_space_free(&description.plan.space);
}
END_TEST

/* The recipe's two cycles: the better half of each wave is left for the second. */
START_TEST(halving_keeps_the_better_with_the_same_bits)
{
    small_study whole = describe_usual_study("whole.db"),
                halved = describe_usual_study("half.db");
    halved.plan.pruning.type = LAM_PRUNING_HALVING;
    lam_study_view *a = finish(&whole, 6), *b = finish(&halved, 6);
    ck_assert_uint_eq(count_state(b, LAM_TRIAL_STATE_DONE), 3);
    ck_assert_uint_eq(count_state(b, LAM_TRIAL_STATE_PRUNED), 3);
    for (size_t c = 0; c < 6; c++) {
        const lam_trial *trial = &b->configurations[c].trials[0];
        if (trial->state == LAM_TRIAL_STATE_DONE)
            expect_same_trial(&a->configurations[c].trials[0], trial);
        else
            ck_assert_int_eq(trial->latest.step, SMALL_RUN_STEPS / 2);
    }
    lam_study_view_free(&a);
    lam_study_view_free(&b);
    lam_space_free(&whole.plan.space);
    lam_space_free(&halved.plan.space);
}
END_TEST

START_TEST(the_median_rule_ends_what_lags_behind)
{
    const char *const rates[] = {"schedule.maximum=grid:0.2,0.15,1.1e-5"};
    small_study description = describe_study("median.db", rates, 1);
    description.plan.sampler = LAM_SAMPLER_GRID;
    description.plan.configuration_count = 3;
    description.plan.pruning.type = LAM_PRUNING_MEDIAN;
    lam_study_view *view = finish(&description, 1);
    ck_assert_int_eq(view->configurations[2].trials[0].state, LAM_TRIAL_STATE_PRUNED);
    ck_assert_int_lt(view->configurations[2].trials[0].latest.step, SMALL_RUN_STEPS);
    ck_assert_str_ne(view->configurations[2].trials[0].message, "");
    lam_study_view_free(&view);
    lam_space_free(&description.plan.space);
}
END_TEST

/* 65536 x 65536 weights are more than any device of the tests holds. */
static small_study describe_failing_study(const char *name)
{
    const char *const widths[] = {"layers[0].width=grid:65536,8,65535"};
    lam_network *network = &small_recipe.network;
    memmove(&network->layers[2], &network->layers[0],
            (size_t)network->layer_count * sizeof network->layers[0]);
    network->layer_count += 2;
    network->layers[2].width = 65536;
    small_recipe.schedule.maximum = 1e-3; /* so wide, it diverges at more */
    small_study description = describe_study(name, widths, 1);
    description.plan.sampler = LAM_SAMPLER_GRID;
    description.plan.configuration_count = 3;
    return description;
}

START_TEST(a_failure_is_recorded_and_the_study_goes_on)
{
    small_study description = describe_failing_study("failing.db");
    lam_study_view *view = finish(&description, 2);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_FAILED), 2);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_DONE), 1);
    const char *message = view->configurations[0].trials[0].message;
    ck_assert_msg(strstr(message, "memory"), "%s", message);
    lam_study_view_free(&view);
    lam_space_free(&description.plan.space);
}
END_TEST

/* A minimum above the maximum: no recipe, which is that trial's failure alone, also where the
 * number of networks side by side would have to be measured with it. */
START_TEST(impossible_values_are_their_trials_failure)
{
    const size_t populations[] = {3, 0};
    const char *const bounds[] = {"schedule.minimum=grid:1e-5,0.5,1e-4,0.6"};
    small_study description = describe_study("impossible.db", bounds, 1);
    description.plan.sampler = LAM_SAMPLER_GRID;
    description.plan.configuration_count = 4;
    lam_study_view *view = finish(&description, populations[_i]);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_DONE), 2);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_FAILED), 2);
    ck_assert_int_eq(view->configurations[1].trials[0].state, LAM_TRIAL_STATE_FAILED);
    const char *message = view->configurations[1].trials[0].message;
    ck_assert_msg(strstr(message, "minimum"), "%s", message);
    lam_study_view_free(&view);
    lam_space_free(&description.plan.space);
}
END_TEST

START_TEST(fail_fast_stops_at_the_first)
{
    small_study description = describe_failing_study("fast.db");
    lam_study *study = create_study(&description);
    const lam_search_keeper keeper = lam_study_get_keeper(study);
    const lam_search_options options = {
        .wave_directory = small_run_path("waves"), .population = 1, .fail_fast = true};
    ck_assert_int_eq(lam_search_work(test_device(), &keeper, small_run_dataset(), &options),
                     LAM_STATUS_TRIALS_FAILED);
    lam_study_view *view = read_study(study);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_FAILED), 1);
    ck_assert_uint_eq(count_state(view, LAM_TRIAL_STATE_WAITING), 2);
    lam_study_view_free(&view);
    lam_study_close(&study);
    lam_space_free(&description.plan.space);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test, int from, int to)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 300);
    tcase_add_checked_fixture(test_case, small_run_set_up, small_run_tear_down);
    tcase_add_loop_test(test_case, test, from, to);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add(suite, "bits", results_do_not_depend_on_who_trains_beside, 0, 1);
    add(suite, "measured", a_population_is_measured_where_none_is_given, 0, 1);
    add(suite, "cut", a_cut_off_wave_goes_on_to_the_same_bits, 0, 4);
    add(suite, "lost", a_lost_claim_ends_a_wave_without_a_word, 0, 1);
    add(suite, "diverged", one_that_diverges_disturbs_nobody, 0, 1);
    add(suite, "all-diverged", what_diverged_is_not_halved_away, 0, 1);
    add(suite, "halving", halving_keeps_the_better_with_the_same_bits, 0, 1);
    add(suite, "median", the_median_rule_ends_what_lags_behind, 0, 1);
    add(suite, "failure", a_failure_is_recorded_and_the_study_goes_on, 0, 1);
    add(suite, "impossible", impossible_values_are_their_trials_failure, 0, 2);
    add(suite, "fast", fail_fast_stops_at_the_first, 0, 1);
}

LAM_SUITE_MAIN("search_worker", add_tests)
