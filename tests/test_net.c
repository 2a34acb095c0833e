/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "op/loss.h"
#include "support/device_fixture.h"
#include "support/ref_dense.h"
#include "support/ref_loss.h"
#include "support/ref_update.h"
#include "support/small_problem.h"
#include "support/suite.h"

#define NONE LAM_ACTIVATION_NONE
#define RELU LAM_ACTIVATION_RELU
#define SIGMOID LAM_ACTIVATION_SIGMOID

enum { LARGEST_TENSOR = SMALL_INPUTS * 50 };

static const lam_graph graphs[] = {
    {.unit_count = 1, .units = {{.in = 48, .out = 10}}},
    {.unit_count = 2,
     .units = {{.in = 48, .out = 50, .activation = RELU}, {.in = 50, .out = 10}}},
    {.unit_count = 2,
     .units = {{.in = 48, .out = 50, .activation = SIGMOID}, {.in = 50, .out = 10}}},
    {.unit_count = 3,
     .units = {{.in = 48, .out = 33, .activation = RELU},
               {.in = 33, .out = 17, .activation = SIGMOID},
               {.in = 17, .out = 10}}},
    {.unit_count = 4,
     .units = {{.in = 48, .out = 5},
               {.in = 5, .out = 1, .activation = SIGMOID},
               {.in = 1, .out = 16, .activation = RELU},
               {.in = 16, .out = 10}}},
    {.unit_count = 2,
     .units = {{.in = 48, .out = 17, .activation = RELU}, {.in = 17, .out = 10}}},
};
enum { GRAPH_COUNT = sizeof graphs / sizeof graphs[0] };

static const lam_gemm variants[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};

static size_t count_weights(const lam_graph_unit *unit)
{
    return unit->in * unit->out;
}

/* One engine for each variant and precision, so that each program is built once; kept to the
 * end as the device is. */
static lam_engine *engines[3][2];

static lam_engine *get_engine(int variant, lam_real_type real)
{
    lam_engine **engine = &engines[variant][real == LAM_REAL_TYPE_F64];
    if (!*engine)
        *engine = test_engine(real, variants[variant]);
    return *engine;
}

static bool has_doubles(void)
{
    return lam_device_get_info(test_device())->has_fp64;
}

/* ---- parameters ---- */

static lam_parameters *make_parameters(lam_engine *engine, lam_initialization initialization,
                                       size_t members, uint64_t seed)
{
    lam_parameters *parameters = NULL;
    lam_graph graph = graphs[1];
    for (int u = 0; u < graph.unit_count; u++)
        graph.units[u].initialization = initialization;
    ck_assert_ok(lam_parameters_create(engine, &graph, members, &parameters));
    ck_assert_ok(lam_parameters_initialize(parameters, LAM_ALL_MEMBERS, seed));
    return parameters;
}

static double expected_sigma(lam_initialization initialization, double in, double out)
{
    switch (initialization.type) {
    case LAM_INITIALIZATION_HE:
        return sqrt(2 / in);
    case LAM_INITIALIZATION_FAN_IN:
        return sqrt(1 / in);
    case LAM_INITIALIZATION_GLOROT:
        return sqrt(2 / (in + out));
    case LAM_INITIALIZATION_CONSTANT:
        break;
    }
    return initialization.sigma;
}

