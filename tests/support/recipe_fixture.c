/* SPDX-License-Identifier: Apache-2.0 */
#include "support/recipe_fixture.h"

#include <stdlib.h>
#include <string.h>

lam_context *recipe_context;

static void setup(void)
{
    ck_assert_int_eq(lam_context_create(&recipe_context), LAM_STATUS_OK);
}

static void teardown(void)
{
    lam_context_destroy(&recipe_context);
}

static lam_status parse(const char *text, const char *const *overrides, lam_recipe *ret_recipe)
{
    size_t count = 0;
    while (overrides && overrides[count])
        count++;
    return lam_recipe_parse(recipe_context, text, strlen(text), "t.yaml", overrides, count,
                            ret_recipe);
}

lam_recipe parse_ok(const char *text, const char *const *overrides)
{
    lam_recipe recipe;
    memset(&recipe, 0xA5, sizeof recipe);
    lam_status status = parse(text, overrides, &recipe);
    ck_assert_msg(status == LAM_STATUS_OK, "%s: %s", lam_status_name(status),
                  lam_error_message(recipe_context));
    return recipe;
}

void parse_fails(const char *text, const char *const *overrides, const char *start,
                 const char *fragment)
{
    lam_recipe recipe, untouched;
    memset(&recipe, 0x5A, sizeof recipe);
    memset(&untouched, 0x5A, sizeof untouched);
    lam_status status = parse(text, overrides, &recipe);
    const char *message = lam_error_message(recipe_context);
    ck_assert_msg(status == LAM_STATUS_BAD_RECIPE, "%s for %s, not '%s'",
                  lam_status_name(status), text, fragment);
    ck_assert_msg(strncmp(message, start, strlen(start)) == 0 && strstr(message, fragment) &&
                      !strchr(message, '\n'),
                  "'%s' should start with '%s' and hold '%s'", message, start, fragment);
    ck_assert_int_eq(memcmp(&recipe, &untouched, sizeof recipe), 0);
}

void formats_and_parses_back(const lam_recipe *recipe)
{
    char *json = NULL, *again = NULL;
    lam_status status = lam_recipe_format(recipe_context, recipe, &json);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(recipe_context));
    lam_recipe back = parse_ok(json, NULL);
    ck_assert_msg(memcmp(&back, recipe, sizeof back) == 0, "%s", json);
    ck_assert_int_eq(lam_recipe_format(recipe_context, &back, &again), LAM_STATUS_OK);
    ck_assert_str_eq(json, again);
    free(json);
    free(again);
}

void add_recipe_test(Suite *suite, const char *name, const TTest *test, double timeout_s)
{
    tcase_add_checked_fixture(lam_add_test(suite, name, test, timeout_s), setup, teardown);
}
