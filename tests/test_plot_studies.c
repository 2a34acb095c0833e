/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of studies: what their tables hold. Without formats nothing is drawn. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lamina/plot.h"
#include "report/parameter_axis.h"
#include "report/plotter.h"
#include "support/small_study.h"
#include "support/tsv.h"

static lam_figure_list list;

static lam_status try_plot(const char *const *paths, size_t count, lam_plot_kinds kinds)
{
    const lam_figure_options options = {.directory = test_path(&study_folder, "figures")};
    lam_figure_list_free(&list);
    return lam_plot_studies(study_context, paths, count, kinds, &options, &list);
}

static void plot(lam_plot_kinds kinds)
{
    const char *const paths[] = {study_path};
    ck_assert_ok(try_plot(paths, 1, kinds));
}

static test_tsv load(const char *figure)
{
    char name[128];
    snprintf(name, sizeof name, "figures/%s.tsv", figure);
    return test_tsv_load(test_path(&study_folder, name));
}

static void work_off_whole(const char *const *space, size_t count, int64_t configurations)
{
    lam_study_plan plan = small_plan_over(space, count);
    plan.configuration_count = configurations;
    lam_study *study = create_study(&plan);
    work_off(study, "worker", 64);
    lam_study_close(&study);
    lam_space_free(&plan.space);
}

/* What small_measurement() says of the last step, in %. */
static double get_accuracy(int configuration, int seed_index)
{
    return 100 * small_measurement(configuration, seed_index, 70).validation.accuracy;
}

START_TEST(search_shows_ranks)
{
    lam_study *study = create_small_study();
    lam_study_view *view = NULL;
    lam_ranking ranking;
    work_off(study, "worker", 64);
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert_ok(lam_study_rank(study_context, view, &ranking));
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_SEARCH));
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.figures[0].name, "study-search");
    ck_assert_ptr_nonnull(strstr(list.figures[0].caption, "l2=log:1e-5..0.1"));
    test_tsv table = load("study-search");
    ck_assert_uint_eq(table.row_count, 12);
    for (size_t i = 0; i < 12; i++) {
        const lam_rank *rank = &ranking.ranks[i];
        const double error = 100 * rank->standard_error;
        ck_assert_double_eq(test_tsv_number(&table, i, "iteration"),
                            (double)rank->configuration + 1);
        ck_assert_str_eq(test_tsv_text(&table, i, "l2"),
                         view->configurations[rank->configuration].values[0]);
        ck_assert_double_eq_tol(test_tsv_number(&table, i, "objective"),
                                100 * rank->objective.mean, 1e-9);
        ck_assert_double_eq_tol(test_tsv_number(&table, i, "high"),
                                100 * rank->objective.mean + error, 1e-9);
        ck_assert_double_eq_tol(test_tsv_number(&table, i, "standard_error"), error, 1e-9);
        ck_assert_double_eq(test_tsv_number(&table, i, "trials"), 2);
    }
    test_tsv_free(&table);
    lam_ranking_free(&ranking);
    lam_study_view_free(&view);
    lam_study_close(&study);
}
END_TEST

