/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "search/pruning.h"
#include "search/study.h"

/* ---- fencing ---- */

/* Whether the wave still is the claim's; the lease then runs from now again. */
static lam_status hold(lam_study *study, const lam_wave_claim *claim, bool *ret_is_held)
{
    LAM_TRY(lam_sql_run(
        study->sql,
        "UPDATE wave SET lease_until = ? WHERE id = ? AND attempt = ? AND ended IS NULL",
        LAM_BIND(LAM_VALUE(lam_clock_get_date() + claim->lease_seconds), LAM_VALUE(claim->wave),
                 LAM_VALUE(claim->attempt))));
    *ret_is_held = lam_sql_count_changes(study->sql) == 1;
    return LAM_STATUS_OK;
}

/* ---- files ---- */

/* A stale file and its row; false in `*ret_is_done` where there is none. The row outlives the
 * file, so that none is forgotten whenever the process ends. */
static lam_status remove_stale_file(lam_study *study, bool *ret_is_done)
{
    int64_t artifact = 0;
    sqlite3_stmt *rows = NULL;
    lam_status status =
        lam_sql_query(study->sql, "SELECT id, path FROM artifact WHERE is_stale LIMIT 1",
                      LAM_BIND_NONE, &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        const char *path = lam_sql_column_text(rows, 1);
        artifact = sqlite3_column_int64(rows, 0);
        if (unlink(path) != 0 && errno != ENOENT)
            lam_warn_once(study->context, "%s: cannot remove: %s; it is of no use any more",
                          path, strerror(errno));
    }
    LAM_TRY(status);
    *ret_is_done = artifact != 0;
    return artifact == 0 ? LAM_STATUS_OK
                         : lam_sql_run(study->sql, "DELETE FROM artifact WHERE id = ?",
                                       LAM_BIND(LAM_VALUE(artifact)));
}

lam_status lam_study_sweep(lam_study *study)
{
    bool is_done = true;
    while (is_done)
        LAM_TRY(remove_stale_file(study, &is_done));
    return LAM_STATUS_OK;
}

lam_status lam_study_end_waves(lam_study *study)
{
    LAM_TRY(
        lam_sql_run(study->sql,
                    "UPDATE wave SET ended = ? WHERE ended IS NULL AND NOT EXISTS"
                    " (SELECT 1 FROM trial t WHERE t.wave = wave.id AND t.finished IS NULL)",
                    LAM_BIND(LAM_VALUE(lam_clock_get_date()))));
    return lam_sql_run(study->sql,
                       "UPDATE artifact SET is_stale = 1 WHERE NOT is_stale AND EXISTS"
                       " (SELECT 1 FROM wave w WHERE w.id = wave AND w.ended IS NOT NULL)",
                       LAM_BIND_NONE);
}

/* ---- reporting ---- */

/* Of a trial of the wave that is not over. A wave that went on from a checkpoint measures some
 * steps again. */
static lam_status keep_measurement(lam_study *study, int64_t wave,
                                   const lam_trial_measurement *measurement)
{
    const lam_measurement *m = &measurement->measured;
    const lam_metrics none = {NAN, NAN, NAN};
    const lam_metrics *validation = m->has_validation ? &m->validation : &none;
    return lam_sql_run(study->sql,
                       "INSERT OR REPLACE INTO metric (trial, " LAM_METRIC_COLUMNS ")"
                       " SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM trial"
                       " WHERE id = ? AND wave = ? AND finished IS NULL",
                       LAM_BIND(LAM_VALUE(m->step), LAM_VALUE(m->epoch),
                                LAM_VALUE(m->learning_rate), LAM_VALUE(m->train.loss),
                                LAM_VALUE(m->train.cost), LAM_VALUE(m->train.accuracy),
                                LAM_VALUE(validation->loss), LAM_VALUE(validation->cost),
                                LAM_VALUE(validation->accuracy), LAM_VALUE(measurement->trial),
                                LAM_VALUE(wave)));
}

