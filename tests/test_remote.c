/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "lamina/remote.h"
#include "support/device_fixture.h"
#include "support/suite.h"

/* A keeper asked by messages over a fake one: what arrives is what was said, on both ways. */

static const char awkward[] = "quotes \" and \\ and \n, \xC3\xA4 and \xFF\x80, {\"a\": 1}";

/* ---- a keeper that knows what it should be told ---- */

static const lam_worker_identity worker = {.host = "node-7",
                                           .boot_id = "7f3f0a7e-5d4c-4e1b-9a55-000000000001",
                                           .pid = INT64_MAX,
                                           .process_start = -1,
                                           .pid_namespace = 4026531836,
                                           .name = "node-7:\"1\":2",
                                           .device = "A \xB5-Device (tm), \\driver 1",
                                           .lease_seconds = 0.1};

static char *settings[] = {(char *)"l2=0.1", (char *)awkward, (char *)""};
static lam_trial_task tasks[] = {
    {.trial = INT64_MAX,
     .configuration = INT64_MIN,
     .seed_index = -3,
     .seed = UINT64_MAX,
     .settings = settings,
     .setting_count = 3},
    {.trial = 9007199254740993, .configuration = 1, .seed_index = 1, .seed = 1ULL << 63},
};
static const lam_wave_claim wave = {.wave = 9007199254740995,
                                    .attempt = 7,
                                    .tasks = tasks,
                                    .count = 2,
                                    .checkpoint = (char *)awkward,
                                    .pruned_step = -1,
                                    .lease_seconds = 59.99999999999999};
static const lam_search_look a_look = {
    .outlook = LAM_OUTLOOK_WORK,
    .group = 1LL << 60,
    .example = {.trial = 3, .settings = settings, .setting_count = 2},
    .waiting = 1000,
    .population = 64};
static const lam_trial_measurement measurements[] = {
    {5,
     {.step = 12,
      .epoch = 0.1,
      .learning_rate = 1e-300,
      .train = {1.0 / 3, INFINITY, 0.125},
      .validation = {NAN, -INFINITY, 5e-324},
      .has_validation = true}},
    {-6, {.step = 13, .epoch = -0.0, .learning_rate = 1.7976931348623157e308}},
};
static const lam_wave_report report = {.measurements = measurements,
                                       .count = 2,
                                       .checkpoint = awkward,
                                       .checkpoint_step = 1LL << 40};
static const lam_trial_outcome outcomes[] = {
    {.trial = 1, .state = LAM_TRIAL_STATE_DONE, .step = 40, .seconds = 0.3},
    {.trial = 2, .state = LAM_TRIAL_STATE_FAILED, .seconds = NAN, .message = awkward},
};
static const lam_population_speed speeds[] = {{1, 0.7}, {SIZE_MAX / 2, INFINITY}};

static lam_study_plan plan;
static lam_status failure; /* of the fake keeper's functions */
static int call_count;

static void expect_same_text(const char *a, const char *b)
{
    ck_assert_int_eq(a == NULL, b == NULL);
    if (a)
        ck_assert_str_eq(a, b);
}

/* The same bits, NaN's included. */
static void expect_same_number(double a, double b)
{
    ck_assert_msg(memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)), "%.17g is not %.17g",
                  a, b);
}

static void expect_same_task(const lam_trial_task *a, const lam_trial_task *b)
{
    ck_assert_int_eq(a->trial, b->trial);
    ck_assert_int_eq(a->configuration, b->configuration);
    ck_assert_int_eq(a->seed_index, b->seed_index);
    ck_assert_uint_eq(a->seed, b->seed);
    ck_assert_uint_eq(a->setting_count, b->setting_count);
    for (size_t i = 0; i < a->setting_count; i++)
        ck_assert_str_eq(a->settings[i], b->settings[i]);
}

static void expect_same_claim(const lam_wave_claim *a, const lam_wave_claim *b)
{
    ck_assert_int_eq(a->wave, b->wave);
    ck_assert_int_eq(a->attempt, b->attempt);
    ck_assert_int_eq(a->pruned_step, b->pruned_step);
    expect_same_text(a->checkpoint, b->checkpoint);
    expect_same_number(a->lease_seconds, b->lease_seconds);
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        expect_same_task(&a->tasks[i], &b->tasks[i]);
}

