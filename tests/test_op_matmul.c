/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op/matmul_variant.h"
#include "support/device_fixture.h"
#include "support/ref_dense.h"
#include "support/ref_update.h"
#include "support/suite.h"

/* The case table: odd sizes, 1, primes, multiples and their neighbours of every tile side; more
 * terms than are staged at once; rows far enough apart to be packed, and to be shared in
 * panels; few results with sums that are long enough to be cut into two, three and six parts,
 * the last one shorter. */
typedef enum input_kind {
    APART,    /* each member has rows of its own */
    GATHERED, /* rows of a data set, for all members */
    SHARED,   /* a matrix, for all members */
} input_kind;

typedef struct dense_case {
    size_t rows, in, out, members;
    input_kind input;
    lam_activation activation, input_activation;
} dense_case;

#define NONE LAM_ACTIVATION_NONE
#define RELU LAM_ACTIVATION_RELU
#define SIGMOID LAM_ACTIVATION_SIGMOID

static const dense_case cases[] = {
    {1, 1, 1, 1, APART, NONE, NONE},       {1, 1, 1, 3, GATHERED, RELU, NONE},
    {5, 3, 2, 1, APART, RELU, RELU},       {7, 13, 10, 3, APART, NONE, SIGMOID},
    {16, 32, 16, 1, APART, NONE, RELU},    {17, 31, 33, 1, APART, SIGMOID, NONE},
    {4, 47, 50, 1, GATHERED, RELU, NONE},  {9, 65, 10, 8, GATHERED, NONE, NONE},
    {23, 29, 7, 8, APART, RELU, RELU},     {3, 100, 64, 1, GATHERED, SIGMOID, NONE},
    {33, 19, 67, 4, GATHERED, RELU, NONE}, {10, 50, 10, 3, APART, NONE, RELU},
    {31, 128, 129, 1, APART, RELU, NONE},  {11, 40, 10, 5, GATHERED, RELU, NONE},
    {2, 5, 1, 8, APART, SIGMOID, SIGMOID}, {130, 17, 50, 1, GATHERED, NONE, NONE},
    {3, 270, 52, 1, APART, NONE, RELU},    {140, 150, 260, 1, APART, RELU, RELU},
    {33, 20, 36, 9, GATHERED, RELU, NONE}, {5, 400, 11, 1, GATHERED, SIGMOID, NONE},
    {4, 9, 234, 3, APART, NONE, SIGMOID},  {2, 700, 9, 3, APART, RELU, RELU},
    {9, 20, 50, 3, SHARED, RELU, NONE},    {6, 35, 21, 3, SHARED, NONE, NONE},
};

/* A family of kernels on a device of so many compute units; 0: as many as it has. */
typedef struct gemm_family {
    lam_gemm gemm;
    size_t units;
} gemm_family;

/* With many units, tiles cut sums into parts. */
static const gemm_family families[] = {
    {LAM_GEMM_REGISTERS, 0}, {LAM_GEMM_TILES, 1}, {LAM_GEMM_TILES, 132}, {LAM_GEMM_CLBLAST, 0}};

enum { FAMILY_COUNT = sizeof families / sizeof families[0] };

static lam_engine *create_engine(lam_real_type real, gemm_family family)
{
    lam_engine *engine = test_engine(real, family.gemm);
    if (family.units > 0)
        engine->compute_units = family.units;
    return engine;
}

/* Everything a case needs, on the host in double and on the device. */
typedef struct dense_setup {
    const dense_case *which;
    size_t choice; /* which of the ways to compute a product, where there are as many */
    lam_engine *engine;
    lam_plan *plan;
    ref_dense ref;
    lam_dense dense;
    size_t x_count, w_count, y_count, width;
    double *x, *w, *b, *dy, *l2, *rates, *table;
    lam_buffer *x_buffer, *l2_buffer, *table_buffer, *dy_buffer;
    lam_buffer *images, *order, *scale, *shift, *panels;
} dense_setup;

