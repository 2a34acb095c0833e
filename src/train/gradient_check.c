/* SPDX-License-Identifier: Apache-2.0 */
#include "lamina/gradient_check.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "net/step_plan.h"
#include "op/loss.h"
#include "train/evaluator.h"
#include "train/gradient_file.h"
#include "train/resident_data.h"
#include "train/run_numbers.h"

/* Perturbed networks evaluated at once: two for each entry. As many as fit a cache-friendly
 * amount of weights. */
enum { LARGEST_POPULATION = 64 };
#define POPULATION_BYTES ((size_t)32 << 20)

static const double relative_floor = 1e-6;

typedef struct gradient_checker {
    lam_context *context;
    const lam_recipe *recipe;
    const lam_gradient_check_options *options;
    double step;
    lam_engine *engine;
    lam_graph graph;
    uint8_t *images, *labels; /* the samples, [sample_count, inputs] */
    int32_t *order;           /* 0 .. sample_count-1 */
    size_t inputs;
    lam_resident_data *data;
    lam_parameters *analytic, *gradients; /* one member */
    lam_parameters *perturbed;            /* the population */
    lam_run_numbers numbers;              /* the same seed for all: one mask of dropout */
    lam_evaluator *evaluator;
    lam_penalty_meter *meter;
    lam_metrics metrics[LARGEST_POPULATION];
    double penalties[LARGEST_POPULATION];
    double base_loss, base_cost;
} gradient_checker;

/* One tensor of the network: its place on the device and its values. */
typedef struct checked_tensor {
    lam_buffer *perturbed; /* real[rows, members*width] */
    size_t rows, width;
    const double *values, *gradient; /* [rows, width] */
    const uint32_t *entries;
    size_t entry_count;
} checked_tensor;

static lam_status check_options(lam_context *context, const lam_gradient_check_options *o,
                                uint32_t train_rows)
{
    if (o->sample_count < 1 || o->sample_count > train_rows)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "%u samples are out of range; legal: 1 to %u, the training rows",
                        o->sample_count, train_rows);
    if (o->inputs > LAM_IMAGE_INPUTS)
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "%u inputs are out of range; legal: 1 to %d", o->inputs,
                        LAM_IMAGE_INPUTS);
    if (!(o->step >= 0) || !isfinite(o->step))
        return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                        "a difference step of %g is out of range; legal: above 0", o->step);
    return o->save_path ? lam_file_check_place(context, o->save_path) : LAM_STATUS_OK;
}

/* Training rows in the order they are sampled. */
static lam_status choose_rows(const gradient_checker *checker, lam_row_range train,
                              int32_t **ret_rows)
{
    int32_t *rows = malloc(train.count * sizeof *rows);
    if (!rows)
        return lam_fail_memory(checker->context, "samples", train.count * sizeof *rows);
    lam_random random = lam_random_start(checker->options->seed, LAM_RANDOM_STREAM_SAMPLING, 0);
    if (checker->options->random_samples)
        lam_random_permutation(&random, rows, train.count);
    for (uint32_t i = 0; i < train.count; i++)
        rows[i] =
            (int32_t)train.first + (checker->options->random_samples ? rows[i] : (int32_t)i);
    *ret_rows = rows;
    return LAM_STATUS_OK;
}

static lam_status copy_samples(gradient_checker *checker, const lam_dataset *dataset)
{
    size_t count = checker->options->sample_count, inputs = checker->inputs;
    int32_t *rows = NULL;
    LAM_TRY(choose_rows(checker, lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN), &rows));
    checker->images = malloc(count * inputs);
    checker->labels = malloc(count);
    checker->order = malloc(count * sizeof *checker->order);
    bool allocated = checker->images && checker->labels && checker->order;
    for (size_t i = 0; i < count && allocated; i++) {
        size_t row = (size_t)rows[i];
        memcpy(checker->images + i * inputs,
               lam_dataset_get_images(dataset) + row * LAM_IMAGE_INPUTS, inputs);
        checker->labels[i] = lam_dataset_get_labels(dataset)[row];
        checker->order[i] = (int32_t)i;
    }
    free(rows);
    if (!allocated)
        return lam_fail_memory(checker->context, "samples", count * inputs);
    const lam_host_rows host_rows = {checker->images,
                                     checker->labels,
                                     count,
                                     inputs,
                                     lam_dataset_get_mean(dataset),
                                     lam_dataset_get_deviation(dataset)};
    return lam_resident_data_create(checker->engine, &host_rows, &checker->data);
}

