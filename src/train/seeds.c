/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lamina/statistics.h"
#include "train/population_state.h"
#include "train/progress_file.h"
#include "train/record.h"
#include "train/trace.h"
#include "train/wave.h"

/* One call of lam_train_seeds(). */
typedef struct seed_run {
    lam_context *context;
    lam_device *device;
    const lam_recipe *recipe;
    const lam_dataset *dataset;
    const lam_train_options *options;
    const lam_seed_set *set;
    lam_run_directory *home;
    uint64_t *remaining; /* seeds not trained yet, in the set's order */
    size_t remaining_count;
    size_t wave_members; /* in training now */
    lam_progress_file progress;
} seed_run;

/* ---- what is trained already ---- */

static lam_recipe get_recipe(const seed_run *run, uint64_t seed)
{
    lam_recipe recipe = *run->recipe;
    if (run->set->varies_order)
        recipe.seed = seed;
    return recipe;
}

static lam_status check_same(const seed_run *run, const lam_engine *engine, uint64_t seed,
                             const char *folder, const json_t *old)
{
    json_t *expected = NULL;
    const lam_recipe recipe = get_recipe(run, seed);
    LAM_TRY(lam_record_start(engine, &recipe, run->dataset, run->options->data_directory, seed,
                             &expected));
    lam_status status = lam_record_check_same(run->context, old, expected, folder);
    json_decref(expected);
    return status;
}

/* A seed that has come to its end, well or not, is not trained again. */
static lam_status look_at_seed(const seed_run *run, const lam_engine *engine, uint64_t seed,
                               bool *ret_is_over)
{
    json_t *record = NULL;
    char *folder = lam_run_name_folder(run->options->output_directory, seed);
    lam_status status = LAM_STATUS_OK;
    bool is_over = false;
    if (!folder)
        return lam_fail_memory(run->context, "a path", 0);
    if (lam_run_record_exists(folder))
        LAM_TRY_GOTO(status, lam_run_record_load(run->context, folder, &record));
    if (record) {
        const char *outcome = lam_record_get_status(record);
        is_over = strcmp(outcome, "finished") == 0 || strcmp(outcome, "diverged") == 0;
        status = check_same(run, engine, seed, folder, record);
    }
fail:
    json_decref(record);
    free(folder);
    if (status == LAM_STATUS_OK)
        *ret_is_over = is_over;
    return status;
}

static lam_status find_remaining(seed_run *run)
{
    lam_engine *engine = NULL;
    lam_status status = LAM_STATUS_OK;
    run->remaining = malloc(run->set->count * sizeof *run->remaining);
    if (!run->remaining)
        return lam_fail_memory(run->context, "seeds", run->set->count * sizeof(uint64_t));
    LAM_TRY(lam_engine_create(run->device, LAM_REAL_TYPE_F32, run->options->gemm, &engine));
    for (size_t i = 0; i < run->set->count && status == LAM_STATUS_OK; i++) {
        bool is_over = false;
        if (run->options->resume)
            status = look_at_seed(run, engine, run->set->seeds[i], &is_over);
        if (!is_over)
            run->remaining[run->remaining_count++] = run->set->seeds[i];
    }
    lam_engine_destroy(&engine);
    return status;
}

static void take_from_remaining(seed_run *run, const uint64_t *seeds, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->remaining_count; i++) {
        bool is_taken = false;
        for (size_t k = 0; k < count; k++)
            is_taken = is_taken || run->remaining[i] == seeds[k];
        if (!is_taken)
            run->remaining[kept++] = run->remaining[i];
    }
    run->remaining_count = kept;
}

static bool is_in_set(const seed_run *run, uint64_t seed)
{
    for (size_t i = 0; i < run->set->count; i++)
        if (run->set->seeds[i] == seed)
            return true;
    return false;
}

/* ---- what earlier sets left ---- */

/* Replaced as a whole: runs of seeds that are not in the set any more would pass for its own.
 */
static lam_status discard_other_seeds(const seed_run *run)
{
    lam_status status = LAM_STATUS_OK;
    DIR *home = opendir(run->options->output_directory);
    for (const struct dirent *entry;
         home && status == LAM_STATUS_OK && (entry = readdir(home));) {
        uint64_t seed;
        if (!lam_run_parse_folder(entry->d_name, &seed) || is_in_set(run, seed))
            continue;
        char *folder = lam_run_name_folder(run->options->output_directory, seed);
        status = folder ? lam_run_directory_discard(run->context, folder)
                        : lam_fail_memory(run->context, "a path", 0);
        free(folder);
    }
    if (home)
        closedir(home);
    return status;
}

/* ---- waves ---- */

