/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "op/epilogue.h"
#include "support/device_fixture.h"
#include "support/ref_epilogue.h"
#include "support/ref_update.h"
#include "support/suite.h"

enum { STEP = 2, FIRST_STEP = 1000, UNIT = 3, DESIGNS = 2 };
static const double epsilon = 0x1p-7, momentum = 0.75; /* the same in float and double */

typedef struct layer_shape {
    size_t rows, width, members;
} layer_shape;

/* 1, primes, neighbours of vectors, of blocks of rows and of work-groups. Rows of the table are
 * the lanes of the last of a width's vectors of four: shapes of a row share their kernels. */
enum { LANES = 4, SHAPES_OF_LANES = 3, SHAPE_COUNT = LANES * SHAPES_OF_LANES };
static const layer_shape shapes[SHAPE_COUNT] = {
    {1, 1, 1},   {9, 17, 3},  {65, 33, 1},  /* 1 */
    {7, 10, 2},  {33, 50, 1}, {100, 50, 1}, /* 2 */
    {2, 3, 1},   {65, 31, 1}, {20, 7, 16},  /* 3 */
    {16, 16, 2}, {37, 64, 2}, {3, 4, 5},    /* 4 */
};

/* Which stages there are, and what becomes of their gradients. */
typedef struct stage_set {
    lam_activation activation;
    lam_norm_place place;
    bool skips, drops;
    bool keeps_moments, updates, has_dskip_in, accumulates;
    lam_optimizer_type optimizer;
} stage_set;

/* All combinations of the stages, by number; what their gradients are for alternates. */
enum { STAGES_COUNT = 3 * 3 * 2 * 2 };
static stage_set get_stages(int number)
{
    return (stage_set){.activation = (lam_activation)(number / 12),
                       .place = (lam_norm_place)(number / 4 % 3),
                       .skips = number / 2 % 2,
                       .drops = number % 2,
                       .keeps_moments = number % 5 > 0,
                       .updates = number % 3 > 0,
                       .has_dskip_in = number % 7 < 4,
                       .accumulates = number / 3 % 2,
                       .optimizer = (lam_optimizer_type)(number % 5)};
}

/* Everything that goes in, on the host. */
typedef struct problem {
    layer_shape shape;
    stage_set stages;
    double *z, *skip, *dy, *dskip_in, *dskip; /* [rows, columns] */
    double *gamma, *beta;                     /* [columns] */
    double *states;                           /* [2, columns], of either */
    double *moments;                          /* [2, columns] */
    double *rate;                             /* [members] */
    double *table;                            /* [STEP + 1, LAM_STEP_SCALAR_COUNT, members] */
    int32_t *seeds;                           /* [members, 2] */
} problem;

static size_t get_columns(const problem *p)
{
    return p->shape.width * p->shape.members;
}

static size_t get_count(const problem *p)
{
    return p->shape.rows * get_columns(p);
}

static bool has_norm(const problem *p)
{
    return p->stages.place != LAM_NORM_PLACE_NONE;
}