/* Mean 0, variance 1 and fourth moment 3 of w / sigma, each within five standard errors. */
static void check_moments(const double *w, size_t count, double sigma)
{
    double n = (double)count, sum = 0, squares = 0, fourth = 0;
    for (size_t i = 0; i < count; i++) {
        double z = w[i] / sigma;
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    ck_assert_double_lt(fabs(sum / n), 5 * sqrt(1 / n));
    ck_assert_double_lt(fabs(squares / n - 1), 5 * sqrt(2 / n));
    ck_assert_double_lt(fabs(fourth / n - 3), 5 * sqrt(96 / n));
}

static const lam_initialization initializations[] = {{LAM_INITIALIZATION_HE, 0},
                                                     {LAM_INITIALIZATION_FAN_IN, 0},
                                                     {LAM_INITIALIZATION_GLOROT, 0},
                                                     {LAM_INITIALIZATION_CONSTANT, 0.01},
                                                     {LAM_INITIALIZATION_CONSTANT, 3}};

START_TEST(weights_start_with_the_moments_of_their_type)
{
    static const lam_graph_unit shape = {.in = 300, .out = 100};
    static double w[300 * 100], b[100];
    lam_engine *engine = get_engine(0, LAM_REAL_TYPE_F32);
    lam_parameters *parameters = NULL;
    lam_graph graph = {.unit_count = 1, .units = {shape}};
    graph.units[0].initialization = initializations[_i];
    ck_assert_ok(lam_parameters_create(engine, &graph, 1, &parameters));
    for (uint64_t seed = 1; seed <= 3; seed++) {
        memset(b, 0x5a, sizeof b);
        ck_assert_ok(lam_parameters_initialize(parameters, LAM_ALL_MEMBERS, seed));
        small_unit_read(parameters, 0, 0, w, b);
        check_moments(w, count_weights(&shape), expected_sigma(initializations[_i], 300, 100));
        for (size_t j = 0; j < shape.out; j++)
            ck_assert_double_eq(b[j], 0);
    }
    lam_parameters_destroy(&parameters);
    ck_assert_ptr_null(parameters);
    lam_parameters_destroy(&parameters);
}
END_TEST

START_TEST(parameters_are_zero_when_made)
{
    double w[LARGEST_TENSOR], b[50];
    lam_engine *engine = get_engine(0, LAM_REAL_TYPE_F32);
    lam_parameters *parameters = NULL;
    ck_assert_ok(lam_parameters_create(engine, &graphs[1], 3, &parameters));
    for (size_t member = 0; member < 3; member++) {
        small_unit_read(parameters, 0, member, w, b);
        for (size_t i = 0; i < count_weights(&graphs[1].units[0]); i++)
            ck_assert_double_eq(w[i], 0);
        for (size_t j = 0; j < graphs[1].units[0].out; j++)
            ck_assert_double_eq(b[j], 0);
    }
    lam_parameters_destroy(&parameters);
}
END_TEST

static int compare_initial(const lam_parameters *a, size_t a_member, const lam_parameters *b,
                           size_t b_member, int unit)
{
    static double a_w[LARGEST_TENSOR], b_w[LARGEST_TENSOR], bias[50];
    small_unit_read(a, unit, a_member, a_w, bias);
    small_unit_read(b, unit, b_member, b_w, bias);
    return memcmp(a_w, b_w, count_weights(&a->graph.units[unit]) * sizeof *a_w);
}

START_TEST(initial_weights_depend_on_seed_and_unit_alone)
{
    const lam_initialization constant = {LAM_INITIALIZATION_CONSTANT, 1};
    double w[2][LARGEST_TENSOR], b[50];
    lam_parameters *one = make_parameters(get_engine(0, LAM_REAL_TYPE_F32), constant, 1, 7);
    lam_parameters *three = make_parameters(get_engine(1, LAM_REAL_TYPE_F32), constant, 3, 7);
    lam_parameters *other = make_parameters(get_engine(0, LAM_REAL_TYPE_F32), constant, 1, 8);
    lam_parameters *far =
        make_parameters(get_engine(0, LAM_REAL_TYPE_F32), constant, 1, 7 + ((uint64_t)1 << 40));
    for (int u = 0; u < 2; u++) {
        for (size_t member = 0; member < 3; member++)
            ck_assert_int_eq(compare_initial(one, 0, three, member, u), 0);
        ck_assert_int_ne(compare_initial(one, 0, other, 0, u), 0);
        ck_assert_int_ne(compare_initial(one, 0, far, 0, u), 0);
        small_unit_read(one, u, 0, w[u], b);
    }
    /* No unit continues or repeats another's numbers. */
    for (size_t i = 0; i + 1 < count_weights(&graphs[1].units[1]); i++)
        ck_assert(w[0][i] != w[1][i] && w[0][i] != w[0][i + 1]);
    ck_assert_ok(lam_parameters_initialize(other, LAM_ALL_MEMBERS, 7));
    for (int u = 0; u < 2; u++)
        ck_assert_int_eq(compare_initial(one, 0, other, 0, u), 0);
    lam_parameters_destroy(&one);
    lam_parameters_destroy(&three);
    lam_parameters_destroy(&other);
    lam_parameters_destroy(&far);
}
END_TEST

/* Drawn in double: single precision starts from the same numbers, rounded. */
START_TEST(initial_weights_of_float_are_those_of_double_rounded)
{
    static double single[LARGEST_TENSOR], whole[LARGEST_TENSOR], b[50];
    if (!has_doubles())
        return;
    size_t different = 0;
    lam_parameters *floats =
        make_parameters(get_engine(0, LAM_REAL_TYPE_F32), initializations[0], 2, 7);
    lam_parameters *doubles =
        make_parameters(get_engine(0, LAM_REAL_TYPE_F64), initializations[0], 2, 7);
    for (int u = 0; u < 2; u++) {
        small_unit_read(floats, u, 1, single, b);
        small_unit_read(doubles, u, 1, whole, b);
        for (size_t i = 0; i < count_weights(&graphs[1].units[u]); i++) {
            ck_assert_double_eq(single[i], (double)(float)whole[i]);
            different += single[i] != whole[i];
        }
    }
    ck_assert_uint_gt(different, 100);
    lam_parameters_destroy(&floats);
    lam_parameters_destroy(&doubles);
}
END_TEST

/* Also the layout: member p of w[in, members*out] has columns p*out .. */
START_TEST(written_parameters_are_read_back_in_the_documented_layout)
{
    enum { MEMBERS = 3, IN = 50, OUT = 10 };
    double w[IN * OUT], b[OUT], all[IN * MEMBERS * OUT];
    double *new_w = test_uniform(IN * OUT, 1), *new_b = test_uniform(OUT, 2);
    lam_engine *engine = get_engine(0, LAM_REAL_TYPE_F32);
    lam_parameters *parameters = make_parameters(engine, initializations[0], MEMBERS, 7);
    ck_assert_ok(
        lam_parameters_write(parameters, 1, LAM_TENSOR_WEIGHT, LAM_ALL_MEMBERS, new_w));
    ck_assert_ok(lam_parameters_write(parameters, 1, LAM_TENSOR_BIAS, LAM_ALL_MEMBERS, new_b));
    for (size_t p = 0; p < MEMBERS; p++) {
        small_unit_read(parameters, 1, p, w, b);
        ck_assert_mem_eq(w, new_w, sizeof w);
        ck_assert_mem_eq(b, new_b, sizeof b);
    }
    for (size_t i = 0; i < IN * MEMBERS * OUT; i++)
        all[i] = (double)i;
    ck_assert_ok(lam_engine_write_reals(engine, parameters->tensors[1][LAM_TENSOR_WEIGHT], 0,
                                        all, IN * MEMBERS * OUT));
    ck_assert_ok(lam_engine_write_reals(engine, parameters->tensors[1][LAM_TENSOR_BIAS], 0, all,
                                        MEMBERS * OUT));
    for (size_t p = 0; p < MEMBERS; p++) {
        small_unit_read(parameters, 1, p, w, b);
        for (size_t i = 0; i < IN * OUT; i++)
            ck_assert_double_eq(w[i], (double)((i / OUT * MEMBERS + p) * OUT + i % OUT));
        for (size_t j = 0; j < OUT; j++)
            ck_assert_double_eq(b[j], (double)(p * OUT + j));
    }
    lam_parameters_destroy(&parameters);
    free(new_w);
    free(new_b);
}
END_TEST

/* ---- training: a member alone and in a crowd ---- */

static const double member_l2[SMALL_MEMBERS] = {0, 0.01, 0.3, 0.02, 0.5, 1e-5, 0.1, 0.2};
static const double member_rate[SMALL_MEMBERS] = {0.5, 0.1, 0.25, 1e-3, 0.7, 0.3, 0.05, 0.9};

typedef struct trained {
    double w[LAM_MAX_LAYERS][LARGEST_TENSOR], b[LAM_MAX_LAYERS][50];
    double loss[SMALL_STEPS * SMALL_BLOCKS];
    int32_t hits[SMALL_STEPS * SMALL_BLOCKS];
} trained;

static void read_trained(const small_problem *problem, size_t member, trained *result)
{
    size_t members = problem->parameters->members;
    double loss[SMALL_STEPS * SMALL_BLOCKS * SMALL_MEMBERS];
    int32_t hits[SMALL_STEPS * SMALL_BLOCKS * SMALL_MEMBERS];
    size_t count = SMALL_STEPS * SMALL_BLOCKS * members;
    memset(result, 0, sizeof *result);
    for (int u = 0; u < problem->parameters->graph.unit_count; u++)
        small_unit_read(problem->parameters, u, member, result->w[u], result->b[u]);
    ck_assert_ok(lam_engine_read_reals(problem->engine, problem->loss_sum, 0, loss, count));
    ck_assert_ok(lam_buffer_read(problem->hit_count, 0, hits, count * sizeof *hits));
    for (size_t i = 0; i < SMALL_STEPS * SMALL_BLOCKS; i++) {
        result->loss[i] = loss[i * members + member];
        result->hits[i] = hits[i * members + member];
    }
}

/* Trains `members` members from member `first` of the tables on; results[members]. */
static void train(lam_engine *engine, const lam_graph *graph, size_t first, size_t members,
                  trained *results)
{
    double rates[SMALL_STEPS * SMALL_MEMBERS];
    lam_plan *plan = NULL;
    small_problem problem = small_problem_make(engine, graph, members);
    ck_assert_ok(lam_parameters_initialize(problem.parameters, LAM_ALL_MEMBERS, 5));
    for (size_t i = 0; i < SMALL_STEPS * members; i++)
        rates[i] = member_rate[first + i % members] / (double)(1 + i / members);
    size_t scalars = SMALL_STEPS * LAM_STEP_SCALAR_COUNT * members;
    double *table = ref_make_table(rates, SMALL_STEPS, members);
    lam_buffer *table_buffer = NULL;
    ck_assert_ok(lam_engine_create_reals(engine, scalars, "a test", &table_buffer));
    lam_buffer *l2 = test_upload(problem.engine, member_l2 + first, members);
    const lam_plan_update update = {.l2 = l2, .table = table_buffer};
    ck_assert_ok(
        lam_step_plan_create_training(problem.parameters, &problem.rows, &update, &plan));
    ck_assert_ok(lam_plan_warm_up(plan)); /* with a table of zeros */
    ck_assert_ok(lam_engine_write_reals(engine, table_buffer, 0, table, scalars));
    free(table);
    small_problem_run(&problem, plan, SMALL_STEPS);
    for (size_t p = 0; p < members; p++)
        read_trained(&problem, p, &results[p]);
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&table_buffer);
    lam_buffer_destroy(&l2);
    small_problem_free(&problem);
}

