/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The rest of the library's view of an open device: buffers, programs, kernels, markers.
 * Nothing here shows an OpenCL type. All commands of a device go to one in-order queue.
 */
#ifndef LAM_DEVICE_DEVICE_H
#define LAM_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "lamina/device.h"

lam_context *lam_device_get_context(const lam_device *device);

/** Hands queued commands to the driver. Not blocking. */
LAM_MUST_USE lam_status lam_device_flush(lam_device *device);

/** Blocks until all queued commands are done. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_device_finish(lam_device *device);

/** Waits by naps from now on, as it does by itself once the driver's own waits were seen to
 * keep a core busy: for tests and measurements. */
void lam_device_wait_by_naps(lam_device *device);

/* ---- the device's tuner (op/tuner.h), which its engines ask ---- */

typedef struct lam_tuner lam_tuner;

/** Takes a tuner in place of the present one; both go with `destroy`. */
void lam_device_set_tuner(lam_device *device, lam_tuner *tuner, void (*destroy)(lam_tuner **));

/** NULL before one is set. Borrowed. */
lam_tuner *lam_device_get_tuner(const lam_device *device);

/* ---- the device's compiled programs (kernel/kernel_store.h), which its engines share ---- */

typedef struct lam_kernel_store lam_kernel_store;

/** Takes a store in place of the present one; both go with `destroy`. */
void lam_device_set_kernel_store(lam_device *device, lam_kernel_store *store,
                                 void (*destroy)(lam_kernel_store **));

/** NULL before one is set. Borrowed. */
lam_kernel_store *lam_device_get_kernel_store(const lam_device *device);

/* ---- markers: a place in the queue that the host can wait for ---- */

typedef struct lam_marker lam_marker;

LAM_MUST_USE lam_status lam_marker_create(lam_device *device, lam_marker **ret_marker);
/** Blocks until everything queued before the marker is done. */
LAM_MUST_USE lam_status lam_marker_wait(const lam_marker *marker);
void lam_marker_destroy(lam_marker **marker);

/* ---- buffers ---- */

/** Kernels may read (never write) so far past the end of a buffer: vector loads of a row's
 * last elements need no special case. The bytes there are zero. */
#define LAM_BUFFER_PADDING_BYTES 1024

typedef struct lam_buffer lam_buffer;

/** Device memory of `bytes` zero bytes; `what` names it in errors. Errors: NO_MEMORY (also
 * when the device's largest allocation is exceeded), BAD_DEVICE. */
LAM_MUST_USE lam_status lam_buffer_create(lam_device *device, size_t bytes, const char *what,
                                          lam_buffer **ret_buffer);

/** Read-only device view of host bytes, without a copy where memory is shared and with one
 * elsewhere. `bytes` must stay as they are while the buffer lives. Not padded. */
LAM_MUST_USE lam_status lam_buffer_create_from_host(lam_device *device, const void *bytes,
                                                    size_t count, const char *what,
                                                    lam_buffer **ret_buffer);
void lam_buffer_destroy(lam_buffer **buffer);

size_t lam_buffer_get_size(const lam_buffer *buffer);

/** Queues the filling with zeros and returns. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_buffer_clear(lam_buffer *buffer);

/** Blocking copies of `count` bytes at `offset_bytes`. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_buffer_write(lam_buffer *buffer, size_t offset_bytes,
                                         const void *bytes, size_t count);
LAM_MUST_USE lam_status lam_buffer_read(const lam_buffer *buffer, size_t offset_bytes,
                                        void *ret_bytes, size_t count);

/** Columns of a row-major matrix, in bytes. */
typedef struct lam_columns {
    size_t rows, pitch_bytes; /* of the whole matrix */
    size_t first_bytes, width_bytes;
} lam_columns;

/** Queues a copy of columns from one buffer to as many of another. Errors: BAD_DEVICE. */
LAM_MUST_USE lam_status lam_buffer_copy_columns(lam_buffer *to, const lam_columns *to_columns,
                                                const lam_buffer *from,
                                                const lam_columns *from_columns);

/** Blocking copies between columns of the buffer and a matrix of those columns alone. Errors:
 * BAD_DEVICE. */
LAM_MUST_USE lam_status lam_buffer_write_columns(lam_buffer *buffer, const lam_columns *columns,
                                                 const void *bytes);
LAM_MUST_USE lam_status lam_buffer_read_columns(const lam_buffer *buffer,
                                                const lam_columns *columns, void *ret_bytes);

/** Queues the copy and returns; `bytes` must stay as they are until a later wait. */
LAM_MUST_USE lam_status lam_buffer_write_later(lam_buffer *buffer, size_t offset_bytes,
                                               const void *bytes, size_t count);

/* ---- programs and kernels ---- */

typedef struct lam_program lam_program;

/** Builds OpenCL C. On a build failure returns BAD_KERNEL and hands the compiler's log to
 * `*ret_log` (free() it; NULL when there is none), without an error detail of its own. */