static void pass_progress(void *user, const lam_progress *progress)
{
    seed_run *run = user;
    lam_progress whole = *progress;
    whole.networks = (int)run->wave_members;
    whole.networks_total = (int)run->set->count;
    whole.networks_done = (int)(run->set->count - run->remaining_count - run->wave_members);
    lam_progress_file_update(&run->progress, run->context, run->home, &whole);
    if (run->options->progress)
        run->options->progress(run->options->progress_user, &whole);
}

/* Networks that diverged have said so in their folders: the others go on without them. */
static lam_status train_wave(seed_run *run, const uint64_t *seeds, size_t members)
{
    const lam_recipe recipe = get_recipe(run, seeds[0]);
    lam_train_options options = *run->options;
    options.progress = pass_progress;
    options.progress_user = run;
    lam_run_summary *summaries = calloc(members, sizeof *summaries);
    if (!summaries)
        return lam_fail_memory(run->context, "summaries", members * sizeof *summaries);
    const lam_wave wave = {.device = run->device,
                           .recipe = &recipe,
                           .dataset = run->dataset,
                           .options = &options,
                           .seeds = seeds,
                           .members = members,
                           .home = run->home};
    take_from_remaining(run, seeds, members);
    run->wave_members = members;
    lam_status status = lam_wave_train(&wave, summaries);
    free(summaries);
    if (status == LAM_STATUS_DIVERGED)
        lam_run_directory_remove(run->home, LAM_RUN_CHECKPOINT);
    return status == LAM_STATUS_DIVERGED ? LAM_STATUS_OK : status;
}

/* The wave that was cut off goes on as it was, whatever memory there is now. */
static lam_status resume_wave(seed_run *run)
{
    uint64_t *seeds = NULL;
    size_t members = 0;
    bool is_over = true;
    if (!run->options->resume || !lam_run_directory_has(run->home, LAM_RUN_CHECKPOINT))
        return LAM_STATUS_OK;
    const char *path = lam_run_directory_get_path(run->home, LAM_RUN_CHECKPOINT);
    LAM_TRY(lam_population_state_load_ids(run->context, path, &seeds, &members));
    lam_status status = LAM_STATUS_OK;
    for (size_t p = 0; p < members && status == LAM_STATUS_OK; p++) {
        if (!is_in_set(run, seeds[p]))
            status = lam_fail(run->context, LAM_STATUS_BAD_RECIPE,
                              "%s: seed %llu was in training; resume with the same --seeds",
                              path, (unsigned long long)seeds[p]);
        for (size_t i = 0; i < run->remaining_count; i++)
            is_over = is_over && run->remaining[i] != seeds[p];
    }
    if (status == LAM_STATUS_OK && !is_over)
        status = train_wave(run, seeds, members);
    free(seeds);
    return status;
}

static lam_status train_waves(seed_run *run, size_t side_by_side)
{
    LAM_TRY(resume_wave(run));
    lam_run_directory_remove(run->home, LAM_RUN_CHECKPOINT);
    while (run->remaining_count > 0) {
        size_t members =
            run->remaining_count < side_by_side ? run->remaining_count : side_by_side;
        uint64_t *seeds = malloc(members * sizeof *seeds);
        if (!seeds)
            return lam_fail_memory(run->context, "seeds", members * sizeof *seeds);
        memcpy(seeds, run->remaining, members * sizeof *seeds);
        lam_status status = train_wave(run, seeds, members);
        free(seeds);
        LAM_TRY(status);
    }
    return LAM_STATUS_OK;
}

/* ---- results ---- */

static lam_status read_result(const seed_run *run, uint64_t seed, lam_seed_result *ret_result)
{
    json_t *record = NULL;
    lam_seed_result result = {.seed = seed};
    char *folder = lam_run_name_folder(run->options->output_directory, seed);
    if (!folder)
        return lam_fail_memory(run->context, "a path", 0);
    lam_status status = lam_run_record_load(run->context, folder, &record);
    if (status == LAM_STATUS_OK) {
        result.diverged = strcmp(lam_record_get_status(record), "diverged") == 0;
        if (!result.diverged && !lam_record_take_results(record, &result.run))
            status = lam_fail(run->context, LAM_STATUS_BAD_MODEL,
                              "%s/" LAM_RUN_RECORD ": there are no final metrics in it; remove "
                              "the folder and go on with --resume",
                              folder);
    }
    json_decref(record);
    free(folder);
    if (status == LAM_STATUS_OK)
        *ret_result = result;
    return status;
}

static json_t *format_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *format_estimate(const lam_estimate *e)
{
    return json_pack("{s:o, s:o, s:o, s:I}", "mean", format_number(e->mean), "deviation",
                     format_number(e->deviation), "half_width", format_number(e->half_width),
                     "n", (json_int_t)e->count);
}

static json_t *format_split(const lam_seed_result *results, size_t count, lam_split split,
                            bool best)
{
    lam_metrics_estimate estimate = lam_seed_results_estimate(results, count, split, best);
    return json_pack("{s:o, s:o, s:o}", "loss", format_estimate(&estimate.loss), "cost",
                     format_estimate(&estimate.cost), "accuracy",
                     format_estimate(&estimate.accuracy));
}

