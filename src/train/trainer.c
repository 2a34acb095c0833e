/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "op/loss.h"
#include "train/measurer.h"
#include "train/run_numbers.h"
#include "train/step_scalars.h"

/* Work is queued in chunks of steps, at most two at a time, so that a stop request is met and
 * progress shown within moments while the device never runs dry. */
#define CHUNK_SECONDS_MINIMUM 0.05
#define CHUNK_SECONDS_MAXIMUM 0.2

typedef struct step_pacer {
    int chunk_steps, steps_in_chunk;
    lam_marker *previous;
    double previous_time;
} step_pacer;

struct lam_trainer {
    const lam_recipe *recipe;
    const lam_dataset *dataset;
    const lam_engine *engine;
    lam_trainer_observer observer;
    size_t members;
    lam_watch *watches; /* [members], borrowed */
    lam_step_counts counts;
    int64_t first_step, step; /* steps are counted from the run's beginning */
    int64_t checked_step;     /* losses before it are known to be finite */
    lam_plan *plan;
    lam_measurer *measurer;
    lam_optimizer_state *optimizer_state;
    lam_buffer *order, *table, *l2, *clip_norm, *loss_sum, *hit_count;
    lam_run_numbers numbers;
    int32_t *host_order; /* [steps per epoch * batch], or all training rows while shuffling */
    double *host_table;  /* [steps per epoch, LAM_STEP_SCALAR_COUNT, members] */
    double *host_losses; /* [steps per epoch * loss_blocks, members] */
    lam_metrics *train_metrics, *validation_metrics; /* [members] */
    size_t loss_blocks;                              /* partial sums of one step */
    step_pacer pacer;
    double segment_start; /* when the queue was last known to be empty */
    double training_seconds, measuring_seconds;
    lam_measurement latest; /* the mean of the members that do not rest */
    lam_trace_span epoch_span;
};

lam_status lam_step_counts_compute(lam_context *context, const lam_recipe *recipe,
                                   uint32_t train_rows, lam_step_counts *ret_counts)
{
    lam_schedule_span span;
    LAM_TRY(lam_recipe_count_steps(context, recipe, train_rows, &span));
    *ret_counts = (lam_step_counts){span.steps_per_epoch, span.total_steps};
    return LAM_STATUS_OK;
}

/* `count` evenly spaced measurements per cycle: the steps just past each multiple of
 * cycle / count, the last one at the cycle's end. */
static bool measures_in_cycle(const lam_schedule *schedule, int64_t count, int64_t step)
{
    int64_t cycle = lam_schedule_get_cycle(schedule, step);
    int64_t start = cycle > 0 ? lam_schedule_get_cycle_end(schedule, cycle - 1) : 0;
    int64_t cycle_steps = lam_schedule_get_cycle_end(schedule, cycle) - start;
    return (step - start) * count % cycle_steps < count;
}

bool lam_recipe_measures_at(const lam_recipe *recipe, const lam_step_counts *counts,
                            int64_t step)
{
    if (step == 0 || step == counts->total)
        return true;
    switch (recipe->measure.unit) {
    case LAM_UNIT_STEPS:
        return step % recipe->measure.count == 0;
    case LAM_UNIT_EPOCHS:
        return step % counts->per_epoch == 0 &&
               step / counts->per_epoch % recipe->measure.count == 0;
    case LAM_UNIT_CYCLES:
        break;
    }
    return measures_in_cycle(&recipe->schedule, recipe->measure.count, step);
}

/* Of a member's step. */
static double get_rate(const lam_trainer *trainer, size_t member, int64_t step)
{
    const lam_schedule_span span = {trainer->counts.per_epoch, trainer->counts.total,
                                    trainer->watches[member].plateau.reductions};
    return lam_schedule_get_rate(&trainer->recipe->schedule, &span, step);
}

static lam_status create_arrays(lam_trainer *trainer, size_t rows, size_t scalars,
                                size_t losses)
{
    size_t members = trainer->members;
    trainer->host_order = malloc(rows * sizeof *trainer->host_order);
    trainer->host_table = malloc(scalars * sizeof *trainer->host_table);
    trainer->host_losses = malloc(losses * sizeof *trainer->host_losses);
    trainer->train_metrics = calloc(members, sizeof *trainer->train_metrics);
    trainer->validation_metrics = calloc(members, sizeof *trainer->validation_metrics);
    if (!trainer->host_order || !trainer->host_table || !trainer->host_losses ||
        !trainer->train_metrics || !trainer->validation_metrics)
        return lam_fail_memory(trainer->engine->context, "the trainer",
                               rows * sizeof *trainer->host_order);
    return LAM_STATUS_OK;
}

