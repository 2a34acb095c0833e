/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lamina/gradient_check.h"
#include "support/device_fixture.h"
#include "support/suite.h"

#define DENSE(units)                                                                           \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_DENSE, .width = (units)                                         \
    }
#define RELU                                                                                   \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_RELU                                                            \
    }
#define SIGMOID                                                                                \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_SIGMOID                                                         \
    }
#define NORM                                                                                   \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_BATCH_NORM, .epsilon = 1e-5, .momentum = 0.9                    \
    }
#define DROPOUT(part)                                                                          \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_DROPOUT, .rate = (part)                                         \
    }
#define NAMED(type_name, text)                                                                 \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_##type_name, .name = text                                       \
    }
#define ADD(text)                                                                              \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_ADD, .from = text                                               \
    }

enum { TRAIN_ROWS = 60, INPUTS = 20, SAMPLES = 20 };

/* Rows of the synthetic set, made once. */
static lam_dataset *get_dataset(void)
{
    static lam_dataset *dataset;
    const lam_data_options options = {
        .source = LAM_DATA_SOURCE_SYNTHETIC, .train_files = 1, .train_first = TRAIN_ROWS};
    if (!dataset)
        ck_assert_ok(lam_dataset_load(test_context(), &options, NULL, &dataset));
    return dataset;
}

/* Two widths for all, since others make kernels of their own; both leave seven columns behind
 * vectors of 8 and 16 lanes. op_* suites try others. */
static const lam_network networks[] = {
    {.layer_count = 1, .layers = {DENSE(10)}},
    {.layer_count = 3, .layers = {DENSE(23), RELU, DENSE(10)}},
    {.layer_count = 3, .layers = {DENSE(23), SIGMOID, DENSE(10)}},
    {.layer_count = 5, .layers = {DENSE(23), RELU, DENSE(7), RELU, DENSE(10)}},
    {.layer_count = 5, .layers = {DENSE(23), SIGMOID, DENSE(7), SIGMOID, DENSE(10)}},
    {.layer_count = 7, .layers = {DENSE(23), RELU, DENSE(7), RELU, DENSE(23), RELU, DENSE(10)}},
    {.layer_count = 4, .layers = {DENSE(23), NORM, RELU, DENSE(10)}},
    {.layer_count = 7, .layers = {DENSE(23), NORM, RELU, DENSE(7), NORM, RELU, DENSE(10)}},
    {.layer_count = 7, .layers = {DENSE(23), SIGMOID, NORM, DENSE(7), RELU, NORM, DENSE(10)}},
    {.layer_count = 25,
     .layers = {DENSE(23), NORM, RELU, DENSE(7),  NORM, RELU, DENSE(23), NORM, RELU,
                DENSE(7),  NORM, RELU, DENSE(23), NORM, RELU, DENSE(7),  NORM, RELU,
                DENSE(23), NORM, RELU, DENSE(7),  NORM, RELU, DENSE(10)}},
    {.layer_count = 4, .layers = {DENSE(23), RELU, DROPOUT(0.4), DENSE(10)}},
    {.layer_count = 6,
     .layers = {DENSE(23), DROPOUT(0.2), DENSE(7), SIGMOID, DROPOUT(0.5), DENSE(10)}},
    /* s = W2 max(W1 x, 0) + x, twice, and one value added in two places. */
    {.layer_count = 9,
     .layers = {DENSE(7), NAMED(RELU, "a"), DENSE(7), ADD("a"), NAMED(RELU, "b"), DENSE(7),
                ADD("a"), RELU, DENSE(10)}},
    {.layer_count = 11,
     .layers = {DENSE(7), NORM, NAMED(RELU, "a"), DENSE(7), NORM, ADD("a"), SIGMOID,
                NAMED(DROPOUT, "b"), DENSE(7), ADD("b"), DENSE(10)}},
};
enum { NETWORK_COUNT = sizeof networks / sizeof networks[0] };

/* The first networks are checked with every variant of the products. What stands behind a
 * product is the same for all: the others take turns. */
