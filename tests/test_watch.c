/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lamina/statistics.h"
#include "support/device_fixture.h"
#include "support/suite.h"
#include "train/watch_set.h"

static lam_measurement measured(int64_t step, double loss, double accuracy)
{
    return (lam_measurement){.step = step,
                             .epoch = (double)step / 7,
                             .learning_rate = 0.1 / 3,
                             .train = {loss / 3, loss / 7, accuracy},
                             .validation = {loss, loss * 1.1, accuracy},
                             .has_validation = true};
}

START_TEST(best_is_the_first_of_the_highest_accuracy)
{
    static const double accuracies[] = {0.1, 0.3, 0.2, 0.3, 0.25};
    lam_watch watch = lam_watch_start();
    for (int i = 0; i < 5; i++) {
        const lam_measurement m = measured(i * 10, 1.0 + i, accuracies[i]);
        lam_watch_observe(&watch, &m, 0);
        ck_assert_int_eq(lam_watch_is_best_at(&watch, i * 10), i < 2);
        ck_assert_int_eq(watch.latest.step, i * 10);
    }
    ck_assert_int_eq(watch.best.step, 10);
    ck_assert_double_eq(watch.best.validation.loss, 2);
    ck_assert(!lam_watch_is_over(&watch));
}
END_TEST

START_TEST(patience_counts_measurements_without_a_lower_loss)
{
    static const double losses[] = {3, 2, 2, 2.5, 1.9, 2, 2, 1.9};
    lam_watch watch = lam_watch_start();
    for (int i = 0; i < 8; i++) {
        const lam_measurement m = measured(i, losses[i], 0.1);
        ck_assert_msg(!lam_watch_is_over(&watch), "over before measurement %d", i);
        lam_watch_observe(&watch, &m, 3);
    }
    ck_assert(lam_watch_is_over(&watch));
    ck_assert_int_eq(watch.stopped_step, 7);
    ck_assert_int_eq(watch.diverged_step, -1);
}
END_TEST

START_TEST(without_validation_there_is_no_best)
{
    lam_watch watch = lam_watch_start();
    lam_measurement m = measured(5, 1, 0.5);
    m.has_validation = false;
    for (int i = 0; i < 9; i++)
        lam_watch_observe(&watch, &m, 2);
    ck_assert_int_eq(watch.best.step, -1);
    ck_assert_int_eq(watch.latest.step, 5);
    ck_assert(!lam_watch_is_over(&watch));
}
END_TEST

/* Three members on a plateau: the second diverges, the third's patience runs out. */
START_TEST(members_are_observed_each_for_itself)
{
    lam_watch watches[3] = {lam_watch_start(), lam_watch_start(), lam_watch_start()};
    const lam_recipe recipe = {
        .patience = 1,
        .schedule = {.type = LAM_SCHEDULE_PLATEAU, .rate = 0.5, .factor = 0.5, .patience = 1}};
    const lam_recipe recipes[3] = {recipe, recipe, recipe};
    lam_watch_set set = {watches, 3, recipes, {10, 100}};
    lam_metrics train[3] = {{1, 1, 0.5}, {2, NAN, 0.25}, {4, 4, 0}};
    lam_metrics validation[3] = {{3, 3, 0.5}, {5, 5, 0.25}, {7, 7, 0}};
    lam_measurement m = measured(10, 0, 0), mean = {.step = -7};
    ck_assert_uint_eq(lam_watch_set_observe(&set, &m, train, validation, &mean), 2);
    ck_assert_int_eq(mean.step, 10);
    ck_assert_double_eq(mean.train.loss, 2.5);
    ck_assert_double_eq(mean.validation.loss, 5);
    ck_assert_int_eq(watches[1].diverged_step, 10);
    ck_assert_int_eq(watches[1].latest.step, -1);
    ck_assert_int_eq(lam_watch_set_count_resting(&set), 1);
    int64_t changes = lam_watch_set_count_rate_changes(&set);
    validation[0].loss = 2;
    m.step = 20;
    lam_watch_set_observe(&set, &m, train, validation, &mean);
    ck_assert_int_eq(watches[2].stopped_step, 20);
    ck_assert_int_eq(lam_watch_set_count_resting(&set), 2);
    ck_assert_int_ge(lam_watch_set_count_rate_changes(&set), changes + 1);
    ck_assert_double_eq(lam_watch_set_get_rate(&set, 0, 20), 0.5);
    ck_assert_ok(lam_watch_set_check(&set, test_context()));
    lam_watch_set_mark_diverged(&set, 2, 30); /* rests already */
    ck_assert_int_eq(watches[2].diverged_step, -1);
}
END_TEST

START_TEST(last_member_to_diverge_is_told_of)
{
    lam_watch watches[2] = {lam_watch_start(), lam_watch_start()};
    const lam_recipe recipe = {.schedule = {.type = LAM_SCHEDULE_CONSTANT, .rate = 0.5}};
    const lam_recipe recipes[2] = {recipe, recipe};
    lam_watch_set set = {watches, 2, recipes, {10, 100}};
    lam_watch_set_mark_diverged(&set, 0, 30);
    ck_assert_ok(lam_watch_set_check(&set, test_context()));
    lam_watch_set_mark_diverged(&set, 1, 20);
    ck_assert_int_eq(lam_watch_set_check(&set, test_context()), LAM_STATUS_DIVERGED);
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, "the last of 2 networks diverged: the loss of step 30 "
                                  "(epoch 3.00, learning rate 0.5)"),
                  "%s", message);
}
END_TEST

