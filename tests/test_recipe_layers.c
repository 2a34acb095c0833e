/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "support/recipe_fixture.h"

/* Layers of recipes, one on each line from line 6 on. */
#define HEAD                                                                                   \
    "schedule: {type: constant, rate: 0.1}\n"                                                  \
    "batch: 100\n"                                                                             \
    "stop: {epochs: 7}\n"                                                                      \
    "# \n"                                                                                     \
    "layers:\n"
#define LAST "- {type: dense, width: 10}\n"
#define DENSE "- {type: dense, width: 20}\n"
#define NAMED(type, name) "- {type: " type ", name: " name "}\n"
#define NAMED_DENSE(width, name) "- {type: dense, width: " #width ", name: " name "}\n"
#define ADD(name) "- {type: add, from: " name "}\n"
#define DROPOUT "- {type: dropout, rate: 0.5}\n"
#define NORM "- batch_norm\n"
#define RELU "- relu\n"

static const char *const good[] = {
    LAST,
    DENSE NORM RELU LAST,
    DENSE RELU NORM LAST,
    DENSE NORM LAST,
    DENSE DROPOUT LAST,
    DENSE NORM RELU DROPOUT LAST,
    DENSE RELU NORM DROPOUT LAST,
    DENSE NORM DROPOUT LAST,
    NAMED_DENSE(20, "a") DENSE ADD("a") LAST,
    NAMED_DENSE(20, "a") DENSE NORM ADD("a") RELU DROPOUT LAST,
    NAMED_DENSE(20, "a") DENSE ADD("a") RELU NORM DROPOUT LAST,
    NAMED_DENSE(20, "a") DENSE ADD("a") NORM LAST,
    DENSE NAMED("relu", "a") DENSE RELU DENSE ADD("a") RELU DENSE ADD("a") LAST,
    DENSE RELU "- {type: dropout, rate: 0, name: a}\n" DENSE ADD("a") NAMED("relu", "b")
        DENSE ADD("b") NAMED("sigmoid", "nobody") LAST,
    NAMED_DENSE(10, "a") "- {type: dense, width: 20}\n" LAST,
    DENSE "- {type: relu, name: \"\"}\n" DENSE "- {type: relu, name: \"\"}\n" LAST,
};

START_TEST(good_networks_are_read_and_formatted)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[2048];
        snprintf(text, sizeof text, HEAD "%s", good[i]);
        lam_recipe recipe = parse_ok(text, NULL);
        formats_and_parses_back(&recipe);
    }
}
END_TEST

