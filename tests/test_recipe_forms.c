/* SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe/internal.h"
#include "support/recipe_fixture.h"

#define SHIPPED_RECIPES LAM_SOURCE_ROOT "/results/*/recipe.yaml"

START_TEST(overrides)
{
    lam_recipe r = parse_ok(FULL, SET("l2=0.5", "schedule.maximum=0.05", "l2=0.25",
                                      "layers[0].width=100", "layers[1]=sigmoid",
                                      "layers[2].initialization={type: constant, sigma: 2}",
                                      "seed=7", "name=other", "data.train_first=300"));
    ck_assert_double_eq(r.network.l2, 0.25);
    ck_assert_double_eq(r.schedule.maximum, 0.05);
    ck_assert_int_eq(r.network.layers[0].width, 100);
    ck_assert_int_eq(r.network.layers[1].type, LAM_LAYER_TYPE_SIGMOID);
    ck_assert_double_eq(r.network.layers[2].initialization.sigma, 2);
    ck_assert_int_eq(r.network.layers[0].initialization.type, LAM_INITIALIZATION_FAN_IN);
    ck_assert_uint_eq(r.seed, 7);
    ck_assert_str_eq(r.name, "other");
    ck_assert_uint_eq(r.data.train_first, 300);

    r = parse_ok(FULL, SET("layers=[{type: dense, width: 10}]", "data={validation_count: 5}"));
    ck_assert_int_eq(r.network.layer_count, 1);
    ck_assert_uint_eq(r.data.train_files, 0x1F);
    ck_assert_uint_eq(r.data.validation_count, 5);
    r = parse_ok(LEAST, SET("data.source=synthetic", "measure.every_steps=4", "shuffle=false"));
    ck_assert_int_eq(r.data.source, LAM_DATA_SOURCE_SYNTHETIC);
    ck_assert_int_eq(r.measure.unit, LAM_UNIT_STEPS);
    ck_assert(!r.shuffle);
    r = parse_ok(FULL, SET("layers[1].type=sigmoid", "initialization.type=constant",
                           "initialization.sigma=3"));
    ck_assert_int_eq(r.network.layers[1].type, LAM_LAYER_TYPE_SIGMOID);
    ck_assert_double_eq(r.network.layers[0].initialization.sigma, 3);
}
END_TEST

START_TEST(overrides_replace_what_they_exclude)
{
    lam_recipe r = parse_ok(FULL, SET("stop.epochs=5", "measure.every_epochs=2"));
    ck_assert_int_eq(r.stop.unit, LAM_UNIT_EPOCHS);
    ck_assert_int_eq(r.stop.count, 5);
    ck_assert_int_eq(r.measure.unit, LAM_UNIT_EPOCHS);
    r = parse_ok(FULL, SET("stop.epochs=5", "stop={steps: 6}", "stop.cycles=2"));
    ck_assert_int_eq(r.stop.unit, LAM_UNIT_CYCLES);
    ck_assert_int_eq(r.stop.count, 2);
    r = parse_ok(FULL, SET("data.validation_count=5"));
    ck_assert_uint_eq(r.data.validation_files, 0);
    ck_assert_uint_eq(r.data.validation_count, 5);
    r = parse_ok(FULL, SET("data.validation_count=5", "data.validation_files=[3]"));
    ck_assert_uint_eq(r.data.validation_files, 4);
    ck_assert_uint_eq(r.data.validation_count, 0);
    r = parse_ok(FULL, SET("schedule.type=constant", "schedule.rate=0.3", "stop.epochs=1",
                           "measure.every_steps=1"));
    ck_assert_double_eq(r.schedule.rate, 0.3);
    ck_assert_double_eq(r.schedule.minimum, 0);
    r = parse_ok(FULL, SET("schedule.rate=0.3", "schedule.type=constant", "stop.epochs=1",
                           "measure.every_steps=1"));
    ck_assert_double_eq(r.schedule.rate, 0.3);
    r = parse_ok(FULL,
                 SET("layers[0].initialization=he", "layers[0].initialization.type=glorot"));
    ck_assert_int_eq(r.network.layers[0].initialization.type, LAM_INITIALIZATION_GLOROT);
    r = parse_ok(FULL,
                 SET("optimizer=adam", "optimizer.clip_norm=5", "optimizer.type=nesterov"));
    ck_assert_int_eq(r.optimizer.type, LAM_OPTIMIZER_NESTEROV);
    ck_assert_double_eq(r.optimizer.clip_norm, 5);
    r = parse_ok(LEAST, SET("schedule={type: step, rate: 1, every_epochs: 3}",
                            "schedule.every_steps=50"));
    ck_assert_int_eq(r.schedule.every.unit, LAM_UNIT_STEPS);
    ck_assert_int_eq(r.schedule.every.count, 50);
}
END_TEST

