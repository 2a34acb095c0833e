/* SPDX-License-Identifier: Apache-2.0 */
#include "net/step_plan.h"

#include <stdbool.h>
#include <string.h>

#include "op/small_layers.h"
#include "op/softmax_cross_entropy.h"

/* What the three kinds of plan differ in. */
typedef struct plan_request {
    bool backward;
    const lam_buffer *l2;
    const lam_buffer *rates;   /* training */
    lam_parameters *gradients; /* gradient */
} plan_request;

/* A plan under construction and the activations between its launches. */
typedef struct plan_builder {
    lam_parameters *parameters;
    const lam_plan_rows *rows;
    lam_plan *plan;
    lam_input input;                       /* of the first unit */
    lam_buffer *values[LAM_MAX_LAYERS];    /* outputs of the units, real[rows, members*out] */
    lam_buffer *gradients[LAM_MAX_LAYERS]; /* of the values */
    int tail; /* the first of the units that are fused; unit_count if none */
} plan_builder;

static lam_status create_scratch(plan_builder *builder, size_t columns, const char *what,
                                 lam_buffer **ret_buffer)
{
    lam_buffer *buffer = NULL;
    LAM_TRY(lam_engine_create_reals(builder->parameters->engine, builder->rows->rows * columns,
                                    what, &buffer));
    LAM_TRY(lam_plan_take_buffer(builder->plan, buffer));
    *ret_buffer = buffer;
    return LAM_STATUS_OK;
}

/* Buffers between a plan's launches, in columns of the plan's rows. A 0 is no buffer. */
typedef struct scratch_columns {
    size_t values[LAM_MAX_LAYERS]; /* 0: that of the unit before the last one */
    size_t gradients[LAM_MAX_LAYERS];
} scratch_columns;

static size_t get_largest_width(const lam_graph *graph)
{
    size_t width = 0;
    for (int u = 0; u < graph->unit_count; u++)
        width = graph->units[u].out > width ? graph->units[u].out : width;
    return width;
}

/* The longest row of units at the end that fit one launch: its first; unit_count for none. */
static int find_tail(const lam_engine *engine, const lam_graph *graph, size_t rows)
{
    int count = graph->unit_count, tail = count;
    while (tail > 1 && count - tail < LAM_MAX_SMALL_LAYERS &&
           lam_small_layers_fit(engine, rows, graph->units[tail - 1].in,
                                graph->units[tail - 1].out))
        tail--;
    return count - tail >= LAM_MIN_SMALL_LAYERS ? tail : count;
}

/* A backward pass needs every value; a forward pass alone only the last one and its input. A
 * gradient lives from the unit behind to the unit before, so two take turns. Fused units need
 * theirs all at once. */
static scratch_columns count_columns(const lam_graph *graph, size_t members, int tail,
                                     bool backward)
{
    scratch_columns columns = {0};
    size_t largest = members * get_largest_width(graph);
    for (int u = 0; u < graph->unit_count; u++) {
        size_t width = members * graph->units[u].out;
        bool is_fused = u >= tail;
        if (backward || is_fused)
            columns.values[u] = width;
        else if (u < 2)
            columns.values[u] = largest;
        if (backward && (is_fused || u < 2))
            columns.gradients[u] = is_fused ? width : largest;
    }
    return columns;
}

static lam_status plan_memory(plan_builder *builder, bool backward)
{
    const lam_parameters *parameters = builder->parameters;
    const scratch_columns columns =
        count_columns(&parameters->graph, parameters->members, builder->tail, backward);
    for (int u = 0; u < parameters->graph.unit_count; u++) {
        if (columns.values[u] > 0)
            LAM_TRY(
                create_scratch(builder, columns.values[u], "activations", &builder->values[u]));
        else
            builder->values[u] = builder->values[u - 2];
        if (columns.gradients[u] > 0)
            LAM_TRY(create_scratch(builder, columns.gradients[u], "gradients",
                                   &builder->gradients[u]));
        else if (backward)
            builder->gradients[u] = builder->gradients[u - 2];
    }
    return LAM_STATUS_OK;
}