enum { IMAGE_ROWS = 40, STEP = 1 };

/* Rows of a tiny data set, reached through an order, as the data set's rows are in training. */
static void set_up_gathered_input(dense_setup *s)
{
    const dense_case *c = s->which;
    uint8_t *images = malloc(IMAGE_ROWS * c->in);
    int32_t *order = malloc(2 * c->rows * sizeof *order);
    double *scale = test_uniform(c->in, 21), *shift = test_uniform(c->in, 22);
    ck_assert(images && order);
    for (size_t i = 0; i < IMAGE_ROWS * c->in; i++)
        images[i] = (uint8_t)(i * 131 + i / 7);
    for (size_t i = 0; i < 2 * c->rows; i++)
        order[i] = (int32_t)((i * 17 + 5) % IMAGE_ROWS);
    for (size_t k = 0; k < c->in; k++)
        scale[k] = (float)(scale[k] / 128);
    for (size_t i = 0; i < c->rows; i++)
        for (size_t k = 0; k < c->in; k++)
            s->x[i * c->in + k] =
                images[(size_t)order[STEP * c->rows + i] * c->in + k] * scale[k] + shift[k];
    s->images = test_upload_bytes(s->engine, images, IMAGE_ROWS * c->in);
    s->order = test_upload_bytes(s->engine, order, 2 * c->rows * sizeof *order);
    s->scale = test_upload(s->engine, scale, c->in);
    s->shift = test_upload(s->engine, shift, c->in);
    s->dense.input = (lam_input){
        .images = s->images, .order = s->order, .scale = s->scale, .shift = s->shift};
    free(images);
    free(order);
    free(scale);
    free(shift);
    if (lam_matmul_wants_panels(s->engine, c->rows, c->members, c->out)) {
        size_t count = lam_gather_count_panel_reals(c->rows, c->in);
        ck_assert_ok(lam_engine_create_reals(s->engine, count, "panels", &s->panels));
        ck_assert_ok(lam_gather_add_panels(s->engine, s->plan, &s->dense.input, c->rows, c->in,
                                           s->panels));
        s->dense.input.panels = s->panels;
    }
}

static dense_setup set_up(const dense_case *c, lam_real_type real, gemm_family family,
                          size_t choice)
{
    dense_setup s = {.which = c, .choice = choice, .engine = create_engine(real, family)};
    s.width = c->members * c->out;
    s.x_count = c->rows * c->in * (c->input == APART ? c->members : 1);
    s.w_count = c->in * s.width;
    s.y_count = c->rows * s.width;
    s.x = test_uniform(s.x_count, 1);
    s.w = test_uniform(s.w_count, 2);
    s.b = test_uniform(s.width, 3);
    s.dy = test_uniform(s.y_count, 4);
    s.l2 = test_uniform(c->members, 5);
    s.rates = test_uniform((STEP + 1) * c->members, 6);
    ck_assert_ok(lam_plan_create(s.engine, &s.plan));
    s.dense = (lam_dense){.rows = c->rows, .in = c->in, .out = c->out, .members = c->members};
    s.dense.shares_input = c->input != APART;
    s.dense.activation = c->activation;
    s.dense.input_activation = c->input_activation;
    s.dense.w = test_upload(s.engine, s.w, s.w_count);
    s.dense.b = test_upload(s.engine, s.b, s.width);
    s.dy_buffer = test_upload(s.engine, s.dy, s.y_count);
    s.l2_buffer = test_upload(s.engine, s.l2, c->members);
    s.table = ref_make_table(s.rates, STEP + 1, c->members);
    s.table_buffer =
        test_upload(s.engine, s.table, (STEP + 1) * LAM_STEP_SCALAR_COUNT * c->members);
    if (c->input == GATHERED) {
        set_up_gathered_input(&s);
    } else {
        s.x_buffer = test_upload(s.engine, s.x, s.x_count);
        s.dense.input = (lam_input){.x = s.x_buffer};
    }
    s.ref = (ref_dense){c->rows, c->in, c->out, c->members, c->input != APART, s.x, s.w, s.b};
    return s;
}

