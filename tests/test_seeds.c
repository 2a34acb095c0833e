/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/small_run.h"
#include "support/suite.h"
#include "train/memory_check.h"
#include "train/population.h"

enum { SEEDS = 5 };
static const uint64_t seeds[SEEDS] = {3, 9, 4, 100, 0};

static const lam_seed_set all_seeds = {.seeds = seeds, .count = SEEDS};

static const char *seed_folder(const char *home, uint64_t seed)
{
    char name[40];
    snprintf(name, sizeof name, "seed-%d", (int)seed);
    return small_run_file(home, name);
}

static void train_seeds(const char *home, const lam_seed_set *set, bool resume,
                        lam_seed_result *results)
{
    lam_train_options options = small_run_options(home);
    options.resume = resume;
    ck_assert_ok(lam_train_seeds(test_device(), &small_recipe, small_run_dataset(), &options,
                                 set, results));
}

static void expect_same_run(const char *a, const char *b)
{
    small_run_expect_same_file(a, b, LAM_RUN_METRICS);
    small_run_expect_same_file(a, b, LAM_RUN_MODEL);
    small_run_expect_same_file(a, b, LAM_RUN_BEST);
}

START_TEST(member_has_the_same_files_alone_and_in_a_crowd)
{
    const char *crowd = small_run_path("crowd"), *single = small_run_path("single");
    lam_seed_result results[SEEDS], one;
    train_seeds(crowd, &all_seeds, false, results);
    for (size_t i = 0; i < SEEDS; i++) {
        char name[20];
        snprintf(name, sizeof name, "alone-%d", (int)i);
        const char *alone = small_run_path(name);
        const lam_seed_set set = {.seeds = &seeds[i], .count = 1};
        train_seeds(alone, &set, false, &one);
        expect_same_run(seed_folder(crowd, seeds[i]), seed_folder(alone, seeds[i]));
        ck_assert_mem_eq(one.run.final, results[i].run.final, sizeof one.run.final);
        ck_assert_mem_eq(one.run.best, results[i].run.best, sizeof one.run.best);
    }
    /* The recipe's own seed is a plain run. */
    small_run_train(single);
    expect_same_run(seed_folder(crowd, small_recipe.seed), single);
}
END_TEST

static void stop_at_step(void *user, const lam_progress *progress)
{
    const int64_t *step = user;
    ck_assert_int_eq(progress->networks_total, SEEDS);
    if (progress->step >= *step)
        lam_context_request_stop(test_context());
}

static lam_status run_leg(const char *home, const lam_seed_set *set, int64_t stop_step)
{
    lam_seed_result results[SEEDS];
    lam_train_options options = small_run_options(home);
    options.resume = true;
    options.progress = stop_at_step;
    options.progress_user = &stop_step;
    lam_status status = lam_train_seeds(test_device(), &small_recipe, small_run_dataset(),
                                        &options, set, results);
    lam_context_withdraw_stop(test_context());
    return status;
}

/* All that keeps a state for each member: moments, statistics, dropout's seeds, snapshots. */
START_TEST(member_of_a_rich_recipe_has_the_same_files_alone)
{
    static const char *const changes[] = {
        "layers=[{type: dense, width: 20}, batch_norm, relu, {type: dropout, rate: 0.2}, "
        "{type: dense, width: 10}]",
        "optimizer=adam", "snapshots=true", "augmentation={flip: 0.5}",
        "schedule={type: triangular, minimum: 1e-5, maximum: 0.01, half_cycle_steps: 10}"};
    const char *crowd = small_run_path("crowd"), *alone = small_run_path("alone");
    const lam_seed_set one = {.seeds = &seeds[1], .count = 1};
    lam_seed_result results[SEEDS];
    char *text = NULL;
    ck_assert_ok(lam_recipe_format(test_context(), &small_recipe, &text));
    ck_assert_ok(lam_recipe_parse(test_context(), text, strlen(text), "a test", changes,
                                  sizeof changes / sizeof changes[0], &small_recipe));
    free(text);
    ck_assert_int_eq(run_leg(crowd, &all_seeds, 12), LAM_STATUS_INTERRUPTED);
    train_seeds(crowd, &all_seeds, true, results);
    train_seeds(alone, &one, false, results);
    const char *a = seed_folder(crowd, seeds[1]), *b = seed_folder(alone, seeds[1]);
    expect_same_run(a, b);
    small_run_expect_same_file(a, b, "snapshot-1.safetensors");
    small_run_expect_same_file(a, b, "snapshot-2.safetensors");
}
END_TEST