static void expect_same_bits(const trained *alone, const trained *crowd, size_t member)
{
    ck_assert_msg(memcmp(alone->loss, crowd->loss, sizeof alone->loss) == 0,
                  "losses of member %zu differ between alone and in a crowd", member);
    ck_assert_mem_eq(alone->hits, crowd->hits, sizeof alone->hits);
    for (int u = 0; u < LAM_MAX_LAYERS; u++) {
        ck_assert_msg(memcmp(alone->w[u], crowd->w[u], sizeof alone->w[u]) == 0,
                      "layer%d.weight of member %zu differs between alone and in a crowd",
                      u + 1, member);
        ck_assert_msg(memcmp(alone->b[u], crowd->b[u], sizeof alone->b[u]) == 0,
                      "layer%d.bias of member %zu differs between alone and in a crowd", u + 1,
                      member);
    }
}

/* So that equal bits mean something: training moved every tensor, and not all alike. */
static void expect_training(const trained *results, size_t members, const lam_graph *graph)
{
    for (size_t p = 1; p < members; p++)
        for (int u = 0; u < graph->unit_count; u++) {
            ck_assert(memcmp(results[p].w[u], results[0].w[u], sizeof results[p].w[u]) != 0);
            ck_assert(memcmp(results[p].b[u], results[0].b[u], sizeof results[p].b[u]) != 0);
        }
    for (int i = 0; i < SMALL_STEPS * SMALL_BLOCKS; i++)
        ck_assert(isfinite(results[0].loss[i]) && results[0].loss[i] > 0);
}