static size_t choose_population(const gradient_checker *checker)
{
    size_t bytes = lam_graph_get_parameter_count(&checker->graph) *
                   lam_engine_get_real_bytes(checker->engine);
    size_t population = 2;
    while (population < LARGEST_POPULATION && 2 * population * bytes <= POPULATION_BYTES)
        population *= 2;
    return population;
}

/* Runs the gradient plan once; its buffers live no longer than the call. */
static lam_status compute_analytic_gradient(gradient_checker *checker)
{
    const lam_engine *engine = checker->engine;
    size_t rows = checker->options->sample_count;
    size_t blocks = lam_loss_get_blocks(rows);
    lam_status status = LAM_STATUS_OK;
    lam_buffer *order = NULL, *l2 = NULL, *loss_sum = NULL, *hit_count = NULL;
    lam_plan *plan = NULL;
    LAM_TRY_GOTO(status,
                 lam_buffer_create(engine->device, rows * sizeof(int32_t), "samples", &order));
    LAM_TRY_GOTO(status, lam_buffer_write(order, 0, checker->order, rows * sizeof(int32_t)));
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, 1, "l2", &l2));
    LAM_TRY_GOTO(status,
                 lam_engine_write_reals(engine, l2, 0, &checker->recipe->network.l2, 1));
    LAM_TRY_GOTO(status, lam_engine_create_reals(engine, blocks, "losses", &loss_sum));
    LAM_TRY_GOTO(status, lam_buffer_create(engine->device, blocks * sizeof(int32_t), "hits",
                                           &hit_count));
    const lam_plan_rows plan_rows = {.rows = rows,
                                     .limit = rows,
                                     .data = lam_resident_data_get_input(checker->data, order),
                                     .labels = checker->data->labels,
                                     .loss_sum = loss_sum,
                                     .hit_count = hit_count,
                                     .numbers =
                                         lam_run_numbers_get_inputs(&checker->numbers, NULL)};
    LAM_TRY_GOTO(status, lam_step_plan_create_gradient(checker->analytic, &plan_rows, l2,
                                                       checker->gradients, &plan));
    LAM_TRY_GOTO(status, lam_plan_enqueue(plan, 0));
    status = lam_device_finish(engine->device);
fail:
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&order);
    lam_buffer_destroy(&l2);
    lam_buffer_destroy(&loss_sum);
    lam_buffer_destroy(&hit_count);
    return status;
}

static lam_status evaluate_population(gradient_checker *checker)
{
    if (lam_stop_requested(checker->context))
        return lam_fail(checker->context, LAM_STATUS_INTERRUPTED, "interrupted");
    LAM_TRY(lam_penalty_meter_run(checker->meter, checker->penalties));
    return lam_evaluator_run(checker->evaluator, checker->penalties, checker->metrics);
}

static lam_status create_numbers(gradient_checker *checker, size_t population)
{
    uint64_t seeds[LARGEST_POPULATION];
    for (size_t p = 0; p < population; p++)
        seeds[p] = checker->options->seed;
    return lam_run_numbers_create(checker->engine, checker->options->seed, seeds, population,
                                  &checker->numbers);
}

