/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "report/event_hparams.h"
#include "report/event_message.h"
#include "report/event_model.h"
#include "train/run_directory.h"

/* ---- dates ---- */

lam_event_clock lam_event_clock_start(const char *path, int64_t last_step, double seconds)
{
    struct stat info;
    lam_event_clock clock = {.last_step = last_step, .last_time = lam_clock_get_date()};
    if (stat(path, &info) == 0)
        clock.last_time = (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
    if (last_step > 0 && isfinite(seconds))
        clock.seconds_per_step = seconds / (double)last_step;
    return clock;
}

double lam_event_clock_tell(const lam_event_clock *clock, int64_t step)
{
    return clock->last_time - (double)(clock->last_step - step) * clock->seconds_per_step;
}

static lam_event_clock start_clock(const lam_run_history *run)
{
    lam_strbuf path = {0};
    int64_t last =
        run->measurement_count > 0 ? run->measurements[run->measurement_count - 1].step : 0;
    lam_strbuf_append(&path, "%s/" LAM_RUN_METRICS, run->folder);
    lam_event_clock clock = lam_event_clock_start(
        lam_strbuf_text(&path), last, run->is_finished ? run->summary.seconds_total : 0);
    lam_strbuf_free(&path);
    return clock;
}

/* ---- the parts ---- */

void lam_event_append_start(lam_context *context, const lam_run_history *run, const char *group,
                            double time, lam_strbuf *file)
{
    lam_strbuf summary = {0};
    json_t *hparams = lam_hparams_make(context, &run->recipe);
    lam_event_append_version(file, time);
    lam_event_add_session_start(&summary, hparams, group, time);
    lam_event_append_summary(file, time, 0, &summary);
    json_decref(hparams);
}

/* "best/" "accuracy" "/test" */
static void add_metrics(lam_strbuf *summary, const char *prefix, lam_split split,
                        const lam_metrics *metrics)
{
    const struct {
        const char *name;
        double value;
    } scalars[] = {
        {"loss", metrics->loss}, {"cost", metrics->cost}, {"accuracy", metrics->accuracy}};
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        char tag[64];
        snprintf(tag, sizeof tag, "%s%s/%s", prefix, scalars[i].name, lam_split_name(split));
        lam_event_add_scalar(summary, tag, scalars[i].value);
    }
}

void lam_event_append_measurement(lam_strbuf *file, double time, const lam_measurement *m)
{
    lam_strbuf summary = {0};
    add_metrics(&summary, "", LAM_SPLIT_TRAIN, &m->train);
    if (m->has_validation)
        add_metrics(&summary, "", LAM_SPLIT_VALIDATION, &m->validation);
    lam_event_add_scalar(&summary, "learning_rate", m->learning_rate);
    lam_event_append_summary(file, time, m->step, &summary);
}

static void append_results(const lam_run_summary *results, const lam_event_clock *clock,
                           lam_strbuf *file)
{
    lam_strbuf summary = {0};
    for (int split = 0; split < LAM_SPLIT_COUNT && results->has_best; split++)
        if (results->has_split[split])
            add_metrics(&summary, "best/", (lam_split)split, &results->best[split]);
    lam_event_append_summary(file, lam_event_clock_tell(clock, results->best_step),
                             results->best_step, &summary);
    if (results->has_split[LAM_SPLIT_TEST])
        add_metrics(&summary, "", LAM_SPLIT_TEST, &results->final[LAM_SPLIT_TEST]);
    lam_event_append_summary(file, lam_event_clock_tell(clock, results->steps), results->steps,
                             &summary);
}

lam_status lam_event_append_end(lam_context *context, const lam_run_history *run,
                                const lam_event_clock *clock, lam_strbuf *file)
{
    lam_strbuf summary = {0};
    if (run->is_finished)
        append_results(&run->summary, clock, file);
    LAM_TRY(lam_event_append_models(context, run->folder, clock, file));
    lam_event_add_session_end(&summary, run->is_finished, clock->last_time);
    lam_event_append_summary(file, clock->last_time, clock->last_step, &summary);
    return LAM_STATUS_OK;
}

lam_status lam_event_append_run(lam_context *context, const lam_run_history *run,
                                const char *group, lam_strbuf *file)
{
    const lam_event_clock clock = start_clock(run);
    lam_event_append_start(context, run, group, lam_event_clock_tell(&clock, 0), file);
    for (size_t i = 0; i < run->measurement_count; i++)
        lam_event_append_measurement(file,
                                     lam_event_clock_tell(&clock, run->measurements[i].step),
                                     &run->measurements[i]);
    if (strcmp(run->status, "running") == 0)
        return LAM_STATUS_OK;
    return lam_event_append_end(context, run, &clock, file);
}
