/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

typedef struct bench_options {
    common_options common;
    const char *net; /* NULL: everything */
    long batch;      /* 0: the usual ones */
    long members;
} bench_options;

/* A network as its widths, inputs first; ReLU between dense layers. */
typedef struct net_shape {
    size_t inputs;
    lam_network network;
} net_shape;

static const char *const standard_nets[] = {
    "3072-10",         "3072-50-10",        "3072-50-50-10", "3072-50-30-20-20-10-10-10-10-10",
    "3072-512-512-10", "3072-2048-2048-10",
};
static const long standard_batches[] = {10, 100, 1000};

/* Products that training does, small to large; the first ones gather their rows. */
static const lam_product_shape standard_shapes[] = {
    {100, 3072, 10, 1, true},    {100, 3072, 50, 1, true},   {128, 3072, 512, 1, true},
    {10, 10, 10, 1, false},      {100, 50, 10, 1, false},    {100, 50, 50, 1, false},
    {100, 512, 512, 1, false},   {1000, 512, 512, 1, false}, {100, 2048, 2048, 1, false},
    {512, 4096, 4096, 1, false},
};
static const lam_gemm candidates[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool parse_net(const char *text, net_shape *ret_shape)
{
    net_shape shape = {0};
    char *end = NULL;
    for (const char *at = text;; at = end + 1) {
        long width = strtol(at, &end, 10);
        if (end == at || width < 1 || width > LAM_MAX_WIDTH ||
            shape.network.layer_count + 2 > LAM_MAX_LAYERS)
            return false;
        if (shape.inputs == 0) {
            shape.inputs = (size_t)width;
        } else {
            if (shape.network.layer_count > 0)
                shape.network.layers[shape.network.layer_count++].type = LAM_LAYER_TYPE_RELU;
            shape.network.layers[shape.network.layer_count++] =
                (lam_layer){.type = LAM_LAYER_TYPE_DENSE, .width = (int)width};
        }
        if (*end == '\0')
            break;
        if (*end != '-')
            return false;
    }
    if (shape.network.layer_count == 0)
        return false;
    *ret_shape = shape;
    return true;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    bench_options *options = state->input;
    net_shape checked;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &options->common;
        return 0;
    case 'n':
        if (!parse_net(argument, &checked))
            argp_error(state, "--net %s: legal: widths from inputs to outputs, e.g. 3072-50-10",
                       argument);
        options->net = argument;
        return 0;
    case 'b':
        options->batch = (long)parse_whole(state, "--batch", argument, 1, 45000);
        return 0;
    case 'p':
        options->members = (long)parse_whole(state, "--members", argument, 1, 4096);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "bench takes no arguments, only options");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* One session: results go to the screen as they come, and into `json`. */
typedef struct bench_session {
    lam_device *device;
    const bench_options *options;
    lam_device_limits limits;
    json_t *json;
} bench_session;

static void print_line(const bench_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print_line(const bench_session *session, const char *format, ...)
{
    if (session->options->common.json)
        return;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static lam_status bench_limits(bench_session *session)
{
    lam_device_limits *l = &session->limits;
    lam_status status = lam_bench_limits(session->device, l);
    if (status != LAM_STATUS_OK)
        return status;
    print_line(session,
               "FMA peak %.1f GFLOP/s, copy %.1f GB/s, launch %.2f us, round trip %.2f us",
               l->fma_gflops, l->copy_gbytes, l->launch_us, l->round_trip_us);
    json_object_set_new(session->json, "limits",
                        json_pack("{s:f, s:f, s:f, s:f}", "fma_gflops", l->fma_gflops,
                                  "copy_gbytes_per_second", l->copy_gbytes, "launch_us",
                                  l->launch_us, "round_trip_us", l->round_trip_us));
    return LAM_STATUS_OK;
}

static lam_status bench_product(bench_session *session, lam_product product,
                                const lam_product_shape *s, json_t *rows)
{
    char text[128];
    int length =
        snprintf(text, sizeof text, "%-16s %4zu x %4zu x %4zu %s", lam_product_name(product),
                 s->rows, s->in, s->out, s->gathers ? "bytes " : "floats");
    json_t *row =
        json_pack("{s:s, s:i, s:i, s:i, s:b}", "product", lam_product_name(product), "rows",
                  (int)s->rows, "in", (int)s->in, "out", (int)s->out, "gathers", s->gathers);
    for (size_t c = 0; c < COUNT(candidates); c++) {
        double seconds = 0;
        lam_status status =
            lam_bench_product(session->device, product, s, candidates[c], &seconds);
        if (status != LAM_STATUS_OK) {
            json_decref(row);
            return status;
        }
        double gflops = 2e-9 * (double)s->rows * (double)s->in * (double)s->out / seconds;
        length += snprintf(text + length, sizeof text - (size_t)length, "  %7.1f (%3.0f %%)",
                           gflops, 100 * gflops / session->limits.fma_gflops);
        json_object_set_new(row, lam_gemm_name(candidates[c]), json_real(gflops));
    }
    json_array_append_new(rows, row);
    print_line(session, "%s", text);
    return LAM_STATUS_OK;
}

static lam_status bench_products(bench_session *session)
{
    json_t *rows = json_array();
    json_object_set_new(session->json, "products_gflops", rows);
    print_line(session, "\n%-16s %18s %s  %15s  %15s  %15s  (GFLOP/s, share of peak)",
               "product", "rows x in x out", "input ", "registers", "tiles", "clblast");
    for (size_t i = 0; i < COUNT(standard_shapes); i++)
        for (int product = 0; product < LAM_PRODUCT_COUNT; product++) {
            if (product == LAM_PRODUCT_BACKWARD_INPUT && standard_shapes[i].gathers)
                continue;
            lam_status status =
                bench_product(session, (lam_product)product, &standard_shapes[i], rows);
            if (status != LAM_STATUS_OK)
                return status;
        }
    return LAM_STATUS_OK;
}

static json_t *network_to_json(const char *net, long batch, long members,
                               const lam_network_time *t, double gflops, double share)
{
    json_t *kernels = json_array();
    for (size_t k = 0; k < t->kernel_count; k++)
        json_array_append_new(kernels, json_pack("{s:s, s:f}", "kernel", t->kernels[k].name,
                                                 "seconds", t->kernels[k].seconds));
    return json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:i, s:f, s:o}", "net", net, "batch",
                     (int)batch, "members", (int)members, "seconds_per_epoch",
                     t->seconds_per_step * (double)(45000 / batch), "gflops", gflops,
                     "share_of_peak", share, "launches_per_step", (int)t->launches_per_step,
                     "waits_per_step", t->waits_per_step, "kernels", kernels);
}

static lam_status bench_network(bench_session *session, const char *net, long batch,
                                json_t *rows, bool details)
{
    net_shape shape = {0};
    long members = session->options->members;
    lam_network_time *t = calloc(1, sizeof *t);
    if (!t || !parse_net(net, &shape)) {
        free(t);
        return LAM_STATUS_NO_MEMORY;
    }
    lam_status status =
        lam_bench_network(session->device, &shape.network, shape.inputs, (size_t)batch,
                          (size_t)members, session->options->common.gemm, t);
    if (status == LAM_STATUS_OK) {
        double gflops = 1e-9 * t->operations_per_step / t->seconds_per_step;
        double share = gflops / session->limits.fma_gflops;
        print_line(session, "%-32s %5ld %4ld  %9.4f  %8.1f  %5.1f %%  %4zu  %6.4f", net, batch,
                   members, t->seconds_per_step * (double)(45000 / batch), gflops, 100 * share,
                   t->launches_per_step, t->waits_per_step);
        for (size_t k = 0; k < t->kernel_count && details; k++)
            print_line(session, "    %-44s %9.1f us", t->kernels[k].name,
                       1e6 * t->kernels[k].seconds);
        json_array_append_new(rows, network_to_json(net, batch, members, t, gflops, share));
    }
    free(t);
    return status;
}

static lam_status bench_networks(bench_session *session)
{
    const bench_options *options = session->options;
    json_t *rows = json_array();
    json_object_set_new(session->json, "networks", rows);
    print_line(session, "\n%-32s %5s %4s  %9s  %8s  %7s  %4s  %s", "net", "batch", "nets",
               "s / epoch", "GFLOP/s", "of peak", "launches", "waits per step");
    size_t nets = options->net ? 1 : COUNT(standard_nets);
    size_t batches = options->batch ? 1 : COUNT(standard_batches);
    for (size_t n = 0; n < nets; n++)
        for (size_t b = 0; b < batches; b++) {
            const char *net = options->net ? options->net : standard_nets[n];
            long batch = options->batch ? options->batch : standard_batches[b];
            lam_status status =
                bench_network(session, net, batch, rows, options->net || batch == 100);
            if (status != LAM_STATUS_OK)
                return status;
        }
    return LAM_STATUS_OK;
}

static int run(lam_context *context, const bench_options *options)
{
    bench_session session = {.options = options, .json = json_object()};
    lam_status status = open_device(context, &options->common, &session.device);
    if (status == LAM_STATUS_OK)
        status = bench_limits(&session);
    if (status == LAM_STATUS_OK && !options->net)
        status = bench_products(&session);
    if (status == LAM_STATUS_OK)
        status = bench_networks(&session);
    if (status == LAM_STATUS_OK && options->common.json) {
        const lam_device_info *info = lam_device_get_info(session.device);
        json_object_set_new(session.json, "lamina", json_string(lam_version()));
        json_object_set_new(session.json, "device", json_string(info->name));
        json_object_set_new(session.json, "driver_version", json_string(info->driver_version));
        print_json(json_incref(session.json));
    }
    json_decref(session.json);
    lam_device_close(&session.device);
    return status == LAM_STATUS_OK ? EXIT_SUCCESS : report_failure(context, status);
}

int cmd_bench(lam_context *context, int argc, char **argv)
{
    const struct argp_option own_options[] = {
        {"net", 'n', "W-W-W", 0,
         "measure this network alone: widths from inputs to outputs, ReLU between", 1},
        {"batch", 'b', "N", 0, "rows per step; default: 10, 100 and 1000", 1},
        {"members", 'p', "P", 0, "networks trained at once on the same rows; default: 1", 1},
        {0}};
    const struct argp_child children[] = {
        {&device_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .options = own_options,
        .parser = parse_option,
        .doc = "Measure the device's own limits, the matrix products of training by everyone "
               "who can compute them, and training steps of whole networks on random data: "
               "seconds per epoch of 45,000 rows, useful operations, and where the time goes.\v"
               "Examples:\n  lamina bench\n  lamina bench --net 3072-50-10 --batch 100\n"
               "  lamina bench --net 3072-50-10 --batch 100 --members 8 --json",
        .children = children};
    bench_options options = {.common = common_options_start(), .members = 1};
    (void)argp_parse(&argp, argc, argv, 0, NULL, &options);
    int exit_status = run(context, &options);
    common_options_free(&options.common);
    return exit_status;
}
