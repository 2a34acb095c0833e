/* SPDX-License-Identifier: Apache-2.0 */
#include "net/step_plan.h"

#include <stdbool.h>
#include <stdlib.h>

#include "net/scratch.h"
#include "op/loss.h"
#include "op/small_layers.h"

/* What the kinds of plan differ in. */
typedef struct plan_request {
    bool has_loss, backward;
    bool uses_batch;     /* batch normalization takes the statistics of the rows at hand */
    bool drops;          /* dropout is on */
    bool has_statistics; /* it takes the parameters' instead, or with uses_batch keeps them */
    const lam_buffer *l2;
    const lam_plan_update *update; /* training */
    lam_parameters *gradients;     /* gradient */
} plan_request;

/* A plan under construction. */
typedef struct plan_builder {
    lam_parameters *parameters;
    const lam_plan_rows *rows;
    const plan_request *request;
    lam_plan *plan;
    lam_input input; /* of the first unit */
    lam_scratch scratch;
    /* Gradients of the parameters where they are clipped. */
    lam_buffer *clipped[LAM_MAX_LAYERS][LAM_TRAINED_TENSOR_COUNT];
    bool has_skip_gradient[LAM_MAX_LAYERS]; /* that scratch.skips was written already */
    lam_epilogue epilogues[LAM_MAX_LAYERS];
    int tail; /* the first of the units that are computed at once; unit_count if none */
} plan_builder;

static lam_status create_reals(plan_builder *builder, size_t count, const char *what,
                               lam_buffer **ret_buffer)
{
    lam_buffer *buffer = NULL;
    LAM_TRY(lam_engine_create_reals(builder->parameters->engine, count, what, &buffer));
    LAM_TRY(lam_plan_take_buffer(builder->plan, buffer));
    *ret_buffer = buffer;
    return LAM_STATUS_OK;
}

/* ---- units ---- */

/* The longest row of plain units at the end that fit one launch: its first; unit_count for
 * none. */
static int find_tail(const lam_engine *engine, const lam_graph *graph, size_t rows)
{
    int count = graph->unit_count, tail = count;
    while (tail > 1 && count - tail < LAM_MAX_SMALL_LAYERS) {
        const lam_graph_unit *unit = &graph->units[tail - 1];
        if (lam_unit_has_epilogue(unit) || unit->feeds_skip ||
            !lam_small_layers_fit(engine, rows, unit->in, unit->out))
            break;
        tail--;
    }
    return count - tail >= LAM_MIN_SMALL_LAYERS ? tail : count;
}

static lam_optimizer_type get_optimizer(const lam_plan_update *update)
{
    return update->state ? update->state->type : LAM_OPTIMIZER_SGD;
}

/* Of a unit's weight and bias, or of gamma and beta in their places. */
static lam_weight_gradient describe_gradient(const plan_builder *builder, int u,
                                             lam_tensor weight, lam_tensor bias)
{
    const plan_request *request = builder->request;
    const lam_plan_update *update = request->update;
    lam_weight_gradient gradient = {.l2 = request->l2};
    if (request->gradients) {
        gradient.dw = request->gradients->tensors[u][weight];
        gradient.db = request->gradients->tensors[u][bias];
    } else if (update->clip_norm) {
        gradient.dw = builder->clipped[u][weight];
        gradient.db = builder->clipped[u][bias];
    } else {
        gradient.table = update->table;
        gradient.optimizer = get_optimizer(update);
        gradient.w_states = update->state ? update->state->tensors[u][weight] : NULL;
        gradient.b_states = update->state ? update->state->tensors[u][bias] : NULL;
    }
    return gradient;
}

static lam_weight_gradient describe_dense_gradient(const plan_builder *builder, int u)
{
    return describe_gradient(builder, u, LAM_TENSOR_WEIGHT, LAM_TENSOR_BIAS);
}

/* Gradients of a value that is added elsewhere come together behind its activation. */
static bool has_backward_epilogue(const lam_graph_unit *unit)
{
    return lam_unit_has_epilogue(unit) || unit->feeds_skip;
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
                       .activation =
                           lam_unit_has_epilogue(unit) ? LAM_ACTIVATION_NONE : unit->activation,
                       .w = parameters->tensors[u][LAM_TENSOR_WEIGHT],
                       .b = parameters->tensors[u][LAM_TENSOR_BIAS]};
    if (u == 0) {
        dense.input = builder->input;
    } else {
        const lam_graph_unit *before = &parameters->graph.units[u - 1];
        dense.input.x = builder->scratch.values[u - 1];
        if (!has_backward_epilogue(before))
            dense.input_activation = before->activation;
    }
    return dense;
}

