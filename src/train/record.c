/* SPDX-License-Identifier: Apache-2.0 */
#include "train/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "lamina/version.h"
#include "train/run_directory.h"

json_t *lam_metrics_format(const lam_metrics *metrics)
{
    return json_pack("{s:f, s:f, s:f}", "loss", metrics->loss, "cost", metrics->cost,
                     "accuracy", metrics->accuracy);
}

bool lam_metrics_parse(const json_t *json, lam_metrics *ret_metrics)
{
    const json_t *loss = json_object_get(json, "loss"), *cost = json_object_get(json, "cost");
    const json_t *accuracy = json_object_get(json, "accuracy");
    *ret_metrics = (lam_metrics){json_number_value(loss), json_number_value(cost),
                                 json_number_value(accuracy)};
    return json_is_number(loss) && json_is_number(cost) && json_is_number(accuracy);
}

static json_t *describe_device(const lam_device_info *info)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "index", info->index, "name",
                     info->name, "vendor", info->vendor, "platform", info->platform, "type",
                     lam_device_type_name(info->type), "driver_version", info->driver_version,
                     "opencl_version", info->opencl_version, "compute_units",
                     (int)info->compute_units);
}

lam_status lam_record_start(const lam_engine *engine, const lam_recipe *recipe,
                            const lam_dataset *dataset, const char *data_directory,
                            uint64_t seed, json_t **ret_record)
{
    char *text = NULL;
    LAM_TRY(lam_recipe_format(engine->context, recipe, &text));
    json_t *resolved = json_loads(text, 0, NULL);
    free(text);
    json_t *record = json_pack(
        "{s:s, s:s, s:o, s:o, s:s, s:I, s:s?, s:{s:i, s:i, s:i}}", "lamina", lam_version(),
        "status", "running", "recipe", resolved, "device",
        describe_device(lam_device_get_info(engine->device)), "gemm",
        lam_gemm_name(engine->gemm), "seed", (json_int_t)seed, "data_directory", data_directory,
        "rows", "train", (int)lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).count,
        "validation", (int)lam_dataset_get_split(dataset, LAM_SPLIT_VALIDATION).count, "test",
        (int)lam_dataset_get_split(dataset, LAM_SPLIT_TEST).count);
    if (!record)
        return lam_fail_memory(engine->context, LAM_RUN_RECORD, sizeof *record);
    *ret_record = record;
    return LAM_STATUS_OK;
}

lam_status lam_record_check_same(lam_context *context, const json_t *old,
                                 const json_t *new_record, const char *directory)
{
    static const char *const keys[] = {"recipe", "gemm", "rows", "seed"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!json_equal(json_object_get(old, keys[i]), json_object_get(new_record, keys[i])))
            return lam_fail(context, LAM_STATUS_BAD_RECIPE,
                            "%s was started with another %s; resume with that, choose another "
                            "place with -o, or replace it with --force",
                            directory, keys[i]);
    return LAM_STATUS_OK;
}

const char *lam_record_get_status(const json_t *record)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    return status ? status : "";
}

lam_status lam_record_take_recipe(lam_context *context, const char *directory,
                                  const json_t *record, lam_recipe *ret_recipe)
{
    lam_strbuf origin = {0};
    lam_strbuf_append(&origin, "%s/" LAM_RUN_RECORD ": recipe", directory);
    const json_t *recipe = json_object_get(record, "recipe");
    char *text = json_is_object(recipe) ? json_dumps(recipe, JSON_REAL_PRECISION(17)) : NULL;
    lam_status status = text ? lam_recipe_parse(context, text, strlen(text),
                                                lam_strbuf_text(&origin), NULL, 0, ret_recipe)
                             : lam_fail(context, LAM_STATUS_BAD_MODEL,
                                        "%s is missing; train again", lam_strbuf_text(&origin));
    free(text);
    lam_strbuf_free(&origin);
    return status == LAM_STATUS_BAD_RECIPE ? LAM_STATUS_BAD_MODEL : status;
}

static void put_splits(json_t *object, const lam_run_summary *summary,
                       const lam_metrics metrics[LAM_SPLIT_COUNT])
{
    for (int split = 0; split < LAM_SPLIT_COUNT; split++)
        if (summary->has_split[split])
            json_object_set_new(object, lam_split_name((lam_split)split),
                                lam_metrics_format(&metrics[split]));
}

void lam_record_put_results(json_t *record, const lam_run_summary *summary)
{
    json_t *final = json_object();
    put_splits(final, summary, summary->final);
    json_object_set_new(record, "final", final);
    if (summary->has_best) {
        json_t *best = json_pack("{s:I, s:f}", "step", (json_int_t)summary->best_step, "epoch",
                                 summary->best_epoch);
        put_splits(best, summary, summary->best);
        json_object_set_new(record, "best", best);
    }
    if (summary->stopped_early)
        json_object_set_new(record, "stopped_early", json_integer(summary->steps));
}

static bool take_splits(const json_t *object, lam_run_summary *summary,
                        lam_metrics ret_metrics[LAM_SPLIT_COUNT])
{
    for (int split = 0; split < LAM_SPLIT_COUNT; split++) {
        const json_t *metrics = json_object_get(object, lam_split_name((lam_split)split));
        summary->has_split[split] = metrics != NULL;
        if (metrics && !lam_metrics_parse(metrics, &ret_metrics[split]))
            return false;
    }
    return summary->has_split[LAM_SPLIT_TRAIN];
}

bool lam_record_take_results(const json_t *record, lam_run_summary *ret_summary)
{
    const json_t *best = json_object_get(record, "best");
    lam_run_summary summary = {
        .steps = json_integer_value(json_object_get(record, "steps")),
        .seconds_per_epoch = json_number_value(json_object_get(record, "seconds_per_epoch")),
        .samples_per_second = json_number_value(json_object_get(record, "samples_per_second")),
        .seconds_total = json_number_value(json_object_get(record, "seconds_total")),
        .stopped_early = json_object_get(record, "stopped_early") != NULL,
        .has_best = best != NULL,
        .best_step = json_integer_value(json_object_get(best, "step")),
        .best_epoch = json_number_value(json_object_get(best, "epoch"))};
    if (best && !take_splits(best, &summary, summary.best))
        return false;
    if (!take_splits(json_object_get(record, "final"), &summary, summary.final))
        return false;
    *ret_summary = summary;
    return true;
}
