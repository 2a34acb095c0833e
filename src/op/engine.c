/* SPDX-License-Identifier: Apache-2.0 */
#include "op/engine.h"

#include <stdlib.h>

#include "base/checked.h"

static const char *const gemm_names[] = {
#define LAM_GEMM_TEXT(name, text) text,
    LAM_GEMM_LIST(LAM_GEMM_TEXT)
#undef LAM_GEMM_TEXT
};

const char *lam_gemm_name(lam_gemm gemm)
{
    return (size_t)gemm < sizeof gemm_names / sizeof gemm_names[0] ? gemm_names[gemm]
                                                                   : "unknown";
}

static const char *const product_names[] = {
#define LAM_PRODUCT_TEXT(name, text) text,
    LAM_PRODUCT_LIST(LAM_PRODUCT_TEXT)
#undef LAM_PRODUCT_TEXT
};

const char *lam_product_name(lam_product product)
{
    return (size_t)product < LAM_PRODUCT_COUNT ? product_names[product] : "unknown";
}

static lam_gemm resolve_gemm(const lam_device_info *info, lam_gemm gemm)
{
    if (gemm != LAM_GEMM_AUTO && gemm != LAM_GEMM_OWN)
        return gemm;
    return info->has_dedicated_local_memory ? LAM_GEMM_TILES : LAM_GEMM_REGISTERS;
}

/* Desktops share their GPU with what draws the screen, and reset one that does not answer for
 * some seconds; at a tenth of one the pointer only begins to stutter. */
#define LONGEST_LAUNCH_NS 100000000

/* Kernels are written for 4, 8 or 16 lanes; doubles take half as many as floats. */
static int choose_lanes(const lam_device_info *info, lam_real_type real)
{
    int lanes = (int)info->float_lanes / (real == LAM_REAL_TYPE_F64 ? 2 : 1);
    if (lanes >= 16)
        return 16;
    return lanes >= 8 ? 8 : 4;
}

/* A device's first engine makes its store; a program that was built is not even looked up
 * again, which would take PoCL 3.1 30 to 50 ms. */
static lam_status get_store(lam_device *device, lam_kernel_store **ret_store)
{
    lam_kernel_store *store = lam_device_get_kernel_store(device);
    if (!store) {
        LAM_TRY(lam_kernel_store_create(device, &store));
        lam_device_set_kernel_store(device, store, lam_kernel_store_destroy);
    }
    *ret_store = store;
    return LAM_STATUS_OK;
}

lam_status lam_engine_create(lam_device *device, lam_real_type real, lam_gemm gemm,
                             lam_engine **ret_engine)
{
    const lam_device_info *info = lam_device_get_info(device);
    lam_context *context = lam_device_get_context(device);
    if (real == LAM_REAL_TYPE_F64 && !info->has_fp64)
        return lam_fail(context, LAM_STATUS_BAD_DEVICE,
                        "device %d (%s) has no double precision; use --precision float or "
                        "another --device",
                        info->index, info->name);
    lam_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return lam_fail_memory(context, "the engine", sizeof *engine);
    engine->device = device;
    engine->context = context;
    engine->real = real;
    engine->gemm = resolve_gemm(info, gemm);
    engine->may_use_blas = gemm == LAM_GEMM_AUTO;
    engine->fuses_small_layers = gemm == LAM_GEMM_AUTO || gemm == LAM_GEMM_OWN;
    engine->vector_lanes = choose_lanes(info, real);
    engine->compute_units = info->compute_units;
    engine->longest_launch_ns = LONGEST_LAUNCH_NS;
    engine->tuner = lam_device_get_tuner(device);
    lam_status status = get_store(device, &engine->store);
    if (status != LAM_STATUS_OK) {
        lam_engine_destroy(&engine);
        return status;
    }
    *ret_engine = engine;
    return LAM_STATUS_OK;
}

void lam_engine_destroy(lam_engine **engine)
{
    free(*engine);
    *engine = NULL;
}

size_t lam_engine_get_real_bytes(const lam_engine *engine)
{
    return engine->real == LAM_REAL_TYPE_F64 ? sizeof(double) : sizeof(float);
}

lam_status lam_engine_create_reals(const lam_engine *engine, size_t count, const char *what,
                                   lam_buffer **ret_buffer)
{
    size_t bytes = 0;
    if (!lam_checked_multiply(count, lam_engine_get_real_bytes(engine), &bytes))
        return lam_fail(engine->context, LAM_STATUS_NO_MEMORY,
                        "%s needs more bytes than a machine can address; use a smaller batch "
                        "or network",
                        what);
    return lam_buffer_create(engine->device, bytes, what, ret_buffer);
}

lam_status lam_engine_write_reals(const lam_engine *engine, lam_buffer *buffer, size_t first,
                                  const double *values, size_t count)
{
    size_t real_bytes = lam_engine_get_real_bytes(engine);
    if (engine->real == LAM_REAL_TYPE_F64)
        return lam_buffer_write(buffer, first * real_bytes, values, count * real_bytes);
    float *rounded = malloc(count * sizeof *rounded);
    if (!rounded)
        return lam_fail_memory(engine->context, "an upload", count * sizeof *rounded);
    for (size_t i = 0; i < count; i++)
        rounded[i] = (float)values[i];
    lam_status status =
        lam_buffer_write(buffer, first * real_bytes, rounded, count * real_bytes);
    free(rounded);
    return status;
}

lam_status lam_engine_read_reals(const lam_engine *engine, const lam_buffer *buffer,
                                 size_t first, double *ret_values, size_t count)
{
    size_t real_bytes = lam_engine_get_real_bytes(engine);
    if (engine->real == LAM_REAL_TYPE_F64)
        return lam_buffer_read(buffer, first * real_bytes, ret_values, count * real_bytes);
    float *rounded = malloc(count * sizeof *rounded);
    if (!rounded)
        return lam_fail_memory(engine->context, "a download", count * sizeof *rounded);
    lam_status status =
        lam_buffer_read(buffer, first * real_bytes, rounded, count * real_bytes);
    for (size_t i = 0; i < count && status == LAM_STATUS_OK; i++)
        ret_values[i] = rounded[i];
    free(rounded);
    return status;
}

lam_define_set lam_engine_start_defines(const lam_engine *engine)
{
    lam_define_set defines = {0};
    lam_define_set_add(&defines, "REAL_BITS", engine->real == LAM_REAL_TYPE_F64 ? 64 : 32);
    return defines;
}