static void check_population(lam_engine *engine, const lam_graph *graph, size_t members)
{
    static trained crowd[SMALL_MEMBERS], alone;
    train(engine, graph, 0, members, crowd);
    expect_training(crowd, members, graph);
    for (size_t p = 0; p < members; p++) {
        train(engine, graph, p, 1, &alone);
        expect_same_bits(&alone, &crowd[p], p);
    }
}

/* The first layer of a crowd is one wide product: some here are 34, 35, 50 and 400 columns
 * wide, whose width may suit other tiles than a member's own. */
typedef struct crowd_case {
    int graph;
    size_t members;
} crowd_case;

static const crowd_case crowds[] = {{1, 3}, {3, 3}, {5, 2}, {4, 7}, {0, 5}, {1, 8}};
enum { CROWD_COUNT = sizeof crowds / sizeof crowds[0] };

/* The core promise; index = crowd * 2 + variant. */
START_TEST(member_trains_to_the_same_bits_alone_and_in_a_crowd)
{
    const crowd_case *c = &crowds[_i / 2];
    check_population(get_engine(_i % 2, LAM_REAL_TYPE_F32), &graphs[c->graph], c->members);
}
END_TEST

START_TEST(member_trains_to_the_same_bits_in_double)
{
    if (has_doubles())
        check_population(get_engine(_i, LAM_REAL_TYPE_F64), &graphs[2], 3);
}
END_TEST

