/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What every Check suite shares: a main() around one function that adds test cases.
 */
#ifndef LAM_TESTS_SUPPORT_SUITE_H
#define LAM_TESTS_SUPPORT_SUITE_H

#include <check.h>
#include <stdlib.h>

/** Defines main(): runs the suite `name` that `function(Suite *)` fills. Tests that name no
 * time limit get one that only a hanging test meets, also under sanitizers on a busy machine.
 */
#define LAM_SUITE_MAIN(name, function)                                                         \
    int main(void)                                                                             \
    {                                                                                          \
        setenv("CK_DEFAULT_TIMEOUT", "60", 0);                                                 \
        Suite *suite = suite_create(name);                                                     \
        function(suite);                                                                       \
        SRunner *runner = srunner_create(suite);                                               \
        srunner_run_all(runner, CK_ENV);                                                       \
        int failed = srunner_ntests_failed(runner);                                            \
        srunner_free(runner);                                                                  \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                      \
    }

/** Adds one test case holding the given test function, with a time limit in seconds. */
static inline TCase *lam_add_test(Suite *suite, const char *name, const TTest *test,
                                  double timeout_s)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, timeout_s);
    tcase_add_test(test_case, test);
    suite_add_tcase(suite, test_case);
    return test_case;
}

/** A test of a suite, by the name of its case. */
typedef struct lam_named_test {
    const char *name;
    const TTest *test;
} lam_named_test;

/** Adds a case for each test, all with the same fixture and time limit. */
static inline void lam_add_tests(Suite *suite, const lam_named_test *tests, size_t count,
                                 double timeout_s, SFun set_up, SFun tear_down)
{
    for (size_t i = 0; i < count; i++)
        tcase_add_checked_fixture(lam_add_test(suite, tests[i].name, tests[i].test, timeout_s),
                                  set_up, tear_down);
}

#endif
