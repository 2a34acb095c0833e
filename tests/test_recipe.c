/* SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "base/strbuf.h"
#include "support/recipe_fixture.h"

#define SHIPPED_RECIPES LAM_SOURCE_ROOT "/results/*/recipe.yaml"

START_TEST(defaults)
{
    lam_recipe recipe = parse_ok(LEAST, NULL);
    ck_assert_str_eq(recipe.name, "t");
    ck_assert_str_eq(recipe.description, "");
    ck_assert_int_eq(recipe.data.source, LAM_DATA_SOURCE_CIFAR10);
    ck_assert_uint_eq(recipe.data.train_files, 0x1F);
    ck_assert_uint_eq(recipe.data.validation_files, 0);
    ck_assert_uint_eq(recipe.data.validation_count, 0);
    ck_assert_uint_eq(recipe.data.train_first, 0);
    ck_assert_int_eq(recipe.network.layer_count, 1);
    ck_assert_int_eq(recipe.network.layers[0].type, LAM_LAYER_TYPE_DENSE);
    ck_assert_int_eq(recipe.network.layers[0].width, 10);
    ck_assert_int_eq(recipe.network.layers[0].initialization.type, LAM_INITIALIZATION_HE);
    ck_assert_int_eq(recipe.network.loss, LAM_LOSS_SOFTMAX_CROSS_ENTROPY);
    ck_assert_double_eq(recipe.network.l2, 0);
    ck_assert_double_eq(recipe.network.label_smoothing, 0);
    ck_assert_int_eq(recipe.optimizer.type, LAM_OPTIMIZER_SGD);
    ck_assert_double_eq(recipe.optimizer.clip_norm, 0);
    ck_assert_double_eq(recipe.augmentation.flip, 0);
    ck_assert_int_eq(recipe.augmentation.translation, 0);
    ck_assert_double_eq(recipe.augmentation.noise, 0);
    ck_assert_int_eq(recipe.statistics.type, LAM_STATISTICS_RUNNING);
    ck_assert_int_eq(recipe.statistics.rows, 0);
    ck_assert_int_eq(recipe.patience, 0);
    ck_assert(!recipe.snapshots);
    ck_assert_int_eq(recipe.schedule.type, LAM_SCHEDULE_CONSTANT);
    ck_assert_int_eq(recipe.schedule.warm_up_steps, 0);
    ck_assert_double_eq(recipe.schedule.rate, 0.1);
    ck_assert_int_eq(recipe.batch, 100);
    ck_assert(recipe.shuffle);
    ck_assert_int_eq(recipe.stop.unit, LAM_UNIT_EPOCHS);
    ck_assert_int_eq(recipe.stop.count, 7);
    ck_assert_int_eq(recipe.measure.unit, LAM_UNIT_EPOCHS);
    ck_assert_int_eq(recipe.measure.count, 1);
    ck_assert_uint_eq(recipe.seed, 1);
}
END_TEST

