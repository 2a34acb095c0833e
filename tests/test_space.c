/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lamina/space.h"
#include "search/sampler_grid.h"
#include "search/space_points.h"
#include "search/space_values.h"
#include "support/suite.h"

static lam_context *context;

static void setup(void)
{
    ck_assert_int_eq(lam_context_create(&context), LAM_STATUS_OK);
}

static void teardown(void)
{
    lam_context_destroy(&context);
}

static lam_space parse_ok(size_t count, const char *const *texts)
{
    lam_space space;
    lam_status status = lam_space_parse(context, texts, count, &space);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(context));
    return space;
}

static lam_space parse_one(const char *text)
{
    return parse_ok(1, &text);
}

START_TEST(parameters_are_read)
{
    const char *const texts[] = {"schedule.maximum=linear:0..0.1", "l2 = log:1e-5 .. 1e-1/9, 0",
                                 "layers[0].width=int:20..600",
                                 "optimizer.type=choice:sgd, adam",
                                 "optimizer.beta1=grid:0.9,0.95 if optimizer.type=adam"};
    lam_space space = parse_ok(5, texts);
    const lam_parameter *p = space.parameters;
    ck_assert_uint_eq(space.count, 5);
    ck_assert_int_eq(p[0].type, LAM_SPACE_LINEAR);
    ck_assert_double_eq(p[0].maximum, 0.1);
    ck_assert_str_eq(p[1].key, "l2");
    ck_assert_int_eq(p[1].type, LAM_SPACE_LOG);
    ck_assert_double_eq(p[1].minimum, 1e-5);
    ck_assert_int_eq(p[1].grid_count, 9);
    ck_assert(p[1].has_zero && !p[0].has_zero);
    ck_assert_int_eq(p[2].type, LAM_SPACE_INT);
    ck_assert_int_eq(p[2].grid_count, 0);
    ck_assert_int_eq(p[3].value_count, 2);
    ck_assert_str_eq(p[3].values[1], "adam");
    ck_assert_str_eq(p[4].values[1], "0.95");
    ck_assert_str_eq(p[4].when_key, "optimizer.type");
    ck_assert_str_eq(p[4].when_value, "adam");
    lam_space_free(&space);
    ck_assert_uint_eq(space.count, 0);
}
END_TEST

START_TEST(commas_within_a_value_do_not_split_it)
{
    const char *const texts[] = {
        "b=choice:'[{',c",
        "layers=choice:[{type: dense, width: 5}, relu],[a],'x, if y' if b='[{'"};
    lam_space space = parse_ok(2, texts);
    const lam_parameter *p = &space.parameters[1];
    ck_assert_int_eq(p->value_count, 3);
    ck_assert_str_eq(p->values[0], "[{type: dense, width: 5}, relu]");
    ck_assert_str_eq(p->values[2], "'x, if y'");
    ck_assert_str_eq(p->when_value, "'[{'");
    lam_space_free(&space);
}
END_TEST

static void check_same_parameter(const lam_parameter *a, const lam_parameter *b)
{
    ck_assert_str_eq(a->key, b->key);
    ck_assert_int_eq(a->type, b->type);
    ck_assert(a->minimum == b->minimum && a->maximum == b->maximum);
    ck_assert_int_eq(a->has_zero, b->has_zero);
    ck_assert_int_eq(a->grid_count, b->grid_count);
    ck_assert_str_eq(a->when_key, b->when_key);
    ck_assert_str_eq(a->when_value, b->when_value);
    ck_assert_int_eq(a->value_count, b->value_count);
    for (int i = 0; i < a->value_count; i++)
        ck_assert_str_eq(a->values[i], b->values[i]);
}

START_TEST(formatted_parameters_are_read_back)
{
    const char *const texts[] = {"a=linear:-0.5..0.3333333333333333/7",
                                 "b=log:1e-5..0.1,0",
                                 "c=log:1e-300..123456789012345680000/3,0",
                                 "d=int:-3..3",
                                 "e=int:0..100/11",
                                 "f=choice:x,[1, 2],{a: 3}",
                                 "g=grid:0.001,0.003 if f=[1, 2]"};
    size_t count = sizeof texts / sizeof texts[0];
    lam_space space = parse_ok(count, texts), back, copy;
    char *formatted[LAM_MAX_PARAMETERS] = {0};
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(lam_parameter_format(context, &space.parameters[i], &formatted[i]),
                         LAM_STATUS_OK);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(formatted[i],
                         i == 2 ? "c=log:1e-300..1.2345678901234568e20/3,0" : texts[i]);
    back = parse_ok(count, (const char *const *)formatted);
    ck_assert_int_eq(lam_space_copy(context, &space, &copy), LAM_STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        check_same_parameter(&back.parameters[i], &space.parameters[i]);
        check_same_parameter(&copy.parameters[i], &space.parameters[i]);
        free(formatted[i]);
    }
    lam_space_free(&space);
    lam_space_free(&back);
    ck_assert_str_eq(copy.parameters[5].values[1], "[1, 2]");
    lam_space_free(&copy);
}
END_TEST

