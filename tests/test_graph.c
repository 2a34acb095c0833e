/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "net/graph.h"
#include "support/device_fixture.h"
#include "support/suite.h"

static const lam_layer relu = {.type = LAM_LAYER_TYPE_RELU};
static const lam_layer sigmoid = {.type = LAM_LAYER_TYPE_SIGMOID};

static lam_layer dense(int width)
{
    return (lam_layer){.type = LAM_LAYER_TYPE_DENSE, .width = width};
}

static lam_network network_of(const lam_layer *layers, int count)
{
    lam_network network = {.layer_count = count};
    memcpy(network.layers, layers, (size_t)count * sizeof *layers);
    return network;
}

static lam_graph build(const lam_layer *layers, int count, size_t inputs)
{
    lam_network network = network_of(layers, count);
    lam_graph graph;
    ck_assert_ok(lam_graph_build(test_context(), &network, inputs, 10, &graph));
    return graph;
}

static void expect_unit(const lam_graph *graph, int unit, size_t in, size_t out,
                        lam_activation activation)
{
    ck_assert_uint_eq(graph->units[unit].in, in);
    ck_assert_uint_eq(graph->units[unit].out, out);
    ck_assert_int_eq(graph->units[unit].activation, activation);
}

START_TEST(one_layer_is_one_unit)
{
    const lam_layer layers[] = {dense(10)};
    lam_graph graph = build(layers, 1, 3072);
    ck_assert_int_eq(graph.unit_count, 1);
    expect_unit(&graph, 0, 3072, 10, LAM_ACTIVATION_NONE);
    ck_assert_uint_eq(lam_graph_get_parameter_count(&graph), 30730);
}
END_TEST

START_TEST(the_loss_goes_along)
{
    const lam_layer layers[] = {dense(10)};
    lam_network network = network_of(layers, 1);
    lam_graph graph;
    network.loss = LAM_LOSS_BINARY_CROSS_ENTROPY;
    network.label_smoothing = 0.25;
    ck_assert_ok(lam_graph_build(test_context(), &network, 3072, 10, &graph));
    ck_assert_int_eq(graph.loss, LAM_LOSS_BINARY_CROSS_ENTROPY);
    ck_assert_double_eq(graph.label_smoothing, 0.25);
}
END_TEST

START_TEST(activations_fold_into_the_dense_layer_before)
{
    const lam_layer layers[] = {dense(50), relu,      dense(7), dense(1),
                                sigmoid,   dense(33), sigmoid,  dense(10)};
    lam_graph graph = build(layers, 8, 48);
    ck_assert_int_eq(graph.unit_count, 5);
    expect_unit(&graph, 0, 48, 50, LAM_ACTIVATION_RELU);
    expect_unit(&graph, 1, 50, 7, LAM_ACTIVATION_NONE);
    expect_unit(&graph, 2, 7, 1, LAM_ACTIVATION_SIGMOID);
    expect_unit(&graph, 3, 1, 33, LAM_ACTIVATION_SIGMOID);
    expect_unit(&graph, 4, 33, 10, LAM_ACTIVATION_NONE);
    ck_assert_uint_eq(lam_graph_get_parameter_count(&graph),
                      48 * 50 + 50 + 50 * 7 + 7 + 7 + 1 + 33 + 33 + 33 * 10 + 10);
}
END_TEST

START_TEST(units_keep_their_initialization)
{
    lam_layer layers[] = {dense(4), relu, dense(10)};
    layers[0].initialization = (lam_initialization){LAM_INITIALIZATION_CONSTANT, 0.25};
    layers[2].initialization = (lam_initialization){LAM_INITIALIZATION_GLOROT, 0};
    lam_graph graph = build(layers, 3, 5);
    ck_assert_int_eq(graph.units[0].initialization.type, LAM_INITIALIZATION_CONSTANT);
    ck_assert_double_eq(graph.units[0].initialization.sigma, 0.25);
    ck_assert_int_eq(graph.units[1].initialization.type, LAM_INITIALIZATION_GLOROT);
}
END_TEST

START_TEST(limits_themselves_are_legal)
{
    lam_layer layers[LAM_MAX_LAYERS];
    for (int i = 0; i < LAM_MAX_LAYERS; i++)
        layers[i] = dense(i + 1 == LAM_MAX_LAYERS ? 10 : 1);
    layers[0].width = LAM_MAX_WIDTH;
    lam_graph graph = build(layers, LAM_MAX_LAYERS, 3072);
    ck_assert_int_eq(graph.unit_count, LAM_MAX_LAYERS);
    ck_assert_uint_eq(lam_graph_get_parameter_count(&graph), 3073 * (size_t)LAM_MAX_WIDTH +
                                                                 LAM_MAX_WIDTH + 1 +
                                                                 (LAM_MAX_LAYERS - 3) * 2 + 20);
}
END_TEST