static void expect_worker(const lam_worker_identity *seen)
{
    ck_assert_mem_eq(seen, &worker, sizeof worker);
}

static lam_status finish_call(void)
{
    call_count++;
    if (failure != LAM_STATUS_OK)
        return lam_fail(test_context(), failure, "no luck: %s", awkward);
    return LAM_STATUS_OK;
}

static const lam_study_plan *get_plan(void *user)
{
    (void)user;
    return &plan;
}

static lam_trial_task copy_task(const lam_trial_task *task)
{
    lam_trial_task copy = *task;
    copy.settings = calloc(task->setting_count, sizeof *copy.settings);
    for (size_t i = 0; i < task->setting_count; i++)
        copy.settings[i] = strdup(task->settings[i]);
    return copy;
}

static lam_status look(void *user, const lam_worker_identity *who, lam_search_look *ret_look)
{
    (void)user;
    expect_worker(who);
    LAM_TRY(finish_call());
    *ret_look = a_look;
    ret_look->example = copy_task(&a_look.example);
    return LAM_STATUS_OK;
}

static lam_status claim(void *user, const lam_worker_identity *who, int64_t group, size_t limit,
                        lam_wave_claim **ret_claim)
{
    (void)user;
    expect_worker(who);
    LAM_TRY(finish_call());
    *ret_claim = NULL;
    if (group == 0)
        return LAM_STATUS_OK;
    ck_assert_int_eq(group, -5);
    ck_assert_uint_eq(limit, 17);
    *ret_claim = calloc(1, sizeof **ret_claim);
    **ret_claim = wave;
    (*ret_claim)->checkpoint = strdup(awkward);
    (*ret_claim)->tasks = calloc(wave.count, sizeof *wave.tasks);
    for (size_t i = 0; i < wave.count; i++)
        (*ret_claim)->tasks[i] = copy_task(&wave.tasks[i]);
    return LAM_STATUS_OK;
}

static void expect_report(const lam_wave_report *seen)
{
    ck_assert_uint_eq(seen->count, report.count);
    expect_same_text(seen->checkpoint, report.checkpoint);
    ck_assert_int_eq(seen->checkpoint_step, report.checkpoint_step);
    for (size_t i = 0; i < report.count; i++) {
        const lam_measurement *a = &seen->measurements[i].measured;
        const lam_measurement *b = &report.measurements[i].measured;
        ck_assert_int_eq(seen->measurements[i].trial, report.measurements[i].trial);
        ck_assert_int_eq(a->step, b->step);
        expect_same_number(a->epoch, b->epoch);
        expect_same_number(a->learning_rate, b->learning_rate);
        expect_same_number(a->train.loss, b->train.loss);
        expect_same_number(a->train.cost, b->train.cost);
        expect_same_number(a->train.accuracy, b->train.accuracy);
        expect_same_number(a->validation.loss, b->validation.loss);
        expect_same_number(a->validation.cost, b->validation.cost);
        expect_same_number(a->validation.accuracy, b->validation.accuracy);
        ck_assert_int_eq(a->has_validation, b->has_validation);
    }
}

static lam_status take_report(void *user, const lam_wave_claim *held,
                              const lam_wave_report *seen, bool *ret_is_held)
{
    (void)user;
    expect_same_claim(held, &wave);
    if (seen->count > 0)
        expect_report(seen);
    LAM_TRY(finish_call());
    *ret_is_held = seen->count > 0;
    return LAM_STATUS_OK;
}

static lam_status finish(void *user, const lam_wave_claim *held, const lam_trial_outcome *seen,
                         size_t count, bool *ret_is_held)
{
    (void)user;
    expect_same_claim(held, &wave);
    ck_assert_uint_eq(count, 2);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(seen[i].trial, outcomes[i].trial);
        ck_assert_int_eq(seen[i].state, outcomes[i].state);
        ck_assert_int_eq(seen[i].step, outcomes[i].step);
        expect_same_number(seen[i].seconds, outcomes[i].seconds);
        expect_same_text(seen[i].message, outcomes[i].message);
    }
    LAM_TRY(finish_call());
    *ret_is_held = true;
    return LAM_STATUS_OK;
}

static lam_status release(void *user, const lam_wave_claim *held, bool split)
{
    (void)user;
    expect_same_claim(held, &wave);
    ck_assert_int_eq(split, call_count % 2);
    return finish_call();
}

