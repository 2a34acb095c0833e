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

/** Measures for about a second. Blocking. Errors: BAD_KERNEL, BAD_DEVICE, NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_bench_limits(lam_device *device,
                                                 lam_device_limits *ret_limits);

typedef struct lam_product_shape {
    size_t rows, in, out, members;
    bool gathers; /* x is rows of a data set of bytes, as in the first layer */
} lam_product_shape;

/** Time of one product with all that is fused to it (for CLBlast: that follows it).
 * Errors: BAD_ARGUMENT (BACKWARD_INPUT of gathered rows), BAD_KERNEL, BAD_DEVICE, NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_bench_product(lam_device *device, lam_product product,
                                                  const lam_product_shape *shape, lam_gemm gemm,
                                                  double *ret_seconds);

#define LAM_BENCH_NAME_BYTES 64
#define LAM_MAX_BENCH_KERNELS 256

/** Where a step's time goes: one launch of the step plan. */
typedef struct lam_kernel_time {
    char name[LAM_BENCH_NAME_BYTES];
    double seconds; /* per step, by the device's clock */
} lam_kernel_time;

typedef struct lam_network_time {
    double seconds_per_step;
    double operations_per_step; /* useful ones: those of the matrix products */
    size_t launches_per_step;
    double waits_per_step; /* host synchronizations */
    size_t kernel_count;
    lam_kernel_time kernels[LAM_MAX_BENCH_KERNELS];
} lam_network_time;

/**
 * Times training steps of `network` on 45,000 random images of `inputs` bytes, for `members`
 * networks at once. Errors: BAD_RECIPE (the network), NO_MEMORY, BAD_KERNEL, BAD_DEVICE,
 * INTERRUPTED.
 */
LAM_API LAM_MUST_USE lam_status lam_bench_network(lam_device *device,
                                                  const lam_network *network, size_t inputs,
                                                  size_t batch, size_t members, lam_gemm gemm,
                                                  lam_network_time *ret_time);

LAM_END_DECLS

#endif
