/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/small_run.h"
#include "support/suite.h"
#include "train/population.h"

enum { LIMIT = 64 };

static lam_workshop *workshop;

static void set_up(void)
{
    small_run_set_up();
    if (!workshop)
        ck_assert_ok(lam_workshop_create(test_device(), small_run_dataset(), LAM_GEMM_AUTO,
                                         NULL, &workshop));
}

/* ---- recipes ---- */

static const char momentum_text[] =
    "{name: momentum, data: {source: synthetic, train_files: [1], validation_count: 100, "
    "train_first: 200}, layers: [{type: dense, width: 12}, batch_norm, relu, {type: dropout, "
    "rate: 0.2}, {type: dense, width: 7}, relu, {type: dense, width: 10}], label_smoothing: "
    "0.1, l2: 0.01, optimizer: {type: momentum, clip_norm: 3}, schedule: {type: constant, "
    "rate: 0.02}, batch: 20, stop: {steps: 24}, measure: {every_steps: 4}, seed: 3}";

/* Layers small enough to be computed at once, and no clipping. */
static const char *const adamw_changes[] = {
    "layers=[{type: dense, width: 12}, sigmoid, {type: dense, width: 9}, relu, {type: dense, "
    "width: 10}]",
    "optimizer={type: adamw, weight_decay: 0.1}", "schedule.rate=0.003", "statistics=running"};

static lam_recipe parse(const char *const *changes, size_t count)
{
    lam_recipe recipe = {0};
    ck_assert_ok(lam_recipe_parse(test_context(), momentum_text, strlen(momentum_text),
                                  "a test", changes, count, &recipe));
    return recipe;
}

static lam_recipe parse_kind(int kind)
{
    return kind == 0 ? parse(NULL, 0) : parse(adamw_changes, 4);
}

/* A neighbour that differs from `recipe` in all that it may. */
static lam_recipe make_neighbour(const lam_recipe *recipe, size_t i)
{
    static const lam_schedule schedules[] = {
        {.type = LAM_SCHEDULE_CONSTANT, .rate = 0.01, .warm_up_steps = 5},
        {.type = LAM_SCHEDULE_TRIANGULAR,
         .maximum = 0.1,
         .half_cycle_steps = 7,
         .cycle_growth = 1,
         .maximum_decay = 0.5},
        {.type = LAM_SCHEDULE_STEP, .rate = 0.1, .factor = 0.5, .every = {LAM_UNIT_STEPS, 3}},
        {.type = LAM_SCHEDULE_PLATEAU, .rate = 0.3, .factor = 0.1, .patience = 1},
        {.type = LAM_SCHEDULE_COSINE, .rate = 0.05}};
    lam_recipe neighbour = *recipe;
    double part = (double)(i % 7 + 1) / 8;
    neighbour.network.l2 = part / 10;
    neighbour.network.label_smoothing = part / 4;
    neighbour.schedule = schedules[i % (sizeof schedules / sizeof schedules[0])];
    neighbour.optimizer.momentum = part;
    neighbour.optimizer.beta1 = part;
    neighbour.optimizer.beta2 = 1 - part / 10;
    neighbour.optimizer.epsilon = part / 1000;
    neighbour.optimizer.weight_decay = part;
    if (neighbour.optimizer.clip_norm > 0)
        neighbour.optimizer.clip_norm = part;
    for (int k = 0; k < neighbour.network.layer_count; k++) {
        lam_layer *layer = &neighbour.network.layers[k];
        layer->rate = part;
        layer->initialization = (lam_initialization){LAM_INITIALIZATION_CONSTANT, part / 10};
    }
    return neighbour;
}

/* ---- populations ---- */

/* Those of one test, member p with seed p + 1 and id p + 100 unless told otherwise. */
typedef struct crowd {
    size_t members;
    lam_recipe recipes[LIMIT];
    uint64_t seeds[LIMIT], ids[LIMIT];
} crowd;

static crowd the_crowd;

static crowd *start_crowd(const lam_recipe *recipe, size_t members)
{
    the_crowd.members = members;
    for (size_t p = 0; p < members; p++) {
        the_crowd.recipes[p] = make_neighbour(recipe, p);
        the_crowd.seeds[p] = p + 1;
        the_crowd.ids[p] = p + 100;
    }
    return &the_crowd;
}