enum { PLAIN_COUNT = 6, CASE_COUNT = NETWORK_COUNT + 2 * PLAIN_COUNT };

static const lam_gemm variants[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};

static lam_recipe recipe_of(const lam_network *network, double l2)
{
    lam_recipe recipe = {.network = *network, .batch = 10};
    recipe.network.l2 = l2;
    for (int i = 0; i < network->layer_count; i++)
        recipe.network.layers[i].initialization.type = LAM_INITIALIZATION_HE;
    return recipe;
}

static const lam_gradient_check_options all_in_double = {
    .use_double = true, .sample_count = SAMPLES, .seed = 42, .inputs = INPUTS};

static bool lacks_doubles(void)
{
    return !lam_device_get_info(test_device())->has_fp64;
}

/* Checks and gives the number of rows. */
static size_t check(const lam_recipe *recipe, const lam_gradient_check_options *options,
                    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS])
{
    size_t count = 0;
    memset(rows, 0, LAM_MAX_GRADIENT_ROWS * sizeof *rows);
    ck_assert_ok(
        lam_check_gradients(test_device(), recipe, get_dataset(), options, rows, &count));
    return count;
}

static void expect_differences(const lam_gradient_row *row)
{
    const lam_gradient_difference *both[] = {&row->centred, &row->forward};
    for (int i = 0; i < 2; i++) {
        const lam_gradient_difference *d = both[i];
        ck_assert_double_ge(d->maximum, d->mean);
        ck_assert_double_ge(d->mean * (1 + 1e-12), fabs(d->signed_mean));
        ck_assert_double_gt(d->maximum, 0);
        ck_assert(d->norm_relative > 0 || d->maximum < 1e-9);
        ck_assert_double_ge(d->max_relative, 0);
    }
    if (row->centred.norm_relative > 0)
        ck_assert_double_gt(row->forward.mean, row->centred.mean);
}

static void expect_passes(const lam_gradient_row *row, int unit, const char *part,
                          uint64_t entries)
{
    char tensor[LAM_TENSOR_NAME_BYTES];
    snprintf(tensor, sizeof tensor, "layer%d.%s", unit, part);
    ck_assert_str_eq(row->tensor, tensor);
    ck_assert_uint_eq(row->entry_count, entries);
    ck_assert_uint_eq(row->checked_count, entries);
    ck_assert_msg(row->centred.norm_relative <= 1e-7, "%s: centred %g", tensor,
                  row->centred.norm_relative);
    ck_assert_msg(row->forward.norm_relative <= LAM_GRADIENT_BOUND_FORWARD_DOUBLE,
                  "%s: forward %g", tensor, row->forward.norm_relative);
    ck_assert(row->passed);
    expect_differences(row);
}

/* All entries. Each variant meets l2 = 0 and l2 > 0. */
START_TEST(gradients_match_centred_differences_in_double)
{
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    int n = _i < 3 * PLAIN_COUNT ? _i / 3 : _i - 2 * PLAIN_COUNT;
    const lam_network *network = &networks[n];
    lam_recipe recipe = recipe_of(network, (n + _i % 3) % 2 ? 0.1 : 0);
    lam_gradient_check_options options = all_in_double;
    options.gemm = variants[_i % 3];
    if (lacks_doubles())
        return;
    size_t count = check(&recipe, &options, rows), expected = 0;
    uint64_t in = INPUTS, out = 0;
    for (int i = 0, unit = 0; i < network->layer_count; i++) {
        const lam_layer *layer = &network->layers[i];
        if (layer->type == LAM_LAYER_TYPE_DENSE) {
            in = out > 0 ? out : INPUTS;
            out = (uint64_t)layer->width;
            expect_passes(&rows[expected++], ++unit, "weight", in * out);
            expect_passes(&rows[expected++], unit, "bias", out);
        } else if (layer->type == LAM_LAYER_TYPE_BATCH_NORM) {
            expect_passes(&rows[expected++], unit, "batch_norm.gamma", out);
            expect_passes(&rows[expected++], unit, "batch_norm.beta", out);
        }
    }
    ck_assert_uint_eq(count, expected);
}
END_TEST