static lam_status prepare(gradient_checker *checker, lam_device *device,
                          const lam_dataset *dataset)
{
    const lam_gradient_check_options *options = checker->options;
    LAM_TRY(lam_graph_build(checker->context, &checker->recipe->network, checker->inputs,
                            LAM_CLASS_COUNT, &checker->graph));
    LAM_TRY(lam_engine_create(device,
                              options->use_double ? LAM_REAL_TYPE_F64 : LAM_REAL_TYPE_F32,
                              options->gemm, &checker->engine));
    LAM_TRY(copy_samples(checker, dataset));
    const lam_engine *engine = checker->engine;
    size_t population = choose_population(checker);
    LAM_TRY(lam_parameters_create(engine, &checker->graph, 1, &checker->analytic));
    LAM_TRY(lam_parameters_create(engine, &checker->graph, 1, &checker->gradients));
    LAM_TRY(lam_parameters_create(engine, &checker->graph, population, &checker->perturbed));
    LAM_TRY(create_numbers(checker, population));
    LAM_TRY(lam_parameters_initialize(checker->analytic, 0, options->seed));
    LAM_TRY(lam_parameters_initialize(checker->perturbed, LAM_ALL_MEMBERS, options->seed));
    const lam_step_inputs numbers = lam_run_numbers_get_inputs(&checker->numbers, NULL);
    LAM_TRY(lam_evaluator_create(checker->perturbed, checker->data, checker->order,
                                 options->sample_count, &numbers, &checker->evaluator));
    LAM_TRY(lam_penalty_meter_create(checker->perturbed, &checker->meter));
    LAM_TRY(compute_analytic_gradient(checker));
    LAM_TRY(evaluate_population(checker));
    checker->base_loss = checker->metrics[0].loss;
    checker->base_cost = checker->metrics[0].cost;
    return LAM_STATUS_OK;
}

static lam_status save_gradient(const gradient_checker *checker, const lam_dataset *dataset)
{
    const lam_gradient_record record = {.recipe = checker->recipe,
                                        .parameters = checker->analytic,
                                        .gradients = checker->gradients,
                                        .images = checker->images,
                                        .labels = checker->labels,
                                        .rows = checker->options->sample_count,
                                        .inputs = checker->inputs,
                                        .mean = lam_dataset_get_mean(dataset),
                                        .deviation = lam_dataset_get_deviation(dataset),
                                        .numbers =
                                            lam_run_numbers_get_inputs(&checker->numbers, NULL),
                                        .loss = checker->base_loss,
                                        .cost = checker->base_cost};
    return lam_gradient_file_save(&record, checker->options->save_path);
}

static void destroy_checker(gradient_checker *checker)
{
    lam_evaluator_destroy(&checker->evaluator);
    lam_penalty_meter_destroy(&checker->meter);
    lam_parameters_destroy(&checker->analytic);
    lam_parameters_destroy(&checker->gradients);
    lam_parameters_destroy(&checker->perturbed);
    lam_run_numbers_destroy(&checker->numbers);
    lam_resident_data_destroy(&checker->data);
    lam_engine_destroy(&checker->engine);
    free(checker->images);
    free(checker->labels);
    free(checker->order);
    free(checker);
}

/* Moves entry `entry` of member `member` by `offset` from its value. */
static lam_status set_entry(const gradient_checker *checker, const checked_tensor *tensor,
                            size_t member, uint32_t entry, double offset)
{
    size_t members = checker->perturbed->members;
    size_t row = entry / tensor->width, column = entry % tensor->width;
    double value = tensor->values[entry] + offset;
    return lam_engine_write_reals(checker->engine, tensor->perturbed,
                                  (row * members + member) * tensor->width + column, &value, 1);
}

/* One wave: members 2i and 2i+1 carry entry i's + h and - h. */
static lam_status run_wave(gradient_checker *checker, const checked_tensor *tensor,
                           const uint32_t *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        LAM_TRY(set_entry(checker, tensor, 2 * i, entries[i], checker->step));
        LAM_TRY(set_entry(checker, tensor, 2 * i + 1, entries[i], -checker->step));
    }
    LAM_TRY(evaluate_population(checker));
    for (size_t i = 0; i < 2 * count; i++)
        LAM_TRY(set_entry(checker, tensor, i, entries[i / 2], 0));
    return LAM_STATUS_OK;
}