static void expect_same_measurement(const lam_measurement *a, const lam_measurement *b)
{
    ck_assert_int_eq(a->step, b->step);
    if (a->step < 0)
        return;
    ck_assert_mem_eq(&a->epoch, &b->epoch, sizeof a->epoch);
    ck_assert_mem_eq(&a->learning_rate, &b->learning_rate, sizeof a->learning_rate);
    ck_assert_mem_eq(&a->train, &b->train, sizeof a->train);
    ck_assert_mem_eq(&a->validation, &b->validation, sizeof a->validation);
    ck_assert_int_eq(a->has_validation, b->has_validation);
}

static void expect_round_trip(const lam_watch *watch)
{
    lam_watch parsed;
    json_t *json = lam_watch_format(watch);
    char *text = json_dumps(json, JSON_REAL_PRECISION(17));
    json_t *read = json_loads(text, 0, NULL);
    ck_assert(lam_watch_parse(read, &parsed));
    expect_same_measurement(&watch->latest, &parsed.latest);
    expect_same_measurement(&watch->best, &parsed.best);
    ck_assert(watch->lowest_loss == parsed.lowest_loss);
    ck_assert_int_eq(watch->waited, parsed.waited);
    ck_assert_int_eq(watch->stopped_step, parsed.stopped_step);
    ck_assert_int_eq(watch->diverged_step, parsed.diverged_step);
    json_decref(read);
    json_decref(json);
    free(text);
}

START_TEST(watch_survives_json_to_the_bit)
{
    lam_watch watch = lam_watch_start();
    expect_round_trip(&watch);
    for (int i = 0; i < 4; i++) {
        const lam_measurement m = measured((int64_t)1 << (12 * i), 1 / 3.0 + i, 0.1 * i);
        lam_watch_observe(&watch, &m, 3);
        expect_round_trip(&watch);
    }
    ck_assert(lam_watch_is_over(&watch));
    watch.diverged_step = 77;
    expect_round_trip(&watch);
}
END_TEST

START_TEST(what_is_no_watch_is_refused)
{
    static const char *const texts[] = {
        "{}", "[]", "{\"latest\": null, \"best\": null}",
        "{\"latest\": 3, \"best\": null, \"lowest_loss\": null, \"waited\": 0, "
        "\"stopped_step\": -1, \"diverged_step\": -1}",
        "{\"latest\": {\"step\": 3}, \"best\": null, \"lowest_loss\": null, \"waited\": 0, "
        "\"stopped_step\": -1, \"diverged_step\": -1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        lam_watch watch;
        json_t *json = json_loads(texts[i], 0, NULL);
        ck_assert_msg(!lam_watch_parse(json, &watch), "%s", texts[i]);
        json_decref(json);
    }
}
END_TEST

/* Tables of Student's t, to the digits that they give, and closed forms for 1 and 2 degrees. */
START_TEST(student_quantiles_are_those_of_the_tables)
{
    static const double known[][3] = {
        {0.975, 1, 12.706204736432095},  {0.975, 2, 4.302652729696142},
        {0.975, 3, 3.182446305284263},   {0.975, 5, 2.570581835636314},
        {0.975, 9, 2.262157162740992},   {0.975, 30, 2.042272456301238},
        {0.975, 100, 1.983971518523552}, {0.995, 4, 4.604094871415897},
        {0.95, 10, 1.812461122811676},   {0.75, 1, 1}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        double t = lam_student_quantile(known[i][0], known[i][1]);
        ck_assert_msg(fabs(t - known[i][2]) < 1e-9 * known[i][2],
                      "t(%g, %g) is %.15g, not %.15g", known[i][0], known[i][1], t,
                      known[i][2]);
    }
    for (double p = 0.55; p < 0.9999; p += 0.01) {
        double two = (2 * p - 1) * sqrt(2 / (4 * p * (1 - p)));
        ck_assert_double_lt(fabs(lam_student_quantile(p, 1) / tan(M_PI * (p - 0.5)) - 1), 1e-9);
        ck_assert_double_lt(fabs(lam_student_quantile(p, 2) / two - 1), 1e-9);
    }
    ck_assert_double_lt(fabs(lam_student_quantile(0.975, 1e7) - 1.959963984540054), 1e-5);
}
END_TEST

START_TEST(estimates_follow_their_formulas)
{
    static const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    lam_estimate e = lam_estimate_mean(values, 8);
    ck_assert_int_eq(e.count, 8);
    ck_assert_double_eq(e.mean, 5);
    ck_assert_double_eq_tol(e.deviation, sqrt(32.0 / 7), 1e-14);
    ck_assert_double_eq_tol(e.half_width, 2.364624251592785 * sqrt(32.0 / 7 / 8), 1e-9);
    e = lam_estimate_mean(values, 1);
    ck_assert_double_eq(e.mean, 2);
    ck_assert(isnan(e.deviation) && isnan(e.half_width));
    e = lam_estimate_mean(values, 0);
    ck_assert(isnan(e.mean) && isnan(e.deviation) && isnan(e.half_width));
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "best", best_is_the_first_of_the_highest_accuracy, 5);
    lam_add_test(suite, "patience", patience_counts_measurements_without_a_lower_loss, 5);
    lam_add_test(suite, "no validation", without_validation_there_is_no_best, 5);
    lam_add_test(suite, "population", members_are_observed_each_for_itself, 5);
    lam_add_test(suite, "divergence", last_member_to_diverge_is_told_of, 5);
    lam_add_test(suite, "round trip", watch_survives_json_to_the_bit, 5);
    lam_add_test(suite, "no watch", what_is_no_watch_is_refused, 5);
    lam_add_test(suite, "student", student_quantiles_are_those_of_the_tables, 20);
    lam_add_test(suite, "estimates", estimates_follow_their_formulas, 5);
}

LAM_SUITE_MAIN("watch", add_tests)
