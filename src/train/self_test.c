/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "lamina/train.h"
#include "net/step_plan.h"
#include "op/loss.h"
#include "train/resident_data.h"

/* One training step of a small network, whose results are worked out here in double. */
enum { ROWS = 13, INPUTS = 23, HIDDEN = 19, CLASSES = LAM_CLASS_COUNT, BLOCKS = 1 };
static const double learning_rate = 0.5, l2 = 0.01;

/* Far above what rounding in float can do to these sizes, far below a wrong term. */
static const double tolerance = 1e-4;

typedef struct known_step {
    uint8_t images[ROWS * INPUTS], labels[ROWS];
    int32_t order[ROWS];
    double mean[INPUTS], deviation[INPUTS];
    double w1[INPUTS * HIDDEN], b1[HIDDEN], w2[HIDDEN * CLASSES], b2[CLASSES];
    double loss; /* sum over the rows */
} known_step;

static void draw_problem(known_step *k)
{
    lam_random random = lam_random_start(1, LAM_RANDOM_STREAM_SAMPLING, 1);
    for (int i = 0; i < ROWS * INPUTS; i++)
        k->images[i] = (uint8_t)lam_random_below(&random, 256);
    for (int i = 0; i < ROWS; i++) {
        k->labels[i] = (uint8_t)lam_random_below(&random, CLASSES);
        k->order[i] = (i * 5 + 2) % ROWS;
    }
    for (int i = 0; i < INPUTS; i++) {
        k->mean[i] = 0.4 + 0.2 * lam_random_uniform(&random);
        k->deviation[i] = 0.2 + 0.1 * lam_random_uniform(&random);
    }
    for (int i = 0; i < INPUTS * HIDDEN; i++)
        k->w1[i] = 0.3 * lam_random_normal(&random);
    for (int i = 0; i < HIDDEN * CLASSES; i++)
        k->w2[i] = 0.3 * lam_random_normal(&random);
    for (int i = 0; i < HIDDEN; i++)
        k->b1[i] = lam_random_normal(&random);
    for (int i = 0; i < CLASSES; i++)
        k->b2[i] = lam_random_normal(&random);
}

/* y[rows, out] = x[rows, in] w + b */
static void multiply(const double *x, const double *w, const double *b, int in, int out,
                     double *y)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < out; j++) {
            y[i * out + j] = b[j];
            for (int m = 0; m < in; m++)
                y[i * out + j] += x[i * in + m] * w[m * out + j];
        }
}

/* Turns logits into their gradient and adds up the loss. */
static void differentiate_loss(known_step *k, double *s)
{
    k->loss = 0;
    for (int i = 0; i < ROWS; i++) {
        double *row = s + i * CLASSES, sum = 0;
        int label = k->labels[k->order[i]];
        for (int c = 0; c < CLASSES; c++)
            sum += exp(row[c]);
        k->loss += log(sum) - row[label];
        for (int c = 0; c < CLASSES; c++)
            row[c] = (exp(row[c]) / sum - (c == label)) / ROWS;
    }
}

/* w -= rate (x^T dy + 2 l2 w), b -= rate (column sums of dy) */
static void update(const double *x, const double *dy, int in, int out, double *w, double *b)
{
    for (int j = 0; j < out; j++)
        for (int i = 0; i < ROWS; i++)
            b[j] -= learning_rate * dy[i * out + j];
    for (int m = 0; m < in; m++)
        for (int j = 0; j < out; j++) {
            double gradient = 2 * l2 * w[m * out + j];
            for (int i = 0; i < ROWS; i++)
                gradient += x[i * in + m] * dy[i * out + j];
            w[m * out + j] -= learning_rate * gradient;
        }
}

static void take_known_step(known_step *k)
{
    double x[ROWS * INPUTS], h[ROWS * HIDDEN], s[ROWS * CLASSES], dh[ROWS * HIDDEN];
    for (int i = 0; i < ROWS; i++)
        for (int m = 0; m < INPUTS; m++)
            x[i * INPUTS + m] =
                (k->images[k->order[i] * INPUTS + m] / 255.0 - k->mean[m]) / k->deviation[m];
    multiply(x, k->w1, k->b1, INPUTS, HIDDEN, h);
    for (int i = 0; i < ROWS * HIDDEN; i++)
        h[i] = h[i] > 0 ? h[i] : 0;
    multiply(h, k->w2, k->b2, HIDDEN, CLASSES, s);
    differentiate_loss(k, s);
    for (int i = 0; i < ROWS; i++)
        for (int m = 0; m < HIDDEN; m++) {
            double sum = 0;
            for (int c = 0; c < CLASSES; c++)
                sum += s[i * CLASSES + c] * k->w2[m * CLASSES + c];
            dh[i * HIDDEN + m] = h[i * HIDDEN + m] > 0 ? sum : 0;
        }
    update(h, s, HIDDEN, CLASSES, k->w2, k->b2);
    update(x, dh, INPUTS, HIDDEN, k->w1, k->b1);
}

/* The device's side of the same step. */
typedef struct device_step {
    lam_engine *engine;
    lam_parameters *parameters;
    lam_resident_data *data;
    lam_buffer *order, *table, *l2, *loss_sum, *hit_count;
    lam_plan *plan;
} device_step;

static void destroy_device_step(device_step *d)
{
    lam_plan_destroy(&d->plan);
    lam_buffer_destroy(&d->order);
    lam_buffer_destroy(&d->table);
    lam_buffer_destroy(&d->l2);
    lam_buffer_destroy(&d->loss_sum);
    lam_buffer_destroy(&d->hit_count);
    lam_resident_data_destroy(&d->data);
    lam_parameters_destroy(&d->parameters);
    lam_engine_destroy(&d->engine);
}

