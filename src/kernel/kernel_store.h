/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Builds each kernel variant once and hands out kernels of it.
 */
#ifndef LAM_KERNEL_KERNEL_STORE_H
#define LAM_KERNEL_KERNEL_STORE_H

#include "device/device.h"
#include "kernel/define_set.h"

/** Errors: BAD_ARGUMENT (see program_cache.h), NO_MEMORY. */
LAM_MUST_USE lam_status lam_kernel_store_create(lam_device *device,
                                                lam_kernel_store **ret_store);
/** Kernels handed out must be destroyed first. */
void lam_kernel_store_destroy(lam_kernel_store **store);

lam_device *lam_kernel_store_get_device(const lam_kernel_store *store);

/**
 * A kernel with arguments of its own from cl/`family`.cl built with `defines`.
 * Errors: BAD_KERNEL (with device, driver, define set and the build log beside the numbered
 * source lines), NO_MEMORY.
 */
LAM_MUST_USE lam_status lam_kernel_store_get(lam_kernel_store *store, const char *family,
                                             const char *entry, const lam_define_set *defines,
                                             lam_kernel **ret_kernel);

#endif