/* What an observer saw of one member. */
typedef struct history {
    size_t member;
    int count;
    lam_measurement rows[16];
    int64_t stop_step; /* where it ends training; 0 for nowhere */
} history;

static lam_status remember(void *user, int64_t step, const lam_measurement *measurements)
{
    history *h = user;
    const lam_measurement *m = &measurements[h->member];
    if (m->step == step)
        h->rows[h->count++] = *m;
    return h->stop_step > 0 && step == h->stop_step ? LAM_STATUS_BAD_OUTPUT : LAM_STATUS_OK;
}

static lam_status try_create(const crowd *c, history *seen, lam_population **ret_population)
{
    lam_population_setup setup = {.workshop = workshop,
                                  .members = c->members,
                                  .recipes = c->recipes,
                                  .seeds = c->seeds,
                                  .ids = c->ids};
    if (seen)
        setup.observer = (lam_population_observer){.measure = remember, .user = seen};
    return lam_population_create(&setup, ret_population);
}

static lam_population *create(const crowd *c, history *seen)
{
    lam_population *population = NULL;
    ck_assert_ok(try_create(c, seen, &population));
    return population;
}

static lam_population *train(const crowd *c, history *seen)
{
    lam_population *population = create(c, seen);
    ck_assert_ok(lam_population_run(population, INT64_MAX));
    return population;
}

/* Alone, as member 0. */
static lam_population *train_alone(const lam_recipe *recipe, uint64_t seed, history *seen)
{
    static crowd one = {.members = 1};
    one.recipes[0] = *recipe;
    one.seeds[0] = seed;
    return train(&one, seen);
}

/* ---- the same bits ---- */

static bool has_same_tensor(const lam_parameters *a, size_t member_a, const lam_parameters *b,
                            size_t member_b, int unit, lam_tensor tensor)
{
    static double values[2][LAM_IMAGE_INPUTS * 12];
    const lam_graph_unit *shape = &a->graph.units[unit];
    size_t count = lam_graph_get_tensor_rows(shape, tensor) * shape->out;
    ck_assert_uint_le(count, LAM_IMAGE_INPUTS * 12);
    if (count == 0)
        return true;
    ck_assert_ok(lam_parameters_read(a, unit, tensor, member_a, values[0]));
    ck_assert_ok(lam_parameters_read(b, unit, tensor, member_b, values[1]));
    return memcmp(values[0], values[1], count * sizeof(double)) == 0;
}

/* Weights and running statistics. */
static bool has_same_tensors(const lam_population *a, size_t member_a, const lam_population *b,
                             size_t member_b)
{
    const lam_parameters *first = lam_population_get_parameters(a);
    const lam_parameters *second = lam_population_get_parameters(b);
    for (int u = 0; u < first->graph.unit_count; u++)
        for (int t = 0; t < LAM_TENSOR_COUNT; t++)
            if (!has_same_tensor(first, member_a, second, member_b, u, (lam_tensor)t))
                return false;
    return true;
}

static void expect_same_measurement(const lam_measurement *a, const lam_measurement *b)
{
    ck_assert_int_eq(a->step, b->step);
    ck_assert_mem_eq(&a->learning_rate, &b->learning_rate, sizeof(double));
    ck_assert_mem_eq(&a->train, &b->train, sizeof(lam_metrics));
    ck_assert_mem_eq(&a->validation, &b->validation, sizeof(lam_metrics));
}

static void expect_same_member(const lam_population *a, size_t member_a,
                               const lam_population *b, size_t member_b)
{
    const lam_watch *first = lam_population_get_watch(a, member_a);
    const lam_watch *second = lam_population_get_watch(b, member_b);
    expect_same_measurement(&first->latest, &second->latest);
    expect_same_measurement(&first->best, &second->best);
    ck_assert_int_eq(first->plateau.reductions, second->plateau.reductions);
    ck_assert(has_same_tensors(a, member_a, b, member_b));
}

static void expect_same_history(const history *a, const history *b)
{
    ck_assert_int_gt(a->count, 1);
    ck_assert_int_eq(a->count, b->count);
    for (int i = 0; i < a->count; i++)
        expect_same_measurement(&a->rows[i], &b->rows[i]);
}