static void add_need(const lam_engine *engine, const lam_graph *graph, size_t members,
                     size_t rows, bool backward, lam_memory_need *need)
{
    const scratch_columns columns =
        count_columns(graph, members, find_tail(engine, graph, rows), backward);
    double column_bytes = (double)rows * (double)lam_engine_get_real_bytes(engine);
    for (int u = 0; u < graph->unit_count; u++) {
        lam_memory_need_add(need, column_bytes * (double)columns.values[u], "activations");
        lam_memory_need_add(need, column_bytes * (double)columns.gradients[u], "gradients");
    }
}

static lam_weight_gradient describe_gradient(const plan_request *request, int u)
{
    lam_weight_gradient gradient = {.l2 = request->l2, .rates = request->rates};
    if (request->gradients) {
        gradient.dw = request->gradients->tensors[u][LAM_TENSOR_WEIGHT];
        gradient.db = request->gradients->tensors[u][LAM_TENSOR_BIAS];
    }
    return gradient;
}

static lam_dense describe_unit(const plan_builder *builder, int u)
{
    lam_parameters *parameters = builder->parameters;
    const lam_graph_unit *unit = &parameters->graph.units[u];
    lam_dense dense = {.rows = builder->rows->rows,
                       .in = unit->in,
                       .out = unit->out,
                       .members = parameters->members,
                       .shares_input = u == 0,
                       .activation = unit->activation,
                       .w = parameters->tensors[u][LAM_TENSOR_WEIGHT],
                       .b = parameters->tensors[u][LAM_TENSOR_BIAS]};
    if (u == 0) {
        dense.input = builder->input;
    } else {
        dense.input.x = builder->values[u - 1];
        dense.input_activation = parameters->graph.units[u - 1].activation;
    }
    return dense;
}

/* The fused units; returns how many. */
static int describe_tail(const plan_builder *builder, const plan_request *request,
                         lam_small_layer layers[LAM_MAX_SMALL_LAYERS])
{
    int count = builder->parameters->graph.unit_count - builder->tail;
    for (int n = 0; n < count; n++) {
        int u = builder->tail + n;
        layers[n] = (lam_small_layer){.dense = describe_unit(builder, u),
                                      .y = builder->values[u],
                                      .dy = builder->gradients[u],
                                      .gradient = describe_gradient(request, u)};
    }
    return count;
}

/* Where rows change whenever they are drawn, the step's are made first, for both products that
 * read them; elsewhere the products reach them in the data set. */
static lam_status add_input(plan_builder *builder)
{
    const lam_plan_rows *rows = builder->rows;
    builder->input = rows->data;
    if (!lam_augmentation_changes_rows(rows->augmentation))
        return LAM_STATUS_OK;
    lam_augment augment = {.augmentation = *rows->augmentation,
                           .rows = rows->rows,
                           .data = rows->data,
                           .numbers = &rows->numbers};
    LAM_TRY(create_scratch(builder, LAM_AUGMENT_INPUTS, "augmented rows", &augment.x));
    builder->input = (lam_input){.x = augment.x};
    return lam_augment_add(builder->parameters->engine, builder->plan, &augment);
}

static lam_status add_forward(plan_builder *builder, const plan_request *request)
{
    const lam_engine *engine = builder->parameters->engine;
    for (int u = 0; u < builder->tail; u++) {
        const lam_dense dense = describe_unit(builder, u);
        LAM_TRY(lam_matmul_add_forward(engine, builder->plan, &dense, builder->values[u]));
    }
    lam_small_layer layers[LAM_MAX_SMALL_LAYERS];
    int fused = describe_tail(builder, request, layers);
    return fused == 0 ? LAM_STATUS_OK
                      : lam_small_layers_add_forward(engine, builder->plan, layers, fused);
}

static lam_status add_loss(plan_builder *builder)
{
    const lam_parameters *parameters = builder->parameters;
    int last = parameters->graph.unit_count - 1;
    const lam_softmax_cross_entropy loss = {.rows = builder->rows->rows,
                                            .classes = parameters->graph.units[last].out,
                                            .members = parameters->members,
                                            .limit = builder->rows->limit,
                                            .logits = builder->values[last],
                                            .labels = builder->rows->labels,
                                            .order = builder->rows->data.order,
                                            .dlogits = builder->gradients[last],
                                            .loss_sum = builder->rows->loss_sum,
                                            .hit_count = builder->rows->hit_count};
    return lam_softmax_cross_entropy_add(parameters->engine, builder->plan, &loss);
}

