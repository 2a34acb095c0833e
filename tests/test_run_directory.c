/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "support/device_fixture.h"
#include "support/folder.h"
#include "support/suite.h"
#include "train/run_directory.h"

#define HEADER                                                                                 \
    "step,epoch,learning_rate,train_loss,train_cost,train_accuracy,"                           \
    "validation_loss,validation_cost,validation_accuracy\n"

static test_folder folder;
static lam_run_directory *run;

static const char *const run_files[] = {LAM_RUN_RECORD, LAM_RUN_METRICS, LAM_RUN_MODEL,
                                        LAM_RUN_CHECKPOINT};

static void set_up(void)
{
    folder = test_folder_make();
}

static void tear_down(void)
{
    lam_run_directory_close(&run);
    test_folder_remove(&folder);
}

static void open_run(bool force, bool resume)
{
    lam_run_directory_close(&run);
    ck_assert_ok(lam_run_directory_open(test_context(), folder.path, force, resume, &run));
}

static void expect_in_message(const char *part)
{
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
}

static void expect_file(const char *name, const char *expected)
{
    char *text = test_file_read(test_path(&folder, name), NULL);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(folder_is_made_with_its_parents)
{
    char deep[400];
    snprintf(deep, sizeof deep, "%s/a/b/run", folder.path);
    ck_assert_ok(lam_run_directory_open(test_context(), deep, false, false, &run));
    ck_assert(test_file_exists(deep));
    ck_assert_str_eq(lam_run_directory_get_path(run, LAM_RUN_MODEL),
                     test_path(&folder, "a/b/run/" LAM_RUN_MODEL));
    ck_assert(!lam_run_directory_has(run, LAM_RUN_MODEL));
    test_file_write_text(test_path(&folder, "a/b/run/" LAM_RUN_MODEL), "x");
    ck_assert(lam_run_directory_has(run, LAM_RUN_MODEL));
    lam_run_directory_remove(run, LAM_RUN_MODEL);
    ck_assert(!lam_run_directory_has(run, LAM_RUN_MODEL));
    lam_run_directory_remove(run, LAM_RUN_MODEL);
}
END_TEST

START_TEST(earlier_run_is_refused_replaced_or_kept)
{
    const char *file = run_files[_i];
    test_file_write_text(test_path(&folder, file), "old");
    test_file_write_text(test_path(&folder, "notes.txt"), "mine");
    ck_assert_int_eq(lam_run_directory_open(test_context(), folder.path, false, false, &run),
                     LAM_STATUS_BAD_OUTPUT);
    ck_assert_ptr_null(run);
    expect_in_message(folder.path);
    expect_in_message(file);
    expect_in_message("--force");
    expect_in_message("--resume");
    expect_file(file, "old");
    open_run(false, true);
    expect_file(file, "old");
    open_run(true, true);
    expect_file(file, "old");
    open_run(true, false);
    ck_assert(!test_file_exists(test_path(&folder, file)));
    expect_file("notes.txt", "mine");
    ck_assert_int_eq(test_folder_count(&folder), 1);
}
END_TEST

START_TEST(folder_in_use_is_refused_until_it_is_closed)
{
    lam_run_directory *second = NULL;
    open_run(false, false);
    ck_assert_ok(lam_run_directory_start_metrics(run, -1));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            lam_run_directory_open(test_context(), folder.path, i == 0, i == 1, &second),
            LAM_STATUS_BAD_OUTPUT);
    expect_in_message(folder.path);
    ck_assert_ptr_null(second);
    expect_file(LAM_RUN_METRICS, HEADER);
    lam_run_directory_close(&run);
    open_run(false, true);
}
END_TEST

START_TEST(folder_with_other_files_alone_is_taken)
{
    test_file_write_text(test_path(&folder, "notes.txt"), "mine");
    open_run(false, false);
    expect_file("notes.txt", "mine");
}
END_TEST

static lam_measurement measurement_of(int64_t step, bool has_validation)
{
    return (lam_measurement){.step = step,
                             .epoch = 1.0 / 3,
                             .learning_rate = 1e-5,
                             .train = {2.25, 2.5, 0.125},
                             .validation = {1234567890.5, 3, 1},
                             .has_validation = has_validation};
}

static void append(int64_t step, bool has_validation)
{
    const lam_measurement measurement = measurement_of(step, has_validation);
    ck_assert_ok(lam_run_directory_append(run, &measurement));
}

#define ROW(step) #step ",0.333333333,1e-05,2.25,2.5,0.125,,,\n"

