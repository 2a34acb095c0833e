/* SPDX-License-Identifier: Apache-2.0 */
/* Published numbers against ours: the manifest, the verdicts and the rows of the page. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/reproduction_rows.h"
#include "report/verdict.h"
#include "support/folder.h"
#include "support/recipe_fixture.h"

/* ---- verdicts ---- */

static lam_verdict judge(lam_quantity quantity, double low, double high, uint32_t rows,
                         lam_estimate ours)
{
    const lam_published published = {
        .quantity = quantity, .low = low, .high = high, .rows = rows};
    return lam_verdict_find(&published, &ours);
}

static lam_estimate estimate(size_t n, double mean, double deviation)
{
    return (lam_estimate){n, mean, n > 1 ? deviation : NAN, NAN};
}

/* 1.96 sqrt(0.7^2 + 0.7^2/3 + 50^2/10000) = 1.865 */
START_TEST(accuracies_have_the_noise_of_seeds_and_rows)
{
    lam_quantity test = LAM_QUANTITY_TEST_ACCURACY;
    ck_assert_int_eq(judge(test, 50, 50, 10000, estimate(3, 51.8, 0.7)), LAM_VERDICT_AGREES);
    ck_assert_int_eq(judge(test, 50, 50, 10000, estimate(3, 48.2, 0.7)), LAM_VERDICT_AGREES);
    ck_assert_int_eq(judge(test, 50, 50, 10000, estimate(3, 51.9, 0.7)), LAM_VERDICT_BETTER);
    ck_assert_int_eq(judge(test, 50, 50, 10000, estimate(3, 48.1, 0.7)), LAM_VERDICT_DIFFERS);
    ck_assert_int_eq(judge(test, 50, 50, 1000, estimate(3, 48.1, 0.7)), LAM_VERDICT_AGREES);
    ck_assert_int_eq(judge(test, 50, 50, 10000, estimate(3, 48.1, 1.4)), LAM_VERDICT_AGREES);
}
END_TEST

START_TEST(small_deviations_do_not_narrow_what_is_tolerated)
{
    const lam_published published = {
        .quantity = LAM_QUANTITY_TEST_ACCURACY, .low = 100, .high = 100, .rows = 100};
    const lam_estimate exact = estimate(4, 100, 0), single = estimate(1, 100, 0);
    ck_assert_double_eq_tol(lam_verdict_get_tolerance(&published, &exact), 1.96 * 0.7, 1e-12);
    ck_assert_double_eq_tol(lam_verdict_get_tolerance(&published, &single),
                            1.96 * 0.7 * sqrt(2), 1e-12);
}
END_TEST

START_TEST(ranges_count_from_their_nearer_end)
{
    lam_quantity test = LAM_QUANTITY_TEST_ACCURACY;
    ck_assert_int_eq(judge(test, 33, 38, 10000, estimate(3, 35, 0.1)), LAM_VERDICT_AGREES);
    ck_assert_int_eq(judge(test, 33, 38, 10000, estimate(3, 39, 0.1)), LAM_VERDICT_AGREES);
    ck_assert_int_eq(judge(test, 33, 38, 10000, estimate(3, 40.5, 0.1)), LAM_VERDICT_BETTER);
    ck_assert_int_eq(judge(test, 33, 38, 10000, estimate(3, 31, 0.1)), LAM_VERDICT_DIFFERS);
}
END_TEST

/* t of 2 degrees is 4.3027: 4.3027 * 0.01 * sqrt(4/3) = 0.04968 */
START_TEST(losses_have_the_noise_of_seeds_alone)
{
    lam_quantity loss = LAM_QUANTITY_TEST_LOSS;
    ck_assert_int_eq(judge(loss, 1.5, 1.5, 10000, estimate(3, 1.5496, 0.01)),
                     LAM_VERDICT_AGREES);
    ck_assert_int_eq(judge(loss, 1.5, 1.5, 10000, estimate(3, 1.5498, 0.01)),
                     LAM_VERDICT_DIFFERS);
    ck_assert_int_eq(judge(loss, 1.5, 1.5, 10000, estimate(3, 1.4, 0.01)), LAM_VERDICT_BETTER);
    ck_assert_int_eq(judge(loss, 1.5, 1.5, 10000, estimate(1, 1.5, 0)), LAM_VERDICT_NONE);
}
END_TEST

