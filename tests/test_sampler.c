/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "search/sampler.h"
#include "search/sampler_sobol.h"
#include "support/suite.h"

static lam_context *context;
static lam_space space;

static void setup(void)
{
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);
}

static void teardown(void)
{
    lam_space_free(&space);
    lam_context_destroy(&context);
}

/* Up to the first NULL. */
#define USE_SPACE(...) use_space((const char *const[]){__VA_ARGS__, NULL})
static void use_space(const char *const *texts)
{
    size_t count = 0;
    while (texts[count])
        count++;
    lam_space_free(&space);
    lam_status status = lam_space_parse(context, texts, count, &space);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(context));
}

static lam_point draw(lam_sampler sampler, uint64_t seed, int64_t index,
                      const lam_past_point *past)
{
    lam_point point;
    bool is_ready = false;
    lam_status status =
        lam_sampler_draw(context, &space, sampler, seed, index, past, &is_ready, &point);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(context));
    ck_assert(is_ready);
    return point;
}

static void check_exhausted(lam_sampler sampler, int64_t index, const char *message)
{
    lam_point point;
    bool is_ready = false;
    ck_assert_int_eq(
        lam_sampler_draw(context, &space, sampler, 1, index, NULL, &is_ready, &point),
        LAM_STATUS_BAD_ARGUMENT);
    ck_assert_msg(strstr(lam_error_message(context), message), "%s",
                  lam_error_message(context));
}

/* Values as one text, with blanks in between. */
static const char *join(const lam_point *point)
{
    static char text[LAM_MAX_PARAMETERS * LAM_PARAMETER_VALUE_BYTES];
    text[0] = '\0';
    for (size_t i = 0; i < space.count; i++)
        sprintf(text + strlen(text), "%s%s", i > 0 ? " " : "", point->values[i]);
    return text;
}

/* Points that SciPy 1.17 gives (qmc.Sobol without scrambling, 32 bits). */
START_TEST(sobol_points_are_the_published_ones)
{
    static const double first[][5] = {
        {0},
        {0.5, 0.5, 0.5, 0.5, 0.5},
        {0.75, 0.25, 0.25, 0.25, 0.75},
        {0.25, 0.75, 0.75, 0.75, 0.25},
        {0.375, 0.375, 0.625, 0.875, 0.375},
        {0.875, 0.875, 0.125, 0.375, 0.875},
        {0.625, 0.125, 0.875, 0.625, 0.625},
        {0.125, 0.625, 0.375, 0.125, 0.125},
    };
    /* Its Gray code has 21 ones, so that as many direction numbers count. */
    const uint32_t later_index = 1398101;
    static const uint32_t later[LAM_MAX_PARAMETERS] = {
        4294965248, 2550241280, 656889856,  495802368,  211687424,  2022791168,
        4278773760, 777975808,  260503552,  3054688256, 3971356672, 3896047616,
        2631219200, 2576730112, 2715998208, 2121959424};
    for (uint32_t i = 0; i < 8; i++)
        for (size_t d = 0; d < 5; d++)
            ck_assert_double_eq(lam_sobol_get(d, i) * 0x1p-32, first[i][d]);
    for (size_t d = 0; d < LAM_MAX_PARAMETERS; d++)
        ck_assert_uint_eq(lam_sobol_get(d, later_index), later[d]);
}
END_TEST

START_TEST(shifted_sobol_points_are_as_even)
{
    bool taken[LAM_MAX_PARAMETERS][64] = {{false}};
    USE_SPACE("a=linear:0..1", "b=linear:0..1", "c=linear:0..1");
    for (int64_t i = 0; i < 64; i++) {
        lam_point point = draw(LAM_SAMPLER_SOBOL, 5, i, NULL);
        for (size_t d = 0; d < space.count; d++) {
            bool *place = &taken[d][(int)(64 * point.unit[d])];
            ck_assert(!*place);
            *place = true;
        }
    }
}
END_TEST