/* The fused units; returns how many. */
static int describe_tail(const plan_builder *builder,
                         lam_small_layer layers[LAM_MAX_SMALL_LAYERS])
{
    int count = builder->parameters->graph.unit_count - builder->tail;
    for (int n = 0; n < count; n++) {
        int u = builder->tail + n;
        layers[n] = (lam_small_layer){.dense = describe_unit(builder, u),
                                      .y = builder->scratch.values[u],
                                      .dy = builder->scratch.gradients[u]};
        if (builder->request->backward)
            layers[n].gradient = describe_dense_gradient(builder, u);
    }
    return count;
}

/* ---- epilogues ---- */

/* Numbers that stay as they are, in a buffer of the plan's. */
static lam_status create_constants(plan_builder *builder, const double *values, size_t count,
                                   const char *what, const lam_buffer **ret_buffer)
{
    lam_buffer *buffer = NULL;
    LAM_TRY(create_reals(builder, count, what, &buffer));
    LAM_TRY(lam_engine_write_reals(builder->parameters->engine, buffer, 0, values, count));
    *ret_buffer = buffer;
    return LAM_STATUS_OK;
}

static double get_dropout_rate(const lam_graph *graph, int u)
{
    return graph->units[u].dropout_rate;
}

static double get_smoothing(const lam_graph *graph, int u)
{
    (void)u; /* of the whole graph */
    return graph->label_smoothing;
}

/* A number of each member's, which may be of its unit `u`. */
static lam_status create_member_numbers(plan_builder *builder, int u,
                                        double get_number(const lam_graph *graph, int u),
                                        const char *what, const lam_buffer **ret_buffer)
{
    const lam_parameters *parameters = builder->parameters;
    size_t members = parameters->members, bytes = members * sizeof(double);
    double *values = malloc(bytes);
    if (!values)
        return lam_fail_memory(parameters->engine->context, what, bytes);
    for (size_t p = 0; p < members; p++)
        values[p] = get_number(&parameters->graphs[p], u);
    lam_status status = create_constants(builder, values, members, what, ret_buffer);
    free(values);
    return status;
}

static lam_status describe_norm(plan_builder *builder, int u, lam_epilogue_norm *norm)
{
    lam_parameters *parameters = builder->parameters;
    const lam_graph_unit *unit = &parameters->graph.units[u];
    const double constants[2] = {unit->epsilon, unit->momentum};
    norm->place = unit->norm;
    if (unit->norm == LAM_NORM_PLACE_NONE)
        return LAM_STATUS_OK;
    norm->gamma = parameters->tensors[u][LAM_TENSOR_GAMMA];
    norm->beta = parameters->tensors[u][LAM_TENSOR_BETA];
    if (builder->request->has_statistics)
        norm->moments = parameters->tensors[u][LAM_TENSOR_STATISTICS];
    if (builder->request->uses_batch)
        LAM_TRY(create_reals(builder, 2 * parameters->members * unit->out, "batch statistics",
                             &norm->batch));
    return create_constants(builder, constants, 2, "batch normalization's constants",
                            &norm->constants);
}

static lam_status describe_epilogue(plan_builder *builder, int u)
{
    const lam_parameters *parameters = builder->parameters;
    const lam_graph_unit *unit = &parameters->graph.units[u];
    lam_epilogue *epilogue = &builder->epilogues[u];
    *epilogue =
        (lam_epilogue){.rows = builder->rows->rows,
                       .width = unit->out,
                       .members = parameters->members,
                       .activation = unit->activation,
                       .skip = unit->has_skip ? builder->scratch.values[unit->skip_from] : NULL,
                       .dropout.unit = (size_t)u,
                       .inputs = builder->rows->numbers};
    if (unit->has_dropout && builder->request->drops)
        LAM_TRY(create_member_numbers(builder, u, get_dropout_rate, "dropout rates",
                                      &epilogue->dropout.rate));
    return describe_norm(builder, u, &epilogue->norm);
}

static lam_status add_epilogue_backward(plan_builder *builder, int u)
{
    const lam_graph_unit *unit = &builder->parameters->graph.units[u];
    const lam_epilogue *epilogue = &builder->epilogues[u];
    lam_epilogue_gradient gradient = {
        .dy = builder->scratch.gradients[u],
        .dskip_in = builder->scratch.skips[u],
        .dz = builder->scratch.gradients[u],
        .norm = describe_gradient(builder, u, LAM_TENSOR_GAMMA, LAM_TENSOR_BETA)};
    if (unit->has_skip) {
        gradient.dskip = builder->scratch.skips[unit->skip_from];
        gradient.accumulates_dskip = builder->has_skip_gradient[unit->skip_from];
        builder->has_skip_gradient[unit->skip_from] = true;
    }
    const lam_buffer *z =
        unit->norm == LAM_NORM_PLACE_NONE ? NULL : builder->scratch.products[u];
    return lam_epilogue_add_backward(builder->parameters->engine, builder->plan, epilogue, z,
                                     builder->scratch.values[u], &gradient);
}

