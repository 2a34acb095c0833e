/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

typedef struct tune_options {
    common_options common;
    const char *net;
    long batch, members;
    bool show, clear;
} tune_options;

static void check_usage(const tune_options *options, struct argp_state *state)
{
    bool has_subject = options->common.recipe || options->net;
    if (options->common.recipe && options->net)
        argp_error(state, "RECIPE and --net exclude each other");
    if (options->show && (has_subject || options->clear))
        argp_error(state, "--show stands by itself: it shows all that is known of the device");
    if (!has_subject && !options->show && !options->clear)
        argp_error(state, "name a RECIPE, e.g. results/a2-fig4/recipe.yaml, or a network, e.g. "
                          "--net 3072-50-10");
}

static const struct argp_child children[] = {
    {&device_argp, 0, NULL, 0}, {&recipe_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    tune_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        return 0;
    case 'n':
        check_net(state, argument, false);
        options->net = argument;
        return 0;
    case 'b':
        options->batch = (long)parse_whole(state, "--batch", argument, 1, 45000);
        return 0;
    case 'p':
        options->members = (long)parse_whole(state, "--members", argument, 1, 4096);
        return 0;
    case 'S':
        options->show = true;
        return 0;
    case 'c':
        options->clear = true;
        return 0;
    case ARGP_KEY_END:
        check_usage(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- the table ---- */

static double get_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "registers VEC=16 TILE_ROWS=7 .." without what all ways have in common. */
static void print_way(const json_t *way)
{
    char text[128];
    const char *name = NULL;
    json_t *value = NULL;
    int length = snprintf(text, sizeof text, "%s", get_text(way, "family"));
    json_object_foreach(json_object_get(way, "defines"), name,
                        value) if (strcmp(name, "REAL_BITS") != 0 && length < (int)sizeof text)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           " %s=%" JSON_INTEGER_FORMAT, name, json_integer_value(value));
    printf("%-72s", text);
}

static double count_operations(const json_t *product)
{
    return 2 * get_real(product, "rows") * get_real(product, "in") * get_real(product, "out") *
           get_real(product, "members");
}

/* `peak` in operations per second; 0 where it was not measured. */
static void print_candidate(const json_t *product, const json_t *candidate, double peak)
{
    double seconds = get_real(candidate, "seconds");
    bool is_chosen =
        json_equal(json_object_get(candidate, "family"), json_object_get(product, "family")) &&
        json_equal(json_object_get(candidate, "defines"), json_object_get(product, "defines"));
    printf("  %c ", is_chosen ? '*' : ' ');
    print_way(candidate);
    if (seconds > 0)
        printf(" %11.1f us", 1e6 * seconds);
    if (seconds > 0 && peak > 0)
        printf(" %5.1f %%", 100 * count_operations(product) / seconds / peak);
    if (*get_text(candidate, "rejected"))
        printf("  rejected: %s", get_text(candidate, "rejected"));
    putchar('\n');
}

static void print_product(const json_t *product, double peak)
{
    size_t index = 0;
    json_t *candidate = NULL;
    const json_t *candidates = json_object_get(product, "candidates");
    printf("%s %.0f x %.0f x %.0f, %.0f member%s, %s, %s%s%s\n", get_text(product, "product"),
           get_real(product, "rows"), get_real(product, "in"), get_real(product, "out"),
           get_real(product, "members"), get_real(product, "members") > 1 ? "s" : "",
           json_is_true(json_object_get(product, "gathers")) ? "bytes" : "reals",
           get_text(product, "precision"), *get_text(product, "date") ? ", measured " : "",
           get_text(product, "date"));
    json_array_foreach(candidates, index, candidate) print_candidate(product, candidate, peak);
    if (!candidates) {
        printf("  * ");
        print_way(product);
        printf("   not measured\n");
    }
}

static void print_report(const json_t *report, double peak)
{
    size_t index = 0;
    json_t *product = NULL;
    const json_t *products = json_object_get(report, "products");
    json_array_foreach(products, index, product) print_product(product, peak);
    if (json_array_size(products) == 0)
        printf("nothing is known of this device yet\n");
    else
        printf("* chosen%s\n", peak > 0 ? "; share of the device's FMA peak" : "");
    printf("file: %s\n", get_text(report, "file"));
}

/* ---- running ---- */

static lam_status print_choices(const lam_device *device, const tune_options *options,
                                double peak)
{
    char *text = NULL;
    lam_status status = lam_tune_report(device, options->show, &text);
    if (status != LAM_STATUS_OK)
        return status;
    json_t *report = json_loads(text, 0, NULL);
    free(text);
    if (options->common.json && peak > 0)
        json_object_set_new(report, "fma_gflops", json_real(1e-9 * peak));
    if (options->common.json)
        print_json(json_incref(report));
    else
        print_report(report, peak);
    json_decref(report);
    return LAM_STATUS_OK;
}

static lam_status tune_subject(lam_context *context, lam_device *device,
                               const tune_options *options)
{
    const common_options *common = &options->common;
    net_shape shape = {0};
    lam_recipe recipe;
    if (options->net && parse_net(options->net, false, &shape))
        return lam_tune_network(device, &shape.network, shape.inputs, (size_t)options->batch,
                                (size_t)options->members, common->gemm);
    lam_status status = load_recipe(context, common, &recipe);
    return status == LAM_STATUS_OK ? lam_tune_recipe(device, &recipe, common->gemm) : status;
}

/* Without a subject there is nothing to measure. */
static lam_status tune(lam_context *context, lam_device *device, const tune_options *options)
{
    bool measures = options->common.recipe || options->net;
    lam_device_limits limits = {0};
    lam_status status = start_tuning(device, &options->common,
                                     measures ? LAM_TUNE_POLICY_FULL : LAM_TUNE_POLICY_AUTO, 0);
    if (status == LAM_STATUS_OK && options->clear)
        status = lam_tune_clear(device);
    if (status == LAM_STATUS_OK && measures)
        status = tune_subject(context, device, options);
    if (status == LAM_STATUS_OK && measures)
        status = lam_bench_limits(device, &limits);
    if (status == LAM_STATUS_OK && (measures || options->show))
        status = print_choices(device, options, 1e9 * limits.fma_gflops);
    return status;
}

static int run(lam_context *context, tune_options *options)
{
    lam_device *device = NULL;
    options->common.tune = "off"; /* until it is known what to do */
    lam_status status = open_device(context, &options->common, &device);
    if (status == LAM_STATUS_OK)
        status = tune(context, device, options);
    lam_device_close(&device);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}

int cmd_tune(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"net", 'n', "W-W-W", 0,
         "a network in place of a recipe: widths from inputs to outputs, ReLU between", 1},
        {"batch", 'b', "N", 0, "rows per step with --net; default: 100", 1},
        {"members", 'p', "P", 0, "networks trained at once, with --net; default: 1", 1},
        {"show", 'S', 0, 0, "print what is known of the device, without measuring", 1},
        {"clear", 'c', 0, 0, "forget what is known of the device, first or only", 1},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "[RECIPE]",
        .doc = "Measure, for each matrix product of a recipe's training and evaluation, every "
               "way to compute it, and keep the fastest one whose numbers are right for the "
               "commands that train, evaluate, check and benchmark. They do it by themselves "
               "(--tune auto), but not for products that are too small to matter, and for 20 s "
               "at most.\v"
               "Choices are kept in $XDG_CACHE_HOME/lamina, else in ~/.cache/lamina.\n\n"
               "Examples:\n  lamina tune results/a2-fig4/recipe.yaml\n"
               "  lamina tune --net 3072-512-512-10 --batch 128\n"
               "  lamina tune --show\n"
               "  lamina tune --clear results/a2-fig4/recipe.yaml --json",
        .children = children};
    tune_options options = {.common = common_options_start(), .batch = 100, .members = 1};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
