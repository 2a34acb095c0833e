/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

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
    lam_step_counts counts;
    int64_t first_step, step; /* steps are counted from the run's beginning */
    int64_t checked_step;     /* losses before it are known to be finite */
    lam_plan *plan;
    lam_measurer *measurer;
    lam_optimizer_state *optimizer_state;
    lam_buffer *order, *table, *l2, *clip_norm, *loss_sum, *hit_count;
    lam_run_numbers numbers;
    int32_t *host_order; /* [steps per epoch * batch], or all training rows while shuffling */
    double *host_table;  /* [steps per epoch, LAM_STEP_SCALAR_COUNT] */
    double *host_losses; /* [steps per epoch * loss_blocks] */
    size_t loss_blocks;  /* partial sums of one step */
    step_pacer pacer;
    double segment_start; /* when the queue was last known to be empty */
    double training_seconds, measuring_seconds;
    lam_measurement latest;
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

static double get_rate(const lam_trainer *trainer, int64_t step)
{
    const lam_schedule_span span = {trainer->counts.per_epoch, trainer->counts.total, 0};
    return lam_schedule_get_rate(&trainer->recipe->schedule, &span, step);
}

static lam_status create_buffers(lam_trainer *trainer)
{
    const lam_engine *engine = trainer->engine;
    size_t steps = (size_t)trainer->counts.per_epoch;
    size_t rows = steps * (size_t)trainer->recipe->batch;
    size_t split_rows = lam_dataset_get_split(trainer->dataset, LAM_SPLIT_TRAIN).count;
    size_t losses = steps * trainer->loss_blocks, scalars = steps * LAM_STEP_SCALAR_COUNT;
    LAM_TRY(lam_buffer_create(engine->device, rows * sizeof(int32_t), "the order",
                              &trainer->order));
    LAM_TRY(lam_engine_create_reals(engine, scalars, "learning rates", &trainer->table));
    LAM_TRY(lam_engine_create_reals(engine, 1, "l2", &trainer->l2));
    LAM_TRY(lam_engine_create_reals(engine, losses, "losses", &trainer->loss_sum));
    LAM_TRY(lam_buffer_create(engine->device, losses * sizeof(int32_t), "hits",
                              &trainer->hit_count));
    LAM_TRY(lam_run_numbers_create(engine, trainer->recipe->seed, &trainer->recipe->seed, 1,
                                   &trainer->numbers));
    trainer->host_order = malloc(split_rows * sizeof *trainer->host_order);
    trainer->host_table = malloc(scalars * sizeof *trainer->host_table);
    trainer->host_losses = malloc(losses * sizeof *trainer->host_losses);
    if (!trainer->host_order || !trainer->host_table || !trainer->host_losses)
        return lam_fail_memory(engine->context, "the trainer", split_rows * sizeof(int32_t));
    return lam_engine_write_reals(engine, trainer->l2, 0, &trainer->recipe->network.l2, 1);
}

/* The state of the optimizer, and what holds its gradients. */
static lam_status create_optimizer(lam_trainer *trainer, const lam_parameters *parameters)
{
    const lam_optimizer *optimizer = &trainer->recipe->optimizer;
    LAM_TRY(lam_optimizer_state_create(trainer->engine, &parameters->graph, parameters->members,
                                       optimizer->type, &trainer->optimizer_state));
    if (optimizer->clip_norm == 0)
        return LAM_STATUS_OK;
    LAM_TRY(lam_engine_create_reals(trainer->engine, 1, "a bound of gradients",
                                    &trainer->clip_norm));
    return lam_engine_write_reals(trainer->engine, trainer->clip_norm, 0, &optimizer->clip_norm,
                                  1);
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

lam_status lam_trainer_create(lam_parameters *parameters, const lam_resident_data *data,
                              const lam_dataset *dataset, const lam_recipe *recipe,
                              const lam_trainer_observer *observer, int64_t first_step,
                              lam_trainer **ret_trainer)
{
    lam_status status = LAM_STATUS_OK;
    const lam_engine *engine = parameters->engine;
    lam_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer)
        return lam_fail_memory(engine->context, "the trainer", sizeof *trainer);
    trainer->recipe = recipe;
    trainer->dataset = dataset;
    trainer->engine = engine;
    trainer->observer = *observer;
    trainer->first_step = trainer->step = trainer->checked_step = first_step;
    trainer->pacer.chunk_steps = 1;
    trainer->loss_blocks = lam_loss_get_blocks((size_t)recipe->batch);
    uint32_t train_rows = lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).count;
    LAM_TRY_GOTO(
        status, lam_step_counts_compute(engine->context, recipe, train_rows, &trainer->counts));
    LAM_TRY_GOTO(status, create_buffers(trainer));
    LAM_TRY_GOTO(status, create_optimizer(trainer, parameters));
    LAM_TRY_GOTO(status, create_plans(trainer, parameters, data));
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