START_TEST(study_without_results_has_no_figures)
{
    lam_study *study = create_small_study();
    lam_study_close(&study);
    plot(LAM_PLOT_ALL);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(single_trial_has_figures)
{
    const char *const space[] = {"l2=log:1e-5..1e-1", "schedule.rate=linear:0.01..0.2"};
    lam_study_plan plan = small_plan_over(space, 2);
    plan.configuration_count = plan.seed_count = 1;
    plan.objective = LAM_OBJECTIVE_LOSS;
    lam_study *study = create_study(&plan);
    work_off(study, "worker", 64);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    plot(LAM_PLOT_ALL);
    /* Search, history, slice, contour and parallel. */
    ck_assert_uint_eq(list.count, 5);
    test_tsv table = load("study-search");
    ck_assert_uint_eq(table.row_count, 1);
    /* A single loss has no known error, and is there all the same. */
    ck_assert(isnan(test_tsv_number(&table, 0, "standard_error")));
    ck_assert_double_eq(test_tsv_number(&table, 0, "low"),
                        test_tsv_number(&table, 0, "objective"));
    test_tsv_free(&table);
}
END_TEST

/* One trial each. */
static void finish_next(lam_study *study, lam_trial_state state)
{
    const lam_worker_identity worker = small_worker("worker");
    lam_wave_claim *claim = claim_wave(study, &worker, 1);
    ck_assert_ptr_nonnull(claim);
    ck_assert(report_step(study, claim, 70));
    ck_assert(finish_wave(study, claim, state));
    lam_wave_claim_free(&claim);
}

START_TEST(history_keeps_states_apart)
{
    static const lam_trial_state states[] = {LAM_TRIAL_STATE_DONE,   LAM_TRIAL_STATE_DIVERGED,
                                             LAM_TRIAL_STATE_PRUNED, LAM_TRIAL_STATE_DONE,
                                             LAM_TRIAL_STATE_FAILED, LAM_TRIAL_STATE_DONE};
    lam_study_plan plan = small_plan();
    plan.configuration_count = 7;
    plan.seed_count = 1;
    lam_study *study = create_study(&plan);
    for (size_t i = 0; i < 6; i++)
        finish_next(study, states[i]);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_HISTORY));
    test_tsv table = load("study-history");
    /* Six trials that are over by state; the best improved three times. */
    static const struct {
        const char *state;
        int iteration;
    } expected[] = {{"done", 1},   {"done", 4},     {"done", 6},
                    {"pruned", 3}, {"diverged", 2}, {"failed", 5}};
    ck_assert_uint_eq(table.row_count, 6 + 3 + 1);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_str_eq(test_tsv_text(&table, i, "state"), expected[i].state);
        ck_assert_double_eq(test_tsv_number(&table, i, "iteration"), expected[i].iteration);
    }
    ck_assert_double_eq_tol(test_tsv_number(&table, 3, "objective"), get_accuracy(2, 0), 1e-9);
    ck_assert(isnan(test_tsv_number(&table, 4, "objective")));
    ck_assert_double_lt(test_tsv_number(&table, 4, "place_on_axis"), get_accuracy(0, 0));
    static const int best[][2] = {{1, 0}, {4, 3}, {6, 5}, {7, 5}};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_double_eq(test_tsv_number(&table, 6 + i, "iteration"), best[i][0]);
        ck_assert_double_eq_tol(test_tsv_number(&table, 6 + i, "best_mean_so_far"),
                                get_accuracy(best[i][1], 0), 1e-9);
    }
    test_tsv_free(&table);
}
END_TEST

START_TEST(history_puts_what_is_far_off_at_the_end)
{
    lam_study_plan plan = small_plan();
    plan.configuration_count = 4;
    plan.seed_count = 1;
    plan.objective = LAM_OBJECTIVE_LOSS;
    lam_study *study = create_study(&plan);
    finish_next(study, LAM_TRIAL_STATE_DONE);
    finish_next(study, LAM_TRIAL_STATE_DONE);
    finish_next(study, LAM_TRIAL_STATE_PRUNED);
    finish_next(study, LAM_TRIAL_STATE_PRUNED);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    change_study("UPDATE metric SET validation_loss = 1e15 WHERE trial = 3");
    change_study("UPDATE metric SET validation_loss = NULL WHERE trial = 4");
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_HISTORY));
    test_tsv table = load("study-history");
    const double worst = test_tsv_number(&table, 2, "place_on_axis");
    ck_assert_double_eq(test_tsv_number(&table, 2, "objective"), 1e15);
    ck_assert(isnan(test_tsv_number(&table, 3, "objective")));
    ck_assert_double_eq(test_tsv_number(&table, 3, "place_on_axis"), worst);
    ck_assert(worst > test_tsv_number(&table, 0, "objective") && worst < 2);
    test_tsv_free(&table);
}
END_TEST

START_TEST(slice_has_each_parameter)
{
    work_off_whole((const char *const[]){"l2=log:1e-5..1e-1,0", "description=choice:größer,b,"
                                                                "a very long name indeed"},
                   2, 12);
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_SLICE));
    test_tsv table = load("study-slice");
    ck_assert_uint_eq(table.row_count, 12);
    for (size_t i = 0; i < 12; i++) {
        const char *name = test_tsv_text(&table, i, "description");
        const double place = test_tsv_number(&table, i, "description_place");
        ck_assert_double_eq(place, strcmp(name, "größer") == 0 ? 0
                                   : strcmp(name, "b") == 0    ? 1
                                                               : 2);
        /* The best is drawn last. */
        ck_assert_double_eq(test_tsv_number(&table, i, "iteration"), (double)i + 1);
    }
    char *script = test_file_read(test_path(&study_folder, "figures/study-slice.gp"), NULL);
    ck_assert_ptr_nonnull(strstr(script, "set xtics ('0' "));
    free(script);
    test_tsv_free(&table);
}
END_TEST