START_TEST(every_key)
{
    lam_recipe recipe = parse_ok(
        "%YAML 1.1\n---\n"
        "name: a2.fig_4-b\n"
        "description: >-\n  Two lines\n  of \xC3\xA9.\n"
        "data: {source: synthetic, train_files: [5, 2], validation_count: 500, train_first: "
        "90}\n"
        "layers:\n"
        "- type: dense\n  width: 50\n"
        "- {type: relu}\n"
        "- {type: dense, width: 20, initialization: {type: constant, sigma: .5}}\n"
        "- {type: sigmoid, name: second}\n"
        "- {type: dense, width: 20}\n"
        "- {type: batch_norm, epsilon: 1e-3, momentum: 0}\n"
        "- {type: add, from: second}\n"
        "- {type: dropout, rate: 0.25}\n"
        "- {type: \"dense\", width: 10, initialization: glorot}\n"
        "initialization: {type: fan_in}\n"
        "loss: softmax_cross_entropy\n"
        "l2: 3.5E-3\n"
        "label_smoothing: 0.1\n"
        "optimizer: {type: adamw, beta1: 0.8, beta2: 0.99, epsilon: 1e-7, weight_decay: 0.1,\n"
        "            clip_norm: 5}\n"
        "schedule: {type: triangular, minimum: 0, maximum: 1e-1, half_cycle_steps: 45,\n"
        "           cycle_growth: 2, maximum_decay: 0.5}\n"
        "augmentation: {flip: 0.5, translation: 3, noise: 0.1}\n"
        "statistics: {type: adapted, rows: 1000}\n"
        "patience: 4\nsnapshots: true\n"
        "batch: 90\nshuffle: false\nstop: {cycles: 2}\nmeasure: {per_cycle: 90}\n"
        "seed: 9223372036854775807\n...\n",
        NULL);
    const lam_layer *layers = recipe.network.layers;
    ck_assert_str_eq(recipe.name, "a2.fig_4-b");
    ck_assert_str_eq(recipe.description, "Two lines of \xC3\xA9.");
    ck_assert_int_eq(recipe.data.source, LAM_DATA_SOURCE_SYNTHETIC);
    ck_assert_uint_eq(recipe.data.train_files, 0x12);
    ck_assert_uint_eq(recipe.data.validation_count, 500);
    ck_assert_uint_eq(recipe.data.train_first, 90);
    ck_assert_int_eq(recipe.network.layer_count, 9);
    ck_assert_int_eq(layers[0].width, 50);
    ck_assert_int_eq(layers[0].initialization.type, LAM_INITIALIZATION_FAN_IN);
    ck_assert_int_eq(layers[1].type, LAM_LAYER_TYPE_RELU);
    ck_assert_int_eq(layers[1].width, 0);
    ck_assert_int_eq(layers[1].initialization.type, 0);
    ck_assert_int_eq(layers[2].initialization.type, LAM_INITIALIZATION_CONSTANT);
    ck_assert_double_eq(layers[2].initialization.sigma, 0.5);
    ck_assert_int_eq(layers[3].type, LAM_LAYER_TYPE_SIGMOID);
    ck_assert_str_eq(layers[3].name, "second");
    ck_assert_int_eq(layers[5].type, LAM_LAYER_TYPE_BATCH_NORM);
    ck_assert_double_eq(layers[5].epsilon, 1e-3);
    ck_assert_double_eq(layers[5].momentum, 0);
    ck_assert_str_eq(layers[6].from, "second");
    ck_assert_double_eq(layers[7].rate, 0.25);
    ck_assert_int_eq(layers[8].initialization.type, LAM_INITIALIZATION_GLOROT);
    ck_assert_double_eq(layers[8].initialization.sigma, 0);
    ck_assert_double_eq(recipe.network.label_smoothing, 0.1);
    ck_assert_int_eq(recipe.optimizer.type, LAM_OPTIMIZER_ADAMW);
    ck_assert_double_eq(recipe.optimizer.beta1, 0.8);
    ck_assert_double_eq(recipe.optimizer.beta2, 0.99);
    ck_assert_double_eq(recipe.optimizer.epsilon, 1e-7);
    ck_assert_double_eq(recipe.optimizer.weight_decay, 0.1);
    ck_assert_double_eq(recipe.optimizer.clip_norm, 5);
    ck_assert_double_eq(recipe.schedule.cycle_growth, 2);
    ck_assert_double_eq(recipe.schedule.maximum_decay, 0.5);
    ck_assert_double_eq(recipe.augmentation.flip, 0.5);
    ck_assert_int_eq(recipe.augmentation.translation, 3);
    ck_assert_double_eq(recipe.augmentation.noise, 0.1);
    ck_assert_int_eq(recipe.statistics.type, LAM_STATISTICS_ADAPTED);
    ck_assert_int_eq(recipe.statistics.rows, 1000);
    ck_assert_int_eq(recipe.patience, 4);
    ck_assert(recipe.snapshots);
    ck_assert_double_eq(recipe.network.l2, 0.0035);
    ck_assert_double_eq(recipe.schedule.maximum, 0.1);
    ck_assert_int_eq(recipe.schedule.half_cycle_steps, 45);
    ck_assert_int_eq(recipe.batch, 90);
    ck_assert(!recipe.shuffle);
    ck_assert_int_eq(recipe.stop.unit, LAM_UNIT_CYCLES);
    ck_assert_int_eq(recipe.stop.count, 2);
    ck_assert_int_eq(recipe.measure.unit, LAM_UNIT_CYCLES);
    ck_assert_int_eq(recipe.measure.count, 90);
    ck_assert_uint_eq(recipe.seed, INT64_MAX);
}
END_TEST

START_TEST(defaults_of_each_type)
{
    lam_recipe r = parse_ok(FULL, SET("optimizer=momentum"));
    ck_assert_double_eq(r.optimizer.momentum, 0.9);
    r = parse_ok(FULL, SET("optimizer=adam"));
    ck_assert_double_eq(r.optimizer.momentum, 0);
    ck_assert_double_eq(r.optimizer.beta1, 0.9);
    ck_assert_double_eq(r.optimizer.beta2, 0.999);
    ck_assert_double_eq(r.optimizer.epsilon, 1e-8);
    ck_assert_double_eq(r.optimizer.weight_decay, 0);
    r = parse_ok(FULL, SET("optimizer=adamw"));
    ck_assert_double_eq(r.optimizer.weight_decay, 0.01);
    ck_assert_double_eq(r.schedule.cycle_growth, 1);
    ck_assert_double_eq(r.schedule.maximum_decay, 1);
    r = parse_ok(FULL, SET("layers[1]=batch_norm", "statistics=precise"));
    ck_assert_double_eq(r.network.layers[1].epsilon, 1e-5);
    ck_assert_double_eq(r.network.layers[1].momentum, 0.9);
    ck_assert_int_eq(r.statistics.type, LAM_STATISTICS_PRECISE);
    ck_assert_int_eq(r.statistics.rows, 5000);
    r = parse_ok(LEAST, SET("schedule={type: step, rate: 1, every_epochs: 3}"));
    ck_assert_double_eq(r.schedule.factor, 0.1);
    ck_assert_int_eq(r.schedule.every.unit, LAM_UNIT_EPOCHS);
    ck_assert_int_eq(r.schedule.every.count, 3);
    r = parse_ok(LEAST, SET("schedule={type: cosine, rate: 1}"));
    ck_assert_double_eq(r.schedule.minimum, 0);
    ck_assert_double_eq(r.schedule.factor, 0);
}
END_TEST