START_TEST(fresh_metrics_hold_header_and_rows)
{
    test_file_write_text(test_path(&folder, LAM_RUN_METRICS), "of an earlier run\n");
    open_run(false, true);
    ck_assert_ok(lam_run_directory_start_metrics(run, -1));
    expect_file(LAM_RUN_METRICS, HEADER);
    append(0, false);
    expect_file(LAM_RUN_METRICS, HEADER ROW(0));
    append(9007199254740993, true);
    expect_file(LAM_RUN_METRICS, HEADER ROW(0) "9007199254740993,0.333333333,1e-05,2.25,2.5,"
                                               "0.125,1.23456789e+09,3,1\n");
    ck_assert_int_eq(test_folder_count(&folder), 1);
}
END_TEST

typedef struct keep_case {
    const char *before;
    int64_t last_step;
    const char *after;
} keep_case;

static const keep_case keep_cases[] = {
    {HEADER "0,a\n5,b\n10,c\n15,d\n", 10, HEADER "0,a\n5,b\n10,c\n"},
    {HEADER "0,a\n5,b\n10,c\n15,d\n", 12, HEADER "0,a\n5,b\n10,c\n"},
    {HEADER "0,a\n5,b\n10,c\n15,d\n", 0, HEADER "0,a\n"},
    {HEADER "0,a\n5,b\n10,c\n15,d\n", 99, HEADER "0,a\n5,b\n10,c\n15,d\n"},
    {HEADER "0,a\n5,b\n10,c", 10, HEADER "0,a\n5,b\n"},
    {HEADER "0,a\n5,b\n1", 10, HEADER "0,a\n5,b\n"},
    {HEADER "0,a\n5,b\n15", 10, HEADER "0,a\n5,b\n"},
    {HEADER "0,a\n10000000000,b\n10000000001,c\n", 10000000000, HEADER "0,a\n10000000000,b\n"},
    {HEADER, 10, HEADER},
    {"step,epo", 10, HEADER},
    {"", 10, HEADER},
};

START_TEST(kept_metrics_end_at_the_step)
{
    const keep_case *c = &keep_cases[_i];
    char expected[600];
    test_file_write_text(test_path(&folder, LAM_RUN_METRICS), c->before);
    open_run(false, true);
    ck_assert_ok(lam_run_directory_start_metrics(run, c->last_step));
    expect_file(LAM_RUN_METRICS, c->after);
    append(20, false);
    snprintf(expected, sizeof expected, "%s" ROW(20), c->after);
    expect_file(LAM_RUN_METRICS, expected);
}
END_TEST

START_TEST(metrics_to_keep_must_be_there)
{
    open_run(false, true);
    ck_assert_int_eq(lam_run_directory_start_metrics(run, 0), LAM_STATUS_BAD_MODEL);
    expect_in_message(test_path(&folder, LAM_RUN_METRICS));
}
END_TEST

START_TEST(record_comes_back)
{
    json_t *record = json_pack("{s:s, s:f, s:I, s:[i,i]}", "status", "running \xc3\xa4", "rate",
                               0.1, "steps", (json_int_t)INT64_MAX, "list", 1, 2);
    json_t *other = json_pack("{s:s}", "status", "finished"), *loaded = NULL;
    open_run(false, false);
    ck_assert_ok(lam_run_directory_write_json(run, LAM_RUN_RECORD, record));
    ck_assert_ok(lam_run_record_load(test_context(), folder.path, &loaded));
    ck_assert(json_equal(record, loaded));
    json_decref(loaded);
    ck_assert_ok(lam_run_directory_write_json(run, LAM_RUN_RECORD, other));
    ck_assert_ok(lam_run_record_load(test_context(), folder.path, &loaded));
    ck_assert(json_equal(other, loaded));
    ck_assert_int_eq(test_folder_count(&folder), 1);
    json_decref(loaded);
    json_decref(record);
    json_decref(other);
}
END_TEST

static void expect_bad_record(const char *text, const char *part)
{
    json_t *record = NULL;
    test_file_write_text(test_path(&folder, LAM_RUN_RECORD), text);
    ck_assert_int_eq(lam_run_record_load(test_context(), folder.path, &record),
                     LAM_STATUS_BAD_MODEL);
    ck_assert_ptr_null(record);
    expect_in_message(test_path(&folder, LAM_RUN_RECORD));
    expect_in_message(part);
}

START_TEST(malformed_records_are_refused)
{
    json_t *record = NULL;
    ck_assert_int_eq(lam_run_record_load(test_context(), folder.path, &record),
                     LAM_STATUS_BAD_MODEL);
    expect_in_message(test_path(&folder, LAM_RUN_RECORD));
    expect_bad_record("", "record");
    expect_bad_record("[1, 2]", "object");
    expect_bad_record("3", "record");
    expect_bad_record("{\n\"status\": \"fini", ":2:");
    expect_bad_record("{} {}", "record");
}
END_TEST