static lam_status create_buffers(lam_trainer *trainer, const uint64_t *seeds)
{
    const lam_engine *engine = trainer->engine;
    size_t steps = (size_t)trainer->counts.per_epoch, members = trainer->members;
    size_t rows = steps * (size_t)trainer->recipe->batch;
    size_t losses = steps * trainer->loss_blocks * members;
    size_t scalars = steps * LAM_STEP_SCALAR_COUNT * members;
    LAM_TRY(lam_buffer_create(engine->device, rows * sizeof(int32_t), "the order",
                              &trainer->order));
    LAM_TRY(lam_engine_create_reals(engine, scalars, "learning rates", &trainer->table));
    LAM_TRY(lam_engine_create_reals(engine, losses, "losses", &trainer->loss_sum));
    LAM_TRY(lam_buffer_create(engine->device, losses * sizeof(int32_t), "hits",
                              &trainer->hit_count));
    LAM_TRY(lam_run_numbers_create(engine, trainer->recipe->seed, seeds, members,
                                   &trainer->numbers));
    return create_arrays(trainer,
                         lam_dataset_get_split(trainer->dataset, LAM_SPLIT_TRAIN).count,
                         scalars, losses);
}

/* A number that is the same for every member. */
static lam_status create_constant(const lam_trainer *trainer, double value, const char *what,
                                  lam_buffer **ret_buffer)
{
    const lam_engine *engine = trainer->engine;
    LAM_TRY(lam_engine_create_reals(engine, trainer->members, what, ret_buffer));
    for (size_t p = 0; p < trainer->members; p++)
        LAM_TRY(lam_engine_write_reals(engine, *ret_buffer, p, &value, 1));
    return LAM_STATUS_OK;
}

/* The state of the optimizer, and what holds its gradients. */
static lam_status create_optimizer(lam_trainer *trainer, const lam_parameters *parameters)
{
    const lam_optimizer *optimizer = &trainer->recipe->optimizer;
    LAM_TRY(create_constant(trainer, trainer->recipe->network.l2, "l2", &trainer->l2));
    LAM_TRY(lam_optimizer_state_create(trainer->engine, &parameters->graph, parameters->members,
                                       optimizer->type, &trainer->optimizer_state));
    return optimizer->clip_norm == 0
               ? LAM_STATUS_OK
               : create_constant(trainer, optimizer->clip_norm, "a bound of gradients",
                                 &trainer->clip_norm);
}

static lam_status create_plans(lam_trainer *trainer, lam_parameters *parameters,
                               const lam_resident_data *data)
{
    const lam_plan_rows rows = {
        .rows = (size_t)trainer->recipe->batch,
        .limit = (size_t)trainer->counts.per_epoch * (size_t)trainer->recipe->batch,
        .data = lam_resident_data_get_input(data, trainer->order),
        .labels = data->labels,
        .loss_sum = trainer->loss_sum,
        .hit_count = trainer->hit_count,
        .augmentation = &trainer->recipe->augmentation,
        .numbers = lam_run_numbers_get_inputs(&trainer->numbers, trainer->table)};
    const lam_plan_update update = {.l2 = trainer->l2,
                                    .table = trainer->table,
                                    .state = trainer->optimizer_state,
                                    .clip_norm = trainer->clip_norm};
    LAM_TRY(lam_step_plan_create_training(parameters, &rows, &update, &trainer->plan));
    return lam_measurer_create(parameters, data, trainer->dataset, trainer->recipe,
                               1 << LAM_SPLIT_TRAIN | 1 << LAM_SPLIT_VALIDATION,
                               &trainer->measurer);
}

