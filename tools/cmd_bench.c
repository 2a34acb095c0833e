/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const struct argp_child children[] = {
    {&device_argp, 0, NULL, 0}, {&tune_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    bench_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        share_options(state, children, &options->common);
        return 0;
    case 'n':
        options->net = argument;
        return 0;
    case 'B':
        options->batch_norm = true;
        return 0;
    case 'b':
        options->batch = (long)parse_whole(state, "--batch", argument, 1, LAM_BENCH_ROWS);
        return 0;
    case 'p':
        options->members = (long)parse_whole(state, "--members", argument, 1, 4096);
        return 0;
    case 'S':
        options->scaling = true;
        return 0;
    case 'D':
        options->common.data = argument;
        return 0;
    case 'e':
        options->epochs = (long)parse_whole(state, "--epochs", argument, 1, 1000);
        return 0;
    case 't':
        options->seconds = parse_number(state, "--seconds", argument);
        return 0;
    case 'l':
        options->limit_seconds = parse_number(state, "--limit", argument);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "bench takes no arguments, only options");
        return 0;
    case ARGP_KEY_END:
        if (options->scaling && (options->net || options->batch || options->batch_norm))
            argp_error(state, "--scaling has its own networks and batches: leave out --net, "
                              "--batch and --batch-norm");
        if (options->net)
            check_net(state, options->net, options->batch_norm);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static lam_status load_data(lam_context *context, bench_session *session)
{
    const char *data = session->options->common.data;
    const lam_data_options choice = {
        .source = data && strcmp(data, "synthetic") == 0 ? LAM_DATA_SOURCE_SYNTHETIC
                                                         : LAM_DATA_SOURCE_CIFAR10,
        .train_files = (1u << LAM_TRAIN_FILE_COUNT) - 1,
        .validation_count = LAM_TRAIN_FILE_COUNT * LAM_ROWS_PER_FILE - LAM_BENCH_ROWS};
    return data ? lam_dataset_load(context, &choice, data, &session->dataset) : LAM_STATUS_OK;
}

static lam_status measure(bench_session *session)
{
    const bench_options *options = session->options;
    lam_status status = bench_limits(session);
    if (status == LAM_STATUS_OK && options->scaling)
        return bench_scaling(session);
    if (status == LAM_STATUS_OK && !options->net)
        status = bench_products(session);
    if (status == LAM_STATUS_OK)
        status = bench_networks(session);
    return status;
}

/* Says what is missing, and prints the JSON of a session that was at least begun. */
static int conclude(bench_session *session, bool complete)
{
    if (session->left_out > 0)
        print_line(session,
                   "\n%d measurements are left out: they did not fit into the device's memory, "
                   "into %g s\n(--limit), or are much too slow",
                   session->left_out, session->options->limit_seconds);
    clear_task();
    if (!session->options->common.json)
        return EXIT_SUCCESS;
    const lam_device_info *info = lam_device_get_info(session->device);
    json_object_set_new(session->json, "lamina", json_string(lam_version()));
    json_object_set_new(session->json, "device", json_string(info->name));
    json_object_set_new(session->json, "platform", json_string(info->platform));
    json_object_set_new(session->json, "driver_version", json_string(info->driver_version));
    json_object_set_new(session->json, "complete", json_boolean(complete));
    json_object_set_new(session->json, "left_out", json_integer(session->left_out));
    return print_json(json_incref(session->json));
}

static int run(lam_context *context, const bench_options *options)
{
    bench_session session = {.options = options,
                             .json = json_object(),
                             .stop_seconds = get_seconds() + options->limit_seconds};
    int exit_status = EXIT_SUCCESS;
    lam_status status = open_device(context, &options->common, &session.device);
    if (status == LAM_STATUS_OK)
        status = load_data(context, &session);
    if (status == LAM_STATUS_OK)
        status = measure(&session);
    if (status == LAM_STATUS_OK)
        exit_status = conclude(&session, session.left_out == 0);
    else if (status == LAM_STATUS_INTERRUPTED)
        (void)conclude(&session, false); /* what was measured is kept */
    if (status != LAM_STATUS_OK)
        exit_status = report_failure(context, status);
    json_decref(session.json);
    lam_dataset_destroy(&session.dataset);
    lam_device_close(&session.device);
    return exit_status;
}

int cmd_bench(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"net", 'n', "W-W-W", 0,
         "measure this network alone: widths from inputs to outputs, ReLU between", 1},
        {"batch-norm", 'B', 0, 0,
         "batch normalization between each hidden layer and its ReLU (epsilon 1e-5, momentum "
         "0.9)",
         1},
        {"batch", 'b', "N", 0, "rows per step; default: 10, 100 and 1000", 1},
        {"members", 'p', "P", 0, "networks trained at once on the same rows; default: 1", 1},
        {"scaling", 'S', 0, 0,
         "measure 3072-W-10 over widths and batches, held to what the device could do; marks "
         "cliffs",
         1},
        {"data", 'D', "DIR", 0,
         "train on CIFAR-10's binary files, or on the built-in set `synthetic'; default: "
         "random rows",
         1},
        {"epochs", 'e', "E", 0,
         "time networks by the best of E whole epochs after one to warm up, instead of "
         "--seconds",
         2},
        {"seconds", 't', "S", 0, "length of one measurement; default: 0.5", 2},
        {"limit", 'l', "S", 0,
         "begin no measurement after so many seconds, and leave the rest out; default: 300", 2},
        {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .doc = "Measure the device's own limits, the matrix products of training by everyone "
               "who can compute them, and training steps of whole networks: seconds per epoch "
               "of 45,000 rows, useful operations, where the time goes, and how far it is from "
               "what the device could do.\v"
               "Examples:\n  lamina bench\n  lamina bench --net 3072-50-10 --batch 100\n"
               "  lamina bench --net 3072-50-10 --batch 100 --members 8 --json\n"
               "  lamina bench --net 3072-50-50-10 --batch 100 --batch-norm\n"
               "  lamina bench --scaling",
        .children = children};
    bench_options options = {
        .common = common_options_start(), .members = 1, .seconds = 0.5, .limit_seconds = 300};
    options.common.data = NULL; /* random rows unless asked otherwise */
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
