/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/event_log.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lamina/study.h"
#include "report/event_file.h"
#include "report/event_hparams.h"
#include "report/event_message.h"
#include "report/event_run.h"

typedef struct export
{
    lam_context *context;
    const char *directory;
    char(*names)[NAME_MAX + 1]; /* of the paths' folders below it */
    size_t name_count;
    size_t files;
}
export;

/* ---- names ---- */

static bool is_taken(const export *e, const char *name)
{
    for (size_t i = 0; i < e->name_count; i++)
        if (strcmp(e->names[i], name) == 0)
            return true;
    return false;
}

/* The last part of the real path, since "." is a name of nothing; of a file without ".db". */
static const char *name_folder(export *e, const char *path)
{
    char real[PATH_MAX], base[NAME_MAX + 1];
    char *name = e->names[e->name_count];
    const char *whole = realpath(path, real) ? real : path, *slash = strrchr(whole, '/');
    snprintf(base, sizeof base, "%.*s", NAME_MAX, slash && slash[1] ? slash + 1 : whole);
    char *dot = strrchr(base, '.');
    if (dot && dot > base && strcmp(dot, ".db") == 0)
        *dot = '\0';
    snprintf(name, NAME_MAX + 1, "%s", base);
    for (int i = 2; is_taken(e, name); i++)
        snprintf(name, NAME_MAX + 1, "%.240s-%d", base, i);
    e->name_count++;
    return name;
}

/* Messages are UTF-8; a folder's name may be anything. */
static const char *name_group(const char *folder, const char *otherwise)
{
    json_t *text = json_string(folder);
    bool is_utf8 = text != NULL;
    json_decref(text);
    return is_utf8 ? folder : otherwise;
}

static lam_status write_file(export *e, const char *folder, const char *member,
                             const lam_strbuf *file)
{
    char *directory = NULL;
    if (asprintf(&directory, "%s/%s%s%s", e->directory, folder, *member ? "/" : "", member) < 0)
        return lam_fail_memory(e->context, folder, 0);
    lam_status status = lam_event_file_write(e->context, directory, file, NULL);
    free(directory);
    e->files += status == LAM_STATUS_OK;
    if (status == LAM_STATUS_OK && lam_stop_requested(e->context))
        status = lam_fail(e->context, LAM_STATUS_INTERRUPTED,
                          "interrupted after %zu event files; export again", e->files);
    return status;
}

/* ---- runs ---- */

static lam_status export_run(export *e, const lam_run_set *set, const char *folder, size_t i)
{
    char member[32] = "";
    lam_strbuf file = {0};
    if (set->is_seed_set)
        snprintf(member, sizeof member, "seed-%" PRIu64, set->runs[i].seed);
    lam_status status =
        lam_event_append_run(e->context, &set->runs[i],
                             set->is_seed_set ? name_group(folder, set->name) : "", &file);
    if (status == LAM_STATUS_OK)
        status = write_file(e, folder, member, &file);
    lam_strbuf_free(&file);
    return status;
}

static lam_status export_runs(export *e, const char *path, const char *folder)
{
    lam_run_set set;
    LAM_TRY(lam_run_set_load(e->context, path, &set));
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < set.count && status == LAM_STATUS_OK; i++)
        status = export_run(e, &set, folder, i);
    lam_run_set_free(&set);
    return status;
}

/* ---- studies ---- */

static json_t *collect_values(const lam_study_view *view,
                              const lam_configuration *configuration)
{
    json_t *values = json_object();
    for (size_t i = 0; i < view->plan.space.count; i++)
        if (*configuration->values[i])
            json_object_set_new(values, view->plan.space.parameters[i].key,
                                lam_hparam_parse(configuration->values[i]));
    return values;
}