START_TEST(pure_points_depend_on_seed_and_index_alone)
{
    static const lam_sampler samplers[] = {LAM_SAMPLER_RANDOM, LAM_SAMPLER_SOBOL};
    for (size_t s = 0; s < 2; s++) {
        lam_point points[20];
        USE_SPACE("a=linear:0..1", "b=log:1e-5..1,0", "c=choice:x,y,z");
        ck_assert(lam_sampler_is_pure(samplers[s]));
        for (int i = 19; i >= 0; i--)
            points[i] = draw(samplers[s], 7, i, NULL);
        for (int i = 0; i < 20; i++) {
            lam_point again = draw(samplers[s], 7, i, NULL);
            ck_assert_int_eq(memcmp(&again, &points[i], sizeof again), 0);
            ck_assert(draw(samplers[s], 8, i, NULL).unit[0] != again.unit[0]);
        }
        USE_SPACE("a=linear:0..1", "b=log:1e-5..1,0", "c=choice:x,y,z", "d=int:1..9");
        for (int i = 0; i < 20; i++)
            for (int d = 0; d < 3; d++)
                ck_assert_str_eq(draw(samplers[s], 7, i, NULL).values[d], points[i].values[d]);
    }
    ck_assert(lam_sampler_is_pure(LAM_SAMPLER_GRID));
    ck_assert(!lam_sampler_is_pure(LAM_SAMPLER_TPE));
    ck_assert(!lam_sampler_is_pure(LAM_SAMPLER_CMAES));
}
END_TEST

START_TEST(random_coordinates_are_drawn_once)
{
    double seen[200];
    USE_SPACE("a=linear:0..1", "b=linear:0..1", "c=linear:0..1", "d=linear:0..1");
    for (size_t i = 0; i < 200; i++) {
        seen[i] = draw(LAM_SAMPLER_RANDOM, 7, (int64_t)i / 4, NULL).unit[i % 4];
        for (size_t j = 0; j < i; j++)
            ck_assert(seen[i] != seen[j]);
    }
}
END_TEST

static void check_grid(const char *const *expected)
{
    int64_t count = 0;
    for (; expected[count]; count++) {
        lam_point point = draw(LAM_SAMPLER_GRID, 1, count, NULL);
        ck_assert_str_eq(join(&point), expected[count]);
    }
    ck_assert_int_eq(lam_sampler_count_points(&space, LAM_SAMPLER_GRID), count);
    check_exhausted(LAM_SAMPLER_GRID, count, "the grid has");
}

START_TEST(grid_has_every_combination_in_order)
{
    USE_SPACE("a=choice:x,y", "b=log:1e-3..1e-1/3,0");
    check_grid((const char *const[]){"x 0", "x 0.001", "x 0.01", "x 0.1", "y 0", "y 0.001",
                                     "y 0.01", "y 0.1", NULL});
    USE_SPACE("a=linear:0..1/5");
    check_grid((const char *const[]){"0", "0.25", "0.5", "0.75", "1", NULL});
    USE_SPACE("a=linear:0..1/1");
    check_grid((const char *const[]){"0.5", NULL});
    USE_SPACE("a=int:2..4", "b=int:0..100/3");
    check_grid((const char *const[]){"2 0", "2 50", "2 100", "3 0", "3 50", "3 100", "4 0",
                                     "4 50", "4 100", NULL});
    ck_assert_int_eq(lam_sampler_count_points(&space, LAM_SAMPLER_RANDOM), 0);
}
END_TEST

START_TEST(grid_leaves_out_what_does_not_apply)
{
    USE_SPACE("a=choice:x,y,z", "b=grid:1,2 if a=x", "c=choice:p,q if a=z", "d=int:7..8 if c=q",
              "e=grid:0,1");
    check_grid((const char *const[]){"x 1   0", "x 1   1", "x 2   0", "x 2   1", "y    0",
                                     "y    1", "z  p  0", "z  p  1", "z  q 7 0", "z  q 7 1",
                                     "z  q 8 0", "z  q 8 1", NULL});
}
END_TEST

/* All of `count` points differ, and there is none behind them. */
static void check_different(lam_sampler sampler, int64_t count)
{
    char texts[40][100];
    lam_past_point past[41] = {{.is_over = false}};
    ck_assert(count <= 40);
    for (int64_t i = 0; i < count; i++) {
        lam_point point = draw(sampler, 3, i, past);
        memcpy(past[i].unit, point.unit, sizeof point.unit);
        past[i].cost = (double)((i * 7) % 5);
        past[i].is_over = i % 3 != 0;
        strcpy(texts[i], join(&point));
        for (int64_t j = 0; j < i; j++)
            ck_assert_str_ne(texts[j], texts[i]);
    }
    if (!lam_sampler_is_pure(sampler))
        draw(sampler, 3, count, past); /* anything, used up or not */
}

