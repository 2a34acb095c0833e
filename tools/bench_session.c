/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

double get_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void print_line(const bench_session *session, const char *format, ...)
{
    clear_task();
    if (session->options->common.json)
        return;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static bool shows_task; /* a line stands on the terminal */

void show_task(const bench_session *session, const char *format, ...)
{
    if (!isatty(STDERR_FILENO))
        return;
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(text + length, sizeof text - (size_t)length, " (%.0f s left at most)",
             session->stop_seconds - get_seconds());
    fprintf(stderr, "\r\033[K%.*s", get_terminal_columns() - 1, text);
    shows_task = true;
}

void clear_task(void)
{
    if (shows_task)
        fputs("\r\033[K", stderr);
    shows_task = false;
}

bool has_time(bench_session *session)
{
    if (get_seconds() < session->stop_seconds)
        return true;
    session->left_out++;
    return false;
}

bool is_left_out(bench_session *session, lam_status status)
{
    if (status != LAM_STATUS_NO_MEMORY || session->options->net)
        return false;
    session->left_out++;
    return true;
}

lam_status time_network(bench_session *session, const char *net, long batch, bool profiles,
                        lam_network_time *ret_time)
{
    const bench_options *options = session->options;
    net_shape shape = {0};
    if (!parse_net(net, options->batch_norm, &shape))
        return LAM_STATUS_BAD_ARGUMENT;
    show_task(session, "%s, batch %ld", net, batch);
    const lam_network_task task = {
        .network = &shape.network,
        .inputs = shape.inputs,
        .batch = (size_t)batch,
        .members = (size_t)options->members,
        .dataset = session->dataset,
        .gemm = options->common.gemm,
        .effort = {.seconds = options->seconds, .epochs = (int)options->epochs},
        .profiles = profiles};
    return lam_bench_network(session->device, &task, ret_time);
}