static void append_trial(const lam_study_view *view, const lam_configuration *configuration,
                         const lam_trial *trial, const char *group,
                         const lam_event_clock *clock, lam_strbuf *file)
{
    lam_strbuf summary = {0};
    json_t *values = collect_values(view, configuration);
    double begin = lam_event_clock_tell(clock, 0);
    lam_event_append_version(file, begin);
    lam_event_add_session_start(&summary, values, group, begin);
    lam_event_append_summary(file, begin, 0, &summary);
    json_decref(values);
    if (trial->state == LAM_TRIAL_STATE_RUNNING)
        return;
    if (trial->state == LAM_TRIAL_STATE_DONE)
        lam_event_add_scalar(&summary, "objective", trial->objective);
    lam_event_add_session_end(&summary,
                              trial->state == LAM_TRIAL_STATE_DONE ||
                                  trial->state == LAM_TRIAL_STATE_PRUNED,
                              clock->last_time);
    lam_event_append_summary(file, clock->last_time, clock->last_step, &summary);
}

static lam_status export_trial(export *e, lam_study *study, const lam_study_view *view,
                               const lam_configuration *configuration, const lam_trial *trial,
                               const char *folder)
{
    char group[NAME_MAX + 32], member[64];
    lam_measurement *curve = NULL;
    size_t count = 0;
    lam_strbuf file = {0};
    int length = snprintf(member, sizeof member, "trial-%04" PRId64, configuration->index + 1);
    snprintf(group, sizeof group, "%s/%s", name_group(folder, "study"), member);
    if (view->plan.seed_count > 1)
        snprintf(member + length, sizeof member - (size_t)length, "-seed-%" PRIu64,
                 trial->seed);
    LAM_TRY(lam_study_read_curve(study, trial->id, &curve, &count));
    const lam_event_clock clock = lam_event_clock_start(
        view->path, count > 0 ? curve[count - 1].step : 0, trial->seconds);
    append_trial(view, configuration, trial, group, &clock, &file);
    for (size_t i = 0; i < count; i++)
        lam_event_append_measurement(&file, lam_event_clock_tell(&clock, curve[i].step),
                                     &curve[i]);
    free(curve);
    lam_status status = write_file(e, folder, member, &file);
    lam_strbuf_free(&file);
    return status;
}

static lam_status export_trials(export *e, lam_study *study, const lam_study_view *view,
                                const char *folder)
{
    for (size_t c = 0; c < view->configuration_count; c++)
        for (int s = 0; s < view->plan.seed_count; s++) {
            const lam_configuration *configuration = &view->configurations[c];
            const lam_trial *trial = &configuration->trials[s];
            if (trial->state != LAM_TRIAL_STATE_WAITING)
                LAM_TRY(export_trial(e, study, view, configuration, trial, folder));
        }
    return LAM_STATUS_OK;
}

static lam_status export_study(export *e, const char *path, const char *folder)
{
    lam_study *study = NULL;
    lam_study_view *view = NULL;
    lam_status status = lam_study_open(e->context, path, &study);
    if (status == LAM_STATUS_OK)
        status = lam_study_read(study, &view);
    if (status == LAM_STATUS_OK)
        status = export_trials(e, study, view, folder);
    lam_study_view_free(&view);
    lam_study_close(&study);
    return status;
}

/* ---- all ---- */

static lam_status export_path(export *e, const char *path)
{
    struct stat info;
    const char *folder = name_folder(e, path);
    bool is_file = stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
    return is_file ? export_study(e, path, folder) : export_runs(e, path, folder);
}

lam_status lam_event_log_export(lam_context *context, const char *const *paths, size_t count,
                                const char *directory, size_t *ret_files)
{
    export e = {.context = context, .directory = directory};
    e.names = calloc(count + 1, sizeof *e.names);
    if (!e.names)
        return lam_fail_memory(context, "names", count);
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++)
        status = export_path(&e, paths[i]);
    free(e.names);
    if (status == LAM_STATUS_OK)
        *ret_files = e.files;
    return status;
}
