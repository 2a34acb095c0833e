/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Timing repeated work on a device.
 */
#ifndef LAM_BENCH_CLOCK_H
#define LAM_BENCH_CLOCK_H

#include "op/plan.h"

/** Seconds on a clock that only goes forward. */
double lam_clock_get_seconds(void);

/**
 * Enqueues `plan` over and over, step = 0 .. steps-1 in turn, and waits: the least time of one
 * pass over several rounds that last about `seconds` in all. Runs it once before.
 */
LAM_MUST_USE lam_status lam_clock_time_plan(const lam_engine *engine, lam_plan *plan, int steps,
                                            double seconds, double *ret_seconds);

#endif
