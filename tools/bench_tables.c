/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

/* A candidate that would take longer for one pass than this is not tried. */
#define PATIENCE_SECONDS 3.0

static const char *const standard_nets[] = {
    "3072-10",         "3072-50-10",        "3072-50-50-10", "3072-50-30-20-20-10-10-10-10-10",
    "3072-512-512-10", "3072-2048-2048-10",
};
static const long standard_batches[] = {10, 100, 1000};

/* Products that training does, small to large; those of bytes are a first layer's. */
static const lam_product_shape standard_shapes[] = {
    {100, 3072, 10, 1, true},     {10, 3072, 50, 1, true},     {100, 3072, 50, 1, true},
    {1000, 3072, 50, 1, true},    {128, 3072, 512, 1, true},   {100, 3072, 2048, 1, true},
    {10, 10, 10, 1, false},       {100, 50, 10, 1, false},     {100, 50, 50, 1, false},
    {100, 512, 512, 1, false},    {1000, 512, 512, 1, false},  {100, 2048, 2048, 1, false},
    {1000, 2048, 2048, 1, false}, {512, 4096, 4096, 1, false},
};
static const lam_gemm candidates[] = {LAM_GEMM_REGISTERS, LAM_GEMM_TILES, LAM_GEMM_CLBLAST};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { CANDIDATE_COUNT = COUNT(candidates) };

