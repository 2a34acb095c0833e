/* SPDX-License-Identifier: Apache-2.0 */
#include "report/gradient_checks.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define SAMPLES 20

static const struct {
    bool is_random;
    uint64_t seed;
} checks[] = {{false, 42}, {false, 400}, {true, 42}, {true, 400}};
enum { CHECK_COUNT = sizeof checks / sizeof checks[0] };

/* Of all tensors of one kind in one check; -1 where there is none. */
typedef struct numbers {
    double values[LAM_QUANTITY_COUNT];
} numbers;

static bool is_of_check(lam_quantity quantity)
{
    return quantity >= LAM_QUANTITY_WEIGHT_ERROR && quantity <= LAM_QUANTITY_LARGEST_RELATIVE;
}

static void raise(double *value, double candidate)
{
    *value = fmax(*value, candidate);
}

static void add_tensor(const lam_gradient_row *row, numbers *found)
{
    const char *dot = strrchr(row->tensor, '.');
    double *values = found->values;
    bool is_weight = dot && strcmp(dot, ".weight") == 0;
    raise(&values[LAM_QUANTITY_LARGEST_ERROR], row->centred.maximum);
    raise(&values[LAM_QUANTITY_LARGEST_RELATIVE], row->centred.max_relative);
    raise(&values[is_weight ? LAM_QUANTITY_WEIGHT_ERROR : LAM_QUANTITY_BIAS_ERROR],
          row->centred.mean);
    raise(&values[is_weight ? LAM_QUANTITY_WEIGHT_SIGNED : LAM_QUANTITY_BIAS_SIGNED],
          fabs(row->centred.signed_mean));
    bool is_larger = fabs(row->forward.signed_mean) > fabs(values[LAM_QUANTITY_FORWARD_SIGNED]);
    if (is_weight && is_larger)
        values[LAM_QUANTITY_FORWARD_SIGNED] = row->forward.signed_mean;
}

static lam_status check(lam_device *device, const lam_experiment *experiment,
                        const lam_dataset *dataset, const lam_train_options *options, int index,
                        numbers *ret_numbers)
{
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    size_t count = 0;
    char path[4096 + 32];
    numbers found = {0};
    snprintf(path, sizeof path, "%s/" LAM_EXPERIMENT_GRADIENTS, options->output_directory);
    const lam_gradient_check_options how = {.use_double = lam_device_get_info(device)->has_fp64,
                                            .random_samples = checks[index].is_random,
                                            .sample_count = SAMPLES,
                                            .seed = checks[index].seed,
                                            .step = experiment->step,
                                            .inputs = experiment->inputs,
                                            .entries = experiment->entries,
                                            .gemm = options->gemm,
                                            .save_path = index == 0 ? path : NULL};
    LAM_TRY(lam_check_gradients(device, &experiment->recipe, dataset, &how, rows, &count));
    for (size_t i = 0; i < count; i++)
        add_tensor(&rows[i], &found);
    *ret_numbers = found;
    return LAM_STATUS_OK;
}

/* ---- the file ---- */

/* What makes a check another one. */
static json_t *format_settings(lam_context *context, const lam_device *device,
                               const lam_experiment *experiment)
{
    char *recipe = NULL;
    if (lam_recipe_format(context, &experiment->recipe, &recipe) != LAM_STATUS_OK)
        return NULL;
    json_t *settings = json_pack(
        "{s:o, s:f, s:i, s:i, s:b}", "recipe", json_loads(recipe, 0, NULL), "step",
        experiment->step, "inputs", (int)experiment->inputs, "entries",
        (int)experiment->entries, "double", (int)lam_device_get_info(device)->has_fp64);
    free(recipe);
    return settings;
}

static json_t *format_check(int index, const numbers *found)
{
    json_t *json =
        json_pack("{s:s, s:i, s:I}", "samples", checks[index].is_random ? "random" : "first",
                  "count", SAMPLES, "seed", (json_int_t)checks[index].seed);
    for (int i = 0; i < LAM_QUANTITY_COUNT; i++)
        if (is_of_check((lam_quantity)i))
            json_object_set_new(json, lam_quantity_name((lam_quantity)i),
                                json_real(found->values[i]));
    return json;
}