START_TEST(what_follows_a_dense_layer_folds_into_it)
{
    const lam_layer norm = {
        .type = LAM_LAYER_TYPE_BATCH_NORM, .epsilon = 1e-3, .momentum = 0.75};
    const lam_layer named_relu = {.type = LAM_LAYER_TYPE_RELU, .name = "first"};
    const lam_layer add = {.type = LAM_LAYER_TYPE_ADD, .from = "first"};
    const lam_layer dropout = {.type = LAM_LAYER_TYPE_DROPOUT, .rate = 0.25};
    const lam_layer layers[] = {dense(20), norm, named_relu, dense(30), dense(20),
                                add,       relu, norm,       dropout,   dense(10)};
    lam_graph graph = build(layers, 10, 48);
    const lam_graph_unit *units = graph.units;
    ck_assert_int_eq(graph.unit_count, 4);
    expect_unit(&graph, 0, 48, 20, LAM_ACTIVATION_RELU);
    expect_unit(&graph, 1, 20, 30, LAM_ACTIVATION_NONE);
    expect_unit(&graph, 2, 30, 20, LAM_ACTIVATION_RELU);
    ck_assert_int_eq(units[0].norm, LAM_NORM_PLACE_BEFORE);
    ck_assert_int_eq(units[1].norm, LAM_NORM_PLACE_NONE);
    ck_assert_int_eq(units[2].norm, LAM_NORM_PLACE_AFTER);
    ck_assert_double_eq(units[2].epsilon, 1e-3);
    ck_assert_double_eq(units[2].momentum, 0.75);
    ck_assert(units[0].feeds_skip && !units[0].has_skip);
    ck_assert(units[2].has_skip && !units[2].feeds_skip);
    ck_assert_int_eq(units[2].skip_from, 0);
    ck_assert(!units[0].has_dropout && units[2].has_dropout);
    ck_assert_double_eq(units[2].dropout_rate, 0.25);
}
END_TEST

/* `count` layers, and what the refusal of them must say. */
typedef struct bad_case {
    int count;
    lam_layer layers[5];
    const char *part;
} bad_case;

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

#define NORM(e, m)                                                                             \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_BATCH_NORM, .epsilon = (e), .momentum = (m)                     \
    }
#define DROPOUT(r)                                                                             \
    {                                                                                          \
        .type = LAM_LAYER_TYPE_DROPOUT, .rate = (r)                                            \
    }

/* What no recipe can say, besides its order: the other faults are cases of
 * test_recipe_layers.c. */
static const bad_case bad_cases[] = {
    {0, {DENSE(10)}, "0 layers"},
    {-1, {DENSE(10)}, "-1 layers"},
    {LAM_MAX_LAYERS + 1, {DENSE(10)}, "65 layers"},
    {1, {RELU}, "layers[0]: the first layer must be dense"},
    {2, {SIGMOID, DENSE(10)}, "layers[0]: the first"},
    {4, {DENSE(5), RELU, RELU, DENSE(10)}, "layers[2]: relu cannot follow relu"},
    {5,
     {DENSE(5), DENSE(5), SIGMOID, RELU, DENSE(10)},
     "layers[3]: relu cannot follow sigmoid"},
    {1, {DENSE(0)}, "width 0"},
    {3, {DENSE(5), RELU, DENSE(-3)}, "layers[2]: has width -3"},
    {2, {DENSE(LAM_MAX_WIDTH + 1), DENSE(10)}, "layers[0]: has width 65537"},
    {1, {DENSE(9)}, "has width 9, but needs one output for each of the 10"},
    {1, {DENSE(11)}, "has width 11"},
    {2, {DENSE(10), RELU}, "last layer"},
    {2, {DENSE(10), SIGMOID}, "last layer"},
    {3, {DENSE(10), RELU, DENSE(7)}, "last layer"},
    {3, {DENSE(5), NORM(0, 0.9), DENSE(10)}, "layers[1]: has epsilon 0; legal: above 0"},
    {3, {DENSE(5), NORM(NAN, 0.9), DENSE(10)}, "layers[1]: has epsilon nan"},
    {3,
     {DENSE(5), NORM(1, 1), DENSE(10)},
     "layers[1]: has momentum 1; legal: from 0 to below 1"},
    {3, {DENSE(5), NORM(1, NAN), DENSE(10)}, "layers[1]: has momentum nan"},
    {3, {DENSE(5), DROPOUT(1), DENSE(10)}, "layers[1]: has rate 1; legal: from 0 to below 1"},
    {3, {DENSE(5), DROPOUT(NAN), DENSE(10)}, "layers[1]: has rate nan"},
    {2, {{.type = (lam_layer_type)99}, DENSE(10)}, "layers[0]: holds no type of layer"},
    {2,
     {{.name = "a name of thirty-two characters.", .width = 5}, DENSE(10)},
     "layers[0]: has a name of more than 31 bytes"},
};

START_TEST(impossible_networks_are_refused)
{
    const bad_case *c = &bad_cases[_i];
    lam_network network = {.layer_count = c->count};
    lam_graph graph, untouched;
    memcpy(network.layers, c->layers, sizeof c->layers);
    memset(&graph, 0x5a, sizeof graph);
    memcpy(&untouched, &graph, sizeof graph);
    ck_assert_int_eq(lam_graph_build(test_context(), &network, 20, 10, &graph),
                     LAM_STATUS_BAD_RECIPE);
    const char *message = lam_error_message(test_context());
    ck_assert_msg(strstr(message, c->part), "no '%s' in: %s", c->part, message);
    ck_assert_mem_eq(&graph, &untouched, sizeof graph);
}
END_TEST

static void add_tests(Suite *suite)
{
    lam_add_test(suite, "one layer", one_layer_is_one_unit, 5);
    lam_add_test(suite, "loss", the_loss_goes_along, 5);
    lam_add_test(suite, "folding", activations_fold_into_the_dense_layer_before, 5);
    lam_add_test(suite, "all folding", what_follows_a_dense_layer_folds_into_it, 5);
    lam_add_test(suite, "initialization", units_keep_their_initialization, 5);
    lam_add_test(suite, "limits", limits_themselves_are_legal, 5);
    TCase *bad = tcase_create("impossible");
    tcase_add_loop_test(bad, impossible_networks_are_refused, 0,
                        sizeof bad_cases / sizeof bad_cases[0]);
    suite_add_tcase(suite, bad);
}

LAM_SUITE_MAIN("graph", add_tests)
