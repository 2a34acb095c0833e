/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { MAX_CELLS = 16, OPTION_STEP = 256, OPTION_SAVE };

typedef struct sample_choice {
    bool random;
    uint32_t count;
} sample_choice;

/* Every choice of samples is checked with every seed. */
typedef struct check_options {
    common_options common;
    sample_choice samples[MAX_CELLS];
    int sample_count;
    uint64_t seeds[MAX_CELLS];
    int seed_count;
    bool use_float;
    double step;
    uint32_t inputs;
    uint64_t entries;
    const char *save; /* a path, or NULL */
} check_options;

static void parse_samples(check_options *options, struct argp_state *state, const char *text)
{
    bool is_random = strncmp(text, "random:", 7) == 0;
    const char *number = is_random ? text + 7 : strncmp(text, "first:", 6) == 0 ? text + 6 : "";
    char *end = NULL;
    long count = strtol(number, &end, 10);
    if (end == number || *end != '\0' || count < 1 || count > 50000)
        argp_error(state, "--samples %s: legal: first:N or random:N, N from 1 to 50000", text);
    if (options->sample_count == MAX_CELLS)
        argp_error(state, "--samples: at most %d choices", MAX_CELLS);
    options->samples[options->sample_count++] = (sample_choice){is_random, (uint32_t)count};
}

static void parse_seed(check_options *options, struct argp_state *state, const char *text)
{
    if (options->seed_count == MAX_CELLS)
        argp_error(state, "--seed: at most %d seeds", MAX_CELLS);
    options->seeds[options->seed_count++] =
        (uint64_t)parse_whole(state, "--seed", text, 0, INT64_MAX);
}

static void parse_precision(check_options *options, struct argp_state *state, const char *text)
{
    options->use_float = strcmp(text, "float") == 0;
    if (!options->use_float && strcmp(text, "double") != 0)
        argp_error(state, "--precision %s: legal: double or float", text);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    check_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, training_children, &options->common);
        return 0;
    case 'n':
        parse_samples(options, state, argument);
        return 0;
    case 'S':
        parse_seed(options, state, argument);
        return 0;
    case OPTION_STEP:
        options->step = parse_number(state, "--step", argument);
        return 0;
    case 'p':
        parse_precision(options, state, argument);
        return 0;
    case 'i':
        options->inputs =
            (uint32_t)parse_whole(state, "--inputs", argument, 1, LAM_IMAGE_INPUTS);
        return 0;
    case 'e':
        options->entries =
            strcmp(argument, "all") == 0
                ? 0
                : (uint64_t)parse_whole(state, "--entries", argument, 1, INT32_MAX);
        return 0;
    case OPTION_SAVE:
        options->save = argument;
        return 0;
    case ARGP_KEY_END:
        require_recipe(state, &options->common);
        if (options->save && (options->sample_count != 1 || options->seed_count != 1))
            argp_error(state, "--save keeps one check: give --samples and --seed once each, "
                              "e.g. --samples first:20 --seed 42");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The matrix that the published reports checked. */
static void fill_defaults(check_options *options)
{
    if (options->sample_count == 0) {
        options->samples[0] = (sample_choice){false, 20};
        options->samples[1] = (sample_choice){true, 20};
        options->sample_count = 2;
    }
    if (options->seed_count == 0) {
        options->seeds[0] = 42;
        options->seeds[1] = 400;
        options->seed_count = 2;
    }
}

static void print_difference(int width, const char *tensor, const char *kind,
                             const lam_gradient_difference *d, const char *checked,
                             const char *verdict)
{
    printf("%-*s %-8s %10.3e %10.3e %+10.3e %10.3e %10.3e  %-15s %s\n", width, tensor, kind,
           d->maximum, d->mean, d->signed_mean, d->norm_relative, d->max_relative, checked,
           verdict);
}

/* Of the column of names. */
static int find_name_width(const lam_gradient_row *rows, size_t count)
{
    size_t width = 15;
    for (size_t i = 0; i < count; i++)
        width = strlen(rows[i].tensor) > width ? strlen(rows[i].tensor) : width;
    return (int)width;
}

static void print_rows(const check_options *options, sample_choice samples, uint64_t seed,
                       const lam_gradient_row *rows, size_t count)
{
    printf("%s %u samples, seed %" PRIu64 ", %s precision\n",
           samples.random ? "random" : "first", samples.count, seed,
           options->use_float ? "float" : "double");
    int width = find_name_width(rows, count);
    printf("%-*s %-8s %10s %10s %10s %10s %10s  %-15s %s\n", width, "tensor", "numeric",
           "max|d|", "mean|d|", "mean d", "norm rel", "max rel", "entries", "verdict");
    for (size_t i = 0; i < count; i++) {
        char checked[48];
        snprintf(checked, sizeof checked, "%" PRIu64 "/%" PRIu64, rows[i].checked_count,
                 rows[i].entry_count);
        print_difference(width, rows[i].tensor, "centred", &rows[i].centred, checked,
                         rows[i].passed ? "ok" : "FAIL");
        print_difference(width, "", "forward", &rows[i].forward, "", "");
    }
    putchar('\n');
}

static json_t *difference_to_json(const lam_gradient_difference *d)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "max_abs", d->maximum, "mean_abs", d->mean,
                     "signed_mean", d->signed_mean, "norm_relative", d->norm_relative,
                     "max_relative", d->max_relative);
}