/* Float's large steps cross kinks of ReLU where few inputs share a unit's sum (20 inputs, seed
 * 42: 0.052, above the bound); 200 inputs are enough. */
START_TEST(gradients_pass_in_float)
{
    static const int chosen[] = {0, 1, 4};
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    const lam_network *network = &networks[chosen[_i]];
    lam_recipe recipe = recipe_of(network, 0.01);
    lam_gradient_check_options options = all_in_double;
    options.use_double = false;
    options.inputs = 200;
    options.entries = 100;
    size_t count = check(&recipe, &options, rows);
    ck_assert_uint_eq(count, 2 * ((size_t)network->layer_count / 2 + 1));
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(rows[i].passed, "%s: centred %g, forward %g", rows[i].tensor,
                      rows[i].centred.norm_relative, rows[i].forward.norm_relative);
        /* Rounding shows, so this was not double. */
        ck_assert_double_gt(rows[i].centred.norm_relative, 1e-7);
    }
}
END_TEST

/* All inputs, a choice of the entries, a random choice of the rows. */
START_TEST(choices_of_entries_and_rows_are_heeded)
{
    lam_gradient_row rows[4][LAM_MAX_GRADIENT_ROWS];
    lam_recipe recipe = recipe_of(&networks[1], 0.01);
    lam_gradient_check_options options = all_in_double;
    if (lacks_doubles())
        return;
    options.inputs = 0;
    options.entries = 30;
    for (int i = 0; i < 4; i++) {
        options.random_samples = i > 0;
        options.seed = i == 3 ? 400 : 42;
        ck_assert_uint_eq(check(&recipe, &options, rows[i]), 4);
        ck_assert_uint_eq(rows[i][0].entry_count, 3072 * 23);
        ck_assert_uint_eq(rows[i][0].checked_count, 30);
        ck_assert_uint_eq(rows[i][1].checked_count, 23);
        ck_assert_uint_eq(rows[i][3].checked_count, 10);
        for (int r = 0; r < 4; r++)
            ck_assert(rows[i][r].passed);
    }
    for (int r = 0; r < 4; r++) {
        ck_assert(rows[0][r].forward.mean != rows[1][r].forward.mean);
        ck_assert_double_eq(rows[1][r].forward.mean, rows[2][r].forward.mean);
        ck_assert(rows[2][r].forward.mean != rows[3][r].forward.mean);
    }
}
END_TEST

/* A wrong derivative of the activation must fail layer 1, which lies before it, and only that;
 * a wrong one of the loss must fail everything. Index: ReLU with registers, sigmoid with tiles,
 * the loss. */
START_TEST(wrong_gradients_fail)
{
    static const char no_slope[] = "#undef ACTIVATION_BACKWARD\n"
                                   "#define ACTIVATION_BACKWARD(type, g, y) (g)\n";
    static const char *const files[] = {"matmul_registers.cl", "matmul_tiles.cl"};
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    lam_recipe recipe = recipe_of(&networks[1 + _i % 2], 0);
    lam_gradient_check_options options = all_in_double;
    options.use_double = !lacks_doubles();
    options.gemm = variants[_i % 2];
    test_folder folder = test_folder_make();
    if (_i < 2)
        test_kernels_use(&folder, files[_i % 2], no_slope);
    else
        test_kernels_use(&folder, "loss.cl",
                         "#define sum_lanes(v) (sum_lanes(v) * (real)1.1)\n");
    ck_assert_uint_eq(check(&recipe, &options, rows), 4);
    ck_assert(!rows[0].passed && !rows[1].passed);
    ck_assert_int_eq(rows[2].passed, _i < 2);
    ck_assert_int_eq(rows[3].passed, _i < 2);
    test_folder_remove(&folder);
}
END_TEST