lam_status lam_trainer_create(const lam_trainer_setup *setup, lam_trainer **ret_trainer)
{
    lam_status status = LAM_STATUS_OK;
    const lam_engine *engine = setup->parameters->engine;
    const lam_recipe *recipe = setup->recipe;
    lam_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return lam_fail_memory(engine->context, "the trainer", sizeof *trainer);
    trainer->recipe = recipe;
    trainer->dataset = setup->dataset;
    trainer->engine = engine;
    trainer->observer = *setup->observer;
    trainer->members = setup->parameters->members;
    trainer->watches = setup->watches;
    trainer->first_step = trainer->step = trainer->checked_step = setup->first_step;
    trainer->pacer.chunk_steps = 1;
    trainer->loss_blocks = lam_loss_get_blocks((size_t)recipe->batch);
    uint32_t train_rows = lam_dataset_get_split(setup->dataset, LAM_SPLIT_TRAIN).count;
    LAM_TRY_GOTO(
        status, lam_step_counts_compute(engine->context, recipe, train_rows, &trainer->counts));
    LAM_TRY_GOTO(status, create_buffers(trainer, setup->seeds));
    LAM_TRY_GOTO(status, create_optimizer(trainer, setup->parameters));
    LAM_TRY_GOTO(status, create_plans(trainer, setup->parameters, setup->data));
    /* The table is still zero: that leaves the weights as they are, to the bit. */
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
    lam_marker_destroy(&t->pacer.previous);
    lam_plan_destroy(&t->plan);
    lam_measurer_destroy(&t->measurer);
    lam_buffer_destroy(&t->order);
    lam_optimizer_state_destroy(&t->optimizer_state);
    lam_buffer_destroy(&t->table);
    lam_buffer_destroy(&t->l2);
    lam_buffer_destroy(&t->clip_norm);
    lam_buffer_destroy(&t->loss_sum);
    lam_buffer_destroy(&t->hit_count);
    lam_run_numbers_destroy(&t->numbers);
    free(t->host_order);
    free(t->host_table);
    free(t->host_losses);
    free(t->train_metrics);
    free(t->validation_metrics);
    free(t);
    *trainer = NULL;
}

/* Rows of epoch `epoch` in the order they are drawn in: a pure function of seed and epoch. */
static void draw_order(lam_trainer *trainer, int64_t epoch)
{
    lam_row_range train = lam_dataset_get_split(trainer->dataset, LAM_SPLIT_TRAIN);
    lam_random random =
        lam_random_start(trainer->recipe->seed, LAM_RANDOM_STREAM_ORDER, (uint32_t)epoch);
    if (trainer->recipe->shuffle)
        lam_random_permutation(&random, trainer->host_order, train.count);
    for (uint32_t i = 0; i < train.count; i++)
        trainer->host_order[i] =
            (int32_t)train.first +
            (trainer->recipe->shuffle ? trainer->host_order[i] : (int32_t)i);
}

/* The table of an epoch's steps from `first` on. Members that rest have zeros, which change
 * nothing. */
static lam_status write_table(lam_trainer *trainer, int64_t epoch, int64_t first)
{
    size_t members = trainer->members, row = LAM_STEP_SCALAR_COUNT * members;
    size_t count = (size_t)(trainer->counts.per_epoch - first) * row;
    memset(trainer->host_table, 0, count * sizeof *trainer->host_table);
    for (int64_t s = first; s < trainer->counts.per_epoch; s++) {
        int64_t step = epoch * trainer->counts.per_epoch + s;
        for (size_t p = 0; p < members; p++)
            if (!lam_watch_is_over(&trainer->watches[p]))
                lam_step_scalars_fill(trainer->host_table + (size_t)(s - first) * row, p,
                                      members, &trainer->recipe->optimizer,
                                      get_rate(trainer, p, step), step);
    }
    return lam_engine_write_reals(trainer->engine, trainer->table, (size_t)first * row,
                                  trainer->host_table, count);
}

static lam_status start_epoch(lam_trainer *trainer, int64_t epoch)
{
    trainer->epoch_span =
        lam_trace_begin(trainer->observer.trace, "epoch %lld", (long long)epoch + 1);
    draw_order(trainer, epoch);
    LAM_TRY(lam_run_numbers_set_step(&trainer->numbers, epoch * trainer->counts.per_epoch));
    LAM_TRY(lam_buffer_write(trainer->order, 0, trainer->host_order,
                             lam_buffer_get_size(trainer->order)));
    return write_table(trainer, epoch, 0);
}

static void fill_progress(const lam_trainer *trainer, lam_progress *progress)
{
    double elapsed =
        trainer->training_seconds + lam_clock_get_seconds() - trainer->segment_start;
    int64_t done = trainer->step - trainer->first_step;
    double remaining = -1;
    if (done > 0)
        remaining = (elapsed + trainer->measuring_seconds) / (double)done *
                    (double)(trainer->counts.total - trainer->step);
    *progress =
        (lam_progress){.networks = (int)trainer->members,
                       .networks_total = (int)trainer->members,
                       .step = trainer->step,
                       .total_steps = trainer->counts.total,
                       .epoch = (double)trainer->step / (double)trainer->counts.per_epoch,
                       .samples_per_second =
                           elapsed > 0 ? (double)(done * trainer->recipe->batch) / elapsed : 0,
                       .remaining_seconds = remaining,
                       .latest = trainer->latest};
}