START_TEST(other_forms)
{
    lam_recipe recipe = parse_ok(LEAST "data: {validation_files: []}\n", NULL);
    ck_assert_uint_eq(recipe.data.validation_files, 0);
    recipe = parse_ok(LEAST "measure: {every_steps: 50}\ndescription: |\n  a\n  b\n", NULL);
    ck_assert_int_eq(recipe.measure.unit, LAM_UNIT_STEPS);
    ck_assert_str_eq(recipe.description, "a\nb");
    recipe = parse_ok("\xEF\xBB\xBF" LEAST, SET("stop.steps=9")); /* a byte order mark */
    ck_assert_int_eq(recipe.stop.unit, LAM_UNIT_STEPS);
    recipe = parse_ok("layers: [&d {type: dense, width: 10}, relu, *d]\n"
                      "schedule: {type: constant, rate: 1}\nbatch: 1\nstop: {steps: 1}\n",
                      SET("layers[0].width=30")); /* a copy, so the last layer keeps its 10 */
    ck_assert_int_eq(recipe.network.layers[0].width, 30);
    ck_assert_int_eq(recipe.network.layers[2].width, 10);
    recipe = parse_ok("{\"layers\": [{\"type\": \"dense\", \"width\": 10}], \"batch\": 5,\n"
                      "\t\"schedule\": {\"type\": \"constant\", \"rate\": 1.0e-2},\n"
                      "\t\"stop\": {\"steps\": 3}, \"shuffle\": true}",
                      NULL);
    ck_assert_double_eq(recipe.schedule.rate, 0.01);
}
END_TEST

START_TEST(name_comes_from_the_file)
{
    static const char *const cases[][2] = {
        {"results/a2-fig4/recipe.yaml", "a2-fig4"},
        {"/recipe.yaml", "recipe"},
        {"recipe.yaml", "recipe"},
        {"tries//recipe.yaml", "tries"},
        {"tries/wide net.yaml", "wide-net"},
        {"wide.v2.json", "wide.v2"},
        {".hidden", "hidden"},
        {"<memory>", "memory-"},
        {"\xC3\xA9", "recipe"},
        {"", "recipe"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lam_recipe recipe;
        ck_assert_int_eq(lam_recipe_parse(recipe_context, LEAST, strlen(LEAST), cases[i][0],
                                          NULL, 0, &recipe),
                         LAM_STATUS_OK);
        ck_assert_str_eq(recipe.name, cases[i][1]);
    }
    char folder[] = "/tmp/lamina-recipe-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(lam_file_write(recipe_context, "recipe.yaml", LEAST, strlen(LEAST)),
                     LAM_STATUS_OK);
    lam_recipe recipe;
    ck_assert_int_eq(lam_recipe_load(recipe_context, "recipe.yaml", NULL, 0, &recipe),
                     LAM_STATUS_OK);
    ck_assert_str_eq(recipe.name, strrchr(folder, '/') + 1);
    ck_assert_int_eq(unlink("recipe.yaml") | rmdir(folder), 0);
}
END_TEST