/* Whatever numbers the others have, and however many there are. */
START_TEST(member_has_the_same_bits_alone_and_in_any_crowd)
{
    static const size_t sizes[] = {3, 16, 64};
    const lam_recipe recipe = parse_kind(_i);
    history alone_seen = {0};
    lam_population *alone = train_alone(&recipe, 77, &alone_seen);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t member = sizes[i] / 2;
        history seen = {.member = member};
        crowd *c = start_crowd(&recipe, sizes[i]);
        c->recipes[member] = recipe;
        c->seeds[member] = 77;
        lam_population *population = train(c, &seen);
        expect_same_member(alone, 0, population, member);
        expect_same_history(&alone_seen, &seen);
        lam_population_destroy(&population);
    }
    lam_population_destroy(&alone);
}
END_TEST

/* ---- every number counts ---- */

static const char *const momentum_numbers[] = {
    "l2=0.3",
    "label_smoothing=0.3",
    "optimizer.momentum=0.5",
    "optimizer.clip_norm=0.5",
    "schedule.rate=0.1",
    "schedule={type: triangular, maximum: 0.1, half_cycle_steps: 5}",
    "schedule={type: cosine, rate: 0.02}",
    "initialization={type: constant, sigma: 0.02}",
    "initialization=glorot",
    "layers=[{type: dense, width: 12}, batch_norm, relu, {type: dropout, rate: 0.5}, {type: "
    "dense, width: 7}, relu, {type: dense, width: 10}]"};

static const char *const adamw_numbers[] = {"optimizer.beta1=0.5", "optimizer.beta2=0.9",
                                            "optimizer.epsilon=0.01",
                                            "optimizer.weight_decay=5"};

/* One population of the plain recipe and all that differ from it in one number. */
static void check_numbers(const char *const *base, size_t base_count,
                          const char *const *numbers, size_t count)
{
    const char *changes[8];
    crowd *c = &the_crowd;
    c->members = count + 1;
    c->recipes[0] = parse(base, base_count);
    memcpy(changes, base, base_count * sizeof *base);
    for (size_t p = 0; p <= count; p++) {
        if (p > 0) {
            changes[base_count] = numbers[p - 1];
            c->recipes[p] = parse(changes, base_count + 1);
        }
        c->seeds[p] = 5;
        c->ids[p] = p;
    }
    lam_population *population = train(c, NULL);
    for (size_t p = 1; p <= count; p++) {
        ck_assert_msg(!has_same_tensors(population, 0, population, p),
                      "%s has no effect in training", numbers[p - 1]);
        lam_population *alone = train_alone(&c->recipes[p], 5, NULL);
        expect_same_member(alone, 0, population, p);
        lam_population_destroy(&alone);
    }
    lam_population_destroy(&population);
}

START_TEST(every_number_of_a_member_has_its_effect)
{
    check_numbers(NULL, 0, momentum_numbers, sizeof momentum_numbers / sizeof(char *));
    check_numbers(adamw_changes, 4, adamw_numbers, sizeof adamw_numbers / sizeof(char *));
}
END_TEST

/* What evaluations alone depend on: both start from the same weights. */
START_TEST(measurements_take_each_members_numbers)
{
    const lam_recipe recipe = parse_kind(0);
    crowd *c = start_crowd(&recipe, 3);
    for (size_t p = 0; p < 3; p++) {
        c->recipes[p] = recipe;
        c->seeds[p] = 5;
    }
    c->recipes[1].network.label_smoothing = 0.5;
    c->recipes[2].network.l2 = 0.02;
    history seen = {.member = 1};
    lam_population *population = create(c, &seen);
    for (int i = 0; i < 2; i++)
        ck_assert_ok(lam_population_run(population, 0));
    ck_assert_int_eq(lam_population_get_step(population), 0);
    ck_assert_int_eq(seen.count, 1);
    lam_metrics metrics[3][LIMIT];
    lam_metrics *const ret_metrics[LAM_SPLIT_COUNT] = {metrics[0], metrics[1], metrics[2]};
    ck_assert_ok(lam_population_evaluate(population, (1u << LAM_SPLIT_COUNT) - 1, ret_metrics));
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        const lam_metrics *m = metrics[split];
        ck_assert_double_ne(m[1].loss, m[0].loss);
        ck_assert_double_eq(m[1].accuracy, m[0].accuracy);
        ck_assert_double_eq(m[2].loss, m[0].loss);
        ck_assert_double_eq_tol(m[2].cost - m[2].loss, 2 * (m[0].cost - m[0].loss), 1e-12);
    }
    const lam_watch *watch = lam_population_get_watch(population, 1);
    ck_assert_mem_eq(&watch->latest.train, &metrics[LAM_SPLIT_TRAIN][1], sizeof(lam_metrics));
    lam_population_destroy(&population);
}
END_TEST