/* Layers, the line of the one at fault, and what is said about it. */
static const struct {
    const char *layers;
    int line;
    const char *message;
} bad[] = {
    {NORM LAST, 6, "layers[0]: the first layer must be dense"},
    {DROPOUT LAST, 6, "layers[0]: the first layer must be dense"},
    {ADD("a") LAST, 6, "layers[0]: the first layer must be dense"},
    {DENSE RELU RELU LAST, 8,
     "layers[2]: relu cannot follow relu: after a dense layer come at"},
    {DENSE RELU "- sigmoid\n" LAST, 8, "layers[2]: sigmoid cannot follow relu"},
    {DENSE NORM NORM LAST, 8, "layers[2]: batch_norm cannot follow batch_norm"},
    {DENSE NORM RELU NORM LAST, 9,
     "batch_norm cannot follow relu: after a dense layer come at "
     "most batch_norm, add, an activation, batch_norm and dropout, "
     "in this order, with one batch_norm in all"},
    {DENSE DROPOUT RELU LAST, 8, "layers[2]: relu cannot follow dropout"},
    {DENSE DROPOUT NORM LAST, 8, "layers[2]: batch_norm cannot follow dropout"},
    {DENSE DROPOUT DROPOUT LAST, 8, "layers[2]: dropout cannot follow dropout"},
    {NAMED_DENSE(20, "a") DENSE RELU ADD("a") LAST, 9, "layers[3]: add cannot follow relu"},
    {NAMED_DENSE(20, "a") DENSE ADD("a") ADD("a") LAST, 9, "layers[3]: add cannot follow add"},
    {NAMED_DENSE(20, "a") DENSE ADD("a") NORM RELU LAST, 10,
     "layers[4]: relu cannot follow batch_norm"},
    {DENSE LAST NORM, 8, "layers[2]: the last layer must be dense"},
    {DENSE LAST "- {type: dropout, rate: 0.1}\n", 8, "layers[2]: the last layer must be dense"},
    {NAMED_DENSE(10, "a") LAST ADD("a"), 8, "layers[2]: the last layer must be dense"},
    {DENSE, 6,
     "layers[0]: the last layer has width 20, but needs one output for each of the 10"},
    {DENSE DENSE ADD("a") LAST, 8, "layers[2]: adds 'a', but no layer has that name"},
    {DENSE ADD("a") NAMED("relu", "a") LAST, 7,
     "layers[1]: adds 'a', which does not come before"},
    {NAMED_DENSE(20, "a") ADD("a") LAST, 7, "layers[1]: adds 'a', which belongs to the same"},
    {DENSE DENSE "- {type: add, from: a, name: a}\n" LAST, 8,
     "layers[2]: adds 'a', which does not come before"},
    {NAMED_DENSE(20, "a") RELU DENSE ADD("a") LAST, 9,
     "layers[3]: adds 'a', whose output is not kept; give the name to layers[1], the last"},
    {DENSE NAMED("batch_norm", "a") RELU DROPOUT DENSE ADD("a") LAST, 11,
     "give the name to layers[3]"},
    {NAMED_DENSE(30, "a") DENSE ADD("a") LAST, 8,
     "layers[2]: adds 'a' of width 30 to width 20; they must be equal"},
    {NAMED_DENSE(20, "a") NAMED_DENSE(20, "a") LAST, 7,
     "layers[1]: has the name 'a' of an earlier layer; choose another"},
    {DENSE "- add\n" LAST, 7, "layers[1].from: missing; legal: 1 to 31 letters"},
    {DENSE "- {type: add, from: }\n" LAST, 7, "layers[1].from: has no value"},
    {DENSE "- {type: add, from: \"\"}\n" LAST, 7, "layers[1].from: '' is empty"},
    {DENSE "- {type: add, from: [a]}\n" LAST, 7, "layers[1].from: cannot be a list"},
    {DENSE "- {type: relu, from: a}\n" LAST, 7, "'from' does not belong to the type relu"},
    {DENSE "- {type: relu, name: a b}\n" LAST, 7, "layers[1].name: 'a b' holds another"},
    {DENSE "- {type: relu, name: a2345678901234567890123456789012}\n" LAST, 7, "is too long"},
    {DENSE "- dropout\n" LAST, 7, "layers[1].rate: missing; legal: a number from 0 to below 1"},
    {DENSE "- {type: dropout, rate: 1}\n" LAST, 7,
     "layers[1].rate: 1 is out of range; legal: a number from 0 to below 1"},
    {DENSE "- {type: dropout, rate: 1.0e+0}\n" LAST, 7, "out of range"},
    {DENSE "- {type: dropout, rate: -0.1}\n" LAST, 7, "out of range"},
    {DENSE "- {type: dropout, rate: nan}\n" LAST, 7, "layers[1].rate: 'nan' is not a finite"},
    {DENSE "- {type: dropout, rate: half}\n" LAST, 7, "not a finite decimal number"},
    {DENSE "- {type: batch_norm, epsilon: 0}\n" LAST, 7,
     "layers[1].epsilon: 0 is out of range; legal: a number above 0 and at most 1000000"},
    {DENSE "- {type: batch_norm, epsilon: -1e-5}\n" LAST, 7, "layers[1].epsilon: -1e-5 is out"},
    {DENSE "- {type: batch_norm, epsilon: .nan}\n" LAST, 7, "layers[1].epsilon: '.nan' is not"},
    {DENSE "- {type: batch_norm, momentum: 1}\n" LAST, 7,
     "layers[1].momentum: 1 is out of range; legal: a number from 0 to below 1"},
    {DENSE "- {type: batch_norm, width: 20}\n" LAST, 7,
     "'width' does not belong to the type batch_norm; legal keys: type, name, epsilon, mom"},
};

START_TEST(bad_networks_are_named_with_the_line)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[2048], start[32];
        snprintf(text, sizeof text, HEAD "%s", bad[i].layers);
        snprintf(start, sizeof start, "t.yaml:%d: ", bad[i].line);
        parse_fails(text, NULL, start, bad[i].message);
    }
}
END_TEST

START_TEST(faults_of_overrides_are_named)
{
    const char *text = HEAD NAMED_DENSE(20, "a") DENSE ADD("a") LAST;
    parse_fails(text, SET("layers[1].width=21"), "t.yaml:8: layers[2]: ", "must be equal");
    parse_fails(text, SET("layers[2].from=b"),
                "--set layers[2].from=b: layers[2]: ", "no layer has that name");
    parse_fails(text, SET("layers[2]=dropout"),
                "--set layers[2]=dropout: layers[2].rate: ", "missing");
    lam_recipe recipe = parse_ok(text, SET("layers[2]={type: dropout, rate: 0.5}"));
    ck_assert_double_eq(recipe.network.layers[2].rate, 0.5);
}
END_TEST

static void add_tests(Suite *suite)
{
    add_recipe_test(suite, "good", good_networks_are_read_and_formatted, 20);
    add_recipe_test(suite, "bad", bad_networks_are_named_with_the_line, 20);
    add_recipe_test(suite, "overrides", faults_of_overrides_are_named, 5);
}

LAM_SUITE_MAIN("recipe_layers", add_tests)