static void tear_down(dense_setup *s)
{
    lam_buffer **buffers[] = {&s->x_buffer, &s->l2_buffer, &s->table_buffer, &s->dy_buffer,
                              &s->images,   &s->order,     &s->scale,        &s->shift,
                              &s->dense.w,  &s->dense.b,   &s->panels};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    double *arrays[] = {s->x, s->w, s->b, s->dy, s->l2, s->rates, s->table};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
    lam_plan_destroy(&s->plan);
    lam_engine_destroy(&s->engine);
}

static void add(dense_setup *s, lam_product product, lam_buffer *result,
                const lam_weight_gradient *gradient)
{
    const lam_product_call call = {.product = product,
                                   .dense = &s->dense,
                                   .dy = s->dy_buffer,
                                   .result = result,
                                   .gradient = gradient};
    lam_matmul_variant variants[LAM_MAX_MATMUL_VARIANTS];
    size_t count = lam_matmul_list_variants(s->engine, product, &s->dense, variants);
    size_t choice = s->choice < count ? s->choice : 0;
    ck_assert_ok(lam_matmul_add_variant(s->engine, s->plan, &variants[choice], &call));
}

static size_t count_choices(const dense_case *c, lam_real_type real, gemm_family family)
{
    lam_engine *engine = create_engine(real, family);
    const lam_dense dense = {
        .rows = c->rows, .in = c->in, .out = c->out, .members = c->members};
    lam_matmul_variant variants[LAM_MAX_MATMUL_VARIANTS];
    size_t most = 0;
    for (int product = 0; product < LAM_PRODUCT_COUNT; product++) {
        size_t count = lam_matmul_list_variants(engine, (lam_product)product, &dense, variants);
        most = count > most ? count : most;
    }
    lam_engine_destroy(&engine);
    return most;
}

static void run(dense_setup *s)
{
    ck_assert_ok(lam_plan_enqueue(s->plan, STEP));
    ck_assert_ok(lam_device_finish(s->engine->device));
}

/* The classical bound of a sum of n products: n * eps * sum of the terms' sizes. */
static void scale_to_bound(const dense_setup *s, double *magnitude, size_t count, size_t terms)
{
    for (size_t i = 0; i < count; i++)
        magnitude[i] = ((double)terms + 8) * test_epsilon(s->engine) * (magnitude[i] + 1e-3);
}

static void check_forward(const dense_case *c, lam_real_type real, gemm_family family,
                          size_t choice)
{
    dense_setup s = set_up(c, real, family, choice);
    lam_buffer *y = test_output(s.engine, s.y_count);
    double *expected = malloc(s.y_count * sizeof(double));
    double *bound = malloc(s.y_count * sizeof(double));
    add(&s, LAM_PRODUCT_FORWARD, y, NULL);
    run(&s);
    ref_dense_forward(&s.ref, c->activation, expected, bound);
    scale_to_bound(&s, bound, s.y_count, c->in);
    test_compare(s.engine, y, expected, bound, s.y_count, "y");
    free(expected);
    free(bound);
    lam_buffer_destroy(&y);
    tear_down(&s);
}

static void check_backward_input(const dense_case *c, lam_real_type real, gemm_family family,
                                 size_t choice)
{
    dense_setup s = set_up(c, real, family, choice);
    lam_buffer *dx = test_output(s.engine, s.x_count);
    double *expected = malloc(s.x_count * sizeof(double));
    double *bound = malloc(s.x_count * sizeof(double));
    add(&s, LAM_PRODUCT_BACKWARD_INPUT, dx, NULL);
    run(&s);
    ref_dense_backward_input(&s.ref, c->input_activation, s.dy, expected, bound);
    scale_to_bound(&s, bound, s.x_count, c->out);
    test_compare(s.engine, dx, expected, bound, s.x_count, "dx");
    free(expected);
    free(bound);
    lam_buffer_destroy(&dx);
    tear_down(&s);
}