START_TEST(no_point_comes_twice)
{
    static const lam_sampler samplers[] = {LAM_SAMPLER_RANDOM, LAM_SAMPLER_SOBOL,
                                           LAM_SAMPLER_TPE};
    for (size_t s = 0; s < 3; s++) {
        USE_SPACE("a=int:1..4", "b=choice:x,y,z", "c=int:1..3 if b=y");
        check_different(samplers[s], 20);
        if (samplers[s] != LAM_SAMPLER_TPE)
            check_exhausted(samplers[s], 20, "the space has 20 different configurations");
        USE_SPACE("a=log:1e-5..1,0");
        check_different(samplers[s], 40);
    }
}
END_TEST

START_TEST(conditions_decide_what_is_varied)
{
    static const lam_sampler samplers[] = {LAM_SAMPLER_RANDOM, LAM_SAMPLER_SOBOL};
    USE_SPACE("type=choice:sgd,adam", "beta=linear:0.8..1 if type=adam",
              "momentum=linear:0..0.9 if type=sgd", "rate=linear:0..1");
    for (size_t s = 0; s < 2; s++) {
        int adam = 0;
        for (int64_t i = 0; i < 50; i++) {
            lam_point point = draw(samplers[s], 2, i, NULL);
            bool is_adam = strcmp(point.values[0], "adam") == 0;
            adam += is_adam;
            ck_assert_int_eq(point.values[1][0] != '\0', is_adam);
            ck_assert_int_eq(point.values[2][0] != '\0', !is_adam);
            ck_assert(point.values[3][0] != '\0');
            ck_assert(point.unit[1] >= 0 && point.unit[1] < 1);
        }
        ck_assert(adam > 10 && adam < 40);
    }
}
END_TEST

START_TEST(zero_has_its_share_and_ranges_hold)
{
    USE_SPACE("a=log:1e-5..1e-1,0", "b=linear:-1..1", "c=int:-2..2");
    int zeros = 0, tenths = 0, counts[5] = {0};
    for (int64_t i = 0; i < 1000; i++) {
        lam_point point = draw(LAM_SAMPLER_SOBOL, 4, i, NULL);
        double a = strtod(point.values[0], NULL), b = strtod(point.values[1], NULL);
        zeros += a == 0;
        tenths += a >= 1e-2;
        ck_assert(a == 0 || (a >= 1e-5 && a <= 1e-1));
        ck_assert(b >= -1 && b <= 1);
        counts[atoi(point.values[2]) + 2]++;
    }
    ck_assert_int_ge(zeros, 95);
    ck_assert_int_le(zeros, 105);
    ck_assert_int_ge(tenths, 220); /* a quarter of 90 % */
    ck_assert_int_le(tenths, 230);
    for (int i = 0; i < 5; i++)
        ck_assert(counts[i] > 190 && counts[i] < 210);
}
END_TEST

static void check_unfit(lam_sampler sampler, const char *message)
{
    ck_assert_int_eq(lam_sampler_check(context, &space, sampler), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_msg(strstr(lam_error_message(context), message), "%s",
                  lam_error_message(context));
}

START_TEST(samplers_refuse_spaces_they_cannot_serve)
{
    USE_SPACE("l2=log:1e-5..1e-1,0", "n=int:1..3");
    check_unfit(LAM_SAMPLER_GRID, "l2 has a range without a number of values");
    ck_assert_int_eq(lam_sampler_check(context, &space, LAM_SAMPLER_CMAES), LAM_STATUS_OK);
    USE_SPACE("a=choice:x,y", "b=linear:0..1/3 if a=x");
    check_unfit(LAM_SAMPLER_CMAES, "a has values without a distance");
    ck_assert_int_eq(lam_sampler_check(context, &space, LAM_SAMPLER_GRID), LAM_STATUS_OK);
    ck_assert_int_eq(lam_sampler_check(context, &space, LAM_SAMPLER_TPE), LAM_STATUS_OK);
    ck_assert_int_eq(lam_sampler_check(context, &space, LAM_SAMPLER_SOBOL), LAM_STATUS_OK);
    lam_space_free(&space);
    check_unfit(LAM_SAMPLER_CMAES, "needs a parameter");
}
END_TEST

static double get_distance(const double *unit)
{
    double sum = 0;
    for (size_t i = 0; i < space.count; i++) {
        double off = unit[i] - (i % 2 == 0 ? 0.3 : 0.8);
        sum += (double)(i + 1) * off * off;
    }
    return sum;
}

/* The lowest cost of `count` points; `batch` of them are in training at once, and none is over
 * while a sampler that waits for them can go on. */
static double minimize(lam_sampler sampler, uint64_t seed, int64_t count, int64_t batch)
{
    static lam_past_point past[1000];
    double best = INFINITY;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < i; j++)
            past[j].is_over = j < i / batch * batch;
        lam_point point = draw(sampler, seed, i, past);
        memcpy(past[i].unit, point.unit, sizeof point.unit);
        past[i].cost = get_distance(point.unit);
        best = fmin(best, past[i].cost);
    }
    return best;
}