static void report_progress(const lam_trainer *trainer, bool measured)
{
    if (!trainer->observer.progress)
        return;
    lam_progress progress;
    fill_progress(trainer, &progress);
    progress.measured = measured;
    trainer->observer.progress(trainer->observer.user, &progress);
}

static size_t count_resting(const lam_trainer *trainer)
{
    size_t count = 0;
    for (size_t p = 0; p < trainer->members; p++)
        count += lam_watch_is_over(&trainer->watches[p]);
    return count;
}

static void mark_diverged(lam_trainer *trainer, size_t member, int64_t step)
{
    lam_watch *watch = &trainer->watches[member];
    if (!lam_watch_is_over(watch))
        watch->diverged_step = step;
}

/* Fails once no member is left that did not diverge; the last one is told of. */
static lam_status check_members(const lam_trainer *trainer)
{
    char who[48] = "training";
    size_t last = 0;
    int64_t step = -1;
    for (size_t p = 0; p < trainer->members; p++) {
        if (trainer->watches[p].diverged_step < 0)
            return LAM_STATUS_OK;
        if (trainer->watches[p].diverged_step > step) {
            step = trainer->watches[p].diverged_step;
            last = p;
        }
    }
    if (trainer->members > 1)
        snprintf(who, sizeof who, "the last of %zu networks", trainer->members);
    return lam_fail(trainer->engine->context, LAM_STATUS_DIVERGED,
                    "%s diverged: the loss of step %lld (epoch %.2f, learning rate %g) is "
                    "not a finite number; lower the learning rate",
                    who, (long long)step, (double)step / (double)trainer->counts.per_epoch,
                    get_rate(trainer, last, step));
}

/* Partial sums that were read become the means of steps, in place. An observer of losses has
 * one member. */
static lam_status pass_losses(const lam_trainer *trainer, int64_t first_step, int64_t count)
{
    size_t blocks = trainer->loss_blocks;
    double *losses = trainer->host_losses;
    for (size_t s = 0; s < (size_t)count; s++) {
        double sum = 0;
        for (size_t i = 0; i < blocks; i++)
            sum += losses[s * blocks + i];
        losses[s] = sum / trainer->recipe->batch;
    }
    return trainer->observer.losses(trainer->observer.user, first_step, count, losses);
}

/* Looks at the losses of this epoch's steps that were not looked at yet. */
static lam_status check_losses(lam_trainer *trainer)
{
    int64_t per_epoch = trainer->counts.per_epoch;
    int64_t steps = trainer->step - trainer->checked_step;
    if (steps == 0)
        return LAM_STATUS_OK;
    size_t sums = trainer->loss_blocks * trainer->members; /* of one step */
    size_t first = (size_t)(trainer->checked_step % per_epoch) * sums;
    LAM_TRY(lam_engine_read_reals(trainer->engine, trainer->loss_sum, first,
                                  trainer->host_losses, (size_t)steps * sums));
    int64_t checked = trainer->checked_step;
    trainer->checked_step = trainer->step;
    if (trainer->observer.losses)
        return pass_losses(trainer, checked, steps);
    for (size_t i = 0; i < (size_t)steps * sums; i++)
        if (!isfinite(trainer->host_losses[i]))
            mark_diverged(trainer, i % trainer->members, checked + (int64_t)(i / sums));
    return check_members(trainer);
}

/* Waits for the chunk before the one just queued, and sizes the next by how long that took. */
static lam_status end_chunk(lam_trainer *trainer)
{
    step_pacer *pacer = &trainer->pacer;
    lam_marker *marker = NULL;
    LAM_TRY(lam_marker_create(trainer->engine->device, &marker));
    if (pacer->previous) {
        lam_status status = lam_marker_wait(pacer->previous);
        lam_marker_destroy(&pacer->previous);
        if (status != LAM_STATUS_OK) {
            lam_marker_destroy(&marker);
            return status;
        }
    }
    pacer->previous = marker;
    double now = lam_clock_get_seconds(), seconds = now - pacer->previous_time;
    if (seconds < CHUNK_SECONDS_MINIMUM && pacer->chunk_steps < 1 << 20)
        pacer->chunk_steps *= 2;
    else if (seconds > CHUNK_SECONDS_MAXIMUM && pacer->chunk_steps > 1)
        pacer->chunk_steps /= 2;
    pacer->steps_in_chunk = 0;
    pacer->previous_time = now;
    report_progress(trainer, false);
    return trainer->observer.losses ? check_losses(trainer) : LAM_STATUS_OK;
}