static lam_status keep_checkpoint(lam_study *study, int64_t wave, const lam_wave_report *report)
{
    LAM_TRY(lam_sql_run(
        study->sql, "UPDATE artifact SET is_stale = 1 WHERE wave = ? AND kind = 'checkpoint'",
        LAM_BIND(LAM_VALUE(wave))));
    return lam_sql_run(study->sql,
                       "INSERT INTO artifact (wave, kind, step, path)"
                       " VALUES (?, 'checkpoint', ?, ?) ON CONFLICT (path) DO UPDATE"
                       " SET wave = excluded.wave, step = excluded.step, is_stale = 0",
                       LAM_BIND(LAM_VALUE(wave), LAM_VALUE(report->checkpoint_step),
                                LAM_VALUE(report->checkpoint)));
}

static lam_status keep_report(lam_study *study, const lam_wave_claim *claim,
                              const lam_wave_report *report, bool *ret_is_held)
{
    LAM_TRY(hold(study, claim, ret_is_held));
    if (!*ret_is_held)
        return LAM_STATUS_OK;
    for (size_t i = 0; i < report->count; i++)
        LAM_TRY(keep_measurement(study, claim->wave, &report->measurements[i]));
    return report->checkpoint ? keep_checkpoint(study, claim->wave, report) : LAM_STATUS_OK;
}

lam_status lam_study_report(void *user, const lam_wave_claim *claim,
                            const lam_wave_report *report, bool *ret_is_held)
{
    lam_study *study = user;
    bool is_held = false;
    LAM_TRY(lam_sql_begin(study->sql));
    LAM_TRY(lam_sql_end(study->sql, keep_report(study, claim, report, &is_held)));
    *ret_is_held = is_held;
    return is_held && report->checkpoint ? lam_study_sweep(study) : LAM_STATUS_OK;
}

/* ---- finishing ---- */

static lam_status read_curve(lam_study *study, int64_t trial, lam_trial_curve *curve)
{
    sqlite3_stmt *rows = NULL;
    *curve = lam_trial_curve_start();
    lam_status status = lam_metric_query(study, trial, &rows);
    while (lam_sql_next(study->sql, rows, &status)) {
        const lam_measurement next = lam_metric_read(rows, 0);
        lam_trial_curve_add(curve, &next);
    }
    return status;
}

/* What a trial that was trained to its end is ranked by. Without a number it counts as
 * diverged. */
static lam_status judge(lam_study *study, lam_trial_outcome *outcome, double *ret_objective)
{
    lam_trial_curve curve;
    *ret_objective = NAN;
    if (outcome->state != LAM_TRIAL_STATE_DONE)
        return LAM_STATUS_OK;
    LAM_TRY(read_curve(study, outcome->trial, &curve));
    if (curve.latest.step < 0)
        return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT,
                        "trial %lld is to be done without a measurement; report one first",
                        (long long)outcome->trial);
    double value = lam_objective_evaluate(study->plan.objective, &curve.latest, &curve.best);
    if (isfinite(value)) {
        *ret_objective = value;
    } else {
        outcome->state = LAM_TRIAL_STATE_DIVERGED;
        outcome->message = "its objective is no finite number";
    }
    return LAM_STATUS_OK;
}

static lam_status finish_trial(lam_study *study, int64_t wave, lam_trial_outcome outcome)
{
    double objective = NAN;
    int64_t open = 0;
    LAM_TRY(lam_sql_get_integer(
        study->sql, "SELECT count(*) FROM trial WHERE id = ? AND wave = ? AND finished IS NULL",
        LAM_BIND(LAM_VALUE(outcome.trial), LAM_VALUE(wave)), &open));
    if (open == 0) /* another file's result was merged */
        return LAM_STATUS_OK;
    LAM_TRY(judge(study, &outcome, &objective));
    return lam_sql_run(
        study->sql,
        "UPDATE trial SET state = ?, step = ?, objective = ?, seconds = ?, message = ?,"
        " finished = ?, device = (SELECT device FROM wave WHERE wave.id = trial.wave)"
        " WHERE id = ?",
        LAM_BIND(LAM_VALUE(lam_trial_state_name(outcome.state)), LAM_VALUE(outcome.step),
                 LAM_VALUE(objective), LAM_VALUE(outcome.seconds),
                 LAM_VALUE(outcome.message ? outcome.message : ""),
                 LAM_VALUE(lam_clock_get_date()), LAM_VALUE(outcome.trial)));
}