/* An override on FULL, the start of its message, and what is said about it. */
static const char *const bad_overrides[][3] = {
    {"l2=-1", "--set l2=-1: l2: ", "-1 is out of range; legal: a number from 0"},
    {"l2", "--set l2: ", "not of the form key=value"},
    {"", "--set : ", "not of the form"},
    {"=1", "--set =1: ", "not of the form"},
    {".l2=1", "--set .l2=1: ", "not of the form"},
    {"l2=", "--set l2=: ", "l2: has no value; legal"},
    {"l2=[", "--set l2=[: ", "not valid YAML"},
    {"l2=1\n---\n2", "--set l2=1 --- 2: ", "second YAML document"},
    {"l2.=1", "--set l2.=1: ", "a key is missing before '='"},
    {"data..source=1", "--set data..source=1: ", "a key is missing"},
    {"l3=1", "--set l3=1: ", "unknown key 'l3'; legal keys: name"},
    {"shedule.rate=1",
     "--set shedule.rate=1: ", "unknown key 'shedule' (did you mean 'schedule'"},
    {"schedule.rate=1", "--set schedule.rate=1: schedule: ", "does not belong to the type tri"},
    {"schedule.type=constant", "--set schedule.type=constant: schedule.rate: ", "missing"},
    {"schedule.minimum=2", "--set schedule.minimum=2: schedule: ", "above the maximum 0.1"},
    {"schedule.maximum=0", "--set schedule.maximum=0: ", "schedule.maximum: 0 is out of range"},
    {"schedule={type: constant, rate: 1}",
     "--set schedule={type: constant, rate: 1}: stop.cycles", "the schedule has no cycles"},
    {"schedule.half_cycle_steps=2", "--set schedule.half_cycle_steps=2: measure.per_cycle",
     "10"},
    {"initialization.sigma=1",
     "--set initialization.sigma=1: ", "not belong to the type fan_in"},
    {"initialization=constant",
     "--set initialization=constant: initialization.sigma: ", "missing"},
    {"layers.width=1", "--set layers.width=1: ", "a key is looked for in a list"},
    {"layers[3]=relu", "--set layers[3]=relu: ", "there is no item 3; the list has 3"},
    {"layers[9999999]=relu", "--set layers[9999999]=relu: ", "the number of an item"},
    {"layers[-1]=relu", "--set layers[-1]=relu: ", "the number of an item"},
    {"layers[0=relu", "--set layers[0=relu: ", "the number of an item"},
    {"layers[0]width=1", "--set layers[0]width=1: ", "after ']'"},
    {"layers[0]=relu", "--set layers[0]=relu: layers[0]: ", "first layer must be dense"},
    {"layers[2].width=9", "--set layers[2].width=9: layers[2]: ", "the last layer has width 9"},
    {"layers[2].type=relu",
     "--set layers[2].type=relu: layers[2]: ", "relu cannot follow relu"},
    {"batch[0]=1", "--set batch[0]=1: ", "no list"},
    {"batch.rows=1", "--set batch.rows=1: ", "a key is looked for in what is no mapping"},
    {"data.\n=\n1", "--set data. = 1: data: ", "unknown key ' '"},
    {"layers.\n=1", "--set layers. =1: ", "in a list"},
    {"batch=10001", "--set batch=10001: batch: ", "more than the 10000 training rows"},
    {"data.train_first=50", "--set data.train_first=50: batch: ", "more than the 50 training"},
    {"data.train_files=[1, 2]", "--set data.train_files=[1, 2]: data: ", "file 2 stands in"},
    {"data.train_files[0]=9",
     "--set data.train_files[0]=9: data.train_files: ", "out of range"},
    {"optimizer.momentum=0.5",
     "--set optimizer.momentum=0.5: optimizer.type: ", "missing; legal: sgd"},
    {"snapshots=maybe", "--set snapshots=maybe: snapshots: ", "neither true nor false"},
    {"stop.hours=1", "--set stop.hours=1: stop: ", "unknown key 'hours'"},
    {"stop=5", "--set stop=5: stop: ", "a mapping of keys"},
};