/* ---- long launches ---- */

START_TEST(launches_in_slices_give_the_same_bits)
{
    enum { MEMBERS = 3 };
    static trained whole[MEMBERS], sliced[MEMBERS];
    lam_engine *engine = get_engine(_i, LAM_REAL_TYPE_F32);
    uint64_t usual = engine->longest_launch_ns;
    uint64_t launches = lam_device_get_counts(test_device()).launches;
    train(engine, &graphs[3], 0, MEMBERS, whole);
    launches = lam_device_get_counts(test_device()).launches - launches;
    engine->longest_launch_ns = 1; /* as many slices as there are rows of work-groups */
    uint64_t start = lam_device_get_counts(test_device()).launches;
    train(engine, &graphs[3], 0, MEMBERS, sliced);
    engine->longest_launch_ns = usual;
    ck_assert_uint_gt(lam_device_get_counts(test_device()).launches - start, launches * 3 / 2);
    for (size_t p = 0; p < MEMBERS; p++)
        ck_assert_mem_eq(&whole[p], &sliced[p], sizeof whole[p]);
    expect_training(sliced, MEMBERS, &graphs[3]);
}
END_TEST

/* ---- evaluation against the double-precision reference ---- */

enum { EVALUATED_MEMBERS = 2 };

/* The logits of a step, [SMALL_BATCH, SMALL_CLASSES], kept until the next call. */
static const double *compute_logits(const small_problem *problem, size_t member, size_t step)
{
    static double values[2][SMALL_BATCH * 50], magnitude[SMALL_BATCH * 50];
    static double w[LARGEST_TENSOR], b[50];
    const lam_graph *graph = &problem->parameters->graph;
    const double *x = small_rows_get()->x + step * SMALL_BATCH * SMALL_INPUTS;
    for (int u = 0; u < graph->unit_count; u++) {
        const lam_graph_unit *unit = &graph->units[u];
        small_unit_read(problem->parameters, u, member, w, b);
        const ref_dense dense = {SMALL_BATCH, unit->in, unit->out, 1, true, x, w, b};
        ref_dense_forward(&dense, unit->activation, values[u % 2], magnitude);
        x = values[u % 2];
    }
    return x;
}

