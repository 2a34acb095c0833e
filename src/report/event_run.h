/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an event file holds of a run, in three parts: how it began, its measurements, and what
 * is known once it is over.
 */
#ifndef LAM_REPORT_EVENT_RUN_H
#define LAM_REPORT_EVENT_RUN_H

#include "base/error.h"
#include "base/strbuf.h"
#include "lamina/run_history.h"

/** When steps were taken, in seconds since 1970. */
typedef struct lam_event_clock {
    int64_t last_step;
    double last_time;
    double seconds_per_step; /* 0 while unknown */
} lam_event_clock;

/** The file `path` was last written at `last_step`, after `seconds`. */
lam_event_clock lam_event_clock_start(const char *path, int64_t last_step, double seconds);
double lam_event_clock_tell(const lam_event_clock *clock, int64_t step);

/** `group`: of repetitions; "" of a run by itself. */
void lam_event_append_start(lam_context *context, const lam_run_history *run, const char *group,
                            double time, lam_strbuf *file);

void lam_event_append_measurement(lam_strbuf *file, double time, const lam_measurement *m);

/** Of a run that is over. Errors: BAD_MODEL, NO_MEMORY. */
LAM_MUST_USE lam_status lam_event_append_end(lam_context *context, const lam_run_history *run,
                                             const lam_event_clock *clock, lam_strbuf *file);

/** All of a run. Errors: as above. */
LAM_MUST_USE lam_status lam_event_append_run(lam_context *context, const lam_run_history *run,
                                             const char *group, lam_strbuf *file);

#endif