static double minimize_often(lam_sampler sampler, int64_t count, int64_t batch)
{
    double logarithms = 0;
    for (uint64_t seed = 0; seed < 10; seed++)
        logarithms += log(minimize(sampler, seed, count, batch));
    return exp(logarithms / 10);
}

/* Reached by now: 0.0032 at random, 0.00019 and 0.00004 by TPE, 0.00004 by CMA-ES. */
START_TEST(two_parameters_are_found_sooner_than_at_random)
{
    USE_SPACE("a=linear:0..1", "b=linear:0..1");
    double random = minimize_often(LAM_SAMPLER_RANDOM, 80, 1);
    ck_assert_double_lt(minimize_often(LAM_SAMPLER_TPE, 80, 1), random / 4);
    ck_assert_double_lt(minimize_often(LAM_SAMPLER_TPE, 80, 8), random / 4);
    ck_assert_double_lt(minimize_often(LAM_SAMPLER_CMAES, 78, 6), random / 10);
    ck_assert_double_lt(minimize(LAM_SAMPLER_CMAES, 1, 400, 6), 1e-12);
}
END_TEST

/* 0.14 at random, 0.0065 and 0.0045 by TPE, 0.0039 by CMA-ES. */
START_TEST(five_parameters_are_found_sooner_than_at_random)
{
    USE_SPACE("a=linear:0..1", "b=linear:0..1", "c=linear:0..1", "d=linear:0..1",
              "e=linear:0..1");
    double random = minimize_often(LAM_SAMPLER_RANDOM, 160, 1);
    ck_assert_double_lt(minimize_often(LAM_SAMPLER_TPE, 160, 8), random / 4);
    ck_assert_double_lt(minimize_often(LAM_SAMPLER_CMAES, 160, 8), random / 10);
    ck_assert_double_lt(minimize(LAM_SAMPLER_CMAES, 1, 1000, 8), 1e-9);
}
END_TEST

START_TEST(tpe_starts_at_random)
{
    lam_past_point past[30] = {{.is_over = false}};
    USE_SPACE("a=linear:0..1", "b=choice:x,y");
    for (int i = 0; i < 30; i++) {
        lam_point point = draw(LAM_SAMPLER_TPE, 6, i, past);
        lam_point random = draw(LAM_SAMPLER_RANDOM, 6, i, NULL);
        bool is_random = memcmp(&point, &random, sizeof point) == 0;
        /* From the eleventh on that is over. */
        ck_assert_int_eq(is_random, i < 20);
        memcpy(past[i].unit, point.unit, sizeof point.unit);
        past[i].cost = point.unit[0];
        past[i].is_over = i >= 10;
    }
}
END_TEST

START_TEST(tpe_prefers_the_better_choice)
{
    lam_past_point past[60] = {{.is_over = false}};
    int good = 0;
    USE_SPACE("a=choice:u,v,w", "b=linear:0..1 if a=v", "c=linear:0..1");
    for (int i = 0; i < 60; i++) {
        lam_point point = draw(LAM_SAMPLER_TPE, 6, i, past);
        bool is_v = strcmp(point.values[0], "v") == 0;
        memcpy(past[i].unit, point.unit, sizeof point.unit);
        past[i].cost = is_v ? fabs(point.unit[1] - 0.5) : INFINITY;
        past[i].is_over = true;
        good += i >= 30 && is_v && past[i].cost < 0.25;
    }
    ck_assert_int_ge(good, 20);
}
END_TEST