START_TEST(bad_overrides_are_named)
{
    for (size_t i = 0; i < sizeof bad_overrides / sizeof bad_overrides[0]; i++)
        parse_fails(FULL, SET(bad_overrides[i][0]), bad_overrides[i][1], bad_overrides[i][2]);
    parse_fails(FULL, SET("schedule.minimum=1", "schedule.type=constant", "schedule.rate=1"),
                "--set schedule.minimum=1: schedule: ", "does not belong");
    parse_fails(FULL, SET("patience=2", "data.validation_files=[]"),
                "--set data.validation_files=[]: patience: ", "waits for better results");
    parse_fails(FULL,
                SET("snapshots=true", "schedule={type: constant, rate: 1}", "stop={epochs: 1}",
                    "measure={every_epochs: 1}"),
                "--set schedule={type: constant, rate: 1}: snapshots: ", "has no cycles");
    parse_fails("5", SET("l2=1"), "t.yaml:1: ", "a recipe is a mapping");
    parse_fails(LEAST "data: [1]\n", SET("seed=1"), "t.yaml:6: ", "but here is a list");
}
END_TEST

START_TEST(shipped_recipes_survive_the_round_trip)
{
    glob_t paths;
    ck_assert_int_eq(glob(SHIPPED_RECIPES, 0, NULL, &paths), 0);
    ck_assert_uint_ge(paths.gl_pathc, 8);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        lam_recipe recipe;
        lam_status status =
            lam_recipe_load(recipe_context, paths.gl_pathv[i], NULL, 0, &recipe);
        ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(recipe_context));
        ck_assert_ptr_nonnull(strstr(paths.gl_pathv[i], recipe.name));
        ck_assert_uint_gt(strlen(recipe.description), 20);
        formats_and_parses_back(&recipe);
    }
    globfree(&paths);
}
END_TEST

START_TEST(odd_values_survive_the_round_trip)
{
    lam_recipe recipe = parse_ok(FULL, NULL);
    strcpy(recipe.description, "a \"quoted\" \\ line\n\tand \xF0\x9F\x98\x80: {[#&*!|>'%@`");
    recipe.network.l2 = 0.1 + 0.2;
    recipe.schedule.minimum = 5e-324;
    recipe.schedule.maximum = nextafter(1.0, 2.0);
    recipe.seed = INT64_MAX;
    formats_and_parses_back(&recipe);
    for (int i = 3; i < LAM_MAX_LAYERS; i++)
        recipe.network.layers[i] = recipe.network.layers[2];
    recipe.network.layer_count = LAM_MAX_LAYERS;
    memset(recipe.description, 'x', sizeof recipe.description - 1);
    formats_and_parses_back(&recipe);
}
END_TEST

START_TEST(every_type_survives_the_round_trip)
{
    static const char *const sets[] = {
        "optimizer={type: momentum, momentum: 0.5}",
        "optimizer={type: nesterov, clip_norm: 5}",
        "optimizer=adam",
        "optimizer={type: adamw, weight_decay: 0.125}",
        "loss=binary_cross_entropy",
        "loss=hinge",
        "label_smoothing=0.1",
        "augmentation={flip: 0.5, translation: 16, noise: 0.1}",
        "snapshots=true",
        "patience=7",
        "schedule={type: triangular, maximum: 1, half_cycle_steps: 50, cycle_growth: 1.5}",
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        lam_recipe recipe = parse_ok(FULL, SET(sets[i]));
        formats_and_parses_back(&recipe);
    }
    static const char *const schedules[] = {
        "schedule={type: constant, rate: 1, warm_up_steps: 3}",
        "schedule={type: step, rate: 1, every_steps: 9, factor: 0.5}",
        "schedule={type: exponential, rate: 1, every_epochs: 9}",
        "schedule={type: plateau, rate: 1, patience: 2, minimum: 1e-3}",
        "schedule={type: linear, rate: 1}",
        "schedule={type: cosine, rate: 1, minimum: 0.1, warm_up_steps: 1}",
    };
    for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
        lam_recipe recipe =
            parse_ok(FULL, SET(schedules[i], "stop={epochs: 1}", "measure={every_epochs: 1}"));
        formats_and_parses_back(&recipe);
    }
}
END_TEST