START_TEST(errors_repeat_in_their_order_of_magnitude)
{
    lam_quantity error = LAM_QUANTITY_WEIGHT_ERROR;
    ck_assert_int_eq(judge(error, 1e-9, 1e-9, 0, estimate(1, 9.9e-9, 0)), LAM_VERDICT_AGREES);
    ck_assert_int_eq(judge(error, 1e-9, 1e-9, 0, estimate(1, 1.01e-8, 0)), LAM_VERDICT_DIFFERS);
    ck_assert_int_eq(judge(error, 1e-9, 1e-9, 0, estimate(1, 1e-15, 0)), LAM_VERDICT_AGREES);
}
END_TEST

START_TEST(bounds_are_kept_or_not)
{
    const lam_published bound = {
        .quantity = LAM_QUANTITY_LARGEST_RELATIVE, .low = 1e-6, .high = 1e-6, .is_bound = true};
    const lam_estimate kept = estimate(4, 9.9e-7, 0), broken = estimate(4, 1.1e-6, 0);
    ck_assert_int_eq(lam_verdict_find(&bound, &kept), LAM_VERDICT_AGREES);
    ck_assert_int_eq(lam_verdict_find(&bound, &broken), LAM_VERDICT_DIFFERS);
}
END_TEST

START_TEST(a_slip_is_one_only_where_numbers_differ)
{
    const lam_published slip = {.quantity = LAM_QUANTITY_TEST_ACCURACY,
                                .low = 32,
                                .high = 32,
                                .rows = 10000,
                                .is_slip = true};
    const lam_estimate near = estimate(3, 32.5, 0.3), far = estimate(3, 39, 0.3);
    ck_assert_int_eq(lam_verdict_find(&slip, &near), LAM_VERDICT_AGREES);
    ck_assert_int_eq(lam_verdict_find(&slip, &far), LAM_VERDICT_SLIP);
}
END_TEST

START_TEST(what_was_not_measured_is_not_judged)
{
    lam_experiment_result result = {.is_done = true};
    const lam_published published = {.quantity = LAM_QUANTITY_TEST_ACCURACY};
    ck_assert_int_eq(lam_published_judge(&published, &result), LAM_VERDICT_NONE);
    ck_assert_int_eq(judge(LAM_QUANTITY_FINE_BEST, 53, 53, 5000, estimate(1, 53, 0)),
                     LAM_VERDICT_NONE);
    ck_assert_int_eq(judge(LAM_QUANTITY_TEST_ACCURACY, 53, 53, 5000, estimate(2, NAN, NAN)),
                     LAM_VERDICT_NONE);
}
END_TEST

/* ---- manifests ---- */

#define HEAD "reports:\n  - {name: S0, title: t}\nexperiments:\n"
#define ONE HEAD "  - {name: a, title: t, recipe: r.yaml"

/* A manifest in a folder of its own, beside the recipe r.yaml. */
static lam_status load(const char *text, lam_manifest **ret_manifest)
{
    const test_folder folder = test_folder_make();
    const char *path = test_path(&folder, "m.yaml");
    test_file_write_text(test_path(&folder, "r.yaml"),
                         LEAST "data: {validation_count: 5000}\n");
    test_file_write_text(path, text);
    lam_status status = lam_manifest_load(recipe_context, path, ret_manifest);
    test_folder_remove(&folder);
    return status;
}

START_TEST(manifests_are_read)
{
    lam_manifest *manifest = NULL;
    lam_status status = load(
        ONE
        ", set: [l2=0.25, 'stop={epochs: 2}'], seeds: 2, published: [\n"
        "  {report: S0, what: test accuracy, value: 39.27, note: why},\n"
        "  {report: S0, what: validation accuracy, value: [33, 38], text: about, rows: 7},\n"
        "  {report: S0, what: test loss, value: 2.0, slip: true, note: it slipped}]}\n"
        "  - {name: b, title: t, recipe: r.yaml, kind: gradients, step: 1e-6, default: "
        "false,\n     published: [{report: S0, what: largest error, value: 1.5e-8, bound: "
        "true}]}\n",
        &manifest);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(recipe_context));
    const lam_experiment *a = &manifest->experiments[0], *b = &manifest->experiments[1];
    ck_assert_uint_eq(manifest->experiment_count, 2);
    ck_assert_double_eq(a->recipe.network.l2, 0.25);
    ck_assert_str_eq(a->settings, " --set l2=0.25 --set 'stop={epochs: 2}'");
    ck_assert_uint_eq(a->seeds, 2);
    ck_assert_str_eq(a->published[0].text, "39.27");
    ck_assert_double_eq_tol(a->published[0].rounding, 0.005, 1e-12);
    ck_assert_uint_eq(a->published[0].rows, 10000);
    ck_assert_str_eq(a->published[1].text, "about");
    ck_assert_uint_eq(a->published[1].rows, 7);
    ck_assert_double_eq(a->published[1].low, 33);
    ck_assert_double_eq_tol(a->published[2].rounding, 0.05, 1e-12);
    ck_assert(a->published[2].is_slip);
    ck_assert(b->is_extra && !a->is_extra);
    ck_assert_double_eq(b->step, 1e-6);
    ck_assert_double_eq_tol(b->published[0].rounding, 5e-10, 1e-20);
    lam_manifest_free(&manifest);
    ck_assert_ptr_null(manifest);
}
END_TEST

