/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What `lamina bench` measures, table by table. Each line goes to stdout as it is known, unless
 * --json was asked for; everything goes into the session's JSON object.
 */
#ifndef LAM_TOOLS_BENCH_H
#define LAM_TOOLS_BENCH_H

#include "tool.h"

typedef struct bench_options {
    common_options common;
    const char *net; /* NULL: everything */
    long batch;      /* 0: the usual ones */
    long members, epochs;
    double seconds, limit_seconds; /* of one measurement, of all */
    bool scaling, batch_norm;
} bench_options;

typedef struct bench_session {
    const bench_options *options;
    lam_device *device;
    lam_dataset *dataset; /* NULL: random rows */
    lam_device_limits limits;
    json_t *json;
    double stop_seconds; /* on the clock of get_seconds() */
    int left_out;        /* measurements that did not fit into time or memory */
} bench_session;

/* ---- bench_session.c ---- */

/** Seconds on a clock that only goes forward. */
double get_seconds(void);

/** One line on stdout, where no JSON was asked for. */
void print_line(const bench_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** What is being measured, on a terminal behind stderr, until the next line. */
void show_task(const bench_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void clear_task(void);

/** False, and one measurement left out, once the session's time is over. */
bool has_time(bench_session *session);

/** True, and one measurement left out, where `status` says that it does not fit the device.
 * What the user asked for by name is not left out: its failure is the session's. */
bool is_left_out(bench_session *session, lam_status status);

/** Times steps of `net` with the session's options. */
LAM_MUST_USE lam_status time_network(bench_session *session, const char *net, long batch,
                                     bool profiles, lam_network_time *ret_time);

/* ---- the tables ---- */

LAM_MUST_USE lam_status bench_limits(bench_session *session);
LAM_MUST_USE lam_status bench_products(bench_session *session);
LAM_MUST_USE lam_status bench_networks(bench_session *session);
LAM_MUST_USE lam_status bench_scaling(bench_session *session);

#endif
