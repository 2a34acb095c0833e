/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "lamina/version.h"
#include "search/study.h"

static const char *const sampler_names[] = {
#define SAMPLER_NAME(name, text) text,
    LAM_SAMPLER_LIST(SAMPLER_NAME)
#undef SAMPLER_NAME
};

static const char *const objective_names[] = {
#define OBJECTIVE_NAME(name, text, sign) text,
    LAM_OBJECTIVE_LIST(OBJECTIVE_NAME)
#undef OBJECTIVE_NAME
};

static const char *const pruning_names[] = {
#define PRUNING_NAME(name, text) text,
    LAM_PRUNING_LIST(PRUNING_NAME)
#undef PRUNING_NAME
};

const char *lam_sampler_name(lam_sampler sampler)
{
    return sampler_names[sampler];
}

const char *lam_objective_name(lam_objective objective)
{
    return objective_names[objective];
}

const char *lam_pruning_name(lam_pruning_type type)
{
    return pruning_names[type];
}

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- writing ---- */

static lam_status make_uid(lam_context *context, char ret_uid[33])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return lam_fail(context, LAM_STATUS_BAD_OUTPUT,
                        "no random bytes from the system: %s; try again", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret_uid + 2 * i, 3, "%02x", bytes[i]);
    return LAM_STATUS_OK;
}

static lam_status write_parameters(lam_sql *sql, const lam_space *space)
{
    for (size_t i = 0; i < space->count; i++) {
        char *definition = NULL;
        LAM_TRY(lam_parameter_format(sql->context, &space->parameters[i], &definition));
        lam_status status =
            lam_sql_run(sql, "INSERT INTO parameter (position, definition) VALUES (?, ?)",
                        LAM_BIND(LAM_VALUE(i), LAM_VALUE(definition)));
        free(definition);
        LAM_TRY(status);
    }
    return LAM_STATUS_OK;
}

lam_status lam_plan_write(lam_sql *sql, const lam_study_plan *plan)
{
    char uid[33], *recipe = NULL;
    const lam_pruning *pruning = &plan->pruning;
    LAM_TRY(make_uid(sql->context, uid));
    LAM_TRY(lam_recipe_format(sql->context, &plan->recipe, &recipe));
    lam_status status = lam_sql_run(
        sql,
        "INSERT INTO study (id, uid, lamina, created, recipe, sampler, sampler_seed,"
        " configuration_count, seed_count, objective, pruning, pruning_factor,"
        " pruning_min_trials, pruning_min_measurements, patience)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        LAM_BIND(lam_sql_text(uid), lam_sql_text(lam_version()),
                 LAM_VALUE(lam_clock_get_date()), LAM_VALUE(recipe),
                 LAM_VALUE(sampler_names[plan->sampler]), LAM_VALUE((int64_t)plan->seed),
                 LAM_VALUE(plan->configuration_count), LAM_VALUE(plan->seed_count),
                 LAM_VALUE(objective_names[plan->objective]),
                 LAM_VALUE(pruning_names[pruning->type]), LAM_VALUE(pruning->factor),
                 LAM_VALUE(pruning->min_trials), LAM_VALUE(pruning->min_measurements),
                 LAM_VALUE(plan->patience)));
    free(recipe);
    return status == LAM_STATUS_OK ? write_parameters(sql, &plan->space) : status;
}

/* ---- reading ---- */

static lam_status find_name(const lam_study *study, const char *what, const char *const *names,
                            size_t count, const char *text, int *ret_value)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], text) == 0) {
            *ret_value = (int)i;
            return LAM_STATUS_OK;
        }
    return lam_study_fail_content(study, "its %s", what);
}