static const struct {
    const char *text, *place, *problem;
} wrong[] = {
    {"", "m.yaml:1", "empty"},
    {"reports: []\n", "m.yaml:1", "experiments"},
    {"experiments: 7\n", "m.yaml:1", "no list"},
    {HEAD "  - 3\n", "m.yaml:4", "must be a mapping"},
    {ONE ", '': x}\n", "m.yaml:4", "is no key here"},
    {ONE ", recipes: x}\n", "m.yaml:4", "is no key here"},
    {ONE ", seeds: 0}\n", "m.yaml:4", "from 1 to 1000"},
    {ONE ", seeds: 1.5}\n", "m.yaml:4", "no whole number"},
    {ONE ", seeds: nan}\n", "m.yaml:4", "no such number"},
    {ONE ", kind: dream}\n", "m.yaml:4", "train, gradients, search"},
    {ONE ", kind: search}\n", "m.yaml:4", "preset: is missing"},
    {ONE ", default: maybe}\n", "m.yaml:4", "true, false"},
    {ONE ", set: [nonsense=1]}\n", "m.yaml:4", "nonsense"},
    {ONE ", set: [[]]}\n", "m.yaml:4", "set"},
    {ONE "}\n  - {name: a, title: t, recipe: r.yaml}\n", "m.yaml:5", "taken"},
    {HEAD "  - {name: ../a, title: t, recipe: r.yaml}\n", "m.yaml:4", "no name of a folder"},
    {HEAD "  - {name: a, recipe: r.yaml}\n", "m.yaml:4", "title: is missing"},
    {HEAD "  - {name: a, title: t}\n", "m.yaml:4", "recipe: is missing"},
    {HEAD "  - {name: a, title: t, recipe: none.yaml}\n", "m.yaml:4", "none.yaml"},
    {ONE ", published: [{report: S9, what: test accuracy, value: 3}]}\n", "m.yaml:4", "S9"},
    {ONE ", published: [{report: S0, what: fame, value: 3}]}\n", "m.yaml:4", "test accuracy"},
    {ONE ", published: [{report: S0, what: largest error, value: 3}]}\n", "m.yaml:4",
     "such an experiment"},
    {ONE ", published: [{report: S0, what: test accuracy}]}\n", "m.yaml:4",
     "value: is missing"},
    {ONE ", published: [{report: S0, what: test accuracy, value: 101}]}\n", "m.yaml:4",
     "0 to 100"},
    {ONE ", published: [{report: S0, what: test accuracy, value: [3, 2]}]}\n", "m.yaml:4",
     "[lowest, highest]"},
    {ONE ", published: [{report: S0, what: test accuracy, value: [1, 2, 3]}]}\n", "m.yaml:4",
     "[lowest, highest]"},
    {ONE ", published: [{report: S0, what: test loss, value: 2, slip: true}]}\n", "m.yaml:4",
     "note: is missing"},
    {ONE "}\nfigures:\n  - {kind: confusion, of: [a]}\n", "m.yaml:6", "need no device"},
    {ONE "}\nfigures:\n  - {kind: curves, of: [b]}\n", "m.yaml:6", "'b' is no experiment"},
    {ONE "}\nfigures:\n  - {kind: curves, of: []}\n", "m.yaml:6", "1 to 16"},
};

START_TEST(wrong_manifests_name_file_line_and_what_is_legal)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        lam_manifest *manifest = NULL;
        ck_assert_msg(load(wrong[i].text, &manifest) == LAM_STATUS_BAD_RECIPE, "%s",
                      wrong[i].text);
        ck_assert_ptr_null(manifest);
        const char *message = lam_error_message(recipe_context);
        ck_assert_msg(strstr(message, wrong[i].place) && strstr(message, wrong[i].problem),
                      "%s: %s", wrong[i].text, message);
    }
}
END_TEST