static json_t *rows_to_json(sample_choice samples, uint64_t seed, const lam_gradient_row *rows,
                            size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            array, json_pack("{s:s, s:I, s:I, s:o, s:o, s:b}", "tensor", rows[i].tensor,
                             "entries", (json_int_t)rows[i].entry_count, "checked",
                             (json_int_t)rows[i].checked_count, "centred",
                             difference_to_json(&rows[i].centred), "forward",
                             difference_to_json(&rows[i].forward), "passed", rows[i].passed));
    return json_pack("{s:s, s:i, s:I, s:o}", "samples", samples.random ? "random" : "first",
                     "count", (int)samples.count, "seed", (json_int_t)seed, "tensors", array);
}

/* One cell of the matrix: printed, or appended to `cells`. */
static lam_status check_cell(lam_device *device, const lam_recipe *recipe,
                             const lam_dataset *dataset, const check_options *options,
                             sample_choice samples, uint64_t seed, json_t *cells,
                             bool *all_passed)
{
    lam_gradient_row rows[LAM_MAX_GRADIENT_ROWS];
    size_t count = 0;
    const lam_gradient_check_options check = {.use_double = !options->use_float,
                                              .random_samples = samples.random,
                                              .sample_count = samples.count,
                                              .seed = seed,
                                              .step = options->step,
                                              .inputs = options->inputs,
                                              .entries = options->entries,
                                              .gemm = options->common.gemm,
                                              .save_path = options->save};
    lam_status status = lam_check_gradients(device, recipe, dataset, &check, rows, &count);
    if (status != LAM_STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        *all_passed = *all_passed && rows[i].passed;
    if (options->common.json)
        json_array_append_new(cells, rows_to_json(samples, seed, rows, count));
    else
        print_rows(options, samples, seed, rows, count);
    return LAM_STATUS_OK;
}

static lam_status check_matrix(lam_device *device, const lam_recipe *recipe,
                               const lam_dataset *dataset, const check_options *options,
                               json_t *cells, bool *all_passed)
{
    for (int s = 0; s < options->seed_count; s++)
        for (int n = 0; n < options->sample_count; n++) {
            lam_status status =
                check_cell(device, recipe, dataset, options, options->samples[n],
                           options->seeds[s], cells, all_passed);
            if (status != LAM_STATUS_OK)
                return status;
        }
    return LAM_STATUS_OK;
}

static int run(lam_context *context, check_options *options)
{
    lam_recipe recipe;
    lam_dataset *dataset = NULL;
    lam_device *device = NULL;
    bool all_passed = true;
    json_t *cells = json_array();
    lam_status status = load_recipe(context, &options->common, &recipe);
    if (status == LAM_STATUS_OK)
        status = open_device(context, &options->common, &device);
    if (status == LAM_STATUS_OK) {
        const char *data = settle_data(&options->common, &recipe);
        status = lam_dataset_load(context, &recipe.data, data, &dataset);
    }
    if (status == LAM_STATUS_OK && !options->use_float &&
        !lam_device_get_info(device)->has_fp64) {
        fprintf(stderr, "this device has no double precision: checking in float, with looser "
                        "bounds\n");
        options->use_float = true;
    }
    if (status == LAM_STATUS_OK)
        status = check_matrix(device, &recipe, dataset, options, cells, &all_passed);
    lam_device_close(&device);
    lam_dataset_destroy(&dataset);
    if (status == LAM_STATUS_OK && options->common.json)
        print_json(json_pack("{s:b, s:o}", "passed", all_passed, "checks", cells));
    else
        json_decref(cells);
    if (status != LAM_STATUS_OK)
        return report_failure(context, status);
    if (!all_passed)
        fprintf(stderr, "lamina: gradients differ by more than their bounds\n");
    return all_passed ? EXIT_SUCCESS : lam_status_exit_code(LAM_STATUS_CHECK_FAILED);
}

int cmd_check_gradients(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"samples", 'n', "first:N|random:N", 0,
         "training rows in the cost; may be repeated; default: first:20 and random:20", 1},
        {"seed", 'S', "SEED", 0,
         "seed of weights and random choices; may be repeated; default: 42 and 400", 1},
        {"step", OPTION_STEP, "H", 0, "difference step; default: 1e-5 in double, 1e-3 in float",
         1},
        {"precision", 'p', "double|float", 0, "default: double where the device has it", 1},
        {"inputs", 'i', "N", 0, "keep only the first N inputs, for a reduced problem", 1},
        {"entries", 'e', "N|all", 0,
         "entries checked per tensor, drawn at random; default: 1000", 1},
        {"save", OPTION_SAVE, "FILE", 0,
         "write inputs, labels, parameters, their analytic gradients, dropout's factors, loss "
         "and cost to FILE in the safetensors format, as doubles; for one --samples and --seed",
         1},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .args_doc = "RECIPE",
        .doc =
            "Compare analytic gradients with centred and forward differences. Exit status 1 "
            "if any tensor fails: norm-wise relative error above 1e-7 (centred) or 1e-3 "
            "(forward) in double, 5e-2 and 0.1 in float.\v"
            "Examples:\n  lamina check-gradients results/a2-fig3/recipe.yaml\n"
            "  lamina check-gradients results/a1-config3/recipe.yaml --samples first:1 \\\n"
            "      --set l2=0\n"
            "  lamina check-gradients results/a2-fig3/recipe.yaml --inputs 20 --entries all\n"
            "  lamina check-gradients results/a2-fig3/recipe.yaml --samples first:20 \\\n"
            "      --seed 42 --save gradients.safetensors\n"
            "and in Python: t = safetensors.numpy.load_file(\"gradients.safetensors\") has\n"
            "t[\"inputs\"], t[\"layer1.weight\"], t[\"gradient.layer1.weight\"] ..",
        .children = training_children};
    check_options options = {.common = common_options_start(), .entries = 1000};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    fill_defaults(&options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