LAM_MUST_USE lam_status lam_program_build(lam_device *device, const char *source,
                                          const char *options, lam_program **ret_program,
                                          char **ret_log);

/** Builds what lam_program_get_binary() gave on the same device and driver. Errors: BAD_KERNEL
 * when the driver refuses it, NO_MEMORY. */
LAM_MUST_USE lam_status lam_program_build_binary(lam_device *device, const void *bytes,
                                                 size_t count, const char *options,
                                                 lam_program **ret_program);
void lam_program_destroy(lam_program **program);

/** The compiled program in the driver's own form; free() it. Some drivers compile for this.
 * Errors: BAD_KERNEL (the driver gives none), NO_MEMORY. */
LAM_MUST_USE lam_status lam_program_get_binary(const lam_program *program, void **ret_bytes,
                                               size_t *ret_count);

/** How long the driver took to build it. */
uint64_t lam_program_get_build_ns(const lam_program *program);

typedef struct lam_kernel lam_kernel;

/** One launchable kernel with its own bound arguments. `program` must outlive it. */
LAM_MUST_USE lam_status lam_kernel_create(lam_program *program, const char *entry,
                                          lam_kernel **ret_kernel);
void lam_kernel_destroy(lam_kernel **kernel);

/** Binds argument `index`; a NULL buffer binds a null pointer. */
LAM_MUST_USE lam_status lam_kernel_set_buffer(lam_kernel *kernel, int index,
                                              const lam_buffer *buffer);
LAM_MUST_USE lam_status lam_kernel_set_int(lam_kernel *kernel, int index, int32_t value);

/** Work-items in each dimension; `global` must be a multiple of `local`, and a `local` of zeros
 * leaves the choice to the driver. Global ids start at `offset`; group ids start at 0, and
 * get_global_size() is that of the range. */
typedef struct lam_range {
    size_t global[3];
    size_t local[3];
    size_t offset[3];
} lam_range;

LAM_MUST_USE lam_status lam_kernel_enqueue(lam_kernel *kernel, const lam_range *range);

/* ---- counting and profiling ---- */

/** Since the device was opened: kernels and products launched, times the host waited, and
 * programs built from source. */
typedef struct lam_device_counts {
    uint64_t launches, waits, builds;
} lam_device_counts;

lam_device_counts lam_device_get_counts(const lam_device *device);

#define LAM_LAUNCH_NAME_BYTES 64

/** One launch as the device's clock saw it. */
typedef struct lam_profile_span {
    uint64_t start_ns, end_ns;
    char name[LAM_LAUNCH_NAME_BYTES]; /* "" for a launch that got none */
} lam_profile_span;

/** One moment on the host's clock (CLOCK_MONOTONIC) and on the device's. */
typedef struct lam_clock_pair {
    uint64_t host_ns, device_ns;
} lam_clock_pair;

typedef struct lam_profile {
    lam_profile_span *spans; /* in launch order */
    size_t count;
    uint64_t launches;            /* of which the first `count` have spans */
    lam_clock_pair first, latest; /* when the profile started and when it stopped */
} lam_profile;

/** Times every launch from here on, the first `capacity` of them. Waits for the queue. */
LAM_MUST_USE lam_status lam_device_start_profile(lam_device *device, size_t capacity);

bool lam_device_is_profiling(const lam_device *device);

/** Names the launches that follow; only while profiling. */
void lam_device_name_launches(lam_device *device, const char *name);

/** Waits, stops and hands the profile over; lam_profile_free() it. Errors: BAD_DEVICE,
 * NO_MEMORY; the profile is then lost, and the device goes on without one. */
LAM_MUST_USE lam_status lam_device_stop_profile(lam_device *device, lam_profile *ret_profile);

void lam_profile_free(lam_profile *profile);

/** A moment of the device's clock on the host's, which the two pairs of the profile tie
 * together: the line through them, so that clocks of unlike speed stay together, too. */
uint64_t lam_profile_get_host_ns(const lam_profile *profile, uint64_t device_ns);

/* ---- CLBlast ---- */

/**
 * C_g = op(A_g) op(B_g) for g = 0 .. batch-1, row-major, operand g starting
 * g * <x>_step elements into its buffer. op transposes where the flag says so.
 */
typedef struct lam_blas_gemm {
    bool is_double;
    bool transpose_a, transpose_b;
    size_t m, n, k;
    const lam_buffer *a, *b;
    lam_buffer *c;
    size_t a_stride, b_stride, c_stride; /* elements between rows */
    size_t a_step, b_step, c_step;       /* elements between batches */
    size_t batch;
} lam_blas_gemm;

/** Queues the product. Errors: BAD_KERNEL with CLBlast's code, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_blas_gemm_enqueue(lam_device *device, const lam_blas_gemm *gemm);

#endif