/* Loss and hits of the order's places below `limit` in block `block` of step `step`. */
static void compute_block(const small_problem *problem, size_t member, size_t step,
                          size_t block, double *ret_loss, int64_t *ret_hits)
{
    const small_rows *rows = small_rows_get();
    const lam_graph *graph = &problem->parameters->graph;
    size_t start = step * SMALL_BATCH, first = block * LAM_LOSS_BLOCK_ROWS,
           end = block ? SMALL_BATCH : LAM_LOSS_BLOCK_ROWS;
    const double *x = compute_logits(problem, member, step);
    size_t limit = problem->rows.limit;
    const ref_loss loss = {.loss = graph->loss,
                           .rows = end - first,
                           .classes = SMALL_CLASSES,
                           .members = 1,
                           .counted = limit > start + first ? limit - start - first : 0,
                           .logits = x + first * SMALL_CLASSES,
                           .labels = rows->labels,
                           .order = rows->order + start + first,
                           .smoothing = &graph->label_smoothing};
    ref_loss_sum(&loss, 0, ret_loss, ret_hits);
}

/* Weights of its own for each member. */
static void write_random_weights(const small_problem *problem)
{
    const lam_graph *graph = &problem->parameters->graph;
    for (int u = 0; u < graph->unit_count; u++) {
        size_t width = EVALUATED_MEMBERS * graph->units[u].out,
               count = graph->units[u].in * width;
        double *w = test_uniform(count, 2 * (uint32_t)u + 1);
        double *b = test_uniform(width, 2 * (uint32_t)u + 2);
        ck_assert_ok(lam_engine_write_reals(
            problem->engine, problem->parameters->tensors[u][LAM_TENSOR_WEIGHT], 0, w, count));
        ck_assert_ok(lam_engine_write_reals(
            problem->engine, problem->parameters->tensors[u][LAM_TENSOR_BIAS], 0, b, width));
        free(w);
        free(b);
    }
}

static int64_t check_sums(const small_problem *problem)
{
    static trained computed;
    int64_t all_hits = 0;
    for (size_t p = 0; p < EVALUATED_MEMBERS; p++) {
        read_trained(problem, p, &computed);
        for (size_t i = 0; i < SMALL_STEPS * SMALL_BLOCKS; i++) {
            double loss = 0;
            int64_t hits = 0;
            compute_block(problem, p, i / SMALL_BLOCKS, i % SMALL_BLOCKS, &loss, &hits);
            ck_assert_msg(fabs(computed.loss[i] - loss) <= 1e-4 * loss,
                          "limit %zu: loss %zu of member %zu is %.9g, not %.9g",
                          problem->rows.limit, i, p, computed.loss[i], loss);
            ck_assert_int_eq(computed.hits[i], hits);
            all_hits += hits;
        }
    }
    return all_hits;
}

/* Limits in the middle of a partial sum, at its edges, and of none and all rows. Each graph and
 * each variant meets every loss. */