/* ---- passes ---- */

static lam_status add_panels(plan_builder *builder)
{
    const lam_parameters *parameters = builder->parameters;
    const lam_graph_unit *first = &parameters->graph.units[0];
    size_t rows = builder->rows->rows, in = first->in;
    lam_buffer *panels = NULL;
    if (!lam_matmul_wants_panels(parameters->engine, rows, parameters->members, first->out))
        return LAM_STATUS_OK;
    LAM_TRY(create_reals(builder, lam_gather_count_panel_reals(rows, in), "gathered rows",
                         &panels));
    builder->input.panels = panels;
    return lam_gather_add_panels(parameters->engine, builder->plan, &builder->rows->data, rows,
                                 in, panels);
}

/* Where rows change whenever they are drawn, the step's are made first, for both products that
 * read them, and also where the products would convert them again and again; elsewhere they
 * reach them in the data set. */
static lam_status add_input(plan_builder *builder)
{
    const lam_plan_rows *rows = builder->rows;
    builder->input = rows->data;
    if (!lam_augmentation_changes_rows(rows->augmentation))
        return add_panels(builder);
    lam_augment augment = {.augmentation = *rows->augmentation,
                           .rows = rows->rows,
                           .data = rows->data,
                           .numbers = &rows->numbers};
    LAM_TRY(
        create_reals(builder, rows->rows * LAM_AUGMENT_INPUTS, "augmented rows", &augment.x));
    builder->input = (lam_input){.x = augment.x};
    return lam_augment_add(builder->parameters->engine, builder->plan, &augment);
}

static lam_status add_unit_forward(plan_builder *builder, int u)
{
    const lam_engine *engine = builder->parameters->engine;
    const lam_dense dense = describe_unit(builder, u);
    LAM_TRY(
        lam_matmul_add_forward(engine, builder->plan, &dense, builder->scratch.products[u]));
    if (!lam_unit_has_epilogue(&builder->parameters->graph.units[u]))
        return LAM_STATUS_OK;
    return lam_epilogue_add_forward(engine, builder->plan, &builder->epilogues[u],
                                    builder->scratch.products[u], builder->scratch.values[u]);
}

static lam_status add_forward(plan_builder *builder)
{
    lam_small_layer layers[LAM_MAX_SMALL_LAYERS];
    for (int u = 0; u < builder->tail; u++)
        LAM_TRY(add_unit_forward(builder, u));
    int fused = describe_tail(builder, layers);
    return fused == 0 ? LAM_STATUS_OK
                      : lam_small_layers_add_forward(builder->parameters->engine, builder->plan,
                                                     layers, fused);
}

static lam_status add_loss(plan_builder *builder)
{
    const lam_parameters *parameters = builder->parameters;
    int last = parameters->graph.unit_count - 1;
    const lam_buffer *smoothing = NULL;
    if (parameters->graph.loss == LAM_LOSS_SOFTMAX_CROSS_ENTROPY)
        LAM_TRY(
            create_member_numbers(builder, last, get_smoothing, "label smoothing", &smoothing));
    const lam_loss_operands operands = {.loss = parameters->graph.loss,
                                        .rows = builder->rows->rows,
                                        .classes = parameters->graph.units[last].out,
                                        .members = parameters->members,
                                        .limit = builder->rows->limit,
                                        .logits = builder->scratch.values[last],
                                        .labels = builder->rows->labels,
                                        .order = builder->rows->data.order,
                                        .smoothing = smoothing,
                                        .dlogits = builder->scratch.gradients[last],
                                        .loss_sum = builder->rows->loss_sum,
                                        .hit_count = builder->rows->hit_count};
    return lam_loss_add(parameters->engine, builder->plan, &operands);
}

/* The gradient passes on to the unit before while this unit's weights are still the old ones.
 */
static lam_status add_unit_backward(plan_builder *builder, int u)
{
    const lam_engine *engine = builder->parameters->engine;
    const lam_dense dense = describe_unit(builder, u);
    const lam_weight_gradient gradient = describe_dense_gradient(builder, u);
    const lam_buffer *dy = builder->scratch.gradients[u];
    if (has_backward_epilogue(&builder->parameters->graph.units[u]))
        LAM_TRY(add_epilogue_backward(builder, u));
    if (u > 0)
        LAM_TRY(lam_matmul_add_backward_input(engine, builder->plan, &dense, dy,
                                              builder->scratch.gradients[u - 1]));
    return lam_matmul_add_backward_weights(engine, builder->plan, &dense, dy, &gradient);
}