lam_status bench_limits(bench_session *session)
{
    lam_device_limits *l = &session->limits;
    show_task(session, "the device's limits");
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

/* GFLOP/s of one candidate; 0 where it is left out. `best` is its record so far. */
static lam_status time_product(bench_session *session, lam_product product,
                               const lam_product_shape *s, lam_gemm candidate, double *best,
                               double *ret_gflops)
{
    double operations = 2e-9 * (double)s->rows * (double)s->in * (double)s->out, seconds = 0;
    *ret_gflops = 0;
    if (!has_time(session))
        return LAM_STATUS_OK;
    if (*best > 0 && operations / *best > PATIENCE_SECONDS) {
        session->left_out++;
        return LAM_STATUS_OK;
    }
    show_task(session, "%s %zu x %zu x %zu, %s", lam_product_name(product), s->rows, s->in,
              s->out, lam_gemm_name(candidate));
    lam_status status = lam_bench_product(session->device, product, s, candidate,
                                          session->options->seconds / 2, &seconds);
    if (status != LAM_STATUS_OK)
        return is_left_out(session, status) ? LAM_STATUS_OK : status;
    *ret_gflops = operations / seconds;
    if (*ret_gflops > *best)
        *best = *ret_gflops;
    return LAM_STATUS_OK;
}

static void report_product(bench_session *session, lam_product product,
                           const lam_product_shape *s, const double gflops[CANDIDATE_COUNT],
                           json_t *rows)
{
    char text[128];
    int length =
        snprintf(text, sizeof text, "%-16s %5zu x %4zu x %4zu %s", lam_product_name(product),
                 s->rows, s->in, s->out, s->gathers ? "bytes " : "floats");
    json_t *row =
        json_pack("{s:s, s:i, s:i, s:i, s:b}", "product", lam_product_name(product), "rows",
                  (int)s->rows, "in", (int)s->in, "out", (int)s->out, "gathers", s->gathers);
    for (size_t c = 0; c < CANDIDATE_COUNT; c++) {
        size_t left = sizeof text - (size_t)length;
        if (gflops[c] > 0)
            length += snprintf(text + length, left, "  %7.1f (%3.0f %%)", gflops[c],
                               100 * gflops[c] / session->limits.fma_gflops);
        else
            length += snprintf(text + length, left, "  %15s", "-");
        json_object_set_new(row, lam_gemm_name(candidates[c]),
                            gflops[c] > 0 ? json_real(gflops[c]) : json_null());
    }
    json_array_append_new(rows, row);
    print_line(session, "%s", text);
}

lam_status bench_products(bench_session *session)
{
    double best[CANDIDATE_COUNT] = {0};
    json_t *rows = json_array();
    json_object_set_new(session->json, "products_gflops", rows);
    print_line(session, "\nproducts: GFLOP/s (share of the FMA peak)");
    print_line(session, "%-16s %19s %s  %15s  %15s  %15s", "product", "rows x   in x  out",
               "input ", "registers", "tiles", "clblast");
    for (size_t i = 0; i < COUNT(standard_shapes); i++)
        for (int product = 0; product < LAM_PRODUCT_COUNT; product++) {
            const lam_product_shape *shape = &standard_shapes[i];
            double gflops[CANDIDATE_COUNT];
            if (product == LAM_PRODUCT_BACKWARD_INPUT && shape->gathers)
                continue;
            for (size_t c = 0; c < CANDIDATE_COUNT; c++) {
                lam_status status = time_product(session, (lam_product)product, shape,
                                                 candidates[c], &best[c], &gflops[c]);
                if (status != LAM_STATUS_OK)
                    return status;
            }
            report_product(session, (lam_product)product, shape, gflops, rows);
        }
    return LAM_STATUS_OK;
}

/* What the columns and the JSON say of a network besides its plain time. */
typedef struct network_figures {
    double seconds_per_epoch, gflops, share_of_peak, ratio;
    lam_network_floor floor;
} network_figures;

static network_figures get_figures(const bench_session *session, const lam_network_time *t)
{
    double gflops = 1e-9 * t->operations_per_step / t->seconds_per_step;
    lam_network_floor floor = lam_network_time_get_floor(t, &session->limits);
    return (network_figures){.seconds_per_epoch =
                                 t->seconds_per_step * (double)t->steps_per_epoch,
                             .gflops = gflops,
                             .share_of_peak = gflops / session->limits.fma_gflops,
                             .ratio = t->seconds_per_step / floor.total_seconds,
                             .floor = floor};
}

static json_t *network_to_json(const bench_session *session, const char *net, long batch,
                               const lam_network_time *t, const network_figures *f)
{
    json_t *kernels = json_array();
    for (size_t k = 0; k < t->kernel_count; k++)
        json_array_append_new(
            kernels, json_pack("{s:s, s:b, s:f}", "kernel", t->kernels[k].name, "is_product",
                               t->kernels[k].is_product, "us", 1e6 * t->kernels[k].seconds));
    json_t *floor =
        json_pack("{s:f, s:f, s:f, s:f, s:f}", "operations_us",
                  1e6 * f->floor.operations_seconds, "bytes_us", 1e6 * f->floor.bytes_seconds,
                  "launches_us", 1e6 * f->floor.launches_seconds, "total_us",
                  1e6 * f->floor.total_seconds, "ratio", f->ratio);
    return json_pack(
        "{s:s, s:b, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:f, s:f, s:o, s:o}", "net",
        net, "batch_norm", session->options->batch_norm, "batch", (json_int_t)batch, "members",
        (json_int_t)session->options->members, "steps_per_epoch",
        (json_int_t)t->steps_per_epoch, "seconds_per_epoch", f->seconds_per_epoch,
        "us_per_step", 1e6 * t->seconds_per_step, "gflops", f->gflops, "share_of_peak",
        f->share_of_peak, "launches_per_step", (json_int_t)t->launches_per_step,
        "waits_per_step", (json_int_t)t->waits_per_step, "profiled_us_per_step",
        1e6 * t->profiled_seconds, "beyond_products_us_per_step", 1e6 * t->beyond_seconds,
        "floor", floor, "kernels", kernels);
}

static void print_details(const bench_session *session, const lam_network_time *t,
                          const network_figures *f)
{
    print_line(session,
               "    step %.1f us; floor: operations %.1f us, bytes %.1f us, launches %.1f us",
               1e6 * t->seconds_per_step, 1e6 * f->floor.operations_seconds,
               1e6 * f->floor.bytes_seconds, 1e6 * f->floor.launches_seconds);
    for (size_t k = 0; k < t->kernel_count; k++)
        print_line(session, "    %-44s %9.1f us %5.1f %%", t->kernels[k].name,
                   1e6 * t->kernels[k].seconds,
                   100 * t->kernels[k].seconds / t->profiled_seconds);
}

static lam_status bench_network(bench_session *session, const char *net, long batch,
                                json_t *rows, bool details)
{
    static lam_network_time time; /* too large for a stack */
    lam_status status = time_network(session, net, batch, true, &time);
    if (status != LAM_STATUS_OK) {
        if (!is_left_out(session, status))
            return status;
        print_line(session, "%-31s %5ld %8s", net, batch, "-");
        return LAM_STATUS_OK;
    }
    network_figures f = get_figures(session, &time);
    print_line(session, "%-31s %5ld %8.4f %7.1f %4.1f %% %6zu %5zu %9.1f %8.1f %6.1f", net,
               batch, f.seconds_per_epoch, f.gflops, 100 * f.share_of_peak,
               time.launches_per_step, time.waits_per_step, 1e6 * time.beyond_seconds,
               1e6 * f.floor.total_seconds, f.ratio);
    if (details)
        print_details(session, &time, &f);
    json_array_append_new(rows, network_to_json(session, net, batch, &time, &f));
    return LAM_STATUS_OK;
}

static void print_network_heading(const bench_session *session)
{
    print_line(session,
               "\nnetworks (%ld at once, %s): seconds per epoch of %d rows, GFLOP/s "
               "and\n"
               "share of the FMA peak of their products; per step: launches, waits of the "
               "host,\n"
               "microseconds beyond products, floor = max(operations / peak, bytes / copy) +\n"
               "launches * launch cost, and how many floors the step takes",
               session->options->members,
               session->dataset ? "the data set's rows" : "random rows", LAM_BENCH_ROWS);
    if (session->options->batch_norm)
        print_line(session, "With batch normalization, which is time beyond products; the "
                            "floor has its launches, gamma\nand beta.");
    print_line(session, "%-31s %5s %8s %7s %6s %6s %5s %9s %8s %6s", "net", "batch", "s/epoch",
               "GFLOP/s", "peak", "launch", "waits", "beyond us", "floor us", "floors");
}

lam_status bench_networks(bench_session *session)
{
    const bench_options *options = session->options;
    json_t *rows = json_array();
    json_object_set_new(session->json, "networks", rows);
    print_network_heading(session);
    size_t nets = options->net ? 1 : COUNT(standard_nets);
    size_t batches = options->batch ? 1 : COUNT(standard_batches);
    for (size_t n = 0; n < nets; n++)
        for (size_t b = 0; b < batches; b++) {
            const char *net = options->net ? options->net : standard_nets[n];
            long batch = options->batch ? options->batch : standard_batches[b];
            if (!has_time(session))
                continue;
            lam_status status =
                bench_network(session, net, batch, rows, options->net || batch == 100);
            if (status != LAM_STATUS_OK)
                return status;
        }
    return LAM_STATUS_OK;
}