static double *allocate(size_t count)
{
    double *values = calloc(count, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

static double *copy(const double *values, size_t count)
{
    double *copied = allocate(count);
    memcpy(copied, values, count * sizeof *values);
    return copied;
}

/* The members' statistics stay, move and become the batch's in turn. Weights alone decay. */
static double *make_table(size_t members)
{
    double *table = test_uniform((STEP + 1) * LAM_STEP_SCALAR_COUNT * members, 9);
    for (size_t p = 0; p < members; p++) {
        const double scalars[] = {0.125 / (double)(p + 1), 0.75, 0.875, 1.5, 0x1p-6, 0.25,
                                  (double)((p + 1) % 3)};
        for (int which = 0; which < LAM_STEP_SCALAR_COUNT; which++)
            table[lam_step_table_find(STEP, (lam_step_scalar)which, p, members)] =
                scalars[which];
    }
    return table;
}

static problem make_problem(layer_shape shape, stage_set stages)
{
    problem p = {.shape = shape, .stages = stages};
    size_t count = get_count(&p), columns = get_columns(&p), members = shape.members;
    p.z = test_uniform(count, 1);
    p.skip = test_uniform(count, 2);
    p.dy = test_uniform(count, 3);
    p.dskip_in = test_uniform(count, 4);
    p.dskip = test_uniform(count, 5);
    p.gamma = test_uniform(columns, 6);
    p.beta = test_uniform(columns, 7);
    p.moments = test_uniform(2 * columns, 8);
    p.states = test_uniform(2 * columns, 11);
    p.table = make_table(members);
    p.rate = test_uniform(members, 10);
    p.seeds = calloc(2 * members, sizeof *p.seeds);
    ck_assert_ptr_nonnull(p.seeds);
    for (size_t c = columns; c < 2 * columns; c++) {
        p.moments[c] = fabs(p.moments[c]);
        p.states[c] = fabs(p.states[c]);
    }
    for (size_t m = 0; m < members; m++) {
        p.rate[m] = fabs(p.rate[m]);
        p.seeds[2 * m] = (int32_t)(12345 + 6789 * m);
        p.seeds[2 * m + 1] = -(int32_t)m;
    }
    return p;
}

static void free_problem(problem *p)
{
    double *arrays[] = {p->z,     p->skip, p->dy,      p->dskip_in, p->dskip,
                        p->gamma, p->beta, p->moments, p->rate,     p->table};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
    free(p->seeds);
}

/* A member's part of values[rows, members*width]. */
static double *slice(const double *values, size_t rows, size_t width, size_t members,
                     size_t member)
{
    double *part = allocate(rows * width);
    for (size_t i = 0; i < rows; i++)
        memcpy(part + i * width, values + (i * members + member) * width, width * sizeof *part);
    return part;
}

static problem take_member(const problem *all, size_t member)
{
    size_t rows = all->shape.rows, width = all->shape.width, members = all->shape.members;
    problem p = {.shape = {rows, width, 1}, .stages = all->stages};
    p.z = slice(all->z, rows, width, members, member);
    p.skip = slice(all->skip, rows, width, members, member);
    p.dy = slice(all->dy, rows, width, members, member);
    p.dskip_in = slice(all->dskip_in, rows, width, members, member);
    p.dskip = slice(all->dskip, rows, width, members, member);
    p.gamma = slice(all->gamma, 1, width, members, member);
    p.beta = slice(all->beta, 1, width, members, member);
    p.moments = slice(all->moments, 2, width, members, member);
    p.states = slice(all->states, 2, width, members, member);
    p.rate = slice(all->rate, 1, 1, members, member);
    p.table = slice(all->table, (STEP + 1) * LAM_STEP_SCALAR_COUNT, 1, members, member);
    p.seeds = calloc(2, sizeof *p.seeds);
    ck_assert_ptr_nonnull(p.seeds);
    memcpy(p.seeds, all->seeds + 2 * member, 2 * sizeof *p.seeds);
    return p;
}

/* ---- on the device ---- */

typedef struct device_problem {
    const problem *problem;
    lam_engine *engine;
    lam_plan *plan;
    lam_buffer *z, *skip, *dy, *dskip_in, *dskip, *gamma, *beta, *moments, *rate, *table;
    lam_buffer *seeds, *first_step, *constants, *y, *batch, *dgamma, *dbeta;
    lam_buffer *gamma_states, *beta_states;
    lam_epilogue epilogue;
    lam_epilogue_gradient gradient;
} device_problem;

static void upload(device_problem *d)
{
    const problem *p = d->problem;
    size_t count = get_count(p), columns = get_columns(p), members = p->shape.members;
    const int32_t first_step = FIRST_STEP;
    d->z = test_upload(d->engine, p->z, count);
    d->skip = test_upload(d->engine, p->skip, count);
    d->dy = test_upload(d->engine, p->dy, count);
    d->dskip_in = test_upload(d->engine, p->dskip_in, count);
    d->dskip = test_upload(d->engine, p->dskip, count);
    d->gamma = test_upload(d->engine, p->gamma, columns);
    d->beta = test_upload(d->engine, p->beta, columns);
    d->moments = test_upload(d->engine, p->moments, 2 * columns);
    d->gamma_states = test_upload(d->engine, p->states, 2 * columns);
    d->beta_states = test_upload(d->engine, p->states, 2 * columns);
    d->rate = test_upload(d->engine, p->rate, members);
    d->table = test_upload(d->engine, p->table, (STEP + 1) * LAM_STEP_SCALAR_COUNT * members);
    d->seeds = test_upload_bytes(d->engine, p->seeds, 2 * members * sizeof *p->seeds);
    d->first_step = test_upload_bytes(d->engine, &first_step, sizeof first_step);
    d->constants = test_upload(d->engine, (const double[2]){epsilon, momentum}, 2);
    d->y = test_output(d->engine, count);
    d->batch = test_output(d->engine, 2 * columns);
    d->dgamma = test_output(d->engine, columns);
    d->dbeta = test_output(d->engine, columns);
}

static void describe(device_problem *d)
{
    const problem *p = d->problem;
    const stage_set *s = &p->stages;
    d->epilogue = (lam_epilogue){.rows = p->shape.rows,
                                 .width = p->shape.width,
                                 .members = p->shape.members,
                                 .activation = s->activation,
                                 .skip = s->skips ? d->skip : NULL,
                                 .inputs = {d->table, d->first_step, NULL, d->seeds}};
    if (has_norm(p))
        d->epilogue.norm = (lam_epilogue_norm){.place = s->place,
                                               .gamma = d->gamma,
                                               .beta = d->beta,
                                               .constants = d->constants,
                                               .batch = d->batch,
                                               .moments = s->keeps_moments ? d->moments : NULL};
    if (s->drops)
        d->epilogue.dropout = (lam_epilogue_dropout){.rate = d->rate, .unit = UNIT};
    d->gradient = (lam_epilogue_gradient){.dy = d->dy,
                                          .dskip_in = s->has_dskip_in ? d->dskip_in : NULL,
                                          .dz = d->dy,
                                          .dskip = s->skips ? d->dskip : NULL,
                                          .accumulates_dskip = s->accumulates};
    if (s->updates)
        d->gradient.norm = (lam_weight_gradient){.table = d->table,
                                                 .optimizer = s->optimizer,
                                                 .w_states = d->gamma_states,
                                                 .b_states = d->beta_states};
    else
        d->gradient.norm = (lam_weight_gradient){.dw = d->dgamma, .db = d->dbeta};
}

/* design 0: a work-item has columns of its own, as on processors; 1: a work-group has them. */
static device_problem set_up(const problem *p, lam_real_type real, int design)
{
    device_problem d = {
        .problem = p,
        .engine = test_engine(real, design == 0 ? LAM_GEMM_REGISTERS : LAM_GEMM_TILES)};
    ck_assert_ok(lam_plan_create(d.engine, &d.plan));
    upload(&d);
    describe(&d);
    return d;
}

static void add_both(device_problem *d)
{
    ck_assert_ok(lam_epilogue_add_forward(d->engine, d->plan, &d->epilogue, d->z, d->y));
    ck_assert_ok(lam_epilogue_add_backward(d->engine, d->plan, &d->epilogue,
                                           has_norm(d->problem) ? d->z : NULL, d->y,
                                           &d->gradient));
}

static void run(device_problem *d)
{
    ck_assert_ok(lam_plan_enqueue(d->plan, STEP));
    ck_assert_ok(lam_device_finish(d->engine->device));
}

static void tear_down(device_problem *d)
{
    lam_buffer **buffers[] = {
        &d->z,      &d->skip,       &d->dy,           &d->dskip_in,   &d->dskip,
        &d->gamma,  &d->beta,       &d->moments,      &d->rate,       &d->table,
        &d->seeds,  &d->first_step, &d->constants,    &d->y,          &d->batch,
        &d->dgamma, &d->dbeta,      &d->gamma_states, &d->beta_states};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        lam_buffer_destroy(buffers[i]);
    lam_plan_destroy(&d->plan);
    lam_engine_destroy(&d->engine);
}

static double *download(const device_problem *d, const lam_buffer *buffer, size_t count)
{
    double *values = allocate(count);
    ck_assert_ok(lam_engine_read_reals(d->engine, buffer, 0, values, count));
    return values;
}

/* ---- on the host ---- */

typedef struct host_results {
    ref_epilogue ref;
    double *factors;                    /* NULL without dropout */
    double *seen, *y;                   /* [rows, columns] */
    double *dz, *dskip;                 /* likewise */
    double *dgamma, *dbeta;             /* [columns] */
    double *of_batch;                   /* [2, columns]: mean, variance */
    double *batch;                      /* [2, columns]: mean, 1 / sqrt(variance + epsilon) */
    double *moments;                    /* [2, columns], after the step */
    double *gamma_states, *beta_states; /* likewise */
    double *bound;                      /* [rows, columns], of all values of a column */
} host_results;

static host_results start_results(const problem *p)
{
    size_t count = get_count(p), columns = get_columns(p);
    host_results h = {.ref = {.rows = p->shape.rows,
                              .width = p->shape.width,
                              .members = p->shape.members,
                              .activation = p->stages.activation,
                              .place = p->stages.place,
                              .epsilon = epsilon,
                              .gamma = p->gamma,
                              .beta = p->beta,
                              .skip = p->stages.skips ? p->skip : NULL,
                              .rate = p->stages.drops ? p->rate : NULL},
                      .factors = p->stages.drops ? allocate(count) : NULL,
                      .seen = allocate(count),
                      .y = allocate(count),
                      .dz = allocate(count),
                      .dskip = allocate(count),
                      .dgamma = allocate(columns),
                      .dbeta = allocate(columns),
                      .of_batch = allocate(2 * columns),
                      .batch = allocate(2 * columns),
                      .moments = copy(p->moments, 2 * columns),
                      .gamma_states = copy(p->states, 2 * columns),
                      .beta_states = copy(p->states, 2 * columns),
                      .bound = allocate(count < 2 * columns ? 2 * columns : count)};
    if (h.factors)
        ref_epilogue_draw(&h.ref, p->seeds, UNIT, FIRST_STEP + STEP, h.factors);
    h.ref.factors = h.factors;
    return h;
}

static void free_results(host_results *h)
{
    double *arrays[] = {h->factors, h->seen,         h->y,          h->dz,    h->dskip,
                        h->dgamma,  h->dbeta,        h->of_batch,   h->batch, h->moments,
                        h->bound,   h->gamma_states, h->beta_states};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

/* Rounding grows with the rows that are summed, with what a small variance magnifies, and with
 * what dropout scales; inputs are at most 1. */
static void bound_errors(const problem *p, const lam_engine *engine, host_results *h)
{
    size_t columns = get_columns(p), count = get_count(p);
    for (size_t i = 0; i < (count < 2 * columns ? 2 * columns : count); i++) {
        size_t c = i % columns;
        double growth = has_norm(p) ? pow(1 + h->batch[columns + c], 2) : 1;
        if (p->stages.drops)
            growth /= 1 - p->rate[c / p->shape.width];
        h->bound[i] = 4 * ((double)p->shape.rows + 16) * test_epsilon(engine) * growth;
    }
}

static void move_moments(const problem *p, host_results *h)
{
    size_t columns = get_columns(p), members = p->shape.members;
    const double *move =
        p->table + lam_step_table_find(STEP, LAM_STEP_SCALAR_STATISTICS, 0, members);
    for (size_t i = 0; i < 2 * columns; i++) {
        double kept[] = {1, momentum, 0};
        double part = kept[(int)move[i % columns / p->shape.width]];
        h->moments[i] = part * h->moments[i] + (1 - part) * h->of_batch[i];
    }
}

static void calculate_forward(const problem *p, const lam_engine *engine, host_results *h)
{
    size_t columns = get_columns(p);
    ref_epilogue_measure(&h->ref, p->z, h->of_batch);
    ref_epilogue_forward(&h->ref, p->z, h->of_batch, h->seen, h->y);
    for (size_t c = 0; c < columns; c++) {
        h->batch[c] = h->of_batch[c];
        h->batch[columns + c] = 1 / sqrt(h->of_batch[columns + c] + epsilon);
    }
    move_moments(p, h);
    bound_errors(p, engine, h);
}

/* Gradients [columns] become the parameters after the step. */
static void update(const problem *p, const double *parameters, double *gradients,
                   double *states)
{
    size_t columns = get_columns(p), members = p->shape.members;
    for (size_t c = 0; c < columns; c++) {
        double scalars[LAM_STEP_SCALAR_COUNT], state[2] = {states[c], states[columns + c]};
        for (int which = 0; which < LAM_STEP_SCALAR_COUNT; which++)
            scalars[which] = p->table[lam_step_table_find(STEP, (lam_step_scalar)which,
                                                          c / p->shape.width, members)];
        gradients[c] =
            ref_update(p->stages.optimizer, scalars, false, parameters[c], gradients[c], state);
        states[c] = state[0];
        states[columns + c] = state[1];
    }
}

/* From the device's own values, so that one next to ReLU's corner cannot fall on the other
 * side. Gradients become what the device leaves in their buffers. */
static void calculate_backward(const device_problem *d, host_results *h)
{
    const problem *p = d->problem;
    size_t columns = get_columns(p), count = get_count(p);
    double *seen = download(d, d->z, count), *y = download(d, d->y, count);
    double *batch = download(d, d->batch, 2 * columns);
    for (size_t i = 0; i < count; i++)
        h->dz[i] = p->dy[i] + (p->stages.has_dskip_in ? p->dskip_in[i] : 0);
    ref_epilogue_backward(&h->ref, seen, y, batch, h->dz, h->dskip, h->dgamma, h->dbeta);
    for (size_t i = 0; i < count && p->stages.accumulates; i++)
        h->dskip[i] += p->dskip[i];
    if (p->stages.updates) {
        update(p, p->gamma, h->dgamma, h->gamma_states);
        update(p, p->beta, h->dbeta, h->beta_states);
    }
    free(seen);
    free(y);
    free(batch);
}

static void compare(const device_problem *d, const host_results *h)
{
    const problem *p = d->problem;
    const stage_set *s = &p->stages;
    size_t columns = get_columns(p), count = get_count(p);
    test_compare(d->engine, d->y, h->y, h->bound, count, "y");
    test_compare(d->engine, d->dy, h->dz, h->bound, count, "dz");
    test_compare(d->engine, d->dskip, s->skips ? h->dskip : p->dskip, h->bound, count, "dskip");
    if (!has_norm(p))
        return;
    test_compare(d->engine, d->z, h->seen, h->bound, count, "z");
    test_compare(d->engine, d->batch, h->batch, h->bound, 2 * columns, "batch");
    test_compare(d->engine, d->moments, s->keeps_moments ? h->moments : p->moments, h->bound,
                 2 * columns, "moments");
    test_compare(d->engine, s->updates ? d->gamma : d->dgamma, h->dgamma, h->bound, columns,
                 "gamma");
    test_compare(d->engine, s->updates ? d->beta : d->dbeta, h->dbeta, h->bound, columns,
                 "beta");
    test_compare(d->engine, d->gamma_states, h->gamma_states, h->bound, 2 * columns,
                 "gamma's states");
    test_compare(d->engine, d->beta_states, h->beta_states, h->bound, 2 * columns,
                 "beta's states");
}

static void check_problem(const problem *p, lam_real_type real, int design)
{
    device_problem d = set_up(p, real, design);
    host_results h = start_results(p);
    add_both(&d);
    run(&d);
    calculate_forward(p, d.engine, &h);
    calculate_backward(&d, &h);
    compare(&d, &h);
    free_results(&h);
    tear_down(&d);
}

static lam_real_type choose_real(bool wants_double)
{
    return wants_double && lam_device_get_info(test_device())->has_fp64 ? LAM_REAL_TYPE_F64
                                                                        : LAM_REAL_TYPE_F32;
}

/* Every combination of the stages, in one design or the other such that any two stages meet in
 * both. Several shapes for work-groups; for vectors, of up to 16 lanes, one. */
START_TEST(all_stages_match_double_reference)
{
    stage_set stages = get_stages(_i);
    int design = ((int)stages.activation + (int)stages.place + stages.skips + stages.drops) % 2;
    int first = design == 0 ? (_i + _i / 12) % SHAPE_COUNT
                            : (_i + _i / LANES) % LANES * SHAPES_OF_LANES;
    for (int n = 0; n < (design == 0 ? 1 : SHAPES_OF_LANES); n++) {
        problem p = make_problem(shapes[first + n], stages);
        check_problem(&p, choose_real(_i / 2 % 2), design);
        free_problem(&p);
    }
}
END_TEST

#define WITH_ALL                                                                               \
    .skips = true, .drops = true, .keeps_moments = true, .updates = true,                      \
    .has_dskip_in = true, .optimizer = LAM_OPTIMIZER_ADAM

static const stage_set norms[] = {
    {.activation = LAM_ACTIVATION_RELU, .place = LAM_NORM_PLACE_BEFORE, WITH_ALL},
    {.activation = LAM_ACTIVATION_SIGMOID, .place = LAM_NORM_PLACE_AFTER, WITH_ALL},
    {.activation = LAM_ACTIVATION_RELU, .place = LAM_NORM_PLACE_NONE, WITH_ALL},
};
enum { NORM_COUNT = sizeof norms / sizeof norms[0] };

/* ---- members ---- */

static void compare_member(const device_problem *all, const device_problem *alone,
                           size_t member)
{
    const layer_shape s = all->problem->shape;
    const struct {
        const lam_buffer *crowd, *alone;
        size_t rows;
        const char *what;
    } pairs[] = {{all->y, alone->y, s.rows, "y"},
                 {all->dy, alone->dy, s.rows, "dz"},
                 {all->dskip, alone->dskip, s.rows, "dskip"},
                 {all->gamma, alone->gamma, 1, "gamma"},
                 {all->beta, alone->beta, 1, "beta"},
                 {all->gamma_states, alone->gamma_states, 2, "gamma's states"},
                 {all->batch, alone->batch, 2, "batch"},
                 {all->moments, alone->moments, 2, "moments"}};
    double *exactly = allocate(s.rows * s.width + 2 * s.width);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        double *crowd = download(all, pairs[i].crowd, pairs[i].rows * s.width * s.members);
        double *part = slice(crowd, pairs[i].rows, s.width, s.members, member);
        test_compare(alone->engine, pairs[i].alone, part, exactly, pairs[i].rows * s.width,
                     pairs[i].what);
        free(crowd);
        free(part);
    }
    free(exactly);
}

/* Index = stages * 2 + design. */
START_TEST(member_has_same_bits_alone_and_in_crowd)
{
    static const size_t crowds[] = {3, 16};
    for (size_t n = 0; n < 2; n++) {
        problem p = make_problem((layer_shape){23, 19, crowds[n]}, norms[_i / DESIGNS]);
        device_problem all = set_up(&p, LAM_REAL_TYPE_F32, _i % DESIGNS);
        add_both(&all);
        run(&all);
        for (size_t m = 0; m < p.shape.members; m += 5) {
            problem member = take_member(&p, m);
            device_problem alone = set_up(&member, LAM_REAL_TYPE_F32, _i % DESIGNS);
            add_both(&alone);
            run(&alone);
            compare_member(&all, &alone, m);
            tear_down(&alone);
            free_problem(&member);
        }
        tear_down(&all);
        free_problem(&p);
    }
}
END_TEST

/* ---- evaluation ---- */

/* In place, by given moments; index = place * 2 + design. */
START_TEST(given_statistics_match_double_reference)
{
    stage_set stages = {.activation = LAM_ACTIVATION_SIGMOID,
                        .place = (lam_norm_place)(_i / DESIGNS),
                        .skips = true,
                        .keeps_moments = true};
    problem p = make_problem((layer_shape){37, 19, 3}, stages);
    device_problem d = set_up(&p, LAM_REAL_TYPE_F32, _i % DESIGNS);
    host_results h = start_results(&p);
    d.epilogue.norm.batch = NULL;
    ck_assert_ok(lam_epilogue_add_forward(d.engine, d.plan, &d.epilogue, d.z, d.z));
    run(&d);
    ref_epilogue_forward(&h.ref, p.z, p.moments, h.seen, h.y);
    for (size_t i = 0; i < get_count(&p); i++)
        h.bound[i] = 32 * test_epsilon(d.engine) / epsilon;
    test_compare(d.engine, d.z, h.y, h.bound, get_count(&p), "y");
    memset(h.bound, 0, 2 * get_columns(&p) * sizeof *h.bound);
    test_compare(d.engine, d.moments, p.moments, h.bound, 2 * get_columns(&p), "moments");
    free_results(&h);
    tear_down(&d);
    free_problem(&p);
}
END_TEST

/* ---- columns without variance ---- */

/* 0.1 is no binary number, so a mean that is not taken from the values would differ from them.
 * Index = stages * 2 + design. */
START_TEST(column_without_variance_becomes_beta)
{
    static const layer_shape without[] = {{100, 6, 1}, {1, 6, 1}};
    for (int n = 0; n < 2; n++) {
        problem p = make_problem(without[n], (stage_set){.place = norms[_i / DESIGNS].place});
        size_t columns = get_columns(&p), count = get_count(&p);
        for (size_t i = 0; i < count; i++)
            p.z[i] = 0.1f * (float)(i % columns + 1);
        check_problem(&p, LAM_REAL_TYPE_F32, _i % DESIGNS);
        device_problem d = set_up(&p, LAM_REAL_TYPE_F32, _i % DESIGNS);
        add_both(&d);
        run(&d);
        double *y = download(&d, d.y, count), *dz = download(&d, d.dy, count);
        for (size_t i = 0; i < count; i++) {
            ck_assert_double_eq(y[i], p.beta[i % columns]);
            ck_assert(isfinite(dz[i]));
            ck_assert(without[n].rows > 1 || dz[i] == 0);
        }
        free(y);
        free(dz);
        tear_down(&d);
        free_problem(&p);
    }
}
END_TEST

/* ---- dropout ---- */

/* A rate of 0 drops nothing, one next to 1 all but nothing; index = design. */
START_TEST(dropout_follows_rate_of_member)
{
    problem p = make_problem((layer_shape){200, 100, 3}, (stage_set){.drops = true});
    const double rates[] = {0, 0.25, 1 - 0x1p-24};
    memcpy(p.rate, rates, sizeof rates);
    device_problem d = set_up(&p, LAM_REAL_TYPE_F32, _i);
    add_both(&d);
    run(&d);
    double *y = download(&d, d.y, get_count(&p));
    size_t dropped[3] = {0};
    for (size_t i = 0; i < get_count(&p); i++)
        dropped[i / 100 % 3] += y[i] == 0 && p.z[i] != 0;
    ck_assert_uint_eq(dropped[0], 0);
    ck_assert_double_lt(fabs((double)dropped[1] - 5000), 6 * sqrt(20000 * 0.25 * 0.75));
    ck_assert_uint_ge(dropped[2], 19990);
    free(y);
    tear_down(&d);
    free_problem(&p);
}
END_TEST

/* ---- finite differences ---- */

/* sum of weights * y by the device's forward pass. */
static double evaluate(device_problem *d)
{
    const problem *p = d->problem;
    ck_assert_ok(lam_engine_write_reals(d->engine, d->z, 0, p->z, get_count(p)));
    ck_assert_ok(lam_engine_write_reals(d->engine, d->skip, 0, p->skip, get_count(p)));
    ck_assert_ok(lam_engine_write_reals(d->engine, d->gamma, 0, p->gamma, get_columns(p)));
    ck_assert_ok(lam_engine_write_reals(d->engine, d->beta, 0, p->beta, get_columns(p)));
    run(d);
    double *y = download(d, d->y, get_count(p)), sum = 0;
    for (size_t i = 0; i < get_count(p); i++)
        sum += p->dy[i] * y[i];
    free(y);
    return sum;
}

static void check_differences(device_problem *d, double *values, size_t count,
                              const double *analytic, const char *what)
{
    const double h = 1e-5;
    for (size_t i = 0; i < count; i++) {
        double value = values[i];
        values[i] = value + h;
        double above = evaluate(d);
        values[i] = value - h;
        double numeric = (above - evaluate(d)) / (2 * h);
        values[i] = value;
        ck_assert_msg(fabs(numeric - analytic[i]) < 1e-7 * (1 + fabs(numeric)),
                      "%s[%zu]: %.12g, by differences %.12g", what, i, analytic[i], numeric);
    }
}

/* Statistics of the batch within, dropout's mask frozen by the step. Index = stages * 2 +
 * design. */
START_TEST(gradients_match_finite_differences)
{
    if (!lam_device_get_info(test_device())->has_fp64)
        return;
    stage_set stages = norms[_i / DESIGNS];
    stages.updates = stages.has_dskip_in = false;
    problem p = make_problem((layer_shape){6, 3, 2}, stages);
    size_t count = get_count(&p), columns = get_columns(&p);
    device_problem backward = set_up(&p, LAM_REAL_TYPE_F64, _i % DESIGNS);
    add_both(&backward);
    run(&backward);
    double *dz = download(&backward, backward.dy, count);
    double *dskip = download(&backward, backward.dskip, count);
    double *dgamma = download(&backward, backward.dgamma, columns);
    double *dbeta = download(&backward, backward.dbeta, columns);
    device_problem d = set_up(&p, LAM_REAL_TYPE_F64, _i % DESIGNS);
    ck_assert_ok(lam_epilogue_add_forward(d.engine, d.plan, &d.epilogue, d.z, d.y));
    check_differences(&d, p.z, count, dz, "dz");
    check_differences(&d, p.skip, count, dskip, "dskip");
    if (has_norm(&p)) {
        check_differences(&d, p.gamma, columns, dgamma, "dgamma");
        check_differences(&d, p.beta, columns, dbeta, "dbeta");
    }
    double *arrays[] = {dz, dskip, dgamma, dbeta};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
    tear_down(&d);
    tear_down(&backward);
    free_problem(&p);
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 300);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_loop(suite, "case table", all_stages_match_double_reference, STAGES_COUNT);
    add_loop(suite, "members", member_has_same_bits_alone_and_in_crowd, DESIGNS * NORM_COUNT);
    add_loop(suite, "evaluation", given_statistics_match_double_reference, DESIGNS * 3);
    add_loop(suite, "no variance", column_without_variance_becomes_beta, DESIGNS * 2);
    add_loop(suite, "dropout", dropout_follows_rate_of_member, DESIGNS);
    add_loop(suite, "differences", gradients_match_finite_differences, DESIGNS * NORM_COUNT);
}

LAM_SUITE_MAIN("op_epilogue", add_tests)