static lam_status set_population(void *user, const lam_worker_identity *who, int64_t group,
                                 size_t population, const lam_population_speed *seen,
                                 size_t count)
{
    (void)user;
    expect_worker(who);
    ck_assert_int_eq(group, -5);
    ck_assert_uint_eq(population, 96);
    ck_assert_uint_le(count, 2);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(seen[i].members, speeds[i].members);
        expect_same_number(seen[i].models_per_second, speeds[i].models_per_second);
    }
    return finish_call();
}

static lam_status get_median(void *user, const lam_wave_claim *held, int64_t step,
                             double *ret_median)
{
    (void)user;
    expect_same_claim(held, &wave);
    LAM_TRY(finish_call());
    *ret_median = step == INT64_MIN ? NAN : 1.0 / 3;
    return LAM_STATUS_OK;
}

static const lam_search_keeper fake = {.get_plan = get_plan,
                                       .look = look,
                                       .claim = claim,
                                       .report = take_report,
                                       .finish = finish,
                                       .release = release,
                                       .set_population = set_population,
                                       .get_median = get_median};

/* ---- the way there and back ---- */

static lam_context *far_context; /* of the side that asks */
static lam_remote_keeper *remote;
static lam_search_keeper keeper; /* of it */

static lam_context *answering_context; /* of the side that answers */

/* What else is done with each request. */
static void (*inspect)(const char *request);

static char *loop_back(void *user, const char *request, char (*ret_problem)[256])
{
    char *answer = NULL;
    (void)user, (void)ret_problem;
    if (inspect)
        inspect(request);
    ck_assert_ok(lam_remote_answer(answering_context, &fake, request, &answer));
    return answer;
}

static void make_plan(void)
{
    static const char recipe[] =
        "{name: a-study, description: \"\xC3\xA4\\\"\", data: {source: synthetic, "
        "validation_count: 100}, layers: [{type: dense, width: 10}], l2: 0.1, seed: 3, "
        "initialization: he, "
        "batch: 20, schedule: {type: constant, rate: 0.1}, stop: {epochs: 1}, measure: "
        "{every_epochs: 1}}";
    static const char *const spaces[] = {"l2=log:1e-05..0.1,0", "optimizer=choice:sgd,adam",
                                         "batch=grid:10,20,50"};
    memset(&plan, 0, sizeof plan);
    ck_assert_ok(lam_recipe_parse(test_context(), recipe, strlen(recipe), "a test", NULL, 0,
                                  &plan.recipe));
    ck_assert_ok(lam_space_parse(test_context(), spaces, 3, &plan.space));
    plan.sampler = LAM_SAMPLER_TPE;
    plan.seed = UINT64_MAX - 1;
    plan.configuration_count = 1LL << 50;
    plan.seed_count = 3;
    plan.objective = LAM_OBJECTIVE_COST;
    plan.pruning = (lam_pruning){LAM_PRUNING_MEDIAN, 2.5, 6, 2};
    plan.patience = 11;
}

static void set_up(void)
{
    failure = LAM_STATUS_OK;
    call_count = 0;
    inspect = NULL;
    answering_context = test_context();
    make_plan();
    ck_assert_int_eq(lam_context_create(&far_context), LAM_STATUS_OK);
    ck_assert_ok(lam_remote_keeper_create(far_context, loop_back, NULL, &remote));
    keeper = lam_remote_keeper_get_keeper(remote);
}

static void tear_down(void)
{
    lam_remote_keeper_destroy(&remote);
    lam_context_destroy(&far_context);
    lam_space_free(&plan.space);
}

