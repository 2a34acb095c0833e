/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Timing repeated work on a device.
 */
#ifndef LAM_BENCH_CLOCK_H
#define LAM_BENCH_CLOCK_H

#include "lamina/bench.h"
#include "op/plan.h"

/**
 * Enqueues `plan` over and over, step = 0 .. steps-1 in turn, and waits: the least seconds of
 * one pass over the rounds that `effort` asks for, where an epoch is `steps` passes.
 * Errors: BAD_ARGUMENT (the effort), INTERRUPTED, BAD_KERNEL, BAD_DEVICE.
 */
LAM_MUST_USE lam_status lam_clock_time_plan(const lam_engine *engine, lam_plan *plan, int steps,
                                            const lam_bench_effort *effort,
                                            double *ret_seconds);

#endif