/* Empties the queue and counts the time since it was last empty as training. */
static lam_status end_segment(lam_trainer *trainer)
{
    LAM_TRY(lam_device_finish(trainer->engine->device));
    lam_marker_destroy(&trainer->pacer.previous);
    double now = lam_clock_get_seconds();
    trainer->training_seconds += now - trainer->segment_start;
    trainer->segment_start = trainer->pacer.previous_time = now;
    return LAM_STATUS_OK;
}

static void add_metrics(lam_metrics *sum, const lam_metrics *metrics)
{
    sum->loss += metrics->loss;
    sum->cost += metrics->cost;
    sum->accuracy += metrics->accuracy;
}

static void divide_metrics(lam_metrics *sum, double count)
{
    *sum = (lam_metrics){sum->loss / count, sum->cost / count, sum->accuracy / count};
}

/* Hands each member its measurement, whose learning rate is the next step's; one that is not
 * finite means that the member diverged: the last step's own loss comes before its update. */
static void spread_measurement(lam_trainer *trainer, lam_measurement m)
{
    const lam_schedule *schedule = &trainer->recipe->schedule;
    lam_measurement mean = m;
    int measured = 0;
    for (size_t p = 0; p < trainer->members; p++) {
        lam_watch *watch = &trainer->watches[p];
        m.train = trainer->train_metrics[p];
        m.validation = trainer->validation_metrics[p];
        if (!isfinite(m.train.cost) || !isfinite(m.validation.cost))
            mark_diverged(trainer, p, trainer->step);
        if (lam_watch_is_over(watch))
            continue;
        if (m.has_validation && schedule->type == LAM_SCHEDULE_PLATEAU)
            lam_plateau_observe(&watch->plateau, schedule, m.validation.loss);
        m.learning_rate = get_rate(trainer, p, trainer->step);
        lam_watch_observe(watch, &m, trainer->recipe->patience);
        add_metrics(&mean.train, &m.train);
        add_metrics(&mean.validation, &m.validation);
        measured++;
    }
    if (measured > 0) {
        divide_metrics(&mean.train, measured);
        divide_metrics(&mean.validation, measured);
        trainer->latest = mean;
    }
}

/* Members at rest, and reductions on a plateau: what an epoch's rates hang on besides steps. */
static int64_t count_rate_changes(const lam_trainer *trainer)
{
    int64_t count = (int64_t)count_resting(trainer);
    for (size_t p = 0; p < trainer->members; p++)
        count += trainer->watches[p].plateau.reductions;
    return count;
}

/* What a measurement changed counts for the rest of the epoch, too. */
static lam_status rewrite_table(lam_trainer *trainer)
{
    int64_t per_epoch = trainer->counts.per_epoch;
    int64_t within = trainer->step % per_epoch;
    return within == 0 ? LAM_STATUS_OK
                       : write_table(trainer, trainer->step / per_epoch, within);
}

static lam_status run_measurer(lam_trainer *trainer)
{
    lam_metrics *const metrics[LAM_SPLIT_COUNT] = {trainer->train_metrics,
                                                   trainer->validation_metrics};
    lam_trace_span span = lam_trace_begin(trainer->observer.trace, "measurement at step %lld",
                                          (long long)trainer->step);
    LAM_TRY(lam_measurer_run(trainer->measurer, metrics));
    lam_trace_end(trainer->observer.trace, span);
    return LAM_STATUS_OK;
}

static lam_status measure(lam_trainer *trainer)
{
    LAM_TRY(end_segment(trainer));
    int64_t changes = count_rate_changes(trainer);
    LAM_TRY(check_losses(trainer));
    LAM_TRY(run_measurer(trainer));
    const lam_measurement m = {
        .step = trainer->step,
        .epoch = (double)trainer->step / (double)trainer->counts.per_epoch,
        .has_validation = lam_measurer_has(trainer->measurer, LAM_SPLIT_VALIDATION)};
    spread_measurement(trainer, m);
    LAM_TRY(check_members(trainer));
    if (count_rate_changes(trainer) > changes)
        LAM_TRY(rewrite_table(trainer));
    double now = lam_clock_get_seconds();
    trainer->measuring_seconds += now - trainer->segment_start;
    trainer->segment_start = trainer->pacer.previous_time = now;
    report_progress(trainer, true);
    if (trainer->observer.measure)
        LAM_TRY(trainer->observer.measure(trainer->observer.user, trainer->step));
    trainer->segment_start = trainer->pacer.previous_time = lam_clock_get_seconds();
    return LAM_STATUS_OK;
}

