/* SPDX-License-Identifier: Apache-2.0 */
#include "search/keeper_messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "search/record_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define WRITE(record, fields) lam_record_write(record, fields, COUNT_OF(fields))
#define READ(json, fields, record) lam_record_read(json, fields, COUNT_OF(fields), record)

/* Puts `value` into `object`; NULL, and neither is left, when that fails. */
static json_t *put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- lists: arrays of records ---- */

static json_t *write_list(const void *records, size_t count, size_t bytes,
                          json_t *(*write)(const void *record))
{
    json_t *list = json_array();
    for (size_t i = 0; i < count && list; i++)
        if (json_array_append_new(list, write((const char *)records + i * bytes)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* Records that were read before a failure are the caller's, too. */
static bool read_list(const json_t *list, size_t bytes,
                      bool (*read)(const json_t *json, void *ret_record), void **ret_records,
                      size_t *ret_count)
{
    const size_t count = json_array_size(list);
    char *records = calloc(count + 1, bytes);
    *ret_records = records;
    *ret_count = 0;
    if (!json_is_array(list) || !records)
        return false;
    while (*ret_count < count) {
        size_t i = (*ret_count)++;
        if (!read(json_array_get(list, i), records + i * bytes))
            return false;
    }
    return true;
}

/* ---- workers ---- */

static const lam_field worker_fields[] = {
    LAM_FIELD(lam_worker_identity, CHARS, host),
    LAM_FIELD(lam_worker_identity, CHARS, boot_id),
    LAM_FIELD(lam_worker_identity, INT64, pid),
    LAM_FIELD(lam_worker_identity, INT64, process_start),
    LAM_FIELD(lam_worker_identity, INT64, pid_namespace),
    LAM_FIELD(lam_worker_identity, CHARS, name),
    LAM_FIELD(lam_worker_identity, CHARS, device),
    LAM_FIELD(lam_worker_identity, DOUBLE, lease_seconds),
};

json_t *lam_message_write_worker(const lam_worker_identity *worker)
{
    return WRITE(worker, worker_fields);
}

bool lam_message_read_worker(const json_t *json, lam_worker_identity *ret_worker)
{
    memset(ret_worker, 0, sizeof *ret_worker);
    return READ(json, worker_fields, ret_worker);
}

/* ---- tasks ---- */

static const lam_field task_fields[] = {
    LAM_FIELD(lam_trial_task, INT64, trial),
    LAM_FIELD(lam_trial_task, INT64, configuration),
    LAM_FIELD(lam_trial_task, INT, seed_index),
    LAM_FIELD(lam_trial_task, UINT64, seed),
};

static json_t *write_text(const void *text)
{
    return lam_text_write(*(char *const *)text);
}

static bool read_text(const json_t *json, void *ret_text)
{
    *(char **)ret_text = lam_text_read(json);
    return *(char **)ret_text;
}

static json_t *write_task(const void *record)
{
    const lam_trial_task *task = record;
    return put(
        WRITE(task, task_fields), "settings",
        write_list(task->settings, task->setting_count, sizeof *task->settings, write_text));
}

static bool read_task(const json_t *json, void *ret_task)
{
    lam_trial_task *task = ret_task;
    return READ(json, task_fields, task) &&
           read_list(json_object_get(json, "settings"), sizeof *task->settings, read_text,
                     (void **)&task->settings, &task->setting_count);
}

/* ---- claims ---- */

static const lam_field claim_fields[] = {
    LAM_FIELD(lam_wave_claim, INT64, wave),
    LAM_FIELD(lam_wave_claim, INT, attempt),
    LAM_FIELD(lam_wave_claim, TEXT, checkpoint),
    LAM_FIELD(lam_wave_claim, INT64, pruned_step),
    LAM_FIELD(lam_wave_claim, DOUBLE, lease_seconds),
};

json_t *lam_message_write_claim(const lam_wave_claim *claim)
{
    if (!claim)
        return json_null();
    return put(WRITE(claim, claim_fields), "tasks",
               write_list(claim->tasks, claim->count, sizeof *claim->tasks, write_task));
}

bool lam_message_read_claim(const json_t *json, lam_wave_claim **ret_claim)
{
    *ret_claim = NULL;
    if (json_is_null(json))
        return true;
    lam_wave_claim *claim = calloc(1, sizeof *claim);
    if (claim && READ(json, claim_fields, claim) &&
        read_list(json_object_get(json, "tasks"), sizeof *claim->tasks, read_task,
                  (void **)&claim->tasks, &claim->count)) {
        *ret_claim = claim;
        return true;
    }
    lam_wave_claim_free(&claim);
    return false;
}

/* ---- looks ---- */

static const lam_field look_fields[] = {
    LAM_FIELD_OF_ENUM(lam_search_look, outlook, LAM_OUTLOOK_OVER + 1),
    LAM_FIELD(lam_search_look, INT64, group),
    LAM_FIELD(lam_search_look, SIZE, waiting),
    LAM_FIELD(lam_search_look, SIZE, population),
};

json_t *lam_message_write_look(const lam_search_look *look)
{
    return put(WRITE(look, look_fields), "example", write_task(&look->example));
}

bool lam_message_read_look(const json_t *json, lam_search_look *ret_look)
{
    lam_search_look look = {0};
    if (READ(json, look_fields, &look) &&
        read_task(json_object_get(json, "example"), &look.example)) {
        *ret_look = look;
        return true;
    }
    lam_search_look_free(&look);
    return false;
}

/* ---- reports ---- */

static const lam_field measurement_fields[] = {
    LAM_FIELD(lam_trial_measurement, INT64, trial),
    LAM_FIELD(lam_trial_measurement, INT64, measured.step),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.epoch),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.learning_rate),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.train.loss),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.train.cost),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.train.accuracy),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.validation.loss),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.validation.cost),
    LAM_FIELD(lam_trial_measurement, DOUBLE, measured.validation.accuracy),
    LAM_FIELD(lam_trial_measurement, BOOL, measured.has_validation),
};

