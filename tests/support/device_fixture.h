/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The device that the device suites share, opened once: PoCL's threads do not survive fork(),
 * so these suites run with CK_FORK=no. LAMINA_DEVICE chooses the device.
 */
#ifndef LAM_TESTS_SUPPORT_DEVICE_FIXTURE_H
#define LAM_TESTS_SUPPORT_DEVICE_FIXTURE_H

#include "device/device.h"
#include "op/engine.h"
#include "support/folder.h"

#define ck_assert_ok(expression)                                                               \
    do {                                                                                       \
        lam_status ok_status_ = (expression);                                                  \
        ck_assert_msg(ok_status_ == LAM_STATUS_OK, "%s: %s: %s", #expression,                  \
                      lam_status_name(ok_status_), lam_error_message(test_context()));         \
    } while (0)

lam_context *test_context(void);
lam_device *test_device(void);

/* An engine with a variant forced; the caller destroys it. */
lam_engine *test_engine(lam_real_type real, lam_gemm gemm);

/* test_kernel_folder_use() and _leave() for the shared device, whose programs are built anew.
 * Not while there is an engine. */
void test_kernels_use(const test_folder *folder, const char *file, const char *prefix);
void test_kernels_leave(void);

/* `count` reals uniform in [-1, 1) from `seed`. */
double *test_uniform(size_t count, uint32_t seed);

/* A device buffer holding `values`, with a guard zone of sentinels behind them. */
lam_buffer *test_upload(const lam_engine *engine, const double *values, size_t count);
/* The same, all sentinels: for outputs. */
lam_buffer *test_output(const lam_engine *engine, size_t count);
/* A buffer of raw bytes. */
lam_buffer *test_upload_bytes(const lam_engine *engine, const void *bytes, size_t count);

/* Fails unless each of `count` values is within `tolerance_of[i]` of `expected` (relative to
 * it where `tolerance_of` is NULL) and the guard zone is untouched. */
void test_compare(const lam_engine *engine, const lam_buffer *buffer, const double *expected,
                  const double *tolerance_of, size_t count, const char *what);

/* The unit roundoff of the engine's reals. */
double test_epsilon(const lam_engine *engine);

#endif