START_TEST(plan_arrives_whole)
{
    const lam_study_plan *seen = keeper.get_plan(keeper.user);
    char *texts[2] = {NULL, NULL};
    ck_assert_ok(lam_recipe_format(test_context(), &plan.recipe, &texts[0]));
    ck_assert_ok(lam_recipe_format(test_context(), &seen->recipe, &texts[1]));
    ck_assert_str_eq(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    ck_assert_uint_eq(seen->space.count, plan.space.count);
    for (size_t i = 0; i < plan.space.count; i++) {
        ck_assert_ok(
            lam_parameter_format(test_context(), &plan.space.parameters[i], &texts[0]));
        ck_assert_ok(
            lam_parameter_format(test_context(), &seen->space.parameters[i], &texts[1]));
        ck_assert_str_eq(texts[0], texts[1]);
        free(texts[0]);
        free(texts[1]);
    }
    ck_assert_int_eq(seen->sampler, plan.sampler);
    ck_assert_uint_eq(seen->seed, plan.seed);
    ck_assert_int_eq(seen->configuration_count, plan.configuration_count);
    ck_assert_int_eq(seen->seed_count, plan.seed_count);
    ck_assert_int_eq(seen->objective, plan.objective);
    ck_assert_int_eq(seen->pruning.type, plan.pruning.type);
    expect_same_number(seen->pruning.factor, plan.pruning.factor);
    ck_assert_int_eq(seen->pruning.min_trials, plan.pruning.min_trials);
    ck_assert_int_eq(seen->pruning.min_measurements, plan.pruning.min_measurements);
    ck_assert_int_eq(seen->patience, plan.patience);
}
END_TEST

START_TEST(looks_and_claims_arrive_whole)
{
    lam_search_look seen;
    lam_wave_claim *claimed = NULL;
    ck_assert_ok(keeper.look(keeper.user, &worker, &seen));
    ck_assert_int_eq(seen.outlook, a_look.outlook);
    ck_assert_int_eq(seen.group, a_look.group);
    ck_assert_uint_eq(seen.waiting, a_look.waiting);
    ck_assert_uint_eq(seen.population, a_look.population);
    expect_same_task(&seen.example, &a_look.example);
    lam_search_look_free(&seen);
    ck_assert_ok(keeper.claim(keeper.user, &worker, -5, 17, &claimed));
    expect_same_claim(claimed, &wave);
    lam_wave_claim_free(&claimed);
    ck_assert_ok(keeper.claim(keeper.user, &worker, 0, 17, &claimed));
    ck_assert_ptr_null(claimed);
}
END_TEST

/* One call of each function about a claim. Returns the last status. */
static lam_status make_all_calls(void)
{
    const lam_wave_report heartbeat = {.count = 0};
    bool is_held = false;
    double median = 0;
    LAM_TRY(keeper.report(keeper.user, &wave, &report, &is_held));
    ck_assert(is_held);
    LAM_TRY(keeper.report(keeper.user, &wave, &heartbeat, &is_held));
    ck_assert(!is_held);
    LAM_TRY(keeper.finish(keeper.user, &wave, outcomes, 2, &is_held));
    ck_assert(is_held);
    LAM_TRY(keeper.release(keeper.user, &wave, true));
    LAM_TRY(keeper.release(keeper.user, &wave, false));
    LAM_TRY(keeper.set_population(keeper.user, &worker, -5, 96, speeds, 2));
    LAM_TRY(keeper.set_population(keeper.user, &worker, -5, 96, NULL, 0));
    LAM_TRY(keeper.get_median(keeper.user, &wave, INT64_MIN, &median));
    ck_assert_double_nan(median);
    LAM_TRY(keeper.get_median(keeper.user, &wave, 0, &median));
    expect_same_number(median, 1.0 / 3);
    return LAM_STATUS_OK;
}

START_TEST(what_workers_say_arrives_whole)
{
    ck_assert_int_eq(make_all_calls(), LAM_STATUS_OK);
    ck_assert_int_eq(call_count, 9);
}
END_TEST

START_TEST(failures_come_with_their_texts)
{
    static const lam_status statuses[] = {LAM_STATUS_BAD_OUTPUT, LAM_STATUS_BAD_STUDY,
                                          LAM_STATUS_NO_MEMORY, LAM_STATUS_INTERRUPTED};
    char expected[200];
    snprintf(expected, sizeof expected, "no luck: %s", awkward);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        bool is_held = true;
        lam_search_look seen;
        lam_wave_claim *claimed = NULL;
        failure = statuses[i];
        ck_assert_int_eq(keeper.look(keeper.user, &worker, &seen), failure);
        ck_assert_str_eq(lam_error_message(far_context), expected);
        ck_assert_int_eq(keeper.claim(keeper.user, &worker, -5, 17, &claimed), failure);
        ck_assert_ptr_null(claimed);
        ck_assert_int_eq(keeper.finish(keeper.user, &wave, outcomes, 2, &is_held), failure);
        ck_assert(is_held);
    }
}
END_TEST

