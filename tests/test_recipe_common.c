/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "support/recipe_fixture.h"

/* A recipe with something of everything that networks side by side may differ in. */
static const char rich[] =
    "name: rich\n"
    "data: {train_files: [1], validation_files: [2]}\n"
    "layers: [{type: dense, width: 50}, batch_norm, relu, {type: dropout, rate: 0.2}, "
    "{type: dense, width: 10}]\n"
    "initialization: fan_in\n"
    "label_smoothing: 0.1\n"
    "l2: 0.01\n"
    "optimizer: {type: adamw, clip_norm: 2}\n"
    "schedule: {type: triangular, minimum: 1e-5, maximum: 1e-1, half_cycle_steps: 800}\n"
    "batch: 100\n"
    "stop: {epochs: 3}\n"
    "measure: {every_epochs: 1}\n";

static char *format_common(const lam_recipe *recipe)
{
    char *text = NULL;
    const lam_recipe common = lam_recipe_get_common(recipe);
    lam_status status = lam_recipe_format(recipe_context, &common, &text);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(recipe_context));
    return text;
}

/* Whether networks of `text`, one of them as `change` makes it, may be trained side by side. */
static bool goes_with(const char *text, const char *const *before, const char *change)
{
    const char *sets[5] = {0};
    int count = 0;
    for (; before && before[count]; count++)
        sets[count] = before[count];
    const lam_recipe plain = parse_ok(text, sets);
    sets[count] = change;
    const lam_recipe changed = parse_ok(text, sets);
    char *commons[2] = {format_common(&plain), format_common(&changed)};
    bool same = strcmp(commons[0], commons[1]) == 0;
    free(commons[0]);
    free(commons[1]);
    return same;
}

START_TEST(numbers_of_their_own_leave_networks_together)
{
    static const char *const changes[] = {
        "name=other",
        "description=something else",
        "l2=0",
        "l2=0.5",
        "label_smoothing=0",
        "initialization=he",
        "initialization={type: constant, sigma: 0.001}",
        "layers=[{type: dense, width: 50, initialization: glorot}, batch_norm, relu, {type: "
        "dropout, rate: 0}, {type: dense, width: 10}]",
        "layers=[{type: dense, width: 50}, batch_norm, relu, {type: dropout, rate: 0.7}, "
        "{type: dense, width: 10, initialization: {type: constant, sigma: 0.5}}]",
        "optimizer.beta1=0.5",
        "optimizer.beta2=0.9",
        "optimizer.epsilon=0.1",
        "optimizer.weight_decay=0.2",
        "optimizer.clip_norm=0.001",
        "schedule.maximum=0.2",
        "schedule.half_cycle_steps=17",
        "schedule.cycle_growth=2",
        "schedule={type: constant, rate: 0.1, warm_up_steps: 5}",
        "schedule={type: step, rate: 1, every_steps: 9, factor: 0.5}",
        "schedule={type: exponential, rate: 1, every_epochs: 9}",
        "schedule={type: plateau, rate: 1, patience: 2, minimum: 1e-3}",
        "schedule={type: linear, rate: 1}",
        "schedule={type: cosine, rate: 1, minimum: 0.1}",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        ck_assert_msg(goes_with(rich, NULL, changes[i]), "%s", changes[i]);
    const char *const *momentum = SET("optimizer={type: momentum, momentum: 0.5}");
    ck_assert(goes_with(rich, momentum, "optimizer.momentum=0.9"));
}
END_TEST

START_TEST(what_the_population_shares_sets_networks_apart)
{
    static const char *const changes[] = {
        "data.validation_count=10",
        "data.train_first=500",
        "layers=[{type: dense, width: 51}, batch_norm, relu, {type: dropout, rate: 0.2}, "
        "{type: dense, width: 10}]",
        "layers=[{type: dense, width: 50}, batch_norm, relu, {type: dense, width: 10}]",
        "layers=[{type: dense, width: 50}, batch_norm, sigmoid, {type: dropout, rate: 0.2}, "
        "{type: dense, width: 10}]",
        "layers=[{type: dense, width: 50}, {type: batch_norm, momentum: 0.5}, relu, {type: "
        "dropout, rate: 0.2}, {type: dense, width: 10}]",
        "layers=[{type: dense, width: 50}, {type: batch_norm, epsilon: 0.5}, relu, {type: "
        "dropout, rate: 0.2}, {type: dense, width: 10}]",
        "optimizer={type: adam, clip_norm: 2}",
        "optimizer.clip_norm=0",
        "batch=50",
        "shuffle=false",
        "stop={epochs: 4}",
        "measure={every_steps: 10}",
        "augmentation={flip: 0.5}",
        "statistics=precise",
        "patience=3",
        "snapshots=true",
        "seed=2",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        ck_assert_msg(!goes_with(rich, NULL, changes[i]), "%s", changes[i]);
    const char *const *smooth = SET("label_smoothing=0");
    ck_assert(!goes_with(rich, smooth, "loss=hinge"));
}
END_TEST

/* What counts cycles has them in common; rates are each network's own all the same. */
START_TEST(counted_cycles_are_common)
{
    static const char *const counts[] = {"stop={cycles: 2}", "measure={per_cycle: 5}",
                                         "snapshots=true"};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        ck_assert(!goes_with(rich, SET(counts[i]), "schedule.half_cycle_steps=17"));
        ck_assert(!goes_with(rich, SET(counts[i]), "schedule.cycle_growth=2"));
        ck_assert(goes_with(rich, SET(counts[i]), "schedule.minimum=0.001"));
        ck_assert(goes_with(rich, SET(counts[i]), "schedule.maximum=0.5"));
        ck_assert(goes_with(rich, SET(counts[i]), "schedule.maximum_decay=0.5"));
    }
}
END_TEST

START_TEST(common_recipe_is_a_recipe_and_its_own_common)
{
    static const char *const texts[] = {LEAST, FULL, rich};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const lam_recipe recipe = parse_ok(texts[i], NULL);
        const lam_recipe common = lam_recipe_get_common(&recipe);
        formats_and_parses_back(&common);
        char *once = format_common(&recipe), *twice = format_common(&common);
        ck_assert_str_eq(once, twice);
        free(once);
        free(twice);
    }
}
END_TEST

static void add_tests(Suite *suite)
{
    add_recipe_test(suite, "own", numbers_of_their_own_leave_networks_together, 10);
    add_recipe_test(suite, "shared", what_the_population_shares_sets_networks_apart, 10);
    add_recipe_test(suite, "cycles", counted_cycles_are_common, 10);
    add_recipe_test(suite, "common", common_recipe_is_a_recipe_and_its_own_common, 10);
}

LAM_SUITE_MAIN("recipe_common", add_tests)
