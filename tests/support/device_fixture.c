/* SPDX-License-Identifier: Apache-2.0 */
#include "support/device_fixture.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "support/kernel_folder.h"

enum { GUARD_COUNT = 67 };
static const double sentinel = -12345.0;

lam_context *test_context(void)
{
    static lam_context *context;
    if (!context && lam_context_create(&context) != LAM_STATUS_OK)
        ck_abort_msg("no memory");
    return context;
}

lam_device *test_device(void)
{
    static lam_device *device;
    if (!device)
        ck_assert_ok(lam_device_open(test_context(), getenv("LAMINA_DEVICE"), &device));
    return device;
}

void test_kernels_use(const test_folder *folder, const char *file, const char *prefix)
{
    test_kernel_folder_use(folder, file, prefix);
    lam_device_set_kernel_store(test_device(), NULL, NULL);
}

void test_kernels_leave(void)
{
    test_kernel_folder_leave();
    lam_device_set_kernel_store(test_device(), NULL, NULL);
}

lam_engine *test_engine(lam_real_type real, lam_gemm gemm)
{
    lam_engine *engine = NULL;
    ck_assert_ok(lam_engine_create(test_device(), real, gemm, &engine));
    return engine;
}

double *test_uniform(size_t count, uint32_t seed)
{
    double *values = malloc(count * sizeof *values);
    ck_assert_ptr_nonnull(values);
    lam_random random = lam_random_start(seed, LAM_RANDOM_STREAM_SAMPLING, 0);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(2 * lam_random_uniform(&random) - 1);
    return values;
}

lam_buffer *test_output(const lam_engine *engine, size_t count)
{
    lam_buffer *buffer = NULL;
    double *fill = malloc((count + GUARD_COUNT) * sizeof *fill);
    ck_assert_ptr_nonnull(fill);
    for (size_t i = 0; i < count + GUARD_COUNT; i++)
        fill[i] = sentinel;
    ck_assert_ok(lam_engine_create_reals(engine, count + GUARD_COUNT, "a test", &buffer));
    ck_assert_ok(lam_engine_write_reals(engine, buffer, 0, fill, count + GUARD_COUNT));
    free(fill);
    return buffer;
}

lam_buffer *test_upload(const lam_engine *engine, const double *values, size_t count)
{
    lam_buffer *buffer = test_output(engine, count);
    ck_assert_ok(lam_engine_write_reals(engine, buffer, 0, values, count));
    return buffer;
}

lam_buffer *test_upload_bytes(const lam_engine *engine, const void *bytes, size_t count)
{
    lam_buffer *buffer = NULL;
    ck_assert_ok(lam_buffer_create(engine->device, count, "a test", &buffer));
    ck_assert_ok(lam_buffer_write(buffer, 0, bytes, count));
    return buffer;
}

double test_epsilon(const lam_engine *engine)
{
    return engine->real == LAM_REAL_TYPE_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
}

void test_compare(const lam_engine *engine, const lam_buffer *buffer, const double *expected,
                  const double *tolerance_of, size_t count, const char *what)
{
    double *values = malloc((count + GUARD_COUNT) * sizeof *values);
    ck_assert_ptr_nonnull(values);
    ck_assert_ok(lam_engine_read_reals(engine, buffer, 0, values, count + GUARD_COUNT));
    for (size_t i = 0; i < count; i++) {
        double tolerance =
            tolerance_of ? tolerance_of[i] : 8 * test_epsilon(engine) * (1 + fabs(expected[i]));
        ck_assert_msg(fabs(values[i] - expected[i]) <= tolerance,
                      "%s[%zu] is %.9g, expected %.9g within %.3g", what, i, values[i],
                      expected[i], tolerance);
    }
    for (size_t i = count; i < count + GUARD_COUNT; i++)
        ck_assert_msg(values[i] == sentinel, "%s: guard %zu was overwritten with %.9g", what,
                      i - count, values[i]);
    free(values);
}