static json_t *write_measurement(const void *record)
{
    return WRITE(record, measurement_fields);
}

static bool read_measurement(const json_t *json, void *ret_record)
{
    return READ(json, measurement_fields, ret_record);
}

static const lam_field report_fields[] = {
    LAM_FIELD(lam_wave_report, TEXT, checkpoint),
    LAM_FIELD(lam_wave_report, INT64, checkpoint_step),
};

json_t *lam_message_write_report(const lam_wave_report *report)
{
    return put(WRITE(report, report_fields), "measurements",
               write_list(report->measurements, report->count, sizeof *report->measurements,
                          write_measurement));
}

bool lam_message_read_report(const json_t *json, lam_wave_report *ret_report)
{
    memset(ret_report, 0, sizeof *ret_report);
    return READ(json, report_fields, ret_report) &&
           read_list(json_object_get(json, "measurements"), sizeof *ret_report->measurements,
                     read_measurement, (void **)&ret_report->measurements, &ret_report->count);
}

void lam_message_free_report(lam_wave_report *report)
{
    free((void *)report->measurements);
    free((void *)report->checkpoint);
}

/* ---- outcomes ---- */

static const lam_field outcome_fields[] = {
    LAM_FIELD(lam_trial_outcome, INT64, trial),
    LAM_FIELD_OF_ENUM(lam_trial_outcome, state, LAM_TRIAL_STATE_COUNT),
    LAM_FIELD(lam_trial_outcome, INT64, step),
    LAM_FIELD(lam_trial_outcome, DOUBLE, seconds),
    LAM_FIELD(lam_trial_outcome, TEXT, message),
};

static json_t *write_outcome(const void *record)
{
    return WRITE(record, outcome_fields);
}

static bool read_outcome(const json_t *json, void *ret_record)
{
    return READ(json, outcome_fields, ret_record);
}

json_t *lam_message_write_outcomes(const lam_trial_outcome *outcomes, size_t count)
{
    return write_list(outcomes, count, sizeof *outcomes, write_outcome);
}

bool lam_message_read_outcomes(const json_t *json, lam_trial_outcome **ret_outcomes,
                               size_t *ret_count)
{
    return read_list(json, sizeof **ret_outcomes, read_outcome, (void **)ret_outcomes,
                     ret_count);
}

void lam_message_free_outcomes(lam_trial_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)outcomes[i].message);
    free(outcomes);
}

/* ---- speeds ---- */

