/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "train/epoch_tables.h"
#include "train/measurer.h"
#include "train/step_losses.h"
#include "train/step_pacer.h"
#include "train/watch_set.h"

struct lam_trainer {
    const lam_recipe *recipes; /* [members]; what they share is taken of the first */
    const lam_dataset *dataset;
    const lam_engine *engine;
    lam_trainer_observer observer;
    lam_watch_set watches;
    int64_t first_step, step; /* steps are counted from the run's beginning */
    int64_t checked_step;     /* losses before it are known to be finite */
    int64_t measured_step;    /* the latest; -1 before the first */
    bool has_stale_table;     /* what rates hang on has changed within the epoch */
    lam_plan *plan;
    lam_measurer *measurer; /* NULL where nothing is measured */
    lam_optimizer_state *optimizer_state;
    lam_buffer *l2, *clip_norm;
    lam_epoch_tables tables;
    lam_step_losses losses;
    lam_metrics *train_metrics, *validation_metrics; /* [members] */
    lam_step_pacer pacer;
    double segment_start; /* when the queue was last known to be empty */
    double training_seconds, measuring_seconds;
    lam_measurement latest; /* the mean of the members that do not rest */
    lam_trace_span epoch_span;
};

static lam_status create_tables(lam_trainer *trainer, const uint64_t *seeds)
{
    const lam_engine *engine = trainer->engine;
    size_t members = trainer->watches.members, bytes = members * sizeof(lam_metrics);
    LAM_TRY(lam_epoch_tables_create(engine, &trainer->watches,
                                    lam_dataset_get_split(trainer->dataset, LAM_SPLIT_TRAIN),
                                    seeds, &trainer->tables));
    LAM_TRY(lam_step_losses_create(engine, members, (size_t)trainer->recipes[0].batch,
                                   (size_t)trainer->watches.counts.per_epoch,
                                   &trainer->losses));
    trainer->train_metrics = calloc(members, sizeof *trainer->train_metrics);
    trainer->validation_metrics = calloc(members, sizeof *trainer->validation_metrics);
    return trainer->train_metrics && trainer->validation_metrics
               ? LAM_STATUS_OK
               : lam_fail_memory(engine->context, "metrics", bytes);
}

static double get_l2(const lam_recipe *recipe)
{
    return recipe->network.l2;
}

static double get_clip_norm(const lam_recipe *recipe)
{
    return recipe->optimizer.clip_norm;
}

/* A number of each member's own. */
static lam_status create_numbers(const lam_trainer *trainer,
                                 double get_number(const lam_recipe *recipe), const char *what,
                                 lam_buffer **ret_buffer)
{
    const lam_engine *engine = trainer->engine;
    LAM_TRY(lam_engine_create_reals(engine, trainer->watches.members, what, ret_buffer));
    for (size_t p = 0; p < trainer->watches.members; p++) {
        const double value = get_number(&trainer->recipes[p]);
        LAM_TRY(lam_engine_write_reals(engine, *ret_buffer, p, &value, 1));
    }
    return LAM_STATUS_OK;
}

/* The state of the optimizer, and what holds its gradients. */
static lam_status create_optimizer(lam_trainer *trainer, const lam_parameters *parameters)
{
    LAM_TRY(create_numbers(trainer, get_l2, "l2", &trainer->l2));
    LAM_TRY(lam_optimizer_state_create(trainer->engine, &parameters->graph, parameters->members,
                                       trainer->recipes[0].optimizer.type,
                                       &trainer->optimizer_state));
    return get_clip_norm(trainer->recipes) == 0
               ? LAM_STATUS_OK
               : create_numbers(trainer, get_clip_norm, "bounds of gradients",
                                &trainer->clip_norm);
}

static lam_status create_plans(lam_trainer *trainer, lam_parameters *parameters,
                               const lam_resident_data *data)
{
    const lam_epoch_tables *tables = &trainer->tables;
    const lam_recipe *common = &trainer->recipes[0];
    size_t batch = (size_t)common->batch;
    const lam_plan_rows rows = {
        .rows = batch,
        .limit = (size_t)trainer->watches.counts.per_epoch * batch,
        .data = lam_resident_data_get_input(data, tables->order),
        .labels = data->labels,
        .loss_sum = trainer->losses.loss_sum,
        .hit_count = trainer->losses.hit_count,
        .augmentation = &common->augmentation,
        .numbers = lam_run_numbers_get_inputs(&tables->numbers, tables->step_table)};
    const lam_plan_update update = {.l2 = trainer->l2,
                                    .table = tables->step_table,
                                    .state = trainer->optimizer_state,
                                    .clip_norm = trainer->clip_norm};
    LAM_TRY(lam_step_plan_create_training(parameters, &rows, &update, &trainer->plan));
    if (trainer->observer.losses)
        return LAM_STATUS_OK;
    return lam_measurer_create(parameters, data, trainer->dataset, common,
                               1 << LAM_SPLIT_TRAIN | 1 << LAM_SPLIT_VALIDATION,
                               &trainer->measurer);
}

