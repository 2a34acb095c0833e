/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "search.h"

typedef struct bench_options {
    common_options common;
    size_t most;
} bench_options;

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    bench_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, training_children, &options->common);
        return 0;
    case 'm':
        options->most = (size_t)parse_whole(state, "--most", argument, 1, 4096);
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The rows as they come, or what is printed in the end. */
typedef struct bench_rows {
    json_t *json; /* NULL: printed as they come */
    double first; /* models per second of one network */
} bench_rows;

static void take_speed(void *user, const lam_population_speed *speed)
{
    bench_rows *rows = user;
    if (speed->members == 1)
        rows->first = speed->models_per_second;
    double ratio = rows->first > 0 ? speed->models_per_second / rows->first : 0;
    if (rows->json) {
        json_array_append_new(json_object_get(rows->json, "sizes"),
                              json_pack("{s:I, s:f, s:f}", "members",
                                        (json_int_t)speed->members, "models_per_second",
                                        speed->models_per_second, "ratio_to_one", ratio));
        return;
    }
    printf("%12zu %14.4g %12.2f\n", speed->members, speed->models_per_second, ratio);
    fflush(stdout);
}

static void note_what(bench_rows *rows, const lam_device *device, const lam_recipe *recipe)
{
    if (!rows->json) {
        printf("%12s %14s %12s\n", "side by side", "models/s", "x of one");
        return;
    }
    json_object_set_new(rows->json, "recipe", json_string(recipe->name));
    json_object_set_new(rows->json, "device", json_string(lam_device_get_info(device)->name));
    json_object_set_new(rows->json, "lamina", json_string(lam_version()));
    json_object_set_new(rows->json, "sizes", json_array());
}

static int print_knee(bench_rows *rows, size_t knee)
{
    if (rows->json) {
        json_object_set_new(rows->json, "knee", json_integer((json_int_t)knee));
        return print_json(json_incref(rows->json));
    }
    printf("knee: %zu side by side\n", knee);
    return EXIT_SUCCESS;
}

static lam_status measure(lam_context *context, const bench_options *options,
                          lam_recipe *recipe, bench_rows *rows, size_t *ret_knee)
{
    lam_device *device = NULL;
    lam_dataset *dataset = NULL;
    const char *data = settle_data(&options->common, recipe);
    lam_status status = open_device(context, &options->common, &device);
    if (status == LAM_STATUS_OK)
        status = lam_dataset_load(context, &recipe->data, data, &dataset);
    if (status == LAM_STATUS_OK)
        note_what(rows, device, recipe);
    if (status == LAM_STATUS_OK)
        status = lam_search_measure_speeds(device, recipe, dataset, options->common.gemm,
                                           options->most, take_speed, rows, ret_knee);
    lam_device_close(&device);
    lam_dataset_destroy(&dataset);
    return status;
}

static int run(lam_context *context, const bench_options *options)
{
    lam_recipe recipe;
    size_t knee = 0;
    bench_rows rows = {.json = options->common.json ? json_object() : NULL};
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status == LAM_STATUS_OK)
        status = measure(context, options, &recipe, &rows, &knee);
    int exit_status =
        status == LAM_STATUS_OK ? print_knee(&rows, knee) : report_failure(context, status);
    json_decref(rows.json);
    return exit_status;
}

int search_bench(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"most", 'm', "P", 0, "networks side by side at most; default: 64", 1}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RECIPE",
        .doc = "Measure how many networks of a recipe a device trains per second when 1, 2, 4, "
               ".. of them are trained side by side, by real training steps. The knee is the "
               "fewest that come within 3 % of the fastest: what a search takes.\v"
               "Examples:\n"
               "  lamina search bench results/a2-search/recipe.yaml\n"
               "  lamina search bench results/a3-9layer-bn/recipe.yaml --most 16 --json",
        .children = training_children};
    bench_options options = {.common = common_options_start(), .most = 64};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