/* ---- fewer members, and pauses ---- */

enum { MEMBERS = 5 };

static lam_population *train_undisturbed(const lam_recipe *recipe)
{
    return train(start_crowd(recipe, MEMBERS), NULL);
}

START_TEST(pauses_rest_and_compaction_leave_the_others_as_they_are)
{
    static const size_t kept[] = {3, 0, 1};
    const lam_recipe recipe = parse_kind(_i);
    lam_population *whole = train_undisturbed(&recipe);
    history seen = {.member = 0};
    lam_population *population = create(&the_crowd, &seen);
    ck_assert_ok(lam_population_run(population, 13)); /* no end of an epoch */
    ck_assert_int_eq(lam_population_get_step(population), 13);
    ck_assert_int_eq(lam_population_get_watch(population, 4)->latest.step, 12);
    lam_population *reference = create(&the_crowd, NULL);
    ck_assert_ok(lam_population_run(reference, 13));
    lam_population_rest(population, 1);
    ck_assert_ok(lam_population_run(population, 16));
    ck_assert_int_eq(lam_population_get_watch(population, 0)->latest.step, 16);
    double seconds = lam_population_get_training_seconds(population);
    ck_assert_ok(lam_population_keep(population, kept, 3));
    ck_assert_uint_eq(lam_population_get_members(population), 3);
    ck_assert_uint_eq(lam_population_get_id(population, 0), 103);
    ck_assert_int_eq(lam_population_get_step(population), 16);
    ck_assert_ok(lam_population_run(population, 17));
    ck_assert_ok(lam_population_run(population, INT64_MAX));
    ck_assert(lam_population_is_over(population));
    ck_assert_double_gt(lam_population_get_training_seconds(population), seconds);
    expect_same_member(population, 0, whole, 3);
    expect_same_member(population, 1, whole, 0);
    /* The one that rests is as it was. */
    ck_assert_int_eq(lam_population_get_watch(population, 2)->latest.step, 12);
    ck_assert_int_eq(lam_population_get_watch(population, 2)->stopped_step, 13);
    ck_assert(has_same_tensors(population, 2, reference, 1));
    lam_population_destroy(&reference);
    lam_population_destroy(&population);
    lam_population_destroy(&whole);
}
END_TEST

START_TEST(members_at_rest_are_not_measured_and_end_training)
{
    const lam_recipe recipe = parse_kind(1);
    history seen = {.member = 1};
    lam_population *population = create(start_crowd(&recipe, 2), &seen);
    ck_assert_ok(lam_population_run(population, 4));
    ck_assert_int_eq(seen.count, 2);
    lam_population_rest(population, 1);
    ck_assert_ok(lam_population_run(population, 8));
    ck_assert_int_eq(seen.count, 2);
    ck_assert(!lam_population_is_over(population));
    lam_population_rest(population, 0);
    ck_assert(lam_population_is_over(population));
    ck_assert_ok(lam_population_run(population, INT64_MAX));
    ck_assert_int_eq(lam_population_get_step(population), 8);
    ck_assert_ok(lam_population_check(population));
    lam_population_destroy(&population);
}
END_TEST

START_TEST(observer_ends_a_run_that_goes_on_later)
{
    const lam_recipe recipe = parse_kind(0);
    lam_population *whole = train_undisturbed(&recipe);
    history seen = {.member = 2, .stop_step = 8};
    lam_population *population = create(&the_crowd, &seen);
    ck_assert_int_eq(lam_population_run(population, INT64_MAX), LAM_STATUS_BAD_OUTPUT);
    ck_assert_int_eq(lam_population_get_step(population), 8);
    ck_assert_ok(lam_population_run(population, INT64_MAX));
    ck_assert_int_eq(seen.count, 7);
    expect_same_member(population, 2, whole, 2);
    lam_population_destroy(&population);
    lam_population_destroy(&whole);
}
END_TEST

static lam_status give_up(void *user, const lam_progress *progress)
{
    int *calls = user;
    (*calls)++;
    return progress->measured ? LAM_STATUS_OK : LAM_STATUS_BAD_OUTPUT;
}