START_TEST(contour_of_grid_takes_means_over_the_rest)
{
    lam_study_plan plan =
        small_plan_over((const char *const[]){"l2=grid:0,0.001", "batch=grid:50,100",
                                              "schedule.rate=grid:0.1,0.2"},
                        3);
    plan.sampler = LAM_SAMPLER_GRID;
    plan.configuration_count = 8;
    plan.seed_count = 1;
    lam_study *study = create_study(&plan);
    work_off(study, "worker", 64);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_CONTOUR));
    test_tsv table = load("study-contour");
    /* The objective grows with the number: l2 changes slowest and says the most, then batch. */
    ck_assert_uint_eq(table.row_count, 4);
    ck_assert_str_eq(test_tsv_text(&table, 3, "l2"), "0.001");
    ck_assert_str_eq(test_tsv_text(&table, 3, "batch"), "100");
    ck_assert_double_eq(test_tsv_number(&table, 3, "l2_place"), 1);
    ck_assert_double_eq(test_tsv_number(&table, 3, "configurations"), 2);
    ck_assert_double_eq_tol(test_tsv_number(&table, 3, "objective"),
                            (get_accuracy(6, 0) + get_accuracy(7, 0)) / 2, 1e-9);
    test_tsv_free(&table);
}
END_TEST

START_TEST(contour_and_importance_need_something_to_say)
{
    work_off_whole((const char *const[]){"l2=log:1e-5..1e-1"}, 1, 4);
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_CONTOUR) | LAM_PLOT_BIT(LAM_PLOT_KIND_IMPORTANCE) |
         LAM_PLOT_BIT(LAM_PLOT_KIND_HALVING));
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(parallel_goes_past_what_is_not_varied)
{
    work_off_whole((const char *const[]){"optimizer.type=choice:sgd,momentum",
                                         "optimizer.momentum=linear:0.5..0.9 if "
                                         "optimizer.type=momentum"},
                   2, 12);
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_PARALLEL));
    test_tsv table = load("study-parallel");
    int absent = 0;
    for (size_t i = 0; i < 12; i++) {
        const bool is_plain = strcmp(test_tsv_text(&table, i, "optimizer.type"), "sgd") == 0;
        const double share = test_tsv_number(&table, i, "optimizer.momentum_share");
        ck_assert_double_eq(test_tsv_number(&table, i, "optimizer.type_share"), !is_plain);
        ck_assert_int_eq(is_plain, share < 0);
        ck_assert_double_le(share, 1);
        absent += is_plain;
    }
    ck_assert(absent > 0 && absent < 12);
    ck_assert_double_eq(test_tsv_number(&table, 11, "objective_share"), 1);
    ck_assert_double_eq(test_tsv_number(&table, 0, "objective_share"), 0);
    test_tsv_free(&table);
}
END_TEST

START_TEST(importance_is_sorted)
{
    work_off_whole((const char *const[]){"l2=log:1e-5..1e-1", "schedule.rate=linear:0.01..0.2",
                                         "batch=choice:50,100"},
                   3, 40);
    lam_study *study = open_study();
    lam_study_view *view = NULL;
    double shares[LAM_MAX_PARAMETERS], sum = 0, shown = 0;
    ck_assert_ok(lam_study_read(study, &view));
    ck_assert_ok(lam_study_compute_importance(study_context, view, shares));
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_IMPORTANCE));
    test_tsv table = load("study-importance");
    ck_assert_uint_eq(table.row_count, 3);
    for (size_t i = 0; i < 3; i++) {
        sum += 100 * shares[i];
        shown += test_tsv_number(&table, i, "share_of_variance_percent");
        ck_assert(i == 0 || test_tsv_number(&table, i, "share_of_variance_percent") <=
                                test_tsv_number(&table, i - 1, "share_of_variance_percent"));
    }
    ck_assert_double_eq_tol(shown, sum, 1e-9);
    test_tsv_free(&table);
    lam_study_view_free(&view);
    lam_study_close(&study);
}
END_TEST

/* Ends trial number `index` of the claim. */
static void end_one(lam_study *study, const lam_wave_claim *claim, size_t index,
                    lam_trial_state state, int64_t step)
{
    bool is_held = false;
    const lam_trial_outcome outcome = {
        .trial = claim->tasks[index].trial, .state = state, .step = step, .seconds = 0.5};
    ck_assert_ok(lam_study_get_keeper(study).finish(study, claim, &outcome, 1, &is_held));
    ck_assert(is_held);
}

