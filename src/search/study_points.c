/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "search/sampler.h"
#include "search/study.h"

/* ---- values as text ---- */

static char *format_values(const lam_point *point, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(point->values[i]));
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

static char *format_unit(const lam_point *point, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_real(point->unit[i]));
    char *text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(list);
    return text;
}

bool lam_values_parse(const char *json, size_t count,
                      char (*ret_values)[LAM_PARAMETER_VALUE_BYTES])
{
    json_t *list = json_loads(json, 0, NULL);
    bool is_good = json_array_size(list) == count;
    for (size_t i = 0; i < count && is_good; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        is_good = text && strlen(text) < LAM_PARAMETER_VALUE_BYTES;
        if (is_good)
            strcpy(ret_values[i], text);
    }
    json_decref(list);
    return is_good;
}

static bool parse_unit(const char *json, size_t count, double *ret_unit)
{
    json_t *list = json_loads(json, 0, NULL);
    bool is_good = json_array_size(list) == count;
    for (size_t i = 0; i < count && is_good; i++)
        ret_unit[i] = json_number_value(json_array_get(list, i));
    json_decref(list);
    return is_good;
}

/* ---- settings ---- */

void lam_settings_free(char **settings, size_t count)
{
    for (size_t i = 0; settings && i < count; i++)
        free(settings[i]);
    free(settings);
}

/* Of the values that are not "". */
static lam_status make_settings(lam_study *study, char (*values)[LAM_PARAMETER_VALUE_BYTES],
                                char ***ret_settings, size_t *ret_count)
{
    const lam_space *space = &study->plan.space;
    size_t count = 0;
    char **settings = calloc(space->count, sizeof *settings);
    bool failed = !settings;
    for (size_t i = 0; i < space->count && !failed; i++) {
        lam_strbuf text = {0};
        if (!*values[i])
            continue;
        lam_strbuf_append(&text, "%s=%s", space->parameters[i].key, values[i]);
        settings[count++] = text.text;
        failed = text.failed;
    }
    if (failed) {
        lam_settings_free(settings, count);
        return lam_fail_memory(study->context, "a configuration", space->count);
    }
    *ret_settings = settings;
    *ret_count = count;
    return LAM_STATUS_OK;
}

lam_status lam_study_get_settings(lam_study *study, int64_t configuration, char ***ret_settings,
                                  size_t *ret_count)
{
    char values[LAM_MAX_PARAMETERS][LAM_PARAMETER_VALUE_BYTES];
    sqlite3_stmt *row = NULL;
    bool is_there = false;
    lam_status status =
        lam_sql_query(study->sql, "SELECT parameter_values FROM configuration WHERE id = ?",
                      LAM_BIND(LAM_VALUE(configuration)), &row);
    while (lam_sql_next(study->sql, row, &status)) {
        is_there = true;
        if (!lam_values_parse(lam_sql_column_text(row, 0), study->plan.space.count, values))
            status =
                lam_study_fail_content(study, "configuration %lld", (long long)configuration);
    }
    LAM_TRY(status);
    if (!is_there && configuration < 0)
        return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT,
                        "%s: no configuration is done yet; train some with: lamina search run",
                        study->sql->path);
    if (!is_there)
        return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT,
                        "%s: there is no configuration %lld (yet)", study->sql->path,
                        (long long)configuration);
    return make_settings(study, values, ret_settings, ret_count);
}

/* ---- what became of earlier ones ---- */

static lam_status read_past(lam_study *study, lam_past_point *past, int64_t count)
{
    const int sign = lam_objective_get_sign(study->plan.objective);
    sqlite3_stmt *rows = NULL;
    int64_t i = 0;
    lam_status status = lam_sql_query(
        study->sql,
        "SELECT unit, avg(objective), min(finished IS NOT NULL) FROM configuration c"
        " JOIN trial t ON t.configuration = c.id GROUP BY c.id ORDER BY c.id",
        LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        lam_past_point point = {.cost = INFINITY, .is_over = sqlite3_column_int(rows, 2) != 0};
        if (sqlite3_column_type(rows, 1) != SQLITE_NULL)
            point.cost = -sign * sqlite3_column_double(rows, 1);
        if (i == count ||
            !parse_unit(lam_sql_column_text(rows, 0), study->plan.space.count, point.unit))
            status = lam_study_fail_content(study, "configuration %lld", (long long)i);
        else
            past[i++] = point;
    }
    return status;
}