/* Wherever that is: nothing of a step is left out. */
START_TEST(progress_ends_a_run_that_goes_on_later)
{
    const lam_recipe recipe = parse_kind(0);
    lam_population *whole = train_undisturbed(&recipe), *population = NULL;
    int calls = 0, pauses = 0;
    const lam_population_setup setup = {.workshop = workshop,
                                        .members = MEMBERS,
                                        .recipes = the_crowd.recipes,
                                        .seeds = the_crowd.seeds,
                                        .ids = the_crowd.ids,
                                        .observer = {.progress = give_up, .user = &calls}};
    ck_assert_ok(lam_population_create(&setup, &population));
    while (!lam_population_is_over(population))
        pauses += lam_population_run(population, INT64_MAX) != LAM_STATUS_OK;
    ck_assert_int_gt(pauses, 0);
    ck_assert_int_eq(calls - pauses, 7);
    for (size_t p = 0; p < MEMBERS; p++)
        expect_same_member(population, p, whole, p);
    lam_population_destroy(&population);
    lam_population_destroy(&whole);
}
END_TEST

/* ---- checkpoints ---- */

/* Members 3 and 1 of MEMBERS, in this order. */
static crowd *choose_two(const lam_recipe *recipe)
{
    crowd *c = start_crowd(recipe, MEMBERS);
    c->members = 2;
    c->recipes[0] = c->recipes[3];
    c->seeds[0] = c->seeds[3];
    c->ids[0] = c->ids[3];
    return c;
}

START_TEST(some_of_a_checkpoints_members_go_on_alone)
{
    const lam_recipe recipe = parse_kind(_i);
    const char *path = small_run_path("checkpoint");
    lam_population *whole = train_undisturbed(&recipe);
    lam_population *population = create(&the_crowd, NULL);
    ck_assert_ok(lam_population_run(population, 13));
    ck_assert_ok(lam_population_save(population, path));
    lam_population_destroy(&population);
    population = create(choose_two(&recipe), NULL);
    ck_assert_ok(lam_population_load(population, path));
    ck_assert_int_eq(lam_population_get_step(population), 13);
    ck_assert_int_eq(lam_population_get_watch(population, 0)->latest.step, 12);
    ck_assert_ok(lam_population_run(population, INT64_MAX));
    expect_same_member(population, 0, whole, 3);
    expect_same_member(population, 1, whole, 1);
    lam_population_destroy(&population);
    lam_population_destroy(&whole);
}
END_TEST

START_TEST(checkpoints_without_a_member_are_refused)
{
    const lam_recipe recipe = parse_kind(1);
    const char *path = small_run_path("checkpoint");
    lam_population *population = create(start_crowd(&recipe, MEMBERS), NULL);
    ck_assert_ok(lam_population_run(population, 4));
    ck_assert_ok(lam_population_save(population, path));
    lam_population_destroy(&population);
    crowd *c = start_crowd(&recipe, 2);
    c->ids[1] = 999;
    population = create(c, NULL);
    ck_assert_int_eq(lam_population_load(population, path), LAM_STATUS_BAD_MODEL);
    small_run_expect_in_message("network 999");
    ck_assert_int_eq(lam_population_load(population, small_run_path("none")),
                     LAM_STATUS_BAD_MODEL);
    lam_population_destroy(&population);
}
END_TEST

/* ---- members that diverge ---- */

START_TEST(diverging_neighbour_changes_nothing)
{
    const lam_recipe recipe = parse_kind(_i);
    lam_population *whole = train_undisturbed(&recipe);
    the_crowd.recipes[2].schedule =
        (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = INFINITY};
    lam_population *population = train(&the_crowd, NULL);
    ck_assert_int_ge(lam_population_get_watch(population, 2)->diverged_step, 0);
    ck_assert_int_eq(lam_population_get_watch(population, 2)->latest.step, 0);
    for (size_t p = 0; p < MEMBERS; p++)
        if (p != 2)
            expect_same_member(population, p, whole, p);
    ck_assert_ok(lam_population_check(population));
    lam_population_destroy(&population);
    lam_population_destroy(&whole);
}
END_TEST

