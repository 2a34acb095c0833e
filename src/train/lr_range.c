/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/lr_range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "train/lr_curve.h"
#include "train/memory_check.h"
#include "train/session.h"
#include "train/trainer.h"

/* One call of lam_lr_range_run(). */
typedef struct range_test {
    lam_context *context;
    const lam_lr_range_options *options;
    lam_recipe recipe; /* the caller's, with the sweep as its schedule */
    lam_schedule_span span;
    lam_lr_curve curve;
    lam_watch watch; /* sees nothing: nothing is measured */
    lam_session *session;
    lam_trainer *trainer;
} range_test;

static lam_status check_options(lam_context *context, const lam_lr_range_options *options)
{
    /* Written so that a NaN is refused. */
    if (!(options->minimum > 0 && options->minimum < options->maximum &&
          isfinite(options->maximum)))
        return lam_fail(
            context, LAM_STATUS_BAD_ARGUMENT,
            "a sweep from learning rate %g to %g; legal: a minimum above 0 and below "
            "the maximum",
            options->minimum, options->maximum);
    if (options->steps != 0 &&
        (options->steps < LAM_LR_RANGE_LEAST_STEPS || options->steps > LAM_LR_RANGE_MOST_STEPS))
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a sweep of %lld steps; legal: %d to %d", (long long)options->steps,
                        LAM_LR_RANGE_LEAST_STEPS, LAM_LR_RANGE_MOST_STEPS);
    return LAM_STATUS_OK;
}

/* The rates as a schedule whose last step, `steps` - 1, has the maximum. */
static lam_schedule make_sweep(const lam_lr_range_options *options, int64_t steps)
{
    if (options->linear)
        return (lam_schedule){.type = LAM_SCHEDULE_TRIANGULAR,
                              .minimum = options->minimum,
                              .maximum = options->maximum,
                              .half_cycle_steps = steps - 1,
                              .cycle_growth = 1,
                              .maximum_decay = 1};
    return (lam_schedule){.type = LAM_SCHEDULE_EXPONENTIAL,
                          .rate = options->minimum,
                          .factor = options->maximum / options->minimum,
                          .every = {LAM_UNIT_STEPS, steps - 1}};
}

static lam_status set_up_sweep(range_test *test, const lam_recipe *recipe,
                               const lam_dataset *dataset)
{
    uint32_t train_rows = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).count;
    LAM_TRY(lam_recipe_count_steps(test->context, recipe, train_rows, &test->span));
    int64_t steps = test->options->steps;
    if (steps == 0)
        steps = test->span.steps_per_epoch > LAM_LR_RANGE_STEPS ? test->span.steps_per_epoch
                                                                : LAM_LR_RANGE_STEPS;
    test->span.total_steps = steps;
    test->recipe = *recipe;
    test->recipe.schedule = make_sweep(test->options, steps);
    test->recipe.stop = (lam_duration){LAM_UNIT_STEPS, steps};
    test->recipe.patience = 0;
    test->recipe.snapshots = false;
    return lam_lr_curve_create(test->context, steps, &test->curve);
}

/* Ends training, with a status that is none of the caller's, once the curve is complete. */
static lam_status keep_losses(void *user, int64_t first_step, int64_t count,
                              const double *losses)
{
    range_test *test = user;
    const lam_lr_range_options *options = test->options;
    for (int64_t i = 0; i < count; i++) {
        int64_t step = first_step + i;
        double rate = lam_schedule_get_rate(&test->recipe.schedule, &test->span, step);
        if (!lam_lr_curve_append(&test->curve, rate, losses[i]))
            return LAM_STATUS_DIVERGED;
    }
    const lam_lr_point *latest = &test->curve.points[test->curve.count - 1];
    if (options->progress)
        options->progress(options->progress_user, test->curve.count, test->span.total_steps,
                          latest->rate, latest->smoothed);
    return LAM_STATUS_OK;
}

static lam_status sweep(range_test *test, lam_device *device, const lam_dataset *dataset)
{
    const lam_trainer_observer observer = {.losses = keep_losses, .user = test};
    lam_gemm gemm = test->options->gemm;
    size_t members = 0;
    LAM_TRY(lam_memory_check(device, &test->recipe, dataset, gemm, 1, &members));
    LAM_TRY(lam_self_test(device, gemm));
    LAM_TRY(lam_session_create(device, &test->recipe, dataset, gemm, NULL, &test->session));
    LAM_TRY(lam_parameters_initialize(test->session->parameters, 0, test->recipe.seed));
    const lam_trainer_setup setup = {.parameters = test->session->parameters,
                                     .data = test->session->workshop->data,
                                     .dataset = dataset,
                                     .recipes = &test->recipe,
                                     .observer = &observer,
                                     .seeds = &test->recipe.seed,
                                     .watches = &test->watch};
    LAM_TRY(lam_trainer_create(&setup, &test->trainer));
    lam_status status = lam_trainer_run(test->trainer, INT64_MAX);
    return status == LAM_STATUS_DIVERGED && test->curve.blew_up ? LAM_STATUS_OK : status;
}

/* Finds out now what would make the table fail after the sweep. */
static lam_status prepare_place(const range_test *test, const char *path)
{
    const lam_lr_range_options *options = test->options;
    LAM_TRY(lam_directory_create(test->context, options->output_directory));
    if (!options->force && access(path, F_OK) == 0)
        return lam_fail(
            test->context, LAM_STATUS_BAD_OUTPUT,
            "%s is there already; choose another place (-o) or replace it (--force)", path);
    return lam_file_check_place(test->context, path);
}

static lam_status run(range_test *test, lam_device *device, const lam_recipe *recipe,
                      const lam_dataset *dataset, const char *path)
{
    LAM_TRY(check_options(test->context, test->options));
    LAM_TRY(set_up_sweep(test, recipe, dataset));
    LAM_TRY(prepare_place(test, path));
    LAM_TRY(sweep(test, device, dataset));
    return lam_lr_curve_save(test->context, &test->curve, path);
}

lam_status lam_lr_range_run(lam_device *device, const lam_recipe *recipe,
                            const lam_dataset *dataset, const lam_lr_range_options *options,
                            lam_lr_range_summary *ret_summary)
{
    range_test test = {.context = lam_device_get_context(device),
                       .options = options,
                       .watch = lam_watch_start()};
    char *path = NULL;
    if (asprintf(&path, "%s/%s", options->output_directory, LAM_LR_RANGE_FILE) < 0)
        return lam_fail_memory(test.context, LAM_LR_RANGE_FILE, 0);
    lam_status status = run(&test, device, recipe, dataset, path);
    if (status == LAM_STATUS_OK)
        *ret_summary = lam_lr_curve_summarize(&test.curve);
    lam_trainer_destroy(&test.trainer);
    lam_session_destroy(&test.session);
    lam_lr_curve_free(&test.curve);
    free(path);
    return status;
}