static lam_status read_enums(const lam_study *study, sqlite3_stmt *row, lam_study_plan *plan)
{
    int sampler = 0, objective = 0, pruning = 0;
    LAM_TRY(find_name(study, "sampler", sampler_names, COUNT_OF(sampler_names),
                      lam_sql_column_text(row, 4), &sampler));
    LAM_TRY(find_name(study, "objective", objective_names, COUNT_OF(objective_names),
                      lam_sql_column_text(row, 8), &objective));
    LAM_TRY(find_name(study, "pruning", pruning_names, COUNT_OF(pruning_names),
                      lam_sql_column_text(row, 9), &pruning));
    plan->sampler = (lam_sampler)sampler;
    plan->objective = (lam_objective)objective;
    plan->pruning.type = (lam_pruning_type)pruning;
    return LAM_STATUS_OK;
}

static lam_status read_study_row(lam_study *study, sqlite3_stmt *row)
{
    lam_study_plan *plan = &study->plan;
    snprintf(study->uid, sizeof study->uid, "%s", lam_sql_column_text(row, 0));
    study->shard_index = sqlite3_column_int(row, 1);
    study->shard_count = sqlite3_column_int(row, 2);
    LAM_TRY(read_enums(study, row, plan));
    plan->seed = (uint64_t)sqlite3_column_int64(row, 5);
    plan->configuration_count = sqlite3_column_int64(row, 6);
    plan->seed_count = sqlite3_column_int(row, 7);
    plan->pruning.factor = sqlite3_column_double(row, 10);
    plan->pruning.min_trials = sqlite3_column_int(row, 11);
    plan->pruning.min_measurements = sqlite3_column_int(row, 12);
    plan->patience = sqlite3_column_int(row, 13);
    study->recipe_json = strdup(lam_sql_column_text(row, 3));
    if (!study->recipe_json)
        return lam_fail_memory(study->context, study->sql->path, sizeof(lam_recipe));
    return lam_recipe_parse(study->context, study->recipe_json, strlen(study->recipe_json),
                            study->sql->path, NULL, 0, &plan->recipe);
}

static lam_status parse_space(lam_study *study, char *const *definitions, size_t count,
                              lam_space *ret_space)
{
    return count > 0 ? lam_space_parse(study->context, (const char *const *)definitions, count,
                                       ret_space)
                     : lam_study_fail_content(study, "its space");
}

lam_status lam_plan_read_space(lam_study *study, lam_space *ret_space)
{
    char *definitions[LAM_MAX_PARAMETERS] = {0};
    size_t count = 0;
    sqlite3_stmt *rows = NULL;
    lam_status status =
        lam_sql_query(study->sql, "SELECT definition FROM parameter ORDER BY position LIMIT 16",
                      LAM_BIND_NONE, &rows);
    _Static_assert(LAM_MAX_PARAMETERS == 16, "the limit above");
    while (lam_sql_next(study->sql, rows, &status)) {
        definitions[count] = strdup(lam_sql_column_text(rows, 0));
        if (!definitions[count++])
            status = lam_fail_memory(study->context, study->sql->path, 1);
    }
    if (status == LAM_STATUS_OK)
        status = parse_space(study, definitions, count, ret_space);
    for (size_t i = 0; i < count; i++)
        free(definitions[i]);
    return status;
}

lam_status lam_plan_read(lam_study *study)
{
    sqlite3_stmt *row = NULL;
    bool is_there = false;
    lam_status status = lam_sql_query(
        study->sql,
        "SELECT uid, shard_index, shard_count, recipe, sampler, sampler_seed,"
        " configuration_count, seed_count, objective, pruning, pruning_factor,"
        " pruning_min_trials, pruning_min_measurements, patience FROM study WHERE id = 1",
        LAM_BIND_NONE, &row);
    while (lam_sql_next(study->sql, row, &status)) {
        is_there = true;
        status = read_study_row(study, row);
    }
    LAM_TRY(status);
    return is_there ? lam_plan_read_space(study, &study->plan.space)
                    : lam_study_fail_content(study, "its row of the study");
}

lam_status lam_plan_refresh(lam_study *study)
{
    sqlite3_stmt *row = NULL;
    lam_status status = lam_sql_query(
        study->sql, "SELECT configuration_count, seed_count FROM study", LAM_BIND_NONE, &row);
    while (lam_sql_next(study->sql, row, &status)) {
        study->plan.configuration_count = sqlite3_column_int64(row, 0);
        study->plan.seed_count = sqlite3_column_int(row, 1);
    }
    return status;
}