START_TEST(stop_reaches_those_who_ask)
{
    bool is_held = false;
    ck_assert_int_eq(lam_context_create_child(test_context(), &answering_context),
                     LAM_STATUS_OK);
    ck_assert_int_eq(keeper.finish(keeper.user, &wave, outcomes, 2, &is_held), LAM_STATUS_OK);
    ck_assert(!lam_stop_requested(far_context));
    lam_context_request_stop(answering_context);
    ck_assert_int_eq(keeper.finish(keeper.user, &wave, outcomes, 2, &is_held), LAM_STATUS_OK);
    ck_assert(lam_stop_requested(far_context));
    lam_context_destroy(&answering_context);
}
END_TEST

/* ---- what is no message ---- */

static const char *canned; /* the answer to all; NULL: nobody there */

static char *answer_canned(void *user, const char *request, char (*ret_problem)[256])
{
    (void)user, (void)request;
    snprintf(*ret_problem, sizeof *ret_problem, "rank 0 is gone");
    return canned ? strdup(canned) : NULL;
}

START_TEST(unreadable_answers_are_errors)
{
    static const char *const answers[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"status\": \"SPLENDID\"}",
        "{\"status\": 0}",
        "{\"status\": \"OK\"}",
        "{\"status\": \"OK\", \"plan\": []}",
        "{\"status\": \"OK\", \"plan\": {\"recipe\": \"{\", \"parameters\": []}}",
    };
    lam_remote_keeper *none = NULL;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        canned = answers[i];
        ck_assert_int_eq(lam_remote_keeper_create(far_context, answer_canned, NULL, &none),
                         LAM_STATUS_BAD_STUDY);
        ck_assert_ptr_null(none);
    }
    canned = NULL;
    ck_assert_int_eq(lam_remote_keeper_create(far_context, answer_canned, NULL, &none),
                     LAM_STATUS_BAD_STUDY);
    ck_assert_ptr_nonnull(strstr(lam_error_message(far_context), "rank 0 is gone"));
    canned = "{\"status\": \"NO_MEMORY\"}"; /* without a text */
    ck_assert_int_eq(lam_remote_keeper_create(far_context, answer_canned, NULL, &none),
                     LAM_STATUS_NO_MEMORY);
}
END_TEST

/* A keeper that takes whatever it is told. */
static int deaf_calls;

static lam_status hear_look(void *user, const lam_worker_identity *who, lam_search_look *ret)
{
    (void)user, (void)who;
    deaf_calls++;
    *ret = (lam_search_look){.outlook = LAM_OUTLOOK_OVER};
    return LAM_STATUS_OK;
}

static lam_status hear_claim(void *user, const lam_worker_identity *who, int64_t group,
                             size_t limit, lam_wave_claim **ret_claim)
{
    (void)user, (void)who, (void)group, (void)limit;
    deaf_calls++;
    *ret_claim = NULL;
    return LAM_STATUS_OK;
}

static lam_status hear_report(void *user, const lam_wave_claim *held,
                              const lam_wave_report *seen, bool *ret_is_held)
{
    (void)user, (void)held, (void)seen, (void)ret_is_held;
    deaf_calls++;
    return LAM_STATUS_OK;
}

static lam_status hear_outcomes(void *user, const lam_wave_claim *held,
                                const lam_trial_outcome *seen, size_t count, bool *ret_is_held)
{
    (void)user, (void)held, (void)seen, (void)count, (void)ret_is_held;
    deaf_calls++;
    return LAM_STATUS_OK;
}

static lam_status hear_release(void *user, const lam_wave_claim *held, bool split)
{
    (void)user, (void)held, (void)split;
    deaf_calls++;
    return LAM_STATUS_OK;
}

static lam_status hear_population(void *user, const lam_worker_identity *who, int64_t group,
                                  size_t population, const lam_population_speed *seen,
                                  size_t count)
{
    (void)user, (void)who, (void)group, (void)population, (void)seen, (void)count;
    deaf_calls++;
    return LAM_STATUS_OK;
}

static lam_status hear_median(void *user, const lam_wave_claim *held, int64_t step,
                              double *ret_median)
{
    (void)user, (void)held, (void)step, (void)ret_median;
    deaf_calls++;
    return LAM_STATUS_OK;
}

