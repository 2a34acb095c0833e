/* SPDX-License-Identifier: Apache-2.0 */
#include "support/small_run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/folder.h"

static const char recipe_text[] =
    "data: {source: synthetic, train_files: [1], validation_count: 100, train_first: 200}\n"
    "layers: [{type: dense, width: 20}, relu, {type: dense, width: 10}]\n"
    "initialization: he\n"
    "l2: 0.01\n"
    "schedule: {type: triangular, minimum: 1e-5, maximum: 0.05, half_cycle_steps: 10}\n"
    "batch: 20\n"
    "stop: {cycles: 2}\n"
    "measure: {per_cycle: 5}\n"
    "seed: 3\n";

lam_recipe small_recipe;
static lam_dataset *dataset;
static test_folder folder;

/* Paths live until the test ends. */
enum { PATH_LIMIT = 512 };
static char *paths[PATH_LIMIT];
static int path_count;

void small_run_set_up(void)
{
    lam_context_withdraw_stop(test_context()); /* of a test that failed */
    memset(&small_recipe, 0, sizeof small_recipe);
    ck_assert_ok(lam_recipe_parse(test_context(), recipe_text, strlen(recipe_text), "a test",
                                  NULL, 0, &small_recipe));
    if (!dataset)
        ck_assert_ok(lam_dataset_load(test_context(), &small_recipe.data, NULL, &dataset));
    folder = test_folder_make();
}

void small_run_tear_down(void)
{
    test_folder_remove(&folder);
    while (path_count > 0)
        free(paths[--path_count]);
}

const lam_dataset *small_run_dataset(void)
{
    return dataset;
}

double small_run_rate(int64_t step)
{
    const lam_schedule_span span = {SMALL_RUN_ROWS / small_recipe.batch, SMALL_RUN_STEPS, 0};
    return lam_schedule_get_rate(&small_recipe.schedule, &span, step);
}

const char *small_run_file(const char *run, const char *file)
{
    char *path = NULL;
    ck_assert_int_lt(path_count, PATH_LIMIT);
    ck_assert_int_gt(asprintf(&path, "%s/%s", run, file), 0);
    return paths[path_count++] = path;
}

const char *small_run_path(const char *name)
{
    return small_run_file(folder.path, name);
}

lam_train_options small_run_options(const char *run)
{
    return (lam_train_options){.output_directory = run, .gemm = LAM_GEMM_AUTO};
}

lam_status small_run_try(const lam_train_options *options, lam_run_summary *ret_summary)
{
    return lam_train(test_device(), &small_recipe, dataset, options, ret_summary);
}

lam_run_summary small_run_train(const char *run)
{
    lam_run_summary summary;
    const lam_train_options options = small_run_options(run);
    ck_assert_ok(small_run_try(&options, &summary));
    return summary;
}

void small_run_expect_same_file(const char *a, const char *b, const char *name)
{
    size_t size[2] = {0, 0};
    char *bytes[2] = {test_file_read(small_run_file(a, name), &size[0]),
                      test_file_read(small_run_file(b, name), &size[1])};
    ck_assert_msg(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0,
                  "%s differs between %s and %s", name, a, b);
    ck_assert_uint_gt(size[0], 0);
    free(bytes[0]);
    free(bytes[1]);
}

void small_run_expect_status(const char *run, const char *status)
{
    json_t *record = NULL;
    ck_assert_ok(lam_run_record_load(test_context(), run, &record));
    ck_assert_str_eq(json_string_value(json_object_get(record, "status")), status);
    json_decref(record);
}

void small_run_expect_in_message(const char *part)
{
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
}

int small_run_read_metrics(const char *run, small_run_row *rows, int limit)
{
    int count = 0;
    char *text = test_file_read(small_run_file(run, LAM_RUN_METRICS), NULL);
    for (char *line = strchr(text, '\n'); line && line[1] && count < limit; count++) {
        char *at = line + 1;
        rows[count].step = strtoll(at, &at, 10);
        for (int i = 0; i < SMALL_RUN_COLUMNS; i++) {
            char *value = at + (*at == ',');
            rows[count].values[i] = strtod(value, &at);
            if (at == value)
                rows[count].values[i] = NAN;
        }
        line = strchr(at, '\n');
        ck_assert_ptr_eq(line, at);
    }
    free(text);
    return count;
}