static lam_status upload_problem(device_step *d, const known_step *k)
{
    const lam_engine *e = d->engine;
    const lam_host_rows rows = {k->images, k->labels, ROWS, INPUTS, k->mean, k->deviation};
    LAM_TRY(lam_resident_data_create(e, &rows, &d->data));
    LAM_TRY(lam_parameters_write(d->parameters, 0, LAM_TENSOR_WEIGHT, 0, k->w1));
    LAM_TRY(lam_parameters_write(d->parameters, 0, LAM_TENSOR_BIAS, 0, k->b1));
    LAM_TRY(lam_parameters_write(d->parameters, 1, LAM_TENSOR_WEIGHT, 0, k->w2));
    LAM_TRY(lam_parameters_write(d->parameters, 1, LAM_TENSOR_BIAS, 0, k->b2));
    LAM_TRY(lam_buffer_create(e->device, sizeof k->order, "the self-test", &d->order));
    LAM_TRY(lam_buffer_write(d->order, 0, k->order, sizeof k->order));
    LAM_TRY(lam_engine_create_reals(e, LAM_STEP_SCALAR_COUNT, "the self-test", &d->table));
    LAM_TRY(lam_engine_create_reals(e, 1, "the self-test", &d->l2));
    LAM_TRY(lam_engine_create_reals(e, BLOCKS, "the self-test", &d->loss_sum));
    LAM_TRY(lam_engine_write_reals(e, d->table, LAM_STEP_SCALAR_RATE, &learning_rate, 1));
    LAM_TRY(lam_engine_write_reals(e, d->l2, 0, &l2, 1));
    return lam_buffer_create(e->device, BLOCKS * sizeof(int32_t), "the self-test",
                             &d->hit_count);
}

static lam_status take_device_step(device_step *d, lam_device *device, lam_gemm gemm,
                                   const known_step *k)
{
    const lam_graph graph = {
        .unit_count = 2,
        .units = {{.in = INPUTS, .out = HIDDEN, .activation = LAM_ACTIVATION_RELU},
                  {.in = HIDDEN, .out = CLASSES}}};
    LAM_TRY(lam_engine_create(device, LAM_REAL_TYPE_F32, gemm, &d->engine));
    d->engine->tuner = NULL; /* the tests are of the built-in ways */
    LAM_TRY(lam_parameters_create(d->engine, &graph, 1, &d->parameters));
    LAM_TRY(upload_problem(d, k));
    const lam_plan_rows rows = {.rows = ROWS,
                                .limit = ROWS,
                                .data = lam_resident_data_get_input(d->data, d->order),
                                .labels = d->data->labels,
                                .loss_sum = d->loss_sum,
                                .hit_count = d->hit_count};
    const lam_plan_update update = {.l2 = d->l2, .table = d->table};
    LAM_TRY(lam_step_plan_create_training(d->parameters, &rows, &update, &d->plan));
    return lam_plan_enqueue(d->plan, 0);
}

static lam_status compare(const lam_engine *engine, const char *what, const double *computed,
                          const double *known, int count)
{
    const lam_device_info *info = lam_device_get_info(engine->device);
    for (int i = 0; i < count; i++)
        if (!(fabs(computed[i] - known[i]) <= tolerance * (1 + fabs(known[i]))))
            return lam_fail(engine->context, LAM_STATUS_BAD_DEVICE,
                            "self-test: device %d (%s, driver %s) computes wrongly: %s[%d] is "
                            "%.7g, not %.7g; update its driver or choose another --device",
                            info->index, info->name, info->driver_version, what, i, computed[i],
                            known[i]);
    return LAM_STATUS_OK;
}

static lam_status compare_all(const device_step *d, const known_step *k, known_step *computed)
{
    const lam_engine *e = d->engine;
    LAM_TRY(lam_engine_read_reals(e, d->loss_sum, 0, &computed->loss, 1));
    LAM_TRY(lam_parameters_read(d->parameters, 0, LAM_TENSOR_WEIGHT, 0, computed->w1));
    LAM_TRY(lam_parameters_read(d->parameters, 0, LAM_TENSOR_BIAS, 0, computed->b1));
    LAM_TRY(lam_parameters_read(d->parameters, 1, LAM_TENSOR_WEIGHT, 0, computed->w2));
    LAM_TRY(lam_parameters_read(d->parameters, 1, LAM_TENSOR_BIAS, 0, computed->b2));
    LAM_TRY(compare(e, "loss", &computed->loss, &k->loss, 1));
    LAM_TRY(compare(e, "layer2.weight", computed->w2, k->w2, HIDDEN * CLASSES));
    LAM_TRY(compare(e, "layer2.bias", computed->b2, k->b2, CLASSES));
    LAM_TRY(compare(e, "layer1.weight", computed->w1, k->w1, INPUTS * HIDDEN));
    return compare(e, "layer1.bias", computed->b1, k->b1, HIDDEN);
}

lam_status lam_self_test(lam_device *device, lam_gemm gemm)
{
    device_step d = {0};
    known_step *steps = calloc(2, sizeof *steps);
    if (!steps)
        return lam_fail_memory(lam_device_get_context(device), "the self-test", sizeof *steps);
    draw_problem(&steps[0]);
    lam_status status = take_device_step(&d, device, gemm, &steps[0]);
    if (status == LAM_STATUS_OK)
        status = lam_device_finish(device);
    if (status == LAM_STATUS_OK) {
        take_known_step(&steps[0]);
        status = compare_all(&d, &steps[0], &steps[1]);
    }
    destroy_device_step(&d);
    free(steps);
    return status;
}