void lam_plan_free(lam_study *study)
{
    lam_space_free(&study->plan.space);
    free(study->recipe_json);
}

/* ---- comparing ---- */

static lam_status describe_space(lam_context *context, const lam_space *space,
                                 json_t **ret_list)
{
    json_t *list = json_array();
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; list && status == LAM_STATUS_OK && i < space->count; i++) {
        char *definition = NULL;
        status = lam_parameter_format(context, &space->parameters[i], &definition);
        json_array_append_new(list, json_string(definition ? definition : ""));
        free(definition);
    }
    if (status == LAM_STATUS_OK)
        *ret_list = list;
    else
        json_decref(list);
    return status;
}

/* All but counts. */
static lam_status describe_plan(lam_context *context, const lam_study_plan *plan,
                                json_t **ret_plan)
{
    char *recipe = NULL;
    json_t *space = NULL;
    const lam_pruning *pruning = &plan->pruning;
    LAM_TRY(describe_space(context, &plan->space, &space));
    lam_status status = lam_recipe_format(context, &plan->recipe, &recipe);
    if (status != LAM_STATUS_OK) {
        json_decref(space);
        return status;
    }
    json_t *described = json_pack(
        "{s:o, s:o, s:s, s:I, s:s, s:{s:s, s:f, s:i, s:i}, s:i}", "recipe",
        json_loads(recipe, 0, NULL), "space", space, "sampler", sampler_names[plan->sampler],
        "seed", (json_int_t)plan->seed, "objective", objective_names[plan->objective],
        "pruning", "rule", pruning_names[pruning->type], "factor", pruning->factor,
        "min_trials", pruning->min_trials, "min_measurements", pruning->min_measurements,
        "patience", plan->patience);
    free(recipe);
    if (!described)
        return lam_fail_memory(context, "a study's plan", sizeof *plan);
    *ret_plan = described;
    return LAM_STATUS_OK;
}

/* Follows the first difference down to where it is; the values there are borrowed, NULL for
 * none. */
static void find_difference(const json_t **mine, const json_t **other, lam_strbuf *path)
{
    const char *key = NULL;
    json_t *value = NULL, *all = NULL;
    while (json_is_object(*mine) && json_is_object(*other)) {
        all = json_copy((json_t *)*mine);
        json_object_update_missing(all, (json_t *)*other);
        const json_t *a = NULL, *b = NULL;
        json_object_foreach(all, key, value)
        {
            a = json_object_get(*mine, key);
            b = json_object_get(*other, key);
            if (!a || !b || !json_equal(a, b))
                break;
        }
        lam_strbuf_append(path, "%s%s", path->length ? "." : "", key ? key : "");
        json_decref(all);
        *mine = a;
        *other = b;
    }
}

static char *format_value(const json_t *value)
{
    return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15))
                 : NULL;
}

static lam_status fail_different(const lam_study *study, const json_t *mine,
                                 const json_t *other)
{
    lam_strbuf path = {0};
    find_difference(&mine, &other, &path);
    char *held = format_value(mine), *asked = format_value(other);
    lam_status status =
        lam_fail(study->context, LAM_STATUS_BAD_STUDY,
                 "%s holds another study: its %s is %s, not %s; go on with what it was made "
                 "for, or choose another file",
                 study->sql->path, lam_strbuf_text(&path), held ? held : "not given",
                 asked ? asked : "not given");
    free(held);
    free(asked);
    lam_strbuf_free(&path);
    return status;
}

lam_status lam_plan_compare(const lam_study *study, const lam_study_plan *other)
{
    json_t *mine = NULL, *theirs = NULL;
    LAM_TRY(describe_plan(study->context, &study->plan, &mine));
    lam_status status = describe_plan(study->context, other, &theirs);
    if (status == LAM_STATUS_OK && !json_equal(mine, theirs))
        status = fail_different(study, mine, theirs);
    json_decref(mine);
    json_decref(theirs);
    return status;
}