static bool measures_now(const lam_trainer *trainer)
{
    return !trainer->observer.losses &&
           lam_recipe_measures_at(trainer->recipe, &trainer->counts, trainer->step);
}

/* Writing it counts neither as training nor as measuring. */
static lam_status take_snapshot(lam_trainer *trainer)
{
    const lam_schedule *schedule = &trainer->recipe->schedule;
    if (!trainer->recipe->snapshots || !trainer->observer.snapshot ||
        !lam_schedule_has_cycles(schedule))
        return LAM_STATUS_OK;
    int64_t ended = lam_schedule_get_cycle(schedule, trainer->step); /* cycles */
    if (ended == 0 || lam_schedule_get_cycle_end(schedule, ended - 1) != trainer->step)
        return LAM_STATUS_OK;
    LAM_TRY(end_segment(trainer));
    LAM_TRY(check_losses(trainer));
    if (!measures_now(trainer)) /* the model is as it is measured */
        LAM_TRY(run_measurer(trainer));
    LAM_TRY(trainer->observer.snapshot(trainer->observer.user, (int)ended));
    trainer->segment_start = trainer->pacer.previous_time = lam_clock_get_seconds();
    return LAM_STATUS_OK;
}

static lam_status take_step(lam_trainer *trainer)
{
    int64_t step_in_epoch = trainer->step % trainer->counts.per_epoch;
    if (step_in_epoch == 0 || trainer->step == trainer->first_step)
        LAM_TRY(start_epoch(trainer, trainer->step / trainer->counts.per_epoch));
    LAM_TRY(lam_plan_enqueue(trainer->plan, (int)step_in_epoch));
    trainer->step++;
    if (++trainer->pacer.steps_in_chunk >= trainer->pacer.chunk_steps)
        LAM_TRY(end_chunk(trainer));
    if (step_in_epoch + 1 == trainer->counts.per_epoch) {
        LAM_TRY(check_losses(trainer));
        lam_trace_end(trainer->observer.trace, trainer->epoch_span);
    }
    return LAM_STATUS_OK;
}

static lam_status interrupt(lam_trainer *trainer)
{
    LAM_TRY(end_segment(trainer));
    LAM_TRY(check_losses(trainer)); /* what goes on from here does not see these steps */
    return lam_fail(trainer->engine->context, LAM_STATUS_INTERRUPTED,
                    "interrupted after %lld of %lld steps", (long long)trainer->step,
                    (long long)trainer->counts.total);
}

static lam_status run_steps(lam_trainer *trainer)
{
    if (trainer->step == 0 && measures_now(trainer))
        LAM_TRY(measure(trainer));
    while (trainer->step < trainer->counts.total && count_resting(trainer) < trainer->members) {
        if (lam_stop_requested(trainer->engine->context))
            return interrupt(trainer);
        LAM_TRY(take_step(trainer));
        if (measures_now(trainer))
            LAM_TRY(measure(trainer));
        LAM_TRY(take_snapshot(trainer));
    }
    LAM_TRY(check_losses(trainer));
    /* A run that was cut off behind its last step: the model is as it was measured, again. */
    return trainer->step == trainer->first_step ? run_measurer(trainer) : LAM_STATUS_OK;
}

lam_status lam_trainer_run(lam_trainer *trainer)
{
    trainer->segment_start = trainer->pacer.previous_time = lam_clock_get_seconds();
    lam_status status = run_steps(trainer);
    lam_status finished = end_segment(trainer);
    lam_trace_end(trainer->observer.trace, trainer->epoch_span);
    return status != LAM_STATUS_OK ? status : finished;
}

lam_optimizer_state *lam_trainer_get_optimizer_state(lam_trainer *trainer)
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

double lam_trainer_get_samples_per_second(const lam_trainer *trainer)
{
    int64_t steps = trainer->step - trainer->first_step;
    return trainer->training_seconds > 0
               ? (double)(steps * trainer->recipe->batch) / trainer->training_seconds
               : 0;
}