lam_status lam_trainer_create(const lam_trainer_setup *setup, lam_trainer **ret_trainer)
{
    lam_status status = LAM_STATUS_OK;
    const lam_engine *engine = setup->parameters->engine;
    lam_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return lam_fail_memory(engine->context, "the trainer", sizeof *trainer);
    trainer->recipes = setup->recipes;
    trainer->dataset = setup->dataset;
    trainer->engine = engine;
    trainer->observer = *setup->observer;
    trainer->watches = (lam_watch_set){.watches = setup->watches,
                                       .members = setup->parameters->members,
                                       .recipes = setup->recipes};
    trainer->measured_step = -1;
    trainer->pacer = lam_step_pacer_start();
    uint32_t train_rows = lam_dataset_get_split(setup->dataset, LAM_SPLIT_TRAIN).count;
    LAM_TRY_GOTO(status, lam_step_counts_compute(engine->context, setup->recipes, train_rows,
                                                 &trainer->watches.counts));
    LAM_TRY_GOTO(status, create_tables(trainer, setup->seeds));
    LAM_TRY_GOTO(status, create_optimizer(trainer, setup->parameters));
    LAM_TRY_GOTO(status, create_plans(trainer, setup->parameters, setup->data));
    /* The step table is still zero: that leaves the weights as they are, to the bit. */
    LAM_TRY_GOTO(status, lam_plan_warm_up(trainer->plan));
    LAM_TRY_GOTO(status, lam_optimizer_state_reset(trainer->optimizer_state));
    *ret_trainer = trainer;
    return LAM_STATUS_OK;
fail:
    lam_trainer_destroy(&trainer);
    return status;
}

void lam_trainer_destroy(lam_trainer **trainer)
{
    if (!*trainer)
        return;
    lam_trainer *t = *trainer;
    lam_step_pacer_forget(&t->pacer);
    lam_plan_destroy(&t->plan);
    lam_measurer_destroy(&t->measurer);
    lam_optimizer_state_destroy(&t->optimizer_state);
    lam_epoch_tables_destroy(&t->tables);
    lam_step_losses_destroy(&t->losses);
    lam_buffer_destroy(&t->l2);
    lam_buffer_destroy(&t->clip_norm);
    free(t->train_metrics);
    free(t->validation_metrics);
    free(t);
    *trainer = NULL;
}

void lam_trainer_start_at(lam_trainer *trainer, int64_t step)
{
    trainer->first_step = trainer->step = trainer->checked_step = step;
}

static double get_epoch(const lam_trainer *trainer)
{
    return (double)trainer->step / (double)trainer->watches.counts.per_epoch;
}

static void fill_progress(const lam_trainer *trainer, lam_progress *progress)
{
    double elapsed =
        trainer->training_seconds + lam_clock_get_seconds() - trainer->segment_start;
    int64_t done = trainer->step - trainer->first_step;
    double remaining = -1;
    if (done > 0)
        remaining = (elapsed + trainer->measuring_seconds) / (double)done *
                    (double)(trainer->watches.counts.total - trainer->step);
    size_t members = trainer->watches.members;
    *progress = (lam_progress){
        .networks = (int)members,
        .networks_total = (int)members,
        .step = trainer->step,
        .total_steps = trainer->watches.counts.total,
        .epoch = get_epoch(trainer),
        .samples_per_second =
            elapsed > 0 ? (double)(done * trainer->recipes[0].batch) / elapsed : 0,
        .remaining_seconds = remaining,
        .latest = trainer->latest};
}

static lam_status report_progress(const lam_trainer *trainer, bool measured)
{
    if (!trainer->observer.progress)
        return LAM_STATUS_OK;
    lam_progress progress;
    fill_progress(trainer, &progress);
    progress.measured = measured;
    return trainer->observer.progress(trainer->observer.user, &progress);
}

/* Looks at the losses of this epoch's steps that were not looked at yet. */
static lam_status check_losses(lam_trainer *trainer)
{
    size_t members = trainer->watches.members;
    int64_t checked = trainer->checked_step, count = trainer->step - checked;
    if (count == 0)
        return LAM_STATUS_OK;
    LAM_TRY(lam_step_losses_read(&trainer->losses,
                                 (size_t)(checked % trainer->watches.counts.per_epoch),
                                 (size_t)count));
    const double *losses = trainer->losses.means;
    trainer->checked_step = trainer->step;
    if (trainer->observer.losses)
        return trainer->observer.losses(trainer->observer.user, checked, count, losses);
    for (size_t i = 0; i < (size_t)count * members; i++)
        if (!isfinite(losses[i]))
            lam_watch_set_mark_diverged(&trainer->watches, i % members,
                                        checked + (int64_t)(i / members));
    return LAM_STATUS_OK;
}