/* The gradient itself, and then the update that it makes. */
static void check_backward_weights(const dense_case *c, lam_real_type real, gemm_family family,
                                   size_t choice, bool updates)
{
    dense_setup s = set_up(c, real, family, choice);
    lam_buffer *dw = test_output(s.engine, s.w_count), *db = test_output(s.engine, s.width);
    double *dw_expected = malloc(s.w_count * sizeof(double));
    double *dw_bound = malloc(s.w_count * sizeof(double));
    double *db_expected = malloc(s.width * sizeof(double));
    double *db_bound = malloc(s.width * sizeof(double));
    lam_weight_gradient gradient = {.l2 = s.l2_buffer, .dw = dw, .db = db};
    if (updates)
        gradient = (lam_weight_gradient){.l2 = s.l2_buffer, .table = s.table_buffer};
    add(&s, LAM_PRODUCT_BACKWARD_WEIGHTS, NULL, &gradient);
    run(&s);
    ref_dense_backward_weights(&s.ref, s.dy, s.l2, dw_expected, db_expected, dw_bound,
                               db_bound);
    scale_to_bound(&s, dw_bound, s.w_count, c->rows);
    scale_to_bound(&s, db_bound, s.width, c->rows);
    const double *rates = s.rates + STEP * c->members;
    for (size_t i = 0; i < s.w_count && updates; i++)
        dw_expected[i] = s.w[i] - rates[i % s.width / c->out] * dw_expected[i];
    for (size_t i = 0; i < s.width && updates; i++)
        db_expected[i] = s.b[i] - rates[i / c->out] * db_expected[i];
    test_compare(s.engine, updates ? s.dense.w : dw, dw_expected, dw_bound, s.w_count, "dw");
    test_compare(s.engine, updates ? s.dense.b : db, db_expected, db_bound, s.width, "db");
    free(dw_expected);
    free(dw_bound);
    free(db_expected);
    free(db_bound);
    lam_buffer_destroy(&dw);
    lam_buffer_destroy(&db);
    tear_down(&s);
}

/* Parts of the sums of one product, the same in every way that is listed. */
static size_t count_parts(lam_product product, const dense_case *c, size_t units)
{
    lam_engine *engine = create_engine(LAM_REAL_TYPE_F32, (gemm_family){LAM_GEMM_TILES, units});
    const lam_dense dense = {.rows = c->rows,
                             .in = c->in,
                             .out = c->out,
                             .members = c->members,
                             .shares_input = c->input != APART};
    lam_matmul_variant variants[LAM_MAX_MATMUL_VARIANTS];
    size_t count = lam_matmul_list_variants(engine, product, &dense, variants);
    for (size_t i = 1; i < count; i++)
        ck_assert_uint_eq(variants[i].parts, variants[0].parts);
    lam_engine_destroy(&engine);
    return variants[0].parts;
}

/* Many units are a family of their own only where they cut a sum. */
static bool repeats(const dense_case *c, gemm_family family)
{
    return family.gemm == LAM_GEMM_TILES && family.units > 1 &&
           count_parts(LAM_PRODUCT_FORWARD, c, family.units) == 1 &&
           count_parts(LAM_PRODUCT_BACKWARD_INPUT, c, family.units) == 1;
}

/* Cases in which every way is tried. */
static bool tries_all(int number)
{
    return number % 7 == 3;
}

/* Drivers take up to seconds to compile a way: all are tried in three cases, a small one, one
 * that gathers its rows and a large one; otherwise the first, and in every second case the
 * last. */