START_TEST(impossible_structs_are_not_formatted)
{
    lam_recipe good = parse_ok(FULL, NULL);
    char *json = NULL;
#define FAILS(change, fragment)                                                                \
    do {                                                                                       \
        lam_recipe bad = good;                                                                 \
        change;                                                                                \
        ck_assert_int_eq(lam_recipe_format(recipe_context, &bad, &json),                       \
                         LAM_STATUS_BAD_RECIPE);                                               \
        ck_assert_ptr_nonnull(strstr(lam_error_message(recipe_context), fragment));            \
        ck_assert_ptr_null(json);                                                              \
    } while (0)
    FAILS(bad.network.loss = (lam_loss)99, "loss");
    FAILS(bad.network.layers[0].type = (lam_layer_type)99, "type");
    FAILS(bad.network.layer_count = 65, "layers");
    FAILS(bad.network.layer_count = 0, "layers");
    FAILS(bad.network.l2 = NAN, "l2");
    FAILS(bad.network.l2 = -1, "l2");
    FAILS(bad.seed = UINT64_MAX, "seed");
    FAILS(bad.batch = 0, "batch");
    FAILS(bad.stop.unit = (lam_unit)99, "stop");
    FAILS(bad.optimizer.type = (lam_optimizer_type)99, "type");
    FAILS(bad.optimizer.clip_norm = NAN, "clip_norm");
    FAILS(bad.augmentation.translation = 17, "translation");
    FAILS(bad.schedule.cycle_growth = 0, "cycle_growth");
    FAILS(memset(bad.network.layers[0].name, 'x', LAM_LAYER_NAME_BYTES), "name");
    FAILS(memset(bad.name, 'x', sizeof bad.name), "name");
    FAILS(strcpy(bad.description, "\xFF"), "description");
}
END_TEST

START_TEST(description_names_every_key)
{
    char *text = NULL;
    ck_assert_int_eq(lam_recipe_describe(recipe_context, &text), LAM_STATUS_OK);
    static const char *const lines[] = {
        "\nbatch\n    a whole number from 1 to 1000000; required\n",
        "\ndata.train_files\n    a list of one or more of the file numbers 1 to 5; default: [",
        "\nlayers[].width\n    a whole number from 1 to 65536; only for type dense; required\n",
        "\ninitialization.sigma\n",
        "\nschedule.half_cycle_steps\n",
        "\nstop.cycles\n",
        "\nmeasure.per_cycle\n",
        "\nloss\n    softmax_cross_entropy | binary_cross_entropy | hinge; default: "
        "softmax_cross_e",
        "\noptimizer.beta1\n    a number from 0 to below 1; only for type adam or adamw; "
        "default: 0.9\n",
        "\nlayers[].name\n    0 to 31 letters"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "%s", lines[i]);
    for (int group = LAM_KEY_GROUP_ROOT; group <= LAM_KEY_GROUP_MEASURE; group++) {
        const lam_key *key = NULL;
        while ((key = lam_key_next((lam_key_group)group, key))) {
            char line[80];
            snprintf(line, sizeof line, "%s\n", key->name);
            ck_assert_msg(strstr(text, line) != NULL, "%s", key->name);
        }
    }
    free(text);
}
END_TEST

static void add_tests(Suite *suite)
{
    add_recipe_test(suite, "overrides", overrides, 5);
    add_recipe_test(suite, "exclusive overrides", overrides_replace_what_they_exclude, 5);
    add_recipe_test(suite, "bad overrides", bad_overrides_are_named, 20);
    add_recipe_test(suite, "shipped", shipped_recipes_survive_the_round_trip, 20);
    add_recipe_test(suite, "round trip", odd_values_survive_the_round_trip, 20);
    add_recipe_test(suite, "types", every_type_survives_the_round_trip, 20);
    add_recipe_test(suite, "bad structs", impossible_structs_are_not_formatted, 5);
    add_recipe_test(suite, "describe", description_names_every_key, 5);
}

LAM_SUITE_MAIN("recipe_forms", add_tests)
