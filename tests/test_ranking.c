/* SPDX-License-Identifier: Apache-2.0 */
/* Rankings, importances, narrowing and halving: what is concluded from a study's results. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "search/importance.h"
#include "search/pruning.h"
#include "support/recipe_fixture.h"

#define MAX_CONFIGURATIONS 64
#define MAX_SEEDS 3

static struct {
    lam_study_view view;
    lam_configuration configurations[MAX_CONFIGURATIONS];
    lam_trial trials[MAX_CONFIGURATIONS][MAX_SEEDS];
    char values[MAX_CONFIGURATIONS][LAM_MAX_PARAMETERS][LAM_PARAMETER_VALUE_BYTES];
} study;

/* Up to the first NULL. */
#define START_STUDY(...) start_study((const char *const[]){__VA_ARGS__, NULL})
static void start_study(const char *const *space)
{
    size_t count = 0;
    while (space[count])
        count++;
    lam_space_free(&study.view.plan.space);
    memset(&study, 0, sizeof study);
    strcpy(study.view.path, "s.db");
    study.view.configurations = study.configurations;
    study.view.validation_rows = 5000;
    study.view.plan.seed_count = 1;
    ck_assert_int_eq(lam_space_parse(recipe_context, space, count, &study.view.plan.space),
                     LAM_STATUS_OK);
}

static lam_configuration *add_configuration(void)
{
    size_t i = study.view.configuration_count++;
    lam_configuration *added = &study.configurations[i];
    ck_assert(i < MAX_CONFIGURATIONS);
    *added = (lam_configuration){(int64_t)i, study.values[i], study.trials[i]};
    return added;
}

static void finish(lam_trial *trial, double objective)
{
    trial->state = LAM_TRIAL_STATE_DONE;
    trial->objective = trial->latest.validation.accuracy = objective;
}

/* Of one parameter and one seed. */
static void add_result(const char *value, double objective)
{
    lam_configuration *added = add_configuration();
    strcpy(added->values[0], value);
    finish(&added->trials[0], objective);
}

static lam_ranking rank(void)
{
    lam_ranking ranking;
    ck_assert_int_eq(lam_study_rank(recipe_context, &study.view, &ranking), LAM_STATUS_OK);
    return ranking;
}

START_TEST(ranking_of_three_seeds_by_hand)
{
    static const double objectives[3][3] = {
        {0.50, 0.52, 0.54}, {0.53, 0.54, 0.55}, {0.52, 0.52, 0.58}};
    START_STUDY("l2=log:1e-5..1");
    study.view.plan.seed_count = 3;
    for (int i = 0; i < 3; i++) {
        lam_configuration *added = add_configuration();
        for (int s = 0; s < 3; s++)
            finish(&added->trials[s], objectives[i][s]);
    }
    lam_ranking r = rank();
    ck_assert_uint_eq(r.count, 3);
    /* Equal means: the lower index, here 1, goes first. */
    ck_assert_int_eq(r.ranks[0].configuration, 1);
    ck_assert_int_eq(r.ranks[1].configuration, 2);
    ck_assert_int_eq(r.ranks[2].configuration, 0);
    ck_assert(r.ranks[0].is_pick && !r.ranks[1].is_pick && !r.ranks[2].is_pick);
    ck_assert_double_eq_tol(r.ranks[0].objective.mean, 0.54, 1e-15);
    ck_assert_double_eq_tol(r.ranks[0].objective.deviation, 0.01, 1e-15);
    /* t(0.975, 2) = 4.302652729696 */
    ck_assert_double_eq_tol(r.ranks[0].objective.half_width, 4.302652729696 * 0.01 / sqrt(3),
                            1e-12);
    /* The deviation says 0.0058, the rows sqrt(0.54 * 0.46 / 5000) = 0.00705. */
    ck_assert_double_eq_tol(r.binomial_error, 0.0070484, 1e-7);
    ck_assert_double_eq(r.ranks[0].standard_error, r.binomial_error);
    ck_assert_double_eq_tol(r.ranks[1].standard_error, sqrt(0.0012) / sqrt(3), 1e-12);
    ck_assert(r.ranks[0].is_best && r.ranks[1].is_best && !r.ranks[2].is_best);
    /* -0.03, -0.02, -0.01 */
    ck_assert_uint_eq(r.ranks[2].difference.count, 3);
    ck_assert_double_eq_tol(r.ranks[2].difference.mean, -0.02, 1e-15);
    ck_assert_double_eq_tol(r.ranks[2].difference.deviation, 0.01, 1e-15);
    ck_assert_double_eq(r.ranks[0].difference.mean, 0);
    lam_ranking_free(&r);
    ck_assert_ptr_null(r.ranks);
}
END_TEST