START_TEST(tpe_looks_at_a_parameter_where_it_applies)
{
    lam_past_point past[20] = {{.is_over = false}};
    USE_SPACE("a=choice:u,v", "b=linear:0..1 if a=v");
    for (int i = 0; i < 20; i++) {
        lam_point point = draw(LAM_SAMPLER_RANDOM, 6, i, NULL);
        memcpy(past[i].unit, point.unit, sizeof point.unit);
        past[i].cost = point.values[1][0] == '\0' ? 9 : fabs(point.unit[1] - 0.5);
        past[i].is_over = true;
    }
    lam_point points[20];
    for (uint64_t seed = 0; seed < 20; seed++)
        points[seed] = draw(LAM_SAMPLER_TPE, seed, 20, past);
    ck_assert_str_eq(points[6].values[0], "v");
    for (int i = 0; i < 20; i++)
        if (past[i].cost == 9)
            past[i].unit[1] = 0.5;
    for (uint64_t seed = 0; seed < 20; seed++) {
        lam_point again = draw(LAM_SAMPLER_TPE, seed, 20, past);
        ck_assert_int_eq(memcmp(&again, &points[seed], sizeof again), 0);
    }
}
END_TEST

START_TEST(cmaes_waits_for_the_generation_before)
{
    lam_past_point past[12] = {{.is_over = false}};
    lam_point point = {.unit = {-7}};
    bool is_ready = true;
    USE_SPACE("a=linear:0..1", "b=int:1..100");
    for (int i = 0; i < 6; i++) {
        lam_point drawn = draw(LAM_SAMPLER_CMAES, 1, i, past);
        memcpy(past[i].unit, drawn.unit, sizeof drawn.unit);
        past[i].cost = i == 2 ? INFINITY : i;
        past[i].is_over = i != 4;
    }
    ck_assert_int_eq(
        lam_sampler_draw(context, &space, LAM_SAMPLER_CMAES, 1, 6, past, &is_ready, &point),
        LAM_STATUS_OK);
    ck_assert(!is_ready && point.unit[0] == -7);
    past[4].is_over = true;
    lam_point finite = draw(LAM_SAMPLER_CMAES, 1, 6, past);
    past[2].cost = 100;
    lam_point same = draw(LAM_SAMPLER_CMAES, 1, 6, past);
    ck_assert_int_eq(memcmp(&same, &finite, sizeof same), 0);
    past[2].cost = -1;
    ck_assert(draw(LAM_SAMPLER_CMAES, 1, 6, past).unit[0] != finite.unit[0]);
    for (int i = 0; i < 6; i++)
        past[i].cost = i % 2 == 0 ? INFINITY : NAN;
    lam_point lost = draw(LAM_SAMPLER_CMAES, 1, 6, past);
    ck_assert(isfinite(lost.unit[0]) && isfinite(lost.unit[1]));
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 10), setup, teardown);
}

static void add_tests(Suite *suite)
{
    add(suite, "sobol", sobol_points_are_the_published_ones);
    add(suite, "shift", shifted_sobol_points_are_as_even);
    add(suite, "pure", pure_points_depend_on_seed_and_index_alone);
    add(suite, "random", random_coordinates_are_drawn_once);
    add(suite, "grid", grid_has_every_combination_in_order);
    add(suite, "conditional grid", grid_leaves_out_what_does_not_apply);
    add(suite, "different", no_point_comes_twice);
    add(suite, "conditions", conditions_decide_what_is_varied);
    add(suite, "ranges", zero_has_its_share_and_ranges_hold);
    add(suite, "unfit", samplers_refuse_spaces_they_cannot_serve);
    add(suite, "two parameters", two_parameters_are_found_sooner_than_at_random);
    add(suite, "five parameters", five_parameters_are_found_sooner_than_at_random);
    add(suite, "TPE starts", tpe_starts_at_random);
    add(suite, "TPE chooses", tpe_prefers_the_better_choice);
    add(suite, "TPE conditions", tpe_looks_at_a_parameter_where_it_applies);
    add(suite, "CMA-ES waits", cmaes_waits_for_the_generation_before);
}

LAM_SUITE_MAIN("sampler", add_tests)