/* Sums from which a lam_gradient_difference is made. */
typedef struct difference_sums {
    double maximum, absolute, signed_sum, squares, analytic, numeric, max_relative;
    size_t count;
} difference_sums;

static void add_difference(difference_sums *sums, double analytic, double numeric)
{
    double difference = analytic - numeric;
    double size = fmax(relative_floor, fabs(analytic) + fabs(numeric));
    sums->maximum = fmax(sums->maximum, fabs(difference));
    sums->absolute += fabs(difference);
    sums->signed_sum += difference;
    sums->squares += difference * difference;
    sums->analytic += analytic * analytic;
    sums->numeric += numeric * numeric;
    sums->max_relative = fmax(sums->max_relative, fabs(difference) / size);
    sums->count++;
}

/* A bias in front of batch normalization has no influence: its gradient is nothing but
 * rounding, which a quotient of costs blows up. */
static bool is_zero(const gradient_checker *checker, const difference_sums *sums)
{
    double epsilon = checker->options->use_double ? DBL_EPSILON : FLT_EPSILON;
    double quotient = 4 * epsilon * fabs(checker->base_cost) / checker->step;
    double n = (double)sums->count;
    return sums->numeric <= n * quotient * quotient &&
           sums->analytic <= n * quotient * quotient * 1e-8;
}

static lam_gradient_difference summarize(const gradient_checker *checker,
                                         const difference_sums *sums)
{
    double norm = is_zero(checker, sums) ? 0 : sqrt(fmax(sums->analytic, sums->numeric));
    double n = (double)sums->count;
    return (lam_gradient_difference){.maximum = sums->maximum,
                                     .mean = sums->absolute / n,
                                     .signed_mean = sums->signed_sum / n,
                                     .norm_relative = norm > 0 ? sqrt(sums->squares) / norm : 0,
                                     .max_relative = sums->max_relative};
}

static lam_status compare_tensor(gradient_checker *checker, const checked_tensor *tensor,
                                 lam_gradient_row *row)
{
    difference_sums centred = {0}, forward = {0};
    size_t wave = checker->perturbed->members / 2;
    for (size_t first = 0; first < tensor->entry_count; first += wave) {
        size_t left = tensor->entry_count - first, count = left < wave ? left : wave;
        LAM_TRY(run_wave(checker, tensor, tensor->entries + first, count));
        for (size_t i = 0; i < count; i++) {
            double analytic = tensor->gradient[tensor->entries[first + i]];
            double plus = checker->metrics[2 * i].cost,
                   minus = checker->metrics[2 * i + 1].cost;
            add_difference(&centred, analytic, (plus - minus) / (2 * checker->step));
            add_difference(&forward, analytic, (plus - checker->base_cost) / checker->step);
        }
    }
    row->centred = summarize(checker, &centred);
    row->forward = summarize(checker, &forward);
    bool is_double = checker->options->use_double;
    /* Written so that a NaN fails. */
    row->passed =
        row->centred.norm_relative <= (is_double ? LAM_GRADIENT_BOUND_CENTRED_DOUBLE
                                                 : LAM_GRADIENT_BOUND_CENTRED_FLOAT) &&
        row->forward.norm_relative <=
            (is_double ? LAM_GRADIENT_BOUND_FORWARD_DOUBLE : LAM_GRADIENT_BOUND_FORWARD_FLOAT);
    return LAM_STATUS_OK;
}

/* All entries, or as many as asked for, drawn without repeats. */
static lam_status choose_entries(const gradient_checker *checker, uint32_t substream,
                                 size_t total, uint32_t **ret_entries, size_t *ret_count)
{
    const lam_gradient_check_options *options = checker->options;
    int32_t *entries = malloc(total * sizeof *entries);
    if (!entries)
        return lam_fail_memory(checker->context, "checked entries", total * sizeof *entries);
    lam_random random = lam_random_start(options->seed, LAM_RANDOM_STREAM_SAMPLING, substream);
    lam_random_permutation(&random, entries, (uint32_t)total);
    *ret_entries = (uint32_t *)entries;
    *ret_count = options->entries > 0 && options->entries < total ? options->entries : total;
    return LAM_STATUS_OK;
}