START_TEST(single_seeds_are_within_the_binomial_error)
{
    START_STUDY("l2=log:1e-5..1");
    add_result("0.1", 0.520);
    add_result("0.01", 0.5131);
    add_result("0.001", 0.5129);
    lam_ranking r = rank();
    /* sqrt(0.52 * 0.48 / 5000) = 0.007065 */
    ck_assert(r.ranks[1].is_best && !r.ranks[2].is_best);
    ck_assert(isnan(r.ranks[1].objective.deviation));
    ck_assert_uint_eq(r.ranks[1].difference.count, 1);
    lam_ranking_free(&r);
}
END_TEST

START_TEST(losses_are_better_when_lower)
{
    START_STUDY("l2=log:1e-5..1");
    study.view.plan.objective = LAM_OBJECTIVE_LOSS;
    add_result("0.1", 1.5);
    add_result("0.01", 1.4);
    study.trials[1][0].latest.validation.accuracy = 0.5;
    lam_ranking r = rank();
    ck_assert_int_eq(r.ranks[0].configuration, 1);
    ck_assert(isnan(r.ranks[0].standard_error));
    ck_assert(r.ranks[0].is_best && !r.ranks[1].is_best);
    ck_assert_double_eq_tol(r.binomial_error, sqrt(0.25 / 5000), 1e-15);
    lam_ranking_free(&r);
    ck_assert_int_eq(lam_objective_get_sign(LAM_OBJECTIVE_ACCURACY), 1);
    ck_assert_int_eq(lam_objective_get_sign(LAM_OBJECTIVE_COST), -1);
}
END_TEST

START_TEST(unfinished_configurations_wait_and_incomplete_ones_stand_behind)
{
    START_STUDY("l2=log:1e-5..1");
    study.view.plan.seed_count = 2;
    for (int i = 0; i < 5; i++) {
        lam_configuration *added = add_configuration();
        for (int s = 0; s < 2; s++)
            finish(&added->trials[s], i < 4 ? 0.9 : 0.5);
    }
    study.trials[0][1].state = LAM_TRIAL_STATE_RUNNING;
    study.trials[1][0].state = LAM_TRIAL_STATE_WAITING;
    study.trials[2][0].state = LAM_TRIAL_STATE_DIVERGED;
    study.trials[3][0].state = LAM_TRIAL_STATE_PRUNED;
    study.trials[3][1].state = LAM_TRIAL_STATE_FAILED;
    lam_ranking r = rank();
    ck_assert_uint_eq(r.count, 2);
    ck_assert_int_eq(r.ranks[0].configuration, 4);
    ck_assert(r.ranks[0].is_pick);
    ck_assert_int_eq(r.ranks[1].configuration, 2);
    ck_assert(!r.ranks[1].is_best);
    ck_assert_uint_eq(r.ranks[1].difference.count, 1);
    lam_ranking_free(&r);
    study.view.configuration_count = 0;
    r = rank();
    ck_assert_uint_eq(r.count, 0);
    ck_assert(isnan(r.binomial_error));
    lam_ranking_free(&r);
}
END_TEST

static double get_importance(size_t parameter)
{
    double shares[LAM_MAX_PARAMETERS];
    ck_assert_int_eq(lam_study_compute_importance(recipe_context, &study.view, shares),
                     LAM_STATUS_OK);
    return shares[parameter];
}

START_TEST(importance_by_hand)
{
    START_STUDY("a=choice:x,y", "b=linear:0..1");
    /* x: 1 2 3 4, y: 5 6 7 8: between 32, within 10, total 42; 8 configurations, 2 groups */
    for (int i = 0; i < 8; i++) {
        lam_configuration *added = add_configuration();
        strcpy(added->values[0], i < 4 ? "x" : "y");
        sprintf(added->values[1], "0.%d", i * 5 % 8);
        finish(&added->trials[0], i + 1);
    }
    ck_assert_double_eq_tol(get_importance(0), (32 - 10.0 / 6) / 42, 1e-14);
    /* Two bins of 1, 6, 3, 8 and 5, 2, 7, 4 (in the order of b): the same means */
    ck_assert_double_eq(get_importance(1), 0);
    study.view.configuration_count = 7;
    ck_assert(isnan(get_importance(0)));
}
END_TEST

