/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/device_fixture.h"
#include "support/small_problem.h"
#include "support/suite.h"
#include "train/step_scalars.h"

/* Optimizers in whole training steps: what they remember, and clipping. */

enum { MEMBERS = 3, OPTIMIZER_COUNT = LAM_OPTIMIZER_ADAMW + 1 };

/* With and without layers in one launch, as gemm says. */
static const lam_graph graph = {
    .unit_count = 3,
    .units = {{.in = SMALL_INPUTS, .out = 50, .activation = LAM_ACTIVATION_RELU},
              {.in = 50, .out = 17, .activation = LAM_ACTIVATION_SIGMOID},
              {.in = 17, .out = SMALL_CLASSES}}};

static const lam_gemm variants[] = {LAM_GEMM_AUTO, LAM_GEMM_REGISTERS, LAM_GEMM_TILES};
enum {
    VARIANT_COUNT = sizeof variants / sizeof variants[0],
    LARGEST_TENSOR = SMALL_INPUTS * 50
};

/* Kept to the end as the device is. */
static lam_engine *get_engine(int variant)
{
    static lam_engine *engines[VARIANT_COUNT];
    if (!engines[variant])
        engines[variant] = test_engine(LAM_REAL_TYPE_F32, variants[variant]);
    return engines[variant];
}

/* ---- the state by itself ---- */

static lam_optimizer_state *make_state(lam_optimizer_type type)
{
    lam_optimizer_state *state = NULL;
    ck_assert_ok(lam_optimizer_state_create(get_engine(0), &graph, MEMBERS, type, &state));
    return state;
}

static void expect_state(const lam_optimizer_state *state, int unit, size_t member,
                         const double *expected)
{
    double values[LAM_MAX_OPTIMIZER_STATES * LARGEST_TENSOR];
    size_t count = state->count * graph.units[unit].in * graph.units[unit].out;
    ck_assert_ok(lam_optimizer_state_read(state, unit, LAM_TENSOR_WEIGHT, member, values));
    for (size_t i = 0; i < count; i++)
        ck_assert_double_eq(values[i], expected ? expected[i] : 0);
}

/* Element [state, in, member, out] of the buffer; the other members keep theirs. */
START_TEST(written_states_are_read_back_in_the_documented_layout)
{
    lam_optimizer_state *state = make_state(LAM_OPTIMIZER_ADAM);
    size_t in = graph.units[2].in, out = graph.units[2].out, count = in * out;
    double *first = test_uniform(2 * count, 1), *second = test_uniform(2 * count, 2), element;
    ck_assert_uint_eq(state->count, 2);
    expect_state(state, 2, 1, NULL);
    ck_assert_ok(lam_optimizer_state_write(state, 2, LAM_TENSOR_WEIGHT, 0, first));
    ck_assert_ok(lam_optimizer_state_write(state, 2, LAM_TENSOR_WEIGHT, 1, second));
    expect_state(state, 2, 0, first);
    expect_state(state, 2, 1, second);
    expect_state(state, 2, 2, NULL);
    size_t place = ((in + 3) * MEMBERS + 1) * out + 4;
    ck_assert_ok(lam_engine_read_reals(state->engine, state->tensors[2][LAM_TENSOR_WEIGHT],
                                       place, &element, 1));
    ck_assert_double_eq(element, second[count + 3 * out + 4]);
    ck_assert_ok(lam_optimizer_state_reset(state));
    expect_state(state, 2, 0, NULL);
    expect_state(state, 2, 1, NULL);
    free(first);
    free(second);
    lam_optimizer_state_destroy(&state);
}
END_TEST

START_TEST(need_is_what_is_allocated)
{
    static const size_t states[OPTIMIZER_COUNT] = {0, 1, 1, 2, 2};
    lam_optimizer_type type = (lam_optimizer_type)_i;
    lam_optimizer_state *state = make_state(type);
    lam_memory_need need = {0};
    double bytes = 0;
    lam_optimizer_state_add_need(state->engine, &graph, MEMBERS, type, &need);
    ck_assert_uint_eq(state->count, states[_i]);
    for (int u = 0; u < graph.unit_count; u++)
        for (int t = 0; t < LAM_TRAINED_TENSOR_COUNT; t++)
            if (state->tensors[u][t])
                bytes += (double)lam_buffer_get_size(state->tensors[u][t]) +
                         LAM_BUFFER_PADDING_BYTES;
    ck_assert_double_eq(need.total_bytes, bytes);
    ck_assert_int_eq(bytes > 0, states[_i] > 0);
    lam_optimizer_state_destroy(&state);
}
END_TEST

/* ---- training ---- */

typedef struct task {
    int variant;
    lam_optimizer_type type;
    size_t first, members; /* of MEMBERS that differ in their numbers */
    double clip_norm;      /* 0: none */
    int steps;
} task;

typedef struct trained {
    double w[3][LARGEST_TENSOR], b[3][50];
} trained;

static double get_rate(const task *t, size_t member, int step)
{
    double scale = t->type < LAM_OPTIMIZER_ADAM ? 0.1 : 0.01;
    return scale * (double)(member + 1) / (double)(step + 1);
}