static size_t next_choice(size_t choice, size_t choices, int number)
{
    if (choices < 2 || (tries_all(number) && !getenv("LAM_TEST_QUICK")))
        return choice + 1;
    return choice + (number % 2 > 0 ? choices : choices - 1);
}

/* LAM_TEST_QUICK, set where kernels run in a slow simulator, keeps to the smaller cases and to
 * Lamina's own kernels. */
static bool skips(const dense_case *c, lam_gemm gemm)
{
    return getenv("LAM_TEST_QUICK") &&
           (gemm == LAM_GEMM_CLBLAST || c->rows * c->in * c->out * c->members > 45000);
}

/* A gradient that is stored is the sum that an update takes, in kernels of their own: every
 * second case, which has each kind of tile, tail and input, and those that try all ways. */
static bool stores_gradient(int number)
{
    return number % 2 == 0 || tries_all(number);
}

/* Doubles are other kernels of the same text: every fourth case. */
static bool takes_doubles(int number)
{
    return number % 4 == 1 && lam_device_get_info(test_device())->has_fp64;
}

/* One loop test: index = (case * families + family) * 2 + precision. */
enum {
    CASE_COUNT = sizeof cases / sizeof cases[0],
    LOOP_COUNT = CASE_COUNT * FAMILY_COUNT * 2
};

START_TEST(products_match_double_reference)
{
    const dense_case *c = &cases[_i / 2 / FAMILY_COUNT];
    gemm_family family = families[_i / 2 % FAMILY_COUNT];
    lam_real_type real = _i % 2 ? LAM_REAL_TYPE_F64 : LAM_REAL_TYPE_F32;
    if (skips(c, family.gemm) || repeats(c, family) ||
        (real == LAM_REAL_TYPE_F64 && !takes_doubles(_i / 2 / FAMILY_COUNT)))
        return;
    size_t choices = real == LAM_REAL_TYPE_F32 ? count_choices(c, real, family) : 1;
    for (size_t choice = 0; choice < choices;
         choice = next_choice(choice, choices, _i / 2 / FAMILY_COUNT)) {
        check_forward(c, real, family, choice);
        if (c->input == APART)
            check_backward_input(c, real, family, choice);
        if (choice == 0 && stores_gradient(_i / 2 / FAMILY_COUNT))
            check_backward_weights(c, real, family, choice, false);
        check_backward_weights(c, real, family, choice, true);
    }
}
END_TEST

/* A member alone and the same member in a crowd of five: the same bits in every product. */
static void read_member_columns(const lam_engine *engine, const lam_buffer *buffer, size_t rows,
                                size_t members, size_t width, size_t member, double *ret_values)
{
    for (size_t i = 0; i < rows; i++)
        ck_assert_ok(lam_engine_read_reals(engine, buffer, (i * members + member) * width,
                                           ret_values + i * width, width));
}

static void copy_member_columns(const double *from, size_t rows, size_t members, size_t width,
                                size_t member, double *to)
{
    for (size_t i = 0; i < rows; i++)
        memcpy(to + i * width, from + (i * members + member) * width, width * sizeof *to);
}

static void run_all_products(dense_setup *s, lam_buffer *y, lam_buffer *dx)
{
    lam_weight_gradient update = {.l2 = s->l2_buffer, .table = s->table_buffer};
    add(s, LAM_PRODUCT_FORWARD, y, NULL);
    if (s->which->input == APART)
        add(s, LAM_PRODUCT_BACKWARD_INPUT, dx, NULL);
    add(s, LAM_PRODUCT_BACKWARD_WEIGHTS, NULL, &update);
    run(s);
}