static lam_status add_backward(plan_builder *builder)
{
    const lam_engine *engine = builder->parameters->engine;
    lam_small_layer layers[LAM_MAX_SMALL_LAYERS];
    int fused = describe_tail(builder, layers);
    if (fused > 0) {
        LAM_TRY(
            lam_small_layers_add_backward_input(engine, builder->plan, layers, fused,
                                                builder->scratch.gradients[builder->tail - 1]));
        LAM_TRY(lam_small_layers_add_backward_weights(engine, builder->plan, layers, fused));
    }
    for (int u = builder->tail - 1; u >= 0; u--)
        LAM_TRY(add_unit_backward(builder, u));
    return LAM_STATUS_OK;
}

/* ---- clipping: all gradients come before the first update ---- */

static lam_status create_clipped_gradients(plan_builder *builder)
{
    const lam_parameters *parameters = builder->parameters;
    for (int u = 0; u < parameters->graph.unit_count; u++) {
        const lam_graph_unit *unit = &parameters->graph.units[u];
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++) {
            size_t rows = lam_graph_get_tensor_rows(unit, (lam_tensor)t);
            if (rows > 0)
                LAM_TRY(create_reals(builder, rows * parameters->members * unit->out,
                                     "gradients of parameters", &builder->clipped[u][t]));
        }
    }
    return LAM_STATUS_OK;
}