START_TEST(population_that_diverges_ends_early)
{
    const lam_recipe recipe = parse_kind(1);
    crowd *c = start_crowd(&recipe, 3);
    for (size_t p = 0; p < 3; p++)
        c->recipes[p].schedule =
            (lam_schedule){.type = LAM_SCHEDULE_CONSTANT, .rate = INFINITY};
    lam_population *population = train(c, NULL);
    ck_assert(lam_population_is_over(population));
    ck_assert_int_lt(lam_population_get_step(population), 24);
    ck_assert_int_eq(lam_population_check(population), LAM_STATUS_DIVERGED);
    lam_population_destroy(&population);
}
END_TEST

/* ---- what does not go together ---- */

START_TEST(members_that_do_not_go_together_are_refused)
{
    const lam_recipe recipe = parse_kind(1);
    lam_population *population = NULL;
    crowd *c = start_crowd(&recipe, 3);
    c->recipes[2].batch = 10;
    ck_assert_int_eq(try_create(c, NULL, &population), LAM_STATUS_BAD_ARGUMENT);
    small_run_expect_in_message("networks 0 and 2");
    start_crowd(&recipe, 3)->ids[2] = 100;
    ck_assert_int_eq(try_create(c, NULL, &population), LAM_STATUS_BAD_ARGUMENT);
    small_run_expect_in_message("the id 100");
    c->members = 0;
    ck_assert_int_eq(try_create(c, NULL, &population), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_ptr_null(population);
}
END_TEST

START_TEST(population_that_does_not_fit_leaves_nothing_behind)
{
    const lam_recipe recipe = parse_kind(1);
    lam_population *population = NULL;
    crowd *c = start_crowd(&recipe, LIMIT);
    for (size_t p = 0; p < LIMIT; p++)
        c->recipes[p].network.layers[0].width = c->recipes[p].network.layers[2].width =
            LAM_MAX_WIDTH;
    ck_assert_int_eq(try_create(c, NULL, &population), LAM_STATUS_NO_MEMORY);
    ck_assert_ptr_null(population);
    population = train(start_crowd(&recipe, 2), NULL);
    lam_population_destroy(&population);
}
END_TEST

START_TEST(speed_is_that_of_whole_networks)
{
    const lam_recipe recipe = parse_kind(0);
    crowd *c = start_crowd(&recipe, 2);
    double speed[2] = {0, 0};
    ck_assert_ok(
        lam_population_measure_speed(workshop, c->recipes, c->seeds, 2, 0.05, &speed[0]));
    for (size_t p = 0; p < 2; p++)
        c->recipes[p].stop.count = 2400;
    ck_assert_ok(
        lam_population_measure_speed(workshop, c->recipes, c->seeds, 2, 0.05, &speed[1]));
    ck_assert_double_gt(speed[1], 0);
    /* A hundred times the steps; the rest is the machine's. */
    ck_assert_double_gt(speed[0], 10 * speed[1]);
}
END_TEST

static void add_test(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 120), set_up,
                              small_run_tear_down);
}

/* Once for each kind of recipe. */
static void add_test_of_kinds(Suite *suite, const char *name, const TTest *test)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 120);
    tcase_add_checked_fixture(test_case, set_up, small_run_tear_down);
    tcase_add_loop_test(test_case, test, 0, 2);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_test_of_kinds(suite, "crowds", member_has_the_same_bits_alone_and_in_any_crowd);
    add_test(suite, "numbers", every_number_of_a_member_has_its_effect);
    add_test(suite, "measured", measurements_take_each_members_numbers);
    add_test_of_kinds(suite, "fewer", pauses_rest_and_compaction_leave_the_others_as_they_are);
    add_test(suite, "rest", members_at_rest_are_not_measured_and_end_training);
    add_test(suite, "observer", observer_ends_a_run_that_goes_on_later);
    add_test(suite, "progress", progress_ends_a_run_that_goes_on_later);
    add_test_of_kinds(suite, "checkpoint", some_of_a_checkpoints_members_go_on_alone);
    add_test(suite, "other checkpoints", checkpoints_without_a_member_are_refused);
    add_test_of_kinds(suite, "diverging", diverging_neighbour_changes_nothing);
    add_test(suite, "all diverging", population_that_diverges_ends_early);
    add_test(suite, "misfits", members_that_do_not_go_together_are_refused);
    add_test(suite, "memory", population_that_does_not_fit_leaves_nothing_behind);
    add_test(suite, "speed", speed_is_that_of_whole_networks);
}

LAM_SUITE_MAIN("population", add_tests)
