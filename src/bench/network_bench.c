/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "bench/bench_rows.h"
#include "bench/clock.h"
#include "net/step_plan.h"
#include "op/loss.h"

/* A profile takes so many steps, and fewer where they would take longer than PROFILE_SECONDS.
 */
enum { PROFILED_STEPS = 50 };
#define PROFILE_SECONDS 0.5

typedef struct network_setup {
    const lam_network_task *task;
    lam_engine *engine;
    lam_graph graph;
    lam_parameters *parameters;
    lam_bench_rows *rows;
    lam_buffer *l2, *table, *first_step, *seeds, *loss_sum, *hit_count;
    lam_plan *plan;
} network_setup;

static void destroy_setup(network_setup *s)
{
    lam_plan_destroy(&s->plan);
    lam_buffer_destroy(&s->l2);
    lam_buffer_destroy(&s->table);
    lam_buffer_destroy(&s->first_step);
    lam_buffer_destroy(&s->seeds);
    lam_buffer_destroy(&s->loss_sum);
    lam_buffer_destroy(&s->hit_count);
    lam_bench_rows_destroy(&s->rows);
    lam_parameters_destroy(&s->parameters);
    lam_engine_destroy(&s->engine);
}

/* The table stays zero: the same work, and weights that cannot diverge. So do running averages
 * and seeds. */
static lam_status create_plan(network_setup *s)
{
    const lam_engine *e = s->engine;
    const lam_graph *g = &s->graph;
    size_t batch = s->task->batch, members = s->task->members;
    LAM_TRY(lam_bench_rows_create(e, s->task->dataset, batch, g->units[0].in,
                                  g->units[g->unit_count - 1].out, &s->rows));
    size_t results = s->rows->steps * lam_loss_get_blocks(batch) * members;
    LAM_TRY(lam_parameters_create(e, g, members, &s->parameters));
    LAM_TRY(lam_parameters_initialize(s->parameters, LAM_ALL_MEMBERS, 1));
    LAM_TRY(lam_engine_create_reals(e, members, "l2", &s->l2));
    LAM_TRY(lam_engine_create_reals(e, s->rows->steps * LAM_STEP_SCALAR_COUNT * members,
                                    "learning rates", &s->table));
    LAM_TRY(lam_buffer_create(e->device, sizeof(int32_t), "first step", &s->first_step));
    LAM_TRY(lam_buffer_create(e->device, 2 * members * sizeof(int32_t), "seeds", &s->seeds));
    LAM_TRY(lam_engine_create_reals(e, results, "losses", &s->loss_sum));
    LAM_TRY(lam_buffer_create(e->device, results * sizeof(int32_t), "hits", &s->hit_count));
    const lam_plan_rows plan_rows = {
        .rows = batch,
        .limit = s->rows->steps * batch,
        .data = s->rows->input,
        .labels = s->rows->labels,
        .numbers = {.table = s->table, .first_step = s->first_step, .seeds = s->seeds},
        .loss_sum = s->loss_sum,
        .hit_count = s->hit_count};
    const lam_plan_update update = {.l2 = s->l2, .table = s->table};
    return lam_step_plan_create_training(s->parameters, &plan_rows, &update, &s->plan);
}

/* What a step does and moves; the first layer has no input gradient. */
static void count_work(const network_setup *s, lam_network_time *time)
{
    double batch = (double)s->task->batch, members = (double)s->task->members, products = 0,
           outputs = 0;
    for (int u = 0; u < s->graph.unit_count; u++) {
        double in = (double)s->graph.units[u].in, out = (double)s->graph.units[u].out;
        products += (u > 0 ? 3 : 2) * in * out;
        outputs += out;
    }
    time->operations_per_step = 2 * products * batch * members;
    double parameters = (double)lam_graph_get_parameter_count(&s->graph);
    time->bytes_per_step = batch * (double)s->graph.units[0].in +
                           sizeof(float) * members * (2 * parameters + 4 * batch * outputs);
}

static lam_status time_steps(network_setup *s, lam_network_time *time)
{
    time->steps_per_epoch = s->rows->steps;
    LAM_TRY(lam_clock_time_plan(s->engine, s->plan, (int)s->rows->steps, &s->task->effort,
                                &time->seconds_per_step));
    const lam_device_counts before = lam_device_get_counts(s->engine->device);
    LAM_TRY(lam_plan_enqueue(s->plan, 0));
    const lam_device_counts after = lam_device_get_counts(s->engine->device);
    time->launches_per_step = after.launches - before.launches;
    time->waits_per_step = after.waits - before.waits;
    return lam_device_finish(s->engine->device);
}