/* The gradient passes on to the unit before while this unit's weights are still the old ones.
 */
static lam_status add_unit_backward(plan_builder *builder, const plan_request *request, int u)
{
    const lam_engine *engine = builder->parameters->engine;
    const lam_dense dense = describe_unit(builder, u);
    const lam_weight_gradient gradient = describe_gradient(request, u);
    const lam_buffer *dy = builder->gradients[u];
    if (u > 0)
        LAM_TRY(lam_matmul_add_backward_input(engine, builder->plan, &dense, dy,
                                              builder->gradients[u - 1]));
    return lam_matmul_add_backward_weights(engine, builder->plan, &dense, dy, &gradient);
}

static lam_status add_backward(plan_builder *builder, const plan_request *request)
{
    const lam_engine *engine = builder->parameters->engine;
    lam_small_layer layers[LAM_MAX_SMALL_LAYERS];
    int fused = describe_tail(builder, request, layers);
    if (fused > 0) {
        LAM_TRY(lam_small_layers_add_backward_input(engine, builder->plan, layers, fused,
                                                    builder->gradients[builder->tail - 1]));
        LAM_TRY(lam_small_layers_add_backward_weights(engine, builder->plan, layers, fused));
    }
    for (int u = builder->tail - 1; u >= 0; u--)
        LAM_TRY(add_unit_backward(builder, request, u));
    return LAM_STATUS_OK;
}

static lam_status build_plan(plan_builder *builder, const plan_request *request)
{
    builder->tail = find_tail(builder->parameters->engine, &builder->parameters->graph,
                              builder->rows->rows);
    LAM_TRY(plan_memory(builder, request->backward));
    LAM_TRY(add_input(builder));
    LAM_TRY(add_forward(builder, request));
    LAM_TRY(add_loss(builder));
    return request->backward ? add_backward(builder, request) : LAM_STATUS_OK;
}

static lam_status create_plan(lam_parameters *parameters, const lam_plan_rows *rows,
                              const plan_request *request, lam_plan **ret_plan)
{
    plan_builder builder = {.parameters = parameters, .rows = rows};
    LAM_TRY(lam_plan_create(parameters->engine, &builder.plan));
    lam_status status = build_plan(&builder, request);
    if (status != LAM_STATUS_OK) {
        lam_plan_destroy(&builder.plan);
        return status;
    }
    *ret_plan = builder.plan;
    return LAM_STATUS_OK;
}

lam_status lam_step_plan_create_training(lam_parameters *parameters, const lam_plan_rows *rows,
                                         const lam_buffer *l2, const lam_buffer *rates,
                                         lam_plan **ret_plan)
{
    const plan_request request = {.backward = true, .l2 = l2, .rates = rates};
    return create_plan(parameters, rows, &request, ret_plan);
}

lam_status lam_step_plan_create_evaluation(lam_parameters *parameters,
                                           const lam_plan_rows *rows, lam_plan **ret_plan)
{
    return create_plan(parameters, rows, &(plan_request){.backward = false}, ret_plan);
}

lam_status lam_step_plan_create_gradient(lam_parameters *parameters, const lam_plan_rows *rows,
                                         const lam_buffer *l2, lam_parameters *gradients,
                                         lam_plan **ret_plan)
{
    const plan_request request = {.backward = true, .l2 = l2, .gradients = gradients};
    return create_plan(parameters, rows, &request, ret_plan);
}

void lam_step_plan_add_training_need(const lam_engine *engine, const lam_graph *graph,
                                     size_t members, size_t rows, bool augments,
                                     lam_memory_need *need)
{
    add_need(engine, graph, members, rows, true, need);
    if (augments)
        lam_memory_need_add(
            need, (double)rows * LAM_AUGMENT_INPUTS * (double)lam_engine_get_real_bytes(engine),
            "augmented rows");
}

void lam_step_plan_add_evaluation_need(const lam_engine *engine, const lam_graph *graph,
                                       size_t members, size_t rows, lam_memory_need *need)
{
    add_need(engine, graph, members, rows, false, need);
}