static lam_buffer *make_table(const task *t)
{
    double table[SMALL_STEPS * LAM_STEP_SCALAR_COUNT * MEMBERS];
    for (int step = 0; step < SMALL_STEPS; step++)
        for (size_t p = 0; p < t->members; p++) {
            double member = (double)(t->first + p);
            const lam_optimizer optimizer = {.type = t->type,
                                             .momentum = 0.9 - 0.1 * member,
                                             .beta1 = 0.9 - 0.1 * member,
                                             .beta2 = 0.99 - 0.1 * member,
                                             .epsilon = 1e-4,
                                             .weight_decay = 0.1 * member};
            lam_step_scalars_fill(table + (size_t)step * LAM_STEP_SCALAR_COUNT * t->members, p,
                                  t->members, &optimizer, get_rate(t, t->first + p, step),
                                  step);
        }
    return test_upload(get_engine(t->variant), table,
                       SMALL_STEPS * LAM_STEP_SCALAR_COUNT * t->members);
}

static lam_buffer *make_constants(const task *t, double start, double step)
{
    double values[MEMBERS];
    for (size_t p = 0; p < t->members; p++)
        values[p] = start + step * (double)(t->first + p);
    return test_upload(get_engine(t->variant), values, t->members);
}

static void read_member(const small_problem *problem, size_t member, trained *result)
{
    memset(result, 0, sizeof *result);
    for (int u = 0; u < graph.unit_count; u++)
        small_unit_read(problem->parameters, u, member, result->w[u], result->b[u]);
}

static void train(const task *t, trained *results)
{
    lam_engine *engine = get_engine(t->variant);
    lam_plan *plan = NULL;
    lam_optimizer_state *state = NULL;
    small_problem problem = small_problem_make(engine, &graph, t->members);
    ck_assert_ok(lam_parameters_initialize(problem.parameters, LAM_ALL_MEMBERS, 5));
    ck_assert_ok(lam_optimizer_state_create(engine, &graph, t->members, t->type, &state));
    lam_buffer *l2 = make_constants(t, 0, 0.01), *table = make_table(t);
    lam_buffer *clip_norm = t->clip_norm > 0 ? make_constants(t, t->clip_norm, 0) : NULL;
    const lam_plan_update update = {
        .l2 = l2, .table = table, .state = state, .clip_norm = clip_norm};
    ck_assert_ok(
        lam_step_plan_create_training(problem.parameters, &problem.rows, &update, &plan));
    small_problem_run(&problem, plan, t->steps);
    for (size_t p = 0; p < t->members; p++)
        read_member(&problem, p, &results[p]);
    lam_plan_destroy(&plan);
    lam_optimizer_state_destroy(&state);
    lam_buffer_destroy(&l2);
    lam_buffer_destroy(&table);
    lam_buffer_destroy(&clip_norm);
    small_problem_free(&problem);
}

static task describe_task(int index)
{
    return (task){.variant = index % VARIANT_COUNT,
                  .type = (lam_optimizer_type)(index / VARIANT_COUNT),
                  .members = MEMBERS,
                  .steps = SMALL_STEPS};
}

/* index = optimizer * variants + variant; clipped in every other one */
START_TEST(member_trains_to_the_same_bits_alone_and_in_a_crowd)
{
    static trained crowd[MEMBERS], alone;
    task t = describe_task(_i);
    t.clip_norm = _i % 2 ? 0.5 : 0;
    train(&t, crowd);
    t.members = 1;
    for (t.first = 0; t.first < MEMBERS; t.first++) {
        train(&t, &alone);
        ck_assert_mem_eq(&alone, &crowd[t.first], sizeof alone);
    }
    ck_assert_mem_ne(&crowd[0], &crowd[1], sizeof alone);
}
END_TEST

/* Stored gradients, and what updates from them, are those of the fused kernels. */
START_TEST(bound_above_every_norm_changes_no_bit)
{
    static trained fused[MEMBERS], clipped[MEMBERS];
    task t = describe_task(_i);
    train(&t, fused);
    t.clip_norm = 1e9;
    train(&t, clipped);
    ck_assert_mem_eq(fused, clipped, sizeof fused);
}
END_TEST

static double get_distance(const trained *a, const trained *b)
{
    const double *x = a->w[0], *y = b->w[0];
    double squares = 0;
    for (size_t i = 0; i < sizeof *a / sizeof *x; i++)
        squares += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(squares);
}

/* A step of plain descent is as long as rate times the gradient's norm. */
START_TEST(clipped_step_is_as_long_as_the_bound)
{
    enum { NONE, CLIPPED, FREE };
    static trained results[3][MEMBERS];
    const double clip_norm = 0.05;
    task t = describe_task(_i);
    train(&(task){.variant = _i, .members = MEMBERS}, results[NONE]);
    t.steps = 1;
    train(&t, results[FREE]);
    t.clip_norm = clip_norm;
    train(&t, results[CLIPPED]);
    for (size_t p = 0; p < MEMBERS; p++) {
        double rate = get_rate(&t, p, 0);
        ck_assert_double_gt(get_distance(&results[FREE][p], &results[NONE][p]),
                            2 * rate * clip_norm);
        ck_assert_double_eq_tol(get_distance(&results[CLIPPED][p], &results[NONE][p]),
                                rate * clip_norm, 1e-4 * rate * clip_norm);
    }
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 120);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "layout", written_states_are_read_back_in_the_documented_layout, 60);
    add_loop(suite, "need", need_is_what_is_allocated, OPTIMIZER_COUNT);
    add_loop(suite, "population", member_trains_to_the_same_bits_alone_and_in_a_crowd,
             OPTIMIZER_COUNT * VARIANT_COUNT);
    add_loop(suite, "wide bound", bound_above_every_norm_changes_no_bit,
             OPTIMIZER_COUNT * VARIANT_COUNT);
    add_loop(suite, "bound", clipped_step_is_as_long_as_the_bound, VARIANT_COUNT);
}

LAM_SUITE_MAIN("optimizer", add_tests)