static numbers parse_check(const json_t *json)
{
    numbers found = {0};
    for (int i = 0; i < LAM_QUANTITY_COUNT; i++)
        if (is_of_check((lam_quantity)i))
            found.values[i] =
                json_number_value(json_object_get(json, lam_quantity_name((lam_quantity)i)));
    return found;
}

static void name_file(const lam_train_options *options, char *path, size_t bytes)
{
    snprintf(path, bytes, "%s/" LAM_GRADIENT_CHECKS_FILE, options->output_directory);
}

static lam_status save(lam_context *context, const char *path, const json_t *record)
{
    char *text = json_dumps(record, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (!text)
        return lam_fail_memory(context, path, 0);
    lam_status status = lam_file_write(context, path, text, strlen(text));
    free(text);
    return status;
}

/* A file of other settings counts as none; the result is whole at any time. Takes `settings`.
 */
static json_t *open_record(const char *path, json_t *settings)
{
    json_t *old = json_load_file(path, 0, NULL);
    bool is_same = json_equal(json_object_get(old, "settings"), settings) &&
                   json_is_array(json_object_get(old, "checks"));
    if (is_same) {
        json_decref(settings);
        return old;
    }
    json_decref(old);
    return json_pack("{s:s, s:o, s:[], s:f}", "status", "running", "settings", settings,
                     "checks", "seconds", 0.0);
}

/* ---- the whole ---- */

static lam_status add_check(lam_context *context, lam_device *device,
                            const lam_experiment *experiment, const lam_dataset *dataset,
                            const lam_train_options *options, json_t *record)
{
    numbers found;
    json_t *list = json_object_get(record, "checks");
    int index = (int)json_array_size(list);
    char path[4096 + 32];
    double start = lam_clock_get_seconds();
    double before = json_number_value(json_object_get(record, "seconds"));
    LAM_TRY(check(device, experiment, dataset, options, index, &found));
    json_array_append_new(list, format_check(index, &found));
    json_object_set_new(record, "seconds", json_real(before + lam_clock_get_seconds() - start));
    if (index + 1 == CHECK_COUNT)
        json_object_set_new(record, "status", json_string("finished"));
    name_file(options, path, sizeof path);
    return save(context, path, record);
}

static void gather(const json_t *record, lam_experiment_result *result)
{
    const json_t *list = json_object_get(record, "checks"), *item;
    size_t index;
    double values[LAM_QUANTITY_COUNT][CHECK_COUNT];
    json_array_foreach(list, index, item)
    {
        numbers found = parse_check(item);
        for (int i = 0; i < LAM_QUANTITY_COUNT && index < CHECK_COUNT; i++)
            values[i][index] = found.values[i];
    }
    for (int i = 0; i < LAM_QUANTITY_COUNT; i++) {
        lam_estimate *estimate = &result->values[i];
        if (!is_of_check((lam_quantity)i))
            continue;
        *estimate = lam_estimate_mean(values[i], CHECK_COUNT);
        if (lam_quantity_get_measure((lam_quantity)i) != LAM_MEASURE_ERROR)
            continue;
        *estimate = (lam_estimate){CHECK_COUNT, 0, NAN, NAN};
        for (size_t k = 0; k < CHECK_COUNT; k++)
            raise(&estimate->mean, values[i][k]);
    }
    result->count = CHECK_COUNT;
    result->seconds = json_number_value(json_object_get(record, "seconds"));
}

lam_status lam_gradient_checks_run(lam_context *context, lam_device *device,
                                   const lam_experiment *experiment, const lam_dataset *dataset,
                                   const lam_train_options *options,
                                   lam_experiment_result *result)
{
    char path[4096 + 32];
    LAM_TRY(lam_directory_create(context, options->output_directory));
    name_file(options, path, sizeof path);
    json_t *settings = format_settings(context, device, experiment);
    json_t *record = settings ? open_record(path, settings) : NULL;
    lam_status status = LAM_STATUS_OK;
    if (!record)
        return lam_fail_memory(context, path, 0);
    while (status == LAM_STATUS_OK &&
           json_array_size(json_object_get(record, "checks")) < CHECK_COUNT)
        status = add_check(context, device, experiment, dataset, options, record);
    if (status == LAM_STATUS_OK)
        gather(record, result);
    json_decref(record);
    return status;
}