static const struct {
    const char *text, *problem;
} refused[] = {
    {"lr=log:0..1", "a log range begins above 0; for a zero besides write log:1e-5..1,0"},
    {"lr=log:-1..1", "begins above 0"},
    {"lr", "key=space"},
    {"lr=0.1", "key=space"},
    {"=log:1..2", "is no key"},
    {"l r=log:1..2", "is no key"},
    {"lr=uniform:0..1", "'uniform' is no kind of space; legal: linear:"},
    {"lr=linear:1", "two ends with .. between them, as in linear:1..10"},
    {"lr=linear:1..1", "begins below its end"},
    {"lr=linear:2..1", "begins below its end"},
    {"lr=linear:-1.7e308..1.7e308", "too wide"},
    {"lr=linear:0..inf", "'inf' is no number"},
    {"lr=linear:0..1e999", "'1e999' is no number"},
    {"lr=linear:0..0x10", "'0x10' is no number"},
    {"lr=linear:..1", "'' is no number"},
    {"lr=linear:0..1,0", "only a log range may have a 0 besides"},
    {"lr=log:1e-5..1,1", "only a log range may have a 0 besides"},
    {"lr=log:1e-5..1/0", "'0' is no number of grid values; legal: 1 to 100000"},
    {"lr=log:1e-5..1/x", "'x' is no number of grid values"},
    {"lr=log:1e-5..1,0/9", "only a log range may have a 0 besides, as in log:1e-5..1,0"},
    {"n=int:1.5..3", "'1.5' is no whole number"},
    {"n=int:1..1e10", "no whole number from -1e9 to 1e9"},
    {"n=int:2..1", "begins below its end"},
    {"n=int:1..4/5", "fewer than 5 whole numbers"},
    {"o=choice:", "a value is empty"},
    {"o=choice:a,,b", "a value is empty"},
    {"o=choice:a,b,a", "'a' is there twice"},
    {"o=choice:a if p=1", "'p' is no parameter before this one"},
    {"o=choice:a if first", "a condition has the form key=value"},
    {"o=choice:a if first=z", "first never is 'z'"},
    {"o=choice:a if range=0.5", "range has a range"},
    {"first=int:1..2", "first is there twice"},
    {"seed=int:1..5", "ask for more seeds"},
    {"data.train_first=int:1..5", "all trials of a study have the same data"},
};

START_TEST(what_cannot_be_is_refused_with_reason)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *const texts[] = {"first=choice:x,y", "range=linear:0..1", refused[i].text};
        lam_space space = {.count = 77};
        char start[100];
        ck_assert_int_eq(lam_space_parse(context, texts, 3, &space), LAM_STATUS_BAD_ARGUMENT);
        snprintf(start, sizeof start, "%s: ", refused[i].text);
        const char *message = lam_error_message(context);
        ck_assert_msg(
            strncmp(message, start, strlen(start)) == 0 && strstr(message, refused[i].problem),
            "'%s' should start with '%s' and hold '%s'", message, start, refused[i].problem);
        ck_assert_uint_eq(space.count, 77);
    }
}
END_TEST

START_TEST(too_much_of_anything_is_refused)
{
    char text[2000] = "k=choice:0";
    const char *const many[LAM_MAX_PARAMETERS + 1] = {0}, *const one[] = {text};
    lam_space space;
    ck_assert_int_eq(lam_space_parse(context, many, LAM_MAX_PARAMETERS + 1, &space),
                     LAM_STATUS_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(lam_error_message(context), "legal: up to 16"));
    for (int i = 1; i <= LAM_MAX_PARAMETER_VALUES; i++)
        sprintf(text + strlen(text), ",%d", i);
    ck_assert_int_eq(lam_space_parse(context, one, 1, &space), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(lam_error_message(context), "legal: up to 256"));
    sprintf(text, "k=choice:%0*d", LAM_PARAMETER_VALUE_BYTES, 0);
    ck_assert_int_eq(lam_space_parse(context, one, 1, &space), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(lam_error_message(context), "legal: up to 63 bytes"));
    sprintf(text, "%0*d=int:1..2", LAM_PARAMETER_KEY_BYTES, 0);
    ck_assert_int_eq(lam_space_parse(context, one, 1, &space), LAM_STATUS_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(lam_error_message(context), "legal: up to 63 bytes"));
}
END_TEST