START_TEST(importance_finds_the_parameter_that_matters)
{
    START_STUDY("a=log:1e-5..1,0", "b=int:1..5", "d=choice:u,v,w", "c=linear:0..1 if d=u");
    for (int i = 0; i < 60; i++) {
        lam_configuration *added = add_configuration();
        double exponent = -(i * 37 % 60) / 12.0;
        sprintf(added->values[0], i % 30 == 0 ? "0" : "%.17g", pow(10, exponent));
        sprintf(added->values[1], "%d", 1 + i % 5);
        sprintf(added->values[2], "%c", i < 6 ? 'u' : i % 2 == 0 ? 'v' : 'w');
        if (i < 6)
            sprintf(added->values[3], "0.%d", i);
        finish(&added->trials[0], -pow(exponent + 2, 2) + 0.001 * (i * 7 % 11));
    }
    ck_assert_double_gt(get_importance(0), 0.7);
    ck_assert_double_lt(get_importance(1), 0.1);
    ck_assert_double_lt(get_importance(2), 0.1);
    ck_assert(isnan(get_importance(3))); /* six configurations vary it */
    for (int i = 0; i < 60; i++)
        finish(&study.trials[i][0], 0.1);
    ck_assert(isnan(get_importance(0)));
    for (int i = 0; i < 60; i++)
        strcpy(study.values[i][1], "3");
    finish(&study.trials[0][0], 0.2);
    ck_assert(isnan(get_importance(1)));
}
END_TEST

static const lam_narrowing one_se = {.type = LAM_NARROWING_ONE_SE};

/* The narrowed space's parameter in text form. */
static const char *narrow(const lam_narrowing *narrowing, size_t parameter)
{
    static char text[300];
    char *formatted = NULL;
    lam_space narrowed, again;
    ck_assert_int_eq(lam_study_narrow(recipe_context, &study.view, narrowing, &narrowed),
                     LAM_STATUS_OK);
    ck_assert_int_eq(
        lam_parameter_format(recipe_context, &narrowed.parameters[parameter], &formatted),
        LAM_STATUS_OK);
    strcpy(text, formatted);
    free(formatted);
    ck_assert_uint_eq(narrowed.count, study.view.plan.space.count);
    /* Whatever comes out is a space that can be searched again. */
    for (size_t i = 0; i < narrowed.count; i++) {
        const lam_parameter *p = &narrowed.parameters[i];
        if (p->when_key[0] != '\0')
            continue;
        ck_assert_int_eq(lam_parameter_format(recipe_context, p, &formatted), LAM_STATUS_OK);
        lam_status status =
            lam_space_parse(recipe_context, (const char *const *)&formatted, 1, &again);
        ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(recipe_context));
        lam_space_free(&again);
        free(formatted);
    }
    lam_space_free(&narrowed);
    return text;
}

static void check_ends(const char *text, double minimum, double maximum)
{
    lam_space space;
    ck_assert_int_eq(lam_space_parse(recipe_context, &text, 1, &space), LAM_STATUS_OK);
    ck_assert_double_eq_tol(space.parameters[0].minimum, minimum, 1e-12 * fabs(minimum));
    ck_assert_double_eq_tol(space.parameters[0].maximum, maximum, 1e-12 * fabs(maximum));
    lam_space_free(&space);
}

/* The coarse search of the first report: 0.002548 and 0.003113 were its best. */
static void search_coarsely(const char *space)
{
    START_STUDY(space);
    add_result("0.004764", 0.5121);
    add_result("0.003113", 0.5171);
    add_result("0.0012", 0.5140);
    add_result("0.002548", 0.5185);
    add_result("0.0031", 0.5150);
}

START_TEST(best_two_and_a_margin)
{
    const lam_narrowing narrowing = {.type = LAM_NARROWING_BEST_TWO, .margin = 1e-4};
    search_coarsely("l2=linear:0.001..0.005");
    check_ends(narrow(&narrowing, 0), 0.002448, 0.003213);
    search_coarsely("l2=log:0.0011..0.005/7");
    ck_assert_ptr_nonnull(strstr(narrow(&narrowing, 0), "/7"));
    check_ends(narrow(&narrowing, 0), 0.002448, 0.003213);
    search_coarsely("l2=linear:0.0025..0.0032");
    ck_assert_str_eq(narrow(&narrowing, 0), "l2=linear:0.0025..0.0032");
}
END_TEST