START_TEST(other_orders_are_runs_of_other_seeds)
{
    const char *home = small_run_path("set");
    lam_seed_result results[SEEDS];
    const lam_seed_set set = {.seeds = seeds, .count = 3, .varies_order = true};
    train_seeds(home, &set, false, results);
    for (size_t i = 0; i < 3; i++) {
        char name[20];
        snprintf(name, sizeof name, "plain-%d", (int)i);
        const char *plain = small_run_path(name);
        small_recipe.seed = seeds[i];
        small_run_train(plain);
        expect_same_run(seed_folder(home, seeds[i]), plain);
    }
}
END_TEST

static void check_resuming(bool varies_order)
{
    const char *whole = small_run_path("whole"), *home = small_run_path("set");
    lam_seed_result results[SEEDS];
    const lam_seed_set set = {seeds, SEEDS, varies_order};
    train_seeds(whole, &set, false, results);
    for (int64_t stop = 0; stop < SMALL_RUN_STEPS; stop += 8)
        ck_assert_int_eq(run_leg(home, &set, stop), LAM_STATUS_INTERRUPTED);
    ck_assert(test_file_exists(small_run_file(home, LAM_RUN_CHECKPOINT)));
    ck_assert(!test_file_exists(small_run_file(home, LAM_RUN_SUMMARY)));
    train_seeds(home, &set, true, results);
    ck_assert(!test_file_exists(small_run_file(home, LAM_RUN_CHECKPOINT)));
    for (size_t i = 0; i < SEEDS; i++)
        expect_same_run(seed_folder(home, seeds[i]), seed_folder(whole, seeds[i]));
    small_run_expect_same_file(home, whole, LAM_RUN_SUMMARY);
}

START_TEST(interrupted_set_resumes_to_the_same_bytes)
{
    check_resuming(false);
}
END_TEST

START_TEST(interrupted_runs_of_other_orders_resume_too)
{
    check_resuming(true);
}
END_TEST

/* A set that grows trains what is new and leaves the rest alone. */
START_TEST(finished_seeds_are_not_trained_again)
{
    const char *home = small_run_path("set");
    lam_seed_result first[2], results[SEEDS];
    const lam_seed_set two = {.seeds = seeds, .count = 2};
    train_seeds(home, &two, false, first);
    const char *metrics = small_run_file(seed_folder(home, seeds[0]), LAM_RUN_METRICS);
    test_file_write_text(metrics, "untouched");
    train_seeds(home, &all_seeds, true, results);
    char *text = test_file_read(metrics, NULL);
    ck_assert_str_eq(text, "untouched");
    free(text);
    ck_assert_mem_eq(first[1].run.final, results[1].run.final, sizeof first[1].run.final);
    small_recipe.network.l2 = 0.5;
    lam_train_options options = small_run_options(home);
    options.resume = true;
    ck_assert_int_eq(lam_train_seeds(test_device(), &small_recipe, small_run_dataset(),
                                     &options, &two, results),
                     LAM_STATUS_BAD_RECIPE);
    small_run_expect_in_message("another recipe");
}
END_TEST

START_TEST(sets_as_they_must_not_be_are_refused)
{
    static const uint64_t twice[] = {1, 2, 1}, huge[] = {UINT64_MAX};
    const lam_seed_set sets[] = {{seeds, 0, false}, {twice, 3, false}, {huge, 1, false}};
    const lam_train_options options = small_run_options(small_run_path("set"));
    lam_seed_result results[3];
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(lam_train_seeds(test_device(), &small_recipe, small_run_dataset(),
                                         &options, &sets[i], results),
                         LAM_STATUS_BAD_ARGUMENT);
    ck_assert(!test_file_exists(options.output_directory));
}
END_TEST

START_TEST(memory_decides_how_many_fit_side_by_side)
{
    const size_t wanted = (size_t)1 << 30;
    size_t members = 0;
    ck_assert_ok(lam_memory_check(test_device(), &small_recipe, small_run_dataset(),
                                  LAM_GEMM_AUTO, 7, &members));
    ck_assert_int_eq(members, 7);
    ck_assert_ok(lam_memory_check(test_device(), &small_recipe, small_run_dataset(),
                                  LAM_GEMM_AUTO, wanted, &members));
    ck_assert_int_lt(members, wanted);
    ck_assert_int_gt(members, 7);
    ck_assert_int_eq(wanted % members, 0);
}
END_TEST

/* ---- members that come to rest ---- */

enum { MEMBERS = 3 };

static lam_workshop *workshop;

/* Trains three members; `poisoned` starts with a weight that is no number, -1 for none and
 * MEMBERS for all. */