START_TEST(halving_counts_who_is_left)
{
    const lam_worker_identity worker = small_worker("worker");
    lam_study_plan plan = small_plan();
    plan.configuration_count = 4;
    plan.seed_count = 1;
    plan.pruning.type = LAM_PRUNING_HALVING;
    lam_study *study = create_study(&plan);
    lam_wave_claim *claim = claim_wave(study, &worker, 4);
    ck_assert_uint_eq(claim->count, 4);
    ck_assert(report_step(study, claim, 0));
    ck_assert(report_step(study, claim, 35));
    end_one(study, claim, 0, LAM_TRIAL_STATE_PRUNED, 35);
    end_one(study, claim, 1, LAM_TRIAL_STATE_PRUNED, 35);
    end_one(study, claim, 2, LAM_TRIAL_STATE_DIVERGED, 50);
    end_one(study, claim, 3, LAM_TRIAL_STATE_DONE, 70);
    lam_wave_claim_free(&claim);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_HALVING));
    test_tsv table = load("study-halving");
    static const double steps[] = {0, 35, 50, 70}, left[] = {4, 2, 1, 1};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_double_eq(test_tsv_number(&table, i, "step"), steps[i]);
        ck_assert_double_eq(test_tsv_number(&table, i, "trials_in_training"), left[i]);
    }
    /* Then four curves of two measurements, with a gap behind each. */
    ck_assert_uint_eq(table.row_count, 4 + 4 * 3);
    ck_assert_str_eq(test_tsv_text(&table, 4, "state"), "pruned");
    ck_assert_double_eq_tol(test_tsv_number(&table, 5, "objective"),
                            100 * small_measurement(0, 0, 35).validation.accuracy, 1e-9);
    ck_assert(isnan(test_tsv_number(&table, 6, "objective")));
    test_tsv_free(&table);
}
END_TEST

START_TEST(trials_in_training_are_not_lost)
{
    const lam_worker_identity worker = small_worker("worker");
    lam_study_plan plan = small_plan();
    plan.configuration_count = 3;
    plan.seed_count = 1;
    plan.pruning.type = LAM_PRUNING_HALVING;
    lam_study *study = create_study(&plan);
    lam_wave_claim *claim = claim_wave(study, &worker, 3);
    ck_assert(report_step(study, claim, 35));
    end_one(study, claim, 0, LAM_TRIAL_STATE_PRUNED, 35);
    ck_assert(report_step(study, claim, 40));
    plot(LAM_PLOT_BIT(LAM_PLOT_KIND_HALVING));
    lam_wave_claim_free(&claim);
    lam_study_close(&study);
    lam_space_free(&plan.space);
    test_tsv table = load("study-halving");
    static const double steps[] = {0, 35, 40}, left[] = {3, 2, 2};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_double_eq(test_tsv_number(&table, i, "step"), steps[i]);
        ck_assert_double_eq(test_tsv_number(&table, i, "trials_in_training"), left[i]);
    }
    ck_assert_str_eq(test_tsv_text(&table, table.row_count - 2, "state"), "running");
    test_tsv_free(&table);
}
END_TEST

START_TEST(studies_of_one_parameter_are_overlaid)
{
    char first[512];
    strcpy(first, study_path);
    work_off_whole((const char *const[]){"l2=log:1e-5..1e-1"}, 1, 3);
    strcpy(study_path, test_path(&study_folder, "study.db"));
    work_off_whole((const char *const[]){"l2=log:1e-3..1e-2"}, 1, 2);
    const char *const paths[] = {first, study_path};
    ck_assert_ok(try_plot(
        paths, 2, LAM_PLOT_BIT(LAM_PLOT_KIND_SEARCH) | LAM_PLOT_BIT(LAM_PLOT_KIND_HISTORY)));
    /* Both files are called `study', but no two figures are. */
    ck_assert_uint_eq(list.count, 3);
    ck_assert_str_eq(list.figures[1].name, "study-history");
    ck_assert_str_eq(list.figures[2].name, "study-history-2");
    test_tsv table = load("study-search");
    ck_assert_uint_eq(table.row_count, 5);
    test_tsv_free(&table);
}
END_TEST

