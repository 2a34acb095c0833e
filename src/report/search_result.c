/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "lamina/reproduce.h"
#include "lamina/study.h"

/* One network was trained for each configuration. */
static lam_estimate get_objective(const lam_rank *rank)
{
    return (lam_estimate){rank->objective.count, 100 * rank->objective.mean, NAN, NAN};
}

static void add_seconds(const lam_study_view *view, lam_experiment_result *result)
{
    for (size_t i = 0; i < view->configuration_count; i++)
        for (int k = 0; k < view->plan.seed_count; k++) {
            const lam_trial *trial = &view->configurations[i].trials[k];
            result->seconds += isfinite(trial->seconds) ? trial->seconds : 0;
            result->count += trial->state == LAM_TRIAL_STATE_DONE;
        }
}

static lam_status read_study(lam_context *context, const char *directory, const char *name,
                             lam_experiment_result *result, lam_estimate *best,
                             lam_estimate *worst)
{
    char path[4096 + 32];
    lam_study_view *view = NULL;
    lam_ranking ranking = {0};
    snprintf(path, sizeof path, "%s/%s.db", directory, name);
    LAM_TRY(lam_study_load_view(context, path, &view));
    lam_status status = lam_study_rank(context, view, &ranking);
    if (status == LAM_STATUS_OK && ranking.count > 0) {
        *best = get_objective(&ranking.ranks[0]);
        *worst = get_objective(&ranking.ranks[ranking.count - 1]);
        add_seconds(view, result);
    }
    lam_ranking_free(&ranking);
    lam_study_view_free(&view);
    return status;
}

static double get_percent(const json_t *estimate, const char *key)
{
    const json_t *value = json_object_get(estimate, key);
    return json_is_number(value) ? 100 * json_number_value(value) : NAN;
}

/* Of the final training's summary.json. */
static lam_status read_final(lam_context *context, const char *directory, lam_estimate *test)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/final/summary.json", directory);
    json_t *summary = json_load_file(path, 0, NULL);
    const json_t *final = json_object_get(summary, "final");
    const json_t *accuracy = json_object_get(json_object_get(final, "test"), "accuracy");
    *test = (lam_estimate){(size_t)json_integer_value(json_object_get(accuracy, "n")),
                           get_percent(accuracy, "mean"), get_percent(accuracy, "deviation"),
                           get_percent(accuracy, "half_width")};
    json_decref(summary);
    if (test->count == 0)
        return lam_fail(context, LAM_STATUS_BAD_MODEL,
                        "%s: no final training that came to its end; remove the folder and "
                        "search again",
                        path);
    return LAM_STATUS_OK;
}

lam_status lam_experiment_read_search(lam_context *context, const char *directory,
                                      lam_experiment_result *ret_result)
{
    lam_experiment_result result = {.is_done = true, .peer_seconds = NAN};
    lam_estimate *values = result.values, unused;
    LAM_TRY(read_study(context, directory, "coarse", &result, &values[LAM_QUANTITY_COARSE_BEST],
                       &values[LAM_QUANTITY_COARSE_WORST]));
    LAM_TRY(read_study(context, directory, "fine", &result, &values[LAM_QUANTITY_FINE_BEST],
                       &unused));
    LAM_TRY(read_final(context, directory, &values[LAM_QUANTITY_FINAL_TEST]));
    *ret_result = result;
    return LAM_STATUS_OK;
}