/* ---- lam_run_load(): the recipe and the data folder of a record ---- */

static const char recipe_text[] =
    "data: {source: synthetic, train_files: [2], validation_count: 100, train_first: 500}\n"
    "layers: [{type: dense, width: 20}, sigmoid, {type: dense, width: 10}]\n"
    "initialization: {type: constant, sigma: 0.012345678901234567}\n"
    "l2: 0.1\n"
    "schedule: {type: triangular, minimum: 1e-5, maximum: 0.3, half_cycle_steps: 7}\n"
    "batch: 25\n"
    "shuffle: false\n"
    "stop: {cycles: 3}\n"
    "measure: {per_cycle: 5}\n"
    "seed: 9007199254740993\n";

static json_t *make_record(lam_recipe *ret_recipe)
{
    char *text = NULL;
    memset(ret_recipe, 0, sizeof *ret_recipe);
    ck_assert_ok(lam_recipe_parse(test_context(), recipe_text, strlen(recipe_text), "a test",
                                  NULL, 0, ret_recipe));
    ck_assert_ok(lam_recipe_format(test_context(), ret_recipe, &text));
    json_t *record = json_pack("{s:s, s:o, s:s}", "status", "finished", "recipe",
                               json_loads(text, 0, NULL), "data_directory", "/data/c ifar");
    free(text);
    return record;
}

static void expect_same_recipe(const lam_recipe *a, const lam_recipe *b)
{
    char *texts[2] = {NULL, NULL};
    ck_assert_ok(lam_recipe_format(test_context(), a, &texts[0]));
    ck_assert_ok(lam_recipe_format(test_context(), b, &texts[1]));
    ck_assert_str_eq(texts[0], texts[1]);
    ck_assert_uint_eq(a->seed, b->seed);
    ck_assert_double_eq(a->network.layers[0].initialization.sigma,
                        b->network.layers[0].initialization.sigma);
    free(texts[0]);
    free(texts[1]);
}

START_TEST(recipe_and_data_folder_come_back)
{
    static lam_recipe recipe, loaded;
    char *data = NULL;
    json_t *record = make_record(&recipe);
    open_run(false, false);
    ck_assert_ok(lam_run_directory_write_json(run, LAM_RUN_RECORD, record));
    ck_assert_ok(lam_run_load(test_context(), folder.path, &loaded, &data));
    ck_assert_str_eq(data, "/data/c ifar");
    expect_same_recipe(&recipe, &loaded);
    free(data);
    data = folder.path;
    json_object_set_new(record, "data_directory", json_null());
    ck_assert_ok(lam_run_directory_write_json(run, LAM_RUN_RECORD, record));
    ck_assert_ok(lam_run_load(test_context(), folder.path, &loaded, &data));
    ck_assert_ptr_null(data);
    json_decref(record);
}
END_TEST

static void expect_bad_run(const json_t *record, const char *part)
{
    static lam_recipe loaded;
    char *data = NULL;
    ck_assert_ok(lam_run_directory_write_json(run, LAM_RUN_RECORD, record));
    ck_assert_int_eq(lam_run_load(test_context(), folder.path, &loaded, &data),
                     LAM_STATUS_BAD_MODEL);
    ck_assert_ptr_null(data);
    expect_in_message(folder.path);
    expect_in_message(part);
}

START_TEST(record_of_unfinished_run_is_refused)
{
    static const char *const outcomes[] = {"running", "interrupted", "diverged", "failed"};
    static lam_recipe recipe;
    json_t *record = make_record(&recipe);
    open_run(false, false);
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        json_object_set_new(record, "status", json_string(outcomes[i]));
        expect_bad_run(record, outcomes[i]);
    }
    json_decref(record);
}
END_TEST

START_TEST(record_with_bad_recipe_is_refused)
{
    static lam_recipe recipe;
    json_t *record = make_record(&recipe);
    json_t *inside = json_object_get(record, "recipe");
    open_run(false, false);
    json_object_set_new(inside, "batch", json_integer(0));
    expect_bad_run(record, "batch");
    json_object_set_new(inside, "batch", json_integer(25));
    json_object_set_new(inside, "momentum", json_real(0.9));
    expect_bad_run(record, "momentum");
    json_object_set_new(record, "recipe", json_string("layers"));
    expect_bad_run(record, "recipe");
    json_object_del(record, "recipe");
    expect_bad_run(record, "recipe");
    json_decref(record);
}
END_TEST

/* ---- places that cannot be written ---- */