/* The other losses, and softmax cross-entropy with smoothed labels. */
START_TEST(gradients_of_every_loss_match_differences)
{
    static const struct {
        lam_loss loss;
        double label_smoothing;
    } losses[] = {{LAM_LOSS_SOFTMAX_CROSS_ENTROPY, 0.2},
                  {LAM_LOSS_BINARY_CROSS_ENTROPY, 0},
                  {LAM_LOSS_HINGE, 0}};
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    lam_recipe recipe = recipe_of(&networks[3], 0.1);
    recipe.network.loss = losses[_i].loss;
    recipe.network.label_smoothing = losses[_i].label_smoothing;
    if (lacks_doubles())
        return;
    ck_assert_uint_eq(check(&recipe, &all_in_double, rows), 6);
    for (int i = 0; i < 6; i++) {
        ck_assert_msg(rows[i].centred.norm_relative <= 1e-7, "%s: centred %g", rows[i].tensor,
                      rows[i].centred.norm_relative);
        ck_assert(rows[i].passed);
    }
}
END_TEST

/* ---- the analytic bias of forward differences ---- */

/* <x^2 p (1 - p)> over samples, inputs and classes where every p is 1/10. */
static double mean_curvature(uint32_t inputs)
{
    const uint8_t *images = lam_dataset_get_images(get_dataset());
    const double *mean = lam_dataset_get_mean(get_dataset());
    const double *deviation = lam_dataset_get_deviation(get_dataset());
    uint32_t first = lam_dataset_get_split(get_dataset(), LAM_SPLIT_TRAIN).first;
    double sum = 0;
    for (uint32_t i = 0; i < SAMPLES; i++)
        for (uint32_t k = 0; k < inputs; k++) {
            uint8_t pixel = images[(size_t)(first + i) * LAM_IMAGE_INPUTS + k];
            double x = (pixel / 255.0 - mean[k]) / deviation[k];
            sum += x * x * 0.1 * 0.9;
        }
    return sum / (SAMPLES * (double)inputs);
}

typedef struct bias_case {
    double l2, step, tolerance; /* relative: rounding weighs more in smaller steps */
} bias_case;

static const bias_case bias_cases[] = {
    {0, 1e-6, 0.03}, {0.1, 1e-6, 0.03}, {0, 1e-4, 0.002}, {0.1, 1e-4, 0.002}, {1, 1e-3, 0.002}};
enum { BIAS_COUNT = sizeof bias_cases / sizeof bias_cases[0] };

/* Report S1's constant of -1.04e-6: the cost of one layer is convex, so a forward difference
 * exceeds the gradient, on average by lambda h + h/2 <x^2 p (1-p)>. */
START_TEST(forward_differences_have_their_analytic_bias)
{
    const bias_case *c = &bias_cases[_i];
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    lam_recipe recipe = recipe_of(&networks[0], c->l2);
    lam_gradient_check_options options = all_in_double;
    if (lacks_doubles())
        return;
    recipe.network.layers[0].initialization =
        (lam_initialization){LAM_INITIALIZATION_CONSTANT, 1e-4};
    options.step = c->step;
    check(&recipe, &options, rows);
    double h = c->step, expected = -(c->l2 * h + h / 2 * mean_curvature(INPUTS));
    ck_assert_msg(fabs(rows[0].forward.signed_mean - expected) <= c->tolerance * -expected,
                  "l2 %g, h %g: the signed mean is %.6g, not %.6g", c->l2, h,
                  rows[0].forward.signed_mean, expected);
    /* Biases have x = 1 and no penalty; centred differences have no bias of this order. */
    expected = -h / 2 * 0.1 * 0.9;
    ck_assert_double_lt(fabs(rows[1].forward.signed_mean - expected), c->tolerance * -expected);
    ck_assert_double_lt(fabs(rows[0].centred.signed_mean), 0.01 * -expected);
}
END_TEST