static const lam_search_keeper deaf = {.get_plan = get_plan,
                                       .look = hear_look,
                                       .claim = hear_claim,
                                       .report = hear_report,
                                       .finish = hear_outcomes,
                                       .release = hear_release,
                                       .set_population = hear_population,
                                       .get_median = hear_median};

static void expect_unreadable(const char *request)
{
    char *answer = NULL;
    const int before = deaf_calls;
    ck_assert_ok(lam_remote_answer(test_context(), &deaf, request, &answer));
    ck_assert_msg(strstr(answer, "\"BAD_STUDY\""), "%s: %s", request, answer);
    ck_assert_int_eq(deaf_calls, before);
    free(answer);
}

START_TEST(unreadable_requests_are_answered_as_such)
{
    static const char *const requests[] = {
        "",
        "\xFF",
        "[1]",
        "{}",
        "{\"call\": 3}",
        "{\"call\": \"dance\"}",
        "{\"call\": \"get_plan\"}",
        "{\"call\": \"get_plan\", \"lamina\": \"0.0.0\"}",
        "{\"call\": \"look\"}",
        "{\"call\": \"look\", \"worker\": {}}",
        "{\"call\": \"report\", \"claim\": null}",
        "{\"call\": \"finish\", \"claim\": {\"wave\": 1}}",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        expect_unreadable(requests[i]);
}
END_TEST

/* Each key renamed in turn, and each value made an object. */
static void spoil_keys(const char *request)
{
    for (const char *at = strstr(request, "\":"); at; at = strstr(at + 1, "\":")) {
        const size_t length = (size_t)(at - request);
        char *spoiled = NULL;
        if (at[-1] == '\\') /* of a text */
            continue;
        ck_assert_int_gt(asprintf(&spoiled, "%.*s~%s", (int)length, request, at), 0);
        expect_unreadable(spoiled);
        free(spoiled);
        ck_assert_int_gt(asprintf(&spoiled, "%.*s\":{},\"~%s", (int)length, request, at), 0);
        expect_unreadable(spoiled);
        free(spoiled);
    }
}

START_TEST(every_field_is_needed)
{
    lam_search_look seen;
    lam_wave_claim *claimed = NULL;
    inspect = spoil_keys;
    ck_assert_ok(keeper.look(keeper.user, &worker, &seen));
    lam_search_look_free(&seen);
    ck_assert_ok(keeper.claim(keeper.user, &worker, 0, 17, &claimed));
    ck_assert_int_eq(make_all_calls(), LAM_STATUS_OK);
}
END_TEST

/* Bytes replaced at random: some requests still mean something, and none does harm. */
static void damage(const char *request)
{
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_SAMPLING, 0);
    const uint32_t length = (uint32_t)strlen(request);
    for (int round = 0; round < 500; round++) {
        char *spoiled = strdup(request), *answer = NULL;
        for (uint32_t i = lam_random_below(&random, 3); i < 3; i++)
            spoiled[lam_random_below(&random, length)] =
                (char)(1 + lam_random_below(&random, 255));
        ck_assert_ok(lam_remote_answer(test_context(), &deaf, spoiled, &answer));
        json_t *parsed = json_loads(answer, 0, NULL);
        ck_assert_msg(parsed, "%s", answer);
        json_decref(parsed);
        free(spoiled);
        free(answer);
    }
}

START_TEST(damaged_requests_do_no_harm)
{
    inspect = damage;
    ck_assert_int_eq(make_all_calls(), LAM_STATUS_OK);
}
END_TEST

static void add_tests(Suite *suite)
{
    TCase *test_case = lam_add_test(suite, "messages", plan_arrives_whole, 10);
    tcase_add_test(test_case, looks_and_claims_arrive_whole);
    tcase_add_test(test_case, what_workers_say_arrives_whole);
    tcase_add_test(test_case, failures_come_with_their_texts);
    tcase_add_test(test_case, stop_reaches_those_who_ask);
    tcase_add_test(test_case, unreadable_answers_are_errors);
    tcase_add_test(test_case, unreadable_requests_are_answered_as_such);
    tcase_add_test(test_case, every_field_is_needed);
    tcase_add_test(test_case, damaged_requests_do_no_harm);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
}

LAM_SUITE_MAIN("remote", add_tests)