static lam_status end_chunk(lam_trainer *trainer)
{
    LAM_TRY(lam_step_pacer_end_chunk(&trainer->pacer, trainer->engine->device));
    return trainer->observer.losses ? check_losses(trainer) : LAM_STATUS_OK;
}

/* Gives the seconds since it was last called. */
static double restart_clock(lam_trainer *trainer)
{
    double now = lam_clock_get_seconds(), seconds = now - trainer->segment_start;
    trainer->segment_start = trainer->pacer.previous_time = now;
    return seconds;
}

/* Empties the queue and counts the time since it was last empty as training. */
static lam_status end_segment(lam_trainer *trainer)
{
    LAM_TRY(lam_device_finish(trainer->engine->device));
    lam_step_pacer_forget(&trainer->pacer);
    trainer->training_seconds += restart_clock(trainer);
    return LAM_STATUS_OK;
}

static lam_status run_measurer(lam_trainer *trainer)
{
    lam_metrics *const metrics[LAM_SPLIT_COUNT] = {trainer->train_metrics,
                                                   trainer->validation_metrics};
    lam_trace_span span = lam_trace_begin(trainer->observer.trace, "measurement at step %lld",
                                          (long long)trainer->step);
    LAM_TRY(lam_measurer_run(trainer->measurer, metrics));
    trainer->measured_step = trainer->step;
    lam_trace_end(trainer->observer.trace, span);
    return LAM_STATUS_OK;
}

static lam_status measure(lam_trainer *trainer)
{
    lam_watch_set *watches = &trainer->watches;
    LAM_TRY(end_segment(trainer));
    int64_t changes = lam_watch_set_count_rate_changes(watches);
    LAM_TRY(check_losses(trainer));
    LAM_TRY(run_measurer(trainer));
    const lam_measurement m = {.step = trainer->step,
                               .epoch = get_epoch(trainer),
                               .has_validation =
                                   lam_measurer_has(trainer->measurer, LAM_SPLIT_VALIDATION)};
    size_t measured = lam_watch_set_observe(watches, &m, trainer->train_metrics,
                                            trainer->validation_metrics, &trainer->latest);
    if (lam_watch_set_count_rate_changes(watches) > changes)
        trainer->has_stale_table = true;
    trainer->measuring_seconds += restart_clock(trainer);
    if (measured == 0)
        return LAM_STATUS_OK;
    lam_status reported = report_progress(trainer, true);
    if (trainer->observer.measure)
        LAM_TRY(trainer->observer.measure(trainer->observer.user, trainer->step));
    (void)restart_clock(trainer);
    return reported;
}

static bool measures_now(const lam_trainer *trainer)
{
    return !trainer->observer.losses &&
           lam_recipe_measures_at(trainer->recipes, &trainer->watches.counts, trainer->step);
}

/* Writing it counts neither as training nor as measuring. */
static lam_status take_snapshot(lam_trainer *trainer)
{
    const lam_schedule *schedule = &trainer->recipes[0].schedule;
    if (!trainer->recipes[0].snapshots || !trainer->observer.snapshot ||
        !lam_schedule_has_cycles(schedule))
        return LAM_STATUS_OK;
    int64_t ended = lam_schedule_get_cycle(schedule, trainer->step); /* cycles */
    if (ended == 0 || lam_schedule_get_cycle_end(schedule, ended - 1) != trainer->step)
        return LAM_STATUS_OK;
    LAM_TRY(end_segment(trainer));
    LAM_TRY(check_losses(trainer));
    if (trainer->measured_step != trainer->step) /* the model is as it is measured */
        LAM_TRY(run_measurer(trainer));
    LAM_TRY(trainer->observer.snapshot(trainer->observer.user, (int)ended));
    (void)restart_clock(trainer);
    return LAM_STATUS_OK;
}

static lam_status start_epoch(lam_trainer *trainer, int64_t epoch)
{
    trainer->epoch_span =
        lam_trace_begin(trainer->observer.trace, "epoch %lld", (long long)epoch + 1);
    trainer->has_stale_table = false;
    return lam_epoch_tables_start(&trainer->tables, epoch);
}

/* What changed in the middle of an epoch counts for the rest of it, too. */
static lam_status renew_table(lam_trainer *trainer)
{
    trainer->has_stale_table = false;
    return lam_epoch_tables_rewrite(&trainer->tables, trainer->step);
}