/* S1's own figures: lambda = 1, all inputs. */
START_TEST(forward_differences_of_report_s1_are_met)
{
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    lam_recipe recipe = recipe_of(&networks[0], 1);
    lam_gradient_check_options options = all_in_double;
    if (lacks_doubles())
        return;
    recipe.network.layers[0].initialization =
        (lam_initialization){LAM_INITIALIZATION_CONSTANT, 1e-4};
    options.step = 1e-6;
    options.inputs = 0;
    options.entries = 600;
    check(&recipe, &options, rows);
    ck_assert_double_lt(fabs(rows[0].forward.signed_mean - -1.045e-6), 0.02e-6);
}
END_TEST

/* ---- impossible options ---- */

static void expect_refused(const lam_gradient_check_options *options, const char *part)
{
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    lam_recipe recipe = recipe_of(&networks[0], 0);
    size_t count = 77;
    ck_assert_int_eq(
        lam_check_gradients(test_device(), &recipe, get_dataset(), options, rows, &count),
        LAM_STATUS_BAD_ARGUMENT);
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
    ck_assert_uint_eq(count, 77);
}

START_TEST(impossible_options_are_refused)
{
    static const double steps[] = {-1e-5, -0.5, NAN, INFINITY, -INFINITY};
    lam_gradient_check_options options = all_in_double;
    options.use_double = false;
    options.sample_count = 0;
    expect_refused(&options, "0 samples");
    options.sample_count = TRAIN_ROWS + 1;
    expect_refused(&options, "61 samples");
    options.sample_count = UINT32_MAX;
    expect_refused(&options, "4294967295 samples");
    options.sample_count = 1;
    options.inputs = 4000;
    expect_refused(&options, "4000 inputs");
    options.inputs = LAM_IMAGE_INPUTS + 1;
    expect_refused(&options, "3073 inputs");
    options.inputs = 1;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        options.step = steps[i];
        expect_refused(&options, "step");
    }
}
END_TEST

START_TEST(limits_of_options_are_legal)
{
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    lam_recipe recipe = recipe_of(&networks[0], 0);
    lam_gradient_check_options options = {.sample_count = 1, .inputs = 1, .seed = 3};
    ck_assert_uint_eq(check(&recipe, &options, rows), 2);
    ck_assert_uint_eq(rows[0].checked_count, 10);
    options.sample_count = TRAIN_ROWS;
    options.inputs = LAM_IMAGE_INPUTS;
    options.entries = 2;
    ck_assert_uint_eq(check(&recipe, &options, rows), 2);
    ck_assert_uint_eq(rows[0].entry_count, 30720);
    ck_assert_uint_eq(rows[0].checked_count, 2);
}
END_TEST

START_TEST(impossible_network_is_refused)
{
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    const lam_network network = {.layer_count = 1, .layers = {DENSE(9)}};
    lam_recipe recipe = recipe_of(&network, 0);
    size_t count = 77;
    ck_assert_int_eq(lam_check_gradients(test_device(), &recipe, get_dataset(), &all_in_double,
                                         rows, &count),
                     LAM_STATUS_BAD_RECIPE);
    ck_assert_uint_eq(count, 77);
}
END_TEST

static void add_loop(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 240);
    tcase_add_checked_fixture(test_case, NULL, test_kernels_leave);
    tcase_add_loop_test(test_case, test, 0, count);
    suite_add_tcase(suite, test_case);
}

static void add_tests(Suite *suite)
{
    add_loop(suite, "double", gradients_match_centred_differences_in_double, CASE_COUNT);
    add_loop(suite, "float", gradients_pass_in_float, 3);
    add_loop(suite, "choices", choices_of_entries_and_rows_are_heeded, 1);
    add_loop(suite, "wrong", wrong_gradients_fail, 3);
    add_loop(suite, "losses", gradients_of_every_loss_match_differences, 3);
    add_loop(suite, "bias", forward_differences_have_their_analytic_bias, BIAS_COUNT);
    add_loop(suite, "S1", forward_differences_of_report_s1_are_met, 1);
    add_loop(suite, "options", impossible_options_are_refused, 1);
    add_loop(suite, "limits", limits_of_options_are_legal, 1);
    add_loop(suite, "network", impossible_network_is_refused, 1);
}

LAM_SUITE_MAIN("gradient_check", add_tests)