START_TEST(unwritable_places_are_reported)
{
    const lam_measurement measurement = measurement_of(0, false);
    char inside[400];
    test_file_write_text(test_path(&folder, "file"), "");
    snprintf(inside, sizeof inside, "%s/file/run", folder.path);
    ck_assert_int_eq(lam_run_directory_open(test_context(), inside, false, false, &run),
                     LAM_STATUS_BAD_OUTPUT);
    expect_in_message(inside);
    ck_assert_int_eq(lam_run_directory_open(test_context(), "", false, false, &run),
                     LAM_STATUS_BAD_OUTPUT);
    ck_assert_int_eq(
        lam_run_directory_open(test_context(), test_path(&folder, "file"), false, false, &run),
        LAM_STATUS_BAD_OUTPUT);
    ck_assert_ptr_null(run);
    /* A folder that disappears under the run. */
    snprintf(inside, sizeof inside, "%s/gone", folder.path);
    ck_assert_ok(lam_run_directory_open(test_context(), inside, false, false, &run));
    ck_assert_int_eq(remove(inside), 0);
    json_t *record = json_object();
    ck_assert_int_eq(lam_run_directory_write_json(run, LAM_RUN_RECORD, record),
                     LAM_STATUS_BAD_OUTPUT);
    expect_in_message("gone/" LAM_RUN_RECORD);
    ck_assert_int_eq(lam_run_directory_start_metrics(run, -1), LAM_STATUS_BAD_OUTPUT);
    expect_in_message("gone/" LAM_RUN_METRICS);
    ck_assert_int_eq(lam_run_directory_append(run, &measurement), LAM_STATUS_BAD_OUTPUT);
    json_decref(record);
}
END_TEST

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit on file sizes stands in for a full disk. */
START_TEST(full_disk_is_reported_and_old_files_survive)
{
    const lam_measurement measurement = measurement_of(5, false);
    json_t *record = json_pack("{s:s}", "status", "running");
    json_t *large = json_pack("{s:s, s:s}", "status", "finished", "text", HEADER HEADER);
    open_run(false, false);
    ck_assert_ok(lam_run_directory_write_json(run, LAM_RUN_RECORD, record));
    ck_assert_ok(lam_run_directory_start_metrics(run, -1));
    signal(SIGXFSZ, SIG_IGN);
    limit_file_size(strlen(HEADER) + 10);
    lam_status row = lam_run_directory_append(run, &measurement);
    lam_status second = lam_run_directory_append(run, &measurement);
    lam_status written = lam_run_directory_write_json(run, LAM_RUN_RECORD, large);
    limit_file_size(RLIM_INFINITY);
    ck_assert_int_eq(row, LAM_STATUS_BAD_OUTPUT);
    ck_assert_int_eq(second, LAM_STATUS_BAD_OUTPUT);
    ck_assert_int_eq(written, LAM_STATUS_BAD_OUTPUT);
    expect_in_message(test_path(&folder, LAM_RUN_RECORD));
    json_t *loaded = NULL;
    ck_assert_ok(lam_run_record_load(test_context(), folder.path, &loaded));
    ck_assert(json_equal(record, loaded));
    ck_assert_int_eq(test_folder_count(&folder), 2);
    /* What the full disk cut short is dropped when the run goes on. */
    open_run(false, true);
    ck_assert_ok(lam_run_directory_start_metrics(run, 5));
    expect_file(LAM_RUN_METRICS, HEADER);
    json_decref(loaded);
    json_decref(record);
    json_decref(large);
}
END_TEST

static TCase *add_test(Suite *suite, const char *name, const TTest *test)
{
    TCase *test_case = lam_add_test(suite, name, test, 20);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    return test_case;
}

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_test(suite, "parents", folder_is_made_with_its_parents);
    add_loop(suite, "earlier run", earlier_run_is_refused_replaced_or_kept, 4);
    add_test(suite, "in use", folder_in_use_is_refused_until_it_is_closed);
    add_test(suite, "other files", folder_with_other_files_alone_is_taken);
    add_test(suite, "fresh", fresh_metrics_hold_header_and_rows);
    add_loop(suite, "kept", kept_metrics_end_at_the_step,
             sizeof keep_cases / sizeof keep_cases[0]);
    add_test(suite, "nothing to keep", metrics_to_keep_must_be_there);
    add_test(suite, "record", record_comes_back);
    add_test(suite, "bad record", malformed_records_are_refused);
    add_test(suite, "run", recipe_and_data_folder_come_back);
    add_test(suite, "unfinished run", record_of_unfinished_run_is_refused);
    add_test(suite, "bad run", record_with_bad_recipe_is_refused);
    add_test(suite, "unwritable", unwritable_places_are_reported);
    add_test(suite, "full disk", full_disk_is_reported_and_old_files_survive);
}

LAM_SUITE_MAIN("run_directory", add_tests)
