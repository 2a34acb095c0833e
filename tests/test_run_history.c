/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/run_history.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "support/device_fixture.h"
#include "support/suite.h"
#include "train/record.h"
#include "train/run_directory.h"

#define HEADER                                                                                 \
    "step,epoch,learning_rate,train_loss,train_cost,train_accuracy,"                           \
    "validation_loss,validation_cost,validation_accuracy\n"
#define ROWS "0,0,1e-05,2.5,2.75,0.125,2.25,3,0.25\n50,0.5,0.1,1.5,1.75,0.5,,,\n"

static const char recipe_text[] =
    "name: tube\n"
    "data: {source: synthetic, train_files: [2], validation_count: 100, train_first: 500}\n"
    "layers: [{type: dense, width: 20}, relu, {type: dense, width: 10}]\n"
    "l2: 0.01\n"
    "schedule: {type: triangular, minimum: 1e-5, maximum: 0.1, half_cycle_steps: 500}\n"
    "batch: 25\n"
    "stop: {cycles: 1}\n"
    "seed: 5\n";

static test_folder folder;
static lam_run_set set;

static void set_up(void)
{
    folder = test_folder_make();
}

static void tear_down(void)
{
    lam_run_set_free(&set);
    test_folder_remove(&folder);
}

static lam_recipe parse(const char *text, const char *const *overrides, size_t count)
{
    lam_recipe recipe;
    ck_assert_ok(lam_recipe_parse(test_context(), text, strlen(text), "a test", overrides,
                                  count, &recipe));
    return recipe;
}

static json_t *make_record(const char *status, uint64_t seed)
{
    char *text = NULL;
    const lam_recipe recipe = parse(recipe_text, NULL, 0);
    ck_assert_ok(lam_recipe_format(test_context(), &recipe, &text));
    json_t *record =
        json_pack("{s:s, s:s, s:o, s:{s:s, s:s, s:s}, s:s, s:I, s:s, s:{s:i, s:i, s:i}}",
                  "lamina", "0.1.0", "status", status, "recipe", json_loads(text, 0, NULL),
                  "device", "name", "G\xc3\xbcte", "platform", "PoCL", "driver_version", "3.1",
                  "gemm", "registers", "seed", (json_int_t)seed, "data_directory",
                  "/data/c ifar", "rows", "train", 500, "validation", 100, "test", 10000);
    free(text);
    return record;
}

/* Below the test's folder; "" for itself. */
static void write_run(const char *name, json_t *record, const char *metrics)
{
    lam_run_directory *run = NULL;
    ck_assert_ok(
        lam_run_directory_open(test_context(), test_path(&folder, name), true, false, &run));
    ck_assert_ok(lam_run_directory_write_json(run, LAM_RUN_RECORD, record));
    if (metrics)
        test_file_write_text(lam_run_directory_get_path(run, LAM_RUN_METRICS), metrics);
    lam_run_directory_close(&run);
    json_decref(record);
}

static void load(const char *name)
{
    lam_run_set_free(&set);
    ck_assert_ok(lam_run_set_load(test_context(), test_path(&folder, name), &set));
}

static void expect_bad(const char *name, const char *part)
{
    lam_run_set_free(&set);
    ck_assert_int_eq(lam_run_set_load(test_context(), test_path(&folder, name), &set),
                     LAM_STATUS_BAD_MODEL);
    ck_assert_ptr_null(set.runs);
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
    ck_assert_msg(strstr(message, test_path(&folder, name)), "no folder in: %s", message);
}

START_TEST(run_in_training_tells_what_it_has)
{
    write_run("run", make_record("running", 7), HEADER ROWS "100,1,0.2,1.0");
    load("run");
    const lam_run_history *run = set.runs;
    ck_assert_uint_eq(set.count, 1);
    ck_assert(!set.is_seed_set);
    ck_assert_str_eq(set.name, "tube");
    ck_assert_str_eq(set.path, test_path(&folder, "run"));
    ck_assert_str_eq(run->folder, set.path);
    ck_assert_str_eq(run->name, "tube");
    ck_assert_uint_eq(run->seed, 7);
    ck_assert_uint_eq(run->recipe.seed, 5);
    ck_assert_str_eq(run->status, "running");
    ck_assert_str_eq(run->version, "0.1.0");
    ck_assert_str_eq(run->device, "G\xc3\xbcte, PoCL 3.1");
    ck_assert_str_eq(run->gemm, "registers");
    ck_assert_str_eq(run->data_directory, "/data/c ifar");
    ck_assert_uint_eq(run->rows[LAM_SPLIT_TRAIN], 500);
    ck_assert_uint_eq(run->rows[LAM_SPLIT_TEST], 10000);
    ck_assert(!run->is_finished);
    ck_assert_uint_eq(run->measurement_count, 2);
    const lam_measurement *last = &run->measurements[1];
    ck_assert_int_eq(last->step, 50);
    ck_assert_double_eq(last->epoch, 0.5);
    ck_assert_double_eq(last->learning_rate, 0.1);
    ck_assert_double_eq(last->train.accuracy, 0.5);
    ck_assert(!last->has_validation);
    ck_assert(run->measurements[0].has_validation);
    ck_assert_double_eq(run->measurements[0].validation.accuracy, 0.25);
}
END_TEST