/* As the second report narrowed: from the least to the greatest of the best five. */
START_TEST(range_of_the_top)
{
    const lam_narrowing five = {.type = LAM_NARROWING_TOP, .count = 5};
    const lam_narrowing one = {.type = LAM_NARROWING_TOP, .count = 1};
    const lam_narrowing many = {.type = LAM_NARROWING_TOP, .count = 100};
    START_STUDY("l2=log:1e-5..1e-1");
    add_result("7.3e-5", 0.50);
    add_result("0.00012345678901234567", 0.51);
    add_result("0.02", 0.49);
    add_result("0.0031", 0.52);
    add_result("0.0009", 0.53);
    add_result("1e-5", 0.40);
    add_result("0.007", 0.51);
    ck_assert_str_eq(narrow(&five, 0), "l2=log:7.3e-5..0.007");
    ck_assert_str_eq(narrow(&many, 0), "l2=log:1e-5..0.02");
    /* A tenth of four powers of ten about the one */
    check_ends(narrow(&one, 0), 0.0009 * pow(10, -0.2), 0.0009 * pow(10, 0.2));
}
END_TEST

static void try_powers_of_ten(const char *space, const char *best, const char *next)
{
    static const char *const values[] = {"0", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1"};
    START_STUDY(space);
    for (size_t i = strstr(space, ",0") ? 0 : 1; i < 6; i++)
        add_result(values[i], strcmp(values[i], best) == 0   ? 0.5
                              : strcmp(values[i], next) == 0 ? 0.495
                                                             : 0.4);
}

START_TEST(one_standard_error_and_half_the_way_to_the_next)
{
    try_powers_of_ten("l2=log:1e-5..1e-1", "1e-3", "");
    check_ends(narrow(&one_se, 0), pow(10, -3.5), pow(10, -2.5));
    try_powers_of_ten("l2=log:1e-5..1e-1", "1e-3", "1e-4");
    check_ends(narrow(&one_se, 0), pow(10, -4.5), pow(10, -2.5));
    try_powers_of_ten("l2=log:1e-6..1", "1e-5", "");
    check_ends(narrow(&one_se, 0), 1e-6, pow(10, -4.5));
    try_powers_of_ten("l2=linear:0..1", "1e-1", "");
    check_ends(narrow(&one_se, 0), 0.055, 1);
}
END_TEST

START_TEST(one_standard_error_leaves_a_tenth)
{
    START_STUDY("l2=linear:0..1");
    add_result("0.49", 0.4);
    add_result("0.5", 0.5);
    add_result("0.51", 0.4);
    check_ends(narrow(&one_se, 0), 0.45, 0.55);
    START_STUDY("l2=linear:1..2");
    add_result("1.01", 0.5);
    add_result("1.02", 0.4);
    check_ends(narrow(&one_se, 0), 1, 1.1);
}
END_TEST

START_TEST(zero_stays_where_it_is_good)
{
    const lam_narrowing two = {.type = LAM_NARROWING_BEST_TWO};
    try_powers_of_ten("l2=log:1e-5..1e-1,0", "1e-3", "");
    ck_assert_ptr_null(strstr(narrow(&one_se, 0), ",0"));
    try_powers_of_ten("l2=log:1e-5..1e-1,0", "1e-3", "0");
    ck_assert_ptr_nonnull(strstr(narrow(&one_se, 0), ",0"));
    check_ends(narrow(&one_se, 0), pow(10, -3.5), pow(10, -2.5));
    ck_assert_ptr_nonnull(strstr(narrow(&two, 0), ",0"));
    try_powers_of_ten("l2=log:1e-5..1e-1,0", "0", "");
    ck_assert_ptr_nonnull(strstr(narrow(&one_se, 0), ",0"));
    check_ends(narrow(&one_se, 0), 1e-5, pow(10, -4.5));
}
END_TEST

START_TEST(other_kinds_of_parameters_are_narrowed)
{
    const lam_narrowing two = {.type = LAM_NARROWING_BEST_TWO};
    static const char *const rows[][5] = {{"10", "0.3", "sgd", "p", ""},
                                          {"17", "0.2", "adam", "q", ""},
                                          {"12", "0.5", "sgd", "p", ""},
                                          {"50", "0.1", "sgd", "p", "0.5"}};
    START_STUDY("n=int:1..100/50", "g=grid:0.1,0.2,0.3,0.4,0.5", "o=choice:sgd,adam",
                "k=grid:p,q,r", "m=linear:0..1 if k=r");
    for (int i = 0; i < 4; i++) {
        lam_configuration *added = add_configuration();
        for (int p = 0; p < 5; p++)
            strcpy(added->values[p], rows[i][p]);
        finish(&added->trials[0], 0.6 - 0.1 * i);
    }
    ck_assert_str_eq(narrow(&two, 0), "n=int:10..17/8");
    ck_assert_str_eq(narrow(&two, 1), "g=grid:0.2,0.3");
    ck_assert_str_eq(narrow(&two, 2), "o=choice:sgd,adam");
    ck_assert_str_eq(narrow(&two, 3), "k=grid:p,q,r");
    ck_assert_str_eq(narrow(&two, 4), "m=linear:0..1 if k=r");
    /* 10 alone: to the lower end, halfway to 12, and to a tenth */
    ck_assert_str_eq(narrow(&one_se, 0), "n=int:1..11/11");
    strcpy(study.values[1][0], "10");
    ck_assert_str_eq(narrow(&two, 0), "n=int:5..15/11");
}
END_TEST

static void refuses(lam_narrowing narrowing, lam_status expected, const char *message)
{
    lam_space narrowed = {.count = 77};
    ck_assert_int_eq(lam_study_narrow(recipe_context, &study.view, &narrowing, &narrowed),
                     expected);
    ck_assert_msg(strstr(lam_error_message(recipe_context), message), "%s",
                  lam_error_message(recipe_context));
    ck_assert_uint_eq(narrowed.count, 77);
}

START_TEST(nothing_to_narrow_by_is_refused)
{
    START_STUDY("l2=log:1e-5..1");
    add_configuration();
    refuses(one_se, LAM_STATUS_BAD_STUDY, "s.db: no configuration is done");
    refuses((lam_narrowing){.type = LAM_NARROWING_TOP}, LAM_STATUS_BAD_ARGUMENT,
            "legal: 1 and more");
    refuses((lam_narrowing){.type = LAM_NARROWING_BEST_TWO, .margin = -1},
            LAM_STATUS_BAD_ARGUMENT, "legal: 0 and more");
}
END_TEST

START_TEST(objectives_are_what_they_are_called)
{
    const lam_measurement best = {.validation = {.accuracy = 0.6}, .has_validation = true};
    lam_measurement latest = {.validation = {1.5, 1.75, 0.5}, .has_validation = true};
    ck_assert_double_eq(lam_objective_evaluate(LAM_OBJECTIVE_ACCURACY, &latest, &best), 0.5);
    ck_assert_double_eq(lam_objective_evaluate(LAM_OBJECTIVE_BEST_ACCURACY, &latest, &best),
                        0.6);
    ck_assert_double_eq(lam_objective_evaluate(LAM_OBJECTIVE_LOSS, &latest, &best), 1.5);
    ck_assert_double_eq(lam_objective_evaluate(LAM_OBJECTIVE_COST, &latest, &best), 1.75);
    latest.has_validation = false;
    ck_assert(isnan(lam_objective_evaluate(LAM_OBJECTIVE_LOSS, &latest, &best)));
    ck_assert(lam_objective_is_better(LAM_OBJECTIVE_ACCURACY, 0.6, 0.5));
    ck_assert(!lam_objective_is_better(LAM_OBJECTIVE_ACCURACY, 0.5, 0.5));
    ck_assert(lam_objective_is_better(LAM_OBJECTIVE_LOSS, 0.5, 0.6));
    ck_assert(lam_objective_is_better(LAM_OBJECTIVE_LOSS, 1e9, NAN));
    ck_assert(!lam_objective_is_better(LAM_OBJECTIVE_LOSS, NAN, 1));
    ck_assert(!lam_objective_is_better(LAM_OBJECTIVE_LOSS, NAN, NAN));
}
END_TEST

static void check_halvings(const char *text, const char *const *overrides,
                           const int64_t *expected)
{
    const lam_recipe recipe = parse_ok(text, overrides);
    lam_step_counts counts;
    int64_t steps[10];
    size_t count = 0;
    ck_assert_int_eq(lam_step_counts_compute(recipe_context, &recipe, 45000, &counts),
                     LAM_STATUS_OK);
    for (; expected[count] > 0; count++)
        ;
    ck_assert_uint_eq(lam_halving_find_steps(&recipe, &counts, steps, 10), count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(steps[i], expected[i]);
        ck_assert(lam_recipe_measures_at(&recipe, &counts, steps[i]));
    }
    if (count > 1) {
        steps[1] = -1;
        ck_assert_uint_eq(lam_halving_find_steps(&recipe, &counts, steps, 1), count);
        ck_assert_int_eq(steps[1], -1);
    }
}

START_TEST(halving_is_at_cycle_ends_or_doublings)
{
    check_halvings(FULL, NULL, (const int64_t[]){1600, 3200, 0});
    check_halvings(FULL, SET("schedule.cycle_growth=2", "stop.cycles=3"),
                   (const int64_t[]){1600, 4800, 0});
    check_halvings(FULL, SET("stop.cycles=1"), (const int64_t[]){0});
    check_halvings(FULL, SET("measure={every_steps: 1000}"), (const int64_t[]){2000, 3000, 0});
    /* 7 epochs of 450 steps: 1575, 787, 393 and 196, of which the last is nearest to 0 */
    check_halvings(LEAST, SET("measure={every_epochs: 1}"),
                   (const int64_t[]){450, 900, 1350, 0});
    check_halvings(LEAST, SET("measure={every_epochs: 7}"), (const int64_t[]){0});
}
END_TEST

static void check_choice(lam_objective objective, double factor, size_t count,
                         const double *values, const char *expected)
{
    bool ends[8];
    char text[9] = "";
    lam_halving_choose(objective, factor, values, count, ends);
    for (size_t i = 0; i < count; i++)
        strcat(text, ends[i] ? "-" : "+");
    ck_assert_str_eq(text, expected);
}

START_TEST(halving_keeps_the_better)
{
    const double values[] = {0.1, 0.5, 0.3, NAN, 0.5, 0.3, 0.2};
    const double equal[] = {0.1, 0.1, 0.1, 0.1};
    const double lost[] = {NAN, NAN, NAN};
    check_choice(LAM_OBJECTIVE_ACCURACY, 2, 7, values, "-++-++-");
    check_choice(LAM_OBJECTIVE_LOSS, 2, 7, values, "+-+--++");
    check_choice(LAM_OBJECTIVE_ACCURACY, 3, 7, values, "-++-+--");
    check_choice(LAM_OBJECTIVE_ACCURACY, 100, 7, values, "-+-----");
    check_choice(LAM_OBJECTIVE_ACCURACY, 1.1, 7, values, "+++++++");
    check_choice(LAM_OBJECTIVE_ACCURACY, 2, 4, equal, "++--");
    check_choice(LAM_OBJECTIVE_ACCURACY, 2, 3, lost, "++-");
    check_choice(LAM_OBJECTIVE_ACCURACY, 2, 1, values, "+");
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    add_recipe_test(suite, name, test, 10);
}

static void add_tests(Suite *suite)
{
    add(suite, "by hand", ranking_of_three_seeds_by_hand);
    add(suite, "single seeds", single_seeds_are_within_the_binomial_error);
    add(suite, "losses", losses_are_better_when_lower);
    add(suite, "unfinished", unfinished_configurations_wait_and_incomplete_ones_stand_behind);
    add(suite, "importance", importance_by_hand);
    add(suite, "importances", importance_finds_the_parameter_that_matters);
    add(suite, "best two", best_two_and_a_margin);
    add(suite, "top", range_of_the_top);
    add(suite, "one standard error", one_standard_error_and_half_the_way_to_the_next);
    add(suite, "a tenth", one_standard_error_leaves_a_tenth);
    add(suite, "zero", zero_stays_where_it_is_good);
    add(suite, "kinds", other_kinds_of_parameters_are_narrowed);
    add(suite, "nothing", nothing_to_narrow_by_is_refused);
    add(suite, "objectives", objectives_are_what_they_are_called);
    add(suite, "halving steps", halving_is_at_cycle_ends_or_doublings);
    add(suite, "halving", halving_keeps_the_better);
}

LAM_SUITE_MAIN("ranking", add_tests)
