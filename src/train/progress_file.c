/* SPDX-License-Identifier: Apache-2.0 */
#include "train/progress_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "lamina/run_history.h"

#define UPDATE_SECONDS 2

void lam_progress_file_update(lam_progress_file *file, lam_context *context,
                              lam_run_directory *directory, const lam_progress *progress)
{
    double now = lam_clock_get_seconds();
    if (file->has_failed || (file->written > 0 && now - file->written < UPDATE_SECONDS))
        return;
    file->written = now;
    json_t *json =
        json_pack("{s:f, s:i, s:i, s:i, s:I, s:I, s:f, s:f, s:f}", "date", lam_clock_get_date(),
                  "networks", progress->networks, "networks_done", progress->networks_done,
                  "networks_total", progress->networks_total, "step",
                  (json_int_t)progress->step, "total_steps", (json_int_t)progress->total_steps,
                  "epoch", progress->epoch, "samples_per_second", progress->samples_per_second,
                  "remaining_seconds", progress->remaining_seconds);
    file->has_failed =
        lam_run_directory_write_json(directory, LAM_RUN_PROGRESS, json) != LAM_STATUS_OK;
    if (file->has_failed)
        lam_log(context, LAM_LOG_LEVEL_WARNING, "%s; training goes on without it",
                lam_error_message(context));
    json_decref(json);
}

static double get_number(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

bool lam_run_progress_load(const char *directory, lam_progress *ret_progress,
                           double *ret_age_seconds)
{
    char *path = NULL;
    if (asprintf(&path, "%s/" LAM_RUN_PROGRESS, directory) < 0)
        return false;
    json_t *json = json_load_file(path, 0, NULL);
    free(path);
    if (!json)
        return false;
    *ret_progress =
        (lam_progress){.networks = (int)get_number(json, "networks"),
                       .networks_done = (int)get_number(json, "networks_done"),
                       .networks_total = (int)get_number(json, "networks_total"),
                       .step = json_integer_value(json_object_get(json, "step")),
                       .total_steps = json_integer_value(json_object_get(json, "total_steps")),
                       .epoch = get_number(json, "epoch"),
                       .samples_per_second = get_number(json, "samples_per_second"),
                       .remaining_seconds = get_number(json, "remaining_seconds"),
                       .latest = {.step = -1}};
    *ret_age_seconds = lam_clock_get_date() - get_number(json, "date");
    json_decref(json);
    return true;
}