START_TEST(finished_run_has_its_summary)
{
    lam_run_summary summary = {.has_split = {true, true, true},
                               .final = {{1, 2, 0.5}, {3, 4, 0.25}, {5, 6, 0.375}}};
    json_t *record = make_record("finished", 5);
    expect_bad("run", "lamina train");
    write_run("run", json_incref(record), HEADER);
    expect_bad("run", "final metrics");
    lam_record_put_results(record, &summary);
    json_object_set_new(record, "steps", json_integer(1000));
    write_run("run", record, HEADER);
    load("run");
    ck_assert(set.runs->is_finished);
    ck_assert_int_eq(set.runs->summary.steps, 1000);
    ck_assert_double_eq(set.runs->summary.final[LAM_SPLIT_TEST].accuracy, 0.375);
    ck_assert_uint_eq(set.runs->measurement_count, 0);
}
END_TEST

START_TEST(numbers_that_are_none_stay_so)
{
    write_run("run", make_record("diverged", 5),
              HEADER "0,0,0.1,nan,-nan,0.1,inf,-inf,0.1\n9007199254740993,1,0,1,2,0,3,4,1\n");
    load("run");
    ck_assert_uint_eq(set.runs->measurement_count, 2);
    const lam_measurement *first = set.runs->measurements;
    ck_assert(isnan(first->train.loss) && isnan(first->train.cost));
    ck_assert(first->has_validation);
    ck_assert(isinf(first->validation.loss) && first->validation.cost < 0);
    ck_assert_int_eq(first[1].step, 9007199254740993);
}
END_TEST

static const char *const bare_metrics[] = {
    NULL, "", "step,epo", HEADER, HEADER "0", HEADER "0,0,1e-05,2.5,2.75,0.125,2.25,3,0.25"};

START_TEST(run_without_measurements_has_none)
{
    write_run("run", make_record("running", 5), bare_metrics[_i]);
    load("run");
    ck_assert_uint_eq(set.runs->measurement_count, 0);
}
END_TEST

static const char *const bad_rows[] = {
    "0,0,1e-05\n",
    "x,0,1e-05,2.5,2.75,0.125,2.25,3,0.25\n",
    "0,0,1e-05,2.5,2.75,0.125,2.25,3,0.25,7\n",
    "0,0,1e-05,2.5,2.75,0.125,2.25,3,0.25 x\n",
    "0,0,1e-05,2.5,a,0.125,2.25,3,0.25\n",
    "0,0,1e-05,2.5,2.75,0.125,2.25,3\n9,0,1e-05,2.5,2.75,0.125,2.25,3,0.25\n",
};

START_TEST(damaged_row_is_refused_with_its_line)
{
    char text[400];
    snprintf(text, sizeof text, HEADER "%s" ROWS, bad_rows[_i]);
    write_run("run", make_record("running", 5), text);
    expect_bad("run", "metrics.csv:2:");
    write_run("run", make_record("running", 5), HEADER ROWS "50,0,1,1,1,1,1,1,1\n");
    expect_bad("run", "metrics.csv:4:");
}
END_TEST

/* No more rows: the sanitizers' strict checks of strings read the rest of the text for each
 * cell. */
START_TEST(every_row_of_a_long_run_is_read)
{
    lam_strbuf text = {0};
    lam_strbuf_append(&text, HEADER);
    for (int step = 0; step < 2000; step++)
        lam_strbuf_append(&text, "%d,%.9g,0.0123456789,2.12345678,2.5,0.125,2.25,3,0.25\n",
                          step, step / 3.0);
    write_run("run", make_record("running", 5), text.text);
    load("run");
    ck_assert_uint_eq(set.runs->measurement_count, 2000);
    ck_assert_int_eq(set.runs->measurements[1999].step, 1999);
    lam_strbuf_free(&text);
}
END_TEST

START_TEST(seeds_come_in_their_order)
{
    static const char *const seeds[] = {"seed-10", "seed-2", "seed-007", "seed-3x", "notes"};
    static const uint64_t numbers[] = {10, 2, 7, 3, 1};
    for (int i = 0; i < 5; i++)
        write_run(seeds[i], make_record("running", numbers[i]), HEADER ROWS);
    ck_assert_ok(lam_directory_create(test_context(), test_path(&folder, "seed-1")));
    load("");
    ck_assert(set.is_seed_set);
    ck_assert_uint_eq(set.count, 2);
    ck_assert_str_eq(set.name, "tube");
    ck_assert_str_eq(set.runs[0].name, "tube, seed 2");
    ck_assert_str_eq(set.runs[1].name, "tube, seed 10");
    ck_assert_uint_eq(set.runs[1].measurement_count, 2);
    test_file_write_text(test_path(&folder, "seed-2/run.json"), "{");
    expect_bad("", "seed-2/run.json");
}
END_TEST