static lam_status start_epoch(lam_trainer *trainer, int64_t epoch)
{
    int64_t first = epoch * trainer->counts.per_epoch;
    size_t steps = (size_t)trainer->counts.per_epoch;
    trainer->epoch_span =
        lam_trace_begin(trainer->observer.trace, "epoch %lld", (long long)epoch + 1);
    draw_order(trainer, epoch);
    for (size_t s = 0; s < steps; s++)
        lam_step_scalars_fill(trainer->host_table + s * LAM_STEP_SCALAR_COUNT, 0, 1,
                              &trainer->recipe->optimizer,
                              get_rate(trainer, first + (int64_t)s), first + (int64_t)s);
    LAM_TRY(lam_run_numbers_set_step(&trainer->numbers, first));
    LAM_TRY(lam_buffer_write(trainer->order, 0, trainer->host_order,
                             lam_buffer_get_size(trainer->order)));
    return lam_engine_write_reals(trainer->engine, trainer->table, 0, trainer->host_table,
                                  steps * LAM_STEP_SCALAR_COUNT);
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
        (lam_progress){.step = trainer->step,
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

static lam_status fail_diverged(const lam_trainer *trainer, int64_t step)
{
    return lam_fail(
        trainer->engine->context, LAM_STATUS_DIVERGED,
        "training diverged: the loss of step %lld (epoch %.2f, learning rate %g) is "
        "not a finite number; lower the learning rate",
        (long long)step, (double)step / (double)trainer->counts.per_epoch,
        get_rate(trainer, step));
}

/* Partial sums that were read become the means of steps, in place. */
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
    int64_t count = trainer->step - trainer->checked_step;
    if (count == 0)
        return LAM_STATUS_OK;
    size_t blocks = trainer->loss_blocks;
    size_t first = (size_t)(trainer->checked_step % per_epoch) * blocks;
    LAM_TRY(lam_engine_read_reals(trainer->engine, trainer->loss_sum, first,
                                  trainer->host_losses, (size_t)count * blocks));
    int64_t checked = trainer->checked_step;
    trainer->checked_step = trainer->step;
    if (trainer->observer.losses)
        return pass_losses(trainer, checked, count);
    for (size_t i = 0; i < (size_t)count * blocks; i++)
        if (!isfinite(trainer->host_losses[i]))
            return fail_diverged(trainer, checked + (int64_t)(i / blocks));
    return LAM_STATUS_OK;
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

static lam_status take_measurement(lam_trainer *trainer)
{
    lam_measurement m = {.step = trainer->step,
                         .epoch = (double)trainer->step / (double)trainer->counts.per_epoch,
                         .learning_rate = get_rate(trainer, trainer->step),
                         .has_validation =
                             lam_measurer_has(trainer->measurer, LAM_SPLIT_VALIDATION)};
    lam_metrics *const metrics[LAM_SPLIT_COUNT] = {&m.train, &m.validation};
    lam_trace_span span = lam_trace_begin(trainer->observer.trace, "measurement at step %lld",
                                          (long long)trainer->step);
    LAM_TRY(lam_measurer_run(trainer->measurer, metrics));
    lam_trace_end(trainer->observer.trace, span);
    /* The last step's own loss comes before its update. */
    if (!isfinite(m.train.cost) || (m.has_validation && !isfinite(m.validation.cost)))
        return fail_diverged(trainer, trainer->step);
    trainer->latest = m;
    return LAM_STATUS_OK;
}

static lam_status measure(lam_trainer *trainer)
{
    LAM_TRY(end_segment(trainer));
    LAM_TRY(check_losses(trainer));
    LAM_TRY(take_measurement(trainer));
    double now = lam_clock_get_seconds();
    trainer->measuring_seconds += now - trainer->segment_start;
    trainer->segment_start = trainer->pacer.previous_time = now;
    report_progress(trainer, true);
    if (trainer->observer.measure)
        LAM_TRY(trainer->observer.measure(trainer->observer.user, &trainer->latest));
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

static bool measures_now(const lam_trainer *trainer)
{
    return !trainer->observer.losses &&
           lam_recipe_measures_at(trainer->recipe, &trainer->counts, trainer->step);
}

static lam_status run_steps(lam_trainer *trainer)
{
    if (trainer->step == 0 && measures_now(trainer))
        LAM_TRY(measure(trainer));
    else if (trainer->step == trainer->counts.total) /* reported before it was interrupted */
        LAM_TRY(take_measurement(trainer));
    while (trainer->step < trainer->counts.total) {
        if (lam_stop_requested(trainer->engine->context))
            return lam_fail(trainer->engine->context, LAM_STATUS_INTERRUPTED,
                            "interrupted after %lld of %lld steps", (long long)trainer->step,
                            (long long)trainer->counts.total);
        LAM_TRY(take_step(trainer));
        if (measures_now(trainer))
            LAM_TRY(measure(trainer));
    }
    return check_losses(trainer);
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

int64_t lam_trainer_get_step(const lam_trainer *trainer)
{
    return trainer->step;
}

const lam_measurement *lam_trainer_get_latest(const lam_trainer *trainer)
{
    return &trainer->latest;
}

const lam_parameters *lam_trainer_get_model(const lam_trainer *trainer)
{
    return lam_measurer_get_parameters(trainer->measurer);
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
