/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Measurements of a device: its own limits, the matrix products of training, whole networks.
 * All times are minima of repeated runs, in seconds unless named otherwise.
 */
#ifndef LAMINA_BENCH_H
#define LAMINA_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lamina/context.h"
#include "lamina/data.h"
#include "lamina/device.h"
#include "lamina/gemm.h"
#include "lamina/network.h"

LAM_BEGIN_DECLS

typedef struct lam_device_limits {
    double fma_gflops;    /* float, from registers alone; 2 operations each */
    double copy_gbytes;   /* per second, read plus written, buffers larger than caches */
    double launch_us;     /* one more empty kernel in a full queue */
    double round_trip_us; /* one empty kernel, waited for */
} lam_device_limits;

/** Rows of an epoch: what CIFAR-10 leaves when the last 5,000 training rows validate. */
#define LAM_BENCH_ROWS 45000

/**
 * How long one thing is measured: the best of `epochs` whole epochs after one to warm up, or,
 * where `epochs` is 0, the best of short rounds that last about `seconds` in all. What takes
 * longer than that runs twice, and its second time counts.
 */
typedef struct lam_bench_effort {
    double seconds;
    int epochs; /* of networks */
} lam_bench_effort;

/** Measures for about a second. Blocking. Errors: BAD_KERNEL, BAD_DEVICE, NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_bench_limits(lam_device *device,
                                                 lam_device_limits *ret_limits);

typedef struct lam_product_shape {
    size_t rows, in, out, members;
    bool gathers; /* x is rows of a data set of bytes, as in the first layer */
} lam_product_shape;

/** Seconds of one product with all that is fused to it (for CLBlast: that follows it), by
 * rounds of about `seconds` in all. Blocking. Errors: BAD_ARGUMENT (a shape without rows,
 * columns or members, BACKWARD_INPUT of gathered rows, more gathered rows than
 * LAM_BENCH_ROWS), BAD_KERNEL, BAD_DEVICE, NO_MEMORY, INTERRUPTED. */
LAM_API LAM_MUST_USE lam_status lam_bench_product(lam_device *device, lam_product product,
                                                  const lam_product_shape *shape, lam_gemm gemm,
                                                  double seconds, double *ret_seconds);

#define LAM_BENCH_NAME_BYTES 64
#define LAM_MAX_BENCH_KERNELS 256

typedef struct lam_network_task {
    const lam_network *network;
    size_t inputs, batch, members;
    const lam_dataset *dataset; /* its training rows; NULL: random ones */
    lam_gemm gemm;
    lam_bench_effort effort;
    bool profiles; /* whether to see where a step's time goes */
} lam_network_task;

/** One launch of the step plan. */
typedef struct lam_kernel_time {
    char name[LAM_BENCH_NAME_BYTES];
    bool is_product; /* a matrix product, or a part of one */
    double seconds;  /* in the profiled step, by the device's clock */
} lam_kernel_time;

typedef struct lam_network_time {
    size_t steps_per_epoch; /* whole batches in LAM_BENCH_ROWS */
    double seconds_per_step;
    double operations_per_step; /* useful ones: those of the matrix products */
    double bytes_per_step;      /* that must move: see lam_network_floor */
    size_t launches_per_step;
    size_t waits_per_step; /* host synchronizations */
    /* The fastest of a few profiled steps; zeros without a profile. */
    double profiled_seconds; /* from the start of its first kernel to that of the next step */
    double beyond_seconds;   /* its time outside matrix products: loss, batch normalization,
                                what lies between launches */
    size_t kernel_count;
    lam_kernel_time kernels[LAM_MAX_BENCH_KERNELS];
} lam_network_time;

/**
 * Times training steps of `members` networks at once, on 45,000 images. Blocking.
 * Errors: BAD_RECIPE (the network), BAD_ARGUMENT (batch, effort, or a data set that does not
 * fit the network), NO_MEMORY, BAD_KERNEL, BAD_DEVICE, INTERRUPTED.
 */
LAM_API LAM_MUST_USE lam_status lam_bench_network(lam_device *device,
                                                  const lam_network_task *task,
                                                  lam_network_time *ret_time);

/**
 * The least time that a step could take on a device of these limits:
 *
 *   total = max(operations / peak, bytes / bandwidth) + launches * launch cost
 *
 * Bytes count each array once: the batch's images are read, weights and biases read and
 * written, the outputs of each layer and their gradients written and read. Caches that keep
 * weights from step to step can beat the second term. Batch normalization counts by its
 * launches, gamma and beta: what it makes of outputs could be made anew wherever it is read.
 */
typedef struct lam_network_floor {
    double operations_seconds, bytes_seconds, launches_seconds, total_seconds;
} lam_network_floor;

LAM_API lam_network_floor lam_network_time_get_floor(const lam_network_time *time,
                                                     const lam_device_limits *limits);

LAM_END_DECLS

#endif
