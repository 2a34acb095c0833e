/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * OpenCL devices: listing, choosing by name, opening.
 */
#ifndef LAMINA_DEVICE_H
#define LAMINA_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lamina/context.h"

LAM_BEGIN_DECLS

/** X(name, name on the command line) */
#define LAM_DEVICE_TYPE_LIST(X)                                                                \
    X(GPU, "gpu")                                                                              \
    X(CPU, "cpu")                                                                              \
    X(ACCELERATOR, "accelerator")                                                              \
    X(OTHER, "other")

typedef enum lam_device_type {
#define LAM_DEVICE_TYPE_ENUM(name, text) LAM_DEVICE_TYPE_##name,
    LAM_DEVICE_TYPE_LIST(LAM_DEVICE_TYPE_ENUM)
#undef LAM_DEVICE_TYPE_ENUM
} lam_device_type;

LAM_API const char *lam_device_type_name(lam_device_type type);

#define LAM_DEVICE_TEXT_BYTES 256

/** What a driver says of one device. Texts are cut to fit and never empty when known. */
typedef struct lam_device_info {
    int index; /* position in the list of all devices, from 0 */
    char name[LAM_DEVICE_TEXT_BYTES];
    char vendor[LAM_DEVICE_TEXT_BYTES];
    char platform[LAM_DEVICE_TEXT_BYTES];
    char platform_version[LAM_DEVICE_TEXT_BYTES];
    char driver_version[LAM_DEVICE_TEXT_BYTES];
    char opencl_version[LAM_DEVICE_TEXT_BYTES]; /* e.g. "OpenCL 3.0 PoCL .." */
    lam_device_type type;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint64_t global_memory_bytes;
    uint64_t largest_allocation_bytes;
    uint64_t local_memory_bytes;
    uint64_t largest_work_group; /* work-items */
    uint32_t float_lanes;        /* native vector width in floats */
    bool has_dedicated_local_memory;
    bool has_unified_memory; /* host and device share one memory */
    bool has_fp64;
    bool has_fp16;
    uint32_t part_limit; /* parts that its compute units can be split into; 1: none */
    /* An open part of a device: part 0 .. part_count-1, with its own compute units and its
     * share of the memory. 0 of 1 is the whole. */
    uint32_t part, part_count;
    bool usable;
    char reason[LAM_DEVICE_TEXT_BYTES]; /* why not usable; "" otherwise */
} lam_device_info;

typedef struct lam_device_list lam_device_list;

/**
 * Asks every platform for every device. A platform or device that fails to answer is kept out
 * (platform) or marked unusable (device) with its reason; neither is an error.
 * Errors: NO_MEMORY. An empty list is a success. The caller owns the result.
 */
LAM_API LAM_MUST_USE lam_status lam_device_list_create(lam_context *context,
                                                       lam_device_list **ret_list);
LAM_API void lam_device_list_destroy(lam_device_list **list);

LAM_API size_t lam_device_list_get_count(const lam_device_list *list);
/** Borrowed; NULL when `position` is out of range. */
LAM_API const lam_device_info *lam_device_list_get(const lam_device_list *list,
                                                   size_t position);
/** Platforms that did not answer, one "name: reason" each; borrowed, NULL past the end. */
LAM_API const char *lam_device_list_get_skipped(const lam_device_list *list, size_t position);

/**
 * Picks among `count` devices. `selector` is an index, a type (gpu, cpu, accelerator), or a
 * part of a device's or platform's name (case ignored); NULL or "" means the GPU with the most
 * compute units times clock, else an accelerator, else a CPU. Only usable devices match, except
 * by index, where the reason is reported.
 * Errors: NO_DEVICE with the list in the message when none or several match. A pure function.
 */
LAM_API LAM_MUST_USE lam_status lam_device_select(lam_context *context,
                                                  const lam_device_info *devices, size_t count,
                                                  const char *selector, size_t *ret_position);

/** A device of the list, or a part of one. */
typedef struct lam_device_choice {
    size_t position;
    uint32_t part, part_count; /* as in lam_device_info */
} lam_device_choice;

/**
 * Picks any number among `count` devices: selectors as lam_device_select() takes them, or "all"
 * for every usable device, with commas between them; "/N" behind one splits its devices into N
 * parts of as nearly as many compute units each ("all", "0,2", "cpu/2").
 * Errors: NO_DEVICE, also where one is named twice or cannot be split so; NO_MEMORY. A pure
 * function; the caller frees ret_choices with free().
 */
LAM_API LAM_MUST_USE lam_status lam_device_select_several(lam_context *context,
                                                          const lam_device_info *devices,
                                                          size_t count, const char *selectors,
                                                          lam_device_choice **ret_choices,
                                                          size_t *ret_count);

/** Lists, and selects as lam_device_select_several() does; free() the choices. Errors:
 * NO_DEVICE, NO_MEMORY. */
LAM_API LAM_MUST_USE lam_status lam_device_choose(lam_context *context, const char *selectors,
                                                  lam_device_choice **ret_choices,
                                                  size_t *ret_count);

typedef struct lam_device lam_device;

/**
 * Lists, selects as lam_device_select() does, and opens the device with one in-order queue.
 * Errors: NO_DEVICE, BAD_DEVICE, NO_MEMORY. The caller owns the result, which must outlive
 * everything made with it.
 */
LAM_API LAM_MUST_USE lam_status lam_device_open(lam_context *context, const char *selector,
                                                lam_device **ret_device);

/**
 * Opens what lam_device_select_several() chose. Several devices work at once when each has a
 * context, and a thread, of its own. Errors: as lam_device_open().
 */
LAM_API LAM_MUST_USE lam_status lam_device_open_choice(lam_context *context,
                                                       const lam_device_choice *choice,
                                                       lam_device **ret_device);
LAM_API void lam_device_close(lam_device **device);

LAM_API const lam_device_info *lam_device_get_info(const lam_device *device);

LAM_END_DECLS

#endif
