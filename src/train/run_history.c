/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/run_history.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "train/record.h"
#include "train/run_directory.h"

enum { PATH_BYTES = sizeof((lam_run_set *)NULL)->path };

/* Copies what fits, whole characters of UTF-8 alone. */
static void copy_text(char *copy, size_t bytes, const char *text)
{
    size_t length = strlen(text) < bytes ? strlen(text) : lam_utf8_cut(text, bytes - 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
}

static const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static lam_status copy_path(lam_context *context, char copy[PATH_BYTES], const char *path)
{
    if (strlen(path) >= PATH_BYTES)
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%.60s..: the path is longer than %d bytes; name a shorter one", path,
                        PATH_BYTES - 1);
    copy_text(copy, PATH_BYTES, path);
    return LAM_STATUS_OK;
}

/* ---- one run ---- */

static void take_device(const json_t *device, char *text, size_t bytes)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "%s, %s %s", get_text(device, "name"),
             get_text(device, "platform"), get_text(device, "driver_version"));
    copy_text(text, bytes, json_is_object(device) ? whole : "");
}

static void take_rows(const json_t *record, uint32_t rows[LAM_SPLIT_COUNT])
{
    const json_t *counts = json_object_get(record, "rows");
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        rows[split] = (uint32_t)json_integer_value(
            json_object_get(counts, lam_split_name((lam_split)split)));
}

static lam_status take_results(lam_context *context, const json_t *record, lam_run_history *run)
{
    run->is_finished = strcmp(run->status, "finished") == 0;
    if (run->is_finished && !lam_record_take_results(record, &run->summary))
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s/" LAM_RUN_RECORD ": the run is finished, but its final metrics are "
                        "missing; train again",
                        run->folder);
    return LAM_STATUS_OK;
}

static lam_status take_record(lam_context *context, const json_t *record, lam_run_history *run)
{
    const json_t *seed = json_object_get(record, "seed");
    const char *data = json_string_value(json_object_get(record, "data_directory"));
    LAM_TRY(lam_record_take_recipe(context, run->folder, record, &run->recipe));
    copy_text(run->name, sizeof run->name, run->recipe.name);
    run->seed = seed ? (uint64_t)json_integer_value(seed) : run->recipe.seed;
    copy_text(run->status, sizeof run->status, lam_record_get_status(record));
    copy_text(run->version, sizeof run->version, get_text(record, "lamina"));
    take_device(json_object_get(record, "device"), run->device, sizeof run->device);
    copy_text(run->gemm, sizeof run->gemm, get_text(record, "gemm"));
    take_rows(record, run->rows);
    if (data && !(run->data_directory = strdup(data)))
        return lam_fail_memory(context, "a path", strlen(data));
    return take_results(context, record, run);
}

/* What it fills before it fails is the caller's to free. */
static lam_status load_run(lam_context *context, const char *folder, lam_run_history *run)
{
    json_t *record = NULL;
    LAM_TRY(copy_path(context, run->folder, folder));
    LAM_TRY(lam_run_record_load(context, folder, &record));
    lam_status status = take_record(context, record, run);
    json_decref(record);
    LAM_TRY(status);
    return lam_run_metrics_load(context, folder, &run->measurements, &run->measurement_count);
}

/* ---- sets ---- */

typedef struct seed_folders {
    uint64_t seeds[LAM_MAX_SEEDS];
    size_t count;
} seed_folders;

static int compare_seeds(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

/* Those whose training has begun. */
static lam_status find_seeds(lam_context *context, const char *path, seed_folders *found)
{
    DIR *home = opendir(path);
    lam_status status = LAM_STATUS_OK;
    for (const struct dirent *entry;
         home && status == LAM_STATUS_OK && (entry = readdir(home));) {
        uint64_t seed;
        if (!lam_run_parse_folder(entry->d_name, &seed))
            continue;
        char *folder = lam_run_name_folder(path, seed);
        if (!folder)
            status = lam_fail_memory(context, "a path", 0);
        else if (lam_run_record_exists(folder) && found->count < LAM_MAX_SEEDS)
            found->seeds[found->count++] = seed;
        free(folder);
    }
    if (home)
        closedir(home);
    qsort(found->seeds, found->count, sizeof *found->seeds, compare_seeds);
    return status;
}

static lam_status load_seed(lam_context *context, const char *path, uint64_t seed,
                            lam_run_history *run)
{
    char *folder = lam_run_name_folder(path, seed);
    if (!folder)
        return lam_fail_memory(context, "a path", 0);
    lam_status status = load_run(context, folder, run);
    free(folder);
    snprintf(run->name, sizeof run->name, "%s, seed %" PRIu64, run->recipe.name, seed);
    return status;
}

static lam_status load_seeds(lam_context *context, const char *path, lam_run_set *set)
{
    seed_folders found = {.count = 0};
    LAM_TRY(find_seeds(context, path, &found));
    if (found.count == 0)
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s: there is no run (" LAM_RUN_RECORD ") and no set of seeds "
                        "(seed-1/" LAM_RUN_RECORD " ..); name a folder that lamina train "
                        "wrote to",
                        path);
    set->is_seed_set = true;
    set->runs = calloc(found.count, sizeof *set->runs);
    if (!set->runs)
        return lam_fail_memory(context, "runs", found.count * sizeof *set->runs);
    for (set->count = 0; set->count < found.count;) {
        lam_run_history *run = &set->runs[set->count++];
        LAM_TRY(load_seed(context, path, found.seeds[set->count - 1], run));
    }
    return LAM_STATUS_OK;
}

static lam_status load_single(lam_context *context, const char *path, lam_run_set *set)
{
    set->runs = calloc(1, sizeof *set->runs);
    if (!set->runs)
        return lam_fail_memory(context, "a run", sizeof *set->runs);
    set->count = 1;
    return load_run(context, path, set->runs);
}

lam_status lam_run_set_load(lam_context *context, const char *path, lam_run_set *ret_set)
{
    lam_run_set set = {.count = 0};
    lam_status status = copy_path(context, set.path, path);
    if (status == LAM_STATUS_OK)
        status = lam_run_record_exists(path) ? load_single(context, path, &set)
                                             : load_seeds(context, path, &set);
    if (status != LAM_STATUS_OK) {
        lam_run_set_free(&set);
        return status;
    }
    copy_text(set.name, sizeof set.name, set.runs[0].recipe.name);
    *ret_set = set;
    return LAM_STATUS_OK;
}

void lam_run_set_free(lam_run_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->runs[i].data_directory);
        free(set->runs[i].measurements);
    }
    free(set->runs);
    *set = (lam_run_set){.count = 0};
}