static const lam_field speed_fields[] = {
    LAM_FIELD(lam_population_speed, SIZE, members),
    LAM_FIELD(lam_population_speed, DOUBLE, models_per_second),
};

static json_t *write_speed(const void *record)
{
    return WRITE(record, speed_fields);
}

static bool read_speed(const json_t *json, void *ret_record)
{
    return READ(json, speed_fields, ret_record);
}

json_t *lam_message_write_speeds(const lam_population_speed *speeds, size_t count)
{
    return write_list(speeds, count, sizeof *speeds, write_speed);
}

bool lam_message_read_speeds(const json_t *json, lam_population_speed **ret_speeds,
                             size_t *ret_count)
{
    return read_list(json, sizeof **ret_speeds, read_speed, (void **)ret_speeds, ret_count);
}

/* ---- plans: recipe and space in their own words ---- */

static const lam_field plan_fields[] = {
    LAM_FIELD_OF_ENUM(lam_study_plan, sampler, LAM_SAMPLER_CMAES + 1),
    LAM_FIELD(lam_study_plan, UINT64, seed),
    LAM_FIELD(lam_study_plan, INT64, configuration_count),
    LAM_FIELD(lam_study_plan, INT, seed_count),
    LAM_FIELD_OF_ENUM(lam_study_plan, objective, LAM_OBJECTIVE_COST + 1),
    LAM_FIELD_OF_ENUM(lam_study_plan, pruning.type, LAM_PRUNING_MEDIAN + 1),
    LAM_FIELD(lam_study_plan, DOUBLE, pruning.factor),
    LAM_FIELD(lam_study_plan, INT, pruning.min_trials),
    LAM_FIELD(lam_study_plan, INT, pruning.min_measurements),
    LAM_FIELD(lam_study_plan, INT, patience),
};

static lam_status write_space(lam_context *context, const lam_space *space, json_t *texts)
{
    for (size_t i = 0; i < space->count; i++) {
        char *parameter = NULL;
        LAM_TRY(lam_parameter_format(context, &space->parameters[i], &parameter));
        int failed = json_array_append_new(texts, lam_text_write(parameter));
        free(parameter);
        if (failed)
            return lam_fail_memory(context, "a message", LAM_PARAMETER_KEY_BYTES);
    }
    return LAM_STATUS_OK;
}

lam_status lam_message_write_plan(lam_context *context, const lam_study_plan *plan,
                                  json_t **ret_json)
{
    char *recipe = NULL;
    LAM_TRY(lam_recipe_format(context, &plan->recipe, &recipe));
    json_t *parameters = json_array();
    json_t *json = put(put(WRITE(plan, plan_fields), "recipe", lam_text_write(recipe)),
                       "parameters", json_incref(parameters));
    free(recipe);
    lam_status status = json && parameters
                            ? write_space(context, &plan->space, parameters)
                            : lam_fail_memory(context, "a message", sizeof *plan);
    json_decref(parameters);
    if (status == LAM_STATUS_OK)
        *ret_json = json;
    else
        json_decref(json);
    return status;
}

static lam_status read_space(lam_context *context, const json_t *texts, lam_space *ret_space)
{
    char **parameters = NULL;
    size_t count = 0;
    lam_status status = LAM_STATUS_BAD_STUDY;
    if (read_list(texts, sizeof *parameters, read_text, (void **)&parameters, &count))
        status = lam_space_parse(context, (const char *const *)parameters, count, ret_space);
    else
        status = lam_fail(context, status, "the plan's space cannot be read");
    for (size_t i = 0; i < count; i++)
        free(parameters[i]);
    free(parameters);
    return status;
}

lam_status lam_message_read_plan(lam_context *context, const json_t *json,
                                 lam_study_plan *ret_plan)
{
    memset(ret_plan, 0, sizeof *ret_plan);
    char *recipe = lam_text_read(json_object_get(json, "recipe"));
    lam_status status = LAM_STATUS_BAD_STUDY;
    if (READ(json, plan_fields, ret_plan) && recipe)
        status = lam_recipe_parse(context, recipe, strlen(recipe), "the study", NULL, 0,
                                  &ret_plan->recipe);
    else
        status = lam_fail(context, status, "the study's plan cannot be read");
    free(recipe);
    LAM_TRY(status);
    return read_space(context, json_object_get(json, "parameters"), &ret_plan->space);
}
