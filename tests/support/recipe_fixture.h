/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the suites on recipes share: texts to start from, parsing, and what a refusal must say.
 */
#ifndef LAM_TESTS_SUPPORT_RECIPE_FIXTURE_H
#define LAM_TESTS_SUPPORT_RECIPE_FIXTURE_H

#include "lamina/recipe.h"
#include "support/suite.h"

/* The least that a recipe must say: five lines. */
#define LEAST                                                                                  \
    "layers:\n"                                                                                \
    "  - {type: dense, width: 10}\n"                                                           \
    "schedule: {type: constant, rate: 0.1}\n"                                                  \
    "batch: 100\n"                                                                             \
    "stop: {epochs: 7}\n"

/* With everything an override can replace: ten lines. */
#define FULL                                                                                   \
    "data:\n"                                                                                  \
    "  train_files: [1]\n"                                                                     \
    "  validation_files: [2]\n"                                                                \
    "layers: [{type: dense, width: 50}, relu, {type: dense, width: 10}]\n"                     \
    "initialization: fan_in\n"                                                                 \
    "l2: 0.01\n"                                                                               \
    "schedule: {type: triangular, minimum: 1e-5, maximum: 1e-1, half_cycle_steps: 800}\n"      \
    "batch: 100\n"                                                                             \
    "stop: {cycles: 3}\n"                                                                      \
    "measure: {per_cycle: 10}\n"

/** Overrides, as the functions below take them. */
#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

/** Of the test that runs. */
extern lam_context *recipe_context;

/** Parses with overrides up to the first NULL; `overrides` may be NULL. */
lam_recipe parse_ok(const char *text, const char *const *overrides);

/** Fails with a one-line message that starts with `start` and holds `fragment`. */
void parse_fails(const char *text, const char *const *overrides, const char *start,
                 const char *fragment);

/** The recipe survives being formatted and parsed, to the bit. */
void formats_and_parses_back(const lam_recipe *recipe);

/** Adds a test that has a context. */
void add_recipe_test(Suite *suite, const char *name, const TTest *test, double timeout_s);

#endif