START_TEST(numbers_are_as_short_as_they_can_be)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1e-5, "1e-5"},
                 {0, "0"},
                 {-2.5e-12, "-2.5e-12"},
                 {600, "600"},
                 {999999999, "999999999"},
                 {1e15, "1e15"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {0.30000000000000001, "0.3"},
                 {5e-324, "4.94065645841247e-324"}};
    char text[LAM_PARAMETER_VALUE_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lam_number_format(cases[i].value, text);
        ck_assert_str_eq(text, cases[i].text);
        ck_assert(strtod(text, NULL) == cases[i].value);
    }
}
END_TEST

static void check_value(const lam_parameter *parameter, double unit, const char *expected)
{
    char text[LAM_PARAMETER_VALUE_BYTES];
    lam_parameter_format_value(parameter, unit, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(coordinates_become_values)
{
    const char *const texts[] = {"a=linear:1..3", "b=log:1e-5..1e-1", "c=int:5..7",
                                 "d=choice:x,y", "e=log:0.01..1,0"};
    lam_space space = parse_ok(5, texts);
    const lam_parameter *p = space.parameters;
    check_value(&p[0], 0, "1");
    check_value(&p[0], 0.25, "1.5");
    check_value(&p[1], 0, "1e-5");
    check_value(&p[1], 0.5, "0.001");
    check_value(&p[2], 0.33, "5");
    check_value(&p[2], 0.34, "6");
    check_value(&p[2], 1 - 0x1p-53, "7");
    check_value(&p[3], 0.49, "x");
    check_value(&p[3], 0.5, "y");
    check_value(&p[4], 0.0999, "0");
    check_value(&p[4], 0.1, "0.01");
    lam_space_free(&space);
}
END_TEST

START_TEST(values_have_their_coordinates_back)
{
    const char *const texts[] = {"a=linear:1..3", "b=log:1e-5..1e-1", "c=int:5..7",
                                 "d=choice:x,y",  "e=log:0.01..1,0",  "f=grid:0.1,0.5,0.9"};
    lam_space space = parse_ok(6, texts);
    for (size_t i = 0; i < space.count; i++) {
        for (double unit = 0.003; unit < 1; unit += 0.0101) {
            char text[LAM_PARAMETER_VALUE_BYTES], again[LAM_PARAMETER_VALUE_BYTES];
            double back = -1;
            lam_parameter_format_value(&space.parameters[i], unit, text);
            ck_assert(lam_parameter_find_unit(&space.parameters[i], text, &back));
            lam_parameter_format_value(&space.parameters[i], back, again);
            ck_assert_double_eq_tol(strtod(text, NULL), strtod(again, NULL), 1e-13);
            if (i < 2)
                ck_assert_double_eq_tol(back, unit, 1e-12);
        }
    }
    double unit = 0;
    ck_assert(!lam_parameter_find_unit(&space.parameters[0], "4", &unit));
    ck_assert(!lam_parameter_find_unit(&space.parameters[0], "", &unit));
    ck_assert(!lam_parameter_find_unit(&space.parameters[0], "nan", &unit));
    ck_assert(!lam_parameter_find_unit(&space.parameters[1], "0", &unit));
    ck_assert(!lam_parameter_find_unit(&space.parameters[3], "z", &unit));
    ck_assert(lam_parameter_find_unit(&space.parameters[0], "3", &unit) && unit < 1);
    lam_space_free(&space);
}
END_TEST

START_TEST(points_are_counted_with_their_conditions)
{
    const char *const texts[] = {"a=choice:x,y,z", "b=int:1..4 if a=x", "c=choice:p,q if a=y",
                                 "d=int:1..3 if c=q", "e=int:1..2"};
    lam_space space = parse_ok(5, texts);
    /* x: 4; y: p 1 + q 3; z: 1; times e */
    ck_assert_int_eq(lam_space_count_points(&space, lam_parameter_count_values), 18);
    lam_space_free(&space);
    const char *const wide[] = {"a=int:1..1000000000", "b=int:1..1000000000",
                                "c=int:1..1000000000"};
    space = parse_ok(3, wide);
    ck_assert(lam_space_count_points(&space, lam_parameter_count_values) == INT64_MAX);
    lam_space_free(&space);
    space = parse_one("a=linear:0..1");
    ck_assert(lam_space_count_points(&space, lam_parameter_count_values) == INT64_MAX);
    lam_space_free(&space);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, 10), setup, teardown);
}

static void add_tests(Suite *suite)
{
    add(suite, "parameters", parameters_are_read);
    add(suite, "commas", commas_within_a_value_do_not_split_it);
    add(suite, "round trip", formatted_parameters_are_read_back);
    add(suite, "errors", what_cannot_be_is_refused_with_reason);
    add(suite, "too much", too_much_of_anything_is_refused);
    add(suite, "numbers", numbers_are_as_short_as_they_can_be);
    add(suite, "values", coordinates_become_values);
    add(suite, "coordinates", values_have_their_coordinates_back);
    add(suite, "count", points_are_counted_with_their_conditions);
}

LAM_SUITE_MAIN("space", add_tests)