static void write_member_inputs(dense_setup *crowd, dense_setup *alone, size_t member)
{
    const dense_case *c = crowd->which;
    copy_member_columns(crowd->w, c->in, c->members, c->out, member, alone->w);
    copy_member_columns(crowd->b, 1, c->members, c->out, member, alone->b);
    copy_member_columns(crowd->dy, c->rows, c->members, c->out, member, alone->dy);
    if (c->input == APART)
        copy_member_columns(crowd->x, c->rows, c->members, c->in, member, alone->x);
    alone->l2[0] = crowd->l2[member];
    for (size_t step = 0; step <= STEP; step++)
        alone->table[lam_step_table_find(step, LAM_STEP_SCALAR_RATE, 0, 1)] =
            crowd->rates[step * c->members + member];
    lam_engine *e = alone->engine;
    ck_assert_ok(lam_engine_write_reals(e, alone->dense.w, 0, alone->w, alone->w_count));
    ck_assert_ok(lam_engine_write_reals(e, alone->dense.b, 0, alone->b, alone->width));
    ck_assert_ok(lam_engine_write_reals(e, alone->dy_buffer, 0, alone->dy, alone->y_count));
    ck_assert_ok(lam_engine_write_reals(e, alone->l2_buffer, 0, alone->l2, 1));
    ck_assert_ok(lam_engine_write_reals(e, alone->table_buffer, 0, alone->table,
                                        (STEP + 1) * LAM_STEP_SCALAR_COUNT));
    if (c->input == APART)
        ck_assert_ok(lam_engine_write_reals(e, alone->x_buffer, 0, alone->x, alone->x_count));
}

static void check_same_bits(dense_setup *crowd, const lam_buffer *crowd_values,
                            const lam_buffer *alone_values, size_t rows, size_t width,
                            size_t member, const char *what)
{
    double *a = malloc(rows * width * sizeof *a), *b = malloc(rows * width * sizeof *b);
    read_member_columns(crowd->engine, crowd_values, rows, crowd->which->members, width, member,
                        a);
    read_member_columns(crowd->engine, alone_values, rows, 1, width, 0, b);
    ck_assert_msg(memcmp(a, b, rows * width * sizeof *a) == 0,
                  "%s of member %zu differs between alone and in a crowd", what, member);
    free(a);
    free(b);
}

/* The member alone takes the first way, and the crowd the given one of the same family. */
static void check_member(const dense_case *crowd_case, gemm_family family, size_t choice,
                         size_t member)
{
    dense_case alone_case = *crowd_case;
    alone_case.members = 1;
    dense_setup crowd = set_up(crowd_case, LAM_REAL_TYPE_F32, family, choice);
    dense_setup alone = set_up(&alone_case, LAM_REAL_TYPE_F32, family, 0);
    write_member_inputs(&crowd, &alone, member);
    lam_buffer *y[2] = {test_output(crowd.engine, crowd.y_count),
                        test_output(alone.engine, alone.y_count)};
    lam_buffer *dx[2] = {test_output(crowd.engine, crowd.x_count),
                         test_output(alone.engine, alone.x_count)};
    run_all_products(&crowd, y[0], dx[0]);
    run_all_products(&alone, y[1], dx[1]);
    const dense_case *c = crowd_case;
    check_same_bits(&crowd, y[0], y[1], c->rows, c->out, member, "y");
    check_same_bits(&crowd, crowd.dense.w, alone.dense.w, c->in, c->out, member, "w");
    check_same_bits(&crowd, crowd.dense.b, alone.dense.b, 1, c->out, member, "b");
    if (c->input == APART)
        check_same_bits(&crowd, dx[0], dx[1], c->rows, c->in, member, "dx");
    for (int i = 0; i < 2; i++) {
        lam_buffer_destroy(&y[i]);
        lam_buffer_destroy(&dx[i]);
    }
    tear_down(&crowd);
    tear_down(&alone);
}

/* CLBlast promises no such thing. */
enum { CROWD_COUNT = 5, OWN_FAMILY_COUNT = FAMILY_COUNT - 1 };