START_TEST(study_that_is_missing_is_named)
{
    const char *const paths[] = {study_path};
    study_fails(try_plot(paths, 1, LAM_PLOT_ALL), LAM_STATUS_BAD_STUDY, "study.sqlite");
}
END_TEST

/* ---- places on axes ---- */

static lam_space parse(const char *text)
{
    lam_space space;
    ck_assert_ok(lam_space_parse(study_context, &text, 1, &space));
    return space;
}

START_TEST(zero_stands_left_of_a_logarithmic_range)
{
    lam_space space = parse("l2=log:1e-5..1e-1,0");
    lam_parameter_axis axis;
    lam_parameter_axis_make(&space.parameters[0], &axis);
    const double zero = lam_parameter_axis_place(&axis, "0");
    const lam_axis drawn = lam_parameter_axis_get(&axis);
    ck_assert(axis.is_log && zero > 0 && zero < 1e-5);
    ck_assert_double_eq(drawn.zero_place, zero);
    ck_assert(drawn.minimum < zero && drawn.maximum > 0.1);
    ck_assert_double_eq(lam_parameter_axis_place(&axis, "0.003"), 0.003);
    ck_assert(isnan(lam_parameter_axis_place(&axis, "")));
    ck_assert_double_eq(lam_parameter_axis_share(&axis, "0"), 0);
    ck_assert_double_eq_tol(lam_parameter_axis_share(&axis, "0.1"), 1, 1e-12);
    lam_space_free(&space);
}
END_TEST

START_TEST(grids_of_numbers_have_numeric_axes)
{
    lam_space decades = parse("l2=grid:0,0.001,0.1"), narrow = parse("l2=grid:0.01,0.02");
    lam_space mixed = parse("batch=grid:50,many");
    lam_parameter_axis axis;
    lam_parameter_axis_make(&decades.parameters[0], &axis);
    ck_assert(axis.is_log && axis.has_zero && axis.low == 0.001 && axis.high == 0.1);
    ck_assert(lam_parameter_axis_extend(&axis, &narrow.parameters[0]));
    ck_assert(!lam_parameter_axis_extend(&axis, &mixed.parameters[0]));
    lam_parameter_axis_make(&narrow.parameters[0], &axis);
    ck_assert(!axis.is_log && axis.name_count == 0);
    lam_parameter_axis_make(&mixed.parameters[0], &axis);
    ck_assert_uint_eq(axis.name_count, 2);
    ck_assert_double_eq(lam_parameter_axis_place(&axis, "many"), 1);
    lam_space_free(&decades);
    lam_space_free(&narrow);
    lam_space_free(&mixed);
}
END_TEST

START_TEST(numbers_have_four_digits)
{
    char text[LAM_PLOT_NUMBER_BYTES];
    lam_plot_write_number(0.000012087654321, text);
    ck_assert_str_eq(text, "1.209e-5");
    lam_plot_write_number(100, text);
    ck_assert_str_eq(text, "100");
    lam_plot_write_number(NAN, text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(long_names_are_cut_between_characters)
{
    char text[64];
    lam_plot_shorten("äöüäöüäöü", 4, text, sizeof text);
    ck_assert_str_eq(text, "äöü…");
    lam_plot_shorten("äöü", 3, text, sizeof text);
    ck_assert_str_eq(text, "äöü");
    lam_plot_write(text, 8, "%s", "äöüäöü");
    ck_assert_str_eq(text, "äö..");
}
END_TEST

static void add_tests(Suite *suite)
{
#define ADD(name) add_study_test(suite, #name, name)
    ADD(search_shows_ranks);
    ADD(study_without_results_has_no_figures);
    ADD(single_trial_has_figures);
    ADD(history_keeps_states_apart);
    ADD(history_puts_what_is_far_off_at_the_end);
    ADD(slice_has_each_parameter);
    ADD(contour_of_grid_takes_means_over_the_rest);
    ADD(contour_and_importance_need_something_to_say);
    ADD(parallel_goes_past_what_is_not_varied);
    ADD(importance_is_sorted);
    ADD(halving_counts_who_is_left);
    ADD(trials_in_training_are_not_lost);
    ADD(studies_of_one_parameter_are_overlaid);
    ADD(study_that_is_missing_is_named);
    ADD(zero_stands_left_of_a_logarithmic_range);
    ADD(grids_of_numbers_have_numeric_axes);
    ADD(numbers_have_four_digits);
    ADD(long_names_are_cut_between_characters);
#undef ADD
}

LAM_SUITE_MAIN("plot_studies", add_tests)