/* ---- making them ---- */

typedef struct point_maker {
    lam_study *study;
    lam_past_point *past; /* [end]; NULL for samplers that need none */
    int64_t group;        /* of `common`; 0 before the first */
    lam_recipe common;    /* of the latest recipe: most share it */
} point_maker;

lam_status lam_study_count_points(lam_study *study, int64_t *ret_count)
{
    return lam_sql_get_integer(study->sql, "SELECT coalesce(max(id) + 1, 0) FROM configuration",
                               LAM_BIND_NONE, ret_count);
}

static lam_status find_group(lam_study *study, const char *recipe, int64_t *ret_group)
{
    LAM_TRY(lam_sql_run(study->sql, "INSERT OR IGNORE INTO trial_group (recipe) VALUES (?)",
                        LAM_BIND(LAM_VALUE(recipe))));
    return lam_sql_get_integer(study->sql, "SELECT id FROM trial_group WHERE recipe = ?",
                               LAM_BIND(LAM_VALUE(recipe)), ret_group);
}

/* Configurations that are no recipe: whoever claims their trials finds out why, and says so. */
static lam_status join_impossible(point_maker *maker)
{
    maker->common = (lam_recipe){0};
    return find_group(maker->study, "null", &maker->group);
}

/* Whom the trials can be trained beside. That the recipe cannot have these values together is
 * the trials' failure and not the study's, but for its first configuration: then it is likely
 * that no other can. */
static lam_status check_point(point_maker *maker, lam_point *point, int64_t index)
{
    lam_study *study = maker->study;
    char **settings = NULL;
    size_t count = 0;
    lam_recipe recipe;
    LAM_TRY(make_settings(study, point->values, &settings, &count));
    lam_status status =
        lam_recipe_parse(study->context, study->recipe_json, strlen(study->recipe_json),
                         study->sql->path, (const char *const *)settings, count, &recipe);
    lam_settings_free(settings, count);
    if (status == LAM_STATUS_BAD_RECIPE && index > 0)
        return join_impossible(maker);
    LAM_TRY(status);
    const lam_recipe common = lam_recipe_get_common(&recipe);
    if (maker->group != 0 && memcmp(&common, &maker->common, sizeof common) == 0)
        return LAM_STATUS_OK;
    char *text = NULL;
    LAM_TRY(lam_recipe_format(study->context, &common, &text));
    maker->common = common;
    status = find_group(study, text, &maker->group);
    free(text);
    return status;
}

lam_status lam_study_add_seeds(lam_study *study)
{
    return lam_sql_run(study->sql,
                       "WITH RECURSIVE seed (number) AS"
                       " (SELECT 0 UNION ALL SELECT number + 1 FROM seed"
                       "  WHERE number + 1 < (SELECT seed_count FROM study))"
                       "INSERT OR IGNORE INTO trial (configuration, seed_index)"
                       " SELECT id, number FROM configuration, seed WHERE true"
                       " ORDER BY id, number",
                       LAM_BIND_NONE);
}

static lam_status add_trials(lam_study *study, int64_t configuration)
{
    for (int i = 0; i < study->plan.seed_count; i++)
        LAM_TRY(lam_sql_run(study->sql,
                            "INSERT INTO trial (configuration, seed_index) VALUES (?, ?)",
                            LAM_BIND(LAM_VALUE(configuration), LAM_VALUE(i))));
    return LAM_STATUS_OK;
}