START_TEST(member_has_same_bits_alone_and_in_crowd)
{
    /* Five times 10 columns side by side look like the 50 of a member that has a tail. */
    static const dense_case crowds[CROWD_COUNT] = {{35, 37, 52, 5, true, RELU, NONE},
                                                   {19, 50, 10, 5, false, NONE, RELU},
                                                   {19, 37, 10, 5, true, RELU, NONE},
                                                   {3, 331, 10, 5, true, RELU, NONE},
                                                   {3, 14, 234, 5, false, RELU, SIGMOID}};
    const dense_case *crowd = &crowds[_i % CROWD_COUNT];
    gemm_family family = families[_i / CROWD_COUNT];
    size_t choices = count_choices(crowd, LAM_REAL_TYPE_F32, family);
    size_t checked = getenv("LAM_TEST_QUICK") ? 1 : crowd->members;
    for (size_t member = 0; member < checked; member += 2)
        check_member(crowd, family, choices - 1, member);
}
END_TEST

START_TEST(sums_are_cut_only_where_results_cannot_fill_the_device)
{
    const dense_case first_layer = {100, 3072, 50, 1, true, NONE, NONE};
    const dense_case crowd = {100, 3072, 50, 64, true, NONE, NONE};
    const dense_case evaluated = {10000, 3072, 50, 1, true, NONE, NONE};
    const dense_case short_sums = {5, 191, 3, 1, false, NONE, NONE};
    const dense_case wide = {20, 10, 1000, 1, false, NONE, NONE};
    ck_assert_uint_eq(count_parts(LAM_PRODUCT_FORWARD, &first_layer, 132), 16);
    ck_assert_uint_eq(count_parts(LAM_PRODUCT_FORWARD, &crowd, 132), 16);
    ck_assert_uint_eq(count_parts(LAM_PRODUCT_FORWARD, &first_layer, 8), 1);
    ck_assert_uint_eq(count_parts(LAM_PRODUCT_FORWARD, &evaluated, 132), 1);
    ck_assert_uint_eq(count_parts(LAM_PRODUCT_FORWARD, &short_sums, 132), 1);
    ck_assert_uint_eq(count_parts(LAM_PRODUCT_BACKWARD_INPUT, &wide, 132), 8);
    ck_assert_uint_eq(count_parts(LAM_PRODUCT_BACKWARD_WEIGHTS, &evaluated, 132), 1);
}
END_TEST

/* The second launch is there where sums are cut, and only there. */
START_TEST(cut_sums_take_one_launch_more)
{
    const dense_case c = {5, 400, 11, 1, true, NONE, NONE};
    for (size_t units = 1; units <= 132; units += 131) {
        dense_setup s = set_up(&c, LAM_REAL_TYPE_F32, (gemm_family){LAM_GEMM_TILES, units}, 0);
        lam_buffer *y = test_output(s.engine, s.y_count);
        add(&s, LAM_PRODUCT_FORWARD, y, NULL);
        ck_assert_uint_eq(lam_plan_get_launch_count(s.plan), units == 1 ? 1 : 2);
        lam_buffer_destroy(&y);
        tear_down(&s);
    }
}
END_TEST

static void add_tests(Suite *suite)
{
    TCase *table = tcase_create("case table");
    tcase_set_timeout(table, 120);
    tcase_add_loop_test(table, products_match_double_reference, 0, LOOP_COUNT);
    suite_add_tcase(suite, table);
    TCase *crowd = tcase_create("alone and in a crowd");
    tcase_set_timeout(crowd, 120);
    tcase_add_loop_test(crowd, member_has_same_bits_alone_and_in_crowd, 0,
                        CROWD_COUNT * OWN_FAMILY_COUNT);
    suite_add_tcase(suite, crowd);
    TCase *parts = tcase_create("sums in parts");
    tcase_add_test(parts, sums_are_cut_only_where_results_cannot_fill_the_device);
    tcase_add_test(parts, cut_sums_take_one_launch_more);
    suite_add_tcase(suite, parts);
}

LAM_SUITE_MAIN("op_matmul", add_tests)
