/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "search/study.h"

lam_status lam_study_find_device(lam_study *study, const char *name, int64_t *ret_device)
{
    LAM_TRY(lam_sql_run(study->sql, "INSERT OR IGNORE INTO device (name) VALUES (?)",
                        LAM_BIND(LAM_VALUE(name))));
    return lam_sql_get_integer(study->sql, "SELECT id FROM device WHERE name = ?",
                               LAM_BIND(LAM_VALUE(name)), ret_device);
}

lam_status lam_study_get_population(lam_study *study, const char *device, int64_t group,
                                    size_t *ret_population)
{
    int64_t members = 0;
    LAM_TRY(
        lam_sql_get_integer(study->sql,
                            "SELECT members FROM population p JOIN device d ON d.id = p.device"
                            " WHERE d.name = ? AND p.trial_group = ? AND p.is_chosen = 1",
                            LAM_BIND(LAM_VALUE(device), LAM_VALUE(group)), &members));
    *ret_population = (size_t)members;
    return LAM_STATUS_OK;
}

static lam_status keep_speed(lam_study *study, int64_t device, int64_t group,
                             const lam_population_speed *speed)
{
    return lam_sql_run(study->sql,
                       "INSERT INTO population (device, trial_group, members,"
                       " models_per_second) VALUES (?, ?, ?, ?)",
                       LAM_BIND(LAM_VALUE(device), LAM_VALUE(group), LAM_VALUE(speed->members),
                                LAM_VALUE(speed->models_per_second)));
}

/* A newer measurement replaces all of an older one; a choice without one, the choice alone. */
static lam_status keep_population(lam_study *study, const lam_worker_identity *worker,
                                  int64_t group, size_t population,
                                  const lam_population_speed *speeds, size_t speed_count)
{
    int64_t device = 0;
    LAM_TRY(lam_study_find_device(study, worker->device, &device));
    LAM_TRY(lam_sql_run(study->sql,
                        speed_count > 0
                            ? "DELETE FROM population WHERE device = ? AND trial_group = ?"
                            : "UPDATE population SET is_chosen = 0"
                              " WHERE device = ? AND trial_group = ?",
                        LAM_BIND(LAM_VALUE(device), LAM_VALUE(group))));
    for (size_t i = 0; i < speed_count; i++)
        LAM_TRY(keep_speed(study, device, group, &speeds[i]));
    return lam_sql_run(
        study->sql,
        "INSERT INTO population (device, trial_group, members, is_chosen) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (device, trial_group, members) DO UPDATE SET is_chosen = 1",
        LAM_BIND(LAM_VALUE(device), LAM_VALUE(group), LAM_VALUE(population)));
}

lam_status lam_study_set_population(void *user, const lam_worker_identity *worker,
                                    int64_t group, size_t population,
                                    const lam_population_speed *speeds, size_t speed_count)
{
    lam_study *study = user;
    LAM_TRY(lam_sql_begin(study->sql));
    return lam_sql_end(study->sql,
                       keep_population(study, worker, group, population, speeds, speed_count));
}

/* ---- the median rule ---- */

/* Mean of the two values in the middle (of an odd number, the one), and how many there are: at
 * a step, of trials of the wave's seed that are in no later wave. */
#define MEDIAN_QUERY(value)                                                                    \
    "SELECT avg(value), max(count) FROM"                                                       \
    " (SELECT value, row_number() OVER (ORDER BY value) AS place, count(*) OVER () AS count"   \
    "  FROM (SELECT " value " AS value FROM metric m JOIN trial t ON t.id = m.trial"           \
    "        WHERE m.step = ? AND t.seed_index = (SELECT seed_index FROM wave WHERE id = ?)"   \
    "        AND coalesce(t.wave, 0) < ?)"                                                     \
    "  WHERE value IS NOT NULL)"                                                               \
    " WHERE place IN ((count + 1) / 2, (count + 2) / 2)"

static const char *const median_queries[] = {
    [LAM_OBJECTIVE_ACCURACY] = MEDIAN_QUERY("m.validation_accuracy"),
    [LAM_OBJECTIVE_BEST_ACCURACY] =
        MEDIAN_QUERY("(SELECT max(b.validation_accuracy) FROM metric b"
                     " WHERE b.trial = m.trial AND b.step <= m.step)"),
    [LAM_OBJECTIVE_LOSS] = MEDIAN_QUERY("m.validation_loss"),
    [LAM_OBJECTIVE_COST] = MEDIAN_QUERY("m.validation_cost"),
};

lam_status lam_study_get_median(void *user, const lam_wave_claim *claim, int64_t step,
                                double *ret_median)
{
    lam_study *study = user;
    sqlite3_stmt *row = NULL;
    double median = NAN;
    lam_status status = lam_sql_query(
        study->sql, median_queries[study->plan.objective],
        LAM_BIND(LAM_VALUE(step), LAM_VALUE(claim->wave), LAM_VALUE(claim->wave)), &row);
    while (lam_sql_next(study->sql, row, &status))
        if (sqlite3_column_int(row, 1) >= study->plan.pruning.min_trials)
            median = lam_sql_column_real(row, 0);
    if (status == LAM_STATUS_OK)
        *ret_median = median;
    return status;
}