static lam_status take_step(lam_trainer *trainer)
{
    int64_t per_epoch = trainer->watches.counts.per_epoch;
    int64_t step_in_epoch = trainer->step % per_epoch;
    if (step_in_epoch == 0 || trainer->step == trainer->first_step)
        LAM_TRY(start_epoch(trainer, trainer->step / per_epoch));
    else if (trainer->has_stale_table)
        LAM_TRY(renew_table(trainer));
    LAM_TRY(lam_plan_enqueue(trainer->plan, (int)step_in_epoch));
    trainer->step++;
    return LAM_STATUS_OK;
}

static lam_status end_epoch(lam_trainer *trainer)
{
    LAM_TRY(check_losses(trainer));
    lam_trace_end(trainer->observer.trace, trainer->epoch_span);
    return LAM_STATUS_OK;
}

/* Progress comes last: where it ends training, nothing of the step is left to do. */
static lam_status train_step(lam_trainer *trainer)
{
    LAM_TRY(take_step(trainer));
    bool ends_chunk = lam_step_pacer_count(&trainer->pacer);
    if (ends_chunk)
        LAM_TRY(end_chunk(trainer));
    if (trainer->step % trainer->watches.counts.per_epoch == 0)
        LAM_TRY(end_epoch(trainer));
    if (measures_now(trainer))
        LAM_TRY(measure(trainer));
    LAM_TRY(take_snapshot(trainer));
    return ends_chunk && trainer->measured_step != trainer->step
               ? report_progress(trainer, false)
               : LAM_STATUS_OK;
}

static lam_status interrupt(lam_trainer *trainer)
{
    LAM_TRY(end_segment(trainer));
    LAM_TRY(check_losses(trainer));
    if (lam_watch_set_is_over(&trainer->watches))
        return LAM_STATUS_OK;
    return lam_fail(trainer->engine->context, LAM_STATUS_INTERRUPTED,
                    "interrupted after %lld of %lld steps", (long long)trainer->step,
                    (long long)trainer->watches.counts.total);
}

static lam_status run_steps(lam_trainer *trainer, int64_t until_step)
{
    const lam_watch_set *watches = &trainer->watches;
    int64_t total = watches->counts.total, end = until_step < total ? until_step : total;
    if (trainer->step == 0 && trainer->measured_step < 0 && measures_now(trainer))
        LAM_TRY(measure(trainer));
    while (trainer->step < end && !lam_watch_set_is_over(watches)) {
        if (lam_stop_requested(trainer->engine->context))
            return interrupt(trainer);
        LAM_TRY(train_step(trainer));
    }
    LAM_TRY(check_losses(trainer));
    /* A run that was cut off behind its last step: the model is as it was measured, again. */
    bool is_unmeasured = trainer->step == trainer->first_step && trainer->measured_step < 0;
    return is_unmeasured && trainer->measurer ? run_measurer(trainer) : LAM_STATUS_OK;
}

lam_status lam_trainer_run(lam_trainer *trainer, int64_t until_step)
{
    (void)restart_clock(trainer);
    lam_status status = run_steps(trainer, until_step);
    lam_status finished = end_segment(trainer);
    if (status != LAM_STATUS_OK && finished == LAM_STATUS_OK && !trainer->observer.losses)
        finished = check_losses(trainer); /* what goes on from here does not see these steps */
    lam_trace_end(trainer->observer.trace, trainer->epoch_span);
    return status != LAM_STATUS_OK ? status : finished;
}

void lam_trainer_rest(lam_trainer *trainer, size_t member)
{
    lam_watch *watch = &trainer->watches.watches[member];
    if (lam_watch_is_over(watch))
        return;
    watch->stopped_step = trainer->step;
    trainer->has_stale_table = true;
}

lam_status lam_trainer_check(const lam_trainer *trainer)
{
    return lam_watch_set_check(&trainer->watches, trainer->engine->context);
}

lam_step_counts lam_trainer_get_counts(const lam_trainer *trainer)
{
    return trainer->watches.counts;
}

lam_optimizer_state *lam_trainer_get_optimizer_state(const lam_trainer *trainer)
{
    return trainer->optimizer_state;
}

const lam_parameters *lam_trainer_get_model(const lam_trainer *trainer)
{
    return lam_measurer_get_parameters(trainer->measurer);
}

int64_t lam_trainer_get_step(const lam_trainer *trainer)
{
    return trainer->step;
}

double lam_trainer_get_training_seconds(const lam_trainer *trainer)
{
    return trainer->training_seconds;
}

double lam_trainer_get_total_seconds(const lam_trainer *trainer)
{
    return trainer->training_seconds + trainer->measuring_seconds;
}