START_TEST(folders_without_runs_are_refused)
{
    char path[5000];
    expect_bad("none", "no run");
    test_file_write_text(test_path(&folder, "file"), "x");
    expect_bad("file", "no run");
    write_run("run", json_pack("{s:s}", "status", "running"), HEADER);
    expect_bad("run", "recipe");
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(lam_run_set_load(test_context(), path, &set), LAM_STATUS_BAD_MODEL);
}
END_TEST

/* ---- summaries ---- */

typedef struct summary_case {
    const char *override;
    const char *expected;
} summary_case;

#define SHORT_HEAD "3072-20-10, He initialization, softmax cross-entropy, l2 0.01, batch 25"
#define TRIANGLE "triangular 1e-05..0.1 (half cycle 500)"

static const summary_case summary_cases[] = {
    {"l2=0.01", SHORT_HEAD ", SGD, " TRIANGLE ", 1 cycle"},
    {"stop={steps: 7}", SHORT_HEAD ", SGD, " TRIANGLE ", 7 steps"},
    {"optimizer={type: nesterov, momentum: 0.95}",
     SHORT_HEAD ", Nesterov momentum 0.95, " TRIANGLE ", 1 cycle"},
    {"layers=[{type: dense, width: 9}, batch_norm, sigmoid, {type: dropout, rate: 0.2}, "
     "{type: dense, width: 10}]",
     "3072-9-10, sigmoid, batch normalization, dropout 0.2, He initialization, softmax "
     "cross-entropy, l2 0.01, batch 25, SGD, " TRIANGLE ", 1 cycle"},
    {"initialization={type: constant, sigma: 1e-4}",
     "3072-20-10, initial deviation 0.0001, softmax cross-entropy, l2 0.01, batch 25, "
     "SGD, " TRIANGLE ", 1 cycle"},
    {"augmentation={flip: 0.5, translation: 3}",
     SHORT_HEAD ", SGD, " TRIANGLE ", 1 cycle, flipped with probability 0.5, moved by up to 3 "
                "pixels"},
};

START_TEST(summary_says_what_a_recipe_is)
{
    char text[400], cut[20];
    lam_recipe recipe = parse(recipe_text, &summary_cases[_i].override, 1);
    lam_recipe_summarize(&recipe, text, sizeof text);
    ck_assert_str_eq(text, summary_cases[_i].expected);
    lam_recipe_summarize(&recipe, cut, sizeof cut);
    ck_assert_uint_eq(strlen(cut), sizeof cut - 1);
    ck_assert(strncmp(cut, text, sizeof cut - 4) == 0);
    ck_assert_str_eq(cut + sizeof cut - 4, "...");
}
END_TEST

START_TEST(summary_names_every_schedule)
{
    static const summary_case cases[] = {
        {"schedule={type: constant, rate: 0.1, warm_up_steps: 9}",
         ", constant rate 0.1, warm-up 9 steps, "},
        {"schedule={type: step, rate: 0.1, factor: 0.5, every_epochs: 2}",
         ", rate 0.1 times 0.5 every 2 epochs, "},
        {"schedule={type: exponential, rate: 0.1, factor: 0.5, every_steps: 1}",
         ", rate 0.1 smoothly times 0.5 every 1 step, "},
        {"schedule={type: plateau, rate: 0.1, factor: 0.5, patience: 3}",
         ", rate 0.1 times 0.5 on a plateau, "},
        {"schedule={type: linear, rate: 0.1}", ", linear 0.1..0, "},
        {"schedule={type: cosine, rate: 0.1, minimum: 0.01}", ", cosine 0.1..0.01, "},
    };
    char text[400];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const overrides[] = {"stop={epochs: 2}", cases[i].override};
        const lam_recipe recipe = parse(recipe_text, overrides, 2);
        lam_recipe_summarize(&recipe, text, sizeof text);
        ck_assert_msg(strstr(text, cases[i].expected), "%s", text);
    }
}
END_TEST

static void add_tests(Suite *suite)
{
    TCase *test_case = tcase_create("run_history");
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_add_test(test_case, run_in_training_tells_what_it_has);
    tcase_add_test(test_case, finished_run_has_its_summary);
    tcase_add_test(test_case, numbers_that_are_none_stay_so);
    tcase_add_loop_test(test_case, run_without_measurements_has_none, 0,
                        sizeof bare_metrics / sizeof bare_metrics[0]);
    tcase_add_loop_test(test_case, damaged_row_is_refused_with_its_line, 0,
                        sizeof bad_rows / sizeof bad_rows[0]);
    tcase_add_test(test_case, every_row_of_a_long_run_is_read);
    tcase_add_test(test_case, seeds_come_in_their_order);
    tcase_add_test(test_case, folders_without_runs_are_refused);
    tcase_add_loop_test(test_case, summary_says_what_a_recipe_is, 0,
                        sizeof summary_cases / sizeof summary_cases[0]);
    tcase_add_test(test_case, summary_names_every_schedule);
    suite_add_tcase(suite, test_case);
}

LAM_SUITE_MAIN("run_history", add_tests)