static lam_status add_clipped_update(plan_builder *builder, const lam_plan_update *update)
{
    lam_parameters *parameters = builder->parameters;
    lam_clipped_tensor tensors[LAM_TRAINED_TENSOR_COUNT * LAM_MAX_LAYERS];
    int count = 0;
    for (int u = 0; u < parameters->graph.unit_count; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
            if (builder->clipped[u][t])
                tensors[count++] = (lam_clipped_tensor){
                    .rows =
                        lam_graph_get_tensor_rows(&parameters->graph.units[u], (lam_tensor)t),
                    .width = parameters->graph.units[u].out,
                    .members = parameters->members,
                    .decays = t == LAM_TENSOR_WEIGHT,
                    .values = parameters->tensors[u][t],
                    .states = update->state ? update->state->tensors[u][t] : NULL,
                    .gradients = builder->clipped[u][t]};
    return lam_update_add_clipped(parameters->engine, builder->plan, tensors, count,
                                  update->table, get_optimizer(update), update->clip_norm);
}

static lam_scratch_shape describe_scratch(const lam_engine *engine, const lam_graph *graph,
                                          size_t members, size_t rows,
                                          const plan_request *request)
{
    return (lam_scratch_shape){.graph = graph,
                               .rows = rows,
                               .members = members,
                               .tail = find_tail(engine, graph, rows),
                               .backward = request->backward,
                               .uses_batch = request->uses_batch};
}

static lam_status build_plan(plan_builder *builder)
{
    lam_parameters *parameters = builder->parameters;
    const lam_graph *graph = &parameters->graph;
    const lam_scratch_shape shape = describe_scratch(
        parameters->engine, graph, parameters->members, builder->rows->rows, builder->request);
    builder->tail = shape.tail;
    LAM_TRY(lam_scratch_create(parameters->engine, builder->plan, &shape, &builder->scratch));
    if (builder->rows->logits) {
        int last = graph->unit_count - 1;
        builder->scratch.products[last] = builder->scratch.values[last] = builder->rows->logits;
    }
    bool clips = builder->request->update && builder->request->update->clip_norm;
    if (clips)
        LAM_TRY(create_clipped_gradients(builder));
    for (int u = 0; u < graph->unit_count; u++)
        LAM_TRY(describe_epilogue(builder, u));
    LAM_TRY(add_input(builder));
    LAM_TRY(add_forward(builder));
    if (builder->request->has_loss)
        LAM_TRY(add_loss(builder));
    if (builder->request->backward)
        LAM_TRY(add_backward(builder));
    return clips ? add_clipped_update(builder, builder->request->update) : LAM_STATUS_OK;
}

static lam_status create_plan(lam_parameters *parameters, const lam_plan_rows *rows,
                              const plan_request *request, lam_plan **ret_plan)
{
    lam_status status = LAM_STATUS_OK;
    plan_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return lam_fail_memory(parameters->engine->context, "a plan", sizeof *builder);
    builder->parameters = parameters;
    builder->rows = rows;
    builder->request = request;
    LAM_TRY_GOTO(status, lam_plan_create(parameters->engine, &builder->plan));
    status = build_plan(builder);
    if (status == LAM_STATUS_OK)
        *ret_plan = builder->plan;
    else
        lam_plan_destroy(&builder->plan);
fail:
    free(builder);
    return status;
}

/* ---- kinds of plan ---- */

static const plan_request training_request = {
    .has_loss = true, .backward = true, .uses_batch = true, .drops = true};
static const plan_request evaluation_request = {.has_loss = true, .has_statistics = true};

static const plan_request statistics_request = {.uses_batch = true, .has_statistics = true};

lam_status lam_step_plan_create_training(lam_parameters *parameters, const lam_plan_rows *rows,
                                         const lam_plan_update *update, lam_plan **ret_plan)
{
    plan_request request = training_request;
    request.has_statistics = true;
    request.l2 = update->l2;
    request.update = update;
    return create_plan(parameters, rows, &request, ret_plan);
}

lam_status lam_step_plan_create_evaluation(lam_parameters *parameters,
                                           const lam_plan_rows *rows, lam_plan **ret_plan)
{
    return create_plan(parameters, rows, &evaluation_request, ret_plan);
}

lam_status lam_step_plan_create_gradient(lam_parameters *parameters, const lam_plan_rows *rows,
                                         const lam_buffer *l2, lam_parameters *gradients,
                                         lam_plan **ret_plan)
{
    plan_request request = training_request;
    request.l2 = l2;
    request.gradients = gradients;
    return create_plan(parameters, rows, &request, ret_plan);
}

lam_status lam_step_plan_create_loss(lam_parameters *parameters, const lam_plan_rows *rows,
                                     lam_plan **ret_plan)
{
    plan_request request = training_request;
    request.backward = false;
    return create_plan(parameters, rows, &request, ret_plan);
}

lam_status lam_step_plan_create_statistics(lam_parameters *parameters,
                                           const lam_plan_rows *rows, lam_plan **ret_plan)
{
    return create_plan(parameters, rows, &statistics_request, ret_plan);
}

static void add_input_need(const lam_engine *engine, const lam_scratch_shape *shape,
                           bool augments, lam_memory_need *need)
{
    double real_bytes = (double)lam_engine_get_real_bytes(engine);
    const lam_graph_unit *first = &shape->graph->units[0];
    if (augments)
        lam_memory_need_add(need, (double)shape->rows * LAM_AUGMENT_INPUTS * real_bytes,
                            "augmented rows");
    else if (lam_matmul_wants_panels(engine, shape->rows, shape->members, first->out))
        lam_memory_need_add(
            need, (double)lam_gather_count_panel_reals(shape->rows, first->in) * real_bytes,
            "gathered rows");
}

static void add_need(const lam_engine *engine, const lam_scratch_shape *shape,
                     const lam_plan_features *features, lam_memory_need *need)
{
    double real_bytes = (double)lam_engine_get_real_bytes(engine);
    lam_scratch_add_need(engine, shape, need);
    add_input_need(engine, shape, features->augments, need);
    for (int u = 0; u < shape->graph->unit_count && features->clips; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
            lam_memory_need_add(
                need,
                (double)lam_graph_get_tensor_rows(&shape->graph->units[u], (lam_tensor)t) *
                    (double)(shape->members * shape->graph->units[u].out) * real_bytes,
                "gradients of parameters");
}

void lam_step_plan_add_training_need(const lam_engine *engine, const lam_graph *graph,
                                     size_t members, size_t rows,
                                     const lam_plan_features *features, lam_memory_need *need)
{
    const lam_scratch_shape shape =
        describe_scratch(engine, graph, members, rows, &training_request);
    add_need(engine, &shape, features, need);
}

void lam_step_plan_add_statistics_need(const lam_engine *engine, const lam_graph *graph,
                                       size_t members, size_t rows,
                                       const lam_plan_features *features, lam_memory_need *need)
{
    const lam_scratch_shape shape =
        describe_scratch(engine, graph, members, rows, &statistics_request);
    add_need(engine, &shape, features, need);
}

void lam_step_plan_add_evaluation_need(const lam_engine *engine, const lam_graph *graph,
                                       size_t members, size_t rows, lam_memory_need *need)
{
    const lam_scratch_shape shape =
        describe_scratch(engine, graph, members, rows, &evaluation_request);
    lam_scratch_add_need(engine, &shape, need);
    add_input_need(engine, &shape, false, need);
}