START_TEST(every_name_of_every_enum)
{
    char text[64];
    const char *set[] = {text, NULL};
#define TRY_NAME(format, field, value, name)                                                   \
    snprintf(text, sizeof text, format, name);                                                 \
    ck_assert_int_eq(parse_ok(FULL, set).field, value);
#define TRY_SOURCE(name, text)                                                                 \
    TRY_NAME("data.source=%s", data.source, LAM_DATA_SOURCE_##name, text)
#define TRY_LOSS(name, text) TRY_NAME("loss=%s", network.loss, LAM_LOSS_##name, text)
#define TRY_OPTIMIZER(name, text)                                                              \
    TRY_NAME("optimizer=%s", optimizer.type, LAM_OPTIMIZER_##name, text)
#define TRY_UNIT(name, text) TRY_NAME("stop.%s=1", stop.unit, LAM_UNIT_##name, text)
#define TRY_INITIALIZATION(name, text)                                                         \
    TRY_NAME("initialization={type: %s}", network.layers[0].initialization.type,               \
             LAM_INITIALIZATION_##name,                                                        \
             LAM_INITIALIZATION_##name == LAM_INITIALIZATION_CONSTANT ? "constant, sigma: 1"   \
                                                                      : text)
    LAM_DATA_SOURCE_LIST(TRY_SOURCE)
    LAM_LOSS_LIST(TRY_LOSS)
    LAM_OPTIMIZER_LIST(TRY_OPTIMIZER)
    LAM_UNIT_LIST(TRY_UNIT)
    LAM_INITIALIZATION_LIST(TRY_INITIALIZATION)
    ck_assert_int_eq(parse_ok(FULL, SET("layers[1]=sigmoid")).network.layers[1].type,
                     LAM_LAYER_TYPE_SIGMOID);
    ck_assert_int_eq(parse_ok(FULL, SET("layers[1]=batch_norm")).network.layers[1].type,
                     LAM_LAYER_TYPE_BATCH_NORM);
}
END_TEST

/* Wrong values, one each in line 6 after LEAST. */
static const char *const bad_lines[][2] = {
    {"l2: -1", ": l2: -1 is out of range; legal: a number from 0 to 1000000"},
    {"l2: nan", ": l2: 'nan' is not a finite decimal number; legal: a number from 0"},
    {"l2: .inf", ": l2: '.inf' is not a finite"},
    {"l2: inf", "not a finite"},
    {"l2: 1e999", "out of range"},
    {"l2: 1e-999", "too close to 0"},
    {"l2: 0x10", "not a finite decimal"},
    {"l2: 1e", "not a finite decimal"},
    {"l2: 1.0abc", "not a finite decimal"},
    {"l2: 1 2", "not a finite decimal"},
    {"l2: \"1\"", "is text, as it stands in quotes"},
    {"l2:", ": l2: has no value; legal: a number"},
    {"l2: ~", "has no value"},
    {"l2: [1]", ": l2: cannot be a list"},
    {"l2: {a: 1}", ": l2: cannot be a mapping"},
    {"l2: !!float 1", "no tags"},
    {"seed: -1", "from 0 to 9223372036854775807"},
    {"seed: 9223372036854775808", "out of range"},
    {"seed: 99999999999999999999999999", "out of range"},
    {"seed: 1.0", "not a whole number"},
    {"seed: 1e3", "not a whole number"},
    {"seed: 0x1F", "not a whole number"},
    {"seed: 010", "leading zeros"},
    {"seed: +-1", "not a whole number"},
    {"seed: 1_000", "not a whole number"},
    {"shuffle: yes", ": shuffle: 'yes' is neither true nor false; legal: true | false"},
    {"shuffle: True", "neither true nor false"},
    {"shuffle: \"true\"", "in quotes"},
    {"loss: softmax_crossentropy", "unknown (did you mean 'softmax_cross_entropy'?"},
    {"loss: {type: hinge}", ": loss: cannot be a mapping"},
    {"label_smoothing: 1",
     ": label_smoothing: 1 is out of range; legal: a number from 0 to below"},
    {"label_smoothing: -0.1", "out of range"},
    {"optimizer: adm", ": optimizer.type: 'adm' is unknown (did you mean 'adam'?); legal: sgd"},
    {"optimizer: \"sgd\\0\"", "unknown"},
    {"optimizer: [sgd]", ": optimizer: a mapping of keys to values is needed"},
    {"optimizer: {momentum: 0.9}", ": optimizer.type: missing; legal: sgd | momentum"},
    {"optimizer: {type: sgd, momentum: 0.9}",
     ": optimizer: 'momentum' does not belong to the type sgd; legal keys: type, clip_norm"},
    {"optimizer: {type: momentum, momentum: 1}",
     ": optimizer.momentum: 1 is out of range; legal: a number from 0 to below 1"},
    {"optimizer: {type: nesterov, momentum: .nan}", ": optimizer.momentum: '.nan' is not a"},
    {"optimizer: {type: adam, beta1: 1}", ": optimizer.beta1: 1 is out of range"},
    {"optimizer: {type: adam, beta2: 1.0}", ": optimizer.beta2: 1.0 is out of range"},
    {"optimizer: {type: adam, epsilon: 0}",
     ": optimizer.epsilon: 0 is out of range; legal: a number above 0"},
    {"optimizer: {type: adam, weight_decay: 0}", "'weight_decay' does not belong to the type"},
    {"optimizer: {type: adamw, weight_decay: -1}", ": optimizer.weight_decay: -1 is out of"},
    {"optimizer: {type: sgd, clip_norm: -5}", ": optimizer.clip_norm: -5 is out of range"},
    {"augmentation: flip", ": augmentation: a mapping of keys to values is needed"},
    {"augmentation: {flip: 1.5}", ": augmentation.flip: 1.5 is out of range; legal: a number "
                                  "from 0 to 1"},
    {"augmentation: {flip: true}", ": augmentation.flip: 'true' is not a finite decimal"},
    {"augmentation: {translation: 17}",
     ": augmentation.translation: 17 is out of range; legal: a whole number from 0 to 16"},
    {"augmentation: {translation: 1.5}", "not a whole number"},
    {"augmentation: {noise: -0.1}", ": augmentation.noise: -0.1 is out of range"},
    {"augmentation: {noise: .inf}", "not a finite decimal"},
    {"augmentation: {crop: 3}", ": augmentation: unknown key 'crop'; legal keys: flip, trans"},
    {"statistics: exact", ": statistics.type: 'exact' is unknown; legal: running | precise"},
    {"statistics: {type: running, rows: 5}", "'rows' does not belong to the type running"},
    {"statistics: {type: precise, rows: 0}", ": statistics.rows: 0 is out of range"},
    {"statistics: precise", ": statistics: no layer is a batch_norm"},
    {"patience: -1", ": patience: -1 is out of range"},
    {"patience: 3", ": patience: patience waits for better results on validation rows; give"},
    {"snapshots: 1", ": snapshots: 1 is neither true nor false"},
    {"snapshots: true", ": snapshots: the schedule has no cycles"},
    {"name: a b", ": name: 'a b' holds another character"},
    {"name: -a", "does not start with"},
    {"name: \"a\\0b\"", "another character"},
    {"name: \"\"", "is empty"},
    {"name: \xC3\xA9", "does not start with"},
    {"name: a123456789012345678901234567890123456789012345678901234567890123", "too long"},
    {"name: {}", "cannot be a mapping"},
    {"description: \"\\x7F\"", "control character"},
    {"description: \"\\0\"", "control character"},
    {"description: \"\\u2028.\"", "control character"},
    {"description:", "has no value"},
    {"batch: 3", ": the key 'batch' stands here twice, first in line 4"},
    {"bacth: 3",
     ": unknown key 'bacth' (did you mean 'batch'?); legal keys: name, description"},
    {"speed: 3", ": unknown key 'speed' (did you mean 'seed'?"},
    {"colour: 3", ": unknown key 'colour'; legal keys: name, "},
    {"\"l2\\0\": 3", "unknown key 'l2 '"},
    {"? [a]\n: 3", "a list cannot be a key"},
    {"? {a: b}\n: 3", "a mapping cannot be a key"},
    {"<<: {l2: 1}", "unknown key '<<'"},
    {"data: 3", ": data: a mapping of keys to values is needed, but here is a single value"},
    {"data:", ": data: a mapping of keys to values is needed, but here is no value"},
    {"data: [1]", "but here is a list; legal keys: source, train_files"},
    {"data: {train_file: [1]}",
     ": data: unknown key 'train_file' (did you mean 'train_files'?"},
    {"data: {source: mnist}", ": data.source: 'mnist' is unknown; legal: cifar10 | synthetic"},
    {"data: {train_files: 1}", ": data.train_files: 1 stands in the place of a list"},
    {"data: {train_files: []}", "names no file; legal: a list of one or more"},
    {"data: {train_files: [0]}", ": data.train_files: 0 is out of range"},
    {"data: {train_files: [1, 6]}", "6 is out of range"},
    {"data: {train_files: [1, 1]}", "1 is named twice"},
    {"data: {train_files: [1, [2]]}", "cannot be a list"},
    {"data: {validation_files: [2]}", "file 2 stands in train_files (all five unless given)"},
    {"data: {train_files: [1, 3], validation_files: [2, 3]}",
     "file 3 stands in train_files and"},
    {"data: {train_files: [1], validation_files: [2], validation_count: 1}",
     ": data: 'validation_files' and 'validation_count' exclude each other"},
    {"data: {validation_count: 50000}", "from 0 to 49999"},
    {"data: {train_files: [4], validation_count: 10000}", "legal: less than 10000"},
    {"data: {train_files: [4], train_first: 10001}",
     "10001 is more than the 10000 training rows"},
    {"data: {train_files: [4], validation_count: 9000, train_first: 1001}",
     "the 1000 training"},
    {"initialization: xavier",
     ": initialization.type: 'xavier' is unknown; legal: he | fan_in"},
    {"initialization: constant", ": initialization.sigma: missing; legal: a number above 0"},
    {"initialization: {type: constant, sigma: 0}", ": initialization.sigma: 0 is out of range"},
    {"initialization: {type: he, sigma: 1}",
     ": initialization: 'sigma' does not belong to the type he; legal keys: type"},
    {"initialization: {sigma: 1}", ": initialization.type: missing; legal: he | fan_in"},
    {"initialization: [he]", ": initialization: a mapping"},
    {"measure: {}",
     ": measure: exactly one of these keys is needed: every_steps, every_epochs, per_c"},
    {"measure: {every_steps: 0}", ": measure.every_steps: 0 is out of range; legal: a whole"},
    {"measure: {every_steps: 1, every_epochs: 1}", "exclude each other; give one of them"},
    {"measure: {per_cycle: 1}", ": measure.per_cycle: the schedule has no cycles; give"},
    {"measure: 5", ": measure: a mapping"},
};

START_TEST(bad_values_are_named_with_their_line)
{
    for (size_t i = 0; i < sizeof bad_lines / sizeof bad_lines[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, LEAST "%s\n", bad_lines[i][0]);
        parse_fails(text, NULL, "t.yaml:6: ", bad_lines[i][1]);
    }
}
END_TEST

#define AFTER_LAYERS "schedule: {type: constant, rate: 1}\nbatch: 9\nstop: {epochs: 1}\n"
#define BEFORE_SCHEDULE "layers: [{type: dense, width: 10}]\nbatch: 9\nstop: {epochs: 1}\n"
#define CYCLE "type: triangular, half_cycle_steps: 5"
#define SCHEDULED(text) BEFORE_SCHEDULE "schedule:\n  " text "\n", "t.yaml:5: "

/* Whole texts, the place they are wrong at, and what is said about it. */
static const char *const bad_texts[][3] = {
    {"", "t.yaml:1: ", "empty"},
    {"\n# nothing\n", "t.yaml:1: ", "empty"},
    {"---\n...\n", "t.yaml:2: ", "a recipe is a mapping"},
    {"5\n", "t.yaml:1: ", "a recipe is a mapping"},
    {"\n- layers\n", "t.yaml:2: ", "a recipe is a mapping"},
    {LEAST "---\n" LEAST, "t.yaml:6: ", "second YAML document"},
    {LEAST "l2: [1\n", "t.yaml:7: ", "not valid YAML: did not find expected ',' or ']'"},
    {LEAST "l2: *x\n", "t.yaml:6: ", "not valid YAML: found undefined alias"},
    {LEAST "\tl2: 1\n", "t.yaml:", "not valid YAML"},
    {LEAST " l2: 1\n", "t.yaml:6: ", "not valid YAML"},
    {LEAST "l2: \xFF\n", "t.yaml:6: ", "not plain UTF-8 text: invalid leading UTF-8 octet"},
    {LEAST "l2: \x01\n", "t.yaml:6: ", "not plain UTF-8 text: control characters"},
    {LEAST "l2: &x [*x]\n", "t.yaml:6: ", "nested more than 16 levels"},
    {LEAST "l2: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "t.yaml:6: ", "nested more than 16"},
    {"batch: 9\n", "t.yaml:1: ", "layers: missing; legal: a list of 1 to 64 layers"},
    {"layers: [{type: dense, width: 10}]\nbatch: 9\n", "t.yaml:1: ", "schedule: missing"},
    {BEFORE_SCHEDULE, "t.yaml:1: ", ": schedule: missing; legal: "},
    {"layers: []\n" AFTER_LAYERS, "t.yaml:1: ", ": layers: is an empty list"},
    {"layers: dense\n" AFTER_LAYERS, "t.yaml:1: ", ": layers: 'dense' stands in the place"},
    {"layers:\n- relu\n" AFTER_LAYERS,
     "t.yaml:2: ", "layers[0]: the first layer must be dense"},
    {"layers:\n- {type: dense, width: 5}\n- relu\n- relu\n" AFTER_LAYERS,
     "t.yaml:4: ", "layers[2]: relu cannot follow relu: after a dense layer come at most"},
    {"layers:\n- {type: dense, width: 10}\n- relu\n" AFTER_LAYERS,
     "t.yaml:3: ", "layers[1]: the last layer must be dense"},
    {"layers:\n- type: dense\n  width: 9\n" AFTER_LAYERS, "t.yaml:3: ",
     "layers[0]: the last layer has width 9, but needs one output for each of the 10 classes"},
    {"layers:\n- dense\n" AFTER_LAYERS,
     "t.yaml:2: ", "layers[0].width: missing; legal: a whole"},
    {"layers:\n- {type: dense, width: 65537}\n" AFTER_LAYERS, "t.yaml:2: ", "from 1 to 65536"},
    {"layers:\n- {type: dense, width: 0}\n" AFTER_LAYERS,
     "t.yaml:2: ", "layers[0].width: 0 is"},
    {"layers:\n- {type: relu, width: 5}\n" AFTER_LAYERS,
     "t.yaml:2: ", "layers[0]: 'width' does not belong to the type relu; legal keys: type"},
    {"layers:\n- {width: 5}\n" AFTER_LAYERS, "t.yaml:2: ", "layers[0].type: missing"},
    {"layers:\n- [dense]\n" AFTER_LAYERS, "t.yaml:2: ", "layers[0]: a mapping"},
    {"layers:\n- dens\n" AFTER_LAYERS,
     "t.yaml:2: ", "'dens' is unknown (did you mean 'dense'?"},
    {"layers:\n- {type: dense, width: 10, initialization: constant}\n" AFTER_LAYERS,
     "t.yaml:2: ", "layers[0].initialization.sigma: missing"},
    {BEFORE_SCHEDULE "schedule: constant\n", "t.yaml:4: ", "schedule.rate: missing"},
    {BEFORE_SCHEDULE "schedule:\n  type: constant\n", "t.yaml:5: ", "schedule.rate: missing"},
    {BEFORE_SCHEDULE "schedule: {rate: 1}\n", "t.yaml:4: ", "schedule.type: missing"},
    {BEFORE_SCHEDULE "schedule:\n  type: constant\n  rate: 0\n", "t.yaml:6: ", "out of range"},
    {BEFORE_SCHEDULE "schedule: {type: constant, rate: 1, minimum: 1}\n", "t.yaml:4: ",
     "schedule: 'minimum' does not belong to the type constant; legal keys: type, rate"},
    {BEFORE_SCHEDULE "schedule: {" CYCLE ", minimum: 1, rate: 1}\n", "t.yaml:4: ",
     "'rate' does not belong to the type triangular; legal keys: type, minimum, maximum, half"},
    {BEFORE_SCHEDULE "schedule: {" CYCLE ", minimum: 1}\n", "t.yaml:4: ", "maximum: missing"},
    {BEFORE_SCHEDULE "schedule: {" CYCLE ", minimum: 1,\n  maximum: 0.5}\n",
     "t.yaml:5: ", "schedule: the minimum 1 is above the maximum 0.5"},
    {BEFORE_SCHEDULE "schedule: {" CYCLE
                     ", minimum: 0,\n maximum: 1}\nmeasure: {per_cycle: 11}",
     "t.yaml:6: ", "measure.per_cycle: 11 measurements do not fit into a cycle of 10 steps"},
    {BEFORE_SCHEDULE "schedule: {type: triangular, minimum: 0, maximum: 1,\n"
                     " half_cycle_steps: 0}\n",
     "t.yaml:5: ", "schedule.half_cycle_steps: 0 is out of range"},
    {SCHEDULED("{" CYCLE ", minimum: 0, maximum: 1, cycle_growth: 0.5}"),
     "schedule.cycle_growth: 0.5 is out of range; legal: a number from 1 to 100"},
    {SCHEDULED("{" CYCLE ", minimum: 0, maximum: 1, maximum_decay: 0}"),
     "schedule.maximum_decay: 0 is out of range; legal: a number above 0 and at most 1"},
    {SCHEDULED("{" CYCLE ", minimum: 0, maximum: 1, warm_up_steps: 5}"),
     "'warm_up_steps' does not belong to the type triangular"},
    {BEFORE_SCHEDULE "schedule: {type: step, rate: 1}\n",
     "t.yaml:4: ", "schedule: exactly one of these keys is needed: every_steps, every_epochs"},
    {SCHEDULED("{type: step, rate: 1, every_steps: 1, every_epochs: 1}"),
     "schedule: 'every_steps' and 'every_epochs' exclude each other"},
    {SCHEDULED("{type: exponential, rate: 1, every_epochs: 0}"),
     "schedule.every_epochs: 0 is out of range"},
    {SCHEDULED("{type: exponential, rate: 1, every_epochs: 1, factor: 2}"),
     "schedule.factor: 2 is out of range; legal: a number above 0 and at most 1"},
    {SCHEDULED("{type: constant, rate: 1, every_epochs: 1}"),
     "schedule: 'every_epochs' does not belong to the type constant; legal keys: type, rate, "
     "w"},
    {SCHEDULED("{type: cosine, rate: 0.1, minimum: 0.2}"),
     "schedule: the minimum 0.2 is above the rate 0.1"},
    {SCHEDULED("{type: linear, rate: 0.1, minimum: .nan}"), "'.nan' is not a finite decimal"},
    {SCHEDULED("{type: plateau, rate: 0.1}"), "schedule.patience: missing; legal: a whole"},
    {SCHEDULED("{type: plateau, rate: 0.1, patience: 0}"), "schedule.patience: 0 is out of"},
    {SCHEDULED("{type: plateau, rate: 0.1, patience: 2}"),
     "schedule: plateau waits for better results on validation rows; give data.validation_f"},
    {SCHEDULED("{type: linear, rate: 1, warm_up_steps: 5555}"),
     "schedule.warm_up_steps: 5555 is not below the run's 5555 steps"},
    {"layers: [{type: dense, width: 10}]\nbatch: 9\nschedule: {" CYCLE
     ", minimum: 0, maximum: 1, cycle_growth: 2}\nstop:\n  cycles: 60\n",
     "t.yaml:5: ", "stop: the number of steps is out of range; stop after fewer"},
    {LEAST "loss: hinge\nlabel_smoothing: 0.1\n",
     "t.yaml:7: ", "label_smoothing: only softmax_cross_entropy smooths labels"},
    {"layers: [{type: dense, width: 10}]\nschedule: {type: constant, rate: 1}\nbatch: 9\n"
     "stop:\n  cycles: 1\n",
     "t.yaml:5: ", "stop.cycles: the schedule has no cycles"},
    {"layers: [{type: dense, width: 10}]\nschedule: {type: constant, rate: 1}\nbatch: 9\n"
     "stop: {steps: 5,\n  epochs: 1}\n",
     "t.yaml:5: ", "stop: 'steps' and 'epochs' exclude each other"},
    {"layers: [{type: dense, width: 10}]\nschedule: {type: constant, rate: 1}\n\nbatch: 0\n"
     "stop: {steps: 5}\n",
     "t.yaml:4: ", "batch: 0 is out of range; legal: a whole number from 1 to 1000000"},
    {"layers: [{type: dense, width: 10}]\nschedule: {type: constant, rate: 1}\n\nbatch: 50001\n"
     "stop: {steps: 5}\n",
     "t.yaml:4: ", "batch: 50001 is more than the 50000 training rows"},
};

START_TEST(bad_texts_are_named_with_their_line)
{
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++)
        parse_fails(bad_texts[i][0], NULL, bad_texts[i][1], bad_texts[i][2]);
}
END_TEST

/* Texts made to take long or much memory. */
START_TEST(large_texts_fail_fast)
{
    lam_strbuf text = {0};
    for (int i = 0; i < 1000000; i++)
        lam_strbuf_append_bytes(&text, "[", 1);
    parse_fails(lam_strbuf_text(&text), NULL, "t.yaml:1: ", "nested");
    for (int i = 0; i < 50000; i++)
        lam_strbuf_append_bytes(&text, "[", 1);
    parse_fails(lam_strbuf_text(&text), NULL, "t.yaml: ", "more than a recipe's 1048576");
    lam_strbuf_free(&text);

    for (int i = 0; i < 80000; i++)
        lam_strbuf_append(&text, "- &a%d 1\n", i);
    parse_fails(lam_strbuf_text(&text), NULL, "t.yaml:5", "more than 5000 keys and values");
    lam_strbuf_free(&text);

    lam_strbuf_append(&text, "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n");
    for (int i = 1; i < 9; i++)
        lam_strbuf_append(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                          i - 1, i - 1);
    parse_fails(lam_strbuf_text(&text), NULL, "t.yaml:", "more than 5000 keys and values");
    lam_strbuf_free(&text);

    lam_strbuf_append(&text, "description: %01100d\n", 0);
    lam_strbuf_append(&text, "%s", LEAST);
    parse_fails(lam_strbuf_text(&text), NULL, "t.yaml:1: description: '0000",
                "...' is too long");
    lam_strbuf_free(&text);

    lam_strbuf_append(&text, "%slayers:\n", AFTER_LAYERS);
    for (int i = 0; i < 65; i++)
        lam_strbuf_append(&text, "- {type: dense, width: 10}\n");
    parse_fails(lam_strbuf_text(&text), NULL, "t.yaml:69: layers: ", "too many layers");
    lam_strbuf_free(&text);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
    lam_recipe recipe;
    ck_assert_int_eq(lam_recipe_load(recipe_context, "/nowhere/recipe.yaml", NULL, 0, &recipe),
                     LAM_STATUS_BAD_RECIPE);
    ck_assert_ptr_nonnull(strstr(lam_error_message(recipe_context), "/nowhere/recipe.yaml"));
    ck_assert_int_eq(lam_recipe_load(recipe_context, "/tmp", NULL, 0, &recipe),
                     LAM_STATUS_BAD_RECIPE);
}
END_TEST

static void mutate(lam_random *random, char *bytes, size_t *length)
{
    static const char *const pieces[] = {"[",   "]",  "{",  "}",    ":",   "\n", "- ",
                                         "&a ", "*a", "\"", "!",    "1e9", "-1", "nan",
                                         "  ",  "\t", "|",  "\xFF", "#"};
    size_t at = lam_random_below(random, (uint32_t)*length);
    size_t count = 1 + lam_random_below(random, 12);
    if (at + count > *length)
        count = *length - at;
    switch (lam_random_below(random, 4)) {
    case 0: /* another byte */
        bytes[at] = (char)lam_random_u32(random);
        break;
    case 1: /* a hole */
        memmove(bytes + at, bytes + at + count, *length - at - count);
        *length -= count;
        break;
    case 2: /* a piece of the text said twice */
        memmove(bytes + at + count, bytes + at, *length - at);
        *length += count;
        break;
    default: { /* something that YAML knows */
        const char *piece = pieces[lam_random_below(random, sizeof pieces / sizeof pieces[0])];
        size_t size = strlen(piece);
        memmove(bytes + at + size, bytes + at, *length - at);
        memcpy(bytes + at, piece, size);
        *length += size;
    }
    }
}

/* Whatever the text, the reader returns; and what it accepts survives the round trip. */
START_TEST(mutated_recipes_never_crash)
{
    glob_t paths;
    ck_assert_int_eq(glob(SHIPPED_RECIPES, 0, NULL, &paths), 0);
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_SAMPLING, 1);
    int accepted = 0, refused = 0;
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char *text = NULL;
        size_t full_length = 0;
        ck_assert_int_eq(lam_file_read(recipe_context, paths.gl_pathv[i], 10000,
                                       LAM_STATUS_BAD_RECIPE, &text, &full_length),
                         LAM_STATUS_OK);
        for (int round = 0; round < 500; round++) {
            char bytes[10000 + 100];
            size_t length = full_length;
            memcpy(bytes, text, length);
            for (uint32_t edits = 1 + lam_random_below(&random, 4); edits > 0; edits--)
                mutate(&random, bytes, &length);
            lam_recipe recipe;
            lam_status status =
                lam_recipe_parse(recipe_context, bytes, length, "mutated", NULL, 0, &recipe);
            ck_assert(status == LAM_STATUS_OK || status == LAM_STATUS_BAD_RECIPE);
            status == LAM_STATUS_OK ? accepted++ : refused++;
            if (status == LAM_STATUS_OK)
                formats_and_parses_back(&recipe);
        }
        free(text);
    }
    ck_assert_int_gt(accepted, 100);
    ck_assert_int_gt(refused, 100);
    globfree(&paths);
}
END_TEST

static void add_tests(Suite *suite)
{
    add_recipe_test(suite, "defaults", defaults, 5);
    add_recipe_test(suite, "every key", every_key, 5);
    add_recipe_test(suite, "defaults of types", defaults_of_each_type, 5);
    add_recipe_test(suite, "other forms", other_forms, 5);
    add_recipe_test(suite, "names", name_comes_from_the_file, 5);
    add_recipe_test(suite, "enums", every_name_of_every_enum, 5);
    add_recipe_test(suite, "bad values", bad_values_are_named_with_their_line, 20);
    add_recipe_test(suite, "bad texts", bad_texts_are_named_with_their_line, 20);
    add_recipe_test(suite, "large texts", large_texts_fail_fast, 20);
    add_recipe_test(suite, "bad files", files_that_cannot_be_read, 5);
    add_recipe_test(suite, "mutations", mutated_recipes_never_crash, 120);
}

LAM_SUITE_MAIN("recipe", add_tests)