static lam_status check_entries(gradient_checker *checker, checked_tensor *checked, int unit,
                                lam_tensor tensor, lam_gradient_row *row)
{
    uint32_t *entries = NULL;
    size_t total = checked->rows * checked->width;
    LAM_TRY(choose_entries(checker,
                           (uint32_t)(LAM_TRAINED_TENSOR_COUNT * unit + (int)tensor + 1), total,
                           &entries, &checked->entry_count));
    checked->entries = entries;
    snprintf(row->tensor, sizeof row->tensor, "layer%d.%s", unit + 1, lam_tensor_name(tensor));
    row->entry_count = total;
    row->checked_count = checked->entry_count;
    lam_status status = compare_tensor(checker, checked, row);
    free(entries);
    return status;
}

static lam_status check_tensor(gradient_checker *checker, int unit, lam_tensor tensor,
                               lam_gradient_row *row)
{
    const lam_graph_unit *shape = &checker->graph.units[unit];
    checked_tensor checked = {.perturbed = checker->perturbed->tensors[unit][tensor],
                              .rows = lam_graph_get_tensor_rows(shape, tensor),
                              .width = shape->out};
    size_t count = checked.rows * checked.width;
    lam_status status = LAM_STATUS_OK;
    double *values = malloc(2 * count * sizeof *values);
    if (!values)
        return lam_fail_memory(checker->context, "gradients", 2 * count * sizeof *values);
    LAM_TRY_GOTO(status, lam_parameters_read(checker->analytic, unit, tensor, 0, values));
    LAM_TRY_GOTO(status,
                 lam_parameters_read(checker->gradients, unit, tensor, 0, values + count));
    checked.values = values;
    checked.gradient = values + count;
    status = check_entries(checker, &checked, unit, tensor, row);
fail:
    free(values);
    return status;
}

static lam_status check_unit(gradient_checker *checker, int unit, lam_gradient_row *ret_rows,
                             size_t *row_count)
{
    for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
        if (lam_graph_get_tensor_rows(&checker->graph.units[unit], (lam_tensor)t) > 0)
            LAM_TRY(check_tensor(checker, unit, (lam_tensor)t, &ret_rows[(*row_count)++]));
    return LAM_STATUS_OK;
}

lam_status lam_check_gradients(lam_device *device, const lam_recipe *recipe,
                               const lam_dataset *dataset,
                               const lam_gradient_check_options *options,
                               lam_gradient_row *ret_rows, size_t *ret_row_count)
{
    lam_context *context = lam_device_get_context(device);
    LAM_TRY(
        check_options(context, options, lam_dataset_get_split(dataset, LAM_SPLIT_TRAIN).count));
    gradient_checker *checker = calloc(1, sizeof *checker);
    if (!checker)
        return lam_fail_memory(context, "the gradient check", sizeof *checker);
    checker->context = context;
    checker->recipe = recipe;
    checker->options = options;
    checker->inputs = options->inputs > 0 ? options->inputs : LAM_IMAGE_INPUTS;
    checker->step = options->step > 0 ? options->step : options->use_double ? 1e-5 : 1e-3;
    size_t row_count = 0;
    lam_status status = prepare(checker, device, dataset);
    if (status == LAM_STATUS_OK && options->save_path)
        status = save_gradient(checker, dataset);
    for (int u = 0; u < checker->graph.unit_count && status == LAM_STATUS_OK; u++)
        status = check_unit(checker, u, ret_rows, &row_count);
    if (status == LAM_STATUS_OK)
        *ret_row_count = row_count;
    destroy_checker(checker);
    return status;
}