static json_t *format_results(const lam_seed_result *results, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *entry = json_pack("{s:I, s:s}", "seed", (json_int_t)results[i].seed, "status",
                                  results[i].diverged ? "diverged" : "finished");
        if (!results[i].diverged) {
            json_object_set_new(entry, "steps", json_integer(results[i].run.steps));
            lam_record_put_results(entry, &results[i].run);
        }
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *format_statistics(const lam_seed_result *results, size_t count, bool best)
{
    json_t *splits = json_object();
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (lam_seed_results_estimate(results, count, (lam_split)split, best).loss.count > 0)
            json_object_set_new(splits, lam_split_name((lam_split)split),
                                format_split(results, count, (lam_split)split, best));
    return splits;
}

static lam_status write_summary(const seed_run *run, const lam_seed_result *results)
{
    size_t count = run->set->count, finished = 0;
    for (size_t i = 0; i < count; i++)
        finished += !results[i].diverged;
    json_t *summary = json_pack(
        "{s:s, s:s, s:f, s:I, s:o, s:o, s:o}", "recipe", run->recipe->name, "vary",
        run->set->varies_order ? "order" : "initialization", "confidence", LAM_CONFIDENCE, "n",
        (json_int_t)finished, "seeds", format_results(results, count), "final",
        format_statistics(results, count, false), "best",
        format_statistics(results, count, true));
    if (!summary)
        return lam_fail_memory(run->context, LAM_RUN_SUMMARY, 0);
    lam_status status = lam_run_directory_write_json(run->home, LAM_RUN_SUMMARY, summary);
    json_decref(summary);
    if (status == LAM_STATUS_OK && finished == 0)
        status =
            lam_fail(run->context, LAM_STATUS_DIVERGED,
                     "all %zu networks diverged (see run.json in the folders of %s); lower "
                     "the learning rate",
                     count, run->options->output_directory);
    return status;
}

/* ---- the whole ---- */

static lam_status check_set(lam_context *context, const lam_seed_set *set)
{
    if (set->count < 1 || set->count > LAM_MAX_SEEDS)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "%zu seeds are out of range; legal: 1 to %d", set->count,
                        LAM_MAX_SEEDS);
    for (size_t i = 0; i < set->count; i++) {
        if (set->seeds[i] > INT64_MAX)
            return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                            "seed %llu is out of range; legal: 0 to 2^63 - 1",
                            (unsigned long long)set->seeds[i]);
        for (size_t k = 0; k < i; k++)
            if (set->seeds[k] == set->seeds[i])
                return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                                "seed %llu is named twice; name each once",
                                (unsigned long long)set->seeds[i]);
    }
    return LAM_STATUS_OK;
}

static lam_status train_set(seed_run *run, lam_seed_result *ret_results)
{
    const lam_train_options *options = run->options;
    size_t wanted = run->set->varies_order ? 1 : run->set->count, side_by_side = 0;
    LAM_TRY(lam_wave_prepare(run->device, run->recipe, run->dataset, options, wanted,
                             &side_by_side));
    if (side_by_side < wanted)
        lam_log(run->context, LAM_LOG_LEVEL_WARNING,
                "%zu networks do not fit into the device's memory side by side: they are "
                "trained %zu at a time, to the same bits",
                wanted, side_by_side);
    LAM_TRY(lam_run_directory_open(run->context, options->output_directory, options->force,
                                   options->resume, &run->home));
    if (options->force)
        LAM_TRY(discard_other_seeds(run));
    LAM_TRY(find_remaining(run));
    LAM_TRY(train_waves(run, side_by_side));
    for (size_t i = 0; i < run->set->count; i++)
        LAM_TRY(read_result(run, run->set->seeds[i], &ret_results[i]));
    return write_summary(run, ret_results);
}

lam_status lam_train_seeds(lam_device *device, const lam_recipe *recipe,
                           const lam_dataset *dataset, const lam_train_options *options,
                           const lam_seed_set *set, lam_seed_result *ret_results)
{
    seed_run run = {.context = lam_device_get_context(device),
                    .device = device,
                    .recipe = recipe,
                    .dataset = dataset,
                    .options = options,
                    .set = set};
    LAM_TRY(check_set(run.context, set));
    LAM_TRY(lam_trace_start_device(options->trace, device));
    lam_status status = train_set(&run, ret_results);
    lam_status stopped = lam_trace_stop_device(options->trace);
    if (run.home)
        lam_run_directory_remove(run.home, LAM_RUN_PROGRESS);
    lam_run_directory_close(&run.home);
    free(run.remaining);
    return status != LAM_STATUS_OK ? status : stopped;
}
