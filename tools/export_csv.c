/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

/* The parameters of all studies, each once. */
typedef struct key_list {
    const char **keys;
    size_t count;
    bool has_studies;
} key_list;

typedef struct csv_export {
    const export_source *source;
    const key_list *keys;
    FILE *out;
} csv_export;

static bool has_key(const key_list *list, const char *key)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->keys[i], key) == 0)
            return true;
    return false;
}

static bool collect_keys(const export_sources *sources, key_list *list)
{
    size_t most = 0;
    for (size_t i = 0; i < sources->count; i++)
        most += sources->list[i].view ? sources->list[i].view->plan.space.count : 0;
    list->keys = malloc((most + 1) * sizeof *list->keys);
    for (size_t i = 0; i < sources->count && list->keys; i++) {
        const lam_study_view *view = sources->list[i].view;
        list->has_studies |= view != NULL;
        for (size_t p = 0; view && p < view->plan.space.count; p++)
            if (!has_key(list, view->plan.space.parameters[p].key))
                list->keys[list->count++] = view->plan.space.parameters[p].key;
    }
    return list->keys != NULL;
}

static const char *find_value(const lam_study_view *view,
                              const lam_configuration *configuration, const char *key)
{
    for (size_t p = 0; p < view->plan.space.count; p++)
        if (strcmp(view->plan.space.parameters[p].key, key) == 0)
            return configuration->values[p];
    return "";
}

static void print_measurement(FILE *out, const lam_measurement *m)
{
    fprintf(out, ",%" PRId64, m->step);
    print_csv_number(out, m->epoch);
    print_csv_number(out, m->learning_rate);
    print_csv_metrics(out, m);
    putc('\n', out);
}

static void print_run(const csv_export *e, const lam_run_history *run)
{
    for (size_t i = 0; i < run->measurement_count; i++) {
        print_csv_text(e->out, e->source->path);
        fprintf(e->out, ",%" PRIu64, run->seed);
        for (size_t k = 0; k < e->keys->count + e->keys->has_studies; k++)
            putc(',', e->out);
        print_measurement(e->out, &run->measurements[i]);
    }
}

static lam_status print_trial(void *user, const lam_study_view *view,
                              const lam_configuration *configuration, const lam_trial *trial)
{
    const csv_export *e = user;
    lam_measurement *curve = NULL;
    size_t count = 0;
    lam_status status = lam_study_read_curve(e->source->study, trial->id, &curve, &count);
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++) {
        print_csv_text(e->out, e->source->path);
        fprintf(e->out, ",%" PRIu64 ",%" PRId64, trial->seed, configuration->index + 1);
        for (size_t k = 0; k < e->keys->count; k++) {
            putc(',', e->out);
            print_csv_text(e->out, find_value(view, configuration, e->keys->keys[k]));
        }
        print_measurement(e->out, &curve[i]);
    }
    free(curve);
    return status;
}

static void print_heads(FILE *out, const key_list *keys)
{
    fprintf(out, keys->has_studies ? "run,seed,iteration" : "run,seed");
    for (size_t i = 0; i < keys->count; i++) {
        putc(',', out);
        print_csv_text(out, keys->keys[i]);
    }
    fputs(",step,epoch,learning_rate," CSV_METRICS "\n", out);
}

static lam_status print_source(const export_source *source, const key_list *keys, FILE *out)
{
    csv_export e = {source, keys, out};
    if (source->view)
        return for_each_trial(source->view, print_trial, &e);
    for (size_t i = 0; i < source->runs.count; i++)
        print_run(&e, &source->runs.runs[i]);
    return LAM_STATUS_OK;
}

lam_status export_csv(const export_sources *sources, FILE *out)
{
    key_list keys = {0};
    if (!collect_keys(sources, &keys))
        return LAM_STATUS_NO_MEMORY;
    print_heads(out, &keys);
    lam_status status = LAM_STATUS_OK;
    for (size_t i = 0; i < sources->count && status == LAM_STATUS_OK; i++)
        status = print_source(&sources->list[i], &keys, out);
    free(keys.keys);
    return status;
}