static lam_status add_configuration(lam_study *study, int64_t index, int64_t group,
                                    const char *values, const char *unit, bool *ret_is_new)
{
    int64_t repetition = 0;
    if (!values || !unit)
        return lam_fail_memory(study->context, "a configuration", sizeof(lam_point));
    LAM_TRY(lam_sql_get_integer(study->sql,
                                "SELECT count(*) FROM configuration WHERE parameter_values = ?",
                                LAM_BIND(LAM_VALUE(values)), &repetition));
    /* CMA-ES may come back to a point, and its generation then has it twice. */
    *ret_is_new = repetition == 0 || study->plan.sampler == LAM_SAMPLER_CMAES;
    if (!*ret_is_new)
        return LAM_STATUS_OK;
    return lam_sql_run(study->sql,
                       "INSERT INTO configuration"
                       " (id, trial_group, parameter_values, repetition, unit)"
                       " VALUES (?, ?, ?, ?, ?)",
                       LAM_BIND(LAM_VALUE(index), LAM_VALUE(group), LAM_VALUE(values),
                                LAM_VALUE(repetition), LAM_VALUE(unit)));
}

/* TPE repeats itself where the space is used up; other samplers say so by themselves. */
static lam_status end_early(lam_study *study, int64_t index)
{
    lam_log(study->context, LAM_LOG_LEVEL_WARNING,
            "%s: the space has no more than %lld different configurations; the study ends with "
            "them and not with %lld",
            study->sql->path, (long long)index, (long long)study->plan.configuration_count);
    study->plan.configuration_count = index;
    return lam_sql_run(study->sql, "UPDATE study SET configuration_count = ?",
                       LAM_BIND(LAM_VALUE(index)));
}

static lam_status add_point(point_maker *maker, lam_point *point, int64_t index,
                            bool *ret_is_new)
{
    const size_t count = maker->study->plan.space.count;
    LAM_TRY(check_point(maker, point, index));
    char *values = format_values(point, count), *unit = format_unit(point, count);
    lam_status status =
        add_configuration(maker->study, index, maker->group, values, unit, ret_is_new);
    free(values);
    free(unit);
    LAM_TRY(status);
    return *ret_is_new ? add_trials(maker->study, index) : end_early(maker->study, index);
}

/* `*ret_is_made` false: the sampler waits for results, or has no more to offer. */
static lam_status make_point(point_maker *maker, int64_t index, bool *ret_is_made)
{
    const lam_study_plan *plan = &maker->study->plan;
    lam_point point = {0};
    bool is_ready = false;
    *ret_is_made = false;
    LAM_TRY(lam_sampler_draw(maker->study->context, &plan->space, plan->sampler, plan->seed,
                             index, maker->past, &is_ready, &point));
    if (is_ready && maker->past)
        memcpy(maker->past[index].unit, point.unit, sizeof point.unit);
    return is_ready ? add_point(maker, &point, index, ret_is_made) : LAM_STATUS_OK;
}

static lam_status make_points(point_maker *maker, int64_t first, int64_t end, int64_t *ret_made)
{
    int64_t index = first;
    bool is_made = true;
    while (index < end && is_made) {
        LAM_TRY(make_point(maker, index, &is_made));
        index += is_made;
    }
    *ret_made = index - first;
    return LAM_STATUS_OK;
}

lam_status lam_study_make_points(lam_study *study, int64_t limit, int64_t *ret_made)
{
    int64_t first = 0;
    point_maker maker = {.study = study};
    *ret_made = 0;
    LAM_TRY(lam_plan_refresh(study));
    LAM_TRY(lam_study_count_points(study, &first));
    int64_t left = study->plan.configuration_count - first;
    int64_t end = first + (limit < left ? limit : left);
    if (end <= first)
        return LAM_STATUS_OK;
    if (!lam_sampler_is_pure(study->plan.sampler)) {
        maker.past = calloc((size_t)end, sizeof *maker.past);
        if (!maker.past)
            return lam_fail_memory(study->context, "a sampler's history", (size_t)end);
    }
    lam_status status = maker.past ? read_past(study, maker.past, first) : LAM_STATUS_OK;
    if (status == LAM_STATUS_OK)
        status = make_points(&maker, first, end, ret_made);
    free(maker.past);
    return status;
}