/* A wave that goes on from an earlier checkpoint must not apply the rule twice. */
static lam_status note_pruning(lam_study *study, int64_t wave,
                               const lam_trial_outcome *outcomes, size_t count)
{
    int64_t step = -1;
    for (size_t i = 0; i < count; i++)
        if (outcomes[i].state == LAM_TRIAL_STATE_PRUNED && outcomes[i].step > step)
            step = outcomes[i].step;
    return step < 0 ? LAM_STATUS_OK
                    : lam_sql_run(study->sql,
                                  "UPDATE wave SET pruned_step = max(pruned_step, ?)"
                                  " WHERE id = ?",
                                  LAM_BIND(LAM_VALUE(step), LAM_VALUE(wave)));
}

static lam_status keep_outcomes(lam_study *study, const lam_wave_claim *claim,
                                const lam_trial_outcome *outcomes, size_t count,
                                bool *ret_is_held)
{
    LAM_TRY(hold(study, claim, ret_is_held));
    if (!*ret_is_held)
        return LAM_STATUS_OK;
    for (size_t i = 0; i < count; i++)
        LAM_TRY(finish_trial(study, claim->wave, outcomes[i]));
    LAM_TRY(note_pruning(study, claim->wave, outcomes, count));
    return lam_study_end_waves(study);
}

lam_status lam_study_finish(void *user, const lam_wave_claim *claim,
                            const lam_trial_outcome *outcomes, size_t count, bool *ret_is_held)
{
    lam_study *study = user;
    bool is_held = false;
    for (size_t i = 0; i < count; i++)
        if (!lam_trial_state_is_over(outcomes[i].state))
            return lam_fail(study->context, LAM_STATUS_BAD_ARGUMENT, "trial %lld cannot end %s",
                            (long long)outcomes[i].trial,
                            lam_trial_state_name(outcomes[i].state));
    LAM_TRY(lam_sql_begin(study->sql));
    LAM_TRY(lam_sql_end(study->sql, keep_outcomes(study, claim, outcomes, count, &is_held)));
    *ret_is_held = is_held;
    return is_held ? lam_study_sweep(study) : LAM_STATUS_OK;
}

/* ---- giving back ---- */

/* The wave stays together: which trials a rule ends depends on who is beside them. */
static lam_status give_back(lam_study *study, int64_t wave)
{
    LAM_TRY(lam_sql_run(study->sql, "UPDATE wave SET lease_until = 0 WHERE id = ?",
                        LAM_BIND(LAM_VALUE(wave))));
    return lam_sql_run(study->sql,
                       "UPDATE trial SET state = 'waiting' WHERE wave = ? AND finished IS NULL",
                       LAM_BIND(LAM_VALUE(wave)));
}

static lam_status take_apart(lam_study *study, int64_t wave)
{
    LAM_TRY(lam_sql_run(study->sql,
                        "DELETE FROM metric WHERE trial IN"
                        " (SELECT id FROM trial WHERE wave = ? AND finished IS NULL)",
                        LAM_BIND(LAM_VALUE(wave))));
    LAM_TRY(lam_sql_run(study->sql,
                        "UPDATE trial SET state = 'waiting', wave = NULL"
                        " WHERE wave = ? AND finished IS NULL",
                        LAM_BIND(LAM_VALUE(wave))));
    return lam_study_end_waves(study);
}

static lam_status release_wave(lam_study *study, const lam_wave_claim *claim, bool split)
{
    bool is_held = false;
    LAM_TRY(hold(study, claim, &is_held));
    if (!is_held)
        return LAM_STATUS_OK;
    return split ? take_apart(study, claim->wave) : give_back(study, claim->wave);
}

lam_status lam_study_release(void *user, const lam_wave_claim *claim, bool split)
{
    lam_study *study = user;
    LAM_TRY(lam_sql_begin(study->sql));
    LAM_TRY(lam_sql_end(study->sql, release_wave(study, claim, split)));
    return lam_study_sweep(study);
}