START_TEST(evaluation_counts_rows_below_the_limit_only)
{
    static const size_t limits[] = {0, 1, 19, 20, 21, 37, 38, 100, 184, 185};
    lam_graph graph = graphs[_i / 3];
    graph.loss = (lam_loss)((_i / 3 + _i % 3) % 3);
    graph.label_smoothing = 0.2 * (_i / 3 % 2);
    small_problem problem =
        small_problem_make(get_engine(_i % 3, LAM_REAL_TYPE_F32), &graph, EVALUATED_MEMBERS);
    write_random_weights(&problem);
    int64_t hits = 0;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        lam_plan *plan = NULL;
        problem.rows.limit = limits[i];
        ck_assert_ok(lam_step_plan_create_evaluation(problem.parameters, &problem.rows, &plan));
        small_problem_run(&problem, plan, SMALL_STEPS);
        hits = check_sums(&problem);
        lam_plan_destroy(&plan);
    }
    ck_assert_int_gt(hits, 5);
    small_problem_free(&problem);
}
END_TEST

static void check_logits(const small_problem *problem, size_t step)
{
    static double computed[SMALL_BATCH * EVALUATED_MEMBERS * SMALL_CLASSES];
    ck_assert_ok(lam_engine_read_reals(problem->engine, problem->rows.logits, 0, computed,
                                       SMALL_BATCH * EVALUATED_MEMBERS * SMALL_CLASSES));
    for (size_t p = 0; p < EVALUATED_MEMBERS; p++) {
        const double *expected = compute_logits(problem, p, step);
        for (size_t i = 0; i < SMALL_BATCH * SMALL_CLASSES; i++) {
            size_t row = i / SMALL_CLASSES, c = i % SMALL_CLASSES;
            double logit = computed[(row * EVALUATED_MEMBERS + p) * SMALL_CLASSES + c];
            ck_assert_msg(fabs(logit - expected[i]) <= 1e-4 * (1 + fabs(expected[i])),
                          "step %zu, member %zu, row %zu: logit %zu is %.9g, not %.9g", step, p,
                          row, c, logit, expected[i]);
        }
    }
}

/* Whoever gives them room gets the logits of the latest step, beside the losses. */
START_TEST(evaluation_leaves_its_logits)
{
    small_problem problem = small_problem_make(get_engine(_i % 3, LAM_REAL_TYPE_F32),
                                               &graphs[_i / 3], EVALUATED_MEMBERS);
    lam_buffer *logits =
        test_output(problem.engine, SMALL_BATCH * EVALUATED_MEMBERS * SMALL_CLASSES);
    lam_plan *plan = NULL;
    write_random_weights(&problem);
    problem.rows.logits = logits;
    ck_assert_ok(lam_step_plan_create_evaluation(problem.parameters, &problem.rows, &plan));
    for (int step = 0; step < SMALL_STEPS; step++) {
        ck_assert_ok(lam_plan_enqueue(plan, step));
        check_logits(&problem, (size_t)step);
    }
    check_sums(&problem);
    lam_plan_destroy(&plan);
    lam_buffer_destroy(&logits);
    small_problem_free(&problem);
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
    add_loop(suite, "moments", weights_start_with_the_moments_of_their_type,
             sizeof initializations / sizeof initializations[0]);
    lam_add_test(suite, "zero", parameters_are_zero_when_made, 60);
    lam_add_test(suite, "seed", initial_weights_depend_on_seed_and_unit_alone, 60);
    lam_add_test(suite, "rounding", initial_weights_of_float_are_those_of_double_rounded, 60);
    lam_add_test(suite, "layout", written_parameters_are_read_back_in_the_documented_layout,
                 60);
    add_loop(suite, "population", member_trains_to_the_same_bits_alone_and_in_a_crowd,
             2 * CROWD_COUNT);
    add_loop(suite, "double", member_trains_to_the_same_bits_in_double, 2);
    add_loop(suite, "slices", launches_in_slices_give_the_same_bits, 2);
    add_loop(suite, "evaluation", evaluation_counts_rows_below_the_limit_only, 3 * GRAPH_COUNT);
    add_loop(suite, "logits", evaluation_leaves_its_logits, 3 * GRAPH_COUNT);
}

LAM_SUITE_MAIN("net", add_tests)