static lam_population *train_members(int poisoned)
{
    lam_population *population = NULL;
    double w[LAM_IMAGE_INPUTS * 20];
    const lam_recipe recipes[MEMBERS] = {small_recipe, small_recipe, small_recipe};
    const lam_population_setup setup = {.workshop = workshop,
                                        .members = MEMBERS,
                                        .recipes = recipes,
                                        .seeds = seeds,
                                        .ids = seeds};
    ck_assert_ok(lam_population_create(&setup, &population));
    lam_parameters *parameters = lam_population_get_parameters(population);
    for (size_t p = 0; p < MEMBERS; p++) {
        if ((int)p != poisoned && poisoned != MEMBERS)
            continue;
        ck_assert_ok(lam_parameters_read(parameters, 0, LAM_TENSOR_WEIGHT, p, w));
        w[77] = NAN;
        ck_assert_ok(lam_parameters_write(parameters, 0, LAM_TENSOR_WEIGHT, p, w));
    }
    ck_assert_ok(lam_population_run(population, INT64_MAX));
    return population;
}

static void expect_same_member(const lam_population *a, const lam_population *b, size_t member)
{
    static double w[2][LAM_IMAGE_INPUTS * 20];
    const lam_population *populations[2] = {a, b};
    for (int u = 0; u < 2; u++) {
        for (int i = 0; i < 2; i++)
            ck_assert_ok(lam_parameters_read(lam_population_get_parameters(populations[i]), u,
                                             LAM_TENSOR_WEIGHT, member, w[i]));
        ck_assert_mem_eq(w[0], w[1], (u == 0 ? LAM_IMAGE_INPUTS * 20 : 200) * sizeof(double));
    }
}

START_TEST(member_that_diverges_leaves_the_others_as_they_are)
{
    ck_assert_ok(lam_workshop_create(test_device(), small_run_dataset(), LAM_GEMM_AUTO, NULL,
                                     &workshop));
    lam_population *undisturbed = train_members(-1), *population = train_members(1);
    ck_assert_int_eq(lam_population_get_watch(population, 1)->diverged_step, 0);
    ck_assert_int_eq(lam_population_get_watch(population, 1)->latest.step, -1);
    for (size_t p = 0; p < MEMBERS; p += 2) {
        const lam_watch *whole = lam_population_get_watch(undisturbed, p);
        const lam_watch *watch = lam_population_get_watch(population, p);
        ck_assert_int_eq(watch->diverged_step, -1);
        ck_assert_mem_eq(&watch->latest.train, &whole->latest.train, sizeof(lam_metrics));
        expect_same_member(undisturbed, population, p);
    }
    ck_assert_ok(lam_population_check(population));
    lam_population_destroy(&population);
    population = train_members(MEMBERS);
    ck_assert_int_eq(lam_population_check(population), LAM_STATUS_DIVERGED);
    lam_population_destroy(&population);
    lam_population_destroy(&undisturbed);
    lam_workshop_destroy(&workshop);
}
END_TEST

/* What a member has when its patience ends is what it keeps. */
START_TEST(member_without_patience_keeps_the_weights_of_that_step)
{
    const char *crowd = small_run_path("crowd");
    lam_seed_result results[SEEDS], one;
    small_recipe.schedule = (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = 0.02};
    small_recipe.stop = (lam_duration){LAM_UNIT_STEPS, 100};
    small_recipe.measure = (lam_duration){LAM_UNIT_STEPS, 1};
    small_recipe.patience = 2;
    train_seeds(crowd, &all_seeds, false, results);
    int64_t earliest = 100, latest = 0;
    for (size_t i = 0; i < SEEDS; i++) {
        char name[20];
        snprintf(name, sizeof name, "alone-%d", (int)i);
        const char *alone = small_run_path(name);
        const lam_seed_set set = {.seeds = &seeds[i], .count = 1};
        train_seeds(alone, &set, false, &one);
        expect_same_run(seed_folder(crowd, seeds[i]), seed_folder(alone, seeds[i]));
        ck_assert_int_eq(one.run.steps, results[i].run.steps);
        ck_assert_mem_eq(one.run.final, results[i].run.final, sizeof one.run.final);
        earliest = one.run.steps < earliest ? one.run.steps : earliest;
        latest = one.run.steps > latest ? one.run.steps : latest;
    }
    ck_assert_msg(earliest < latest, "all of them stopped at %d", (int)latest);
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 240), small_run_set_up,
                              small_run_tear_down);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "crowd", member_has_the_same_files_alone_and_in_a_crowd);
    add_test(suite, "rich", member_of_a_rich_recipe_has_the_same_files_alone);
    add_test(suite, "order", other_orders_are_runs_of_other_seeds);
    add_test(suite, "resume", interrupted_set_resumes_to_the_same_bytes);
    add_test(suite, "resume orders", interrupted_runs_of_other_orders_resume_too);
    add_test(suite, "grown", finished_seeds_are_not_trained_again);
    add_test(suite, "bad sets", sets_as_they_must_not_be_are_refused);
    add_test(suite, "memory", memory_decides_how_many_fit_side_by_side);
    add_test(suite, "diverging", member_that_diverges_leaves_the_others_as_they_are);
    add_test(suite, "patience", member_without_patience_keeps_the_weights_of_that_step);
}

LAM_SUITE_MAIN("seeds", add_tests)
