/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A plan: launches with bound arguments, made once and enqueued many times. The one thing that
 * changes between runs of a plan is the step number, which kernels use to find their rows in
 * the order and their row in the table of learning rates and the like.
 */
#ifndef LAM_OP_PLAN_H
#define LAM_OP_PLAN_H

#include "op/engine.h"

typedef struct lam_plan lam_plan;

LAM_MUST_USE lam_status lam_plan_create(const lam_engine *engine, lam_plan **ret_plan);
void lam_plan_destroy(lam_plan **plan);

/** Enqueues all launches for step `step` and returns: no allocation, no waiting, no text.
 * Errors: BAD_KERNEL, BAD_DEVICE. */
LAM_MUST_USE lam_status lam_plan_enqueue(lam_plan *plan, int step);

/**
 * Runs every launch once, as lam_plan_enqueue() for step 0 does, waiting for each: drivers that
 * compile at a kernel's first execution do so here. A product that takes longer than the
 * engine's longest_launch_ns goes in slices of its rows from then on, with the same bits: short
 * enough for desktops, which reset devices that do not answer. Launches may run several times,
 * so what they do must not depend on that. CLBlast's products stay whole.
 */
LAM_MUST_USE lam_status lam_plan_warm_up(lam_plan *plan);

/** Launches in the plan; one in slices counts once. */
size_t lam_plan_get_launch_count(const lam_plan *plan);

/** Writes what launch `index` is, e.g. "matmul_forward 100x3072x50", into `name`. */
void lam_plan_name_launch(const lam_plan *plan, size_t index, char *name, size_t bytes);

/** Whether launch `index` computes a matrix product, alone or with others. */
bool lam_plan_is_product(const lam_plan *plan, size_t index);

/** Appends a product. The buffers stay the caller's. */
LAM_MUST_USE lam_status lam_plan_add_gemm(lam_plan *plan, const lam_blas_gemm *gemm);

/** Gives the plan a buffer to destroy with it, and destroys it at once on failure. */
LAM_MUST_USE lam_status lam_plan_take_buffer(lam_plan *plan, lam_buffer *buffer);

/* ---- building one kernel launch: begin, bind each argument in order, add ---- */

/** A launch under construction. A failure is kept and reported by lam_plan_add_launch(). */
typedef struct lam_launch_builder {
    lam_plan *plan;
    lam_kernel *kernel;
    int next_argument;
    int step_argument; /* -1 when the kernel takes no step */
    const char *entry; /* static text */
    size_t shape[3];   /* of a product, for its name; zeros otherwise */
    bool is_product;   /* computes a matrix product or a part of it */
    bool has_rows;     /* in dimension 1, each by itself: the launch may go in slices of them */
    lam_status status;
} lam_launch_builder;

lam_launch_builder lam_launch_begin(const lam_engine *engine, lam_plan *plan,
                                    const char *family, const char *entry,
                                    const lam_define_set *defines);
void lam_launch_bind_buffer(lam_launch_builder *launch, const lam_buffer *buffer);
void lam_launch_bind_int(lam_launch_builder *launch, size_t value);
void lam_launch_bind_step(lam_launch_builder *launch);

/** A `local` that leaves the work-group to the driver: for kernels that do not care. */
extern const size_t lam_any_local[3];

/** Appends the launch over `items` work-items, rounded up to multiples of `local`. */
LAM_MUST_USE lam_status lam_plan_add_launch(lam_launch_builder *launch, const size_t items[3],
                                            const size_t local[3]);

#endif