START_TEST(the_published_experiments_load)
{
    lam_manifest *manifest = NULL;
    const char *path = LAM_SOURCE_ROOT "/results/experiments.yaml";
    lam_status status = lam_manifest_load(recipe_context, path, &manifest);
    ck_assert_msg(status == LAM_STATUS_OK, "%s", lam_error_message(recipe_context));
    size_t published = 0;
    for (size_t i = 0; i < manifest->experiment_count; i++)
        published += manifest->experiments[i].published_count;
    ck_assert_uint_ge(published, 100);
    lam_manifest_free(&manifest);
}
END_TEST

/* ---- rows ---- */

START_TEST(rows_hold_what_was_published_against_ours)
{
    lam_manifest *manifest = NULL;
    ck_assert_int_eq(
        load(ONE ", published: [\n"
                 "  {report: S0, what: test accuracy, value: 50.0},\n"
                 "  {report: S0, what: test loss, value: 1.0, note: it is known why},\n"
                 "  {report: S0, what: validation loss, value: 1.0}]}\n"
                 "  - {name: b, title: t, recipe: r.yaml, published: [\n"
                 "  {report: S0, what: test accuracy, value: 50.0}]}\n",
             &manifest),
        LAM_STATUS_OK);
    lam_experiment_result results[2] = {{.is_done = true, .count = 3}};
    const double accuracies[] = {50, 51, 52}, losses[] = {1.5, 1.6, 1.7};
    results[0].values[LAM_QUANTITY_TEST_ACCURACY] = lam_estimate_mean(accuracies, 3);
    results[0].values[LAM_QUANTITY_TEST_LOSS] = lam_estimate_mean(losses, 3);
    results[0].values[LAM_QUANTITY_VALIDATION_LOSS] = lam_estimate_mean(losses, 3);
    const lam_reproduction reproduction = {.manifest = manifest, .results = results};

    lam_table table = lam_reproduction_tabulate(&reproduction, LAM_REPRODUCTION_DONE, 0, 2);
    ck_assert_uint_eq(table.row_count, 3);
    ck_assert_str_eq(lam_table_get_text(&table, 0, LAM_REPRODUCTION_COLUMN_OURS), "51.00");
    ck_assert_str_eq(lam_table_get_text(&table, 0, LAM_REPRODUCTION_COLUMN_INTERVAL),
                     "48.52 to 53.48");
    ck_assert_str_eq(lam_table_get_text(&table, 0, LAM_REPRODUCTION_COLUMN_VERDICT), "agrees");
    ck_assert_str_eq(lam_table_get_text(&table, 1, LAM_REPRODUCTION_COLUMN_VERDICT), "differs");
    ck_assert_str_eq(lam_table_get_text(&table, 1, LAM_REPRODUCTION_COLUMN_NOTE),
                     "it is known why");
    ck_assert_str_eq(lam_table_get_text(&table, 2, LAM_REPRODUCTION_COLUMN_NOTE),
                     "not explained");
    lam_table_free(&table);

    table = lam_reproduction_tabulate(&reproduction, LAM_REPRODUCTION_BEYOND, 0, 2);
    ck_assert_uint_eq(table.row_count, 2);
    lam_table_free(&table);
    const lam_reproduction_tally tally = lam_reproduction_count(&reproduction);
    ck_assert_uint_eq(tally.judged, 3);
    ck_assert_uint_eq(tally.missing, 1);
    ck_assert_uint_eq(tally.verdicts[LAM_VERDICT_AGREES], 1);
    ck_assert_uint_eq(tally.verdicts[LAM_VERDICT_DIFFERS], 2);
    lam_manifest_free(&manifest);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    add_recipe_test(suite, name, test, 60);
}

static void add_tests(Suite *suite)
{
    add(suite, "accuracies", accuracies_have_the_noise_of_seeds_and_rows);
    add(suite, "deviations", small_deviations_do_not_narrow_what_is_tolerated);
    add(suite, "ranges", ranges_count_from_their_nearer_end);
    add(suite, "losses", losses_have_the_noise_of_seeds_alone);
    add(suite, "errors", errors_repeat_in_their_order_of_magnitude);
    add(suite, "bounds", bounds_are_kept_or_not);
    add(suite, "slips", a_slip_is_one_only_where_numbers_differ);
    add(suite, "not judged", what_was_not_measured_is_not_judged);
    add(suite, "manifests", manifests_are_read);
    add(suite, "wrong manifests", wrong_manifests_name_file_line_and_what_is_legal);
    add(suite, "published", the_published_experiments_load);
    add(suite, "rows", rows_hold_what_was_published_against_ours);
}

LAM_SUITE_MAIN("reproduce", add_tests)
