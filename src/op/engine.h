/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What every operation needs to know: the device, its kernels, the real type and who
 * multiplies matrices.
 */
#ifndef LAM_OP_ENGINE_H
#define LAM_OP_ENGINE_H

#include "device/device.h"
#include "kernel/kernel_store.h"
#include "lamina/gemm.h"

typedef enum lam_real_type {
    LAM_REAL_TYPE_F32,
    LAM_REAL_TYPE_F64,
} lam_real_type;

typedef struct lam_engine {
    lam_device *device;
    lam_kernel_store *store; /* the device's */
    lam_context *context;
    lam_real_type real;
    lam_gemm gemm;     /* the family to begin with: REGISTERS, TILES or CLBLAST */
    bool may_use_blas; /* CLBlast too, where it measures faster */
    bool fuses_small_layers;
    int vector_lanes;
    size_t compute_units;       /* of the device: how many shares of work keep it busy */
    uint64_t longest_launch_ns; /* see lam_plan_warm_up() */
    lam_tuner *tuner;           /* chooses among the ways to multiply; NULL: the first one */
} lam_engine;

/** AUTO and OWN become TILES where the device has local memory of its own, else REGISTERS.
 * Errors: BAD_DEVICE (F64 on a device without doubles), NO_MEMORY. */
LAM_MUST_USE lam_status lam_engine_create(lam_device *device, lam_real_type real, lam_gemm gemm,
                                          lam_engine **ret_engine);
void lam_engine_destroy(lam_engine **engine);

size_t lam_engine_get_real_bytes(const lam_engine *engine);

/** A zeroed device buffer of `count` reals. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_engine_create_reals(const lam_engine *engine, size_t count,
                                                const char *what, lam_buffer **ret_buffer);

/** Blocking copies between host doubles and device reals (rounded to nearest for F32), from
 * element `first` on. Errors: NO_MEMORY, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_engine_write_reals(const lam_engine *engine, lam_buffer *buffer,
                                               size_t first, const double *values,
                                               size_t count);
LAM_MUST_USE lam_status lam_engine_read_reals(const lam_engine *engine,
                                              const lam_buffer *buffer, size_t first,
                                              double *ret_values, size_t count);

/** A define set that starts with REAL_BITS. */
lam_define_set lam_engine_start_defines(const lam_engine *engine);

#endif