/* The device's own times of each launch; the caller frees them. */
static lam_status profile_steps(network_setup *s, size_t steps, lam_profile *ret_profile)
{
    lam_device *device = s->engine->device;
    LAM_TRY(lam_device_start_profile(device, steps * lam_plan_get_launch_count(s->plan)));
    lam_status status = LAM_STATUS_OK;
    for (size_t step = 0; step < steps && status == LAM_STATUS_OK; step++)
        status = lam_plan_enqueue(s->plan, (int)(step % s->rows->steps));
    lam_profile profile = {0};
    lam_status stopped = lam_device_stop_profile(device, &profile);
    if (status == LAM_STATUS_OK)
        status = stopped;
    if (status == LAM_STATUS_OK)
        *ret_profile = profile;
    else
        lam_profile_free(&profile);
    return status;
}

/* The first span of the step that took least, from its start to that of the step after it. */
static const lam_profile_span *find_fastest_step(const lam_profile_span *spans, size_t steps,
                                                 size_t launches, uint64_t *ret_ns)
{
    const lam_profile_span *fastest = spans;
    uint64_t least = UINT64_MAX;
    for (size_t step = 0; step + 1 < steps; step++) {
        const lam_profile_span *first = spans + step * launches;
        uint64_t taken = first[launches].start_ns - first->start_ns;
        if (taken < least) {
            least = taken;
            fastest = first;
        }
    }
    *ret_ns = least;
    return fastest;
}

static lam_status explain_step(network_setup *s, lam_network_time *time)
{
    size_t launches = lam_plan_get_launch_count(s->plan);
    double fitting = PROFILE_SECONDS / time->seconds_per_step;
    size_t steps = fitting > PROFILED_STEPS ? PROFILED_STEPS
                   : fitting < 2            ? 2
                                            : (size_t)fitting;
    lam_profile profile = {0};
    LAM_TRY(profile_steps(s, steps, &profile));
    uint64_t fastest_ns = 0;
    const lam_profile_span *step =
        find_fastest_step(profile.spans, steps, launches, &fastest_ns);
    time->profiled_seconds = time->beyond_seconds = 1e-9 * (double)fastest_ns;
    for (size_t k = 0; k < launches; k++) {
        lam_kernel_time kernel = {.seconds = 1e-9 * (double)(step[k].end_ns - step[k].start_ns),
                                  .is_product = lam_plan_is_product(s->plan, k)};
        lam_plan_name_launch(s->plan, k, kernel.name, sizeof kernel.name);
        if (kernel.is_product)
            time->beyond_seconds -= kernel.seconds;
        if (k < LAM_MAX_BENCH_KERNELS)
            time->kernels[time->kernel_count++] = kernel;
    }
    lam_profile_free(&profile);
    return LAM_STATUS_OK;
}

static lam_status check_task(lam_context *context, const lam_network_task *task)
{
    if (task->network->layer_count >= 1 && task->network->layer_count <= LAM_MAX_LAYERS &&
        task->inputs >= 1 && task->members >= 1)
        return LAM_STATUS_OK;
    return lam_fail(context, LAM_STATUS_BAD_ARGUMENT,
                    "%zu networks of %d layers behind %zu inputs; legal: at least 1 of each, "
                    "and at most %d layers",
                    task->members, task->network->layer_count, task->inputs, LAM_MAX_LAYERS);
}

lam_status lam_bench_network(lam_device *device, const lam_network_task *task,
                             lam_network_time *ret_time)
{
    lam_context *context = lam_device_get_context(device);
    LAM_TRY(check_task(context, task));
    lam_status status = LAM_STATUS_OK;
    network_setup s = {.task = task};
    lam_network_time time = {0};
    size_t classes = (size_t)task->network->layers[task->network->layer_count - 1].width;
    LAM_TRY(lam_graph_build(context, task->network, task->inputs, classes, &s.graph));
    LAM_TRY_GOTO(status, lam_engine_create(device, LAM_REAL_TYPE_F32, task->gemm, &s.engine));
    LAM_TRY_GOTO(status, create_plan(&s));
    count_work(&s, &time);
    LAM_TRY_GOTO(status, time_steps(&s, &time));
    if (task->profiles)
        LAM_TRY_GOTO(status, explain_step(&s, &time));
    *ret_time = time;
fail:
    destroy_setup(&s);
    return status;
}
